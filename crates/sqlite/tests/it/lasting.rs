//! What lasts: from one program to the next, and what several of them see of each other.

use std::sync::Arc;

use incoming_leads_model::document::{Line, Of};
use incoming_leads_model::{Accept, Lead, SummaryQuery};
use incoming_leads_port::{EntityQuery, ErrorKind, Ids, ManualClock, Outcome, Provision, Registry};
use incoming_leads_sqlite::Options;

use crate::world::{START, World, call, chat, layout, moment, principal};

#[tokio::test]
async fn all_is_there_when_the_file_is_opened_again() {
    let world = World::new().await;
    let first = world.add(call(1, START, 10)).await;
    world.add(call(2, START + 9, 11)).await;
    world.ports.intake.as_ref().unwrap().take_in(&chat(1, START, 10)).await.unwrap();
    world.ports.incoming.accept(&first.uid, &Accept::default()).await.unwrap();
    let (waiting, lines) = (world.waiting().await, world.export().await);
    let summary = world.ports.incoming.summary(&SummaryQuery::default()).await.unwrap();
    let events = world.ports.history.as_ref().unwrap().events(None, 1000).await.unwrap();
    let world = world.again().await;
    assert_eq!(world.waiting().await, waiting);
    assert_eq!(world.export().await, lines);
    assert_eq!(world.ports.incoming.summary(&SummaryQuery::default()).await.unwrap(), summary);
    let history = world.ports.history.as_ref().unwrap();
    assert_eq!(history.events(None, 1000).await.unwrap(), events);
    // A cursor lasts as well.
    world.add(call(3, START, 10)).await;
    assert_eq!(history.events(Some(&events.next), 1000).await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn ids_go_on_where_another_program_ended_or_is() {
    let world = World::new().await;
    let mut last = world.add(call(1, START, 10)).await;
    let world = world.again().await;
    // Beside the first, from the smallest ids on, as far as its own source of ids knows.
    let ids = Arc::new(Ids::sequential());
    let clock = Arc::new(ManualClock::new(moment(START)));
    let beside = Options::default().with_clock(clock).with_ids(ids).open(world.path()).unwrap();
    let other = beside.open(principal()).await.unwrap();
    for number in 2..6 {
        let next = if number % 2 == 0 {
            let add = incoming_leads_model::Add::calls(vec![call(number, START, 10)]);
            other.incoming.add(&add).await.unwrap().remove(0)
        } else {
            world.add(call(number, START, 10)).await
        };
        assert!(next.leads > last.leads && next.contacts > last.contacts, "{next:?} after {last:?}");
        last = next;
    }
    assert_eq!(world.uids().await.len(), 5);
}

#[tokio::test]
async fn a_change_of_the_account_beside_a_server_is_seen_at_once() {
    let world = World::new().await;
    let beside = Options::default().open(world.path()).unwrap();
    let revision = world.ports.versioned.as_ref().unwrap().revision().await.unwrap();
    let mut changed = layout();
    changed.users[0].rights = incoming_leads_model::Rights::VIEWER;
    beside.import(vec![Line::Account(Box::new(changed))]).await.unwrap();
    let add = incoming_leads_model::Add::calls(vec![call(1, START, 10)]);
    let refused = world.ports.incoming.add(&add).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    assert_ne!(world.ports.versioned.as_ref().unwrap().revision().await.unwrap(), revision);
}

#[tokio::test]
async fn one_server_at_a_time_and_others_beside_it() {
    let world = World::new().await;
    let server = || Options::default().as_server().open(world.path());
    let first = server().unwrap();
    let refused = server().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("another server (process "), "{refused}");
    Options::default().open(world.path()).unwrap();
    // By another name it is the same file.
    let link = world.folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(world.path(), &link).unwrap();
    assert!(Options::default().as_server().open(link).is_err());
    drop(first);
    server().unwrap();
}

/// The system lets go of all locks that a process has in a file when it closes that file anywhere.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn opening_a_file_once_more_lets_go_of_no_lock() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new().await;
    world.add(call(1, START, 10)).await;
    let file = format!(":{} ", world.path().metadata().unwrap().ino());
    // The system tells its locks piece by piece: one may be passed over while others come and go.
    let is_locked = || {
        (0..100).any(|_| {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|lock| lock.contains("POSIX") && lock.contains(&file))
        })
    };
    assert!(is_locked());
    Options::default().open(world.path()).unwrap();
    assert!(is_locked());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_taken_away_is_waited_for_and_no_other_takes_its_place() {
    let world = World::new().await;
    world.add(call(1, START, 10)).await;
    let (path, aside) = (world.path(), world.folder.path().join("aside"));
    let is_refused = async |why: &str| {
        let add = incoming_leads_model::Add::calls(vec![call(2, START, 10)]);
        let error = world.ports.incoming.add(&add).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotApplied), "{error}");
        assert!(error.retry_after().is_some() && error.to_string().contains(why), "{error}");
    };
    std::fs::rename(&path, &aside).unwrap();
    is_refused("is gone").await;
    assert!(!path.exists());
    std::fs::write(&path, "another").unwrap();
    is_refused("is another file than was opened").await;
    std::fs::rename(&aside, &path).unwrap();
    world.add(call(2, START, 10)).await;
    assert_eq!(world.again().await.uids().await.len(), 2);
}

#[tokio::test]
async fn ids_stay_above_those_that_a_neighbour_in_the_queue_brings() {
    let world = World::new().await;
    let lead = world.add(call(1, START, 10)).await.leads.unwrap()[0];
    let directory = world.ports.directory.as_ref().unwrap();
    let lead = directory.leads(&EntityQuery::with_ids(vec![lead])).await.unwrap().items.remove(0);
    let of = |number: u64| {
        let row = Lead { id: number.try_into().unwrap(), ..lead.clone() };
        Line::Lead(Of { account_id: principal().account_id, row })
    };
    // While the first is written the other two queue up and are committed together.
    let many = world.sqlite.import((10_000..12_000).map(of).collect());
    let one = world.sqlite.import(vec![of(5_000_000)]);
    let (many, one, added) = tokio::join!(many, one, world.add(call(2, START, 10)));
    many.unwrap();
    one.unwrap();
    assert!(added.leads.unwrap()[0].get() > 5_000_000);
}
