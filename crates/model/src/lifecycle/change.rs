//! Changes: what an event does to what a store holds. Stores carry them out in order; they never think.

use crate::entity::{Company, Contact, Lead, LeadPatch, Note, PartyPatch, Tag};
use crate::id::{CompanyId, ContactId, CustomerId, LeadId, Uid};
use crate::item::{Item, Linked, Links};
use crate::lifecycle::event::{Accepted, Added, Declined, Event, EventKind, LinkedTo, Updated};
use crate::lifecycle::settle::LinkTarget;
use crate::metadata::Metadata;
use crate::moment::Moment;

/// One step of carrying an event out. Patches take [`Event::by`] and [`Event::recorded_at`].
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new tag.
    MakeTag(Tag),
    /// A new lead.
    MakeLead(Box<Lead>),
    /// A new contact.
    MakeContact(Box<Contact>),
    /// A new company.
    MakeCompany(Box<Company>),
    /// A new note.
    MakeNote(Note),
    /// Something happens to a lead: [`Lead::patch`].
    PatchLead(LeadId, LeadPatch),
    /// Something happens to a contact: [`Contact::patch`].
    PatchContact(ContactId, PartyPatch),
    /// Something happens to a company: [`Company::patch`].
    PatchCompany(CompanyId, PartyPatch),
    /// A contact and a company join a customer: [`Customer::join`](crate::Customer::join).
    JoinCustomer(CustomerId, Option<ContactId>, Option<CompanyId>),
    /// The second contact takes over what only the first tells: [`Contact::absorb`].
    AbsorbContact {
        /// Whose data go over; a further change bins it.
        from: ContactId,
        /// Who takes them.
        into: ContactId,
    },
    /// A new item waits.
    Stage(Box<Item>),
    /// The item that waits was updated: [`Item::update`].
    Restage(Uid, Updated),
    /// The item waits no longer.
    Unstage(Uid),
}

impl Event {
    /// What this event does, in the order in which it is to be done.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        match &self.kind {
            EventKind::Added(added) => added_changes(added),
            EventKind::Updated(updated) => vec![Change::Restage(self.uid.clone(), updated.clone())],
            EventKind::Accepted(accepted) => self.accepted_changes(accepted),
            EventKind::Declined(declined) => self.declined_changes(declined),
            EventKind::Linked(linked) => self.linked_changes(linked),
        }
    }

    fn accepted_changes(&self, accepted: &Accepted) -> Vec<Change> {
        let Accepted { status_id, links, notes } = accepted;
        let creator = links.lead.made().map(|_| self.on_behalf_of);
        let accept = LeadPatch::Accept { status_id: *status_id, creator };
        let mut changes = vec![Change::PatchLead(links.lead.id(), accept)];
        // An existing lead did not have them yet; one that was made has.
        if let Linked::Existing(lead) = links.lead {
            changes.extend(join_lead(lead, links));
        }
        changes.extend(self.reveal_contact(links));
        changes.extend(self.reveal_company(links));
        changes.extend(notes.iter().cloned().map(Change::MakeNote));
        changes.push(Change::Unstage(self.uid.clone()));
        changes
    }

    fn declined_changes(&self, declined: &Declined) -> Vec<Change> {
        let Declined { links } = declined;
        let mut changes = Vec::new();
        changes.extend(bin_lead(links));
        changes.extend(made(links.contact).map(|id| Change::PatchContact(id, PartyPatch::Bin)));
        changes.extend(made(links.company).map(|id| Change::PatchCompany(id, PartyPatch::Bin)));
        changes.push(Change::Unstage(self.uid.clone()));
        changes
    }

    fn linked_changes(&self, linked: &LinkedTo) -> Vec<Change> {
        let LinkedTo { target, contact_id, links } = linked;
        let contact = contact_id.or(links.contact.map(Linked::id));
        let company = links.company.map(Linked::id);
        let mut changes = vec![match target {
            LinkTarget::Lead(lead) => Change::PatchLead(*lead, LeadPatch::Join { contact, company }),
            LinkTarget::Customer(customer) => Change::JoinCustomer(*customer, contact, company),
        }];
        match (contact_id, made(links.contact)) {
            (Some(into), Some(from)) => {
                changes.push(Change::AbsorbContact { from, into: *into });
                changes.push(Change::PatchContact(from, PartyPatch::Bin));
            }
            (None, Some(_)) => changes.extend(self.reveal_contact(links)),
            (Some(_) | None, None) => {}
        }
        changes.extend(self.reveal_company(links));
        changes.extend(bin_lead(links));
        changes.push(Change::Unstage(self.uid.clone()));
        changes
    }

    fn reveal_contact(&self, links: &Links) -> Option<Change> {
        let reveal = PartyPatch::Reveal { creator: self.on_behalf_of };
        made(links.contact).map(|id| Change::PatchContact(id, reveal))
    }

    fn reveal_company(&self, links: &Links) -> Option<Change> {
        let reveal = PartyPatch::Reveal { creator: self.on_behalf_of };
        made(links.company).map(|id| Change::PatchCompany(id, reveal))
    }
}

fn added_changes(added: &Added) -> Vec<Change> {
    let Added { item, lead, contact, company, notes, tags, duplicate_tag, duplicates } = added;
    let mut changes: Vec<_> = tags.iter().cloned().map(Change::MakeTag).collect();
    changes.extend(company.clone().map(|company| Change::MakeCompany(Box::new(company))));
    changes.extend(contact.clone().map(|contact| Change::MakeContact(Box::new(contact))));
    changes.extend(lead.clone().map(|lead| Change::MakeLead(Box::new(lead))));
    changes.extend(notes.iter().cloned().map(Change::MakeNote));
    if let Some(tag) = duplicate_tag {
        let tagged = duplicates.iter().copied().chain([item.links.lead.id()]);
        changes.extend(tagged.map(|lead| Change::PatchLead(lead, LeadPatch::Tag(tag.clone()))));
    }
    changes.push(Change::Stage(Box::new(item.clone())));
    changes
}

fn made<I: Copy>(link: Option<Linked<I>>) -> Option<I> {
    link.and_then(Linked::made)
}

fn bin_lead(links: &Links) -> Option<Change> {
    links.lead.made().map(|lead| Change::PatchLead(lead, LeadPatch::Bin))
}

fn join_lead(lead: LeadId, links: &Links) -> Option<Change> {
    let (contact, company) = (links.contact.map(Linked::id), links.company.map(Linked::id));
    (contact.is_some() || company.is_some())
        .then_some(Change::PatchLead(lead, LeadPatch::Join { contact, company }))
}

impl Item {
    /// Takes a further message of its chat over (R2).
    pub fn update(&mut self, updated: &Updated, at: Moment) {
        self.updated_at = at;
        self.version += 1;
        if let Metadata::Chats(chat) = &mut self.metadata {
            chat.last_message_text =
                updated.last_message_text.clone().or_else(|| chat.last_message_text.take());
            chat.received_at = updated.received_at.or(chat.received_at);
        }
    }
}
