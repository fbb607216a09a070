//! An event is written down and carried out, change by change.

use incoming_leads_model::{Change, Company, Contact, Customer, Event, Layout, Lead, Tally};

use crate::error::Fault;
use crate::writing::Writing;
use crate::{entities, history, items};

/// Writes an event down, counts it and does what it says.
pub(crate) fn carry_out(writing: &mut Writing<'_>, layout: &Layout, event: &Event) -> Result<(), Fault> {
    record(writing, event)?;
    event.changes().into_iter().try_for_each(|change| one(writing, layout, event, change))
}

/// Writes an event down and counts it.
pub(crate) fn record(writing: &mut Writing<'_>, event: &Event) -> Result<(), Fault> {
    history::append(writing, event)?;
    writing.counts().tally(event.account_id, event.pipeline_id, event.moment(), Tally::of(event));
    Ok(())
}

fn one(writing: &mut Writing<'_>, layout: &Layout, event: &Event, change: Change) -> Result<(), Fault> {
    let (connection, account) = (writing.connection, event.account_id);
    let (by, at) = (event.by, event.recorded_at);
    match change {
        Change::MakeTag(tag) => entities::write_tag(connection, account, &tag),
        Change::MakeLead(lead) => entities::make(connection, account, &*lead),
        Change::MakeContact(contact) => entities::make(connection, account, &*contact),
        Change::MakeCompany(company) => entities::make(connection, account, &*company),
        Change::MakeNote(note) => entities::write_note(connection, account, &note),
        Change::PatchLead(id, patch) => {
            entities::change(connection, account, id, |lead: &mut Lead| lead.patch(&patch, by, at))
        }
        Change::PatchContact(id, patch) => {
            entities::change(connection, account, id, |contact: &mut Contact| contact.patch(patch, by, at))
        }
        Change::PatchCompany(id, patch) => {
            entities::change(connection, account, id, |company: &mut Company| company.patch(patch, by, at))
        }
        Change::JoinCustomer(id, contact, company) => {
            entities::change(connection, account, id, |customer: &mut Customer| {
                customer.join(contact, company, by, at);
            })
        }
        Change::AbsorbContact { from, into } => match entities::find::<Contact>(connection, account, from)? {
            Some(other) => entities::change(connection, account, into, |contact: &mut Contact| {
                contact.absorb(&other, by, at);
            }),
            None => Ok(()),
        },
        Change::Stage(item) => items::stage(writing, account, &item, item.slot(layout.policies)),
        Change::Restage(uid, updated) => {
            items::restage(writing, account, &uid, |item| item.update(&updated, at))
        }
        Change::Unstage(uid) => items::unstage(writing, account, &uid).map(drop),
    }
}
