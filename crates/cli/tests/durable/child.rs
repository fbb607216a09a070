//! This program as another process: a server that breaks a promise on purpose.

use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use incoming_leads_port::{Provision, Registry};

use crate::planted::{self, Bug};

/// Tells this program what to serve, and how.
const DATABASE: &str = "INCOMING_LEADS_TEST_DATABASE";
const PROMISE: &str = "INCOMING_LEADS_TEST_BREAKS";

/// Which promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Decisions are acknowledged before they are committed to SQLite.
    AnswersWait,
}

/// The command that serves the demo's account so, from this database.
pub(crate) fn serve(promise: Promise, database: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(DATABASE, database.trim_start_matches("sqlite:")).env(PROMISE, format!("{promise:?}"));
    command
}

/// Serves until it is killed, where this process was started for that.
pub(crate) fn run() -> Option<ExitCode> {
    let database = std::env::var(DATABASE).ok()?;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let is_late = std::env::var(PROMISE).unwrap() == format!("{:?}", Promise::AnswersWait);
    let server = runtime.block_on(async {
        let store = incoming_leads_sqlite::Options::default().as_server().open(database);
        let store = store.unwrap_or_else(|error| panic!("{error}: {}", error.detail().unwrap_or_default()));
        planted::start(seeded(store).await, is_late.then_some(Bug::AcknowledgedEarly))
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on {}", server.url()).unwrap();
    stdout.flush().unwrap();
    loop {
        std::thread::park();
    }
}

/// The store with the demo's account.
async fn seeded<S: Registry + Provision>(store: S) -> Arc<dyn Registry> {
    if store.accounts().await.unwrap().is_empty() {
        store.import(planted::seed()).await.unwrap();
    }
    Arc::new(store)
}
