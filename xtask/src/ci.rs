//! `cargo xtask ci`: what CI runs, job by job; and `cargo xtask fix`, which writes what `ci` only finds.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{codegen, sys, test, tidy};

/// A job and its name in the summary.
type Job = (&'static str, fn() -> Result<()>);

/// Quick jobs first. `clippy`, `alone` and `docs` share what they know of the libraries; `test` comes last, so that
/// what it prints is what one sees first.
const JOBS: &[Job] = &[
    ("fmt", || sys::run(&mut sys::cargo(["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("codegen", codegen::check),
    ("clippy", || {
        sys::run(&mut sys::cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("alone", each_crate_alone),
    ("docs", || {
        let mut cargo = sys::cargo(["doc", "--workspace", "--no-deps", "--locked"]);
        sys::run(cargo.env("RUSTDOCFLAGS", "-Dwarnings"))
    }),
    ("test", test::run),
];

/// Runs all jobs, also after one has failed, and prints how each went.
pub(crate) fn run() -> Result<()> {
    let mut outcomes = Vec::new();
    for (name, job) in JOBS {
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = job();
        let line = summary(name, outcome.is_ok(), start.elapsed());
        if let Err(error) = &outcome {
            println!("{error:#}");
        }
        println!("<== {line}");
        outcomes.push((line, outcome.is_ok()));
    }
    println!("\nci:");
    for (line, _) in &outcomes {
        println!("  {line}");
    }
    if outcomes.iter().any(|(_, succeeded)| !succeeded) {
        bail!("ci failed");
    }
    Ok(())
}

/// Writes whatever a machine can put right.
pub(crate) fn fix() -> Result<()> {
    sys::run(&mut sys::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
    ]))?;
    sys::run(&mut sys::cargo(["fmt", "--all"]))?;
    // In a process of its own: this one was compiled before the fixes.
    sys::run(&mut sys::cargo(["xtask", "codegen"]))
}

/// Each crate builds with the features that it asks for itself, without what its neighbours turn on.
fn each_crate_alone() -> Result<()> {
    for package in sys::metadata()?.workspace_packages() {
        sys::run(&mut sys::cargo(["check", "--locked", "-p", &package.name]))?;
    }
    Ok(())
}

fn summary(name: &str, succeeded: bool, took: Duration) -> String {
    let outcome = if succeeded { "ok" } else { "FAILED" };
    format!("{name:<8} {outcome:<6} {:>7.1} s", took.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_command_is_one_of_the_jobs() {
        assert!(JOBS.iter().any(|(name, _)| *name == "test"));
    }

    #[test]
    fn a_failed_job_is_told_from_a_good_one() {
        assert_eq!(summary("fmt", true, Duration::from_millis(1234)), "fmt      ok         1.2 s");
        assert_eq!(summary("clippy", false, Duration::from_secs(61)), "clippy   FAILED    61.0 s");
    }
}
