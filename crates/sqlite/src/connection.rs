//! Connections: how each is opened, and what is asserted of it.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::Fault;

/// How long one waits for a lock that another process holds.
const BUSY: Duration = Duration::from_secs(5);
/// How often it is tried for.
const BREATH: Duration = Duration::from_millis(1);
/// How long whoever writes one piece after the other leaves the lock to others: they try several times meanwhile.
pub(crate) const TURN: Duration = Duration::from_millis(5);
/// The log is cut to this when it begins anew.
const LOG_BYTES: u32 = 64 << 20;
/// What a connection keeps of the file, in KiB. More makes no add faster, for the system keeps the file too, while each
/// commit that splits a page looks through all that is kept.
const CACHE_KIB: i32 = 16_384;
/// Statements that a connection keeps ready.
const STATEMENTS: usize = 256;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
}

/// Opens a connection and asserts that what it commits is on the disk.
pub(crate) fn open(path: &Path, access: Access) -> Result<Connection, Fault> {
    // Never one that makes a file: where it should be there may for a while be nothing, or an empty folder.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan holds for all values: else statements are compiled again whenever they are given others.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    match access {
        Access::Write => write(&connection)?,
        Access::Read => connection.pragma_update(None, "query_only", true)?,
    }
    Ok(connection)
}

/// Whether to try once more for a lock that another process holds.
///
/// SQLite's own handler waits longer and longer, up to a tenth of a second; beside somebody who writes one piece after
/// the other it would nearly always come too late.
pub(crate) fn wait(times: i32) -> bool {
    thread_local! {
        static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    }
    let now = Instant::now();
    let since = SINCE.get().filter(|_| times > 0).unwrap_or(now);
    SINCE.set(Some(since));
    std::thread::sleep(BREATH);
    now - since < BUSY
}

fn write(connection: &Connection) -> Result<(), Fault> {
    // Where a file cannot be opened for writing, SQLite opens it for reading without a word.
    if connection.is_readonly("main")? {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(error, None).into());
    }
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where the system has more than one kind of sync, the one that reaches the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // SQLite would not say that it failed.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    // What a savepoint would restore: not by way of the disk.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let synchronous: u8 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    match (mode.as_str(), synchronous) {
        ("wal", FULL) => Ok(()),
        _ => Err(Fault::Invalid(format!(
            "the file system does not let the database be durable: journal_mode is {mode}, synchronous is {synchronous}"
        ))),
    }
}

/// `synchronous=FULL`, as SQLite tells it.
const FULL: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_writer_commits_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.sqlite");
        assert!(open(&path, Access::Write).is_err() && !path.exists());
        std::fs::write(&path, "").unwrap();
        let connection = open(&path, Access::Write).unwrap();
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(number("synchronous"), i64::from(FULL));
        assert_eq!(number("wal_autocheckpoint"), 0);
    }
}
