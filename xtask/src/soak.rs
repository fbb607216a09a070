//! `cargo xtask soak`: the long runs. What has succeeded is not run again until its files change.

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{stamp, sys};

/// A long run: the tests of a package under a heavier load than `cargo xtask test` puts on them.
struct Run {
    name: &'static str,
    package: &'static str,
    /// The places that the outcome depends on.
    places: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const RUNS: &[Run] = &[
    Run {
        name: "model",
        package: "incoming-leads-model",
        places: &["Cargo.lock", "crates/model"],
        environment: &[("PROPTEST_CASES", "100000")],
    },
    Run {
        name: "memory",
        package: "incoming-leads-memory",
        places: &["Cargo.lock", "crates/model", "crates/port", "crates/memory", "crates/conformance"],
        environment: &[("PROPTEST_CASES", "100000"), ("INCOMING_LEADS_SEQUENCES", "1000000")],
    },
    Run {
        name: "durable",
        package: "incoming-leads-cli",
        places: &["Cargo.lock", "crates"],
        environment: &[
            ("INCOMING_LEADS_HISTORIES", "10000"),
            ("INCOMING_LEADS_KILLS", "500"),
            ("INCOMING_LEADS_STOPS", "100"),
            ("INCOMING_LEADS_STATES", "10000"),
        ],
    },
];

/// Runs all, or the named one, and prints how long each took.
pub(crate) fn run(name: Option<&str>, fresh: bool) -> Result<()> {
    let runs: Vec<_> = RUNS.iter().filter(|run| name.is_none_or(|name| run.name == name)).collect();
    if runs.is_empty() {
        let names: Vec<_> = RUNS.iter().map(|run| run.name).collect();
        bail!("there is no such run; there are {}", names.join(", "));
    }
    let folder = stamp::folder("soak")?;
    let mut lines = Vec::new();
    let mut failed = false;
    for run in runs {
        let file = folder.join(run.name);
        if fresh && file.exists() {
            fs::remove_file(&file)?;
        }
        let stamp = stamp::of(run.places, |_| true)?;
        let line = match stamp::recall(&file, &stamp) {
            Some(earlier) => format!("{earlier} (earlier, nothing changed since)"),
            None => {
                let start = Instant::now();
                let outcome = run.once();
                let seconds = start.elapsed().as_secs_f32();
                match outcome {
                    Ok(()) => {
                        let line = format!("{:<10} ok     {seconds:>8.1} s", run.name);
                        stamp::note(&file, &stamp, &line)?;
                        line
                    }
                    Err(error) => {
                        failed = true;
                        format!("{:<10} FAILED {seconds:>8.1} s  {error:#}", run.name)
                    }
                }
            }
        };
        lines.push(line);
    }
    println!("\nsoak:");
    for line in lines {
        println!("  {line}");
    }
    if failed {
        bail!("a long run failed");
    }
    Ok(())
}

impl Run {
    fn once(&self) -> Result<()> {
        let mut cargo = sys::cargo(["test", "--release", "--tests", "-p", self.package]);
        sys::run(cargo.envs(self.environment.iter().copied()).env("INSTA_UPDATE", "no"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_of_a_package_and_of_places_that_exist() {
        let packages = sys::metadata().unwrap();
        for run in RUNS {
            assert!(
                packages.workspace_packages().iter().any(|package| package.name == run.package),
                "{}",
                run.name
            );
            for place in run.places {
                assert!(sys::root().join(place).exists(), "{place}");
            }
        }
    }
}
