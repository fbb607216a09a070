//! What became of a write of which nobody knows whether it took effect: looked for with evidence, never guessed.
//!
//! `docs/http-v4.md` has the table of what counts as evidence.

mod add;
mod decide;

use std::time::Duration;

use incoming_leads_port::{Error, Outcome};

pub(crate) use decide::Decision;

use crate::client::HttpV4;

/// How long and how often a lost write is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciliation {
    /// How often it is looked for; 0 is never. Default: 4.
    pub rounds: u32,
    /// The pause before the first look; each later one is as much longer. Default: 500 ms.
    pub pause: Duration,
    /// No look begins later than this after the first. Default: 60 s.
    pub deadline: Duration,
}

impl Default for Reconciliation {
    fn default() -> Self {
        Self { rounds: 4, pause: Duration::from_millis(500), deadline: Duration::from_secs(60) }
    }
}

impl Reconciliation {
    /// Nothing is looked for: what is not known stays so.
    pub const OFF: Reconciliation =
        Reconciliation { rounds: 0, pause: Duration::ZERO, deadline: Duration::ZERO };

    /// So often.
    #[must_use]
    pub const fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// With this pause before the first look.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// No look later than this after the first.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// The looks at one lost write.
struct Rounds<'a> {
    port: &'a HttpV4,
    begun: Duration,
    done: u32,
}

impl<'a> Rounds<'a> {
    fn new(port: &'a HttpV4, lost: &Error) -> Self {
        tracing::warn!(error = %lost, "nobody knows whether a write took effect: looking for it");
        Self { port, begun: port.inner.time.now(), done: 0 }
    }

    /// Waits for the next look; says whether there is one.
    async fn next(&mut self) -> bool {
        let Reconciliation { rounds, pause, deadline } = self.port.inner.reconciliation;
        let time = &self.port.inner.time;
        let pause = pause.saturating_mul(self.done + 1);
        let spent = time.now().saturating_sub(self.begun);
        if self.done >= rounds || spent.saturating_add(pause) > deadline {
            return false;
        }
        self.done += 1;
        time.sleep(pause).await;
        true
    }
}

/// It stays unknown, for this reason.
fn unknown(lost: Error, why: &str) -> Error {
    let detail = match lost.detail() {
        Some(detail) => format!("{detail}; nobody can tell whether it took effect: {why}"),
        None => format!("nobody can tell whether it took effect: {why}"),
    };
    lost.with_detail(detail).with_outcome(Outcome::Unknown)
}
