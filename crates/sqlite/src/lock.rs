//! One server on one file, and nobody on one that is replaced: locks that the system takes back when the process ends,
//! however it ends.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Display, Path, PathBuf};

use crate::backup::{give, joined};
use crate::error::Fault;

/// Held as long as a database is open. It lies in a file of its own: whoever closes a file lets go of all that SQLite has
/// locked in it.
#[derive(Debug)]
pub(crate) struct Opened(#[expect(dead_code, reason = "it is closed when it is dropped")] File);

impl Opened {
    /// As one of those who have the database open.
    pub(crate) fn share(database: &Path) -> Result<Self, Fault> {
        Self::hold(database, File::try_lock_shared, |shown| {
            Fault::File(format!("{shown} is being replaced by a backup"))
        })
    }

    /// As the only one.
    pub(crate) fn alone(database: &Path) -> Result<Self, Fault> {
        Self::hold(database, File::try_lock, |shown| {
            Fault::Invalid(format!("another command has {shown} open: wait until it has ended"))
        })
    }

    fn hold(
        database: &Path,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
        refused: impl FnOnce(Display<'_>) -> Fault,
    ) -> Result<Self, Fault> {
        let (file, path) = file(database, "open")?;
        lock(&file).map_err(|error| match error {
            TryLockError::WouldBlock => refused(database.display()),
            TryLockError::Error(error) => unlocked(&path, &error),
        })?;
        has_one_name(database)?;
        Ok(Self(file))
    }
}

/// That a database has one name. By another one its log is another file, and so is its lock: what is committed by one is
/// overwritten by the other.
fn has_one_name(database: &Path) -> Result<(), Fault> {
    #[cfg(unix)]
    if let Ok(names) = database.metadata().map(|found| std::os::unix::fs::MetadataExt::nlink(&found))
        && names > 1
    {
        return Err(Fault::Invalid(format!(
            "{} has {names} names (hard links), of which each would have a log of its own: remove the others, and make \
             copies with `backup`",
            database.display()
        )));
    }
    Ok(())
}

/// Held as long as a server runs.
#[derive(Debug)]
pub(crate) struct ServerLock(#[expect(dead_code, reason = "it is closed when it is dropped")] File);

impl ServerLock {
    /// Takes the lock that lies beside the database.
    pub(crate) fn take(database: &Path) -> Result<Self, Fault> {
        let (mut file, path) = file(database, "lock")?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => String::new(),
                    process => format!(" (process {process})"),
                };
                return Err(Fault::Invalid(format!("another server{holder} serves {}", database.display())));
            }
            Err(TryLockError::Error(error)) => return Err(unlocked(&path, &error)),
        }
        // For people who meet the lock; nothing depends on it.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self(file))
    }
}

/// The file of a lock, which is made where there is none, and its path.
fn file(database: &Path, suffix: &str) -> Result<(File, PathBuf), Fault> {
    let path = beside(database, suffix);
    let is_new = !path.exists();
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| unlocked(&path, &error))?;
    if is_new {
        // Only root can. What somebody else makes stays his own, and is as good a lock.
        let _ = give(&path, database);
    }
    Ok((file, path))
}

fn unlocked(path: &Path, error: &std::io::Error) -> Fault {
    Fault::File(format!("cannot lock {}: {error}", path.display()))
}

/// A file of the database's name with something more.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    joined(database, &format!(".{suffix}"))
}
