//! The program `incoming-leads`: serves incoming leads, feeds chats and mails to a server, and sorts what waits there.

mod add;
mod ask;
mod backup;
mod conformance;
mod connect;
mod database;
mod demo;
mod gateway;
mod intake;
mod operate;
mod profile;
mod seed;
mod serve;
mod sort;
mod tell;
mod token;
mod trouble;
mod watch;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
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
    Gateway(gateway::Gateway),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Intake(intake::Intake),
    List(ask::List),
    Get(ask::Get),
    Watch(watch::Watch),
    /// Add calls from a file
    AddCall(add::AddFrom),
    /// Add forms from a file
    AddForm(add::AddFrom),
    Accept(sort::AcceptThem),
    Decline(sort::DeclineThem),
    Link(sort::LinkIt),
    Summary(ask::Summarise),
    Profile(profile::Profile),
    Conformance(conformance::Conformance),
    Migrate(operate::Migrate),
    Account(operate::AccountCommand),
    User(operate::UserCommand),
    Token(operate::TokenCommand),
    Integration(operate::IntegrationCommand),
    Export(operate::Export),
    Import(operate::Import),
    /// Print a script that completes this program's arguments in a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 called wrongly, 3 refused by the server, \
     4 nobody knows whether it took effect, 5 conformance found drift.";

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
    /// So many of our decisions are not shared: exit code 5.
    Drift(usize),
}

impl Failure {
    /// The same, of this part of what was asked.
    fn within(self, part: &str) -> Self {
        match self {
            Self::Usage(what) => Self::Usage(format!("{part}: {what}")),
            Self::Failed(error) => Self::Failed(error.context(part.to_owned())),
            Self::Refused(error) => Self::Refused(error.context(part.to_owned())),
            Self::Unknown(error) => Self::Unknown(error.context(part.to_owned())),
            Self::Drift(count) => Self::Drift(count),
        }
    }

    /// The exit code for it.
    const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Unknown(_) => 4,
            Self::Drift(_) => 5,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => f.write_str(what),
            Self::Failed(error) | Self::Refused(error) | Self::Unknown(error) => write!(f, "{error:#}"),
            Self::Drift(count) => write!(f, "{count} decisions are not shared"),
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
            Command::Gateway(gateway) => gateway.run().await,
            Command::Backup(backup) => backup.run().await,
            Command::Restore(restore) => restore.run().await,
            Command::Intake(intake) => intake.run().await,
            Command::List(list) => list.run().await,
            Command::Get(get) => get.run().await,
            Command::Watch(watch) => watch.run().await,
            Command::AddCall(add) => add.run(Channel::Sip).await,
            Command::AddForm(add) => add.run(Channel::Forms).await,
            Command::Accept(accept) => accept.run().await,
            Command::Decline(decline) => decline.run().await,
            Command::Link(link) => link.run().await,
            Command::Summary(summary) => summary.run().await,
            Command::Profile(profile) => profile.run().await,
            Command::Conformance(conformance) => conformance.run().await,
            Command::Migrate(migrate) => migrate.run().await,
            Command::Account(account) => account.run().await,
            Command::User(user) => user.run().await,
            Command::Token(token) => token.run().await,
            Command::Integration(integration) => integration.run().await,
            Command::Export(export) => export.run().await,
            Command::Import(import) => import.run().await,
            Command::Completions { shell } => completions(shell),
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(failure.code(), format_args!("{failure}")),
    }
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Program::command(), "incoming-leads", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}

fn failed(code: u8, what: std::fmt::Arguments<'_>) -> ExitCode {
    // When nobody listens there is nobody left to tell.
    let _ = writeln!(io::stderr(), "incoming-leads: {what}");
    ExitCode::from(code)
}

/// Prints a text. A reader that went away is no failure: it has seen what it wanted.
fn print(text: &str) -> anyhow::Result<()> {
    is_heard(text).map(drop)
}

/// Prints a text, and says whether somebody reads it.
fn is_heard(text: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
        Ok(()) => Ok(true),
    }
}
