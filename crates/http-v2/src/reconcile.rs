//! What became of a write of which nobody knows whether it took effect: looked for with the little evidence that v2
//! has, never guessed. `docs/http-v2.md` has the table.

use std::collections::HashSet;
use std::time::Duration;

use incoming_leads_model::limits::MAX_PAGE_SIZE;
use incoming_leads_model::{
    Accept, Add, Decline, Direction, Draft, DuplicatePolicy, FaultCode, Identity, IncomingLead, ItemFaults,
    ListFilter, ListQuery, Order, OrderKey, PageRequest, Receipt, Refusal, Uid,
};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, Outcome, Result};

use crate::client::HttpV2;
use crate::known::Mark;

/// Pages of the newest leads that are looked through.
const MAX_PAGES: u64 = 2;

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

/// One of the commands of which exactly one succeeds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    Accept(Accept),
    Decline(Decline),
}

/// The looks at one lost write.
struct Rounds<'a> {
    port: &'a HttpV2,
    begun: Duration,
    done: u32,
}

impl<'a> Rounds<'a> {
    fn new(port: &'a HttpV2, lost: &Error) -> Self {
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

impl HttpV2 {
    /// While it waits, the command is sent again: exactly one of all can succeed. When nothing waits any more, v2 does
    /// not tell who decided what.
    pub(crate) async fn reconcile_decision(
        &self,
        uid: &Uid,
        decision: Decision,
        lost: Error,
    ) -> Result<Receipt> {
        let mut rounds = Rounds::new(self, &lost);
        while rounds.next().await {
            match self.decide_once(uid, decision).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(unknown(
                        lost,
                        "nothing waits under the uid any more, and v2 does not tell who decided",
                    ));
                }
                // What the rules refuse now they refused before; anything else says nothing of the first attempt.
                Err(error) if error.outcome() == Outcome::Unknown || error.refusal().is_none() => {}
                settled => return settled,
            }
        }
        Err(unknown(lost, "the server could not be asked"))
    }

    /// Looks for it among what came last. Where the account refuses duplicates and it is not found, it is sent again.
    pub(crate) async fn reconcile_add(&self, add: &Add, begun: Mark, lost: Error) -> Result<Vec<Receipt>> {
        let identities: Option<Vec<Identity>> = add.items.iter().map(identity).collect();
        if identities.is_none_or(|identities| identities.is_empty()) {
            return Err(unknown(lost, "an item without its moment cannot be told from others"));
        }
        let mut rounds = Rounds::new(self, &lost);
        while rounds.next().await {
            match self.newest(add, begun).await {
                Ok(Some(receipts)) => return Ok(receipts),
                Ok(None) if self.inner.duplicates == Some(DuplicatePolicy::Refuse) => {}
                Ok(None) | Err(_) => continue,
            }
            match self.add_once(add).await {
                // Only a refusal by the rules says something of the first attempt.
                Err(error) if error.outcome() == Outcome::Unknown || error.refusal().is_none() => {}
                Err(error) => match self.twins(add, &error, begun) {
                    Twins::Ours(receipts) => return Ok(receipts),
                    Twins::Earlier => return Err(error),
                    Twins::Mixed => {
                        return Err(unknown(lost, "some of it waits, the rest was decided or never came"));
                    }
                },
                added => return added,
            }
        }
        Err(unknown(lost, "it was not found among what waits, and may have been decided or come later"))
    }

    /// The receipts, when all of it is found among what came last.
    async fn newest(&self, add: &Add, begun: Mark) -> Result<Option<Vec<Receipt>>> {
        let filter = ListFilter { categories: Some(vec![add.channel.category()]), ..ListFilter::default() };
        let order = Order { key: OrderKey::UpdatedAt, direction: Direction::Descending };
        let mut found: Vec<Option<Receipt>> = vec![None; add.items.len()];
        let mut taken = HashSet::new();
        for number in 1..=MAX_PAGES {
            let page = PageRequest::new(number, MAX_PAGE_SIZE).expect("a page of 500 is a page");
            let query = ListQuery { filter: filter.clone(), order, page, ..ListQuery::default() };
            let leads = self.list(&query).await?.items;
            let is_last = leads.len() < MAX_PAGE_SIZE as usize;
            for lead in leads.iter().filter(|lead| self.inner.known.is_newer(&lead.uid, begun)) {
                let same = |index: &usize| found[*index].is_none() && is_same(&add.items[*index], lead);
                if let Some(index) = (0..found.len()).find(same)
                    && taken.insert(lead.uid.clone())
                {
                    found[index] = Some(Receipt::of(lead.uid.clone()));
                }
            }
            if is_last || found.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Whose the leads are that a refusal names.
    fn twins(&self, add: &Add, refused: &Error, begun: Mark) -> Twins {
        let Some(Refusal::Items(items)) = refused.refusal() else { return Twins::Earlier };
        let mut named = vec![None; add.items.len()];
        for ItemFaults { index, faults } in items {
            match (faults.as_slice(), named.get_mut(*index)) {
                ([fault], Some(place)) if fault.code == FaultCode::Duplicate => match &fault.existing {
                    Some(uid) if self.inner.known.is_newer(uid, begun) => {
                        *place = Some(Receipt::of(uid.clone()))
                    }
                    Some(_) | None => return Twins::Earlier,
                },
                _ => return Twins::Earlier,
            }
        }
        named.into_iter().collect::<Option<_>>().map_or(Twins::Mixed, Twins::Ours)
    }
}

/// Whose identical leads are.
enum Twins {
    /// All are what we added.
    Ours(Vec<Receipt>),
    /// Something was there before, or it is no refusal of duplicates: all or nothing means nothing.
    Earlier,
    /// Some may be what we added, the others are not told of.
    Mixed,
}

/// The identity that an item has when it is told of. A form without its moment of sending has that of its creation.
fn identity(draft: &Draft) -> Option<Identity> {
    let mut metadata = draft.metadata.clone()?;
    if let incoming_leads_model::Metadata::Forms(form) = &mut metadata {
        form.form_sent_at = form.form_sent_at.or(draft.created_at);
    }
    Identity::of(&metadata)
}

/// Whether a lead that waits is, as far as v2 tells, what the draft says.
fn is_same(draft: &Draft, lead: &IncomingLead) -> bool {
    identity(draft) == Identity::of(&lead.metadata)
        && lead.source_name.as_ref().is_none_or(|told| *told == draft.source_name)
        && draft.created_at.is_none_or(|at| at == lead.created_at)
}

/// It stays unknown, for this reason.
fn unknown(lost: Error, why: &str) -> Error {
    let detail = match lost.detail() {
        Some(detail) => format!("{detail}; nobody can tell whether it took effect: {why}"),
        None => format!("nobody can tell whether it took effect: {why}"),
    };
    lost.with_detail(detail).with_outcome(Outcome::Unknown)
}
