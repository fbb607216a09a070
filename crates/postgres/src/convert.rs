//! Rows to the model and back. A row that does not convert is damage, which names its table and key.

use incoming_leads_model::{
    AccountId, Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityKind, EntityRef, Item,
    Lead, LeadId, stored,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::error::{Fault, Result};

/// An id as the database keeps it.
pub(crate) fn number(id: impl Into<u64>) -> i64 {
    // Ids are below 2^53.
    i64::try_from(id.into()).unwrap_or(i64::MAX)
}

/// A value's text.
pub(crate) fn body<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what the model holds has string keys and finite numbers")
}

/// The value of a text, also where a newer program has put something more into it.
pub(crate) fn read<T: DeserializeOwned>(table: &'static str, key: impl ToString, body: &str) -> Result<T> {
    stored::read(body).map_err(|error| Fault::damaged(table, key, error))
}

/// An id of a row.
pub(crate) fn id<I: TryFrom<u64>>(table: &'static str, number: i64) -> Result<I> {
    let id = u64::try_from(number).ok().and_then(|number| I::try_from(number).ok());
    id.ok_or_else(|| Fault::damaged(table, number, "it is no id"))
}

/// What keeps identical items apart: the digest of the item's identity.
pub(crate) fn identity(item: &Item) -> Option<Vec<u8>> {
    incoming_leads_model::Identity::of(&item.metadata).map(|identity| digest(&identity))
}

pub(crate) fn digest(identity: &incoming_leads_model::Identity) -> Vec<u8> {
    Sha256::digest(identity.as_str().as_bytes()).to_vec()
}

/// An account in keys.
pub(crate) type Account = i64;

pub(crate) fn account(id: AccountId) -> Account {
    number(id)
}

/// An entity's key: kind, then id.
pub(crate) type EntityKey = (i16, i64);

pub(crate) const fn kind(kind: EntityKind) -> i16 {
    match kind {
        EntityKind::Lead => 0,
        EntityKind::Contact => 1,
        EntityKind::Company => 2,
        EntityKind::Customer => 3,
    }
}

pub(crate) fn key_of(entity: EntityRef) -> EntityKey {
    let id = match entity {
        EntityRef::Lead(id) => number(id),
        EntityRef::Contact(id) => number(id),
        EntityRef::Company(id) => number(id),
        EntityRef::Customer(id) => number(id),
    };
    (kind(entity.kind()), id)
}

/// An entity of any kind.
#[derive(Debug, Clone)]
pub(crate) enum Entity {
    Lead(Lead),
    Contact(Contact),
    Company(Company),
    Customer(Customer),
}

impl Entity {
    pub(crate) fn key(&self) -> EntityKey {
        key_of(match self {
            Entity::Lead(lead) => EntityRef::Lead(lead.id),
            Entity::Contact(contact) => EntityRef::Contact(contact.id),
            Entity::Company(company) => EntityRef::Company(company.id),
            Entity::Customer(customer) => EntityRef::Customer(customer.id),
        })
    }

    pub(crate) const fn is_listed(&self) -> bool {
        match self {
            Entity::Lead(lead) => lead.is_listed(),
            Entity::Contact(contact) => contact.is_listed(),
            Entity::Company(company) => company.is_listed(),
            Entity::Customer(customer) => customer.is_listed(),
        }
    }

    /// Since when it lies in the bin.
    pub(crate) fn binned_at(&self) -> Option<i64> {
        let stamp = match self {
            Entity::Lead(lead) => lead.stamp,
            Entity::Contact(contact) => contact.stamp,
            Entity::Company(company) => company.stamp,
            Entity::Customer(customer) => customer.stamp,
        };
        stamp.is_deleted.then_some(stamp.updated_at.secs())
    }

    pub(crate) fn body(&self) -> String {
        match self {
            Entity::Lead(lead) => body(lead),
            Entity::Contact(contact) => body(contact),
            Entity::Company(company) => body(company),
            Entity::Customer(customer) => body(customer),
        }
    }

    /// Whether it tells of something that the other one, of the same key, does not know yet.
    pub(crate) fn is_later_than(&self, other: &Self) -> bool {
        match (self, other) {
            (Entity::Lead(own), Entity::Lead(other)) => own.is_later_than(other),
            (Entity::Contact(own), Entity::Contact(other)) => own.is_later_than(other),
            (Entity::Company(own), Entity::Company(other)) => own.is_later_than(other),
            (Entity::Customer(own), Entity::Customer(other)) => own.is_later_than(other),
            (Entity::Lead(_) | Entity::Contact(_) | Entity::Company(_) | Entity::Customer(_), _) => false,
        }
    }

    pub(crate) fn read(account: Account, (kind, id): EntityKey, body: &str) -> Result<Self> {
        let key = format!("account {account}, kind {kind}, id {id}");
        Ok(match kind {
            0 => Entity::Lead(read(TABLE, key, body)?),
            1 => Entity::Contact(read(TABLE, key, body)?),
            2 => Entity::Company(read(TABLE, key, body)?),
            3 => Entity::Customer(read(TABLE, key, body)?),
            _ => return Err(Fault::damaged(TABLE, key, "there is no such kind")),
        })
    }
}

const TABLE: &str = "entities";

/// An entity that the directory lists.
pub(crate) trait Listed: DeserializeOwned + Send {
    type Id: Copy + Ord + Into<u64> + Send + Sync;
    const KIND: EntityKind;
}

impl Listed for Lead {
    type Id = LeadId;
    const KIND: EntityKind = EntityKind::Lead;
}

impl Listed for Contact {
    type Id = ContactId;
    const KIND: EntityKind = EntityKind::Contact;
}

impl Listed for Company {
    type Id = CompanyId;
    const KIND: EntityKind = EntityKind::Company;
}

impl Listed for Customer {
    type Id = CustomerId;
    const KIND: EntityKind = EntityKind::Customer;
}
