//! Putting a subject through the kit: as a test program with one line per case, or for a single case.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::case::Case;
use crate::cases::cases;
use crate::script;
use crate::subject::{Skip, Subject};

/// Longest time that one case or script may take, with the instance that it is given.
pub(crate) const CASE_TIME: Duration = Duration::from_secs(60);

/// A subject on its way through the kit.
#[derive(Debug)]
pub struct Kit {
    subject: Arc<dyn Subject>,
    deviations: BTreeMap<&'static str, &'static str>,
    settings: script::Settings,
    /// Whether a case found what the subject stands on missing.
    is_absent: AtomicBool,
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a runner handles all four")]
pub enum Outcome {
    /// The subject does what the case says.
    Passed,
    /// The case does not apply to the subject: why.
    Inapplicable(String),
    /// What the subject stands on is not here: what.
    Absent(String),
    /// The subject does something else: a report for people.
    Failed(String),
}

impl Kit {
    /// For this subject.
    #[must_use]
    pub fn new(subject: impl Subject) -> Self {
        let (settings, is_absent) = (script::Settings::default(), AtomicBool::new(false));
        Self { subject: Arc::new(subject), deviations: BTreeMap::new(), settings, is_absent }
    }

    /// The subject is known not to do what this case says, for this reason. The case is then run all the same, and
    /// fails when it passes.
    ///
    /// # Panics
    /// When there is no such case.
    #[must_use]
    pub fn deviates(mut self, id: &'static str, reason: &'static str) -> Self {
        assert!(cases().any(|case| case.id == id), "the table has no case {id}");
        self.deviations.insert(id, reason);
        self
    }

    /// Playing so many scripts where the environment does not say otherwise. Default: 300.
    #[must_use]
    pub const fn with_sequences(mut self, sequences: u64) -> Self {
        self.settings.sequences = sequences;
        self
    }

    /// The whole of a test program (`harness = false`): reads the arguments of the program as `cargo test` gives them,
    /// runs the table and the script with one line each, and answers its exit code.
    ///
    /// What does not apply is ignored. Where the subject is absent everything is ignored, but fails if the environment
    /// has `CI`. A run without a filter in which nothing ran fails. See [`script::Settings::or_env`] for the script.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let is_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
        if self.succeeds(&Arguments::from_args(), is_ci) { ExitCode::SUCCESS } else { ExitCode::from(101) }
    }

    fn succeeds(self, arguments: &Arguments, is_ci: bool) -> bool {
        let runtime = Arc::new(runtime());
        let kit = Arc::new(self);
        let mut trials: Vec<_> = cases().map(|case| kit.trial(case, &runtime, is_ci)).collect();
        trials.push(kit.script_trial(&runtime, is_ci));
        let Arguments { list, ignored, bench, filter, skip, .. } = arguments;
        let is_whole = !list && !ignored && !bench && filter.is_none() && skip.is_empty();
        let conclusion = libtest_mimic::run(arguments, trials);
        let nothing_ran = conclusion.num_passed + conclusion.num_failed == 0;
        let is_excused = !is_whole || kit.is_absent.load(Ordering::Relaxed);
        !conclusion.has_failed() && (!nothing_ran || is_excused)
    }

    /// Puts a fresh instance of the subject through one case. Runs on tokio.
    pub async fn run(&self, case: &Case) -> Outcome {
        let fixture = case.fixture.fixture();
        let instance = match tokio::time::timeout(CASE_TIME, self.subject.fresh(&fixture)).await {
            Ok(Ok(instance)) => instance,
            Ok(Err(Skip::Absent(what))) => return Outcome::Absent(what),
            Ok(Err(Skip::NotOffered(why))) => return Outcome::Inapplicable(why),
            Err(_) => return Outcome::Failed(format!("no instance within {} s", CASE_TIME.as_secs())),
        };
        if let Some(why) = case.inapplicable(&instance) {
            return Outcome::Inapplicable(why.to_owned());
        }
        let found = match tokio::time::timeout(CASE_TIME, (case.run)(&instance)).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.to_string()),
            Err(_) => Some(format!("no end within {} s", CASE_TIME.as_secs())),
        };
        match (found, self.deviations.get(case.id)) {
            (None, None) => Outcome::Passed,
            (Some(_), Some(reason)) => Outcome::Inapplicable(format!("known deviation: {reason}")),
            (None, Some(reason)) => {
                Outcome::Failed(format!("passes, although it is listed as deviating: {reason}"))
            }
            (Some(found), None) => Outcome::Failed(report(case, &found)),
        }
    }

    fn trial(self: &Arc<Self>, case: &'static Case, runtime: &Arc<Runtime>, is_ci: bool) -> Trial {
        let (kit, runtime) = (Arc::clone(self), Arc::clone(runtime));
        Trial::ignorable_test(case.id, move || kit.concluded(runtime.block_on(kit.run(case)), is_ci))
    }

    fn script_trial(self: &Arc<Self>, runtime: &Arc<Runtime>, is_ci: bool) -> Trial {
        let (kit, runtime) = (Arc::clone(self), Arc::clone(runtime));
        Trial::ignorable_test("script::agrees_with_the_oracle", move || {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let settings = kit.settings.with_threads(threads).or_env().map_err(Failed::from)?;
            kit.concluded(script::run(&*kit.subject, &runtime, settings), is_ci)
        })
    }

    fn concluded(&self, outcome: Outcome, is_ci: bool) -> Result<Completion, Failed> {
        match outcome {
            Outcome::Passed => Ok(Completion::Completed),
            Outcome::Inapplicable(why) => Ok(Completion::Ignored { reason: Some(why) }),
            Outcome::Absent(what) if is_ci => Err(Failed::from(format!("absent in CI: {what}"))),
            Outcome::Absent(what) => {
                self.is_absent.store(true, Ordering::Relaxed);
                Ok(Completion::Ignored { reason: Some(what) })
            }
            Outcome::Failed(report) => Err(Failed::from(report)),
        }
    }
}

/// What a person needs to act on a case that failed.
fn report(case: &Case, found: &str) -> String {
    let Case { id, rule, sentence, fixture, .. } = case;
    let sources = rule.sources().join("; ");
    format!(
        "{found}\n  case      {id}, on fixture {fixture:?}: {sentence}\n  {rule}: {}\n  source    {sources}",
        rule.sentence()
    )
}

/// A runtime with two threads, so that races are races.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("the system gives threads")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::fixture::Fixture;
    use crate::subject::Instance;

    #[derive(Debug)]
    struct Nowhere(Skip);

    #[async_trait]
    impl Subject for Nowhere {
        async fn fresh(&self, _: &Fixture) -> Result<Instance, Skip> {
            Err(self.0.clone())
        }
    }

    #[track_caller]
    fn check(skip: Skip, arguments: &[&str], is_ci: bool, expected: bool) {
        // Its lines are none of this program's: who adds results up would count them.
        let lines = env::temp_dir().join(format!("incoming-leads-conformance-{}.txt", std::process::id()));
        let mut arguments = Arguments::from_iter(["conformance"].iter().chain(arguments));
        arguments.logfile = Some(lines.to_string_lossy().into_owned());
        assert_eq!(Kit::new(Nowhere(skip)).succeeds(&arguments, is_ci), expected);
        std::fs::remove_file(lines).unwrap();
    }

    #[test]
    fn absence_fails_in_ci_only_and_a_run_of_nothing_unless_it_was_filtered() {
        check(Skip::Absent("no database".to_owned()), &[], false, true);
        check(Skip::Absent("no database".to_owned()), &[], true, false);
        check(Skip::NotOffered("nothing".to_owned()), &[], false, false);
        check(Skip::NotOffered("nothing".to_owned()), &["add::call_waits"], false, true);
    }
}
