//! Bodies of entities for lists: looked up in bulk, and kept for a while.

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

/// The ids of one kind of entity of which no body is kept.
macro_rules! missing {
    ($cards:expr, $now:expr, $leads:expr, $list:ident, $Kind:ident) => {
        $leads
            .iter()
            .flat_map(|lead| lead.$list.iter().flatten())
            .filter_map(|entity| entity.id)
            .filter(|id| $cards.get(EntityRef::$Kind(*id), $now).is_none())
            .collect::<Vec<_>>()
    };
}

impl HttpV4 {
    /// Puts the bodies into what a list tells. An entity that the server does not tell by id stays without one.
    pub(crate) async fn fill(&self, leads: &mut [IncomingLead]) -> Result<()> {
        let (cards, now) = (&self.inner.cards, self.inner.time.now());
        let (found_leads, contacts, companies) = try_join3(
            self.by_ids::<Lead>(missing!(cards, now, leads, leads, Lead)),
            self.by_ids::<Contact>(missing!(cards, now, leads, contacts, Contact)),
            self.by_ids::<Company>(missing!(cards, now, leads, companies, Company)),
        )
        .await?;
        // What was just read goes in from here: a cache may drop it at once.
        let mut read = std::collections::HashMap::new();
        read.extend(found_leads.iter().map(|lead| (EntityRef::Lead(lead.id), Card::Lead(lead.into()))));
        read.extend(contacts.iter().map(|one| (EntityRef::Contact(one.id), Card::Contact(one.into()))));
        read.extend(companies.iter().map(|one| (EntityRef::Company(one.id), Card::Company(one.into()))));
        let card = |entity| read.get(&entity).cloned().or_else(|| cards.get(entity, now));
        for lead in leads {
            for Entity { id, card: body } in lead.leads.iter_mut().flatten() {
                if let Some(Card::Lead(found)) = id.and_then(|id| card(EntityRef::Lead(id))) {
                    *body = Some(found);
                }
            }
            for Entity { id, card: body } in lead.contacts.iter_mut().flatten() {
                if let Some(Card::Contact(found)) = id.and_then(|id| card(EntityRef::Contact(id))) {
                    *body = Some(found);
                }
            }
            for Entity { id, card: body } in lead.companies.iter_mut().flatten() {
                if let Some(Card::Company(found)) = id.and_then(|id| card(EntityRef::Company(id))) {
                    *body = Some(found);
                }
            }
        }
        for (entity, card) in read {
            cards.kept.insert(entity, Kept { since: now, card });
        }
        Ok(())
    }
}
