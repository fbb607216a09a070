//! `cargo xtask test`: all tests and doc tests.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use incoming_leads_testbed::{Error, HOW_TO_INSTALL, Postgres, SHARED, Settings, in_ci};

use crate::sys;

/// Runs every test of the workspace and says at the end how many there were.
///
/// A run that finds no test at all fails. Snapshots are compared and never written. One private PostgreSQL serves the
/// whole run; where there is none, its tests are skipped, which is said, and in CI is a failure.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let postgres = postgres()?;
    let mut total = Total::default();
    let mut cargo = sys::cargo(["test", "--workspace", "--locked", "--no-fail-fast"]);
    if let Some(postgres) = &postgres {
        cargo.env(SHARED, postgres.url("postgres"));
    }
    let ran = sys::stream(cargo.env("INSTA_UPDATE", "no"), |line| total.add(line));
    if postgres.is_none() {
        println!("{SKIPPED}; {HOW_TO_INSTALL}");
    }
    println!("\n{} passed, {} failed, {:.1} s", total.passed, total.failed, start.elapsed().as_secs_f32());
    ran?;
    if total.passed == 0 {
        bail!("no test was run");
    }
    Ok(())
}

const SKIPPED: &str = "\nSKIPPED: every test that needs PostgreSQL, of which this machine has none";

/// A server for tests that leave it alone and want a database of their own.
fn postgres() -> Result<Option<Postgres>> {
    match Postgres::start(&Settings::default().with_fsync(false)) {
        Ok(server) => Ok(Some(server)),
        Err(Error::Absent) if in_ci() => bail!("{SKIPPED}, and in CI nothing is skipped; {HOW_TO_INSTALL}"),
        Err(Error::Absent) => {
            println!("{SKIPPED}; {HOW_TO_INSTALL}\n");
            Ok(None)
        }
        Err(error) => Err(error).context("failed to start a private PostgreSQL"),
    }
}

/// What the closing lines of the test programs add up to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) passed: u64,
    failed: u64,
}

impl Total {
    /// Reads a line such as `test result: ok. 12 passed; 0 failed; 0 ignored; …`; others count nothing.
    pub(crate) fn add(&mut self, line: &str) {
        let Some(("ok" | "FAILED", counts)) =
            line.trim().strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Total;

    #[test]
    fn closing_lines_add_up_and_other_lines_count_nothing() {
        let mut total = Total::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test model::passed ... ok",
            "test result: FAILED. 4 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            total.add(line);
        }
        assert_eq!(total, Total { passed: 7, failed: 2 });
    }
}
