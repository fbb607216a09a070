//! Every bad answer that a server can give, given by the real one on purpose: a typed error with its outcome, in bounded
//! memory and time, and never a wrong success.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use incoming_leads_conformance::fixture::{ADMINISTRATOR, Named};
use incoming_leads_http_v4::{HttpV4, HttpV4Builder, Reconciliation};
use incoming_leads_model::{Accept, Category, DuplicatePolicy, ListFilter, ListQuery, SummaryQuery, Uid};
use incoming_leads_port::{ErrorKind, IncomingLeads, IncomingLeadsExt, Outcome};
use incoming_leads_transport::{Reqwest, RetryPolicy};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::{World, call};

/// Bytes of an answer that are taken.
const BOUND: usize = 1 << 20;

fn builder(url: String) -> HttpV4Builder {
    let network =
        Reqwest::builder().with_request_timeout(Duration::from_secs(1)).with_max_response_bytes(BOUND);
    let builder = HttpV4::builder(url).with_token(ADMINISTRATOR.to_string()).with_limiters(Vec::new());
    builder.with_network(network).with_retries(RetryPolicy::default().with_attempts(1))
}

fn suffer(world: &World, rule: &Value) {
    world.server.set_faults(Some(json!({ "rules": [rule] }).to_string().parse().unwrap()));
}

/// What a read and a write end as.
async fn ends(rule: Value, kind: ErrorKind, of_writes: Outcome) {
    let world = World::of(Named::Standard).await;
    suffer(&world, &rule);
    let leads = builder(world.server.url()).with_reconciliation(Reconciliation::OFF).build().unwrap();
    let begun = Instant::now();
    let error = leads.summary(&SummaryQuery::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotApplied), "{rule}: {error:?}");
    let error = leads.accept(&Uid::new("5af9dedb").unwrap(), &Accept::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (kind, of_writes), "{rule}: {error:?}");
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 1_000, "{text}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{rule}");
}

#[tokio::test]
async fn every_bad_answer_ends_as_what_it_is() {
    use ErrorKind::{Blocked, RateLimited, Timeout, Unavailable, Unexpected};
    use Outcome::{NotApplied, Unknown};
    let hal =
        |body: &str| json!({"answer": {"status": 200, "body": body, "content_type": "application/hal+json"}});
    let inside = r#"{"title":"Error","status":500,"detail":"try again"}"#;
    for (fault, kind, outcome) in [
        (json!({"answer": {"status": 429}}), RateLimited, NotApplied),
        (json!({"answer": {"status": 403}}), Blocked, NotApplied),
        (json!({"answer": {"status": 500}}), Unavailable, Unknown),
        (json!({"answer": {"status": 504}}), Unavailable, Unknown),
        (json!({"answer": {"status": 408}}), Timeout, Unknown),
        (json!({"answer": {"status": 200}}), Unexpected, Unknown),
        (json!({"answer": {"status": 204}}), Unexpected, Unknown),
        (hal(inside), Unavailable, Unknown),
        (hal(""), Unexpected, Unknown),
        (hal("{}"), Unexpected, Unknown),
        (hal("[]"), Unexpected, Unknown),
        (hal("null"), Unexpected, Unknown),
        (hal(&"[".repeat(100_000)), Unexpected, Unknown),
        (json!({"redirect": {"to": "https://elsewhere.example/"}}), Unexpected, Unknown),
        (json!({"redirect": {"to": "https://elsewhere.example/", "status": 307}}), Unexpected, NotApplied),
        (json!("reset"), Unavailable, Unknown),
        (json!("drop"), Unavailable, Unknown),
        (json!("endless"), Unexpected, Unknown),
        (json!({"huge": {"bytes": 100 << 20}}), Unexpected, Unknown),
        (json!({"delay": {"millis": 10_000}}), Timeout, Unknown),
    ] {
        ends(json!({ "do": fault }), kind, outcome).await;
    }
}

#[tokio::test]
async fn a_good_answer_that_is_cut_or_of_another_type_is_no_success() {
    for fault in [json!("cut"), json!({"retype": {"content_type": "text/html"}})] {
        let world = World::of(Named::Standard).await;
        let leads = builder(world.server.url()).with_reconciliation(Reconciliation::OFF).build().unwrap();
        let uid = leads.add_call(call(1)).await.unwrap().uid;
        suffer(&world, &json!({ "do": fault }));
        leads.list(&ListQuery::default()).await.unwrap_err();
        let error = leads.accept(&uid, &Accept::default()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown, "{fault}");
    }
}

#[tokio::test]
async fn whatever_comes_back_for_an_add_the_lead_is_there_once() {
    let faults = [
        json!("reset"),
        json!("drop"),
        json!("endless"),
        json!({"huge": {"bytes": 100 << 20}}),
        json!({"answer": {"status": 502}}),
        json!({"answer": {"status": 204}}),
        json!({"answer": {"status": 200}}),
        json!({"redirect": {"to": "https://elsewhere.example/"}}),
        json!("cut"),
        json!({"retype": {"content_type": "text/html"}}),
    ];
    let world = World::of(Named::Standard).await;
    let quickly = Reconciliation::default().with_pause(Duration::from_millis(1));
    let leads = builder(world.server.url()).with_reconciliation(quickly);
    let leads = leads.with_duplicates(DuplicatePolicy::Refuse).build().unwrap();
    let filter = ListFilter { categories: Some(vec![Category::Sip]), ..ListFilter::default() };
    let calls =
        async || leads.list(&ListQuery { filter: filter.clone(), ..ListQuery::default() }).await.unwrap();
    let before = calls().await.items.len();
    let mut number = 0;
    for fault in &faults {
        for carry_out in [false, true] {
            number += 1;
            suffer(&world, &json!({"do": fault, "first": 1, "methods": ["POST"], "carry_out": carry_out}));
            let receipt = leads.add_call(call(number)).await;
            let uid = receipt.unwrap_or_else(|error| panic!("{fault} {carry_out}: {error}")).uid;
            let items = calls().await.items;
            assert_eq!(items.len(), before + number as usize, "{fault} {carry_out}");
            assert!(items.iter().any(|lead| lead.uid == uid), "{fault} {carry_out}");
        }
    }
}

#[tokio::test]
async fn a_token_never_leaves_for_the_host_that_a_redirect_names() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("http://{}/api/v4/leads/unsorted", elsewhere.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        ends_elsewhere(&to, status).await;
    }
    // Nobody has called there.
    let called = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(called.is_err(), "{called:?}");
}

async fn ends_elsewhere(to: &str, status: u16) {
    let outcome = if status >= 307 { Outcome::NotApplied } else { Outcome::Unknown };
    ends(json!({"do": {"redirect": {"to": to, "status": status}}}), ErrorKind::Unexpected, outcome).await;
}

#[tokio::test]
async fn of_an_endless_answer_little_more_is_taken_than_its_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\n\r\n").await;
        while stream.write_all(&[b' '; 65536]).await.is_ok() {
            counted.fetch_add(65536, Ordering::Relaxed);
        }
    });
    let leads = builder(url).with_reconciliation(Reconciliation::OFF).build().unwrap();
    let error = leads.summary(&SummaryQuery::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    drop(leads);
    server.await.unwrap();
    // What lies in the buffers of the two sockets is the system's.
    assert!(taken.load(Ordering::Relaxed) < BOUND + (32 << 20), "{taken:?}");
}
