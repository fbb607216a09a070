//! The small account on which the table is computed.

use serde_json::json;

use crate::account::{Layout, Policies, Rights};
use crate::draft::Draft;
use crate::fault::Refusal;
use crate::id::{CompanyId, ContactId, LeadId, NoteId, TagId, Uid, UserId};
use crate::identity::Identity;
use crate::item::Item;
use crate::lifecycle::add::{Add, AddFacts, Channel, LeadStanding, Minted, Standing, TakeIn};
use crate::lifecycle::command::Scene;
use crate::lifecycle::event::Event;
use crate::lifecycle::settle::{Accept, Decline, Link, LinkFacts, LinkTarget};
use crate::lifecycle::state::{State, StateKind};
use crate::metadata::Category;
use crate::moment::Moment;
use crate::required::Generation;

/// All states, in the order of a life.
pub(super) const STATES: [StateKind; 5] =
    [StateKind::Absent, StateKind::Pending, StateKind::Accepted, StateKind::Declined, StateKind::Linked];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Administrator,
    Sorter,
    Viewer,
    Inactive,
    Stranger,
}

impl Role {
    pub(super) const ALL: [Role; 5] =
        [Role::Administrator, Role::Sorter, Role::Viewer, Role::Inactive, Role::Stranger];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Sorter => "sorter",
            Role::Viewer => "viewer",
            Role::Inactive => "inactive administrator",
            Role::Stranger => "administrator of another account",
        }
    }

    fn user(self) -> UserId {
        let number = match self {
            Role::Administrator => 1,
            Role::Sorter => 2,
            Role::Viewer => 3,
            Role::Inactive => 4,
            Role::Stranger => 5,
        };
        UserId::new(number).expect(SMALL)
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Add,
    TakeIn,
    Accept,
    Decline,
    Link(LinkTarget, Option<ContactId>),
}

impl Command {
    pub(super) fn all() -> [Command; 5] {
        [Command::Add, Command::TakeIn, Command::Accept, Command::Decline, Command::link_to_lead()]
    }

    pub(super) fn link_to_lead() -> Self {
        Command::Link(LinkTarget::Lead(live_lead()), None)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Command::Add => "add",
            Command::TakeIn => "take in",
            Command::Accept => "accept",
            Command::Decline => "decline",
            Command::Link(..) => "link",
        }
    }
}

const SMALL: &str = "a small number is an id";

fn live_lead() -> LeadId {
    LeadId::new(90).expect(SMALL)
}

pub(super) fn live_contact() -> ContactId {
    ContactId::new(91).expect(SMALL)
}

fn live_company() -> CompanyId {
    CompanyId::new(92).expect(SMALL)
}

/// The account, another one, and whether drafts name entities that are there already.
pub(super) struct Sketch {
    here: Layout,
    elsewhere: Layout,
    names_existing: bool,
}

impl Sketch {
    pub(super) fn new(policies: Policies, names_existing: bool) -> Self {
        let layout = |account: u64, users: serde_json::Value| {
            let layout = json!({
                "account": {"id": account, "subdomain": "example", "name": "Example", "created_at": 0},
                "pipelines": [{"id": 1, "name": "Sales", "is_main": true, "statuses": [
                    {"id": 10, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
                    {"id": 20, "name": "First contact", "sort": 20},
                ]}],
                "users": users,
                "policies": policies,
            });
            serde_json::from_value(layout).expect("the sketch of an account is a layout")
        };
        let user = |id: u64, is_active: bool, rights: Rights| json!({"id": id, "name": "", "email": "", "is_active": is_active, "rights": rights});
        Self {
            here: layout(
                1,
                json!([
                    user(1, true, Rights::ADMINISTRATOR),
                    user(2, true, Rights::SORTER),
                    user(3, true, Rights::VIEWER),
                    user(4, false, Rights::ADMINISTRATOR),
                ]),
            ),
            elsewhere: layout(2, json!([user(5, true, Rights::ADMINISTRATOR)])),
            names_existing,
        }
    }

    /// An incoming lead of this category in this state.
    pub(super) fn state(&self, kind: StateKind, category: Category) -> State {
        let by = |command, category| {
            let waits = self.state(StateKind::Pending, category);
            let event = self.decide(command, category, &waits, Role::Administrator);
            waits.apply(&event.expect("an administrator may decide")).expect("what waits can be decided")
        };
        match kind {
            StateKind::Absent => State::Absent,
            StateKind::Pending => {
                let event = self.added(category);
                State::Absent.apply(&event).expect("what is absent can be added")
            }
            StateKind::Accepted => by(Command::Accept, category),
            StateKind::Declined => by(Command::Decline, category),
            // What is linked does not tell of which category it was.
            StateKind::Linked => by(Command::link_to_lead(), Category::Chats),
        }
    }

    /// The event by which one of this category comes in.
    pub(super) fn added(&self, category: Category) -> Event {
        let command = match category {
            Category::Sip | Category::Forms => Command::Add,
            Category::Chats | Category::Mail => Command::TakeIn,
        };
        let event = self.decide(command, category, &State::Absent, Role::Administrator);
        event.expect("an administrator may bring in what is not there")
    }

    /// Decides the command on an incoming lead in this state; to bring one in, on one that is identical to it.
    pub(super) fn decide(
        &self,
        command: Command,
        category: Category,
        state: &State,
        role: Role,
    ) -> Result<Event, Refusal> {
        let (layout, state) = match role {
            Role::Stranger => (&self.elsewhere, &State::Absent),
            Role::Administrator | Role::Sorter | Role::Viewer | Role::Inactive => (&self.here, state),
        };
        let scene = Scene { caller: role.user(), layout, now: Moment::MIN };
        let uid = Uid::compose(Moment::MIN, 1, [0; 20]);
        match command {
            Command::Add => {
                let channel = match category {
                    Category::Sip | Category::Chats | Category::Mail => Channel::Sip,
                    Category::Forms => Channel::Forms,
                };
                let items = vec![self.draft(category)];
                let add = Add { channel, generation: Generation::V4, items };
                let mut events = add.decide(scene, &self.facts(state), &[minted()])?;
                Ok(events.remove(0))
            }
            Command::TakeIn => TakeIn::new(self.draft(category)).decide(scene, &self.facts(state), &minted()),
            Command::Accept => Accept::default().decide(scene, &uid, state, call_notes()),
            Command::Decline => Decline::default().decide(scene, &uid, state),
            Command::Link(target, contact_id) => {
                let live = Some(Standing::Live);
                let facts = LinkFacts { state: state.clone(), target: live, contact: live };
                Link { target, contact_id, user_id: None }.decide(scene, &uid, &facts)
            }
        }
    }

    fn draft(&self, category: Category) -> Draft {
        let metadata = match category {
            Category::Sip => json!({"sip": {"called_at": 0, "call_event": "plain"}}),
            Category::Forms => json!({"forms": {"form_sent_at": 0}}),
            Category::Chats => json!({"chats": {"origin": {"chat_id": "1"}}}),
            Category::Mail => json!({"mail": {"thread_id": "1", "message_id": "1"}}),
        };
        let draft = json!({
            "source_name": "example",
            "source_uid": "example",
            "metadata": metadata,
            "leads": [{"card": {"tags": [{"name": "new"}]}, "notes": [{"text": "hello"}]}],
            "contacts": [{"card": {}}],
            "companies": [{"card": {}}],
        });
        let mut draft: Draft = serde_json::from_value(draft).expect("the sketch of an item is a draft");
        if self.names_existing {
            draft.leads.iter_mut().for_each(|lead| lead.id = Some(live_lead()));
            draft.contacts.iter_mut().for_each(|contact| contact.id = Some(live_contact()));
            draft.companies.iter_mut().for_each(|company| company.id = Some(live_company()));
        }
        draft
    }

    /// What a store finds when an identical incoming lead is in this state.
    fn facts(&self, state: &State) -> AddFacts {
        let waiting = match state {
            State::Pending(item) => Some(item),
            State::Absent | State::Accepted { .. } | State::Declined { .. } | State::Linked { .. } => None,
        };
        let twin = |item: &Item| Identity::of(&item.metadata).map(|identity| (identity, vec![item.clone()]));
        let place = LeadStanding { standing: Standing::Live, pipeline_id: self.here.pipelines[0].id };
        AddFacts {
            twins: waiting.and_then(|item| twin(item)).into_iter().collect(),
            leads: [(live_lead(), place)].into(),
            contacts: [(live_contact(), Standing::Live)].into(),
            companies: [(live_company(), Standing::Live)].into(),
            tags: Vec::new(),
        }
    }
}

fn minted() -> Minted {
    Minted {
        uid: Uid::compose(Moment::MIN, 1, [0; 20]),
        lead: LeadId::new(1).expect(SMALL),
        contact: ContactId::new(1).expect(SMALL),
        company: CompanyId::new(2).expect(SMALL),
        notes: vec![call_notes()[0]],
        tags: [1, 2].map(|id| TagId::new(id).expect(SMALL)).to_vec(),
    }
}

fn call_notes() -> [NoteId; 2] {
    [1, 2].map(|id| NoteId::new(id).expect(SMALL))
}
