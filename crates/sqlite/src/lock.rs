//! One server on one file: a lock that the system takes back when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Held as long as a server runs.
#[derive(Debug)]
pub(crate) struct ServerLock(#[expect(dead_code, reason = "it is closed when it is dropped")] File);

impl ServerLock {
    /// Takes the lock that lies beside the database.
    pub(crate) fn take(database: &Path) -> Result<Self, String> {
        let path = beside(database, "lock");
        let told = |error: std::io::Error| format!("cannot lock {}: {error}", path.display());
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(told)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim() {
                    "" => String::new(),
                    process => format!(" (process {process})"),
                };
                return Err(format!("another server{holder} serves {}", database.display()));
            }
            Err(TryLockError::Error(error)) => return Err(told(error)),
        }
        // For people who meet the lock; nothing depends on it.
        let _ = file.set_len(0).and_then(|()| file.rewind());
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self(file))
    }
}

/// A file of the database's name with something more.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}
