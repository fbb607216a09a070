//! Faults that come and go: nothing that was acknowledged is lost, nothing that took effect is refused, and when the cause
//! is gone the service is back, or has ended and said why.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::checker;
use crate::crash::{wait_for, work};
use crate::hand::Hand;
use crate::history::Recorder;
use crate::random::Random;
use crate::server::Server;
use crate::watch::{BACK, Watch};

/// So much is acknowledged before a fault comes.
const ENOUGH: usize = 20;

/// How a service got through a fault.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    /// From the end of the cause until the first change that was asked for after it was taken.
    pub(crate) back_after: Duration,
    /// Why it ended, where it did not come back by itself.
    pub(crate) last_words: Option<String>,
}

/// Works, makes a fault come and go meanwhile, and looks at all that happened, also after a kill. Says what is wrong.
pub(crate) fn pass(
    recorder: Recorder,
    start: &dyn Fn() -> Server,
    come: &mut dyn FnMut(),
    go: &mut dyn FnMut(),
) -> Result<Passage, String> {
    let mut server = start();
    let mut random = Random::new(1);
    let (back_after, last_words) = work(&[server.address], &recorder, &mut random, || {
        wait_for(&recorder, ENOUGH);
        come();
        sleep(Duration::from_millis(500));
        go();
        // The others go on: the service is to come back under what it is used to.
        come_back(&recorder, &mut server, start)
    })?;
    audit(&recorder, &server)?;
    server.kill();
    let server = start();
    audit(&recorder, &server)?;
    let told = recorder.told();
    let (acknowledged, unknown) = (told.acknowledged(), told.unknown());
    Ok(Passage { acknowledged, unknown, back_after, last_words })
}

/// Waits until the cause, which has just gone, is forgotten: how long that took, and the last words of a server that had
/// ended instead and was started again.
fn come_back(
    recorder: &Recorder,
    server: &mut Server,
    start: &dyn Fn() -> Server,
) -> Result<(Duration, Option<String>), String> {
    let (watch, mut last_words) = (Watch::start(), None);
    loop {
        if server.has_ended().is_some() {
            let words = server.log();
            if words.trim().is_empty() {
                return Err("it ended without a word".to_owned());
            }
            last_words = Some(words);
            *server = start();
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = format!("after-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Hand::new(recorder, &[server.address], "after".to_owned(), 0).add(&key);
        let back_after = watch.elapsed();
        if back_after > BACK {
            return Err(format!("it is not back after {BACK:?}: {}", server.log()));
        }
        if !recorder.told().uids(&key).is_empty() {
            return Ok((back_after, last_words));
        }
        sleep(Duration::from_millis(20));
    }
}

/// Compares all that was told with what is there.
fn audit(recorder: &Recorder, server: &Server) -> Result<(), String> {
    let keys: Vec<_> = recorder.told().objects.keys().cloned().collect();
    Hand::new(recorder, &[server.address], "audit".to_owned(), 0).audit(&keys);
    let told = recorder.told();
    let wrong = told.wrong.first().cloned();
    let violations =
        told.objects.iter().filter_map(|(key, ops)| Some(format!("{key}: {}", checker::violation(ops)?)));
    match wrong.into_iter().chain(violations).next() {
        None => Ok(()),
        Some(what) => Err(format!("{what}\nthe server says:\n{}", server.log())),
    }
}
