//! Threads that want the same thing.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use incoming_leads_model::{
    Accept, Decline, EventKind, Link, LinkTarget, ListQuery, PageRequest, SummaryQuery, Uid,
};
use incoming_leads_port::ErrorKind;

use crate::world::{LEAD, START, World, call, chat, draft, id, moment, now};

const THREADS: usize = 8;

#[test]
fn exactly_one_decision_wins_each_lead() {
    let world = World::new();
    let uids: Vec<Uid> = (0..200)
        .map(|number| {
            let mut draft = draft(chat(0));
            draft.created_at = Some(moment(START + number));
            world.take_in(draft).unwrap().uid
        })
        .collect();
    let port = &world.ports.incoming;
    let wins: Vec<Uid> = thread::scope(|scope| {
        let racers: Vec<_> = (0..THREADS)
            .map(|racer| {
                let uids = &uids;
                scope.spawn(move || {
                    let link = Link { target: LinkTarget::Lead(id(LEAD)), contact_id: None, user_id: None };
                    let mut wins = Vec::new();
                    for (place, uid) in uids.iter().enumerate() {
                        let answer = match (racer + place) % 3 {
                            0 => now(port.accept(uid, &Accept::default())),
                            1 => now(port.decline(uid, &Decline::default())),
                            _ => now(port.link(uid, &link)),
                        };
                        match answer {
                            Ok(receipt) => wins.push(receipt.uid),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
                        }
                    }
                    wins
                })
            })
            .collect();
        racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
    });
    let mut sorted = wins.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((wins.len(), sorted.len()), (uids.len(), uids.len()));
    let summary = now(port.summary(&SummaryQuery::default())).unwrap();
    assert_eq!(summary.accepted + summary.declined.unwrap() + summary.linked.unwrap(), 200);
    assert!(now(port.list(&ListQuery::default())).unwrap().items.is_empty());
}

#[test]
fn identical_adds_that_race_are_taken_once() {
    let world = World::new();
    let taken: usize = thread::scope(|scope| {
        let racers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| (1..=50).filter(|key| world.add(vec![draft(call(*key))]).is_ok()).count())
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(taken, 50);
}

#[test]
fn readers_see_a_store_that_agrees_with_itself_while_others_write() {
    let world = World::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..150 {
                        let uid = &world.add(vec![draft(call(0)), draft(call(0))]).unwrap()[0].uid;
                        now(world.ports.incoming.accept(uid, &Accept::default())).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let page = PageRequest::new(1, 500).unwrap();
                let query = ListQuery { page, ..ListQuery::default() };
                while !done.load(Ordering::Relaxed) {
                    // A batch comes as one: at any moment as many wait as were added and not yet accepted.
                    let summary = now(world.ports.incoming.summary(&SummaryQuery::default())).unwrap();
                    assert_eq!(summary.total % 2, 0);
                    assert!(summary.accepted <= summary.total / 2);
                    // Whoever waited then still does, but for one that each writer may have accepted since.
                    let items = now(world.ports.incoming.list(&query)).unwrap().items;
                    let uids: HashSet<&Uid> = items.iter().map(|lead| &lead.uid).collect();
                    assert_eq!(uids.len(), items.len());
                    assert!(items.len() as u64 + 2 >= summary.total - summary.accepted);
                }
            });
        }
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    let summary = now(world.ports.incoming.summary(&SummaryQuery::default())).unwrap();
    assert_eq!((summary.total, summary.accepted), (600, 300));
}

#[test]
fn the_history_misses_no_event_that_is_written_meanwhile() {
    let world = World::new();
    let history = world.ports.history.as_ref().unwrap();
    let seen = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        world.add(vec![draft(call(0))]).unwrap();
                    }
                })
            })
            .collect();
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let finished = writers.iter().all(thread::ScopedJoinHandle::is_finished);
            let stretch = now(history.events(cursor.as_ref(), 7)).unwrap();
            let is_end = stretch.events.is_empty();
            seen.extend(stretch.events);
            cursor = Some(stretch.next);
            if finished && is_end {
                return seen;
            }
        }
    });
    assert_eq!(seen.len(), 200);
    assert!(seen.iter().all(|event| matches!(event.kind, EventKind::Added(_))));
    assert_eq!(seen, now(history.events(None, 1000)).unwrap().events);
}
