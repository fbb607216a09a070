//! The port over v4 HTTP, before the server over memory, put through the conformance kit.
//!
//! Chats and mails come in through the store behind the server: v4 has no way for them.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{
    ACCOUNT, ADMINISTRATOR, FOREIGN_ACCOUNT, SORTER, START, STRANGER, VIEWER,
};
use incoming_leads_conformance::{Fixture, Instance, Kit, Skip, Subject};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_port::{Ids, ManualClock, Ports, Registry};
use incoming_leads_server::{Config, RegistryGate, Server, digest};

#[derive(Debug)]
struct OverHttp;

#[async_trait]
impl Subject for OverHttp {
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
        let clock = Arc::new(ManualClock::new(START));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::random()));
        let behind = Instance::of_store(&memory, fixture).await.expect("memory takes every fixture");
        let users =
            [(ACCOUNT, ADMINISTRATOR), (ACCOUNT, SORTER), (ACCOUNT, VIEWER), (FOREIGN_ACCOUNT, STRANGER)];
        for (account_id, user_id) in users {
            let secret = Secret::Sha256(digest(&user_id.to_string()).to_hex());
            let token = Token::bearer(account_id, user_id, secret);
            memory.enrol(&token).await.expect("the fixture has the user");
        }
        let gate = Arc::new(RegistryGate::new(Arc::new(memory)));
        let server = Server::start(Config::default(), gate).await.expect("a port of the loopback is free");
        let url = server.url();
        let mut users = users.iter();
        let over_http = |store: Ports| {
            let (_, user) = users.next().expect("there are four handles");
            let leads = HttpV4::builder(&url).with_token(user.to_string()).with_limiters(Vec::new());
            let mut ports = leads.build().expect("the address and the token are there").ports();
            ports.intake = store.intake;
            ports
        };
        Ok(behind.map(over_http).with_clock(clock).with_guard(server))
    }
}

fn main() -> ExitCode {
    Kit::new(OverHttp)
        .with_sequences(200)
        .deviates(
            "directory::notes_come_with_leads",
            "v4 has no place for the notes of a lead that is added, so they are refused as unsupported",
        )
        .main()
}
