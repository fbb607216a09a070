//! The project's own chores: `cargo xtask test`, `ci`, `fix`, `tidy`, `codegen`, `bench`, `audit`, `soak`.
//!
//! **Invariant:** `ci`, `test` and `tidy` never write a file of the project; `fix` and `codegen` do.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod audit;
mod bench;
mod ci;
mod codegen;
mod soak;
mod source;
mod stamp;
mod sys;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "The project's own chores.")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run all tests and doc tests of the workspace, on a private PostgreSQL if the machine has its programs
    Test,
    /// Run every job of CI, one after the other; writes nothing
    Ci,
    /// Write what machines can put right: lints with a ready fix, format, generated pages
    Fix,
    /// Compare the dependency arrows with the allow-list, and look for texts that must not be there
    Tidy,
    /// Write the generated pages
    Codegen {
        /// Only say whether they are up to date
        #[arg(long)]
        check: bool,
    },
    /// Measure: run the benches and print their ratios in one table
    Bench {
        /// Only the benches of this package, such as `memory`
        package: Option<String>,
    },
    /// Ask how good the tests of the model are: coverage and mutants; by hand, can be resumed
    Audit {
        /// Only this half
        part: Option<audit::Part>,
        /// Forget what earlier runs found
        #[arg(long)]
        fresh: bool,
        /// Start no further step after this many minutes; the next run goes on from there
        #[arg(long, default_value_t = 55)]
        minutes: u64,
    },
    /// Run the long runs; by hand, can be resumed
    Soak {
        /// Only this one
        name: Option<String>,
        /// Forget what earlier runs found
        #[arg(long)]
        fresh: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Test => test::run(),
        Chore::Ci => ci::run(),
        Chore::Fix => ci::fix(),
        Chore::Tidy => tidy::run(),
        Chore::Codegen { check: true } => codegen::check(),
        Chore::Codegen { check: false } => codegen::write(),
        Chore::Bench { package } => bench::run(package.as_deref()),
        Chore::Audit { part, fresh, minutes } => audit::run(part, fresh, minutes),
        Chore::Soak { name, fresh } => soak::run(name.as_deref(), fresh),
    }
}
