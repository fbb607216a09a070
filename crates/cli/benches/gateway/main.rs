//! What the gateway costs: a v2 client before the gateway beside a v4 client before the server that the gateway asks.
//!
//! Clients, gateway and server share one machine, so a call through the gateway pays for both processes.
#![expect(clippy::print_stdout, reason = "what a benchmark prints is its result")]

#[expect(dead_code, reason = "other benches use more of it")]
#[path = "../../../server/benches/http/load.rs"]
mod load;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use load::{Rate, measure};

/// Length of a take.
const TAKE: Duration = Duration::from_secs(2);
/// Takes of each pair.
const ROUNDS: usize = 3;
/// Clients at the same time, where throughput is asked for.
const CLIENTS: usize = 8;

/// A process of the program, listening.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
        command.args(arguments).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        command.env("RUST_LOG", "warn").env("NO_PROXY", "*").env("INCOMING_LEADS_DATABASE", "memory");
        let mut child = command.env_remove("INCOMING_LEADS_TOKEN").spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the program prints a line");
        let address = line.trim_end().strip_prefix("listening on http://").expect("the address comes first");
        Self { address: address.parse().expect("an address"), child }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() {
    let server = Process::start(&["serve", "--demo"]);
    let logins = std::env::temp_dir().join(format!("incoming-leads-bench-{}.logins", std::process::id()));
    let row = r#"{"login": "a@example.com", "api_key": {"plain": "key"}, "upstream": {"token": "demo"}}"#;
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&logins).expect("a file of ours");
    std::io::Write::write_all(&mut file, row.as_bytes()).expect("the folder has room");
    let upstream = format!("http://{}", server.address);
    let path = logins.to_str().expect("the folder's name is text");
    let gateway =
        Process::start(&["gateway", "--upstream", &upstream, "--upstream-rate", "0", "--logins", path]);
    fs::remove_file(&logins).expect("the file is ours");

    compare("list of 50", &server, &gateway, list_v4, list_v2);
    compare("add of one call", &server, &gateway, add_v4, add_v2);
}

type Asked = fn(SocketAddr, u64) -> Vec<u8>;

/// Prints latency with one client and throughput with several, each as the median of its takes.
fn compare(what: &str, server: &Process, gateway: &Process, direct: Asked, through: Asked) {
    for clients in [1, CLIENTS] {
        let (mut direct_rates, mut through_rates) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            direct_rates.push(rate(server, clients, direct).per_second);
            through_rates.push(rate(gateway, clients, through).per_second);
        }
        let (direct, through) = (median(direct_rates), median(through_rates));
        if clients == 1 {
            let micros = |rate: f64| 1e6 / rate;
            println!("figure: {what}, v4 server directly = {:.0} us", micros(direct));
            println!("figure: {what}, v2 through the gateway = {:.0} us", micros(through));
            println!("figure: {what}, added by the gateway = {:.0} us", micros(through) - micros(direct));
        } else {
            println!("figure: {what}, {clients} clients, through the gateway = {through:.0} per s");
            println!("ratio: {what}, {clients} clients, gateway / v4 server = {:.2}", through / direct);
        }
    }
}

fn rate(process: &Process, clients: usize, asked: Asked) -> Rate {
    let address = process.address;
    measure(process.child.id(), address, TAKE, clients, move |number| asked(address, number))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn request(method: &str, target: &str, host: SocketAddr, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn list_v4(host: SocketAddr, _: u64) -> Vec<u8> {
    request("GET", "/api/v4/leads/unsorted?limit=50", host, "Authorization: Bearer demo\r\n", "")
}

fn list_v2(host: SocketAddr, _: u64) -> Vec<u8> {
    request("GET", &format!("/api/v2/incoming_leads?page_size=50&{KEY}"), host, "", "")
}

const KEY: &str = "login=a@example.com&api_key=key";

/// A call that is like no other: each has its own caller.
fn add_v4(host: SocketAddr, _: u64) -> Vec<u8> {
    let caller = unique();
    let body = format!(
        r#"[{{"source_name":"s","source_uid":"u","metadata":{{"from":"{caller}","phone":"1","called_at":1700000000,"duration":54,"service_code":"c"}},"_embedded":{{"leads":[{{"name":"Chain saws"}}]}}}}]"#
    );
    let headers = "Authorization: Bearer demo\r\nContent-Type: application/json\r\n";
    request("POST", "/api/v4/leads/unsorted/sip", host, headers, &body)
}

fn add_v2(host: SocketAddr, _: u64) -> Vec<u8> {
    let caller = unique();
    let body = format!(
        "add[0][source_name]=s&add[0][source_uid]=u&add[0][incoming_lead_info][from]={caller}\
         &add[0][incoming_lead_info][to]=1&add[0][incoming_lead_info][date_call]=1700000000\
         &add[0][incoming_lead_info][duration]=54&add[0][incoming_lead_info][service_code]=c\
         &add[0][incoming_entities][leads][0][name]=Chain+saws"
    );
    let headers = "Content-Type: application/x-www-form-urlencoded\r\n";
    request("POST", &format!("/api/v2/incoming_leads/sip?{KEY}"), host, headers, &body)
}

fn unique() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
