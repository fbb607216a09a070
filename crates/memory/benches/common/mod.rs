//! An account full of incoming leads.

#![expect(unreachable_pub, reason = "each benchmark is a crate of its own that uses a part of this")]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each benchmark uses a part of this, and not the same part"
)]

use std::sync::Arc;

use futures_util::FutureExt;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line;
use incoming_leads_model::{
    Account, AccountId, Add, Card, ChatOrigin, ChatsMetadata, CompanyDraft, ContactDraft, Draft, EntityKind,
    EnumRef, Field, FieldId, FieldRef, FieldValue, FieldValues, FormsMetadata, Layout, LeadDraft, Metadata,
    Moment, Pipeline, PipelineId, Policies, Rights, SipMetadata, Status, StatusId, StatusKind, TagRef,
    TakeIn, User, UserId,
};
use incoming_leads_port::{Ids, ManualClock, Ports, Principal, Provision, Registry};
use serde_json::{Value, json};

/// The first pipeline; four more follow.
pub const PIPELINE: u64 = 6_950_551;
pub const START: i64 = 1_700_000_000;
/// Leads come in at this distance.
pub const STEP_SECS: u32 = 30;

/// A store with one account, and the handles of its administrator.
pub struct Store {
    pub memory: Memory,
    pub clock: Arc<ManualClock>,
    pub ports: Ports,
    count: u64,
}

/// What memory answers at once.
pub fn now<T>(answer: impl Future<Output = incoming_leads_port::Result<T>>) -> T {
    answer.now_or_never().expect("memory never waits").expect("the benchmark asks for what is there")
}

pub fn moment(secs: i64) -> Moment {
    Moment::from_secs(secs).expect("the benchmark stays in its century")
}

fn id<I: TryFrom<u64, Error: std::fmt::Debug>>(number: u64) -> I {
    I::try_from(number).expect("the benchmark's ids are ids")
}

pub fn pipeline(index: u64) -> PipelineId {
    id(PIPELINE + index)
}

impl Store {
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::new(moment(START)));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
        now(memory.import(vec![Line::Account(Box::new(layout()))]));
        let principal = Principal { account_id: id(31_361_463), user_id: id(8_375_357) };
        let ports = now(memory.open(principal));
        Self { memory, clock, ports, count: 0 }
    }

    /// With so many typical calls.
    pub fn of_calls(count: u64) -> Self {
        let mut store = Self::new();
        (0..count).for_each(|_| store.add_call());
        store
    }

    /// With so many leads: seven calls, two forms and a chat of ten, in five pipelines.
    pub fn of_all(count: u64) -> Self {
        let mut store = Self::new();
        for number in 0..count {
            match number % 10 {
                0 => store.take_in_chat(),
                1 | 2 => store.add_form(),
                _ => store.add_call(),
            }
        }
        store
    }

    pub fn add_call(&mut self) {
        let draft = self.draft(sip);
        now(self.ports.incoming.add(&Add::calls(vec![draft])));
    }

    pub fn add_form(&mut self) {
        let draft = self.draft(forms);
        now(self.ports.incoming.add(&Add::forms(vec![draft])));
    }

    pub fn take_in_chat(&mut self) {
        let draft = self.draft(chats);
        now(self.ports.intake.as_ref().expect("memory takes chats in").take_in(&TakeIn::new(draft)));
    }

    fn draft(&mut self, metadata: fn(u64, i64) -> Metadata) -> Draft {
        self.count += 1;
        self.clock.advance_secs(STEP_SECS);
        let secs = START + self.count as i64 * i64::from(STEP_SECS);
        // Some are told minutes later than they came to be.
        let created_at = secs - i64::from(scatter(self.count) % 600);
        Draft {
            source_name: Some("Onlinepbx".into()),
            source_uid: Some("a1fee7c0fc436088e64ba2e8822ba2b3".into()),
            pipeline_id: Some(pipeline(u64::from(scatter(self.count)) % 5)),
            created_at: Some(moment(created_at)),
            metadata: Some(metadata(self.count, created_at)),
            leads: vec![lead(self.count)],
            contacts: vec![contact(self.count)],
            companies: vec![company(self.count)],
        }
    }
}

/// A number that looks like chance and is the same in every run.
pub fn scatter(number: u64) -> u32 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as u32
}

fn sip(number: u64, at: i64) -> Metadata {
    Metadata::Sip(SipMetadata {
        from: Some(format!("7999{:07}", scatter(number) % 10_000_000)),
        phone: Some("14155551234".into()),
        called_at: Some(moment(at)),
        duration: Some(u64::from(scatter(number) % 600)),
        link: Some(format!("https://pbx.example.com/records/{number:08}.mp3")),
        service_code: Some("CkAvbEwPam6sad".into()),
        uniq: Some(Value::String(format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))),
        call_responsible: Some("504141".into()),
        call_event: Some(incoming_leads_model::CallEvent::Plain),
        ..SipMetadata::default()
    })
}

fn forms(number: u64, at: i64) -> Metadata {
    Metadata::Forms(FormsMetadata {
        form_id: Some(format!("{number}")),
        form_name: Some("Call me back".into()),
        form_page: Some("https://example.com/contacts".into()),
        ip: Some("123.222.2.22".into()),
        form_sent_at: Some(moment(at)),
        referer: Some("https://www.google.com/search?q=crm".into()),
        ..FormsMetadata::default()
    })
}

fn chats(number: u64, at: i64) -> Metadata {
    Metadata::Chats(ChatsMetadata {
        from: Some("Anna".into()),
        received_at: Some(moment(at)),
        service: Some("telegram".into()),
        origin: ChatOrigin { chat_id: Some(format!("chat-{number}")), ..ChatOrigin::default() },
        last_message_text: Some("Good day! Is the offer still open?".into()),
        ..ChatsMetadata::default()
    })
}

fn lead(number: u64) -> LeadDraft {
    let card = Card {
        name: Some(format!("Call from {:07}", scatter(number) % 10_000_000)),
        custom_fields: vec![values(FieldRef::Id(id(184_994)), json!("Yandex Direct"), None)],
        tags: vec![TagRef::by_name("phone")],
        ..Card::default()
    };
    LeadDraft { price: Some(u64::from(scatter(number) % 100_000)), card, ..LeadDraft::default() }
}

fn contact(number: u64) -> ContactDraft {
    let phone = json!(format!("+7999{:07}", scatter(number) % 10_000_000));
    let card = Card {
        name: Some(format!("Ivan Petrov {}", scatter(number) % 1000)),
        custom_fields: vec![values(
            FieldRef::Code("PHONE".into()),
            phone,
            Some(EnumRef::Code("WORK".into())),
        )],
        ..Card::default()
    };
    ContactDraft { card, ..ContactDraft::default() }
}

fn company(number: u64) -> CompanyDraft {
    let card = Card { name: Some(format!("Horns and Hooves {}", scatter(number) % 1000)), ..Card::default() };
    CompanyDraft { card, ..CompanyDraft::default() }
}

fn values(field: FieldRef, value: Value, choice: Option<EnumRef>) -> FieldValues {
    FieldValues { field, values: vec![FieldValue { value, choice, subtype: None }] }
}

fn layout() -> Layout {
    let account = Account {
        id: id::<AccountId>(31_361_463),
        subdomain: "example".into(),
        name: "Example".into(),
        created_at: moment(START),
        country: "US".into(),
        currency: "USD".into(),
    };
    let status = |number, kind, sort| Status {
        id: id::<StatusId>(number),
        name: "Stage".into(),
        sort,
        kind,
        color: "#fffeb2".into(),
    };
    let pipelines = (0..5).map(|index| Pipeline {
        id: pipeline(index),
        name: "Pipeline".into(),
        sort: 1,
        is_main: index == 0,
        is_archive: false,
        is_unsorted_on: true,
        statuses: vec![
            status(58_141_807 + 10 * index, StatusKind::Unsorted, 10),
            status(58_141_808 + 10 * index, StatusKind::Ordinary, 20),
        ],
    });
    let user = User {
        id: id::<UserId>(8_375_357),
        name: "Administrator".into(),
        email: "admin@example.com".into(),
        is_active: true,
        rights: Rights::ADMINISTRATOR,
    };
    let field = |number, entity, code: Option<&str>| Field {
        id: id::<FieldId>(number),
        entity,
        name: "Field".into(),
        code: code.map(Into::into),
        field_type: "text".into(),
        choices: Vec::new(),
    };
    Layout {
        account,
        pipelines: pipelines.collect(),
        users: vec![user],
        fields: vec![field(184_994, EntityKind::Lead, None), field(2, EntityKind::Contact, Some("PHONE"))],
        integrations: Vec::new(),
        policies: Policies::default(),
    }
}
