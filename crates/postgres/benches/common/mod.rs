//! A database full of incoming leads.

#![expect(unreachable_pub, reason = "each benchmark is a crate of its own that uses a part of this")]
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each benchmark uses a part of this, and not the same part"
)]

pub mod raw;

use std::sync::Arc;

use incoming_leads_model::document::Line;
use incoming_leads_model::{Add, Draft, Layout, Moment, PipelineId, TakeIn};
use incoming_leads_port::{ManualClock, Ports, Principal, Provision, Registry, Result};
use incoming_leads_postgres::{Options, Postgres};
use incoming_leads_testbed::{Postgres as Server, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub const START: i64 = 1_700_000_000;
/// Leads come in at this distance.
pub const STEP_SECS: u32 = 30;
/// Leads that are added at a time when the database is filled.
const BATCH: u64 = 250;

/// A store with one account, and the handles of its administrator.
pub struct Store {
    pub runtime: Runtime,
    pub store: Postgres,
    pub ports: Ports,
    clock: Arc<ManualClock>,
    count: u64,
    pub server: Server,
}

pub fn moment(secs: i64) -> Moment {
    Moment::from_secs(secs).expect("the benchmark stays in its century")
}

pub fn pipeline(index: u64) -> PipelineId {
    PipelineId::new(10 + index).expect("the benchmark's ids are ids")
}

/// A number that looks like chance and is the same in every run.
pub fn scatter(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

impl Default for Store {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("the system gives threads");
        let server = Server::start(&Settings::default()).expect("PostgreSQL is there");
        let clock = Arc::new(ManualClock::new(moment(START)));
        let layout: Layout = serde_json::from_value(layout()).expect("it is a layout");
        let account_id = layout.account.id;
        let user_id = layout.users[0].id;
        let (store, ports) = runtime.block_on(async {
            let store = Options::default().open(&server.url("postgres")).await.expect("the database is new");
            let store = store.with_clock(clock.clone());
            store.import(vec![Line::Account(Box::new(layout))]).await.expect("the account is sound");
            let ports = store.open(Principal { account_id, user_id }).await.expect("the user is active");
            (store, ports)
        });
        Self { runtime, store, ports, clock, count: 0, server }
    }
}

impl Store {
    /// With so many leads: seven calls, two forms and a chat of ten, in five pipelines.
    pub fn of_all(count: u64) -> Self {
        let mut store = Self::default();
        while store.count < count {
            let (mut calls, mut forms, mut chats) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..BATCH {
                let draft = store.draft();
                match store.count % 10 {
                    0 => chats.push(draft),
                    1 | 2 => forms.push(draft),
                    _ => calls.push(draft),
                }
            }
            let intake = store.ports.intake.clone().expect("a store takes chats in");
            let incoming = store.ports.incoming.clone();
            store.now(async move {
                incoming.add(&Add::calls(calls)).await?;
                incoming.add(&Add::forms(forms)).await?;
                let chats: Vec<_> = chats.into_iter().map(TakeIn::new).collect();
                futures_util::future::try_join_all(chats.iter().map(|chat| intake.take_in(chat))).await
            });
        }
        store
    }

    pub fn now<T>(&self, answer: impl Future<Output = Result<T>>) -> T {
        self.runtime.block_on(answer).expect("the benchmark asks for what is there")
    }

    /// The next call, form or chat: which, its number says.
    pub fn draft(&mut self) -> Draft {
        self.count += 1;
        self.clock.advance_secs(STEP_SECS);
        draft(self.count)
    }
}

/// A typical lead.
pub fn draft(number: u64) -> Draft {
    let secs = START + number.cast_signed() * i64::from(STEP_SECS);
    // Some are told minutes later than they came to be.
    let at = secs - (scatter(number) % 600).cast_signed();
    let metadata = match number % 10 {
        0 => json!({"chats": {
            "from": "Anna", "received_at": at, "service": "telegram",
            "origin": {"chat_id": format!("chat-{number}")}, "last_message_text": "Good day! Is the offer still open?",
        }}),
        1 | 2 => json!({"forms": {
            "form_id": number.to_string(), "form_name": "Call me back", "form_page": "https://example.com/contacts",
            "ip": "123.222.2.22", "form_sent_at": at, "referer": "https://www.google.com/search?q=crm",
        }}),
        _ => json!({"sip": {
            "from": format!("7999{:07}", scatter(number) % 10_000_000), "phone": "14155551234", "called_at": at,
            "duration": scatter(number) % 600, "link": format!("https://pbx.example.com/records/{number:08}.mp3"),
            "service_code": "CkAvbEwPam6sad", "uniq": format!("{:016x}", scatter(number)), "call_responsible": "504141",
        }}),
    };
    let value = json!({
        "source_name": "Onlinepbx", "source_uid": "a1fee7c0fc436088e64ba2e8822ba2b3",
        "pipeline_id": pipeline(scatter(number) % 5).get(), "created_at": at, "metadata": metadata,
        "leads": [{"price": scatter(number) % 100_000, "card": {
            "name": format!("Call from {:07}", scatter(number) % 10_000_000), "tags": [{"name": "phone"}],
        }}],
        "contacts": [{"card": {"name": format!("Ivan Petrov {}", scatter(number) % 1000)}}],
        "companies": [{"card": {"name": format!("Horns and Hooves {}", scatter(number) % 1000)}}],
    });
    serde_json::from_value(value).expect("it is a draft")
}

fn layout() -> Value {
    let pipelines = (0..5).map(|index| {
        json!({
            "id": 10 + index, "name": "Pipeline", "sort": index, "is_main": index == 0,
            "statuses": [
                {"id": 100 + 10 * index, "name": "Incoming", "sort": 10, "kind": "unsorted"},
                {"id": 101 + 10 * index, "name": "First", "sort": 20},
            ],
        })
    });
    json!({
        "account": {"id": 31_361_463, "subdomain": "example", "name": "Example", "created_at": START},
        "pipelines": pipelines.collect::<Vec<_>>(),
        "users": [{"id": 8_375_357, "name": "Ada", "email": "ada@example.com", "rights": {"administrate": true}}],
    })
}
