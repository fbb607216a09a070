//! What is forgotten, and what is not.

use std::sync::Arc;

use incoming_leads_conformance::fixture;
use incoming_leads_model::{Accept, Decline, LeadId, SummaryQuery};
use incoming_leads_port::{EntityQuery, ManualClock, Ports, Retention};

use crate::world::{World, add, administrator, furnish};

const DAY_SECS: u32 = 86_400;

#[tokio::test]
async fn what_is_settled_is_forgotten_in_its_time_and_still_counted() {
    let Some(world) = World::new() else { return };
    let clock = Arc::new(ManualClock::new(fixture::START));
    let store = world.store().await.with_clock(clock.clone());
    furnish(&store).await;
    let ports = administrator(&store).await;
    let [declined, accepted, waiting] =
        [add(&*ports.incoming).await, add(&*ports.incoming).await, add(&*ports.incoming).await];
    ports.incoming.decline(&declined.uid, &Decline::default()).await.unwrap();
    ports.incoming.accept(&accepted.uid, &Accept::default()).await.unwrap();
    let lead = |receipt: &incoming_leads_model::Receipt| receipt.leads.clone().unwrap()[0];
    let (declined, accepted, waiting) = (lead(&declined), lead(&accepted), lead(&waiting));
    let before = ports.incoming.summary(&SummaryQuery::default()).await.unwrap();
    let retention = Retention::default().with_events_days(10).with_settled_days(5);

    clock.advance_secs(5 * DAY_SECS);
    // The fixture has a few in the bin since long ago.
    store.sweep(retention).await.unwrap();
    assert_eq!(known(&ports, [declined, accepted, waiting]).await, [declined, accepted, waiting]);
    clock.advance_secs(1);
    store.sweep(retention).await.unwrap();
    assert_eq!(known(&ports, [declined, accepted, waiting]).await, [accepted, waiting]);

    let history = ports.history.as_ref().unwrap();
    let events = async || history.events(None, 1000).await.unwrap().events.len();
    let all = events().await;
    clock.advance_secs(5 * DAY_SECS);
    assert_eq!(store.sweep(retention).await.unwrap(), 4, "two that came and were decided");
    assert_eq!(events().await, all - 4, "those of what waits stay");
    assert_eq!(ports.incoming.summary(&SummaryQuery::default()).await.unwrap(), before);
    assert_eq!(store.sweep(Retention::default()).await.unwrap(), 0);
}

async fn known(ports: &Ports, ids: [LeadId; 3]) -> Vec<LeadId> {
    let query = EntityQuery::with_ids(ids.to_vec());
    let page = ports.directory.as_ref().unwrap().leads(&query).await.unwrap();
    page.items.into_iter().map(|lead| lead.id).collect()
}
