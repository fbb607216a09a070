//! The kit itself: right adapters pass it, wrong ones do not, and it says why.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mute;
mod planted;
mod roof;
mod runner;
mod survey;
mod wrong;
mod wrong_store;

use std::sync::Arc;

use incoming_leads_conformance::{Case, Fixture, Instance, cases, fixture};
use incoming_leads_memory::Memory;
use incoming_leads_port::{Ids, ManualClock};
use tokio::runtime::{Builder, Runtime};

/// A fresh store in memory, whose clock can be set.
async fn in_memory(fixture: &Fixture) -> Instance {
    let clock = Arc::new(ManualClock::new(fixture::START));
    let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
    let instance = Instance::of_store(&memory, fixture).await.unwrap().with_clock(clock);
    instance.with_another(async || Ok(Memory::default()))
}

fn case(id: &str) -> &'static Case {
    cases().find(|case| case.id == id).unwrap_or_else(|| panic!("the table has no case {id}"))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
