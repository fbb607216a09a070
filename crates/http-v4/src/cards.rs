//! Bodies of entities for lists: looked up in bulk, and kept for a while.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::try_join3;
use incoming_leads_model::{
    Company, CompanyDraft, Contact, ContactDraft, Entity, EntityRef, IncomingLead, Lead, LeadDraft,
};
use incoming_leads_port::Result;
use quick_cache::sync::Cache;

use crate::client::HttpV4;
use crate::known::Known;

/// The bodies that are kept.
#[derive(Debug)]
pub(crate) struct Cards {
    kept: Cache<EntityRef, Kept>,
    age: Duration,
}

/// A body, and since when it is kept.
#[derive(Debug, Clone)]
struct Kept {
    since: Duration,
    card: Card,
}

#[derive(Debug, Clone)]
enum Card {
    Lead(LeadDraft),
    Contact(ContactDraft),
    Company(CompanyDraft),
}

impl Cards {
    pub(crate) fn new(most: usize, age: Duration) -> Self {
        Self { kept: Cache::new(most), age }
    }

    fn get(&self, entity: EntityRef, now: Duration) -> Option<Card> {
        let kept = self.kept.get(&entity)?;
        (now.saturating_sub(kept.since) < self.age).then_some(kept.card)
    }

    /// What was decided is told anew.
    pub(crate) fn forget(&self, known: &Known) {
        let of_lead = known.lead().map(EntityRef::Lead);
        let of_contact = known.contact().map(EntityRef::Contact);
        let of_company = known.company().map(EntityRef::Company);
        for entity in [of_lead, of_contact, of_company].into_iter().flatten() {
            self.kept.remove(&entity);
        }
    }
}

/// The ids of one kind of entity of which there is no body yet.
macro_rules! missing {
    ($bodies:expr, $leads:expr, $list:ident, $Kind:ident) => {
        ids!($leads, $list).filter(|id| !$bodies.contains_key(&EntityRef::$Kind(*id))).collect::<Vec<_>>()
    };
}

/// The ids of one kind of entity.
macro_rules! ids {
    ($leads:expr, $list:ident) => {
        $leads.iter().flat_map(|lead| lead.$list.iter().flatten()).filter_map(|entity| entity.id)
    };
}

impl HttpV4 {
    /// Puts the bodies into what a list tells. An entity that the server does not tell by id stays without one.
    pub(crate) async fn fill(&self, leads: &mut [IncomingLead]) -> Result<()> {
        let (cards, now) = (&self.inner.cards, self.inner.time.now());
        // What is kept goes in from here, as does what is read: a cache may drop it at any time.
        let all = ids!(leads, leads).map(EntityRef::Lead);
        let all = all.chain(ids!(leads, contacts).map(EntityRef::Contact));
        let all = all.chain(ids!(leads, companies).map(EntityRef::Company));
        let mut bodies: HashMap<_, _> =
            all.filter_map(|entity| Some((entity, cards.get(entity, now)?))).collect();
        let (found_leads, contacts, companies) = try_join3(
            self.by_ids::<Lead>(missing!(bodies, leads, leads, Lead)),
            self.by_ids::<Contact>(missing!(bodies, leads, contacts, Contact)),
            self.by_ids::<Company>(missing!(bodies, leads, companies, Company)),
        )
        .await?;
        let read = found_leads.iter().map(|lead| (EntityRef::Lead(lead.id), Card::Lead(lead.into())));
        let read =
            read.chain(contacts.iter().map(|one| (EntityRef::Contact(one.id), Card::Contact(one.into()))));
        let read =
            read.chain(companies.iter().map(|one| (EntityRef::Company(one.id), Card::Company(one.into()))));
        for (entity, card) in read {
            cards.kept.insert(entity, Kept { since: now, card: card.clone() });
            bodies.insert(entity, card);
        }
        for lead in leads {
            for Entity { id, card: body } in lead.leads.iter_mut().flatten() {
                if let Some(Card::Lead(found)) = id.and_then(|id| bodies.get(&EntityRef::Lead(id)).cloned()) {
                    *body = Some(found);
                }
            }
            for Entity { id, card: body } in lead.contacts.iter_mut().flatten() {
                if let Some(Card::Contact(found)) =
                    id.and_then(|id| bodies.get(&EntityRef::Contact(id)).cloned())
                {
                    *body = Some(found);
                }
            }
            for Entity { id, card: body } in lead.companies.iter_mut().flatten() {
                if let Some(Card::Company(found)) =
                    id.and_then(|id| bodies.get(&EntityRef::Company(id)).cloned())
                {
                    *body = Some(found);
                }
            }
        }
        Ok(())
    }
}
