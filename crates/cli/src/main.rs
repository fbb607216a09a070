//! The program `incoming-leads`: serves incoming leads, feeds chats and mails to a server, and sorts what waits there.

mod client;
mod demo;
mod intake;
mod seed;
mod serve;
mod token;
mod trouble;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use incoming_leads_model::Channel;

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
    List(client::List),
    Get(client::Get),
    /// Add calls from a file, in batches that are taken whole or not at all
    AddCall(client::AddFrom),
    /// Add forms from a file, in batches that are taken whole or not at all
    AddForm(client::AddFrom),
    Accept(client::AcceptThem),
    Decline(client::DeclineThem),
    Link(client::LinkIt),
    Summary(client::Summarise),
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 called wrongly, 3 refused by the server, \
     4 nobody knows whether it took effect.";

/// Why the program did not do what it was called for.
enum Failure {
    /// It was called wrongly: exit code 2.
    Usage(String),
    /// It could not be done: exit code 1.
    Failed(anyhow::Error),
    /// The server refused it, and nothing took effect: exit code 3.
    Refused(anyhow::Error),
    /// Nobody knows whether it took effect: exit code 4.
    Unknown(anyhow::Error),
}

impl Failure {
    /// The same, of this part of what was asked.
    fn within(self, part: &str) -> Self {
        match self {
            Self::Usage(what) => Self::Usage(format!("{part}: {what}")),
            Self::Failed(error) => Self::Failed(error.context(part.to_owned())),
            Self::Refused(error) => Self::Refused(error.context(part.to_owned())),
            Self::Unknown(error) => Self::Unknown(error.context(part.to_owned())),
        }
    }

    /// Says what went wrong; the exit code for it.
    fn tell(self) -> ExitCode {
        match self {
            Self::Usage(what) => failed(2, format_args!("{what}")),
            Self::Failed(error) => failed(1, format_args!("{error:#}")),
            Self::Refused(error) => failed(3, format_args!("{error:#}")),
            Self::Unknown(error) => failed(4, format_args!("{error:#}")),
        }
    }
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
            Command::List(list) => list.run().await,
            Command::Get(get) => get.run().await,
            Command::AddCall(add) => add.run(Channel::Sip).await,
            Command::AddForm(add) => add.run(Channel::Forms).await,
            Command::Accept(accept) => accept.run().await,
            Command::Decline(decline) => decline.run().await,
            Command::Link(link) => link.run().await,
            Command::Summary(summary) => summary.run().await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
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
