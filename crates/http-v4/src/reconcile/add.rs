//! What became of an add.

use std::collections::{BTreeMap, HashMap, HashSet};

use incoming_leads_model::limits::MAX_PAGE_SIZE_V4;
use incoming_leads_model::{
    Add, Cards, Direction, Draft, FaultCode, Identity, IncomingLead, ItemFaults, ListFilter, ListQuery,
    Order, OrderKey, PageRequest, Receipt, Refusal, Uid,
};
use incoming_leads_port::{Error, IncomingLeads, Outcome, Result};

use super::{Rounds, unknown};
use crate::client::HttpV4;
use crate::known::{Mark, receipt_of};

/// Pages of the newest leads that are looked through.
const MAX_PAGES: u64 = 4;
/// Uids in one question: 80 of 60 characters fit into an address of 8 kB.
const UIDS_AT_ONCE: usize = 80;

impl HttpV4 {
    /// Looks what became of it. Where the account refuses duplicates it is sent again: the refusal names what is there.
    pub(crate) async fn reconcile_add(&self, add: &Add, begun: Mark, lost: Error) -> Result<Vec<Receipt>> {
        let identities: Option<Vec<Identity>> = add.items.iter().map(identity).collect();
        let Some(identities) = identities.filter(|identities| !identities.is_empty()) else {
            return Err(unknown(lost, "an item without its moment cannot be told from others"));
        };
        let mut rounds = Rounds::new(self, &lost);
        while rounds.next().await {
            if self.inner.refuses_duplicates {
                match self.add_once(add).await {
                    // Only a refusal by the rules says something of the first attempt.
                    Err(error) if error.outcome() == Outcome::Unknown || error.refusal().is_none() => {}
                    Err(error) => match self.twins(add, &error, begun).await {
                        Twins::Ours(receipts) => return Ok(receipts),
                        Twins::Earlier => return Err(error),
                        Twins::Mixed => {
                            return Err(unknown(
                                lost,
                                "some of it waits, the rest was decided or never came",
                            ));
                        }
                        Twins::NotTold => {}
                    },
                    added => return added,
                }
            } else if let Ok(Some(receipts)) = self.newest(add, &identities, begun).await {
                return Ok(receipts);
            }
        }
        let why = if self.inner.refuses_duplicates {
            "the server could not be asked"
        } else {
            "it was not found among what waits, and may have been decided or come later"
        };
        Err(unknown(lost, why))
    }

    /// Whose the leads are that a refusal names.
    async fn twins(&self, add: &Add, refused: &Error, begun: Mark) -> Twins {
        let Some(named) = existing(refused) else { return Twins::Earlier };
        let uids: Vec<Uid> = named.values().cloned().collect();
        let mut leads = HashMap::new();
        for some in uids.chunks(UIDS_AT_ONCE) {
            let filter = ListFilter { uids: Some(some.to_vec()), ..ListFilter::default() };
            let page = PageRequest::new(1, MAX_PAGE_SIZE_V4).expect("a page of 250 is a page");
            match self.list(&ListQuery { filter, page, ..ListQuery::default() }).await {
                Ok(page) => leads.extend(page.items.into_iter().map(|lead| (lead.uid.clone(), lead))),
                Err(_) => return Twins::NotTold,
            }
        }
        let is_ours = |index: &usize, uid: &Uid| {
            let lead = leads.get(uid)?;
            Some(self.came_after(uid, begun) && is_same(&add.items[*index], lead))
        };
        let ours: Vec<_> = named.iter().map(|(index, uid)| is_ours(index, uid)).collect();
        if ours.contains(&Some(false)) {
            return Twins::Earlier;
        }
        if ours.len() < add.items.len() || ours.contains(&None) {
            return Twins::Mixed;
        }
        let lead = |index: usize| named.get(&index).and_then(|uid| leads.get(uid)).map(receipt_of);
        (0..add.items.len()).map(lead).collect::<Option<_>>().map_or(Twins::Mixed, Twins::Ours)
    }

    /// The receipts, when all of it is found among what came last.
    async fn newest(&self, add: &Add, identities: &[Identity], begun: Mark) -> Result<Option<Vec<Receipt>>> {
        let filter = ListFilter { categories: Some(vec![add.channel.category()]), ..ListFilter::default() };
        let order = Order { key: OrderKey::UpdatedAt, direction: Direction::Descending };
        let mut found: Vec<Option<Receipt>> = vec![None; identities.len()];
        let mut taken = HashSet::new();
        for number in 1..=MAX_PAGES {
            let page = PageRequest::new(number, MAX_PAGE_SIZE_V4).expect("a page of 250 is a page");
            let query = ListQuery { filter: filter.clone(), order, page, cards: Cards::Omit };
            let leads = self.list(&query).await?.items;
            let is_last = leads.len() < MAX_PAGE_SIZE_V4 as usize;
            for lead in leads.iter().filter(|lead| self.came_after(&lead.uid, begun)) {
                let same = |index: &usize| found[*index].is_none() && is_same(&add.items[*index], lead);
                if let Some(index) = (0..found.len()).find(same)
                    && taken.insert(lead.uid.clone())
                {
                    found[index] = Some(receipt_of(lead));
                }
            }
            if is_last || found.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Whether it was told of only after the add began, so that it may be what was added.
    fn came_after(&self, uid: &Uid, begun: Mark) -> bool {
        self.inner.memory.get(uid).is_none_or(|known| known.since > begun)
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
    /// They could not be asked for.
    NotTold,
}

/// The uids that a refusal names, by item, when it is of nothing but duplicates of what waits.
fn existing(refused: &Error) -> Option<BTreeMap<usize, Uid>> {
    let Some(Refusal::Items(items)) = refused.refusal() else { return None };
    let named = items.iter().map(|ItemFaults { index, faults }| match faults.as_slice() {
        [fault] if fault.code == FaultCode::Duplicate => Some((*index, fault.existing.clone()?)),
        _ => None,
    });
    named.collect()
}

fn identity(draft: &Draft) -> Option<Identity> {
    draft.metadata.as_ref().and_then(Identity::of)
}

/// Whether a lead that waits is, as far as it tells, what the draft says.
fn is_same(draft: &Draft, lead: &IncomingLead) -> bool {
    let source =
        |told: &Option<Option<String>>, sent: &Option<String>| told.as_ref().is_none_or(|told| told == sent);
    identity(draft) == Identity::of(&lead.metadata)
        && source(&lead.source_name, &draft.source_name)
        && source(&lead.source_uid, &draft.source_uid)
        && draft.created_at.is_none_or(|at| at == lead.created_at)
        && draft.pipeline_id.is_none_or(|sent| lead.pipeline_id.is_none_or(|told| told == sent))
}
