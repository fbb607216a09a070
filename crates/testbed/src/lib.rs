//! What tests need beside the code: a private PostgreSQL. Never published, never part of a program.
//!
//! [`Postgres::start`] makes a cluster in a temporary folder and serves it on a socket in that folder and on a free
//! port of loopback, so that it meets no other cluster of the machine. PostgreSQL refuses to be root; where we are,
//! it runs as an ordinary user who owns the folder. It is stopped by the id of the process that was started here, and
//! it ends, and its folder goes, also when this process is killed.
//!
//! [`database`] is for tests that want a database of their own and leave the server alone: one server for a whole run
//! of `cargo xtask test`, else one for the test program.

mod binaries;
mod error;
mod server;
mod shared;

pub use binaries::HOW_TO_INSTALL;
pub use error::{Error, Result};
pub use server::{Frozen, Postgres, Settings, Stop};
pub use shared::{Database, SHARED, database, database_of, in_ci};
