//! The program `incoming-leads`: serves incoming leads, and feeds chats and mails to a server.

mod demo;
mod intake;
mod seed;
mod serve;
mod token;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Incoming leads: calls, form requests, chats and mails that wait until somebody accepts, declines or links them.
#[derive(Parser)]
#[command(name = "incoming-leads", version, after_help = EXIT_CODES)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Intake(intake::Intake),
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 called wrongly.";

/// Why the program did not do what it was called for.
enum Failure {
    /// It was called wrongly: exit code 2.
    Usage(String),
    /// It could not be done: exit code 1.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

fn main() -> ExitCode {
    let Program { command } = Program::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(1, format_args!("cannot start threads: {error}")),
    };
    let done = runtime.block_on(async {
        match command {
            Command::Serve(serve) => serve.run().await,
            Command::Intake(intake) => intake.run().await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(what)) => failed(2, format_args!("{what}")),
        Err(Failure::Failed(error)) => failed(1, format_args!("{error:#}")),
    }
}

fn failed(code: u8, what: std::fmt::Arguments<'_>) -> ExitCode {
    // When nobody listens there is nobody left to tell.
    let _ = writeln!(io::stderr(), "incoming-leads: {what}");
    ExitCode::from(code)
}

/// Prints a text. A reader that went away is no failure: it has seen what it wanted.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
