//! Servers in processes of their own, and what they are asked.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use http::HeaderValue;
use incoming_leads_server::Config;

use crate::load;

/// Says to this program that it answers everything with what the file of this name holds.
const CONSTANT: &str = "INCOMING_LEADS_BENCH_CONSTANT";
/// The administrator of the demo.
const TOKEN: &str = "demo";
/// Items of one add.
const BATCH: usize = 250;
const UNSORTED: &str = "/api/v4/leads/unsorted";

/// The program's server on a database.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(database: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--database", database]);
        command
            .args(["--connections-per-peer", "1024"])
            .env("RUST_LOG", "warn")
            .env_remove("INCOMING_LEADS_TOKEN");
        let (child, address) = listening(&mut command);
        Self { child, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    /// Tells it to stop, so that it leaves its files in order.
    fn drop(&mut self) {
        let kill = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.child.wait();
    }
}

/// A server that answers the same bytes to everything.
#[derive(Debug)]
pub(crate) struct Constant {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Constant {
    pub(crate) fn start(body: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("incoming-leads-bench-{}.body", std::process::id()));
        std::fs::write(&path, body).expect("there is a folder for temporary files");
        let mut command = Command::new(std::env::current_exe().expect("a program knows its file"));
        let (child, address) = listening(command.env(CONSTANT, &path));
        std::fs::remove_file(path).expect("the file is ours");
        Self { child, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers constant bytes until it is killed, where this process was started for that.
pub(crate) fn constant() -> bool {
    let Some(path) = std::env::var_os(CONSTANT) else { return false };
    let body = std::fs::read(path).expect("the file is there");
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    let kind = HeaderValue::from_static("application/hal+json");
    let started = incoming_leads_server::Server::start_constant(Config::default(), kind, body);
    let server = runtime.block_on(started).expect("a port of the loopback is free");
    println!("listening on {}", server.url());
    std::io::stdout().flush().expect("somebody reads");
    loop {
        std::thread::park();
    }
}

/// Starts a server; the address that it tells.
fn listening(command: &mut Command) -> (Child, SocketAddr) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program is there");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it was asked for");
    BufReader::new(stdout).read_line(&mut line).expect("it tells its address");
    let address = line.trim_end().strip_prefix("listening on http://").and_then(|text| text.parse().ok());
    (child, address.expect("it listens"))
}

/// A request for the first page.
pub(crate) fn list(host: SocketAddr) -> Vec<u8> {
    request(host, "GET", "?limit=250&filter[category]=sip", "")
}

/// A request that adds a call of its own.
pub(crate) fn add(host: SocketAddr, key: &str) -> Vec<u8> {
    request(host, "POST", "/sip", &format!("[{}]", call(key)))
}

/// Lets so many calls wait.
pub(crate) fn fill(host: SocketAddr, count: usize) {
    for batch in 0..count / BATCH {
        let items: Vec<_> = (0..BATCH).map(|number| call(&format!("f{batch}-{number}"))).collect();
        load::fetch(host, &request(host, "POST", "/sip", &format!("[{}]", items.join(","))));
    }
}

fn request(host: SocketAddr, method: &str, target: &str, body: &str) -> Vec<u8> {
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let length = body.len();
    format!(
        "{method} {UNSORTED}{target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n{kind}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A call as a telephone system sends it.
fn call(key: &str) -> String {
    format!(
        r#"{{"source_name":"Telephone system","source_uid":"pbx-main","metadata":{{"from":"14155550141","phone":"{key}","called_at":1751360811,"duration":184,"link":"https://pbx.example.com/recordings/61000","service_code":"pbx"}},"_embedded":{{"leads":[{{"name":"Heating out in two flats","price":2400}}],"contacts":[{{"name":"Marta Velling"}}],"companies":[{{"name":"Velling Property Management"}}]}}}}"#
    )
}
