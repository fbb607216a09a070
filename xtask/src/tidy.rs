//! `cargo xtask tidy`: what no compiler checks, the dependency arrows and texts that must not be there.

mod arrows;
mod texts;

use anyhow::{Result, bail};

/// Prints everything that is out of order and fails if there is anything.
pub(crate) fn run() -> Result<()> {
    let members = arrows::members()?;
    let files = texts::files()?;
    let mut found = arrows::violations(&members);
    for file in &files {
        found.extend(texts::violations(file));
    }
    for violation in &found {
        println!("{violation}");
    }
    if !found.is_empty() {
        bail!("{} things are out of order", found.len());
    }
    println!("the arrows of {} packages and {} files are in order", members.len(), files.len());
    Ok(())
}
