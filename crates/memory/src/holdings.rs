//! All that is held of one account: its layout, its stage, its entities. What events do to it, and what commands ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use incoming_leads_model::lifecycle::Added;
use incoming_leads_model::{
    AddFacts, AddNeeds, Change, Company, Contact, Customer, Event, EventKind, Layout, Lead, LeadStanding,
    Link, LinkFacts, LinkTarget, Standing, State, Uid,
};

use crate::entities::{Entities, Kept};
use crate::log::{Log, Part};
use crate::stage::{Slot, Stage};

/// A revision that no account of this process has had: a copy that takes the place of an account has another, too.
fn next_revision() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// All that is held of one account.
#[derive(Debug, Clone)]
pub(crate) struct Holdings {
    pub(crate) layout: Arc<Layout>,
    pub(crate) stage: Stage,
    pub(crate) entities: Entities,
    /// Another one after every change, in any account of the process: see [`Holdings::touch`].
    pub(crate) revision: u64,
}

impl Holdings {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        let stage = Stage::new(Log::new(layout.account.id));
        Self { layout, stage, entities: Entities::default(), revision: next_revision() }
    }

    /// Whoever has changed something says so, before others can see it.
    pub(crate) fn touch(&mut self) {
        self.revision = next_revision();
    }

    /// The entity of this id, wherever it is kept.
    pub(crate) fn read<T: Kept>(&self, id: T::Id) -> Option<T> {
        self.entities.read(id).or_else(|| {
            let part = T::PART?;
            let at = self.stage.made(part, id.into())?;
            self.stage.log().part::<Option<T>>(at, part)?
        })
    }

    /// Keeps an entity in the place of the one of this id.
    pub(crate) fn write<T: Kept>(&mut self, entity: &T) {
        if let Some(part) = T::PART {
            self.stage.unmake(part, entity.id().into());
        }
        self.entities.write(entity);
    }

    /// Reads an entity from the slot's record from now on, if it is there just as it is here.
    pub(crate) fn share<T: Kept>(&mut self, id: T::Id, slot: Slot) {
        let Some(part) = T::PART else { return };
        let made = self.stage.log().part::<Option<T>>(self.stage.first(slot), part).flatten();
        if made.is_some() && self.entities.read::<T>(id) == made {
            self.entities.drop_row::<T>(id);
            self.stage.make(part, id.into(), slot);
        }
    }

    /// Where the incoming lead of this uid stands.
    pub(crate) fn state(&self, uid: &Uid) -> State {
        let Some(slot) = self.stage.slot(uid) else { return State::Absent };
        let Some(item) = self.stage.item(slot) else { return State::Absent };
        let pending = State::Pending(Box::new(item));
        if self.stage.is_pending(slot) {
            return pending;
        }
        let decision = self.stage.last_event(slot);
        decision.and_then(|event| pending.apply(&event).ok()).unwrap_or_default()
    }

    /// What an add or an intake needs to know.
    pub(crate) fn add_facts(&self, needs: AddNeeds) -> AddFacts {
        let twins = needs.identities.into_iter().map(|identity| {
            let items = self.stage.twins(&identity);
            (identity, items)
        });
        let leads = needs.leads.into_iter().filter_map(|id| {
            let lead: Lead = self.read(id)?;
            let standing = Standing::of(lead.is_unsorted, lead.stamp.is_deleted);
            Some((id, LeadStanding { standing, pipeline_id: lead.pipeline_id }))
        });
        let tags = needs.tag_ids.iter().filter_map(|id| self.entities.tag(*id));
        let tags = tags.chain(needs.tag_names.iter().filter_map(|name| self.entities.tag_named(name)));
        AddFacts {
            twins: twins.filter(|(_, items)| !items.is_empty()).collect(),
            leads: leads.collect(),
            contacts: needs
                .contacts
                .into_iter()
                .filter_map(|id| Some((id, self.contact_standing(id)?)))
                .collect(),
            companies: needs
                .companies
                .into_iter()
                .filter_map(|id| Some((id, self.company_standing(id)?)))
                .collect(),
            tags: tags.map(|tag| (tag.id, tag.clone())).collect::<BTreeMap<_, _>>().into_values().collect(),
        }
    }

    /// What a link needs to know.
    pub(crate) fn link_facts(&self, uid: &Uid, link: &Link) -> LinkFacts {
        let target = match link.target {
            LinkTarget::Lead(id) => {
                self.read::<Lead>(id).map(|lead| Standing::of(lead.is_unsorted, lead.stamp.is_deleted))
            }
            LinkTarget::Customer(id) => {
                self.read::<Customer>(id).map(|customer| Standing::of(false, customer.stamp.is_deleted))
            }
        };
        let contact = link.contact_id.and_then(|id| self.contact_standing(id));
        LinkFacts { state: self.state(uid), target, contact }
    }

    /// Writes an event down and carries it out.
    pub(crate) fn apply(&mut self, event: &Event) {
        let slot = self.stage.record(event);
        for change in event.changes() {
            self.carry_out(change, event, slot);
        }
    }

    fn carry_out(&mut self, change: Change, event: &Event, slot: Slot) {
        let (by, at) = (event.by, event.recorded_at);
        match change {
            Change::MakeTag(tag) => self.entities.write_tag(tag),
            Change::MakeLead(lead) => self.make(*lead, event, slot),
            Change::MakeContact(contact) => self.make(*contact, event, slot),
            Change::MakeCompany(company) => self.make(*company, event, slot),
            Change::MakeNote(note) => self.entities.write_note(&note),
            Change::PatchLead(id, patch) => self.change(id, |lead: &mut Lead| lead.patch(&patch, by, at)),
            Change::PatchContact(id, patch) => {
                self.change(id, |contact: &mut Contact| contact.patch(patch, by, at))
            }
            Change::PatchCompany(id, patch) => {
                self.change(id, |company: &mut Company| company.patch(patch, by, at))
            }
            Change::JoinCustomer(id, contact, company) => {
                self.change(id, |customer: &mut Customer| customer.join(contact, company, by, at));
            }
            Change::AbsorbContact { from, into } => {
                if let Some(other) = self.read::<Contact>(from) {
                    self.change(into, |contact: &mut Contact| contact.absorb(&other, by, at));
                }
            }
            Change::Stage(item) => {
                self.stage.stage(&item);
            }
            Change::Restage(uid, updated) => self.stage.restage(&uid, |item| item.update(&updated, at)),
            Change::Unstage(uid) => self.stage.unstage(&uid),
        }
    }

    /// A new entity: read from the record of its add until something happens to it.
    fn make<T: Kept>(&mut self, entity: T, event: &Event, slot: Slot) {
        match T::PART {
            Some(part) if makes(event, part) == Some(entity.id().into()) => {
                self.stage.make(part, entity.id().into(), slot);
                T::kind_mut(&mut self.entities).list(entity.id().into(), entity.is_listed());
            }
            _ => self.write(&entity),
        }
    }

    fn change<T: Kept>(&mut self, id: T::Id, change: impl FnOnce(&mut T)) {
        if let Some(mut entity) = self.read(id) {
            change(&mut entity);
            self.write(&entity);
        }
    }

    fn contact_standing(&self, id: incoming_leads_model::ContactId) -> Option<Standing> {
        self.read::<Contact>(id).map(|contact| Standing::of(contact.is_unsorted, contact.stamp.is_deleted))
    }

    fn company_standing(&self, id: incoming_leads_model::CompanyId) -> Option<Standing> {
        self.read::<Company>(id).map(|company| Standing::of(company.is_unsorted, company.stamp.is_deleted))
    }
}

/// The id of the part that is in the event's own record.
fn makes(event: &Event, part: Part) -> Option<u64> {
    match &event.kind {
        EventKind::Added(added) => {
            let Added { lead, contact, company, .. } = &**added;
            match part {
                Part::Lead => lead.as_ref().map(|lead| lead.id.get()),
                Part::Contact => contact.as_ref().map(|contact| contact.id.get()),
                Part::Company => company.as_ref().map(|company| company.id.get()),
            }
        }
        EventKind::Updated(_) | EventKind::Accepted(_) | EventKind::Declined(_) | EventKind::Linked(_) => {
            None
        }
    }
}
