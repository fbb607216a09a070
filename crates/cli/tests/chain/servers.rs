//! This program as another process: servers on PostgreSQL, one for each line that it is told.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use incoming_leads_postgres::Options;
use incoming_leads_server::{Config, RegistryGate, Server};

use crate::turns::TheirClock;

/// Says to this program that it is the servers' process, and on which database.
const SERVES: &str = "INCOMING_LEADS_TEST_SERVES_A_CHAIN";
/// A process keeps so many servers; older ones belong to cases that have ended.
const MOST: usize = 100;

/// A process with servers, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Servers {
    pub(crate) fn start(database: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(SERVES, database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, pipes: Mutex::new(pipes) }
    }

    /// The address of a new server with this clock.
    pub(crate) fn serve(&self, clock: &Path) -> String {
        let mut pipes = self.pipes.lock().unwrap();
        let (stdin, stdout) = &mut *pipes;
        writeln!(stdin, "{}", clock.display()).unwrap();
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        url.trim_end().to_owned()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves what is asked for on standard input, where this process was started for that.
pub(crate) fn run() -> bool {
    let Ok(database) = std::env::var(SERVES) else { return false };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(Options::default().open(&database)).unwrap();
    let mut servers = Vec::new();
    for clock in std::io::stdin().lines() {
        let clock = Arc::new(TheirClock(File::open(clock.unwrap()).unwrap()));
        let gate = Arc::new(RegistryGate::new(Arc::new(store.with_clock(clock))));
        let server = runtime.block_on(Server::start(Config::default(), gate)).unwrap();
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{}", server.url()).unwrap();
        stdout.flush().unwrap();
        servers.push(server);
        if servers.len() > MOST {
            servers.remove(0);
        }
    }
    true
}
