//! The state machine: scripts made at random, played on a fresh instance and judged by a naive oracle.
//!
//! Each script has a seed of its own. A script on which the two disagree is made as short as it gets and told in
//! symbols: L1, L2 ... are the leads in the order in which they came, the fixture's first.

mod oracle;
mod play;
mod step;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use self::play::{Divergence, Play};
use self::step::{Step, scripts};
use crate::fixture::Named;
use crate::runner::{CASE_TIME, Outcome};
use crate::subject::{Skip, Subject};

/// How many scripts, from which seed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many scripts. Default: 300.
    pub sequences: u64,
    /// The seed of the first; each further script has the next. Default: 1.
    pub seed: u64,
    /// How many are played at once, each on a fresh instance. Default: 1.
    pub threads: usize,
}

/// The variable that says how many scripts are played.
pub const SEQUENCES: &str = "INCOMING_LEADS_SEQUENCES";
/// The variable with the seed of the first script.
pub const SEED: &str = "INCOMING_LEADS_SEED";

impl Default for Settings {
    fn default() -> Self {
        Self { sequences: 300, seed: 1, threads: 1 }
    }
}

impl Settings {
    /// As the environment says: [`SEQUENCES`], [`SEED`]; what it does not say is as it is here.
    ///
    /// # Errors
    /// A sentence, when a variable is there and is no number.
    pub fn or_env(self) -> Result<Self, String> {
        let read = |name: &str, default| match env::var(name) {
            Ok(text) => text.parse().map_err(|_| format!("{name} is a whole number, not {text:?}")),
            Err(env::VarError::NotPresent) => Ok(default),
            Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is a whole number")),
        };
        let Self { sequences, seed, threads } = self;
        Ok(Self { sequences: read(SEQUENCES, sequences)?, seed: read(SEED, seed)?, threads })
    }

    /// These numbers.
    #[must_use]
    pub const fn new(sequences: u64, seed: u64) -> Self {
        Self { sequences, seed, threads: 1 }
    }

    /// So many at once.
    #[must_use]
    pub const fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

/// Plays scripts on fresh instances until they are all played or one fails. Needs a clock that can be set.
pub fn run(subject: &dyn Subject, runtime: &Runtime, settings: Settings) -> Outcome {
    let Settings { sequences, seed, threads } = settings;
    let offered = match runtime.block_on(offered(subject)) {
        Ok(offered) => offered,
        Err(outcome) => return outcome,
    };
    if sequences == 0 {
        return Outcome::Inapplicable("no script was asked for".to_owned());
    }
    let (next, found) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let play = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= sequences {
            break;
        }
        let seed = seed.wrapping_add(number);
        // Every third, where there are two.
        let fixture = if seed.is_multiple_of(3) { offered.last() } else { offered.first() };
        let fixture = *fixture.expect("a subject that offers nothing is sorted out before");
        match one(subject, runtime, seed, fixture) {
            Outcome::Passed => {}
            other => {
                // Those that have begun go on; no other begins.
                next.store(sequences, Ordering::Relaxed);
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(number, other);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(play);
        }
        play();
    });
    // The earliest, so that however many are played at once the same is told.
    let first = found.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first();
    first.map_or(Outcome::Passed, |(_, outcome)| outcome)
}

/// The fixtures that scripts can be played on; else what becomes of them.
async fn offered(subject: &dyn Subject) -> Result<Vec<Named>, Outcome> {
    let (mut offered, mut reason) = (Vec::new(), None);
    for fixture in [Named::Standard, Named::Lenient] {
        match subject.fresh(&fixture.fixture()).await {
            Ok(instance) if instance.clock.is_none() => {
                return Err(Outcome::Inapplicable("the instance has no clock that can be set".to_owned()));
            }
            Ok(_) => offered.push(fixture),
            Err(Skip::Absent(what)) => return Err(Outcome::Absent(what)),
            Err(Skip::NotOffered(why)) => reason = Some(why),
        }
    }
    match reason {
        Some(reason) if offered.is_empty() => Err(Outcome::Inapplicable(reason)),
        _ => Ok(offered),
    }
}

/// How one script ended.
enum Ending {
    Agreed,
    Skipped(Outcome),
    Diverged { divergence: Divergence, trace: Vec<String> },
}

fn one(subject: &dyn Subject, runtime: &Runtime, seed: u64, fixture: Named) -> Outcome {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let skipped = RefCell::new(None);
    let in_time = async |steps: &[Step]| match timeout(CASE_TIME, play(subject, fixture, steps)).await {
        Ok(ending) => ending,
        // Not made shorter: each try might hang as long.
        Err(_) => {
            let late = format!("seed {seed}: no end within {} s: {steps:?}", CASE_TIME.as_secs());
            Ending::Skipped(Outcome::Failed(late))
        }
    };
    let result = runner.run(&scripts(), |steps| match runtime.block_on(in_time(&steps)) {
        Ending::Agreed => Ok(()),
        Ending::Skipped(outcome) => {
            skipped.replace(Some(outcome));
            Ok(())
        }
        Ending::Diverged { .. } => Err(TestCaseError::fail("they disagree")),
    });
    match result {
        Ok(()) => skipped.into_inner().unwrap_or(Outcome::Passed),
        Err(TestError::Abort(reason)) => Outcome::Failed(reason.to_string()),
        Err(TestError::Fail(_, steps)) => {
            // Once more, for the words.
            Outcome::Failed(match runtime.block_on(in_time(&steps)) {
                Ending::Diverged { divergence, trace } => report(seed, fixture, &trace, &divergence),
                Ending::Agreed | Ending::Skipped(_) => {
                    format!(
                        "seed {seed}: they disagreed, and agreed when the same was played again: {steps:?}"
                    )
                }
            })
        }
    }
}

async fn play(subject: &dyn Subject, fixture: Named, steps: &[Step]) -> Ending {
    let fixture = fixture.fixture();
    let instance = match subject.fresh(&fixture).await {
        Ok(instance) => instance,
        Err(Skip::Absent(what)) => return Ending::Skipped(Outcome::Absent(what)),
        Err(Skip::NotOffered(why)) => return Ending::Skipped(Outcome::Inapplicable(why)),
    };
    let mut play = match Play::begin(&instance, &fixture).await {
        Ok(play) => play,
        Err(divergence) => return Ending::Diverged { divergence, trace: vec!["at the start".to_owned()] },
    };
    for step in steps {
        if let Err(divergence) = play.step(step).await {
            return Ending::Diverged { divergence, trace: play.trace };
        }
    }
    match play.finish().await {
        Ok(()) => Ending::Agreed,
        Err(divergence) => Ending::Diverged { divergence, trace: play.trace },
    }
}

/// The shortest script, in words, up to the step on which they disagree.
fn report(seed: u64, fixture: Named, trace: &[String], divergence: &Divergence) -> String {
    let Divergence { rule, failure } = divergence;
    let last = trace.len();
    let steps = trace.iter().zip(1..).map(|(step, number)| {
        let mark = if number == last { '>' } else { ' ' };
        format!("{mark} {number:>3}  {step}\n")
    });
    let steps: String = steps.collect();
    let sources = rule.sources().join("; ");
    format!(
        "the adapter and the oracle disagree at the last step, on fixture {fixture:?}:\n{steps}{failure}\n  \
         {rule}: {}\n  source    {sources}\n  again     {SEED}={seed} {SEQUENCES}=1",
        rule.sentence()
    )
}
