//! Accept, decline, link: the commands of which exactly one succeeds, once (R7).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account::{LinkPolicy, Right};
use crate::entity::{EntityRef, Note};
use crate::fault::{Fault, FaultCode, Path, Refusal};
use crate::id::{ContactId, CustomerId, LeadId, NoteId, StatusId, Uid, UserId};
use crate::item::{Item, Linked, Links};
use crate::lifecycle::add::Standing;
use crate::lifecycle::command::Scene;
use crate::lifecycle::event::{Accepted, Declined, Event, EventKind, LinkedTo};
use crate::lifecycle::state::State;
use crate::metadata::{CallEvent, Category, Metadata, SipMetadata};

/// To accept an incoming lead (R8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Accept {
    /// Who becomes the creator. Default: the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Where the lead goes. Default: the first status after "unsorted".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_id: Option<StatusId>,
}

/// To decline an incoming lead (R9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decline {
    /// Who declines. Default: the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// To link an incoming lead to what is there already (R10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// To what.
    pub target: LinkTarget,
    /// The contact that absorbs the incoming one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// Who links. Default: the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// What an incoming lead can be linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTarget {
    /// A live lead.
    Lead(LeadId),
    /// A customer.
    Customer(CustomerId),
}

/// What a link needs to know.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "every store fills it")]
pub struct LinkFacts {
    /// Where the incoming lead stands.
    pub state: State,
    /// How the target stands; `None` when the account has none such.
    pub target: Option<Standing>,
    /// How the named contact stands; `None` when none is named or the account has none such.
    pub contact: Option<Standing>,
}

impl Accept {
    /// Decides. Two note ids are minted beforehand: one for the lead's call note, one for the contact's.
    ///
    /// # Errors
    /// The right to sort is missing; nothing with the uid waits; the user or the status cannot be chosen.
    pub fn decide(
        self,
        scene: Scene<'_>,
        uid: &Uid,
        state: &State,
        notes: [NoteId; 2],
    ) -> Result<Event, Refusal> {
        scene.layout.authorize(scene.caller, Right::Sort)?;
        let item = state.pending(uid)?;
        let (user, status) = both(scene.named(self.user_id), self.status(scene, item))?;
        let notes = match &item.metadata {
            Metadata::Sip(call) => call_notes(call, item, user, scene, notes),
            Metadata::Forms(_) | Metadata::Chats(_) | Metadata::Mail(_) => Vec::new(),
        };
        let accepted = Accepted { status_id: status, links: item.links, notes };
        Ok(Event::of(scene, item, user, EventKind::Accepted(accepted)))
    }

    /// Where the lead goes; none leaves an existing lead where it is.
    fn status(self, scene: Scene<'_>, item: &Item) -> Result<Option<StatusId>, Fault> {
        let fault = |detail: String| Fault::new(FaultCode::NotSupportedChoice, Path::of("status_id"), detail);
        let pipeline = scene.layout.pipeline(item.pipeline_id);
        match (self.status_id, item.links.lead) {
            (None, Linked::Existing(_)) => Ok(None),
            (None, Linked::Made(_)) => match pipeline.and_then(|pipeline| pipeline.first_status()) {
                Some(status) => Ok(Some(status)),
                None => Err(fault(format!(
                    "pipeline {} has no status after unsorted: name 142 or 143",
                    item.pipeline_id
                ))),
            },
            (Some(status), Linked::Made(_) | Linked::Existing(_)) => {
                let taken =
                    pipeline.map_or(status == StatusId::WON || status == StatusId::LOST, |p| p.takes(status));
                if taken {
                    return Ok(Some(status));
                }
                Err(fault(format!("{status} is no status of pipeline {} after unsorted", item.pipeline_id)))
            }
        }
    }
}

impl Decline {
    /// Decides.
    ///
    /// # Errors
    /// The right to sort is missing; nothing with the uid waits; the user cannot be chosen.
    pub fn decide(self, scene: Scene<'_>, uid: &Uid, state: &State) -> Result<Event, Refusal> {
        scene.layout.authorize(scene.caller, Right::Sort)?;
        let item = state.pending(uid)?;
        let user = scene.named(self.user_id).map_err(|fault| Refusal::Invalid(vec![fault]))?;
        Ok(Event::of(scene, item, user, EventKind::Declined(Declined { links: item.links })))
    }
}

impl Link {
    /// Decides.
    ///
    /// # Errors
    /// The caller is no administrator; nothing with the uid waits; its category cannot be linked; the target, the
    /// contact or the user cannot be chosen.
    pub fn decide(self, scene: Scene<'_>, uid: &Uid, facts: &LinkFacts) -> Result<Event, Refusal> {
        scene.layout.authorize(scene.caller, Right::Administrate)?;
        let item = facts.state.pending(uid)?;
        let mut faults = Vec::new();
        faults.extend(linkable(scene.layout.policies.linkable, item.category()).err());
        faults.extend(not_live(facts.target, "target", self.target));
        if let Some(contact) = self.contact_id {
            faults.extend(not_live(facts.contact, "contact_id", contact));
        }
        let user = scene.named(self.user_id).map_err(|fault| faults.push(fault));
        match user {
            Ok(user) if faults.is_empty() => {
                let linked = LinkedTo { target: self.target, contact_id: self.contact_id, links: item.links };
                Ok(Event::of(scene, item, user, EventKind::Linked(linked)))
            }
            Ok(_) | Err(()) => Err(Refusal::Invalid(faults)),
        }
    }
}

impl std::fmt::Display for LinkTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LinkTarget::Lead(id) => write!(f, "lead {id}"),
            LinkTarget::Customer(id) => write!(f, "customer {id}"),
        }
    }
}

fn linkable(policy: LinkPolicy, category: Category) -> Result<(), Fault> {
    let allowed = match category {
        Category::Chats => true,
        Category::Mail => policy == LinkPolicy::ChatsAndMail,
        Category::Sip | Category::Forms => false,
    };
    if allowed {
        return Ok(());
    }
    let kinds = match policy {
        LinkPolicy::Chats => "only chats can be linked",
        LinkPolicy::ChatsAndMail => "only chats and mails can be linked",
    };
    Err(Fault::new(
        FaultCode::NotSupportedChoice,
        Path::of("category"),
        format!("this is of category {category}; {kinds}"),
    ))
}

fn not_live(standing: Option<Standing>, key: &'static str, what: impl std::fmt::Display) -> Option<Fault> {
    let why = Standing::refusal(standing)?;
    Some(Fault::new(FaultCode::NotSupportedChoice, Path::of(key), format!("{what} {why}")))
}

fn both<A, B>(a: Result<A, Fault>, b: Result<B, Fault>) -> Result<(A, B), Refusal> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(Refusal::Invalid(a.err().into_iter().chain(b.err()).collect())),
    }
}

/// The call notes that accepting makes (R8). Source: the vendor's note model, `call_in`.
fn call_notes(
    call: &SipMetadata,
    item: &Item,
    user: UserId,
    scene: Scene<'_>,
    ids: [NoteId; 2],
) -> Vec<Note> {
    let text = match &call.call_event {
        None | Some(CallEvent::Unwanted) => return Vec::new(),
        Some(CallEvent::Plain) => None,
        Some(CallEvent::Text(text)) => Some(text.clone()),
    };
    let mut params = Map::new();
    let mut put = |key: &str, value: Option<Value>| params.extend(value.map(|value| (key.to_owned(), value)));
    put("uniq", call.uniq.clone());
    put("duration", call.duration.map(|secs| json!(secs)));
    put("source", call.service_code.clone().map(Value::String));
    put("link", call.link.clone().map(Value::String));
    put("phone", call.phone.clone().map(Value::String));
    put("call_responsible", call.call_responsible.clone().map(Value::String));
    put("text", text.map(Value::String));
    let Links { lead, contact, company: _ } = item.links;
    let on = [Some(EntityRef::Lead(lead.id())), contact.map(|contact| EntityRef::Contact(contact.id()))];
    let notes = on.into_iter().flatten().zip(ids).map(|(entity, id)| Note {
        id,
        entity,
        kind: "call_in".to_owned(),
        params: params.clone(),
        created_by: Some(user),
        created_at: scene.now,
    });
    notes.collect()
}
