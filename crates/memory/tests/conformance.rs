//! The store in memory, put through the conformance kit.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject, fixture};
use incoming_leads_memory::Memory;
use incoming_leads_port::{Ids, ManualClock};

#[derive(Debug)]
struct InMemory;

#[async_trait]
impl Subject for InMemory {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let clock = Arc::new(ManualClock::new(fixture::START));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
        let instance = Instance::of_store(&memory, fixture).await;
        let instance = instance.expect("memory takes every fixture").with_clock(clock);
        Ok(instance.with_another(async || Ok(Memory::default())))
    }
}

fn main() -> ExitCode {
    Kit::new(InMemory).with_sequences(5_000).main()
}
