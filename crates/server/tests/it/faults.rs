//! Faults on purpose, the journal, and the control route.

use std::sync::Arc;

use incoming_leads_server::{Config, InProcess, JournalEntry, RegistryGate, digest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::raw::{Raw, exchange};
use crate::world::{ADMINISTRATOR, KOMMO, World, memory, request};

const UNSORTED: &str = "/api/v4/leads/unsorted";
const SIP: &str = "/api/v4/leads/unsorted/sip";
const KEY: &str = "the-key-of-the-control-route";

fn config(profile: &Value) -> Config {
    let mut config = Config::default();
    config.faults = Some(profile.to_string().parse().unwrap());
    config.journal = 100;
    config.control = Some(digest(KEY));
    config
}

/// A world in which every request suffers this.
async fn suffering(rule: Value) -> World {
    World::of(&[KOMMO], config(&json!({ "rules": [rule] }))).await
}

fn call() -> String {
    let item = json!({
        "source_name": "a telephone that nobody else has", "source_uid": "pbx", "request_id": "1",
        "metadata": {"phone": "14155551234", "called_at": 1_700_000_000, "duration": 5, "from": "1", "service_code": "x"},
    });
    json!([item]).to_string()
}

/// How many bytes come back for a call that is added.
async fn bytes_for_an_add(world: &World) -> usize {
    let mut raw = Raw::open(world.addr()).await;
    raw.send(request(ADMINISTRATOR, "POST", SIP, &call())).await;
    raw.read_to_end().await
}

/// Whether the call is there, whatever went out.
async fn is_added(world: &World) -> bool {
    world.server.set_faults(None);
    world.get(UNSORTED).await.text().contains("a telephone that nobody else has")
}

fn last(world: &World) -> JournalEntry {
    world.server.journal().pop().unwrap()
}

#[tokio::test]
async fn an_answer_in_the_place_of_the_routes_comes_before_or_after_it_is_carried_out() {
    for carry_out in [false, true] {
        let world = suffering(
            json!({"do": {"answer": {"status": 502}}, "methods": ["POST"], "carry_out": carry_out}),
        )
        .await;
        let answer = world.ask(ADMINISTRATOR, "POST", SIP, &call()).await;
        assert_eq!((answer.status, answer.content_type()), (502, "text/html"));
        assert!(answer.text().contains("502 Bad Gateway"));
        let entry = last(&world);
        assert_eq!((entry.status, entry.fault, entry.reached_routes), (Some(502), Some("answer"), carry_out));
        assert_eq!(entry.carried_out, carry_out.then_some(200));
        assert_eq!(is_added(&world).await, carry_out);
    }
}

#[tokio::test]
async fn connections_that_end_give_no_byte_and_carry_out_what_they_should() {
    for fault in ["reset", "drop"] {
        for carry_out in [false, true] {
            let world = suffering(json!({"do": fault, "carry_out": carry_out})).await;
            assert_eq!(bytes_for_an_add(&world).await, 0);
            let entry = last(&world);
            assert_eq!((entry.status, entry.fault, entry.reached_routes), (None, Some(fault), carry_out));
            assert_eq!(is_added(&world).await, carry_out, "{fault}");
        }
    }
}

#[tokio::test]
async fn a_reset_is_no_quiet_end() {
    let world = suffering(json!({"do": "reset"})).await;
    let mut stream = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    let asked = request(ADMINISTRATOR, "GET", UNSORTED, "");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_cut_answer_is_carried_out_and_ends_in_its_middle() {
    let world = World::kommo().await;
    let whole = world.ask(ADMINISTRATOR, "POST", SIP, &call()).await;
    let world = suffering(json!({"do": "cut"})).await;
    let mut raw = Raw::open(world.addr()).await;
    raw.send(request(ADMINISTRATOR, "POST", SIP, &call())).await;
    let (head, rest) = raw.read_all().await;
    assert!(head.contains(&format!("content-length: {}", whole.body.len())), "{head}");
    assert_eq!(rest.len(), whole.body.len() / 2);
    assert!(is_added(&world).await);
}

#[tokio::test]
async fn large_and_endless_bodies_are_blanks_behind_a_good_head() {
    let world = suffering(json!({"do": {"huge": {"bytes": 100_000}}})).await;
    let answer = world.get(UNSORTED).await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/hal+json"));
    assert_eq!(answer.body, vec![b' '; 100_000]);
    let world = suffering(json!({"do": "endless"})).await;
    let mut raw = Raw::open(world.addr()).await;
    raw.send(request(ADMINISTRATOR, "GET", UNSORTED, "")).await;
    raw.reads_at_least(4 << 20).await;
}

#[tokio::test]
async fn other_types_redirects_empty_answers_and_delays_are_told() {
    let world = suffering(json!({"do": {"retype": {"content_type": "text/plain"}}})).await;
    let answer = world.ask(ADMINISTRATOR, "POST", SIP, &call()).await;
    assert_eq!((answer.status, answer.content_type()), (200, "text/plain"));
    assert!(answer.json()["_embedded"]["unsorted"][0]["uid"].is_string());

    let world = suffering(json!({"do": {"redirect": {"to": "https://elsewhere.example/"}}})).await;
    let answer = world.get(UNSORTED).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://elsewhere.example/")));

    let world = suffering(json!({"do": {"answer": {"status": 204}}})).await;
    let answer = world.get(UNSORTED).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("content-type")), (204, 0, None));

    let limited = json!({"answer": {"status": 429, "body": "slow", "content_type": "text/plain", "retry_after_secs": 3}});
    let answer = suffering(json!({"do": limited})).await.get(UNSORTED).await;
    assert_eq!((answer.status, answer.text().as_str()), (429, "slow"));
    assert_eq!((answer.content_type(), answer.header("retry-after")), ("text/plain", Some("3")));

    let world = suffering(json!({"do": {"delay": {"millis": 1}}})).await;
    assert_eq!(world.ask(ADMINISTRATOR, "POST", SIP, &call()).await.status, 200);
    assert_eq!(last(&world).fault, Some("delay"));
}

#[tokio::test]
async fn probes_suffer_nothing_and_are_in_no_journal() {
    let world = suffering(json!({"do": "reset"})).await;
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(world.ask("", "GET", probe, "").await.status, 200);
    }
    assert_eq!(world.server.journal(), []);
}

#[tokio::test]
async fn the_journal_tells_no_secret() {
    let world = suffering(json!({"do": "cut", "share": 0})).await;
    world.ask(ADMINISTRATOR, "GET", "/api/v4/leads/unsorted?api_key=hush", "").await;
    world.ask("a-wrong-token", "POST", SIP, &call()).await;
    let journal = world.server.journal();
    let told: Vec<_> = journal
        .iter()
        .map(|entry| (entry.number, entry.method.as_str(), entry.path.as_str(), entry.status, entry.fault))
        .collect();
    assert_eq!(told, [(1, "GET", UNSORTED, Some(200), None), (2, "POST", SIP, Some(401), None)]);
    assert_eq!(journal[0].credential.as_deref(), Some(&digest(ADMINISTRATOR).to_hex()[..16]));
    assert!(journal[0].at_micros <= journal[1].at_micros);
    let text = format!("{journal:?}");
    assert!(!text.contains("hush") && !text.contains("a-wrong-token") && !text.contains(ADMINISTRATOR));
}

#[tokio::test]
async fn the_control_route_sets_tells_and_clears_faults_and_reads_the_journal() {
    let world = suffering(json!({"do": "cut", "share": 0})).await;
    let control = async |method: &str, path: &str, body: &str| world.ask(KEY, method, path, body).await;
    let set = json!({"seed": 3, "rules": [{"do": {"answer": {"status": 503}}}]}).to_string();
    let told = control("PUT", "/control/faults", &set).await;
    assert_eq!((told.status, &told.json()["profile"]["seed"]), (200, &json!(3)));
    assert_eq!(world.get(UNSORTED).await.status, 503);
    let told = control("GET", "/control/faults", "").await.json();
    assert_eq!((&told["requests"], &told["struck"]), (&json!(1), &json!([1])));
    let wrong = control("PUT", "/control/faults", r#"{"rules": [{"do": "explode"}]}"#).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.json()["detail"].as_str().unwrap().starts_with("rules[0].do: unknown variant"));
    assert_eq!(world.get(UNSORTED).await.status, 503, "a profile that is none changes nothing");
    assert_eq!(control("DELETE", "/control/faults", "").await.status, 204);
    assert_eq!(control("GET", "/control/faults", "").await.json()["profile"], Value::Null);
    assert_eq!(world.get(UNSORTED).await.status, 200);

    let told = control("GET", "/control/journal", "").await.json();
    assert_eq!((told["entries"].as_array().unwrap().len(), &told["next"]), (3, &json!(3)));
    assert_eq!(told["entries"][0]["fault"], "answer");
    let told = control("GET", "/control/journal?after=2", "").await.json();
    assert_eq!(told["entries"][0]["number"], 3);
    assert_eq!(control("GET", "/control/journal?page=2", "").await.status, 400);
    assert_eq!(control("DELETE", "/control/journal", "").await.status, 204);
    assert_eq!(world.server.journal(), []);
    assert_eq!(control("POST", "/control/journal", "").await.header("allow"), Some("GET, DELETE"));
    assert_eq!(control("GET", "/control/other", "").await.status, 404);
}

#[tokio::test]
async fn the_control_route_is_closed_unless_asked_for_and_to_all_without_its_key() {
    let closed = World::kommo().await;
    assert_eq!(closed.ask(KEY, "GET", "/control/faults", "").await.status, 404);
    let open = suffering(json!({"do": "cut", "share": 0})).await;
    for token in [ADMINISTRATOR, "", "x"] {
        assert_eq!(open.ask(token, "GET", "/control/faults", "").await.status, 401);
    }
    let nobody = exchange(open.addr(), "DELETE /control/faults HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(nobody.unwrap().status, 401);
}

#[tokio::test]
async fn a_server_without_a_network_answers_alike() {
    let rules = json!({"rules": [{"do": "cut", "methods": ["DELETE"]}]});
    let gate = Arc::new(RegistryGate::new(Arc::new(memory(&[KOMMO]).await)));
    let server = InProcess::new(config(&rules), gate);
    let asked = async |method: &str, path: &str, body: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://leads.example{path}"))
            .header("authorization", format!("Bearer {ADMINISTRATOR}"))
            .header("content-type", "application/json");
        server.answer(request.body(body.as_bytes().to_vec()).unwrap()).await
    };
    let added = asked("POST", SIP, &call()).await.unwrap();
    assert_eq!(added.status(), 200);
    let told: Value = serde_json::from_slice(added.body()).unwrap();
    let link = told["_embedded"]["unsorted"][0]["_links"]["self"]["href"].as_str().unwrap();
    assert!(link.starts_with("http://leads.example/api/v4/leads/unsorted/"), "{link}");
    assert!(asked("DELETE", &format!("{UNSORTED}/x/decline"), "").await.is_none());
    server.set_faults(None);
    assert_eq!(asked("DELETE", &format!("{UNSORTED}/x/decline"), "").await.unwrap().status(), 404);
    assert_eq!(server.journal().len(), 3);
}
