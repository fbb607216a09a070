//! The whole chain through the conformance kit: http-v4, two server processes that are used in turn, PostgreSQL.
//!
//! The processes are this program, started again: their servers take the time from a file, so that the kit's cases can
//! set it. Chats and mails come in through the store: v4 has no way for them.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]

mod servers;
mod turns;

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{
    ACCOUNT, ADMINISTRATOR, FOREIGN_ACCOUNT, SORTER, START, STRANGER, VIEWER,
};
use incoming_leads_conformance::script::SEQUENCES;
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_port::{ManualClock, Ports, Registry};
use incoming_leads_postgres::Options;
use incoming_leads_server::digest;
use incoming_leads_testbed::{HOW_TO_INSTALL, database};

use servers::Servers;
use turns::{FileClock, InTurn};

/// Scripts of a short run.
const SCRIPTS: &str = "10";

/// PostgreSQL behind two server processes.
#[derive(Debug)]
struct Chain {
    processes: [Servers; 2],
}

#[async_trait]
impl Subject for Chain {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Some(database) = database() else { return Err(Skip::Absent(HOW_TO_INSTALL.to_owned())) };
        let clock = Arc::new(ManualClock::new(START));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("incoming-leads-clock-{}-{number}", std::process::id()));
        let file = Arc::new(FileClock::create(path, clock.clone()));
        let store = Options::default().with_connections(2).with_clock(clock.clone());
        let store = store.open(&database.url()).await.expect("the database is there");
        let behind = Instance::of_store(&store, fixture).await.expect("the store takes every fixture");
        let users =
            [(ACCOUNT, ADMINISTRATOR), (ACCOUNT, SORTER), (ACCOUNT, VIEWER), (FOREIGN_ACCOUNT, STRANGER)];
        for (account_id, user_id) in users {
            let secret = Secret::Sha256(digest(&user_id.to_string()).to_hex());
            store.enrol(&Token::bearer(account_id, user_id, secret)).await.expect("the user is there");
        }
        let urls = self.processes.each_ref().map(|process| process.serve(&database.url(), file.path()));
        let mut users = users.iter();
        let over_http = |store: Ports| {
            let (_, user) = users.next().expect("there are four handles");
            let turns = urls.each_ref().map(|url| {
                let leads = HttpV4::builder(url).with_token(user.to_string()).with_limiters(Vec::new());
                leads.build().expect("the address and the token are there").ports()
            });
            InTurn::ports(turns, store, file.clone())
        };
        Ok(behind.map(over_http).with_clock(clock).with_guard((database, file.clone())))
    }
}

fn main() -> ExitCode {
    if servers::run() {
        return ExitCode::SUCCESS;
    }
    // The kit reads its size from the environment.
    if std::env::var_os(SEQUENCES).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        let status = again.args(std::env::args_os().skip(1)).env(SEQUENCES, SCRIPTS).status().unwrap();
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let chain = Chain { processes: [Servers::start(), Servers::start()] };
    Kit::new(chain)
        .deviates(
            "directory::notes_come_with_leads",
            "v4 has no place for the notes of a lead that is added, so they are refused as unsupported",
        )
        .main()
}
