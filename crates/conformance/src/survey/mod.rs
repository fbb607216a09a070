//! A survey of what somebody else runs: which of our decisions does it share?
//!
//! Cases need an account of their own, in a state that is known. A survey needs no more than a handle of a user of any
//! account, also of one that people work in. It asks a bounded number of [probes], touches only what it has
//! added itself, and by default adds nothing. Whatever differs is drift: it is told with the rule, where the rule comes
//! from, what was expected and what came.

mod ask;
mod ground;
mod report;
mod sort;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use incoming_leads_port::{IncomingLeads, Ports};

use self::ground::{Asked, Ground};
pub use self::report::{Finding, Report, Verdict};
use crate::rule::Rule;

/// What a survey may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "each goes further than the one before")]
pub enum Depth {
    /// Only read.
    #[default]
    Read,
    /// Also add leads of its own and decline them: all of it ends in the bin.
    Bin,
    /// Also accept leads of its own: they stay in the pipeline.
    Accept,
}

/// One question of a survey.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Probe {
    /// Area and name: `list::newest_first`.
    pub id: &'static str,
    /// The rule that it asks for.
    pub rule: Rule,
    /// What is expected.
    pub sentence: &'static str,
    /// What the survey must be allowed to do.
    pub depth: Depth,
    run: for<'a> fn(&'a Ground) -> BoxFuture<'a, Asked>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("id", &self.id).field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// A survey on its way.
#[derive(Debug)]
#[must_use]
pub struct Survey {
    ports: Ports,
    nobody: Option<Arc<dyn IncomingLeads>>,
    depth: Depth,
    calls: usize,
    time: Duration,
}

impl Survey {
    /// With the handles of a user, best of an administrator. It only reads.
    pub const fn new(ports: Ports) -> Self {
        Self { ports, nobody: None, depth: Depth::Read, calls: 400, time: Duration::from_secs(300) }
    }

    /// Going so far. Default: it only reads.
    pub const fn with_depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self
    }

    /// With a handle whose credentials nobody has: it is asked once.
    pub fn with_nobody(mut self, nobody: Arc<dyn IncomingLeads>) -> Self {
        self.nobody = Some(nobody);
        self
    }

    /// With at most so many calls of the port, and some more to decline what was added. Default: 400.
    pub const fn with_calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// Beginning no further call after this time. Default: 5 minutes.
    pub const fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// How many probes it will tell of.
    #[must_use]
    pub fn size(&self) -> usize {
        probes().count()
    }

    /// Asks all probes one after the other, tells each finding when it is there, and declines what it has added.
    /// Runs on tokio.
    pub async fn run(self, mut tell: impl FnMut(&Finding)) -> Report {
        let Self { ports, nobody, depth, calls, time } = self;
        let ground = Ground::new(ports, nobody, calls, time);
        let mut findings = Vec::new();
        for probe in probes() {
            let verdict = match probe.depth <= depth {
                true => ground.verdict((probe.run)(&ground).await),
                false => Verdict::NotAsked("the survey may not go so far".to_owned()),
            };
            let finding = Finding { probe, verdict };
            tell(&finding);
            findings.push(finding);
        }
        let left = ground.clear().await;
        let (calls, added, doubtful) = ground.counts();
        Report { findings, calls, added, left, doubtful }
    }
}

/// All questions.
pub fn probes() -> impl Iterator<Item = &'static Probe> {
    ask::PROBES.iter().chain(sort::PROBES)
}

/// A row of the table: the name of the function is the name of the probe.
macro_rules! probe {
    ($depth:ident, $area:literal :: $name:ident, $rule:ident, $sentence:literal) => {
        $crate::survey::Probe {
            id: concat!($area, "::", stringify!($name)),
            rule: $crate::rule::Rule::$rule,
            sentence: $sentence,
            depth: $crate::survey::Depth::$depth,
            run: |ground| Box::pin($name(ground)),
        }
    };
}
pub(crate) use probe;
