//! The log: when it is copied into the database, and what happens no more once that has failed.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use crate::connection::{Access, wait};
use crate::error::Fault;
use crate::place::Place;

/// Pages in the log after which they are copied into the database: large, for each page is copied once.
const LONG: u32 = 10_000;
/// Pages after which readers are waited for: while one begins before another ends the log cannot begin anew.
const TOO_LONG: u32 = 8 * LONG;
/// How long they are waited for; nothing is written meanwhile.
const MOMENT: Duration = Duration::from_millis(50);
/// How long nobody is waited for afterwards.
const PAUSE: Duration = Duration::from_secs(1);

/// Who copies the log into the database, and sees to it that nothing else becomes of it.
///
/// What was acknowledged is in the log, and the log is synced. Once all of it was copied, and the database synced, it
/// begins anew. But where a reader is in the way SQLite copies what it may without a sync, and goes on behind that the
/// next time: after a sync that failed, one that succeeds says nothing of what was copied before. So the log is kept then.
#[derive(Debug)]
pub(crate) struct Log {
    /// Open as long as anything is written: SQLite reads a log back, also what was written to it and never committed,
    /// when a file is opened that nobody has open. None after a copy that failed.
    keeper: Option<Connection>,
    /// When readers were last waited for.
    waited: Option<Instant>,
}

impl Log {
    /// Of a database that others have open.
    pub(crate) fn open(place: &Place) -> Result<Self, Fault> {
        let keeper = place.open(Access::Read)?;
        // SQLite opens the log with the first read.
        keeper.execute_batch(READ)?;
        Ok(Self { keeper: Some(keeper), waited: None })
    }

    /// Whether it is time to copy it, and of use.
    pub(crate) fn is_due(&self, connection: &Connection) -> bool {
        let length = || {
            let mut length = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
            length.query_row([], |row| row.get::<_, u32>(1))
        };
        self.keeper.is_some() && length().is_ok_and(|length| length >= LONG)
    }

    /// Copies what no reader is in the way of, and syncs the database where that is all. Where the log is too long
    /// readers are waited for.
    pub(crate) fn copy(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        let length = self.checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        if length >= TOO_LONG && self.waited.is_none_or(|waited| waited.elapsed() >= PAUSE) {
            self.begin_anew(connection)?;
        }
        Ok(())
    }

    /// Copies all of it, unless readers take longer than a moment; the next commit is at its beginning.
    fn begin_anew(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        connection.busy_timeout(MOMENT)?;
        let copied = self.checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)");
        connection.busy_handler(Some(wait))?;
        self.waited = Some(Instant::now());
        copied.map(drop)
    }

    /// Copies as it is told; how long the log is.
    fn checkpoint(&mut self, connection: &Connection, how: &str) -> Result<u32, Fault> {
        let copied = connection.query_row(how, [], |row| row.get(1));
        if let Err(error) = &copied
            && error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
        {
            self.keep(error);
        }
        Ok(copied?)
    }

    /// Lets nobody copy all of it any more, nor begin it anew, in any process.
    fn keep(&mut self, error: &rusqlite::Error) {
        let Some(keeper) = self.keeper.take() else { return };
        tracing::error!(
            "the log could not be copied into the database ({error}): nothing is lost, but it is kept as it is and grows. \
             Once the disk is well start the server again, with no other program beside it"
        );
        // As long as somebody reads as of now, all from here on stays in the log.
        if let Err(error) = keeper.execute_batch("BEGIN").and_then(|()| keeper.execute_batch(READ)) {
            tracing::error!("the log cannot be kept from other programs that write: {error}");
        }
        // Not even closed: whoever is the last to close the file copies the log.
        std::mem::forget(keeper);
    }
}

const READ: &str = "SELECT 1 FROM sqlite_schema LIMIT 1";

#[cfg(test)]
mod tests {
    use rusqlite::config::DbConfig;

    use super::*;
    use crate::options::Options;

    #[test]
    fn a_log_that_is_read_begins_anew_once_the_reader_has_been_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.sqlite");
        drop(Options::default().open(&path).unwrap());
        let place = Place::of(path).unwrap();
        let mut writer = place.open(Access::Write).unwrap();
        let mut log = Log::open(&place).unwrap();
        let write = |writer: &Connection| {
            writer.execute("INSERT INTO store VALUES (random(), zeroblob(100000))", []).unwrap();
            writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, u32>(1)).unwrap()
        };
        // Where the machine is busy with other things the reader may take too long.
        let begins_anew = |_| {
            write(&writer);
            let reader = place.open(Access::Read).unwrap();
            reader.execute_batch("BEGIN; SELECT 1 FROM store").unwrap();
            let before = write(&writer);
            log.copy(&mut writer).unwrap();
            assert!(write(&writer) > before);
            let reading = std::thread::spawn(move || {
                std::thread::sleep(MOMENT / 5);
                drop(reader);
            });
            log.begin_anew(&mut writer).unwrap();
            reading.join().unwrap();
            write(&writer) < before
        };
        assert!((0..10).any(begins_anew));
        let own_wait: u32 = writer.pragma_query_value(None, "busy_timeout", |row| row.get(0)).unwrap();
        assert_eq!(own_wait, 0);
    }

    #[test]
    fn what_was_written_to_the_log_and_never_committed_does_not_come_to_light() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [path, copy] = [&folder, &other].map(|folder| folder.path().join("leads.sqlite"));
        drop(Options::default().open(&path).unwrap());
        let place = Place::of(path.clone()).unwrap();
        // Whose copy of the log fails when it is closed.
        let open = |place: &Place| {
            let writer = place.open(Access::Write).unwrap();
            writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
            writer
        };
        let write = |writer: &Connection, name| {
            writer.execute("INSERT INTO store VALUES (?1, 1)", [name]).unwrap();
        };
        let writer = open(&place);
        let _log = Log::open(&place).unwrap();
        write(&writer, "row 1");
        // The same file goes on elsewhere: what its log has more is what this one is left with by a commit that failed.
        let logs = [&path, &copy].map(|path| path.with_extension("sqlite-wal"));
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(&logs[0], &logs[1]).unwrap();
        let elsewhere = open(&Place::of(copy).unwrap());
        write(&elsewhere, "row 2");
        drop(elsewhere);
        std::fs::copy(&logs[1], &logs[0]).unwrap();
        drop(writer);
        let rows = "SELECT COUNT(*) FROM store WHERE name LIKE 'row %'";
        let count: u32 = open(&place).query_row(rows, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }

    #[test]
    fn after_a_copy_that_failed_nobody_ever_copies_all_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.sqlite");
        drop(Options::default().open(&path).unwrap());
        let place = Place::of(path.clone()).unwrap();
        let writer = place.open(Access::Write).unwrap();
        let mut log = Log::open(&place).unwrap();
        let write = |connection: &Connection| {
            connection.execute("INSERT INTO store VALUES (random(), 1)", []).unwrap();
        };
        write(&writer);
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        log.keep(&rusqlite::Error::SqliteFailure(error, None));
        assert!(!log.is_due(&writer));
        write(&writer);
        let other = Connection::open(&path).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        let is_busy: bool = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert!(is_busy);
        write(&other);
        drop((log, writer, other));
        assert!(std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len() > 3 * 4096);
    }
}
