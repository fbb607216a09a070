//! Faults that come and go: nothing that was acknowledged is lost, nothing that took effect is refused, and when the cause
//! is gone the service is back, or has ended and said why.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::checker;
use crate::crash::{wait_for, work};
use crate::hand::Hand;
use crate::history::Recorder;
use crate::random::Random;
use crate::server::Server;

/// How long a service may take to come back.
const BACK: Duration = Duration::from_secs(5);

/// So much is acknowledged before a fault comes.
const ENOUGH: usize = 20;

/// How a service got through a fault.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    /// From the end of the cause until the first change was taken.
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
    work(&[server.address], &recorder, &mut random, || {
        wait_for(&recorder, ENOUGH);
        come();
        sleep(Duration::from_millis(500));
        go();
    });
    let healed = Instant::now();
    let mut last_words = None;
    loop {
        if server.has_ended().is_some() {
            let words = server.log();
            if words.trim().is_empty() {
                return Err("it ended without a word".to_owned());
            }
            last_words = Some(words);
            server = start();
        }
        let before = recorder.told().acknowledged();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = format!("after-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Hand::new(&recorder, &[server.address], "after".to_owned(), 0).add(&key);
        if recorder.told().acknowledged() > before {
            break;
        }
        if healed.elapsed() > BACK {
            return Err(format!("it is not back after {BACK:?}: {}", server.log()));
        }
        sleep(Duration::from_millis(20));
    }
    let back_after = healed.elapsed();
    audit(&recorder, &server)?;
    server.kill();
    let server = start();
    audit(&recorder, &server)?;
    let told = recorder.told();
    let (acknowledged, unknown) = (told.acknowledged(), told.unknown());
    Ok(Passage { acknowledged, unknown, back_after, last_words })
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
