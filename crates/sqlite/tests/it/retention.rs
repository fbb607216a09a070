//! What is kept long enough is forgotten; what somebody waits for is not.

use incoming_leads_model::document::Line;
use incoming_leads_model::{Accept, ContactId, Decline, SummaryQuery};
use incoming_leads_port::{EntityQuery, Provision, Retention};

use crate::world::{START, World, call, moment};

const DAY: u32 = 86_400;

#[tokio::test]
async fn events_go_when_they_are_old_and_their_lead_waits_no_longer() {
    let world = World::new().await;
    let waits = world.add(call(1, START, 10)).await;
    let decided = world.add(call(2, START, 10)).await;
    world.clock.advance_secs(DAY);
    world.ports.incoming.accept(&decided.uid, &Accept::default()).await.unwrap();
    world.clock.advance_secs(10 * DAY);
    let late = world.add(call(3, START, 10)).await;
    let history = world.ports.history.as_ref().unwrap();
    let cursor = history.events(None, 1).await.unwrap().next;
    let summary = world.ports.incoming.summary(&SummaryQuery::default()).await.unwrap();

    assert_eq!(world.sqlite.sweep(Retention::default()).await.unwrap(), 0);
    assert_eq!(world.sqlite.sweep(Retention::default().with_events_days(12)).await.unwrap(), 0);
    // All but the last day's: the add of what was accepted, and the accept.
    assert_eq!(world.sqlite.sweep(Retention::default().with_events_days(9)).await.unwrap(), 2);
    let left = |events: incoming_leads_port::Events| events.events.into_iter().map(|event| event.uid);
    let all: Vec<_> = left(history.events(None, 10).await.unwrap()).collect();
    assert_eq!(all, [waits.uid, late.uid.clone()]);
    // An old cursor goes on, and sums are what they were.
    let rest: Vec<_> = left(history.events(Some(&cursor), 10).await.unwrap()).collect();
    assert_eq!(rest, [late.uid]);
    assert_eq!(world.ports.incoming.summary(&SummaryQuery::default()).await.unwrap(), summary);
    assert_eq!(world.uids().await.len(), 2);
}

#[tokio::test]
async fn more_than_one_job_looks_at_is_forgotten_too() {
    let world = World::new().await;
    let calls = (0..1200).map(|number| call(number, START, 10)).collect::<Vec<_>>();
    for calls in calls.chunks(240) {
        world.ports.incoming.add(&incoming_leads_model::Add::calls(calls.to_vec())).await.unwrap();
    }
    let kept = world.uids().await.swap_remove(700);
    for uid in world.uids().await.into_iter().filter(|uid| *uid != kept) {
        world.ports.incoming.decline(&uid, &Decline::default()).await.unwrap();
    }
    world.clock.advance_secs(3 * DAY);
    let retention = Retention::default().with_events_days(1).with_settled_days(1);
    // Of each: two events, a lead, a contact.
    assert_eq!(world.sqlite.sweep(retention).await.unwrap(), 4 * 1199);
    let lines = world.export().await;
    let count = |is: fn(&Line) -> bool| lines.iter().filter(|line| is(line)).count();
    assert_eq!(count(|line| matches!(line, Line::Event(_))), 1);
    assert_eq!(count(|line| matches!(line, Line::Lead(_))), 1);
    assert_eq!(count(|line| matches!(line, Line::Contact(_))), 1);
    assert_eq!(count(|line| matches!(line, Line::Note(_))), 1);
}

#[tokio::test]
async fn what_lies_in_the_bin_goes_after_its_days_and_nothing_else() {
    let world = World::new().await;
    let [declined, accepted] = [world.add(call(1, START, 10)).await, world.add(call(2, START, 10)).await];
    world.ports.incoming.decline(&declined.uid, &Decline::default()).await.unwrap();
    world.ports.incoming.accept(&accepted.uid, &Accept::default()).await.unwrap();
    world.clock.advance_secs(5 * DAY);
    assert_eq!(world.sqlite.sweep(Retention::default().with_settled_days(6)).await.unwrap(), 0);
    assert_eq!(world.sqlite.sweep(Retention::default().with_settled_days(4)).await.unwrap(), 2);
    let contacts: Vec<ContactId> =
        [declined.contacts, accepted.contacts.clone()].into_iter().flatten().flatten().collect();
    let directory = world.ports.directory.as_ref().unwrap();
    let found = directory.contacts(&EntityQuery::with_ids(contacts)).await.unwrap().items;
    assert_eq!(found.into_iter().map(|contact| contact.id).collect::<Vec<_>>(), accepted.contacts.unwrap());
}

#[tokio::test]
async fn an_event_of_a_wrong_clock_stands_in_nobodys_way() {
    let world = World::new().await;
    world.clock.set(moment(4_000_000_000));
    let far = world.add(call(0, START, 10)).await;
    world.ports.incoming.decline(&far.uid, &Decline::default()).await.unwrap();
    world.clock.set(moment(START));
    let decided = world.add(call(1, START, 10)).await;
    world.ports.incoming.decline(&decided.uid, &Decline::default()).await.unwrap();
    world.clock.advance_secs(3 * DAY);
    assert_eq!(world.sqlite.sweep(Retention::default().with_events_days(1)).await.unwrap(), 2);
    let events = world.ports.history.as_ref().unwrap().events(None, 10).await.unwrap().events;
    assert_eq!(events.into_iter().map(|event| event.uid).collect::<Vec<_>>(), [far.uid.clone(), far.uid]);
}

/// Events come before what waits, so between two pieces of an import there is nothing yet that waits.
#[tokio::test]
async fn events_stay_while_an_import_is_under_way() {
    let world = World::new().await;
    let waits = world.add(call(1, START, 10)).await;
    let decided = world.add(call(2, START, 10)).await;
    world.ports.incoming.decline(&decided.uid, &Decline::default()).await.unwrap();
    let (events, rest): (Vec<_>, Vec<_>) =
        world.export().await.into_iter().partition(|line| matches!(line, Line::Event(_)));
    let (account, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|line| matches!(line, Line::Header { .. } | Line::Account(_)));
    let copy = World::new().await;
    copy.sqlite.import(account).await.unwrap();
    copy.sqlite.import(events.clone()).await.unwrap();
    copy.clock.advance_secs(10 * DAY);
    let retention = Retention::default().with_events_days(9);
    assert_eq!(copy.sqlite.sweep(retention).await.unwrap(), 2, "of what was decided");
    copy.sqlite.import(rest).await.unwrap();
    assert_eq!(copy.sqlite.sweep(retention).await.unwrap(), 0);
    let left = copy.ports.history.as_ref().unwrap().events(None, 10).await.unwrap().events;
    assert_eq!(left.into_iter().map(|event| event.uid).collect::<Vec<_>>(), [waits.uid]);
    assert_eq!(copy.uids().await, world.uids().await);
}

#[tokio::test]
async fn events_of_a_lead_go_together() {
    let world = World::new().await;
    let decided = world.add(call(1, START, 10)).await;
    world.clock.advance_secs(5 * DAY);
    world.ports.incoming.decline(&decided.uid, &Decline::default()).await.unwrap();
    world.clock.advance_secs(5 * DAY);
    assert_eq!(world.sqlite.sweep(Retention::default().with_events_days(6)).await.unwrap(), 0);
    assert_eq!(world.sqlite.sweep(Retention::default().with_events_days(4)).await.unwrap(), 2);
}
