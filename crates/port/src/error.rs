//! The one error of the port.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use incoming_leads_model::Refusal;

/// What the port answers.
pub type Result<T> = std::result::Result<T, Error>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an operation did not answer what was asked for, and whether it took effect all the same.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Operation,
    outcome: Outcome,
    detail: Option<String>,
    refusal: Option<Refusal>,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

/// The kinds of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command or question is wrong; [`Error::refusal`] says where, if it is known.
    Invalid,
    /// Nothing with this uid waits in the account.
    NotFound,
    /// The user lacks a right.
    Forbidden,
    /// The credentials are missing, unknown or dead.
    Unauthorized,
    /// The transport cannot do that: see [`Capabilities`](crate::Capabilities).
    Unsupported,
    /// Too much was asked in too short a time.
    RateLimited,
    /// The other side lets nobody in for now.
    Blocked,
    /// The other side cannot be reached or is not able to answer for now.
    Unavailable,
    /// No answer came in time.
    Timeout,
    /// The answer could not be understood.
    Unexpected,
    /// What is stored contradicts itself.
    Damaged,
}

impl ErrorKind {
    const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Invalid => "it is not valid",
            ErrorKind::NotFound => "it was not found",
            ErrorKind::Forbidden => "it is forbidden",
            ErrorKind::Unauthorized => "the credentials are not accepted",
            ErrorKind::Unsupported => "the transport cannot do that",
            ErrorKind::RateLimited => "the rate limit is reached",
            ErrorKind::Blocked => "access is blocked",
            ErrorKind::Unavailable => "the other side is not available",
            ErrorKind::Timeout => "no answer came in time",
            ErrorKind::Unexpected => "the answer could not be understood",
            ErrorKind::Damaged => "what is stored contradicts itself",
        }
    }
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// To list.
    List,
    /// To get one.
    Get,
    /// To add.
    Add,
    /// To accept.
    Accept,
    /// To decline.
    Decline,
    /// To link.
    Link,
    /// To summarise.
    Summary,
    /// To look something up beside incoming leads.
    Directory,
    /// To take a chat or a mail in.
    TakeIn,
    /// To read the history.
    History,
    /// To look up who may come in.
    Registry,
    /// To set accounts up, to import or export.
    Provision,
    /// To open a store.
    Open,
}

impl Operation {
    /// Whether it changes something.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Operation::Add
            | Operation::Accept
            | Operation::Decline
            | Operation::Link
            | Operation::TakeIn
            | Operation::Provision => true,
            Operation::List
            | Operation::Get
            | Operation::Summary
            | Operation::Directory
            | Operation::History
            | Operation::Registry
            | Operation::Open => false,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Operation::List => "list incoming leads",
            Operation::Get => "get an incoming lead",
            Operation::Add => "add incoming leads",
            Operation::Accept => "accept an incoming lead",
            Operation::Decline => "decline an incoming lead",
            Operation::Link => "link an incoming lead",
            Operation::Summary => "summarise incoming leads",
            Operation::Directory => "look entities up",
            Operation::TakeIn => "take a message in",
            Operation::History => "read the history",
            Operation::Registry => "look credentials up",
            Operation::Provision => "provision",
            Operation::Open => "open the store",
        }
    }
}

/// Whether an operation that failed took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third: whoever reads it must handle both")]
pub enum Outcome {
    /// It surely did not.
    NotApplied,
    /// Nobody can tell: it was sent and no answer came. Never retry blindly, never report a refusal.
    Unknown,
}

impl Error {
    /// An error of this kind. Its outcome follows from the kind: an operation that writes and ran into
    /// [`Timeout`](ErrorKind::Timeout), [`Unavailable`](ErrorKind::Unavailable), [`Unexpected`](ErrorKind::Unexpected)
    /// or [`Damaged`](ErrorKind::Damaged) is [`Unknown`](Outcome::Unknown) until [`Error::with_outcome`] knows better.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: Operation) -> Self {
        let outcome = match kind {
            ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Unexpected | ErrorKind::Damaged
                if operation.writes() =>
            {
                Outcome::Unknown
            }
            _ => Outcome::NotApplied,
        };
        let (detail, refusal, retry_after, source) = (None, None, None, None);
        Self(Box::new(Inner { kind, operation, outcome, detail, refusal, retry_after, source }))
    }

    /// The model refused: nothing took effect.
    #[must_use]
    pub fn refused(operation: Operation, refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Forbidden(_) => ErrorKind::Forbidden,
            Refusal::NotFound(_) => ErrorKind::NotFound,
            Refusal::Invalid(_) | Refusal::Items(_) => ErrorKind::Invalid,
        };
        let mut error = Self::new(kind, operation);
        error.0.refusal = Some(refusal);
        error
    }

    /// With a sentence for people, lower-case, without full stop and without secrets.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// With what is known of the outcome.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// With the time after which asking again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// With what lies beneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was asked.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Whether it took effect.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// A sentence for people beside what kind and refusal say.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The refusal with all its faults, where it is known.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        self.0.refusal.as_ref()
    }

    /// After what time asking again makes sense, where the other side said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later and does no harm when it is made again: it surely did not take effect.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.outcome == Outcome::NotApplied
            && match self.0.kind {
                ErrorKind::RateLimited
                | ErrorKind::Blocked
                | ErrorKind::Unavailable
                | ErrorKind::Timeout
                | ErrorKind::Unexpected => true,
                ErrorKind::Invalid
                | ErrorKind::NotFound
                | ErrorKind::Forbidden
                | ErrorKind::Unauthorized
                | ErrorKind::Unsupported
                | ErrorKind::Damaged => false,
            }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.0.operation.as_str())?;
        match (&self.0.refusal, &self.0.detail) {
            (Some(refusal), _) => refusal.fmt(f),
            (None, Some(detail)) => f.write_str(detail),
            (None, None) => f.write_str(self.0.kind.as_str()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, operation, outcome, detail, refusal, retry_after, source } = &*self.0;
        let mut shown = f.debug_struct("Error");
        shown.field("kind", kind).field("operation", operation).field("outcome", outcome);
        shown.field("detail", detail).field("refusal", refusal).field("retry_after", retry_after);
        shown.field("source", source).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
