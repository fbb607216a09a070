//! Many write at the same time: what is committed together is decided one after the other.

use std::time::Duration;

use incoming_leads_model::{Accept, Add, Decline};
use incoming_leads_port::{ErrorKind, Outcome, Provision as _};
use incoming_leads_sqlite::Options;

use crate::world::{START, World, call, form};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_the_same_time_one_succeeds() {
    let world = World::new().await;
    for round in 0..20 {
        let add = || {
            let incoming = world.ports.incoming.clone();
            tokio::spawn(async move { incoming.add(&Add::forms(vec![form(round, START, 10)])).await })
        };
        let mut added = Vec::new();
        for answer in (0..8).map(|_| add()).collect::<Vec<_>>() {
            match answer.await.unwrap() {
                Ok(receipts) => added.extend(receipts),
                // Who is refused is told of one that is there.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid),
            }
        }
        let [only] = &added[..] else { panic!("{} of one identity were added", added.len()) };
        let decide = |accepts: bool| {
            let (incoming, uid) = (world.ports.incoming.clone(), only.uid.clone());
            tokio::spawn(async move {
                match accepts {
                    true => incoming.accept(&uid, &Accept::default()).await,
                    false => incoming.decline(&uid, &Decline::default()).await,
                }
            })
        };
        let mut decided = 0;
        for answer in (0..8).map(|number| decide(number % 2 == 0)).collect::<Vec<_>>() {
            match answer.await.unwrap() {
                Ok(_) => decided += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
            }
        }
        assert_eq!(decided, 1);
    }
}

#[tokio::test]
async fn whoever_stops_waiting_does_not_stop_what_was_sent() {
    let world = World::new().await;
    let add = Add::calls(vec![call(1, START, 10)]);
    drop(tokio::time::timeout(Duration::ZERO, world.ports.incoming.add(&add)).await);
    // The next one stands behind it in the queue.
    world.add(call(2, START, 10)).await;
    assert_eq!(world.uids().await.len(), 2);
}

#[tokio::test]
async fn a_lock_of_somebody_else_is_waited_for_and_then_told() {
    let world = World::new().await;
    let other = world.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let add = Add::calls(vec![call(1, START, 10)]);
    let error = world.ports.incoming.add(&add).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotApplied), "{error}");
    assert!(error.retry_after().is_some() && error.to_string().contains("locked"), "{error}");
    // Readers do not mind, and once it is gone all goes on.
    assert!(world.uids().await.is_empty());
    other.execute_batch("ROLLBACK").unwrap();
    world.add(call(1, START, 10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_beside_a_server_lets_others_have_their_turn() {
    let source = World::new().await;
    let calls = (0..1500).map(|number| call(number, START, 10)).collect::<Vec<_>>();
    for calls in calls.chunks(250) {
        source.ports.incoming.add(&Add::calls(calls.to_vec())).await.unwrap();
    }
    let lines = source.export().await;
    let world = World::new().await;
    let beside = Options::default().open(world.path()).unwrap();
    let importing = tokio::spawn(async move {
        let pieces = lines.chunks(200);
        let count = pieces.len();
        for piece in pieces {
            beside.import(piece.to_vec()).await.unwrap();
        }
        count
    });
    let mut adds = 0;
    while !importing.is_finished() {
        world.add(call(10_000 + adds, START, 10)).await;
        adds += 1;
    }
    let pieces = importing.await.unwrap();
    // Each waits for a piece or two, whoever is how fast.
    assert!(3 * usize::try_from(adds).unwrap() >= pieces, "{adds} adds beside {pieces} pieces");
}
