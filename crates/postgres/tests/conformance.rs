//! The store over PostgreSQL, put through the conformance kit.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject, fixture};
use incoming_leads_port::ManualClock;
use incoming_leads_postgres::{Options, Postgres};
use incoming_leads_testbed::{Database, HOW_TO_INSTALL, database};
use tokio::sync::OnceCell;

/// All instances are accounts of one database: what one did to the others would show. Copies go to another one.
#[derive(Debug)]
struct OverPostgres {
    databases: Option<[Database; 2]>,
    stores: OnceCell<[Postgres; 2]>,
    pairs: AtomicU64,
}

#[async_trait]
impl Subject for OverPostgres {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let databases = self.databases.as_ref();
        let [one, other] = databases.ok_or_else(|| Skip::Absent(format!("PostgreSQL; {HOW_TO_INSTALL}")))?;
        let open = async |database: &Database| Options::default().open(&database.url()).await.unwrap();
        let [store, copies] = self.stores.get_or_init(async || [open(one).await, open(other).await]).await;
        let clock = Arc::new(ManualClock::new(fixture::START));
        let fixture = fixture.pair(self.pairs.fetch_add(1, Ordering::Relaxed));
        let instance = Instance::of_store(&store.with_clock(clock.clone()), &fixture).await;
        let copies = copies.with_clock(clock.clone());
        let instance = instance.unwrap().with_clock(clock);
        Ok(instance.with_another(move || std::future::ready(Ok(copies.clone()))))
    }
}

fn main() -> ExitCode {
    let databases = database().and_then(|one| Some([one, database()?]));
    let subject = OverPostgres { databases, stores: OnceCell::new(), pairs: AtomicU64::new(0) };
    Kit::new(subject).with_sequences(200).main()
}
