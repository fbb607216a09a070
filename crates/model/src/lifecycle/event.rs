//! Events: what has happened, with all that later readers need.

use serde::{Deserialize, Serialize};

use crate::draft::TagRef;
use crate::entity::{Company, Contact, Lead, Note, Tag};
use crate::id::{AccountId, ContactId, LeadId, PipelineId, StatusId, Uid, UserId};
use crate::item::{Item, Links, Receipt};
use crate::lifecycle::command::Scene;
use crate::lifecycle::settle::LinkTarget;
use crate::metadata::Category;
use crate::moment::Moment;

/// Something that happened to an incoming lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The account.
    pub account_id: AccountId,
    /// The incoming lead.
    pub uid: Uid,
    /// Its category.
    pub category: Category,
    /// The pipeline in which it waits or waited.
    pub pipeline_id: PipelineId,
    /// When the incoming lead came to be, as told by its source (UTC).
    pub created_at: Moment,
    /// When this was recorded (UTC).
    pub recorded_at: Moment,
    /// Who asked for it.
    pub by: UserId,
    /// Whom the command named, else who asked.
    pub on_behalf_of: UserId,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// That this happens to an incoming lead that waits.
    pub(super) fn of(scene: Scene<'_>, item: &Item, on_behalf_of: UserId, kind: EventKind) -> Self {
        Self {
            account_id: scene.layout.account.id,
            uid: item.uid.clone(),
            category: item.category(),
            pipeline_id: item.pipeline_id,
            created_at: item.created_at,
            recorded_at: scene.now,
            by: scene.caller,
            on_behalf_of,
            kind,
        }
    }

    /// The event's own moment (UTC): of an add, when the lead came to be; of all else, when it was recorded (R12).
    #[must_use]
    pub const fn moment(&self) -> Moment {
        match self.kind {
            EventKind::Added(_) => self.created_at,
            EventKind::Updated(_)
            | EventKind::Accepted(_)
            | EventKind::Declined(_)
            | EventKind::Linked(_) => self.recorded_at,
        }
    }

    /// Whether the incoming lead waits no longer after it (R7).
    #[must_use]
    pub const fn settles(&self) -> bool {
        match self.kind {
            EventKind::Added(_) | EventKind::Updated(_) => false,
            EventKind::Accepted(_) | EventKind::Declined(_) | EventKind::Linked(_) => true,
        }
    }

    /// Whether these, all events of a uid under which nothing waits, may be forgotten: it was decided, and the last of
    /// them was recorded before this moment. They go together: while one of them is kept, so is what says that it was
    /// decided. Where nothing says so it may be about to wait, as between two pieces of an import.
    #[must_use]
    pub fn are_spent(events: &[Event], before: Moment) -> bool {
        events.iter().any(Event::settles) && events.iter().all(|event| event.recorded_at < before)
    }

    /// What the caller is answered.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        let of = |links: &Links| {
            (
                vec![links.lead.id()],
                links.contact.map(|contact| contact.id()).into_iter().collect(),
                links.company.map(|company| company.id()).into_iter().collect(),
                Vec::new(),
            )
        };
        let (leads, contacts, companies, customers) = match &self.kind {
            EventKind::Added(added) => of(&added.item.links),
            EventKind::Updated(updated) => of(&updated.links),
            EventKind::Accepted(accepted) => of(&accepted.links),
            EventKind::Declined(declined) => of(&declined.links),
            EventKind::Linked(linked) => {
                let (leads, customers) = match linked.target {
                    LinkTarget::Lead(lead) => (vec![lead], Vec::new()),
                    LinkTarget::Customer(customer) => (Vec::new(), vec![customer]),
                };
                (leads, linked.contact_id.into_iter().collect(), Vec::new(), customers)
            }
        };
        Receipt {
            uid: self.uid.clone(),
            account_id: Some(self.account_id),
            category: Some(self.category),
            pipeline_id: Some(self.pipeline_id),
            created_at: Some(self.created_at),
            leads: Some(leads),
            contacts: Some(contacts),
            companies: Some(companies),
            customers: Some(customers),
        }
    }
}

/// The kinds of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It came in.
    Added(Box<Added>),
    /// A chat that waits got a further message.
    Updated(Updated),
    /// It was accepted.
    Accepted(Accepted),
    /// It was declined.
    Declined(Declined),
    /// It was linked.
    Linked(LinkedTo),
}

/// It came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// What now waits.
    pub item: Item,
    /// The lead that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<Lead>,
    /// The contact that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// The company that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Company>,
    /// Notes that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Tags that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The tag for duplicates, where the policy tags them and there were some (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_tag: Option<TagRef>,
    /// Leads of the identical ones that waited already; they get the tag too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<LeadId>,
}

/// A chat that waits got a further message (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updated {
    /// The message; none leaves the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message_text: Option<String>,
    /// When it came (UTC); none leaves the last moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Moment>,
    /// The incoming lead's entities.
    pub links: Links,
}

/// It was accepted (R8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Where its lead went; none is an existing lead that stayed where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_id: Option<StatusId>,
    /// The incoming lead's entities.
    pub links: Links,
    /// Call notes that were put on the lead and the contact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// It was declined (R9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declined {
    /// The incoming lead's entities.
    pub links: Links,
}

/// It was linked (R10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkedTo {
    /// To what.
    pub target: LinkTarget,
    /// The contact that absorbed the incoming one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// The incoming lead's entities.
    pub links: Links,
}
