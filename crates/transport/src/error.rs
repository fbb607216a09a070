//! Why no response came.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// No response came.
#[derive(Debug)]
pub struct SendError {
    kind: SendErrorKind,
    arrival: Arrival,
    detail: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// No connection could be made.
    Connect,
    /// No answer came in time.
    Timeout,
    /// The connection broke before the answer was whole.
    Broken,
    /// The answer is larger than is taken.
    TooLarge,
    /// Access is blocked; nothing is sent until the block is over.
    Blocked,
    /// There is no token that the other side accepts.
    Unauthorized,
    /// A token store or a shared limiter could not be used.
    Store,
    /// The request itself cannot be sent: no absolute address, a header that is none.
    Request,
}

/// Whether the request reached the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Arrival {
    /// Surely not: nothing took effect.
    No,
    /// Perhaps: it may have taken effect.
    Perhaps,
}

impl SendError {
    /// An error of this kind about a request that arrived so.
    #[must_use]
    pub const fn new(kind: SendErrorKind, arrival: Arrival) -> Self {
        Self { kind, arrival, detail: None, retry_after: None, source: None }
    }

    /// With a sentence for people, without secrets.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the time after which sending again makes sense.
    #[must_use]
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// With what lies beneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Why.
    #[must_use]
    pub const fn kind(&self) -> SendErrorKind {
        self.kind
    }

    /// Whether the request reached the other side.
    #[must_use]
    pub const fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// After what time sending again makes sense, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SendErrorKind::Connect => "no connection could be made",
            SendErrorKind::Timeout => "no answer came in time",
            SendErrorKind::Broken => "the connection broke before the answer was whole",
            SendErrorKind::TooLarge => "the answer is larger than is taken",
            SendErrorKind::Blocked => "access is blocked for now",
            SendErrorKind::Unauthorized => "there is no token that is accepted",
            SendErrorKind::Store => "shared state could not be used",
            SendErrorKind::Request => "the request cannot be sent",
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
