//! What crashes.

use std::net::SocketAddr;
use std::process::Command;

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
