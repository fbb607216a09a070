//! What goes wrong in here, and what the port is told of it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use incoming_leads_model::Refusal;
use incoming_leads_port::{Error, ErrorKind, Operation, Outcome};
use rusqlite::ErrorCode;
use thiserror::Error as ThisError;

/// After what time asking again makes sense when the database could not be used.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a job or a question was not answered. Cheap to copy: one may end a whole group of jobs.
#[derive(Debug, Clone, ThisError)]
pub(crate) enum Fault {
    /// The model refused.
    #[error("{0}")]
    Refused(Refusal),
    /// What was asked is wrong.
    #[error("{0}")]
    Invalid(String),
    /// There is no such account or active user.
    #[error("the account has no such active user")]
    Unauthorized,
    /// SQLite.
    #[error("the database cannot be used")]
    Database(#[source] Arc<rusqlite::Error>),
    /// A file that cannot be read or written.
    #[error("{0}")]
    File(String),
    /// A row that contradicts itself.
    #[error("{table} {key}: {what}")]
    Damaged { table: &'static str, key: String, what: String },
    /// A commit failed, and whether it holds could not be found out.
    #[error("whether it was stored cannot be told")]
    Unknown(#[source] Arc<rusqlite::Error>),
    /// The writer broke off before it answered.
    #[error("whether it was stored cannot be told")]
    Unanswered,
    /// The work itself broke off.
    #[error("the work broke off: {0}")]
    Panicked(String),
    /// More waits to be written than there is room for.
    #[error("too much waits to be written")]
    Crowded,
    /// The writer is gone.
    #[error("the store is closed")]
    Closed,
}

impl Fault {
    /// A row that contradicts itself.
    pub(crate) fn damaged(table: &'static str, key: impl Display, what: impl Display) -> Self {
        Self::Damaged { table, key: key.to_string(), what: what.to_string() }
    }

    /// The same, where it is the row's fault that its columns cannot be read.
    pub(crate) fn in_row(self, table: &'static str, key: impl Display) -> Self {
        match self {
            Self::Database(error) if is_of_row(&error) => Self::damaged(table, key, error),
            other => other,
        }
    }

    /// What SQLite says, if it is SQLite that says it.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Database(error) | Self::Unknown(error) => error.sqlite_error_code(),
            Self::Refused(_)
            | Self::Invalid(_)
            | Self::Unauthorized
            | Self::File(_)
            | Self::Damaged { .. }
            | Self::Panicked(_)
            | Self::Crowded
            | Self::Unanswered
            | Self::Closed => None,
        }
    }

    /// Whether a connection that met this is to be given up: what it holds open may not be what is there.
    pub(crate) fn breaks_connection(&self) -> bool {
        match self.code() {
            None
            | Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ConstraintViolation
                | ErrorCode::DiskFull
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch,
            ) => false,
            Some(_) => true,
        }
    }

    /// What the port is told.
    pub(crate) fn told(self, operation: Operation) -> Error {
        let not_applied = |kind| Error::new(kind, operation).with_outcome(Outcome::NotApplied);
        match self {
            Self::Refused(refusal) => Error::refused(operation, refusal),
            Self::Invalid(detail) => not_applied(ErrorKind::Invalid).with_detail(detail),
            Self::Unauthorized => not_applied(ErrorKind::Unauthorized),
            Self::Damaged { .. } | Self::Panicked(_) => {
                not_applied(ErrorKind::Damaged).with_detail(self.to_string())
            }
            Self::Crowded | Self::Closed | Self::File(_) => not_applied(ErrorKind::Unavailable)
                .with_detail(self.to_string())
                .with_retry_after(RETRY_AFTER),
            Self::Unknown(_) | Self::Unanswered => {
                let detail = match &self {
                    Self::Unknown(error) => format!("{self}: {}", why(error)),
                    _ => self.to_string(),
                };
                // Only the writer says so, whatever the operation is called that wrote.
                Error::new(ErrorKind::Unavailable, operation)
                    .with_outcome(Outcome::Unknown)
                    .with_detail(detail)
                    .with_retry_after(RETRY_AFTER)
            }
            Self::Database(error) => match error.sqlite_error_code() {
                Some(
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation,
                )
                | None => not_applied(ErrorKind::Damaged).with_detail(why(&error)),
                Some(_) => {
                    not_applied(ErrorKind::Unavailable).with_detail(why(&error)).with_retry_after(RETRY_AFTER)
                }
            },
        }
    }
}

/// A sentence for people. It says all that there is to say: what lies beneath would only say it again.
pub(crate) fn why(error: &rusqlite::Error) -> String {
    // Without the statement, which is one of ours and may be as long as a schema.
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        return msg.clone();
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::ReadOnly) => "the database is read-only".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps the database locked".to_owned()
        }
        Some(ErrorCode::CannotOpen) => {
            "the database, or a file that SQLite keeps beside it, cannot be opened".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => {
            let code = error.sqlite_error().map_or(0, |error| error.extended_code);
            format!("the disk fails: {error} (SQLite's code {code})")
        }
        Some(_) | None => error.to_string(),
    }
}

/// Whether the error says that a row holds something else than it must.
fn is_of_row(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    )
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_is_told_once_and_without_the_statement() {
        let told = |error: rusqlite::Error| {
            let told = Fault::from(error).told(Operation::Open);
            assert!(told.source().is_none(), "{told:?}");
            told.to_string()
        };
        let failure = |code, text: &str| {
            told(rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned())))
        };
        assert_eq!(
            failure(ffi::SQLITE_NOTADB, "file is not a database"),
            "open the store: file is not a database"
        );
        assert_eq!(
            failure(ffi::SQLITE_IOERR_FSYNC, "disk I/O error"),
            "open the store: the disk fails: disk I/O error (SQLite's code 1034)"
        );
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let step = "CREATE TABLE t (a); INSERT INTO t (a) SELECT b FROM t";
        assert_eq!(told(connection.execute_batch(step).unwrap_err()), "open the store: no such column: b");
        let unknown = Fault::Unknown(Arc::new(connection.execute_batch(step).unwrap_err()));
        let unknown = unknown.told(Operation::Add);
        assert!(unknown.source().is_none(), "{unknown:?}");
        let said = "whether it was stored cannot be told: table t already exists";
        assert!(unknown.to_string().ends_with(said), "{unknown}");
    }
}
