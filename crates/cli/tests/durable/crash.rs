//! Crashes under load: what was acknowledged before one must be there afterwards, whatever crashed and how.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::checker;
use crate::hand::Hand;
use crate::history::{Decision, Fate, Recorder};
use crate::http::PATIENCE;
use crate::random::Random;
use crate::watch::Watch;

/// Who works at the same time.
const HANDS: u64 = 8;
/// A key is left alone when so much was done with it; a checker has to look at it all.
const MOST: usize = 60;

/// Servers and what they stand on, some part of which is crashed and comes back.
pub(crate) trait Stage: Sync {
    /// Where to go now.
    fn servers(&self) -> Vec<SocketAddr>;

    /// Ends something at once, and brings it back where the servers are to notice by themselves.
    fn crash(&mut self);

    /// Brings the servers back, where they have ended.
    fn recover(&mut self);
}

/// What crashes did.
#[derive(Debug, Default)]
pub(crate) struct Toll {
    pub(crate) crashes: usize,
    /// Changes that were acknowledged before a crash.
    pub(crate) acknowledged: usize,
    /// Changes of which nobody was told whether they took effect.
    pub(crate) unknown: usize,
    /// Leads whose history no order explains, each in words.
    pub(crate) violations: Vec<String>,
    /// Longest time from the moment at which nothing stood in the way any more until each server had taken a change that
    /// was asked for after it.
    pub(crate) back_after: Duration,
}

/// Crashes the stage so often, each time under load, and looks for what was acknowledged.
pub(crate) fn crashes(stage: &mut dyn Stage, count: usize, seed: u64) -> Toll {
    let mut toll = Toll::default();
    let mut ledger = BTreeMap::new();
    for crash in 0..count {
        let recorder = Recorder::new();
        let back_after = load(stage, &recorder, crash, &mut Random::new(seed.wrapping_add(crash as u64)));
        toll.crashes += 1;
        toll.back_after = toll.back_after.max(back_after);
        let keys: Vec<_> = recorder.told().objects.keys().cloned().collect();
        Hand::new(&recorder, &stage.servers(), "audit".to_owned(), seed).audit(&keys);
        count_up(&mut toll, &recorder, crash, &mut ledger);
        if !toll.violations.is_empty() {
            break;
        }
    }
    settle(stage, &ledger, &mut toll);
    toll
}

/// Works until a crash, at a moment of its own, and until all is back: how long that took. Who was not cut off goes on
/// meanwhile, for a service is to come back under what it is used to.
fn load(stage: &mut dyn Stage, recorder: &Recorder, crash: usize, random: &mut Random) -> Duration {
    let pause = Duration::from_micros(random.next() % 120_000);
    work(&stage.servers(), recorder, random, || {
        wait_for(recorder, 20);
        std::thread::sleep(pause);
        stage.crash();
        let watch = Watch::start();
        stage.recover();
        wait_until_it_takes_changes(stage, recorder, crash);
        watch.elapsed()
    })
}

/// Waits until so many changes are acknowledged.
pub(crate) fn wait_for(recorder: &Recorder, acknowledged: usize) {
    let begun = Instant::now();
    while recorder.told().acknowledged() < acknowledged {
        assert!(begun.elapsed() < PATIENCE, "little is acknowledged: {:?}", recorder.told().wrong);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Many work while something else happens; who is cut off stops earlier. What the other thing had to say.
pub(crate) fn work<T>(
    servers: &[SocketAddr],
    recorder: &Recorder,
    random: &mut Random,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let (stop, keys) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let name = random.next();
    std::thread::scope(|scope| {
        for number in 0..HANDS {
            let (stop, keys) = (&stop, &keys);
            let mut hand = Hand::new(recorder, servers, format!("hand {number}"), random.next());
            scope.spawn(move || {
                let mut made = 0;
                while !stop.load(Ordering::Relaxed) && !hand.is_cut() {
                    act(&mut hand, recorder, keys, || {
                        made += 1;
                        format!("{name:x}-{number}-{made}")
                    });
                    if hand.is_unsure() {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        // Whatever happens to it, the others are to stop.
        let _stopping = Stopping(&stop);
        meanwhile()
    })
}

/// Tells others to stop when it goes.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One thing of many: new leads alone or in a batch, a twin, decisions that race for the newest.
fn act(hand: &mut Hand<'_>, recorder: &Recorder, keys: &Mutex<Vec<String>>, mut new: impl FnMut() -> String) {
    let choice = hand.random().below(10);
    let newest: Vec<_> = keys.lock().unwrap().iter().rev().take(6).cloned().collect();
    if choice < 3 || newest.is_empty() {
        let key = new();
        hand.add(&key);
        keys.lock().unwrap().push(key);
    } else if choice < 5 {
        let batch = [new(), new(), new()];
        // One of which nobody knows is left alone: all of it must be there afterwards, or nothing.
        if hand.add_calls(&batch.each_ref().map(String::as_str)) {
            keys.lock().unwrap().extend(batch);
        }
    } else {
        let key = hand.random().one_of(&newest).clone();
        let (uids, length) = {
            let told = recorder.told();
            (told.uids(&key), told.objects.get(&key).map_or(0, Vec::len))
        };
        match uids.last() {
            _ if length > MOST => {}
            Some(uid) if choice < 9 => {
                let decision = *hand.random().one_of(&[Decision::Accept, Decision::Decline]);
                hand.decide(&key, uid, decision);
            }
            _ => hand.add(&key),
        }
    }
}

/// The service comes back: a new lead is taken.
fn wait_until_it_takes_changes(stage: &dyn Stage, recorder: &Recorder, crash: usize) {
    let begun = Instant::now();
    for server in stage.servers() {
        let mut hand = Hand::new(recorder, &[server], "back".to_owned(), 0);
        for attempt in 0.. {
            let key = format!("back-{crash}-{}-{attempt}", server.port());
            hand.add(&key);
            if !recorder.told().uids(&key).is_empty() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not come back");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Checks all that happened until a crash, and keeps in mind what became of each lead.
fn count_up(toll: &mut Toll, recorder: &Recorder, crash: usize, ledger: &mut BTreeMap<u64, Fate>) {
    let told = recorder.told();
    toll.acknowledged += told.acknowledged();
    toll.unknown += told.unknown();
    toll.violations.extend(told.wrong.iter().map(|wrong| format!("crash {crash}: {wrong}")));
    for (key, ops) in &told.objects {
        if let Some(violation) = checker::violation(ops) {
            toll.violations.push(format!("crash {crash}, {key}: {violation}"));
        }
    }
    for batch in &told.unknown_batches {
        let found = batch.iter().filter(|key| !told.uids(key).is_empty()).count();
        if found != 0 && found != batch.len() {
            toll.violations.push(format!("crash {crash}: {found} of a batch of {} took effect", batch.len()));
        }
    }
    ledger.extend(told.fates.iter().map(|(lead, fate)| (*lead, *fate)));
}

/// What was there after its crash is there after all that followed.
fn settle(stage: &dyn Stage, ledger: &BTreeMap<u64, Fate>, toll: &mut Toll) {
    let recorder = Recorder::new();
    let leads: Vec<_> = ledger.keys().copied().collect();
    let fates = Hand::new(&recorder, &stage.servers(), "settle".to_owned(), 0).fates(&leads);
    for (lead, fate) in ledger {
        if fates.get(lead) != Some(fate) {
            toll.violations
                .push(format!("lead {lead} was {fate:?} after its crash, and is {:?}", fates.get(lead)));
        }
    }
}
