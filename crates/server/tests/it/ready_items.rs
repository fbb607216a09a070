//! The cache of ready items: what it must not do, and what it saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use incoming_leads_model::{Decline, IncomingLead, ListQuery, Page, Uid};
use incoming_leads_port::{IncomingLeads, ItemVersion, Principal, Registry, Result, Versioned};
use incoming_leads_server::{Config, Server, Session, SessionTable};
use serde_json::json;

use crate::raw::exchange;
use crate::world::{ADMINISTRATOR, AMOCRM, KOMMO, STRANGER, World, memory, request};

const UNSORTED: &str = "/api/v4/leads/unsorted";

#[tokio::test]
async fn a_list_from_the_cache_is_the_list() {
    let mut config = Config::default();
    config.limits.cache_bytes = 0;
    let plain = World::both(config).await;
    let cached = World::both(Config::default()).await;
    for token in [ADMINISTRATOR, STRANGER] {
        for query in ["", "?limit=2", "?limit=1&page=2", "?order[created_at]=asc", "?filter[category][]=mail"]
        {
            let target = format!("{UNSORTED}{query}");
            let expected = plain.ask(token, "GET", &target, "").await;
            for _ in 0..3 {
                let answer = cached.ask(token, "GET", &target, "").await;
                assert_eq!((answer.status, answer.text()), (expected.status, expected.text()), "{target}");
            }
        }
    }
}

#[tokio::test]
async fn each_host_gets_links_to_itself() {
    let world = World::kommo().await;
    for host in ["one.test", "two.test:8080", "one.test"] {
        let asked = request(ADMINISTRATOR, "GET", UNSORTED, "").replace("leads.example", host);
        let text = exchange(world.addr(), asked).await.unwrap().text();
        assert_eq!(text.matches("http://").count(), text.matches(&format!("http://{host}/")).count());
    }
}

/// Two accounts may have items with the same uid and the same version.
#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let shared = "5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
    let twin = AMOCRM.replace("aa401affb0094076b7449008363c1dc77d6790ad13fb5b08176dc46daa18", shared);
    let world = World::of(&[KOMMO, &twin], Config::default()).await;
    for _ in 0..3 {
        for (token, account) in [(ADMINISTRATOR, 31_361_463), (STRANGER, 28_805_383)] {
            let target = format!("{UNSORTED}?filter[uid]={shared}");
            let list = world.ask(token, "GET", &target, "").await.json();
            assert_eq!(list["_embedded"]["unsorted"][0]["account_id"], account);
        }
    }
}

#[tokio::test]
async fn an_updated_chat_is_never_shown_as_it_was() {
    let mut config = Config::default();
    config.intake = true;
    let world = World::of(&[KOMMO], config).await;
    for text in ["one", "two", "three"] {
        let chat = json!({
            "source_name": "s", "source_uid": "u",
            "metadata": {"from": "A", "origin": {"chat_id": "c-7"}, "last_message_text": text, "received_at": 1_690_000_000},
        });
        world.post(&format!("{UNSORTED}/chats"), &chat).await;
        for _ in 0..2 {
            let list = world.get(UNSORTED).await.json();
            let items = list["_embedded"]["unsorted"].as_array().unwrap();
            let chat = items.iter().find(|item| item["metadata"]["origin"]["chat_id"] == "c-7").unwrap();
            assert_eq!(chat["metadata"]["last_message_text"], text);
        }
    }
}

#[tokio::test]
async fn what_is_decided_or_added_shows_at_once() {
    let world = World::kommo().await;
    let listed = async || {
        let answer = world.get(UNSORTED).await;
        match answer.status {
            204 => 0,
            _ => answer.json()["_embedded"]["unsorted"].as_array().unwrap().len(),
        }
    };
    assert_eq!((listed().await, listed().await), (3, 3));
    let uids = world.get(UNSORTED).await.json();
    for (left, item) in uids["_embedded"]["unsorted"].as_array().unwrap().iter().enumerate() {
        let uid = item["uid"].as_str().unwrap();
        world.post(&format!("{UNSORTED}/{uid}/accept"), &json!({})).await;
        assert_eq!((listed().await, listed().await), (2 - left, 2 - left));
    }
    let form = json!([{"source_name": "s", "source_uid": "u", "metadata": {"form_id": "f"}}]);
    world.post(&format!("{UNSORTED}/forms"), &form).await;
    assert_eq!((listed().await, listed().await), (1, 1));
}

/// Counts what is read of the items themselves, and of their versions.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Versioned>,
    read: Arc<AtomicUsize>,
    versions: Arc<AtomicUsize>,
    keeps_revision: bool,
}

#[async_trait]
impl Versioned for Counted {
    async fn revision(&self) -> Result<Option<u64>> {
        if self.keeps_revision { self.inner.revision().await } else { Ok(None) }
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        self.versions.fetch_add(1, Ordering::Relaxed);
        self.inner.versions(query).await
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        self.read.fetch_add(uids.len(), Ordering::Relaxed);
        self.inner.items(uids).await
    }
}

/// Who has the right to everything in the Kommo document.
fn administrator() -> Principal {
    let (account_id, user_id) = (31_361_463.try_into().unwrap(), 8_375_357.try_into().unwrap());
    Principal { account_id, user_id }
}

/// A server over the store of the Kommo document, with what counts beneath it.
async fn counted(keeps_revision: bool) -> (Server, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let memory = memory(&[KOMMO]).await;
    let principal = administrator();
    let mut ports = memory.open(principal).await.unwrap();
    let (read, versions) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = Counted {
        inner: ports.versioned.take().unwrap(),
        read: Arc::clone(&read),
        versions: Arc::clone(&versions),
        keeps_revision,
    };
    ports.versioned = Some(Arc::new(counted));
    let gate = SessionTable::new().with("t", Session::of(principal, ports));
    (Server::start(Config::default(), Arc::new(gate)).await.unwrap(), read, versions)
}

async fn get(server: &Server, target: &str) {
    let request = request("t", "GET", &format!("{UNSORTED}{target}"), "");
    assert_eq!(exchange(server.addr(), request).await.unwrap().status, 200);
}

#[tokio::test]
async fn items_that_are_ready_are_not_read() {
    for keeps_revision in [true, false] {
        let (server, read, _) = counted(keeps_revision).await;
        for (target, reads) in
            [("?limit=2", 2), ("?limit=2", 2), ("?limit=250", 3), ("", 3), ("?limit=1&page=3", 3)]
        {
            get(&server, target).await;
            assert_eq!(read.load(Ordering::Relaxed), reads, "after {target}");
        }
    }
}

#[tokio::test]
async fn versions_are_asked_only_when_something_may_have_changed() {
    let (server, _, versions) = counted(true).await;
    let form = r#"[{"source_name": "s", "source_uid": "u", "metadata": {"form_id": "f"}}]"#;
    for asked in 1..=3 {
        for _ in 0..3 {
            get(&server, "").await;
            assert_eq!(versions.load(Ordering::Relaxed), asked);
        }
        let add = request("t", "POST", &format!("{UNSORTED}/forms"), form);
        assert_eq!(exchange(server.addr(), add).await.unwrap().status, 200);
    }
    let (server, _, versions) = counted(false).await;
    get(&server, "").await;
    get(&server, "").await;
    assert_eq!(versions.load(Ordering::Relaxed), 2, "a store without a revision is asked each time");
}

/// Whoever asks for items finds that somebody was faster: the first of them has been declined.
#[derive(Debug)]
struct Raced {
    inner: Arc<dyn Versioned>,
    other: Arc<dyn IncomingLeads>,
}

#[async_trait]
impl Versioned for Raced {
    async fn revision(&self) -> Result<Option<u64>> {
        self.inner.revision().await
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        self.inner.versions(query).await
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        self.other.decline(&uids[0], &Decline::default()).await?;
        self.inner.items(uids).await
    }
}

#[tokio::test]
async fn a_page_is_of_one_moment_whatever_is_decided_meanwhile() {
    let (memory, principal) = (memory(&[KOMMO]).await, administrator());
    let mut ports = memory.open(principal).await.unwrap();
    let inner = ports.versioned.take().unwrap();
    ports.versioned = Some(Arc::new(Raced { inner, other: Arc::clone(&ports.incoming) }));
    let gate = SessionTable::new().with("t", Session::of(principal, ports));
    let server = Server::start(Config::default(), Arc::new(gate)).await.unwrap();
    // Of three that wait, one goes while each page is made up.
    for status in [200, 200, 204] {
        let list = request("t", "GET", &format!("{UNSORTED}?limit=1"), "");
        let answer = exchange(server.addr(), list).await.unwrap();
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.json()["_embedded"]["unsorted"].as_array().unwrap().len(), 1);
        }
    }
}
