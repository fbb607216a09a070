//! The whole chain put through the conformance kit: the port over v2, before the program's gateway, before the server over
//! memory.
//!
//! Chats and mails come in through the store behind all of it: no wire has a way for them.

#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{
    ACCOUNT, ADMINISTRATOR, FOREIGN_ACCOUNT, SORTER, START, STRANGER, VIEWER,
};
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject};
use incoming_leads_http_v2::HttpV2;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_model::{AccountId, UserId};
use incoming_leads_port::{Ids, ManualClock, Ports, Registry as _};
use incoming_leads_server::{Config, RegistryGate, Server, digest};

const USERS: [(AccountId, UserId); 4] =
    [(ACCOUNT, ADMINISTRATOR), (ACCOUNT, SORTER), (ACCOUNT, VIEWER), (FOREIGN_ACCOUNT, STRANGER)];

#[derive(Debug)]
struct Chain;

#[async_trait]
impl Subject for Chain {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let clock = Arc::new(ManualClock::new(START));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
        let behind = Instance::of_store(&memory, fixture).await.expect("memory takes every fixture");
        for (account, user) in USERS {
            let secret = Secret::Sha256(digest(&user.to_string()).to_hex());
            memory.enrol(&Token::bearer(account, user, secret)).await.expect("the fixture has the user");
        }
        let gate = Arc::new(RegistryGate::new(Arc::new(memory)));
        let upstream = Server::start(Config::default(), gate).await.expect("a port of the loopback is free");
        let gateway = Gateway::start(&upstream.url());
        let mut users = USERS.iter();
        let over_v2 = |store: Ports| {
            let (_, user) = users.next().expect("there are four handles");
            let leads = HttpV2::builder(&gateway.url).with_api_key(login(*user), user.to_string());
            let leads = leads.with_limiters(Vec::new()).build().expect("the address and the key are there");
            let mut ports = Ports::new(Arc::new(leads));
            ports.intake = store.intake;
            ports
        };
        Ok(behind.map(over_v2).with_clock(clock).with_guard((gateway, upstream)))
    }
}

fn login(user: UserId) -> String {
    format!("user-{user}@example.com")
}

/// The program's gateway before this upstream; it ends when it is dropped.
#[derive(Debug)]
struct Gateway {
    child: Child,
    url: String,
    logins: PathBuf,
}

impl Gateway {
    fn start(upstream: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let logins = std::env::temp_dir().join(format!("gateway-{}-{number}.json", std::process::id()));
        write_logins(&logins);
        let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
        command.args(["gateway", "--listen", "127.0.0.1:0", "--upstream", upstream, "--upstream-rate", "0"]);
        command.arg("--logins").arg(&logins).env("RUST_LOG", "off").env("NO_PROXY", "*");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the program prints a line");
        let url = line.trim_end().strip_prefix("listening on ").expect("the first line has the address");
        Self { child, url: url.to_owned(), logins }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.logins);
    }
}

fn write_logins(path: &Path) {
    let mut text = String::new();
    for (_, user) in USERS {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            r#"{{"login": "{}", "api_key": {{"plain": "{user}"}}, "upstream": {{"token": "{user}"}}}}"#,
            login(user)
        );
    }
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    std::io::Write::write_all(&mut file.expect("the folder can be written"), text.as_bytes())
        .expect("the file can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
}

fn main() -> ExitCode {
    // Each has a process of its own; the soak plays more.
    Kit::new(Chain)
        .deviates(
            "add::lacking_metadata_are_named",
            "what v2 requires beyond v4 is not checked: the gateway asks over v4, which requires less",
        )
        .with_sequences(20)
        .main()
}
