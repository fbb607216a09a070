//! What commands need to know of what is stored.

use std::collections::BTreeMap;

use incoming_leads_model::{
    AccountId, AddFacts, AddNeeds, Company, Contact, ContactId, Customer, Lead, LeadStanding, Link,
    LinkFacts, LinkTarget, Standing, State, Uid,
};
use rusqlite::Connection;

use crate::entities::{find, tag, tag_named};
use crate::error::Fault;
use crate::items;

/// What an add or an intake needs to know.
pub(crate) fn of_add(
    connection: &Connection,
    account: AccountId,
    needs: &AddNeeds,
) -> Result<AddFacts, Fault> {
    let mut facts = AddFacts::default();
    for identity in &needs.identities {
        let items = items::twins(connection, account, identity)?;
        if !items.is_empty() {
            facts.twins.insert(identity.clone(), items);
        }
    }
    for id in &needs.leads {
        if let Some(lead) = find::<Lead>(connection, account, *id)? {
            let standing = Standing::of(lead.is_unsorted, lead.stamp.is_deleted);
            facts.leads.insert(*id, LeadStanding { standing, pipeline_id: lead.pipeline_id });
        }
    }
    for id in &needs.contacts {
        facts.contacts.extend(of_contact(connection, account, *id)?.map(|standing| (*id, standing)));
    }
    for id in &needs.companies {
        let company = find::<Company>(connection, account, *id)?;
        let standing = company.map(|company| Standing::of(company.is_unsorted, company.stamp.is_deleted));
        facts.companies.extend(standing.map(|standing| (*id, standing)));
    }
    let mut tags = BTreeMap::new();
    for id in &needs.tag_ids {
        tags.extend(tag(connection, account, *id)?.map(|tag| (tag.id, tag)));
    }
    for name in &needs.tag_names {
        tags.extend(tag_named(connection, account, name)?.map(|tag| (tag.id, tag)));
    }
    facts.tags = tags.into_values().collect();
    Ok(facts)
}

/// Where the incoming lead of this uid stands: commands tell what was decided from what never was no more than R7 does.
pub(crate) fn state(connection: &Connection, account: AccountId, uid: &Uid) -> Result<State, Fault> {
    let item = items::find(connection, account, uid)?;
    Ok(item.map_or(State::Absent, |item| State::Pending(Box::new(item))))
}

/// What a link needs to know.
pub(crate) fn of_link(
    connection: &Connection,
    account: AccountId,
    uid: &Uid,
    link: &Link,
) -> Result<LinkFacts, Fault> {
    let target = match link.target {
        LinkTarget::Lead(id) => find::<Lead>(connection, account, id)?
            .map(|lead| Standing::of(lead.is_unsorted, lead.stamp.is_deleted)),
        LinkTarget::Customer(id) => find::<Customer>(connection, account, id)?
            .map(|customer| Standing::of(false, customer.stamp.is_deleted)),
    };
    let contact = match link.contact_id {
        Some(id) => of_contact(connection, account, id)?,
        None => None,
    };
    Ok(LinkFacts { state: state(connection, account, uid)?, target, contact })
}

fn of_contact(connection: &Connection, account: AccountId, id: ContactId) -> Result<Option<Standing>, Fault> {
    let contact = find::<Contact>(connection, account, id)?;
    Ok(contact.map(|contact| Standing::of(contact.is_unsorted, contact.stamp.is_deleted)))
}
