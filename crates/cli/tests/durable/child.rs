//! This program as another process: a server that breaks a promise on purpose.

use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use incoming_leads_port::{Provision, Registry};
use incoming_leads_postgres::Commit;

use crate::planted::{self, Bug};

/// Tells this program what to serve, and how.
const DATABASE: &str = "INCOMING_LEADS_TEST_DATABASE";
const PROMISE: &str = "INCOMING_LEADS_TEST_BREAKS";

/// Which promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Decisions are acknowledged before they are committed to SQLite.
    AnswersWait,
    /// PostgreSQL acknowledges commits before they are on the disk.
    CommitsAreDurable,
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
    let promise = std::env::var(PROMISE).unwrap();
    let server = runtime.block_on(async {
        if promise == format!("{:?}", Promise::AnswersWait) {
            let store = incoming_leads_sqlite::Options::default().as_server().open(database).unwrap();
            planted::start(seeded(store).await, Some(Bug::AcknowledgedEarly))
        } else {
            let options = incoming_leads_postgres::Options::default().with_commit(Commit::Relaxed);
            planted::start(seeded(options.open(&database).await.unwrap()).await, None)
        }
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
