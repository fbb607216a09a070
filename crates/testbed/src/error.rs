//! Why there is no server.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What this crate answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine has no PostgreSQL: see [`HOW_TO_INSTALL`](crate::HOW_TO_INSTALL).
    #[error("there is no PostgreSQL on this machine")]
    Absent,
    /// Something outside did not work.
    #[error("failed to {0}")]
    Io(String, #[source] io::Error),
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: String,
        /// What it printed.
        output: String,
    },
    /// The server did not come up; its log is told.
    #[error("the server in {folder} did not come up: {log}")]
    NotReady {
        /// Its folder.
        folder: PathBuf,
        /// What it wrote.
        log: String,
    },
    /// It runs already, or does not run.
    #[error("the server is {0}")]
    State(&'static str),
}

/// To say what was tried.
pub(crate) fn io(tried: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let tried = tried.into();
    |error| Error::Io(tried, error)
}
