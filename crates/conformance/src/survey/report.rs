//! What a survey found.

use incoming_leads_model::Uid;

use crate::failure::Failure;
use crate::survey::Probe;

/// What became of one probe.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The probe.
    pub probe: &'static Probe,
    /// What was found.
    pub verdict: Verdict,
}

/// What was found of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reader handles all three")]
pub enum Verdict {
    /// The other side shares it.
    Shared,
    /// The other side decides otherwise: what was expected, and what came.
    Drifts(Failure),
    /// Nobody knows: why it could not be asked.
    NotAsked(String),
}

/// What a survey found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// All probes, in the order of the table.
    pub findings: Vec<Finding>,
    /// How often the port was called.
    pub calls: usize,
    /// How many leads were added.
    pub added: usize,
    /// Those of them that wait still: they could not be declined.
    pub left: Vec<Uid>,
    /// How many adds nobody knows the outcome of; what they left behind has the source of the survey.
    pub doubtful: usize,
}

impl Report {
    /// The decisions that the other side does not share.
    pub fn drift(&self) -> impl Iterator<Item = (&'static Probe, &Failure)> {
        self.findings.iter().filter_map(|finding| match &finding.verdict {
            Verdict::Drifts(failure) => Some((finding.probe, failure)),
            Verdict::Shared | Verdict::NotAsked(_) => None,
        })
    }

    /// How many decisions are shared.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Shared).count()
    }
}
