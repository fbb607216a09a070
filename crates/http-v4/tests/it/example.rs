//! The example program tells the same over memory and over HTTP.

#[path = "../../examples/morning.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod morning;

use incoming_leads_conformance::fixture::{ADMINISTRATOR, Named, START};

use crate::world::World;

#[tokio::test]
async fn the_same_program_runs_over_memory_and_over_http() {
    let (one, other) = (World::of(Named::Standard).await, World::of(Named::Standard).await);
    let in_memory = one.behind(ADMINISTRATOR).await.incoming;
    let (over_http, _) = other.leads(ADMINISTRATOR, &[], |builder| builder);
    let told = morning::morning(&*in_memory, START).await.unwrap();
    assert_eq!(morning::morning(&over_http, START).await.unwrap(), told);
    assert!(told.starts_with("8 waited"), "{told}");
}
