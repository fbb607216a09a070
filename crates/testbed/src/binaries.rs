//! Where the programs of PostgreSQL are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result, io};

/// What to tell people whose machine has none.
pub const HOW_TO_INSTALL: &str = "install PostgreSQL 15 or newer, such as by `apt-get install postgresql` or \
    `brew install postgresql@17`; no cluster has to run, its programs are enough";

/// Where distributions put the programs, in a folder for each version.
const FOLDERS: &[&str] = &["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"];

/// The folder that holds `initdb`, `postgres` and the programs beside them.
pub(crate) fn folder() -> Result<PathBuf> {
    on_path().or_else(in_known_folders).or_else(as_pg_config_says).ok_or(Error::Absent)
}

/// A program of PostgreSQL in its folder.
pub(crate) fn program(name: &str) -> Result<Command> {
    Ok(Command::new(folder()?.join(name)))
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().display().to_string();
    let output = command.output().map_err(io(format!("start {program}")))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let output = printed + &String::from_utf8_lossy(&output.stderr);
    Err(Error::Program { program, output: output.trim().to_owned() })
}

/// What is on the path may be a link into the folder, and then its neighbours are only there.
fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .find(|folder| is_complete(folder))
}

fn in_known_folders() -> Option<PathBuf> {
    let versions = FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut folders: Vec<_> =
        versions.map(|version| version.path().join("bin")).filter(|folder| is_complete(folder)).collect();
    folders.sort_by_key(|folder| version(folder));
    folders.pop()
}

fn as_pg_config_says() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    is_complete(&folder).then_some(folder)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
}

/// The number in a path such as `/usr/lib/postgresql/15/bin`.
fn version(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).map(|name| name.display().to_string());
    let digits: String = name.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_told_from_an_older_one() {
        assert!(version(Path::new("/usr/lib/postgresql/9/bin")) < version(Path::new("/x/postgresql@17/bin")));
        assert_eq!(version(Path::new("/usr/bin")), 0);
    }
}
