//! A store in a folder of its own with one account, and short ways to fill it.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::TryStreamExt;
use incoming_leads_model::document::Line;
use incoming_leads_model::{
    Add, Draft, IncomingLead, Layout, ListQuery, Moment, PageRequest, Receipt, TakeIn, Uid,
};
use incoming_leads_port::{ManualClock, Ports, Principal, Provision, Registry, Result};
use incoming_leads_sqlite::{Options, Sqlite};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const START: i64 = 1_700_000_000;

pub(crate) struct World {
    pub(crate) sqlite: Sqlite,
    pub(crate) ports: Ports,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
}

pub(crate) fn moment(secs: i64) -> Moment {
    Moment::from_secs(secs).unwrap()
}

pub(crate) fn principal() -> Principal {
    Principal { account_id: 1_u64.try_into().unwrap(), user_id: 5_u64.try_into().unwrap() }
}

pub(crate) fn layout() -> Layout {
    let pipeline = |id: u64| {
        json!({"id": id, "name": "Sales", "is_main": id == 10, "statuses": [
            {"id": 10 * id, "name": "Incoming", "sort": 10, "kind": "unsorted"},
            {"id": 10 * id + 1, "name": "First", "sort": 20},
        ]})
    };
    let value = json!({
        "account": {"id": 1, "subdomain": "acme", "name": "Acme", "created_at": START},
        "pipelines": (10..32).map(pipeline).collect::<Vec<_>>(),
        "users": [{"id": 5, "name": "Ada", "email": "ada@example.com", "rights": {"administrate": true}}],
    });
    serde_json::from_value(value).unwrap()
}

fn draft(metadata: Value, created_at: i64, pipeline: u64) -> Draft {
    let value = json!({
        "source_name": "s", "source_uid": "u", "created_at": created_at, "pipeline_id": pipeline,
        "metadata": metadata, "contacts": [{"card": {"name": "Jo"}}],
        "leads": [{"notes": [{"text": "Hello"}], "card": {"tags": [{"name": "new"}]}}],
    });
    serde_json::from_value(value).unwrap()
}

/// A call like no other of another number.
pub(crate) fn call(number: i64, created_at: i64, pipeline: u64) -> Draft {
    draft(json!({"sip": {"from": number.to_string(), "called_at": created_at}}), created_at, pipeline)
}

pub(crate) fn form(number: i64, created_at: i64, pipeline: u64) -> Draft {
    draft(json!({"forms": {"form_id": number.to_string(), "form_sent_at": created_at}}), created_at, pipeline)
}

pub(crate) fn chat(number: i64, created_at: i64, pipeline: u64) -> TakeIn {
    let origin = json!({"chat_id": number.to_string()});
    TakeIn::new(draft(
        json!({"chats": {"origin": origin, "last_message_text": "Hello?"}}),
        created_at,
        pipeline,
    ))
}

impl World {
    pub(crate) async fn new() -> Self {
        // In memory where the system has such a place: no test here depends on what a disk keeps.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let clock = Arc::new(ManualClock::new(moment(START)));
        let sqlite = Options::default().with_clock(clock.clone()).open(folder.path().join("leads.sqlite"));
        let sqlite = sqlite.unwrap();
        sqlite.import(vec![Line::Account(Box::new(layout()))]).await.unwrap();
        let ports = sqlite.open(principal()).await.unwrap();
        Self { sqlite, ports, clock, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.sqlite.path().to_owned()
    }

    /// Another connection to the file, past the store.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// The same file, opened once more.
    pub(crate) async fn again(self) -> Self {
        let Self { sqlite, ports, clock, folder } = self;
        let path = sqlite.path().to_owned();
        drop((sqlite, ports));
        let sqlite = Options::default().with_clock(clock.clone()).open(path).unwrap();
        let ports = sqlite.open(principal()).await.unwrap();
        Self { sqlite, ports, clock, folder }
    }

    pub(crate) async fn add(&self, call: Draft) -> Receipt {
        self.ports.incoming.add(&Add::calls(vec![call])).await.unwrap().remove(0)
    }

    pub(crate) async fn waiting(&self) -> Vec<IncomingLead> {
        waiting(&self.ports).await.unwrap()
    }

    pub(crate) async fn uids(&self) -> Vec<Uid> {
        self.waiting().await.into_iter().map(|lead| lead.uid).collect()
    }

    pub(crate) async fn export(&self) -> Vec<Line> {
        self.sqlite.export(None).try_collect().await.unwrap()
    }
}

/// All that waits, newest first.
pub(crate) async fn waiting(ports: &Ports) -> Result<Vec<IncomingLead>> {
    let mut all = Vec::new();
    for number in 1.. {
        let page = PageRequest::new(number, 500).unwrap();
        let items = ports.incoming.list(&ListQuery { page, ..ListQuery::default() }).await?.items;
        if items.is_empty() {
            break;
        }
        all.extend(items);
    }
    Ok(all)
}
