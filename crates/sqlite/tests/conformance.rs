//! The store in an SQLite file, put through the conformance kit.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject, fixture};
use incoming_leads_port::ManualClock;
use incoming_leads_sqlite::{Options, Sqlite};
use tempfile::TempDir;

/// One file for all instances and one for what is exported from it.
#[derive(Debug)]
struct InFile {
    store: Sqlite,
    copies: Sqlite,
    pairs: AtomicU64,
    _folder: TempDir,
}

impl InFile {
    fn new() -> Self {
        let folder = folder();
        let open = |name| Options::default().open(folder.path().join(name)).expect("the folder is new");
        let (store, copies) = (open("leads.sqlite"), open("copies.sqlite"));
        Self { store, copies, pairs: AtomicU64::new(0), _folder: folder }
    }
}

/// A folder in memory where the system has one: here nothing depends on what a disk keeps.
fn folder() -> TempDir {
    let made = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    made.expect("there is a place for temporary folders")
}

#[async_trait]
impl Subject for InFile {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let clock = Arc::new(ManualClock::new(fixture::START));
        let fixture = fixture.pair(self.pairs.fetch_add(1, Ordering::Relaxed));
        let instance = Instance::of_store(&self.store.with_clock(clock.clone()), &fixture).await;
        let instance = instance.expect("the store takes every fixture").with_clock(clock.clone());
        let copies = self.copies.with_clock(clock);
        Ok(instance.with_another(move || std::future::ready(Ok(copies.clone()))))
    }
}

fn main() -> ExitCode {
    Kit::new(InFile::new()).with_sequences(500).main()
}
