//! What crashes.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use incoming_leads_testbed::{Error, HOW_TO_INSTALL, Postgres, Settings, Stop, in_ci};

use crate::crash::Stage;
use crate::server::Server;

/// One server process that is killed and started again on what it left behind.
pub(crate) struct Killed<C> {
    command: C,
    server: Option<Server>,
}

impl<C: Fn() -> Command> Killed<C> {
    pub(crate) fn new(command: C) -> Self {
        let server = Server::start(&mut command());
        Self { command, server: Some(server) }
    }
}

impl<C: Fn() -> Command + Sync> Stage for Killed<C> {
    fn servers(&self) -> Vec<SocketAddr> {
        self.server.iter().map(|server| server.address).collect()
    }

    fn crash(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    fn recover(&mut self) {
        self.server = Some(Server::start(&mut (self.command)()));
    }
}

/// A server that nothing happens to.
pub(crate) struct Spared(pub(crate) Server);

impl Stage for Spared {
    fn servers(&self) -> Vec<SocketAddr> {
        vec![self.0.address]
    }

    fn crash(&mut self) {}

    fn recover(&mut self) {}
}
/// PostgreSQL, which is stopped at once and started again, behind servers that stay.
pub(crate) struct Stopped {
    postgres: Postgres,
    servers: Vec<Server>,
}

impl Stopped {
    /// None where the machine has no PostgreSQL.
    pub(crate) fn new(settings: &Settings, servers: usize, command: fn(&str) -> Command) -> Option<Self> {
        let postgres = postgres(settings)?;
        let url = postgres.url("postgres");
        let servers = (0..servers).map(|_| Server::start(&mut command(&url))).collect();
        Some(Self { postgres, servers })
    }
}

/// A PostgreSQL of its own; none where the machine has none, which CI does not allow.
pub(crate) fn postgres(settings: &Settings) -> Option<Postgres> {
    match Postgres::start(settings) {
        Ok(postgres) => Some(postgres),
        Err(Error::Absent) if !in_ci() => {
            eprintln!("skipped: there is no PostgreSQL on this machine; {HOW_TO_INSTALL}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

impl Stage for Stopped {
    fn servers(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    fn crash(&mut self) {
        self.postgres.stop(Stop::Immediate).unwrap();
        // Long enough for a request to meet nothing.
        std::thread::sleep(Duration::from_millis(50));
        self.postgres.resume().unwrap();
    }

    fn recover(&mut self) {}
}
