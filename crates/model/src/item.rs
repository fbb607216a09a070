//! The incoming lead: as the stage holds it, and as a transport tells it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::account::{DuplicatePolicy, Policies};
use crate::draft::{CompanyDraft, ContactDraft, LeadDraft};
use crate::entity::{Company, Contact, Lead};
use crate::id::{AccountId, CompanyId, ContactId, CustomerId, LeadId, PipelineId, Uid};
use crate::metadata::{Category, Metadata, told};
use crate::moment::Moment;

/// An incoming lead as the pending stage holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its uid.
    pub uid: Uid,
    /// Name of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Uid of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_uid: Option<String>,
    /// The pipeline in which it waits.
    pub pipeline_id: PipelineId,
    /// When it came to be, as told by its source (UTC).
    pub created_at: Moment,
    /// When it was recorded here, or updated last (UTC): what `updated_at` sorts by (R13).
    pub updated_at: Moment,
    /// How often it was recorded: 1 when added, one more for each update.
    pub version: u64,
    /// What is told of it.
    pub metadata: Metadata,
    /// Its lead, contact and company.
    pub links: Links,
}

impl Item {
    /// The category.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.metadata.category()
    }

    /// What an import puts on the stage for it: nothing when it was decided here since the document was written, or when
    /// what waits here has been updated since. `is_settled` is whether any event of its uid that is known here settles
    /// it: behind a decision may lie what the document brought of a time before it knew of that.
    ///
    /// Where another one of the same version waits, what is put in its place has the next one: who knows an item by uid
    /// and version must not take it for the other. So the document, taken over once more, finds a later one.
    #[must_use]
    pub fn restored(&self, waits: Option<&Item>, is_settled: bool) -> Option<Cow<'_, Item>> {
        match waits {
            _ if is_settled => None,
            Some(waits) if waits.version > self.version => None,
            Some(waits) if waits.version == self.version && waits != self => {
                Some(Cow::Owned(Item { version: self.version + 1, ..self.clone() }))
            }
            Some(_) | None => Some(Cow::Borrowed(self)),
        }
    }

    /// What keeps identical items apart that wait at the same time, so that a store can have an index over account,
    /// identity and this in which every entry is unique: nothing where the second is refused or, of a chat, updates
    /// the first, else the uid (R2, R6).
    #[must_use]
    pub fn slot(&self, policies: Policies) -> &str {
        match (policies.duplicates, self.category()) {
            (DuplicatePolicy::Refuse, _) | (DuplicatePolicy::Tag, Category::Chats) => "",
            (DuplicatePolicy::Tag, Category::Sip | Category::Forms | Category::Mail) => self.uid.as_str(),
        }
    }
}

/// The entities of an incoming lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Its lead.
    pub lead: Linked<LeadId>,
    /// Its contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Linked<ContactId>>,
    /// Its company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Linked<CompanyId>>,
}

/// An entity of an incoming lead (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linked<I> {
    /// Made with it: hidden until it is accepted, binned when it is declined.
    Made(I),
    /// There before: neither hidden nor binned.
    Existing(I),
}

impl<I: Copy> Linked<I> {
    /// The id.
    pub const fn id(self) -> I {
        match self {
            Linked::Made(id) | Linked::Existing(id) => id,
        }
    }

    /// The id, if the entity was made with the incoming lead.
    pub const fn made(self) -> Option<I> {
        match self {
            Linked::Made(id) => Some(id),
            Linked::Existing(_) => None,
        }
    }
}

/// An incoming lead as a transport tells it: `None` means "not told", never "not there".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomingLead {
    /// Its uid.
    pub uid: Uid,
    /// Its account.
    pub account_id: Option<AccountId>,
    /// Name of its source; told and none is `Some(None)`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub source_name: Option<Option<String>>,
    /// Uid of its source; told and none is `Some(None)`. v2 lists do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub source_uid: Option<Option<String>>,
    /// The pipeline in which it waits. v2 lists do not tell it.
    pub pipeline_id: Option<PipelineId>,
    /// When it came to be (UTC).
    pub created_at: Moment,
    /// When it was recorded or updated last (UTC). No wire tells it.
    pub updated_at: Option<Moment>,
    /// What is told of it; the category follows from it.
    pub metadata: Metadata,
    /// Its lead; told and none is an empty list. At most one.
    pub leads: Option<Vec<Entity<LeadId, LeadDraft>>>,
    /// Its contact; told and none is an empty list. At most one.
    pub contacts: Option<Vec<Entity<ContactId, ContactDraft>>>,
    /// Its company; told and none is an empty list. At most one.
    pub companies: Option<Vec<Entity<CompanyId, CompanyDraft>>>,
}

/// An entity as a transport tells it: v4 lists tell ids without bodies, v2 lists bodies without ids, stores both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity<I, C> {
    /// Its id.
    pub id: Option<I>,
    /// Its body.
    pub card: Option<C>,
}

/// The bodies of an incoming lead's entities, as far as they were asked for.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "the three entities of an incoming lead")]
pub struct Cards<'a> {
    /// Its lead.
    pub lead: Option<&'a Lead>,
    /// Its contact.
    pub contact: Option<&'a Contact>,
    /// Its company.
    pub company: Option<&'a Company>,
}

impl IncomingLead {
    /// The category.
    #[must_use]
    pub const fn category(&self) -> Category {
        self.metadata.category()
    }

    /// What a store tells of an item, with the bodies that were asked for.
    #[must_use]
    pub fn told(account_id: AccountId, item: Item, cards: Cards<'_>) -> Self {
        let Item {
            uid,
            source_name,
            source_uid,
            pipeline_id,
            created_at,
            updated_at,
            version: _,
            metadata,
            links,
        } = item;
        let lead = Entity { id: Some(links.lead.id()), card: cards.lead.map(LeadDraft::from) };
        let contact = links
            .contact
            .map(|link| Entity { id: Some(link.id()), card: cards.contact.map(ContactDraft::from) });
        let company = links
            .company
            .map(|link| Entity { id: Some(link.id()), card: cards.company.map(CompanyDraft::from) });
        Self {
            uid,
            account_id: Some(account_id),
            source_name: Some(source_name),
            source_uid: Some(source_uid),
            pipeline_id: Some(pipeline_id),
            created_at,
            updated_at: Some(updated_at),
            metadata,
            leads: Some(vec![lead]),
            contacts: Some(contact.into_iter().collect()),
            companies: Some(company.into_iter().collect()),
        }
    }
}

impl From<&Lead> for LeadDraft {
    /// The body as a card tells it, without id and notes.
    fn from(lead: &Lead) -> Self {
        Self { id: None, price: Some(lead.price), notes: Vec::new(), card: lead.card.clone() }
    }
}

impl From<&Contact> for ContactDraft {
    /// The body as a card tells it, without id.
    fn from(contact: &Contact) -> Self {
        let Contact { first_name, last_name, card, .. } = contact.clone();
        Self { id: None, first_name, last_name, card }
    }
}

impl From<&Company> for CompanyDraft {
    /// The body as a card tells it, without id.
    fn from(company: &Company) -> Self {
        Self { id: None, card: company.card.clone() }
    }
}

/// The answer to an add, accept, decline or link: `None` means "not told", an empty list "none".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The uid.
    pub uid: Uid,
    /// The account.
    pub account_id: Option<AccountId>,
    /// The category.
    pub category: Option<Category>,
    /// The pipeline in which it waited.
    pub pipeline_id: Option<PipelineId>,
    /// When the incoming lead came to be (UTC); never the moment of the decision.
    pub created_at: Option<Moment>,
    /// Leads: the incoming lead's own; after a link the target, if it is a lead.
    pub leads: Option<Vec<LeadId>>,
    /// Contacts.
    pub contacts: Option<Vec<ContactId>>,
    /// Companies.
    pub companies: Option<Vec<CompanyId>>,
    /// Customers: the target of a link.
    pub customers: Option<Vec<CustomerId>>,
}

impl Receipt {
    /// A receipt that tells nothing but the uid.
    #[must_use]
    pub const fn of(uid: Uid) -> Self {
        Self {
            uid,
            account_id: None,
            category: None,
            pipeline_id: None,
            created_at: None,
            leads: None,
            contacts: None,
            companies: None,
            customers: None,
        }
    }
}
