//! The file that a store has open: its path may come to name another one, or none.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::connection::{self, Access};
use crate::error::Fault;

/// A file and where it lies. As long as somebody has it open no other file has its number.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
    /// Device and number.
    #[cfg(unix)]
    file: (u64, u64),
}

impl Place {
    /// The file that is there now.
    pub(crate) fn of(path: PathBuf) -> Result<Self, Fault> {
        Ok(Self {
            #[cfg(unix)]
            file: identity(&path)?,
            path,
        })
    }

    /// Opens a connection to it, unless something else is there.
    pub(crate) fn open(&self, access: Access) -> Result<Connection, Fault> {
        self.check()?;
        connection::open(&self.path, access)
    }

    /// That it is still there. Elsewhere than on Unix nobody can take a file away that is open.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        #[cfg(unix)]
        if identity(&self.path)? != self.file {
            return Err(Fault::File(format!("{} is another file than was opened", self.path.display())));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Result<(u64, u64), Fault> {
    use std::os::unix::fs::MetadataExt;

    let file = std::fs::metadata(path);
    let file = file.map_err(|error| Fault::File(format!("{} is gone: {error}", path.display())))?;
    Ok((file.dev(), file.ino()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_is_the_file_that_it_was_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("leads.sqlite"), folder.path().join("aside"));
        std::fs::write(&path, "").unwrap();
        let place = Place::of(path.clone()).unwrap();
        let can_be_opened = || [Access::Write, Access::Read].map(|access| place.open(access).is_ok());
        assert_eq!(can_be_opened(), [true, true]);
        std::fs::rename(&path, &aside).unwrap();
        assert_eq!(can_be_opened(), [false, false]);
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert_eq!(can_be_opened(), [false, false]);
        std::fs::rename(&aside, &path).unwrap();
        assert_eq!(can_be_opened(), [true, true]);
    }
}
