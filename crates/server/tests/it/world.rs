//! A fresh server over memory, with the accounts of the documents' examples.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Secret, Token, TokenKind};
use incoming_leads_model::{AccountId, Moment, UserId};
use incoming_leads_port::{Ids, ManualClock, Provision, Registry};
use incoming_leads_server::{Config, Credentials, RegistryGate, Server, digest};
use serde_json::Value;

use crate::raw::{Answer, Raw};

/// The account of the v4 Kommo document.
pub(crate) const KOMMO: &str = include_str!("seeds/kommo.jsonl");
/// The account of the v4 amoCRM document.
pub(crate) const AMOCRM: &str = include_str!("seeds/amocrm.jsonl");

/// The account of the v2 document.
pub(crate) const V2: &str = include_str!("seeds/v2.jsonl");

/// Tokens of the account of the v4 Kommo document.
pub(crate) const ADMINISTRATOR: &str = "kommo-administrator";
pub(crate) const SORTER: &str = "kommo-sorter";
pub(crate) const VIEWER: &str = "kommo-viewer";
pub(crate) const NOBODY: &str = "kommo-nobody";
pub(crate) const GONE: &str = "kommo-gone";
/// A token of the account of the v4 amoCRM document.
pub(crate) const STRANGER: &str = "amocrm-administrator";

/// Now, in all worlds.
pub(crate) const NOW: i64 = 1_700_000_000;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) memory: Memory,
}

impl World {
    pub(crate) async fn kommo() -> Self {
        Self::of(&[KOMMO], Config::default()).await
    }

    pub(crate) async fn both(config: Config) -> Self {
        Self::of(&[KOMMO, AMOCRM], config).await
    }

    pub(crate) async fn of(seeds: &[&str], config: Config) -> Self {
        let memory = memory(seeds).await;
        enrol_keys(&memory).await;
        let server =
            Server::start(config, Arc::new(RegistryGate::new(Arc::new(memory.clone())))).await.unwrap();
        Self { server, memory }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// All that the store holds: equal before and after what has no effect, but for how far ids were given out: what is
    /// refused may have taken some.
    pub(crate) async fn everything(&self) -> Vec<Line> {
        let mut lines = export(&self.memory).await;
        lines.retain(|line| !matches!(line, Line::Header { .. }));
        lines
    }

    /// The answer to a request of a user, on a connection of its own.
    pub(crate) async fn ask(&self, token: &str, method: &str, target: &str, body: &str) -> Answer {
        let mut raw = Raw::open(self.addr()).await;
        raw.send(request(token, method, target, body)).await;
        raw.answer().await.expect("an answer")
    }

    /// What an administrator gets.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(ADMINISTRATOR, "GET", target, "").await
    }

    /// What an administrator posts, and the answer, which must be 200.
    #[track_caller]
    pub(crate) fn post(&self, target: &str, body: &Value) -> impl Future<Output = Value> {
        let (target, body) = (target.to_owned(), body.to_string());
        async move {
            let answer = self.ask(ADMINISTRATOR, "POST", &target, &body).await;
            assert_eq!(answer.status, 200, "{target}: {}", answer.text());
            answer.json()
        }
    }
}

/// Who comes in by v2: account, user, login. Their key is [`KEY`].
const LOGINS: [(u64, u64, &str); 6] = [
    (31_361_463, 8_375_357, "administrator@example.com"),
    (31_361_463, 8_375_361, "sorter@example.com"),
    (31_361_463, 8_375_365, "viewer@example.com"),
    (31_361_463, 8_375_369, "nobody@example.com"),
    (31_361_463, 8_375_373, "gone@example.com"),
    (504_140, 504_141, "test@example.com"),
];
/// The key of everybody.
pub(crate) const KEY: &str = "24db154826a13a988893be1da61";

/// Gives each user that is there a key.
async fn enrol_keys(memory: &Memory) {
    for (account, user, login) in LOGINS {
        let secret = Secret::Sha256(Credentials::ApiKey { login, key: KEY }.digest().to_hex());
        let mut token = Token::bearer(AccountId::new(account).unwrap(), UserId::new(user).unwrap(), secret);
        token.kind = TokenKind::ApiKey;
        // The account may be of another world.
        let _ = memory.enrol(&token).await;
    }
}

/// A store with these accounts.
pub(crate) async fn memory(seeds: &[&str]) -> Memory {
    let clock = ManualClock::new(Moment::from_secs(NOW).unwrap());
    let memory = Memory::new(Arc::new(clock), Arc::new(Ids::sequential()));
    for seed in seeds {
        memory.import(lines(seed)).await.unwrap();
    }
    memory
}

/// All that a store holds.
pub(crate) async fn export(memory: &Memory) -> Vec<Line> {
    memory.export(None).map(Result::unwrap).collect().await
}

/// A request, by its parts.
pub(crate) fn request(token: &str, method: &str, target: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: leads.example\r\nAuthorization: Bearer {token}\r\n{kind}\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// The lines of a seed, its secrets hashed.
pub(crate) fn lines(seed: &str) -> Vec<Line> {
    let lines = serde_json::Deserializer::from_str(seed).into_iter::<Line>().map(Result::unwrap);
    let hashed = lines.map(|line| match line {
        Line::Token(mut token) => {
            if let Secret::Plain(secret) = &token.secret {
                token.secret = Secret::Sha256(digest(secret).to_hex());
            }
            Line::Token(token)
        }
        line => line,
    });
    hashed.collect()
}
