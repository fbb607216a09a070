//! `cargo xtask soak`: the long runs. What has succeeded is not run again until its files change.

use std::fs;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::test::Total;
use crate::{stamp, sys};

/// A long run: the tests of a package under a heavier load than `cargo xtask test` puts on them.
struct Run {
    name: &'static str,
    package: &'static str,
    /// Which of its tests, as `cargo test` is told.
    tests: &'static [&'static str],
    /// The places that the outcome depends on.
    places: &'static [&'static str],
    /// The sizes; whatever the environment says already goes before.
    environment: &'static [(&'static str, &'static str)],
}

/// What a client of our own server depends on.
const OVER_HTTP: &[&str] = &[
    "Cargo.lock",
    "crates/model",
    "crates/port",
    "crates/memory",
    "crates/wire-v4",
    "crates/transport",
    "crates/server",
    "crates/http-v4",
    "crates/conformance",
];

/// What the port over v2 depends on.
const OVER_V2: &[&str] = &[
    "Cargo.lock",
    "crates/model",
    "crates/port",
    "crates/memory",
    "crates/wire-v2",
    "crates/transport",
    "crates/server",
    "crates/http-v2",
    "crates/conformance",
];

const RUNS: &[Run] = &[
    Run {
        name: "model",
        package: "incoming-leads-model",
        tests: &["--tests"],
        places: &["Cargo.lock", "crates/model"],
        environment: &[("PROPTEST_CASES", "100000")],
    },
    Run {
        name: "memory",
        package: "incoming-leads-memory",
        tests: &["--tests"],
        places: &["Cargo.lock", "crates/model", "crates/port", "crates/memory", "crates/conformance"],
        environment: &[("PROPTEST_CASES", "100000"), ("INCOMING_LEADS_SEQUENCES", "1000000")],
    },
    Run {
        name: "postgres",
        package: "incoming-leads-postgres",
        tests: &["--test", "conformance", "script::"],
        places: &[
            "Cargo.lock",
            "crates/model",
            "crates/port",
            "crates/postgres",
            "crates/conformance",
            "crates/testbed",
        ],
        environment: &[("INCOMING_LEADS_SEQUENCES", "5000")],
    },
    Run {
        name: "http-v4",
        package: "incoming-leads-http-v4",
        tests: &["--test", "conformance"],
        places: OVER_HTTP,
        environment: &[("INCOMING_LEADS_SEQUENCES", "5000")],
    },
    Run {
        name: "sqlite",
        package: "incoming-leads-sqlite",
        tests: &["--test", "conformance", "script"],
        places: &["Cargo.lock", "crates/model", "crates/port", "crates/sqlite", "crates/conformance"],
        environment: &[("INCOMING_LEADS_SEQUENCES", "50000")],
    },
    Run {
        name: "linear",
        package: "incoming-leads-cli",
        tests: &["--test", "durable", "linear::"],
        places: &["Cargo.lock", "crates"],
        environment: &[("INCOMING_LEADS_HISTORIES", "10000")],
    },
    Run {
        name: "kill",
        package: "incoming-leads-cli",
        tests: &["--test", "durable", "kill::"],
        places: &["Cargo.lock", "crates"],
        environment: &[("INCOMING_LEADS_KILLS", "500")],
    },
    Run {
        name: "stop",
        package: "incoming-leads-cli",
        tests: &["--test", "durable", "stop::"],
        places: &["Cargo.lock", "crates"],
        environment: &[("INCOMING_LEADS_STOPS", "100")],
    },
    Run {
        name: "power",
        package: "incoming-leads-cli",
        tests: &["--test", "durable", "power::"],
        places: &["Cargo.lock", "crates"],
        environment: &[("INCOMING_LEADS_STATES", "10000")],
    },
    Run {
        name: "chaos",
        package: "incoming-leads-http-v4",
        tests: &["--test", "storm", "chaos::"],
        places: OVER_HTTP,
        environment: &[("INCOMING_LEADS_CHAOS_CALLS", "50000"), ("INCOMING_LEADS_CHAOS_LIMIT", "700")],
    },
    Run {
        name: "v2",
        package: "incoming-leads-http-v2",
        tests: &["--test", "conformance", "script::"],
        places: OVER_V2,
        environment: &[("INCOMING_LEADS_SEQUENCES", "2000")],
    },
    Run {
        name: "gateway",
        package: "incoming-leads-cli",
        tests: &["--test", "gateway"],
        places: &["Cargo.lock", "crates"],
        environment: &[("INCOMING_LEADS_SEQUENCES", "2000")],
    },
    Run {
        name: "network",
        package: "incoming-leads-http-v4",
        tests: &["--test", "storm", "network::"],
        places: OVER_HTTP,
        environment: &[("INCOMING_LEADS_NETWORK_SEEDS", "500")],
    },
];

/// Runs all, or the named one, and prints how long each took and the figures that its tests told: each is a line that
/// begins with `figure: `, or goes on so behind the name of a test.
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
            Some(earlier) if run.is_full() => format!("{earlier} \n    (earlier, nothing changed since)"),
            _ => {
                let start = Instant::now();
                let outcome = run.once();
                let seconds = start.elapsed().as_secs_f32();
                match outcome {
                    Ok(figures) => {
                        let mut line = format!("{:<10} ok     {seconds:>8.1} s", run.name);
                        line.extend(figures.iter().map(|figure| format!("\n    {figure}")));
                        if run.is_full() {
                            stamp::note(&file, &stamp, &line)?;
                        }
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
    /// Runs it; the figures that it told.
    fn once(&self) -> Result<Vec<String>> {
        let mut cargo = sys::cargo(["test", "--release", "-p", self.package]);
        let sizes = self.environment.iter().filter(|(name, _)| std::env::var_os(name).is_none());
        let (mut figures, mut total) = (Vec::new(), Total::default());
        let told = |line: &str| {
            figures.extend(figure(line).map(str::to_owned));
            total.add(line);
        };
        sys::stream(cargo.args(self.tests).envs(sizes.copied()).env("INSTA_UPDATE", "no"), told)?;
        if total.passed == 0 {
            bail!("no test was run");
        }
        Ok(figures)
    }

    /// Whether the environment leaves its sizes alone.
    fn is_full(&self) -> bool {
        self.environment.iter().all(|(name, _)| std::env::var_os(name).is_none())
    }
}

/// The figure of a line that has one.
fn figure(line: &str) -> Option<&str> {
    match line.split_once("figure: ") {
        Some((before, figure)) if before.is_empty() || before.ends_with("... ") => Some(figure),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_alone_and_behind_the_name_of_a_test() {
        assert_eq!(figure("figure: 500 kills"), Some("500 kills"));
        assert_eq!(figure("test kill::sqlite ... figure: 500 kills"), Some("500 kills"));
        assert_eq!(figure("what a figure: none"), None);
        assert_eq!(figure("test kill::sqlite ... ok"), None);
    }

    #[test]
    fn every_run_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = RUNS.iter().map(|run| run.name).collect();
        assert_eq!(names.len(), RUNS.len());
    }

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
