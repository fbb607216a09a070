//! What the port costs over HTTP: a call of the port on loopback beside a bare reqwest call to the same address,
//! which reads its answer as `serde_json::Value`.
//!
//! Both ask the same server over memory for the same page, in turns, so that what else the machine does hits both.
#![expect(clippy::print_stdout, reason = "the table of all benches is made of what is printed")]
#![expect(clippy::future_not_send, reason = "nothing is spawned")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use incoming_leads_conformance::fixture::{ACCOUNT, Named, SORTER};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_model::{Add, Draft, ListQuery, Metadata, Moment, PageRequest, SipMetadata, Uid};
use incoming_leads_port::{IncomingLeads, Provision, Registry};
use incoming_leads_server::{Config, RegistryGate, Server, digest};

/// How many calls make one take, and how many takes of each there are.
const CALLS: u32 = 200;
const TAKES: usize = 15;

fn main() {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(bench());
}

async fn bench() {
    let memory = Memory::default();
    memory.import(Named::Standard.fixture().lines).await.unwrap();
    let token = Token::bearer(ACCOUNT, SORTER, Secret::Sha256(digest("token").to_hex()));
    memory.enrol(&token).await.unwrap();
    let gate = Arc::new(RegistryGate::new(Arc::new(memory)));
    let server = Server::start(Config::default(), gate).await.unwrap();
    let builder = HttpV4::builder(server.url()).with_token("token").with_limiters(Vec::new());
    let leads = builder.build().unwrap();
    leads.add(&Add::calls((0..250).map(call).collect())).await.unwrap();
    let bare = reqwest::Client::new();

    let uid = leads.list(&ListQuery::default()).await.unwrap().items.swap_remove(0).uid;
    let one = format!("{}/api/v4/leads/unsorted/{uid}", server.url());
    compare("get one", &bare, &one, async || got(&leads, &uid).await).await;

    for size in [50, 250] {
        let page = PageRequest::new(1, size).unwrap();
        let query = ListQuery { page, ..ListQuery::default() };
        let list =
            format!("{}/api/v4/leads/unsorted?page=1&limit={size}&order%5Bcreated_at%5D=desc", server.url());
        compare(&format!("list {size}"), &bare, &list, async || listed(&leads, &query).await).await;
    }
}

async fn got(leads: &HttpV4, uid: &Uid) {
    assert!(leads.get(uid).await.unwrap().is_some());
}

async fn listed(leads: &HttpV4, query: &ListQuery) {
    assert_eq!(leads.list(query).await.unwrap().items.len(), query.page.size() as usize);
}

/// Prints the median of the port's speed in parts of the bare one's.
async fn compare(what: &str, bare: &reqwest::Client, url: &str, port: impl AsyncFn()) {
    let bare = async || {
        let answer = bare.get(url).bearer_auth("token").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.bytes().await.unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap().is_object());
    };
    let (mut of_bare, mut of_port) = (Vec::new(), Vec::new());
    // The first take of each warms up.
    for _ in 0..=TAKES {
        of_bare.push(timed(&bare).await);
        of_port.push(timed(&port).await);
    }
    let (bare, port) = (median(of_bare), median(of_port));
    println!("figure: bare reqwest call, {what} = {:.1} us", bare.as_secs_f64() * 1e6);
    println!("figure: port call over HTTP, {what} = {:.1} us", port.as_secs_f64() * 1e6);
    println!(
        "ratio: port call over bare reqwest call, {what} = {:.2} (aim 0.8)",
        bare.as_secs_f64() / port.as_secs_f64()
    );
}

async fn timed(call: &impl AsyncFn()) -> Duration {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call().await;
    }
    begun.elapsed() / CALLS
}

fn median(mut takes: Vec<Duration>) -> Duration {
    takes.remove(0);
    takes.sort();
    takes[takes.len() / 2]
}

fn call(number: u64) -> Draft {
    let metadata = SipMetadata {
        from: Some(number.to_string()),
        phone: Some("14155551234".to_owned()),
        called_at: Moment::from_secs(1_700_000_000).ok(),
        duration: Some(54),
        link: Some("https://example.com/record.mp3".to_owned()),
        service_code: Some("pbx".to_owned()),
        ..SipMetadata::default()
    };
    Draft {
        source_name: Some("PBX".to_owned()),
        source_uid: Some("pbx".to_owned()),
        metadata: Some(Metadata::Sip(metadata)),
        ..Draft::default()
    }
}
