//! What goes wrong here, and what the port calls it.

use std::time::Duration;

use deadpool_postgres::{HookError, PoolError};
use incoming_leads_model::Refusal;
use incoming_leads_port::{Error, ErrorKind, Operation, Outcome};
use thiserror::Error as ThisError;
use tokio_postgres::error::{DbError, SqlState};

/// After what time asking again makes sense: most causes are gone within seconds.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What this crate's functions answer.
pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// What went wrong. Nothing took effect, but for [`Fault::Lost`].
#[derive(Debug, ThisError)]
pub(crate) enum Fault {
    #[error("{0}")]
    Refused(Refusal),
    #[error("{0}")]
    Invalid(String),
    #[error("the account or its active user is not there")]
    Unauthorized,
    #[error("table {table}, {key}: {what}")]
    Damaged { table: &'static str, key: String, what: String },
    #[error("the database does not do it")]
    Database(#[from] tokio_postgres::Error),
    #[error("there is no connection to the database")]
    Pool(#[from] PoolError),
    /// The commit was sent, and what became of it cannot be told: the connection was lost, or no answer came in time.
    #[error("no answer came to the commit")]
    Lost(#[source] Option<tokio_postgres::Error>),
    /// Nothing came in answer to a statement, not even that it takes too long. What it began is not committed.
    #[error("the database does not answer")]
    Silent,
    /// What was read no longer held, again and again.
    #[error("others changed the same each time")]
    Contended,
    /// An account was written in the meantime; its layout was read anew.
    #[error("the account was changed meanwhile")]
    Stale,
    #[error("too much waits to be written")]
    Full,
    #[error("too many questions wait to be asked")]
    Crowded,
    /// Nobody can tell how far it came.
    #[error("the work on it broke off")]
    Broken,
    /// What ended a whole group; told to each of its commands but one, without its source.
    #[error("{detail}")]
    Shared { detail: String, kind: ErrorKind, outcome: Outcome, remedy: Remedy },
    #[error("the store is being closed")]
    Closed,
    #[error("the address of the database is not understood: {0}")]
    Address(String),
    #[error("the certificates are not there: {0}")]
    Certificates(String),
}

/// What is to be done about a fault of a transaction that was not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Read and decide again: somebody was faster, or two waited for each other.
    Again,
    /// The same, with new ids: one was taken.
    AgainWithNewIds,
    /// Ask for a new connection; the old one is of no use.
    Reconnect,
    /// Nothing: tell.
    None,
}

impl Fault {
    pub(crate) fn damaged(table: &'static str, key: impl ToString, what: impl ToString) -> Self {
        Fault::Damaged { table, key: key.to_string(), what: what.to_string() }
    }

    /// What was said in answer to a commit: what concerns the data undid it; what concerns the server, its disk or the
    /// connection may have come after the commit was written.
    pub(crate) fn of_commit(error: tokio_postgres::Error) -> Self {
        // Class 23 integrity constraints, 40 rollback, 25 transaction state.
        let is_of_data =
            |code: &SqlState| ["23", "25", "40"].iter().any(|class| code.code().starts_with(class));
        if error.code().is_some_and(is_of_data) { Fault::Database(error) } else { Fault::Lost(Some(error)) }
    }

    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            Fault::Contended => Remedy::Again,
            Fault::Shared { remedy, .. } => *remedy,
            Fault::Stale => Remedy::AgainWithNewIds,
            Fault::Silent => Remedy::Reconnect,
            Fault::Database(error) => remedy(error),
            Fault::Refused(_)
            | Fault::Invalid(_)
            | Fault::Unauthorized
            | Fault::Damaged { .. }
            // Where there was none to be had, there is none at once either.
            | Fault::Pool(_)
            | Fault::Lost(_)
            | Fault::Full
            | Fault::Crowded
            | Fault::Broken
            | Fault::Closed
            | Fault::Address(_)
            | Fault::Certificates(_) => Remedy::None,
        }
    }

    /// Whether it would meet every other command just the same.
    pub(crate) fn is_of_all(&self) -> bool {
        matches!(self, Fault::Pool(_) | Fault::Lost(_)) || self.remedy() == Remedy::Reconnect
    }

    /// Whether it was waited for in vain: for somebody's lock, or for the statement's end.
    pub(crate) fn is_timeout(&self) -> bool {
        let code = match self {
            Fault::Database(error) => error.code(),
            _ => None,
        };
        code.is_some_and(|code| [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].contains(code))
    }

    /// The same for another command.
    pub(crate) fn again(&self) -> Self {
        match self {
            Fault::Refused(refusal) => Fault::Refused(refusal.clone()),
            other => {
                let (kind, outcome) = other.kind();
                Fault::Shared { detail: other.detail(), kind, outcome, remedy: other.remedy() }
            }
        }
    }

    /// As the port tells it.
    pub(crate) fn told(self, operation: Operation) -> Error {
        let (kind, outcome) = self.kind();
        if let Fault::Refused(refusal) = self {
            return Error::refused(operation, refusal);
        }
        let error = Error::new(kind, operation).with_outcome(outcome).with_detail(self.detail());
        let error = match kind {
            ErrorKind::Unavailable | ErrorKind::Timeout => error.with_retry_after(RETRY_AFTER),
            _ => error,
        };
        match self {
            // The detail has what the server says.
            _ if self.said().is_some() => error,
            Fault::Database(source)
            | Fault::Lost(Some(source))
            | Fault::Pool(
                PoolError::Backend(source) | PoolError::PostCreateHook(HookError::Backend(source)),
            ) => error.with_source(source),
            Fault::Pool(source) => error.with_source(source),
            _ => error,
        }
    }

    fn kind(&self) -> (ErrorKind, Outcome) {
        let not_applied = |kind| (kind, Outcome::NotApplied);
        match self {
            Fault::Shared { kind, outcome, .. } => (*kind, *outcome),
            Fault::Refused(_) | Fault::Invalid(_) | Fault::Address(_) | Fault::Certificates(_) => {
                not_applied(ErrorKind::Invalid)
            }
            Fault::Unauthorized => not_applied(ErrorKind::Unauthorized),
            Fault::Damaged { .. } => not_applied(ErrorKind::Damaged),
            Fault::Broken => (ErrorKind::Damaged, Outcome::Unknown),
            Fault::Lost(_) => (ErrorKind::Unavailable, Outcome::Unknown),
            Fault::Database(error) | Fault::Pool(PoolError::Backend(error)) => not_applied(kind(error)),
            Fault::Pool(_)
            | Fault::Silent
            | Fault::Contended
            | Fault::Stale
            | Fault::Full
            | Fault::Crowded
            | Fault::Closed => not_applied(ErrorKind::Unavailable),
        }
    }

    /// A sentence for people, with what the server says, which holds no row.
    fn detail(&self) -> String {
        match self.said() {
            Some(said) => format!("{self}: {} ({})", said.message(), said.code().code()),
            None => self.to_string(),
        }
    }

    /// What the server says, if it is the one that complains.
    fn said(&self) -> Option<&DbError> {
        match self {
            Fault::Database(error)
            | Fault::Lost(Some(error))
            | Fault::Pool(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                error.as_db_error()
            }
            _ => None,
        }
    }
}

fn remedy(error: &tokio_postgres::Error) -> Remedy {
    let Some(code) = error.code() else { return Remedy::Reconnect };
    // A division by zero is how a statement says that a condition of a write does not hold.
    let again =
        [&SqlState::T_R_DEADLOCK_DETECTED, &SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::DIVISION_BY_ZERO];
    if again.contains(&code) {
        return Remedy::Again;
    }
    if *code == SqlState::UNIQUE_VIOLATION {
        let constraint = error.as_db_error().and_then(|error| error.constraint()).unwrap_or_default();
        return match constraint {
            "items_identity" | "tags_name" => Remedy::Again,
            _ => Remedy::AgainWithNewIds,
        };
    }
    if is_of_server(code) || *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Remedy::Reconnect;
    }
    Remedy::None
}

/// Whether the server, not the statement, is what stands in the way: it stops, starts, has no room.
fn is_of_server(code: &SqlState) -> bool {
    // Class 08 connection exception, 57P operator intervention.
    code.code().starts_with("08") || code.code().starts_with("57P")
}

fn kind(error: &tokio_postgres::Error) -> ErrorKind {
    let Some(code) = error.code() else { return ErrorKind::Unavailable };
    let busy = [
        &SqlState::T_R_DEADLOCK_DETECTED,
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::LOCK_NOT_AVAILABLE,
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    if *code == SqlState::QUERY_CANCELED {
        ErrorKind::Timeout
    // Class 53 insufficient resources: connections, memory, the disk. Class 58 its system, 28 whom it lets in.
    } else if busy.contains(&code)
        || is_of_server(code)
        || ["53", "58", "28"].iter().any(|class| code.code().starts_with(class))
    {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Unexpected
    }
}
