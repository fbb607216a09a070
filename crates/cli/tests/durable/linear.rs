//! Linearizability: many at once do everything with few leads, over HTTP and any number of servers, and each lead's
//! history must have an order.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::checker;
use crate::hand::{Hand, is_chat};
use crate::history::{Decision, Op, Recorder, What};
use crate::random::Random;

/// Who acts at the same time in one history.
const HANDS: u64 = 4;
/// What each does.
const STEPS: usize = 7;
/// Histories at the same time.
const LANES: usize = 2;

/// What became of the histories.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) histories: usize,
    pub(crate) made: Made,
    /// Of the first history that has no order.
    pub(crate) violation: Option<String>,
}

/// What histories consist of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) operations: usize,
    /// Leads and messages that were acknowledged.
    pub(crate) adds: usize,
    /// Decisions that were.
    pub(crate) decisions: usize,
}

/// Makes histories against these servers until there are enough or one is wrong.
pub(crate) fn histories(servers: &[SocketAddr], count: usize, seed: u64) -> Verdict {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Made::default()));
    let found = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return None;
                        }
                        let (made, violation) = one(servers, number, seed.wrapping_add(number as u64));
                        sum.lock().unwrap().add(made);
                        if let Some(violation) = violation {
                            next.store(count, Ordering::Relaxed);
                            return Some((number, violation));
                        }
                    }
                })
            })
            .collect();
        lanes.into_iter().filter_map(|lane| lane.join().unwrap()).next()
    });
    let made = sum.into_inner().unwrap();
    match found {
        None => Verdict { histories: count, made, violation: None },
        Some((number, violation)) => Verdict { histories: number + 1, made, violation: Some(violation) },
    }
}

/// One history: what it consists of, and what is wrong with it.
fn one(servers: &[SocketAddr], number: usize, seed: u64) -> (Made, Option<String>) {
    let recorder = Recorder::new();
    let random = Random::new(seed).next();
    let keys = [format!("{random:x}-1"), format!("{random:x}-2"), format!("chat-{random:x}")];
    std::thread::scope(|scope| {
        for name in 0..HANDS {
            let (recorder, keys) = (&recorder, &keys);
            scope.spawn(move || {
                let seed = seed.wrapping_mul(HANDS).wrapping_add(name);
                let mut hand = Hand::new(recorder, servers, format!("hand {name}"), seed);
                for step in 0..STEPS {
                    act(&mut hand, recorder, keys, step);
                }
            });
        }
    });
    let mut audit = Hand::new(&recorder, servers, "audit".to_owned(), seed);
    audit.page(&keys);
    audit.clear(&keys);
    let told = recorder.told();
    let made = Made::of(told.objects.values().flatten());
    if let Some(wrong) = told.wrong.first() {
        return (made, Some(format!("history {number}, seed {seed}: {wrong}")));
    }
    let violation = told.objects.iter().find_map(|(key, ops)| {
        Some(format!("history {number}, seed {seed}, {key}: {}", checker::violation(ops)?))
    });
    (made, violation)
}

impl Made {
    fn of<'a>(ops: impl Iterator<Item = &'a Op>) -> Self {
        let mut made = Self::default();
        for op in ops {
            made.operations += 1;
            match &op.what {
                what if !what.is_acknowledged() => {}
                What::Decide { .. } => made.decisions += 1,
                _ => made.adds += 1,
            }
        }
        made
    }

    fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.adds += other.adds;
        self.decisions += other.decisions;
    }
}

/// One of everything that can be done.
fn act(hand: &mut Hand<'_>, recorder: &Recorder, keys: &[String], step: usize) {
    // One lead gets most of the attention, so that all meet there.
    let key = &keys[[0, 0, 0, 1, 2, 2][hand.random().below(6)]];
    let uids = recorder.told().uids(key);
    let choice = hand.random().below(10);
    if step == 0 || uids.is_empty() || choice < 2 {
        return hand.add(key);
    }
    let uid = uids.last().expect("there are some");
    match choice {
        2..=6 => {
            let last = if is_chat(key) { 3 } else { 2 };
            let decision = [Decision::Accept, Decision::Decline, Decision::Link][hand.random().below(last)];
            hand.decide(key, uid, decision);
        }
        7 | 8 => {
            let uid = hand.random().one_of(&uids).clone();
            hand.look(key, &uid);
        }
        _ => hand.page(keys),
    }
}
