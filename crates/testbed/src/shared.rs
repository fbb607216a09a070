//! One server for many tests, each with a database of its own.

use std::env;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries;
use crate::error::{Error, Result};
use crate::server::{Postgres, Settings};

/// Names the variable that holds the address of a server whose databases tests may make and drop. `cargo xtask test`
/// sets it.
pub const SHARED: &str = "INCOMING_LEADS_POSTGRES";

/// An empty database, dropped with its connections when this is.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// How to reach it.
    #[must_use]
    pub fn url(&self) -> String {
        with_database(&self.server, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that is gone took its databases along.
        drop(psql(&self.server, &format!("drop database if exists {} with (force)", self.name)));
    }
}

/// Whether what is missing is a failure: in CI everything is there.
#[must_use]
pub fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

/// A database of the server that [`SHARED`] names, else of one that this test program keeps. `None` where the machine
/// has no PostgreSQL: the test is skipped and says so.
///
/// # Panics
/// When the server does not work; in CI also when there is none.
#[must_use]
pub fn database() -> Option<Database> {
    static SERVER: OnceLock<Result<Postgres>> = OnceLock::new();
    if let Ok(address) = env::var(SHARED) {
        return Some(database_of(&address).unwrap_or_else(|error| panic!("{error}")));
    }
    // What is static is never dropped; the server ends because this process does.
    let server = SERVER.get_or_init(|| Postgres::start(&Settings::default().with_fsync(false)));
    match server {
        Ok(server) => Some(database_of(&server.url("postgres")).unwrap_or_else(|error| panic!("{error}"))),
        Err(Error::Absent) if !in_ci() => {
            eprintln!("skipped: there is no PostgreSQL on this machine; {}", binaries::HOW_TO_INSTALL);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A database of its own on the server at this address.
///
/// # Errors
/// When the server cannot make one.
pub fn database_of(server: &str) -> Result<Database> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    psql(server, &format!("create database {name}"))?;
    Ok(Database { server: server.to_owned(), name })
}

fn psql(address: &str, sql: &str) -> Result<String> {
    binaries::run(binaries::program("psql")?.args(["-X", "-q", "-A", "-t", "-d", address, "-c", sql]))
}

/// The address with another database in it.
fn with_database(address: &str, name: &str) -> String {
    let (rest, query) = address.split_once('?').map_or((address, None), |(rest, query)| (rest, Some(query)));
    let scheme = rest.find("://").map_or(0, |at| at + 3);
    let authority = rest[scheme..].find('/').map_or(rest.len(), |at| scheme + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &rest[..authority])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_an_address_is_replaced_and_the_rest_stays() {
        for (address, expected) in [
            ("postgresql://u:p@h:1/postgres", "postgresql://u:p@h:1/x"),
            ("postgresql://u@h", "postgresql://u@h/x"),
            ("postgresql://u@/a?host=/tmp/b&port=1", "postgresql://u@/x?host=/tmp/b&port=1"),
        ] {
            assert_eq!(with_database(address, "x"), expected);
        }
    }
}
