//! `cargo xtask codegen`: the pages that are made from the code, and whether they are up to date.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::sys;

/// A page of the project and the function that writes it.
type Page = (&'static str, fn() -> String);

const PAGES: &[Page] = &[
    ("docs/conformance.md", incoming_leads_conformance::markdown),
    ("docs/lifecycle.md", incoming_leads_model::lifecycle::table::markdown),
];

/// Writes each page that differs.
pub(crate) fn write() -> Result<()> {
    for (path, made) in outdated(PAGES)? {
        fs::write(sys::root().join(path), made).with_context(|| format!("failed to write {path}"))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Fails if a page differs from what would be written, and says where.
pub(crate) fn check() -> Result<()> {
    let outdated = outdated(PAGES)?;
    for (path, made) in &outdated {
        let there = read(path)?;
        println!("{path}: line {} is not as generated", first_difference(&there, made));
    }
    if !outdated.is_empty() {
        bail!("run `cargo xtask codegen` and commit what it writes");
    }
    println!("generated pages: {}, all up to date", PAGES.len());
    Ok(())
}

/// The pages whose text differs, with the text they should have.
fn outdated(pages: &[Page]) -> Result<Vec<(&'static str, String)>> {
    let mut outdated = Vec::new();
    for (path, make) in pages {
        let made = make();
        if read(path)? != made {
            outdated.push((*path, made));
        }
    }
    Ok(outdated)
}

/// The text of a page; one that is not there yet is empty.
fn read(path: &str) -> Result<String> {
    match fs::read_to_string(sys::root().join(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("failed to read {path}")),
    }
}

/// The number of the first line, from 1, in which two different texts differ.
fn first_difference(left: &str, right: &str) -> usize {
    let same = left.split('\n').zip(right.split('\n')).take_while(|(left, right)| left == right).count();
    same + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_project_are_as_generated() {
        assert_eq!(outdated(PAGES).unwrap(), []);
    }

    #[test]
    fn a_page_that_differs_or_is_missing_is_outdated() {
        let pages: &[Page] = &[
            ("xtask/Cargo.toml", || include_str!("../Cargo.toml").to_owned()),
            ("xtask/src/main.rs", || "something else\n".to_owned()),
            ("docs/not-there.md", || "new\n".to_owned()),
        ];
        let outdated: Vec<_> = outdated(pages).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(outdated, ["xtask/src/main.rs", "docs/not-there.md"]);
    }

    #[test]
    fn the_first_difference_is_the_line_a_person_looks_for() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
        assert_eq!(first_difference("", "a\n"), 1);
    }
}
