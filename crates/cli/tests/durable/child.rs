//! This program as another process: a server that breaks a promise on purpose, or SQLite without any of our code.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use incoming_leads_port::{Provision, Registry};
use incoming_leads_postgres::Commit;

use crate::planted::{self, Bug};

/// Tells this program what to serve, and how.
const DATABASE: &str = "INCOMING_LEADS_TEST_DATABASE";
const PROMISE: &str = "INCOMING_LEADS_TEST_BREAKS";
/// Tells it in which file to commit rows, and how SQLite is to be synchronous.
const ROWS: &str = "INCOMING_LEADS_TEST_ROWS";
const SYNCHRONOUS: &str = "INCOMING_LEADS_TEST_SYNCHRONOUS";

/// How many rows it commits, each alone.
pub(crate) const COMMITS: usize = 60;

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

/// The command that commits rows to a new file with nothing but SQLite.
pub(crate) fn commit_rows(file: &Path, synchronous: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROWS, file).env(SYNCHRONOUS, synchronous);
    command
}

fn rows(file: &str) {
    let synchronous = std::env::var(SYNCHRONOUS).unwrap();
    let raw = rusqlite::Connection::open(file).unwrap();
    // A log that is copied into the database several times meanwhile.
    let begin = format!(
        "PRAGMA journal_mode = wal; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 20;
         CREATE TABLE t (a)"
    );
    raw.execute_batch(&begin).unwrap();
    for row in 0..COMMITS {
        raw.execute("INSERT INTO t VALUES (?1)", [row]).unwrap();
    }
}

/// Does what this process was started for, where that is anything of these; a server serves until it is killed.
pub(crate) fn run() -> Option<ExitCode> {
    if let Ok(file) = std::env::var(ROWS) {
        rows(&file);
        return Some(ExitCode::SUCCESS);
    }
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
