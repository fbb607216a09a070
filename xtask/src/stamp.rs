//! Whether what an earlier run found still holds: a fingerprint of the files it was about.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::sys;

/// The folder in which a chore keeps what it has to know the next time, below cargo's target folder.
pub(crate) fn folder(chore: &str) -> Result<PathBuf> {
    let target = sys::metadata()?.target_directory.into_std_path_buf();
    let folder = target.join("xtask").join(chore);
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    Ok(folder)
}

/// The fingerprint of the project's files in `places` that `counts` holds for.
pub(crate) fn of(places: &[&str], counts: impl Fn(&str) -> bool) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in sys::files(places)?.iter().filter(|path| counts(path)) {
        path.hash(&mut hasher);
        let bytes = fs::read(sys::root().join(path)).with_context(|| format!("failed to read {path}"))?;
        bytes.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// What the file says, if it says it of the same fingerprint.
pub(crate) fn recall(file: &Path, stamp: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (of, said) = text.split_once('\n')?;
    (of == stamp).then(|| said.to_owned())
}

/// Writes down what holds for this fingerprint.
pub(crate) fn note(file: &Path, stamp: &str, said: &str) -> Result<()> {
    fs::write(file, format!("{stamp}\n{said}")).with_context(|| format!("failed to write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_recalled_for_its_own_fingerprint_only() {
        let file = folder("tests").unwrap().join("a_note");
        note(&file, "1", "done\nin time").unwrap();
        assert_eq!(recall(&file, "1").as_deref(), Some("done\nin time"));
        assert_eq!(recall(&file, "2"), None);
        fs::remove_file(&file).unwrap();
        assert_eq!(recall(&file, "1"), None);
    }

    #[test]
    fn a_fingerprint_is_that_of_the_files_that_count() {
        let all = of(&["xtask/src"], |_| true).unwrap();
        assert_eq!(all, of(&["xtask/src"], |_| true).unwrap());
        assert_ne!(all, of(&["xtask/src"], |path| !path.ends_with("stamp.rs")).unwrap());
    }
}
