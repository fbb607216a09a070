//! Several stores on one database, as several server processes would have them.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use incoming_leads_conformance::fixture;
use incoming_leads_model::document::Line;
use incoming_leads_model::{
    Accept, Add, Decline, Event, EventKind, LeadId, ListQuery, PageRequest, SummaryQuery, Uid,
};
use incoming_leads_port::{ErrorKind, Ports, Provision};

use crate::world::{World, add, administrator, form, form_of, furnish};

/// Two processes' handles.
async fn two(world: &World) -> [Ports; 2] {
    let (one, other) = (world.store().await, world.store().await);
    furnish(&one).await;
    [administrator(&one).await, administrator(&other).await]
}

/// All events there are.
async fn events(ports: &Ports) -> Vec<Event> {
    let history = ports.history.as_ref().unwrap();
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let some = history.events(cursor.as_ref(), 1000).await.unwrap();
        if some.events.is_empty() {
            return all;
        }
        all.extend(some.events);
        cursor = Some(some.next);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_decision_wins_whichever_process_it_came_by() {
    let Some(world) = World::new() else { return };
    let [one, other] = two(&world).await;
    let drafts = (0..60).map(|_| form()).collect();
    let receipts = one.incoming.add(&Add::forms(drafts)).await.unwrap();
    let uids: Vec<Uid> = receipts.into_iter().map(|receipt| receipt.uid).collect();
    let mut tries = Vec::new();
    for uid in &uids {
        for (number, ports) in [&one, &other, &one, &other].into_iter().enumerate() {
            let (leads, uid) = (ports.incoming.clone(), uid.clone());
            tries.push(tokio::spawn(async move {
                let done = match number {
                    0 | 1 => leads.accept(&uid, &Accept::default()).await,
                    _ => leads.decline(&uid, &Decline::default()).await,
                };
                match done {
                    Ok(receipt) => Some(receipt.uid),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
                        None
                    }
                }
            }));
        }
    }
    let mut won = Vec::new();
    for tried in tries {
        won.extend(tried.await.unwrap());
    }
    won.sort();
    let mut expected = uids.clone();
    expected.sort();
    assert_eq!(won, expected, "each is decided once");
    let decisions = events(&other).await.into_iter().filter(|event| uids.contains(&event.uid));
    let decisions = decisions.filter(|event| !matches!(event.kind, EventKind::Added(_)));
    assert_eq!(decisions.count(), uids.len());
    let query = SummaryQuery { uids: Some(uids), ..SummaryQuery::default() };
    let summary = other.incoming.summary(&query).await.unwrap();
    assert_eq!((summary.total, summary.accepted + summary.declined.unwrap()), (60, 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_identical_leads_comes_in_whichever_process_it_came_by() {
    let Some(world) = World::new() else { return };
    let handles = two(&world).await;
    // Each process meets the identities in an order of its own.
    let tries = (0..2).flat_map(|process| {
        let leads = handles[process].incoming.clone();
        (0..40).map(move |number| {
            let number = if process == 0 { number } else { 39 - number };
            let drafts = vec![form_of(&format!("{number}")), form_of(&format!("{}", number + 1000))];
            let leads = leads.clone();
            tokio::spawn(async move { leads.add(&Add::forms(drafts)).await })
        })
    });
    let mut came_in = 0;
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.unwrap() {
            Ok(_) => came_in += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}"),
        }
    }
    assert_eq!(came_in, 40);
    let added = events(&handles[0]).await.into_iter().filter(|event| event.created_at.secs() > 1_700_000_000);
    assert_eq!(added.count(), 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_given_once_and_counts_add_up() {
    let Some(world) = World::new() else { return };
    let handles = two(&world).await;
    let before = handles[0].incoming.summary(&SummaryQuery::default()).await.unwrap();
    let adds = (0..200).map(|number: usize| {
        let leads = handles[number % 2].incoming.clone();
        tokio::spawn(async move { add(&*leads).await })
    });
    let mut ids: BTreeSet<LeadId> = BTreeSet::new();
    for added in adds.collect::<Vec<_>>() {
        ids.extend(added.await.unwrap().leads.unwrap());
    }
    assert_eq!(ids.len(), 200);
    let after = handles[1].incoming.summary(&SummaryQuery::default()).await.unwrap();
    assert_eq!(after.total - before.total, 200);
    // Counts lead to deep pages: if they were wrong, leads would be missing or told twice.
    let mut listed = Vec::new();
    for number in 1.. {
        let page = PageRequest::new(number, 7).unwrap();
        let page = handles[1].incoming.list(&ListQuery { page, ..ListQuery::default() }).await.unwrap();
        if page.items.is_empty() {
            break;
        }
        listed.extend(page.items.into_iter().map(|lead| lead.uid));
    }
    let count = listed.len();
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>().len(), count);
    assert_eq!(count as u64, after.total);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_answered_the_other_sees() {
    let Some(world) = World::new() else { return };
    let [one, other] = two(&world).await;
    for _ in 0..20 {
        let before = revision(&other).await;
        let added = add(&*one.incoming).await;
        assert!(other.incoming.get(&added.uid).await.unwrap().is_some());
        assert_ne!(revision(&other).await, before);
        other.incoming.accept(&added.uid, &Accept::default()).await.unwrap();
        assert!(one.incoming.get(&added.uid).await.unwrap().is_none());
    }
}

async fn revision(ports: &Ports) -> Option<u64> {
    ports.versioned.as_ref().unwrap().revision().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_misses_nothing_that_is_committed_late() {
    let Some(world) = World::new() else { return };
    let [one, other] = two(&world).await;
    let history = one.history.as_ref().unwrap();
    let mut cursor = history.events(None, 1000).await.unwrap().next;
    // A transaction that has its sequence and is not committed.
    let late = world.client().await;
    let account = i64::try_from(fixture::ACCOUNT.get()).unwrap();
    late.batch_execute("BEGIN").await.unwrap();
    let moved = "UPDATE marks SET sequence = sequence + 1 WHERE account_id = $1 RETURNING sequence";
    let sequence: i64 = late.query_one(moved, &[&account]).await.unwrap().get(0);
    let copied = "INSERT INTO events SELECT account_id, $2, uid, recorded_at, 1, body FROM events \
                  WHERE account_id = $1 ORDER BY sequence LIMIT 1";
    late.execute(copied, &[&account, &sequence]).await.unwrap();
    // Others cannot get past it.
    let adding = tokio::spawn(async move { add(&*other.incoming).await.uid });
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let read = history.events(Some(&cursor), 1000).await.unwrap();
        assert_eq!((read.events, &read.next), (Vec::new(), &cursor));
        cursor = read.next;
    }
    late.batch_execute("COMMIT").await.unwrap();
    let uid = adding.await.unwrap();
    let read = history.events(Some(&cursor), 1000).await.unwrap();
    assert_eq!(read.events.len(), 2);
    assert_eq!(read.events[1].uid, uid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_many_writers_are_each_read_once_while_they_are_written() {
    let Some(world) = World::new() else { return };
    let handles = two(&world).await;
    let history = handles[0].history.clone().unwrap();
    let start = history.events(None, 1000).await.unwrap().next;
    let adds = (0..150).map(|number: usize| {
        let leads = handles[number % 2].incoming.clone();
        tokio::spawn(async move { add(&*leads).await.uid })
    });
    let adds: Vec<_> = adds.collect();
    let (mut read, mut cursor) = (Vec::new(), start);
    let mut added = Vec::new();
    for add in adds {
        let some = history.events(Some(&cursor), 10).await.unwrap();
        read.extend(some.events.into_iter().map(|event| event.uid));
        cursor = some.next;
        added.push(add.await.unwrap());
    }
    let rest = history.events(Some(&cursor), 1000).await.unwrap();
    read.extend(rest.events.into_iter().map(|event| event.uid));
    read.sort();
    added.sort();
    assert_eq!(read, added);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_document_taken_over_by_many_at_once_counts_once() {
    let (Some(there), Some(here)) = (World::new(), World::new()) else { return };
    let source = there.store().await;
    furnish(&source).await;
    let expected = administrator(&source).await;
    let receipts = expected.incoming.add(&Add::forms((0..40).map(|_| form()).collect())).await.unwrap();
    for receipt in receipts.iter().step_by(3) {
        expected.incoming.decline(&receipt.uid, &Decline::default()).await.unwrap();
    }
    let lines: Vec<Line> = source.export(Some(fixture::ACCOUNT)).try_collect().await.unwrap();
    // The piece that tells the account keeps others off by itself.
    let (account, rest): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| matches!(line, Line::Header { .. } | Line::Account(_)));
    let stores = [here.store().await, here.store().await];
    stores[0].import(account).await.unwrap();
    let imports = (0..12).map(|number: usize| {
        let (store, rest) = (stores[number % 2].clone(), rest.clone());
        tokio::spawn(async move { store.import(rest).await })
    });
    for import in imports.collect::<Vec<_>>() {
        import.await.unwrap().unwrap();
    }
    let ports = administrator(&stores[1]).await;
    assert_eq!(events(&ports).await, events(&expected).await);
    let everything = SummaryQuery::default();
    let summary = ports.incoming.summary(&everything).await.unwrap();
    assert_eq!(summary, expected.incoming.summary(&everything).await.unwrap());
    // Counts lead to the pages.
    let size = 7;
    for number in 1..=10 {
        let query = ListQuery { page: PageRequest::new(number, size).unwrap(), ..ListQuery::default() };
        let page = ports.incoming.list(&query).await.unwrap();
        assert_eq!(page, expected.incoming.list(&query).await.unwrap(), "page {number}");
    }
}
