//! What is forgotten, and what is not.

use std::sync::Arc;

use futures_util::TryStreamExt;
use incoming_leads_conformance::fixture;
use incoming_leads_model::document::Line;
use incoming_leads_model::{Accept, Add, Decline, LeadId, ListQuery, SummaryQuery};
use incoming_leads_port::{EntityQuery, ManualClock, Ports, Provision, Retention};

use crate::world::{World, add, administrator, form, furnish};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_much_that_waits_are_looked_at_once() {
    let Some(world) = World::new() else { return };
    let clock = Arc::new(ManualClock::new(fixture::START));
    let store = world.store().await.with_clock(clock.clone());
    furnish(&store).await;
    let ports = administrator(&store).await;
    let add_some = async |count: usize| {
        let forms = (0..count).map(|_| form()).collect();
        ports.incoming.add(&Add::forms(forms)).await.unwrap()
    };
    // In the same second and in others, more than are looked at in one statement; what can go lies between and behind.
    let mut settled = Vec::new();
    for round in 0..6 {
        clock.advance_secs(round / 3);
        add_some(240).await;
        settled.extend(add_some(10).await);
    }
    for receipt in &settled {
        ports.incoming.decline(&receipt.uid, &Decline::default()).await.unwrap();
    }
    clock.advance_secs(3 * DAY_SECS);
    let young = add_some(1).await.remove(0);
    ports.incoming.decline(&young.uid, &Decline::default()).await.unwrap();
    let history = ports.history.as_ref().unwrap();
    let events = async || {
        let (mut all, mut cursor) = (0, None);
        loop {
            let some = history.events(cursor.as_ref(), 1000).await.unwrap();
            match some.events.len() {
                0 => return all,
                count => (all, cursor) = (all + count, Some(some.next)),
            }
        }
    };
    let before = events().await;
    assert_eq!(store.sweep(Retention::default().with_events_days(1)).await.unwrap(), 2 * 60);
    assert_eq!(events().await, before - 2 * 60);
}

/// Events come before what waits, so between two pieces of an import there is nothing yet that waits.
#[tokio::test]
async fn events_stay_while_an_import_is_under_way() {
    let (Some(there), Some(here)) = (World::new(), World::new()) else { return };
    let clock = Arc::new(ManualClock::new(fixture::START));
    let source = there.store().await.with_clock(clock.clone());
    furnish(&source).await;
    let expected = administrator(&source).await;
    let decided = add(&*expected.incoming).await;
    expected.incoming.decline(&decided.uid, &Decline::default()).await.unwrap();
    let lines: Vec<Line> = source.export(Some(fixture::ACCOUNT)).try_collect().await.unwrap();
    let (account, rest): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| matches!(line, Line::Header { .. } | Line::Account(_)));
    let (events, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|line| matches!(line, Line::Event(_)));
    let store = here.store().await.with_clock(clock.clone());
    store.import(account).await.unwrap();
    store.import(events.clone()).await.unwrap();
    clock.advance_secs(10 * DAY_SECS);
    let retention = Retention::default().with_events_days(9);
    assert_eq!(store.sweep(retention).await.unwrap(), 2, "of what was decided");
    store.import(rest).await.unwrap();
    assert_eq!(store.sweep(retention).await.unwrap(), 0);
    let ports = administrator(&store).await;
    let left = ports.history.as_ref().unwrap().events(None, 1000).await.unwrap().events;
    assert_eq!(left.len(), events.len() - 2);
    let query = ListQuery::default();
    assert_eq!(ports.incoming.list(&query).await.unwrap(), expected.incoming.list(&query).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_in_which_nothing_waits_is_no_row() {
    let Some(world) = World::new() else { return };
    let store = world.store().await;
    furnish(&store).await;
    let ports = administrator(&store).await;
    let client = world.client().await;
    let guides = async || {
        let counted = "SELECT count(*), count(*) FILTER (WHERE sip + forms + chats + mail = 0) FROM guides";
        let row = client.query_one(counted, &[]).await.unwrap();
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let before = guides().await;
    assert_eq!(before.1, 0);
    let [accepted, declined] = [add(&*ports.incoming).await, add(&*ports.incoming).await];
    assert!(guides().await.0 > before.0);
    ports.incoming.accept(&accepted.uid, &Accept::default()).await.unwrap();
    assert!(guides().await.0 > before.0, "one of the two waits");
    ports.incoming.decline(&declined.uid, &Decline::default()).await.unwrap();
    assert_eq!(guides().await, before);
}
