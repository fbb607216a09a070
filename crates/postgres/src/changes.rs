//! Carries out what events say: entities that were read are changed here, everything is written down in a batch.

use std::collections::HashMap;

use incoming_leads_model::{Change, EntityRef, Event, Item, LeadPatch, PartyPatch};

use crate::connection::Lease;
use crate::convert::{Account, Entity, EntityKey, account, key_of};
use crate::error::Result;
use crate::facts::entity_columns;
use crate::writing::Batch;

/// Entities that a change reads before it writes.
pub(crate) fn patched(change: &Change) -> impl Iterator<Item = EntityKey> {
    let pair = match change {
        Change::PatchLead(id, _) => [Some(EntityRef::Lead(*id)), None],
        Change::PatchContact(id, _) => [Some(EntityRef::Contact(*id)), None],
        Change::PatchCompany(id, _) => [Some(EntityRef::Company(*id)), None],
        Change::JoinCustomer(id, ..) => [Some(EntityRef::Customer(*id)), None],
        Change::AbsorbContact { from, into } => {
            [Some(EntityRef::Contact(*from)), Some(EntityRef::Contact(*into))]
        }
        Change::MakeTag(_)
        | Change::MakeLead(_)
        | Change::MakeContact(_)
        | Change::MakeCompany(_)
        | Change::MakeNote(_)
        | Change::Stage(_)
        | Change::Restage(..)
        | Change::Unstage(_) => [None, None],
    };
    pair.into_iter().flatten().map(key_of)
}

/// Entities by account and key.
pub(crate) type Entities = HashMap<(Account, EntityKey), Entity>;

/// Reads entities and locks them until the end of the transaction.
pub(crate) async fn lock(lease: &Lease, mut keys: Vec<(Account, EntityKey)>) -> Result<Entities> {
    if keys.is_empty() {
        return Ok(Entities::new());
    }
    keys.sort_unstable();
    keys.dedup();
    let (accounts, kinds, ids) = entity_columns(&keys);
    let asked = "SELECT e.account_id, e.kind, e.id, e.body \
                 FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS n (account_id, kind, id) \
                 CROSS JOIN LATERAL (SELECT account_id, kind, id, body FROM entities \
                 WHERE account_id = n.account_id AND kind = n.kind AND id = n.id FOR UPDATE) AS e";
    let mut entities = Entities::new();
    for row in lease.query(asked, &[&accounts, &kinds, &ids]).await? {
        let (account, key) = (row.get(0), (row.get(1), row.get(2)));
        entities.insert((account, key), Entity::read(account, key, row.get(3))?);
    }
    Ok(entities)
}

/// Writes an event down and carries it out. `waiting` is the item that the event is about, if it waited before;
/// `entities` are those that its changes patch, of whose kind the keys tell.
pub(crate) fn carry_out(
    batch: &mut Batch,
    event: &Event,
    slot: impl Fn(&Item) -> String,
    waiting: Option<&Item>,
    entities: &Entities,
) {
    let of = account(event.account_id);
    let (by, at) = (event.by, event.recorded_at);
    batch.event(event);
    for change in event.changes() {
        match change {
            Change::MakeTag(tag) => batch.tag(of, tag),
            Change::MakeLead(lead) => batch.make(of, Entity::Lead(*lead)),
            Change::MakeContact(contact) => batch.make(of, Entity::Contact(*contact)),
            Change::MakeCompany(company) => batch.make(of, Entity::Company(*company)),
            Change::MakeNote(note) => batch.note(of, note),
            Change::PatchLead(id, patch) => change_one(batch, of, EntityRef::Lead(id), entities, |entity| {
                patch_lead(entity, &patch, event);
            }),
            Change::PatchContact(id, patch) => {
                change_one(batch, of, EntityRef::Contact(id), entities, |entity| {
                    patch_party(entity, patch, event);
                });
            }
            Change::PatchCompany(id, patch) => {
                change_one(batch, of, EntityRef::Company(id), entities, |entity| {
                    patch_party(entity, patch, event);
                });
            }
            Change::JoinCustomer(id, contact, company) => {
                change_one(batch, of, EntityRef::Customer(id), entities, |entity| {
                    if let Entity::Customer(customer) = entity {
                        customer.join(contact, company, by, at);
                    }
                });
            }
            Change::AbsorbContact { from, into } => {
                let from = current(batch, of, EntityRef::Contact(from), entities);
                let Some(Entity::Contact(from)) = from else { continue };
                change_one(batch, of, EntityRef::Contact(into), entities, |entity| {
                    if let Entity::Contact(into) = entity {
                        into.absorb(&from, by, at);
                    }
                });
            }
            Change::Stage(item) => {
                let slot = slot(&item);
                batch.stage(of, *item, slot);
            }
            Change::Restage(_, updated) => {
                let Some(old) = waiting else { continue };
                let mut item = old.clone();
                item.update(&updated, at);
                batch.restage(of, old, item);
            }
            Change::Unstage(_) => {
                if let Some(item) = waiting {
                    batch.unstage(of, item);
                }
            }
        }
    }
}

/// As it is after what the batch has done to it.
fn current(batch: &Batch, of: Account, entity: EntityRef, read: &Entities) -> Option<Entity> {
    let key = (of, key_of(entity));
    batch.entity(key).or_else(|| read.get(&key)).cloned()
}

fn change_one(
    batch: &mut Batch,
    of: Account,
    entity: EntityRef,
    read: &Entities,
    change: impl FnOnce(&mut Entity),
) {
    if let Some(mut entity) = current(batch, of, entity, read) {
        change(&mut entity);
        batch.change(of, entity);
    }
}

fn patch_lead(entity: &mut Entity, patch: &LeadPatch, event: &Event) {
    if let Entity::Lead(lead) = entity {
        lead.patch(patch, event.by, event.recorded_at);
    }
}

fn patch_party(entity: &mut Entity, patch: PartyPatch, event: &Event) {
    match entity {
        Entity::Contact(contact) => contact.patch(patch, event.by, event.recorded_at),
        Entity::Company(company) => company.patch(patch, event.by, event.recorded_at),
        Entity::Lead(_) | Entity::Customer(_) => {}
    }
}
