//! The whole chain through the conformance kit: http-v4, two server processes that are used in turn, PostgreSQL.
//!
//! The processes are this program, started again: their servers take the time from a file, so that the kit's cases can
//! set it. Chats and mails come in through the store: v4 has no way for them.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]

mod servers;
mod turns;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{ADMINISTRATOR, SORTER, START, STRANGER, VIEWER};
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_port::{ManualClock, Ports, Registry};
use incoming_leads_postgres::{Options, Postgres};
use incoming_leads_server::digest;
use incoming_leads_testbed::{Database, HOW_TO_INSTALL, database};
use tokio::sync::OnceCell;

use servers::Servers;
use turns::{FileClock, InTurn};

/// PostgreSQL behind two server processes. All instances are accounts of one database.
#[derive(Debug)]
struct Chain {
    database: Option<Database>,
    store: OnceCell<Postgres>,
    processes: OnceCell<[Servers; 2]>,
    pairs: AtomicU64,
}

#[async_trait]
impl Subject for Chain {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let Some(database) = &self.database else { return Err(Skip::Absent(HOW_TO_INSTALL.to_owned())) };
        let url = database.url();
        let store = self.store.get_or_init(async || Options::default().open(&url).await.unwrap()).await;
        let start = async || [Servers::start(&url), Servers::start(&url)];
        let processes = self.processes.get_or_init(start).await;
        let number = self.pairs.fetch_add(1, Ordering::Relaxed);
        let fixture = fixture.pair(number);
        let clock = Arc::new(ManualClock::new(START));
        let path = std::env::temp_dir().join(format!("incoming-leads-clock-{}-{number}", std::process::id()));
        let file = Arc::new(FileClock::create(path, clock.clone()));
        let store = store.with_clock(clock.clone());
        let behind = Instance::of_store(&store, &fixture).await.expect("the store takes every fixture");
        let users = [
            (fixture.account, ADMINISTRATOR),
            (fixture.account, SORTER),
            (fixture.account, VIEWER),
            (fixture.foreign_account, STRANGER),
        ];
        let secrets = users.map(|(account, user)| format!("{account}-{user}"));
        for ((account_id, user_id), secret) in users.into_iter().zip(&secrets) {
            let secret = Secret::Sha256(digest(secret).to_hex());
            store.enrol(&Token::bearer(account_id, user_id, secret)).await.expect("the user is there");
        }
        let urls = processes.each_ref().map(|process| process.serve(file.path()));
        let mut secrets = secrets.iter();
        let over_http = |store: Ports| {
            let secret = secrets.next().expect("there are four handles");
            let turns = urls.each_ref().map(|url| {
                let leads = HttpV4::builder(url).with_token(secret.clone()).with_limiters(Vec::new());
                leads.build().expect("the address and the token are there").ports()
            });
            InTurn::ports(turns, store, file.clone())
        };
        Ok(behind.map(over_http).with_clock(clock).with_guard(file.clone()))
    }
}

fn main() -> ExitCode {
    if servers::run() {
        return ExitCode::SUCCESS;
    }
    let chain = Chain {
        database: database(),
        store: OnceCell::new(),
        processes: OnceCell::new(),
        pairs: AtomicU64::new(0),
    };
    Kit::new(chain)
        .with_sequences(10)
        .deviates(
            "directory::notes_come_with_leads",
            "v4 has no place for the notes of a lead that is added, so they are refused as unsupported",
        )
        .main()
}
