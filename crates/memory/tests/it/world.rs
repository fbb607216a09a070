//! An account for tests, and short ways to fill it.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Of};
use incoming_leads_model::{
    Account, AccountId, Add, Card, ChatOrigin, ChatsMetadata, CompanyDraft, ContactDraft, Customer, Draft,
    DuplicatePolicy, EntityKind, Field, FieldRef, FieldValue, FieldValues, FormsMetadata, Layout, Lead,
    LeadDraft, LinkPolicy, MailMetadata, Metadata, Moment, Pipeline, PipelineId, Policies, Receipt, Rights,
    SipMetadata, Stamp, Status, StatusId, StatusKind, TagRef, TakeIn, User, UserId,
};
use incoming_leads_port::{Error, Ids, ManualClock, Ports, Principal, Provision, Registry};

pub(crate) const START: i64 = 1_700_000_000;
pub(crate) const ADMINISTRATOR: u64 = 1;
pub(crate) const SORTER: u64 = 2;
pub(crate) const VIEWER: u64 = 3;
pub(crate) const NOBODY: u64 = 4;
pub(crate) const INACTIVE: u64 = 5;
/// A lead and a customer that are there from the beginning.
pub(crate) const LEAD: u64 = 1000;
pub(crate) const CUSTOMER: u64 = 2000;

pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ports: Ports,
}

pub(crate) fn id<I: TryFrom<u64, Error: std::fmt::Debug>>(number: u64) -> I {
    I::try_from(number).unwrap()
}

pub(crate) fn moment(secs: i64) -> Moment {
    Moment::from_secs(secs).unwrap()
}

/// What memory answers at once.
pub(crate) fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("memory never waits")
}

pub(crate) fn export(memory: &Memory) -> Vec<Line> {
    now(memory.export(None).collect::<Vec<_>>()).into_iter().map(Result::unwrap).collect()
}

pub(crate) fn principal(user: u64) -> Principal {
    Principal { account_id: id(1), user_id: id(user) }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_policies(Policies::default())
    }

    pub(crate) fn with_policies(policies: Policies) -> Self {
        let mut world = Self::empty();
        let mut layout = layout(1);
        layout.policies = policies;
        let stamp = Stamp {
            created_by: None,
            updated_by: None,
            created_at: moment(START),
            updated_at: moment(START),
            is_deleted: false,
        };
        let lead = Lead {
            id: id(LEAD),
            pipeline_id: id(1),
            status_id: id(12),
            price: 1,
            card: Card::default(),
            contacts: vec![],
            company: None,
            closed_at: None,
            is_unsorted: false,
            stamp,
        };
        let customer =
            Customer { id: id(CUSTOMER), card: Card::default(), contacts: vec![], company: None, stamp };
        let lines = vec![
            Line::Account(Box::new(layout)),
            Line::Lead(Of { account_id: id(1), row: lead }),
            Line::Customer(Of { account_id: id(1), row: customer }),
        ];
        now(world.memory.import(lines)).unwrap();
        world.ports = world.open(ADMINISTRATOR);
        world
    }

    /// Without an account; its handle is of another store.
    pub(crate) fn empty() -> Self {
        let clock = Arc::new(ManualClock::new(moment(START)));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::sequential()));
        let elsewhere = Memory::default();
        now(elsewhere.import(vec![Line::Account(Box::new(layout(1)))])).unwrap();
        let ports = now(elsewhere.open(principal(ADMINISTRATOR))).unwrap();
        Self { memory, clock, ports }
    }

    pub(crate) fn open(&self, user: u64) -> Ports {
        now(self.memory.open(principal(user))).unwrap()
    }

    pub(crate) fn add(&self, drafts: Vec<Draft>) -> Result<Vec<Receipt>, Error> {
        let is_call = drafts.iter().all(|draft| matches!(draft.metadata, Some(Metadata::Sip(_))));
        let add = if is_call { Add::calls(drafts) } else { Add::forms(drafts) };
        now(self.ports.incoming.add(&add))
    }

    pub(crate) fn take_in(&self, draft: Draft) -> Result<Receipt, Error> {
        now(self.ports.intake.as_ref().unwrap().take_in(&TakeIn::new(draft)))
    }
}

/// A draft with all three entities.
pub(crate) fn draft(metadata: Metadata) -> Draft {
    let card = |name: &str| Card {
        name: Some(name.to_owned()),
        custom_fields: vec![FieldValues {
            field: FieldRef::Code("CODE".to_owned()),
            values: vec![FieldValue { value: name.into(), ..FieldValue::default() }],
        }],
        tags: vec![TagRef::by_name("tag")],
        ..Card::default()
    };
    Draft {
        source_name: Some("source".to_owned()),
        source_uid: Some("source-uid".to_owned()),
        pipeline_id: None,
        created_at: None,
        metadata: Some(metadata),
        leads: vec![LeadDraft { price: Some(5), card: card("lead"), ..LeadDraft::default() }],
        contacts: vec![ContactDraft { card: card("contact"), ..ContactDraft::default() }],
        companies: vec![CompanyDraft { card: card("company"), ..CompanyDraft::default() }],
    }
}

/// A call that is identical to all of the same key; of key 0 it has no identity.
pub(crate) fn call(key: u8) -> Metadata {
    let called_at = (key > 0).then(|| moment(START + i64::from(key)));
    Metadata::Sip(SipMetadata { phone: Some("14155551234".to_owned()), called_at, ..SipMetadata::default() })
}

pub(crate) fn form(key: u8) -> Metadata {
    let form_sent_at = (key > 0).then(|| moment(START));
    Metadata::Forms(FormsMetadata {
        form_id: Some(key.to_string()),
        form_sent_at,
        ..FormsMetadata::default()
    })
}

pub(crate) fn chat(key: u8) -> Metadata {
    let chat_id = (key > 0).then(|| format!("chat-{key}"));
    let origin = ChatOrigin { chat_id, ..ChatOrigin::default() };
    let last_message_text = Some("hello".to_owned());
    Metadata::Chats(ChatsMetadata {
        from: Some("Anna".to_owned()),
        origin,
        last_message_text,
        ..ChatsMetadata::default()
    })
}

pub(crate) fn mail(key: u8) -> Metadata {
    let message_id = (key > 0).then(|| key.to_string());
    Metadata::Mail(MailMetadata { thread_id: Some("7".to_owned()), message_id, ..MailMetadata::default() })
}

pub(crate) fn layout(account: u64) -> Layout {
    let status = |number, kind| Status {
        id: id::<StatusId>(number),
        name: number.to_string(),
        sort: 10,
        kind,
        color: "#fffeb2".to_owned(),
    };
    let pipeline = |number: u64| Pipeline {
        id: id::<PipelineId>(number),
        name: number.to_string(),
        sort: 1,
        is_main: number == 1,
        is_archive: false,
        is_unsorted_on: true,
        statuses: vec![
            status(10 * number + 1, StatusKind::Unsorted),
            status(10 * number + 2, StatusKind::Ordinary),
        ],
    };
    let user = |number, rights, is_active| User {
        id: id::<UserId>(number),
        name: number.to_string(),
        email: format!("{number}@example.com"),
        is_active,
        rights,
    };
    let field = |number, entity| Field {
        id: id(number),
        entity,
        name: number.to_string(),
        code: Some("CODE".to_owned()),
        field_type: "text".to_owned(),
        choices: vec![],
    };
    Layout {
        account: Account {
            id: id::<AccountId>(account),
            subdomain: format!("example{account}"),
            name: "Example".to_owned(),
            created_at: moment(START),
            country: "US".to_owned(),
            currency: "USD".to_owned(),
        },
        pipelines: (1..=3).map(pipeline).collect(),
        users: vec![
            user(ADMINISTRATOR, Rights::ADMINISTRATOR, true),
            user(SORTER, Rights::SORTER, true),
            user(VIEWER, Rights::VIEWER, true),
            user(NOBODY, Rights::NONE, true),
            user(INACTIVE, Rights::ADMINISTRATOR, false),
        ],
        fields: vec![
            field(1, EntityKind::Lead),
            field(2, EntityKind::Contact),
            field(3, EntityKind::Company),
        ],
        integrations: Vec::new(),
        policies: Policies::default(),
    }
}

/// Chats and mails may be linked.
pub(crate) fn links_mail() -> Policies {
    Policies { linkable: LinkPolicy::ChatsAndMail, ..Policies::default() }
}

/// Duplicates are tagged.
pub(crate) fn tags_duplicates() -> Policies {
    Policies { duplicates: DuplicatePolicy::Tag, ..Policies::default() }
}
