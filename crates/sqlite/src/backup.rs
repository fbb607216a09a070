//! Copies of the whole file, and taking one back.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::iter;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use incoming_leads_port::{Operation, Result};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Fault, why};
use crate::lock::{Opened, ServerLock, beside};
use crate::migrations;
use crate::store::Sqlite;

impl Sqlite {
    /// Copies all that is committed, as of one moment, into a new file. Reads beside whoever writes.
    ///
    /// # Errors
    /// [`Invalid`](incoming_leads_port::ErrorKind::Invalid) when there is such a file already, or a log of one;
    /// [`Unavailable`](incoming_leads_port::ErrorKind::Unavailable) when it cannot be written.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        let to = to.as_ref().to_owned();
        self.shared.read(Operation::Provision, move |connection| back_up(connection, &to)).await
    }
}

/// Puts a copy that [`Sqlite::backup`] made in the place of a database, with the same owner; where what was there is kept,
/// if there was anything. Cursors of the history that were given out before are refused afterwards: what they count may
/// not have happened.
///
/// # Errors
/// [`Invalid`](incoming_leads_port::ErrorKind::Invalid) when a server or a command has the database open, or it has a second
/// name (a hard link), when the copy is none of ours, damaged, newer than this program or the database itself;
/// [`Unavailable`](incoming_leads_port::ErrorKind::Unavailable) when a file cannot be read or written.
pub fn restore(copy: &Path, database: &Path) -> Result<Option<PathBuf>> {
    put_back(copy, database).map_err(|fault| fault.told(Operation::Open))
}

fn back_up(connection: &Connection, to: &Path) -> std::result::Result<(), Fault> {
    if to.exists() {
        return Err(Fault::Invalid(format!("{} is there already", to.display())));
    }
    if let Some(log) = LOGS.map(|log| joined(to, log)).into_iter().find(|log| log.exists()) {
        return Err(Fault::Invalid(format!(
            "{} is left of another database and would be taken for a part of the copy: remove it, or choose another name",
            log.display()
        )));
    }
    let part = beside(to, "part");
    let copied = copy(connection, &part).and_then(|()| rename(&part, to));
    if copied.is_err() {
        let _ = fs::remove_file(&part);
    }
    copied
}

/// Copies a database as of one moment; the copy is one file that is synced.
fn copy(from: &Connection, to: &Path) -> std::result::Result<(), Fault> {
    let _ = fs::remove_file(to);
    make(to)?;
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let backup = Backup::new(from, &mut target)?;
    // All in one step: between steps the snapshot is let go, and each commit of somebody else begins the copy anew.
    let is_whole = backup.step(-1)? == StepResult::Done;
    drop(backup);
    if !is_whole {
        return Err(Fault::File(format!(
            "another process keeps what is to be copied to {} locked",
            to.display()
        )));
    }
    target.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    check(&target, to)?;
    target.close().map_err(|(_, error)| error)?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| unwritable(to, &error))
}

fn check(connection: &Connection, path: &Path) -> std::result::Result<(), Fault> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Fault::Invalid(format!("{} is damaged: {found}", path.display())))
    }
}

fn put_back(from: &Path, database: &Path) -> std::result::Result<Option<PathBuf>, Fault> {
    fs::metadata(from).map_err(|error| Fault::Invalid(format!("cannot read {}: {error}", from.display())))?;
    regular(from)?;
    let source = sound(from).map_err(|fault| match fault {
        Fault::Database(error) => Fault::Invalid(format!("cannot read {}: {}", from.display(), why(&error))),
        other => other,
    })?;
    let database = real(database)?;
    regular(&database)?;
    if from.canonicalize().is_ok_and(|from| from == database) {
        return Err(Fault::Invalid(format!("{} is the database itself", from.display())));
    }
    // Whoever has the database open keeps one of these; all that follows is undone or done behind them.
    let locks = (ServerLock::take(&database)?, Opened::alone(&database)?);
    let fresh = beside(&database, "restored");
    let put = prepare(&source, &fresh).and_then(|()| {
        give(&fresh, &database)?;
        let kept = set_aside(&database)?;
        rename(&fresh, &database)?;
        Ok(kept)
    });
    if put.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    drop(locks);
    put
}

/// A copy that is one of ours and whole.
fn sound(copy: &Path) -> std::result::Result<Connection, Fault> {
    let source = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    migrations::check(&source, copy)?;
    check(&source, copy)?;
    Ok(source)
}

/// The name by which [`Options::open`](crate::Options::open) locks a database, whatever it is called.
fn real(database: &Path) -> std::result::Result<PathBuf, Fault> {
    match (database.canonicalize(), database.file_name()) {
        (Err(error), Some(name)) if error.kind() == ErrorKind::NotFound => {
            let folder = folder(database).canonicalize().map_err(|error| unwritable(database, &error))?;
            Ok(folder.join(name))
        }
        (real, _) => real.map_err(|error| unwritable(database, &error)),
    }
}

/// The copy as it is to be put in the place of a database.
fn prepare(source: &Connection, fresh: &Path) -> std::result::Result<(), Fault> {
    copy(source, fresh)?;
    let target = Connection::open(fresh)?;
    target.execute("UPDATE store SET value = lower(hex(randomblob(8))) WHERE name = 'id'", [])?;
    target.close().map_err(|(_, error)| error.into())
}

/// Gives a database a second name, until the copy takes the first, and its logs another one, or what is left of them: they
/// would be taken for a part of the copy.
fn set_aside(database: &Path) -> std::result::Result<Option<PathBuf>, Fault> {
    if database.exists() {
        gather(database)?;
    }
    let parts = iter::once("").chain(LOGS);
    let named = |number: u64| beside(database, &format!("before-{number}"));
    let is_taken = |name: &Path| parts.clone().any(|part| joined(name, part).exists());
    let mut number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    while is_taken(&named(number)) {
        number += 1;
    }
    let aside = named(number);
    let mut kept = None;
    for part in parts {
        let (from, to) = (joined(database, part), joined(&aside, part));
        if from.exists() {
            // Unlike a new name, a second one never takes the place of a file.
            let linked = fs::hard_link(&from, &to);
            linked.map_err(|error| {
                Fault::File(format!("cannot keep {} as {}: {error}", from.display(), to.display()))
            })?;
            if from != database {
                fs::remove_file(&from).map_err(|error| unwritable(&from, &error))?;
            }
            kept = kept.or(Some(to));
        }
    }
    Ok(kept)
}

/// What SQLite keeps beside a database, by the ends of the names.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A path with something more at its end.
pub(crate) fn joined(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Copies the log into the database, so that all of it is in one file. A database that is too damaged for that is set aside
/// as it is. Nobody else may have it open, of whatever program: SQLite itself says so when the log is given up.
fn gather(database: &Path) -> std::result::Result<(), Fault> {
    let mode = Connection::open(database).and_then(|connection| {
        connection.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))
    });
    let is_busy = mode.map_or_else(
        |error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
        |mode| mode != "delete",
    );
    if is_busy {
        return Err(Fault::File(format!("another process uses {}", database.display())));
    }
    Ok(())
}

/// Renames a file so that the name lasts.
fn rename(from: &Path, to: &Path) -> std::result::Result<(), Fault> {
    let renamed = fs::rename(from, to).and_then(|()| File::open(folder(to))?.sync_all());
    renamed.map_err(|error| unwritable(to, &error))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a file that was just made to the owner of the database, or of the folder where there is none yet: what root makes
/// could not be opened by a server that runs as somebody else.
#[cfg(unix)]
pub(crate) fn give(made: &Path, database: &Path) -> std::result::Result<(), Fault> {
    use std::os::unix::fs::{MetadataExt, chown};
    let is_replaced = database.exists();
    let like = if is_replaced { database } else { folder(database) };
    let given = made.metadata().and_then(|made_by| {
        let owner = like.metadata()?;
        if made_by.uid() == owner.uid() { Ok(()) } else { chown(made, Some(owner.uid()), Some(owner.gid())) }
    });
    match given {
        Err(error) if is_replaced => Err(Fault::File(format!(
            "cannot give {} to the owner of {}: {error}",
            made.display(),
            database.display()
        ))),
        // Whoever is not root keeps what he makes in the folder of somebody else.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn give(_: &Path, _: &Path) -> std::result::Result<(), Fault> {
    Ok(())
}

/// That a name stands for a file, if for anything: whoever opens a pipe waits for somebody at its other end.
pub(crate) fn regular(path: &Path) -> std::result::Result<(), Fault> {
    match path.metadata() {
        Ok(found) if !found.is_file() => {
            let what = if found.is_dir() { "a folder" } else { "no regular file" };
            Err(Fault::Invalid(format!("{} is {what}: name a file", path.display())))
        }
        _ => Ok(()),
    }
}

/// Makes an empty file where there is none, for its owner alone: what SQLite puts beside it follows. One that is there is
/// not touched: whoever closes it would let go of all that this process has locked in it.
pub(crate) fn make(path: &Path) -> std::result::Result<(), Fault> {
    if path.exists() {
        return Ok(());
    }
    let mut options = File::options();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::File(format!("{}: {error}", path.display()))
}
