//! Texts that no file of the project may hold. Plain searches, line by line; what a parser has to see is clippy's.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

use crate::{source, sys};

// In pieces, so that this file does not find itself.

/// Names of places outside the project; it must stand on its own.
const OUTSIDE: &[&str] = &[concat!("/wo", "rk/"), concat!("../", "shared"), concat!("fa", "rm-")];
/// Work that is not done, and tests that do not run.
const UNDONE: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
/// A panic that users would see.
const UNWRAP: &str = concat!(".unwrap", "()");

/// A file of the project, its path seen from the workspace's folder.
pub(super) struct File {
    path: String,
    text: String,
}

/// All files of the project that are text.
pub(super) fn files() -> Result<Vec<File>> {
    let mut files = Vec::new();
    for path in sys::files(&["."])? {
        let bytes = fs::read(sys::root().join(&path)).with_context(|| format!("failed to read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path, text });
        }
    }
    Ok(files)
}

/// Each line that holds what it must not, as `path:line: holds …`.
pub(super) fn violations(File { path, text }: &File) -> Vec<String> {
    let is_rust = path.ends_with(".rs");
    let shipped: BTreeSet<_> = if source::is_shipped(path) {
        source::shipped_lines(text).map(|(number, _)| number).collect()
    } else {
        BTreeSet::new()
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let is_code = is_rust && !line.trim_start().starts_with("//");
        let refused = OUTSIDE
            .iter()
            .chain(UNDONE.iter().filter(|_| is_code))
            .chain([&UNWRAP].into_iter().filter(|_| is_code && shipped.contains(&number)));
        let held = refused.filter(|text| line.contains(**text));
        found.extend(held.map(|text| format!("{path}:{number}: holds {text}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_are_found_in_any_file() {
        for text in OUTSIDE {
            assert_eq!(
                check("docs/a.md", &format!("one\nsee {text}\n")),
                [format!("docs/a.md:2: holds {text}")]
            );
        }
    }

    #[test]
    fn undone_work_is_found_in_code_and_not_in_comments() {
        for text in UNDONE {
            let line = format!("    {text})\n");
            assert_eq!(
                check("crates/a/tests/it/main.rs", &line),
                [format!("crates/a/tests/it/main.rs:1: holds {text}")]
            );
            assert_eq!(check("crates/a/src/lib.rs", &format!("// no {text})\n")), [""; 0]);
            assert_eq!(check("docs/style.md", &line), [""; 0]);
        }
    }

    #[test]
    fn unwrap_is_found_where_users_build_it() {
        let text =
            format!("let a = b{UNWRAP};\n/// b{UNWRAP}\n#[cfg(test)]\nmod tests {{\n    c{UNWRAP};\n}}\n");
        assert_eq!(check("crates/a/src/b/c.rs", &text), [format!("crates/a/src/b/c.rs:1: holds {UNWRAP}")]);
        assert_eq!(check("crates/a/tests/it/main.rs", &text), [""; 0]);
    }

    #[test]
    fn this_file_is_among_the_files() {
        assert!(files().unwrap().iter().any(|file| file.path == "xtask/src/tidy/texts.rs"));
    }

    fn check(path: &str, text: &str) -> Vec<String> {
        violations(&File { path: path.to_owned(), text: text.to_owned() })
    }
}
