//! What serving costs: requests per second and per CPU second, beside the same accept loop that answers the same bytes from
//! a constant.
//!
//! The server runs in a process of its own, so that its CPU time is its own. Each figure is the median of several rounds, in
//! which the server and its yardstick take turns.
#![expect(clippy::print_stdout, reason = "what a benchmark prints is its result")]

mod load;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line;
use incoming_leads_port::Provision;
use incoming_leads_server::{Config, RegistryGate, Server, digest};
use serde_json::json;

use load::{Rate, fetch, measure};

/// Says to this program that it is the server's process.
const SERVE: &str = "INCOMING_LEADS_BENCH_SERVES";
/// Leads that wait.
const WAITING: u64 = 10_000;
/// Takes of each pair.
const ROUNDS: usize = 7;
/// Connections that ask at the same time.
const CONNECTIONS: usize = 8;
/// Length of a take.
const TAKE: Duration = Duration::from_millis(700);
const TOKEN: &str = "bench";
const UNSORTED: &str = "/api/v4/leads/unsorted";

fn main() {
    if std::env::var_os(SERVE).is_some() {
        serve();
    } else {
        compare();
    }
}

/// A pair of servers to compare.
struct Pair {
    name: &'static str,
    aim: Option<f64>,
    /// The server's own address and the yardstick's.
    addresses: [SocketAddr; 2],
    request: fn(u64) -> Vec<u8>,
}

fn compare() {
    let mut child = Subject::start();
    let [plain, ready, list, page, get, add] = child.addresses;
    let pairs = [
        Pair { name: "list of 250", aim: Some(0.5), addresses: [plain, list], request: first_page },
        Pair {
            name: "list of 250, ready items",
            aim: Some(0.8),
            addresses: [ready, list],
            request: first_page,
        },
        Pair { name: "list of 250, any page", aim: None, addresses: [plain, page], request: any_page },
        Pair {
            name: "list of 250, any page, ready items",
            aim: None,
            addresses: [ready, page],
            request: any_page,
        },
        Pair { name: "get by uid", aim: None, addresses: [plain, get], request: one },
        Pair { name: "add", aim: None, addresses: [plain, add], request: one_more },
    ];
    println!("| what | requests/s | of the constant | requests/CPU s | of the constant |");
    println!("|---|---|---|---|---|");
    let mut ratios = Vec::new();
    for Pair { name, aim, addresses, request } in pairs {
        let rounds: Vec<[Rate; 2]> = (0..ROUNDS)
            .map(|_| {
                addresses.map(|address| measure(child.process.id(), address, TAKE, CONNECTIONS, request))
            })
            .collect();
        let of = |value: fn(&[Rate; 2]) -> f64| median(rounds.iter().map(value).collect());
        let per_second = of(|[own, _]| own.per_second);
        let per_cpu = of(|[own, _]| own.per_cpu_second);
        let second_ratio = of(|[own, yardstick]| own.per_second / yardstick.per_second);
        let cpu_ratio = of(|[own, yardstick]| own.per_cpu_second / yardstick.per_cpu_second);
        println!("| {name} | {per_second:.0} | {second_ratio:.2} | {per_cpu:.0} | {cpu_ratio:.2} |");
        ratios.push((name, cpu_ratio, aim));
    }
    for (name, ratio, aim) in ratios {
        let aim = aim.map_or_else(String::new, |aim| format!(" (aim {aim})"));
        println!("ratio: http {name}, per CPU second, of a constant = {ratio:.2}{aim}");
    }
    child.stop();
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The server's process.
struct Subject {
    process: Child,
    addresses: [SocketAddr; 6],
}

impl Subject {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program knows where it is");
        let mut process = Command::new(program)
            .env(SERVE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a program can start itself");
        let output = process.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(output).lines();
        let mut address = || lines.next().expect("an address").expect("a line").parse().expect("an address");
        let addresses = std::array::from_fn(|_| address());
        Self { process, addresses }
    }

    /// Closing its input ends it.
    fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends");
    }
}

/// The server's process: a server without the cache, one with it, and a constant for each kind of answer.
fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let servers = runtime.block_on(async {
        let memory = Memory::default();
        memory.import(seed()).await.expect("the seed is good");
        let gate = Arc::new(RegistryGate::new(Arc::new(memory)));
        let mut without = Config::default();
        without.limits.cache_bytes = 0;
        let mut servers = Vec::new();
        for config in [without, Config::default()] {
            servers.push(Server::start(config, gate.clone()).await.expect("a port is free"));
        }
        let address = servers[0].addr();
        for request in [first_page(0), any_page(1), one(0), one_more(u64::MAX)] {
            let body =
                tokio::task::spawn_blocking(move || fetch(address, &request)).await.expect("it answers");
            let hal = "application/hal+json".parse().expect("a content type");
            servers.push(Server::start_constant(Config::default(), hal, body).await.expect("a port is free"));
        }
        servers
    });
    let mut output = std::io::stdout();
    for server in &servers {
        writeln!(output, "{}", server.addr()).expect("somebody reads");
    }
    output.flush().expect("somebody reads");
    let _ = std::io::stdin().read(&mut [0]);
}

fn seed() -> Vec<Line> {
    let account = json!({"account": {
        "account": {"id": 1, "subdomain": "bench", "name": "Bench", "created_at": 1_500_000_000},
        "pipelines": [{"id": 1, "name": "Main", "is_main": true, "statuses": [
            {"id": 1, "name": "Incoming leads", "sort": 10, "kind": "unsorted"}, {"id": 2, "name": "First", "sort": 20},
        ]}],
        "users": [{"id": 1, "name": "A", "email": "a@example.com", "rights": {"administrate": true}}],
    }});
    let token =
        json!({"token": {"account_id": 1, "user_id": 1, "secret": {"sha256": digest(TOKEN).to_hex()}}});
    let waiting = (0..WAITING).flat_map(|number| {
        let (lead, contact, at) = (number + 1, number + 1, 1_600_000_000 + number);
        let stamp = json!({"created_at": at, "updated_at": at});
        [
            json!({"contact": {"account_id": 1, "row": {
                "id": contact, "card": {"name": "Contact"}, "is_unsorted": true, "stamp": stamp}}}),
            json!({"lead": {"account_id": 1, "row": {
                "id": lead, "pipeline_id": 1, "status_id": 1, "card": {"name": "Lead"}, "contacts": [contact],
                "is_unsorted": true, "stamp": stamp}}}),
            json!({"item": {"account_id": 1, "row": {
                "uid": uid(number), "source_name": "Acme Co.", "source_uid": "a1fee7c0fc436088e64ba2e8822ba2b3",
                "pipeline_id": 1, "created_at": at, "updated_at": at, "version": 1,
                "metadata": {"forms": {"form_id": "1115559", "form_name": "Application form",
                    "form_page": "https://example.com/form", "ip": "192.0.2.1", "form_sent_at": at,
                    "referer": "https://www.google.com/search?&q=elon+musk"}},
                "links": {"lead": {"made": lead}, "contact": {"made": contact}}}}}),
        ]
    });
    let lines = [json!({"header": {"version": 1}}), account, token].into_iter().chain(waiting);
    lines.map(|line| serde_json::from_value(line).expect("a line of the document")).collect()
}

fn uid(number: u64) -> String {
    format!("{number:020x}{:040x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn ask(method: &str, target: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {UNSORTED}{target} HTTP/1.1\r\nHost: bench.test\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn first_page(_: u64) -> Vec<u8> {
    ask("GET", "?limit=250", "")
}

/// The next of all pages, in a stride that visits each of them.
fn any_page(number: u64) -> Vec<u8> {
    ask("GET", &format!("?limit=250&page={}", number * 17 % (WAITING / 250) + 1), "")
}

fn one(number: u64) -> Vec<u8> {
    ask("GET", &format!("/{}", uid(number * 7919 % WAITING)), "")
}

/// A form that is like no other.
fn one_more(number: u64) -> Vec<u8> {
    static RUN: AtomicU64 = AtomicU64::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"[{{"request_id":"1","source_name":"Acme Co.","source_uid":"a1fee7c0fc436088e64ba2e8822ba2b3","created_at":1590830520,
        "metadata":{{"form_id":"{number}-{run}","form_name":"Application form","form_page":"https://example.com","form_sent_at":1590830520,
        "ip":"192.0.2.1","referer":"https://www.google.com"}},"_embedded":{{"leads":[{{"name":"Tech maintenance","price":5000}}],
        "contacts":[{{"name":"Example contact"}}]}}}}]"#
    );
    ask("POST", "/forms", &body)
}
