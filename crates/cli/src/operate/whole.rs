//! A file that is there when it is whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::random;

/// A file that is written under a name of its own in the same folder until it is finished; nothing of it stays when it
/// is not.
pub(super) struct Whole {
    to: PathBuf,
    part: PathBuf,
    file: File,
}

/// So many links are followed, one to the next, as Linux does.
const MOST_LINKS: usize = 40;

impl Whole {
    /// Begins one that only its owner can read. Where the name is a link, what it leads to is replaced.
    pub(super) fn begin(path: &Path) -> Result<Self> {
        let mut to = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Ok(link) = fs::read_link(&to) else { break };
            to = folder(&to).join(link);
        }
        let part = beside(&to, &format!(".{}.part", random(8)?));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part)?;
        Ok(Self { to, part, file })
    }

    /// Gives it its name, so that it is there after a loss of power too, whole or not at all.
    pub(super) fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.to)?;
        // Where a folder cannot be synced, its system does so by itself.
        if cfg!(unix) { File::open(folder(&self.to))?.sync_all() } else { Ok(()) }
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // What is finished has its own name by now.
        let _ = fs::remove_file(&self.part);
    }
}

/// A file with a longer name in the same folder.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
