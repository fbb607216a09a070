//! Who may do what, over HTTP.

use std::sync::Arc;

use incoming_leads_port::{Principal, Registry};
use incoming_leads_server::{Config, Server, Session, SessionTable};
use serde_json::json;

use crate::raw::exchange;
use crate::world::{
    ADMINISTRATOR, AMOCRM, GONE, KOMMO, NOBODY, SORTER, STRANGER, VIEWER, World, memory, request,
};

const UNSORTED: &str = "/api/v4/leads/unsorted";
const CHAT: &str = "9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0";

/// The columns of the matrix.
const OPERATIONS: [&str; 9] =
    ["list", "get", "summary", "sip", "forms", "accept", "decline", "link", "leads"];

/// The matrix: who, and the status of each operation.
const MATRIX: [(&str, [u16; 9]); 8] = [
    (ADMINISTRATOR, [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    (SORTER, [200, 200, 200, 200, 200, 200, 200, 403, 200]),
    (VIEWER, [200, 200, 200, 403, 403, 403, 403, 403, 200]),
    (NOBODY, [403, 403, 403, 403, 403, 403, 403, 403, 403]),
    // Of another account: its own lists, and nothing of ours, as if it were not there.
    (STRANGER, [200, 204, 200, 200, 200, 404, 404, 404, 200]),
    (GONE, [401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("", [401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("nobody-knows-me", [401, 401, 401, 401, 401, 401, 401, 401, 401]),
];

fn request_of(operation: &str, token: &str) -> String {
    let add = json!([{"source_name": "s", "source_uid": "u", "metadata": {"form_id": "f", "phone": "1"}}])
        .to_string();
    let link = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}}).to_string();
    let (method, target, body) = match operation {
        "list" => ("GET", UNSORTED.to_owned(), ""),
        "get" => ("GET", format!("{UNSORTED}/{CHAT}"), ""),
        "summary" => ("GET", format!("{UNSORTED}/summary"), ""),
        "sip" | "forms" => ("POST", format!("{UNSORTED}/{operation}"), add.as_str()),
        "accept" => ("POST", format!("{UNSORTED}/{CHAT}/accept"), ""),
        "decline" => ("DELETE", format!("{UNSORTED}/{CHAT}/decline"), ""),
        "link" => ("POST", format!("{UNSORTED}/{CHAT}/link"), link.as_str()),
        "leads" => ("GET", "/api/v4/leads".to_owned(), ""),
        other => panic!("{other}"),
    };
    request(token, method, &target, body)
}

#[tokio::test]
async fn rights_are_asked_on_every_operation() {
    for (token, statuses) in MATRIX {
        for (operation, status) in OPERATIONS.into_iter().zip(statuses) {
            let world = World::both(Config::default()).await;
            let before = world.everything().await;
            let answer = exchange(world.addr(), request_of(operation, token)).await.unwrap();
            assert_eq!(answer.status, status, "{token} {operation}: {}", answer.text());
            if status >= 400 {
                assert_eq!(answer.content_type(), "application/problem+json");
                assert_eq!(answer.json()["status"], status);
                assert!(world.everything().await == before, "{token} {operation} had an effect");
            }
            assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"));
        }
    }
}

#[tokio::test]
async fn what_a_stranger_is_answered_is_what_an_unknown_uid_is_answered() {
    let world = World::both(Config::default()).await;
    for (method, tail) in [("GET", ""), ("POST", "/accept"), ("DELETE", "/decline")] {
        let of = |uid: &str| format!("{UNSORTED}/{uid}{tail}");
        let foreign = world.ask(STRANGER, method, &of(CHAT), "").await;
        let unknown = CHAT.replace('9', "8");
        let answer = world.ask(STRANGER, method, &of(&unknown), "").await;
        assert_eq!(foreign.status, answer.status);
        assert_eq!(foreign.text().replace(CHAT, ""), answer.text().replace(&unknown, ""));
    }
}

#[tokio::test]
async fn the_host_of_an_account_is_for_it_alone() {
    let world = World::both(Config::default()).await;
    for (host, token, status) in [
        ("example.leads.test", ADMINISTRATOR, 200),
        ("EXAMPLE.leads.test:80", ADMINISTRATOR, 200),
        ("other.leads.test", ADMINISTRATOR, 401),
        ("example.leads.test", STRANGER, 401),
        ("other.leads.test", STRANGER, 200),
        ("leads.test", ADMINISTRATOR, 200),
        ("leads.test", STRANGER, 200),
        ("localhost", STRANGER, 200),
    ] {
        let asked = request(token, "GET", UNSORTED, "").replace("leads.example", host);
        assert_eq!(exchange(world.addr(), asked).await.unwrap().status, status, "{host} {token}");
    }
}

#[tokio::test]
async fn only_the_names_served_are_answered() {
    let mut config = Config::default();
    config.names = vec!["*.leads.test".to_owned(), "localhost".to_owned()];
    let world = World::both(config).await;
    for (host, status) in
        [("example.leads.test", 200), ("localhost:8080", 200), ("leads.test", 421), ("evil.test", 421)]
    {
        let asked = request(ADMINISTRATOR, "GET", UNSORTED, "").replace("leads.example", host);
        assert_eq!(exchange(world.addr(), asked).await.unwrap().status, status, "{host}");
    }
    // Who looks after the process does not know its names.
    let alive = exchange(world.addr(), "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n").await.unwrap();
    assert_eq!(alive.status, 200);
}

#[tokio::test]
async fn a_table_of_sessions_keeps_the_host_of_an_account_to_it() {
    let memory = memory(&[KOMMO, AMOCRM]).await;
    let session = async |account: u64, user: u64| {
        let (account_id, user_id) = (account.try_into().unwrap(), user.try_into().unwrap());
        let principal = Principal { account_id, user_id };
        Session::of(principal, memory.open(principal).await.unwrap())
    };
    let gate = SessionTable::new()
        .with_subdomain("ours", "Example", session(31_361_463, 8_375_357).await)
        .with_subdomain("theirs", "other", session(28_805_383, 123_123).await)
        .with("anybody's", session(28_805_383, 123_123).await);
    let server = Server::start(Config::default(), Arc::new(gate)).await.unwrap();
    for (token, host, status) in [
        ("ours", "example.leads.test", 200),
        ("ours", "other.leads.test", 401),
        ("theirs", "other.leads.test", 200),
        ("theirs", "example.leads.test", 401),
        ("anybody's", "example.leads.test", 401),
        ("anybody's", "leads.test", 200),
        ("ours", "localhost", 200),
        ("nobody's", "leads.test", 401),
    ] {
        let asked = request(token, "GET", "/api/v4/account", "").replace("leads.example", host);
        assert_eq!(exchange(server.addr(), asked).await.unwrap().status, status, "{token} on {host}");
    }
}
