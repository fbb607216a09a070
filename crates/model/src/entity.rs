//! Entities as an account holds them: leads, contacts, companies, customers, tags, notes.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::account::EntityKind;
use crate::draft::{Card, TagRef};
use crate::id::{CompanyId, ContactId, CustomerId, LeadId, NoteId, PipelineId, StatusId, TagId, UserId};
use crate::metadata::Further;
use crate::moment::Moment;

/// Who made and changed an entity, when (UTC), and whether it lies in the bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Who made it; none is the system itself (`0` on the wire).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// Who changed it last; none is the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<UserId>,
    /// When it was made.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
    /// Whether it lies in the bin.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_deleted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Stamp {
    fn touch(&mut self, by: UserId, at: Moment) {
        self.updated_by = Some(by);
        self.updated_at = at;
    }
}

/// A lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// Its pipeline.
    pub pipeline_id: PipelineId,
    /// Its stage. While it waits: the pipeline's "unsorted" status (R3).
    pub status_id: StatusId,
    /// Price, in whole units of the account's currency.
    #[serde(default)]
    pub price: u64,
    /// What a person sees of it. Its tags have both id and name.
    #[serde(default)]
    pub card: Card,
    /// Its contacts, the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactId>,
    /// Its company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// When it was won or lost (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Moment>,
    /// Whether it waits in the stage of incoming leads.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_unsorted: bool,
    /// Who, when, and whether in the bin.
    pub stamp: Stamp,
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// What a person sees of it. Its tags have both id and name.
    #[serde(default)]
    pub card: Card,
    /// Its company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Whether it came with a lead that still waits: then it appears in no list (R3).
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_unsorted: bool,
    /// Who, when, and whether in the bin.
    pub stamp: Stamp,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// What a person sees of it. Its tags have both id and name.
    #[serde(default)]
    pub card: Card,
    /// Whether it came with a lead that still waits: then it appears in no list (R3).
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_unsorted: bool,
    /// Who, when, and whether in the bin.
    pub stamp: Stamp,
}

/// A customer: what a chat may be linked to beside a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// What a person sees of it.
    #[serde(default)]
    pub card: Card,
    /// Its contacts, the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactId>,
    /// Its company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// Who, when, and whether in the bin.
    pub stamp: Stamp,
}

/// A tag of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its id.
    pub id: TagId,
    /// Its name; unique in the account.
    pub name: String,
}

impl Tag {
    /// The tag as cards name it.
    #[must_use]
    pub fn to_ref(&self) -> TagRef {
        TagRef { id: Some(self.id), name: Some(self.name.clone()) }
    }
}

/// An entity by kind and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityRef {
    /// A lead.
    Lead(LeadId),
    /// A contact.
    Contact(ContactId),
    /// A company.
    Company(CompanyId),
    /// A customer.
    Customer(CustomerId),
}

impl EntityRef {
    /// The kind.
    #[must_use]
    pub const fn kind(self) -> EntityKind {
        match self {
            EntityRef::Lead(_) => EntityKind::Lead,
            EntityRef::Contact(_) => EntityKind::Contact,
            EntityRef::Company(_) => EntityKind::Company,
            EntityRef::Customer(_) => EntityKind::Customer,
        }
    }
}

/// A note on an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// What it is on.
    pub entity: EntityRef,
    /// Kind, as the wire names it: `common`, `call_in` ...
    pub kind: String,
    /// What it says, by kind: `text`, or `uniq`, `duration`, `source`, `link`, `phone` of a call.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Further,
    /// Who wrote it; none is the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When (UTC).
    pub created_at: Moment,
}

/// What can happen to a lead after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadPatch {
    /// It leaves "unsorted" for this status; its creator is set (R8).
    Accept {
        /// The status it moves to; none leaves an existing lead where it is.
        status_id: Option<StatusId>,
        /// Who becomes the creator; none keeps an existing lead's.
        creator: Option<UserId>,
    },
    /// It goes to the bin (R9).
    Bin,
    /// A contact and a company join it.
    Join {
        /// The contact, at the end of its contacts.
        contact: Option<ContactId>,
        /// The company, if it has none.
        company: Option<CompanyId>,
    },
    /// It gets a tag.
    Tag(TagRef),
}

/// What can happen to a contact or a company after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartyPatch {
    /// It becomes visible, with this creator (R3, R8).
    Reveal {
        /// Who becomes the creator.
        creator: UserId,
    },
    /// It goes to the bin (R9).
    Bin,
}

impl Lead {
    /// Whether lists show it: not in the bin. While it waits it stands in the "unsorted" status (R3).
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        !self.stamp.is_deleted
    }

    /// Carries a patch out.
    pub fn patch(&mut self, patch: &LeadPatch, by: UserId, at: Moment) {
        self.stamp.touch(by, at);
        match patch {
            LeadPatch::Accept { status_id, creator } => {
                self.is_unsorted = false;
                if let Some(creator) = creator {
                    self.stamp.created_by = Some(*creator);
                }
                if let Some(status) = status_id {
                    self.status_id = *status;
                    self.closed_at = [StatusId::WON, StatusId::LOST].contains(status).then_some(at);
                }
            }
            LeadPatch::Bin => {
                self.is_unsorted = false;
                self.stamp.is_deleted = true;
            }
            LeadPatch::Join { contact, company } => {
                join(&mut self.contacts, &mut self.company, *contact, *company)
            }
            LeadPatch::Tag(tag) => add_tag(&mut self.card, tag),
        }
    }
}

impl Contact {
    /// Whether lists show it: not in the bin, and not of an incoming lead that waits (R3).
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        !self.stamp.is_deleted && !self.is_unsorted
    }

    /// Carries a patch out.
    pub fn patch(&mut self, patch: PartyPatch, by: UserId, at: Moment) {
        reveal_or_bin(&mut self.stamp, &mut self.is_unsorted, patch, by, at);
    }

    /// Takes over what another contact tells and this one does not: names, who answers for it,
    /// company, custom fields, tags, further keys (R10).
    pub fn absorb(&mut self, other: &Contact, by: UserId, at: Moment) {
        self.stamp.touch(by, at);
        fill(&mut self.first_name, &other.first_name);
        fill(&mut self.last_name, &other.last_name);
        fill(&mut self.company, &other.company);
        fill(&mut self.card.name, &other.card.name);
        fill(&mut self.card.responsible_user_id, &other.card.responsible_user_id);
        for field in &other.card.custom_fields {
            match self.card.custom_fields.iter_mut().find(|own| own.field == field.field) {
                None => self.card.custom_fields.push(field.clone()),
                Some(own) => {
                    let new = field.values.iter().filter(|value| !own.values.contains(value));
                    let new: Vec<_> = new.cloned().collect();
                    own.values.extend(new);
                }
            }
        }
        for tag in &other.card.tags {
            add_tag(&mut self.card, tag);
        }
        for (key, value) in &other.card.further {
            self.card.further.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

impl Company {
    /// Whether lists show it: not in the bin, and not of an incoming lead that waits (R3).
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        !self.stamp.is_deleted && !self.is_unsorted
    }

    /// Carries a patch out.
    pub fn patch(&mut self, patch: PartyPatch, by: UserId, at: Moment) {
        reveal_or_bin(&mut self.stamp, &mut self.is_unsorted, patch, by, at);
    }
}

impl Customer {
    /// Whether lists show it: not in the bin.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        !self.stamp.is_deleted
    }

    /// A contact and a company join it.
    pub fn join(&mut self, contact: Option<ContactId>, company: Option<CompanyId>, by: UserId, at: Moment) {
        self.stamp.touch(by, at);
        join(&mut self.contacts, &mut self.company, contact, company);
    }
}

macro_rules! is_later {
    ($($entity:ident $waits:expr;)*) => {$(
        impl $entity {
            /// Whether it tells of something that the other one does not know yet: an import leaves it where it is. Of
            /// two that were changed in the same second, one that waits no longer is the later one.
            #[must_use]
            pub fn is_later_than(&self, other: &Self) -> bool {
                let rank = |one: &Self| (one.stamp.updated_at, !$waits(one));
                rank(self) > rank(other)
            }
        }
    )*};
}

is_later! {
    Lead |lead: &Lead| lead.is_unsorted;
    Contact |contact: &Contact| contact.is_unsorted;
    Company |company: &Company| company.is_unsorted;
    Customer |_: &Customer| false;
}

fn reveal_or_bin(stamp: &mut Stamp, is_unsorted: &mut bool, patch: PartyPatch, by: UserId, at: Moment) {
    stamp.touch(by, at);
    *is_unsorted = false;
    match patch {
        PartyPatch::Reveal { creator } => stamp.created_by = Some(creator),
        PartyPatch::Bin => stamp.is_deleted = true,
    }
}

fn join(
    contacts: &mut Vec<ContactId>,
    companies: &mut Option<CompanyId>,
    contact: Option<ContactId>,
    company: Option<CompanyId>,
) {
    contacts.extend(contact.filter(|contact| !contacts.contains(contact)));
    *companies = companies.or(company);
}

fn add_tag(card: &mut Card, tag: &TagRef) {
    if !card.tags.contains(tag) {
        card.tags.push(tag.clone());
    }
}

fn fill<T: Clone>(own: &mut Option<T>, other: &Option<T>) {
    if own.is_none() {
        own.clone_from(other);
    }
}
