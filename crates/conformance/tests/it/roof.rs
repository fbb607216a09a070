//! Instances under one roof: each has its pair of accounts in a store that all of them share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::script::{self, Settings};
use incoming_leads_conformance::{Fixture, Instance, Kit, Outcome, Skip, Subject, cases, fixture};
use incoming_leads_memory::Memory;
use incoming_leads_port::{Ids, ManualClock};

use crate::runtime;

#[test]
fn instances_of_one_store_pass_the_table_and_agree_with_the_oracle() {
    let kit = Kit::new(OneRoof::new());
    for case in cases() {
        let outcome = runtime().block_on(kit.run(case));
        assert!(matches!(outcome, Outcome::Passed | Outcome::Inapplicable(_)), "{}: {outcome:?}", case.id);
    }
    assert_eq!(script::run(&OneRoof::new(), &runtime(), Settings::new(60, 1)), Outcome::Passed);
}

/// One store and its one clock: instances come one after the other.
#[derive(Debug)]
struct OneRoof {
    memory: Memory,
    copies: Memory,
    clock: Arc<ManualClock>,
    pairs: AtomicU64,
}

impl OneRoof {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(fixture::START));
        let memory = || Memory::new(clock.clone(), Arc::new(Ids::random()));
        Self { memory: memory(), copies: memory(), clock: clock.clone(), pairs: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Subject for OneRoof {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        self.clock.set(fixture::START);
        let fixture = fixture.pair(self.pairs.fetch_add(1, Ordering::Relaxed));
        let instance =
            Instance::of_store(&self.memory, &fixture).await.unwrap().with_clock(self.clock.clone());
        let copies = self.copies.clone();
        Ok(instance.with_another(move || std::future::ready(Ok(copies.clone()))))
    }
}
