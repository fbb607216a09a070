//! This program as another process: servers on PostgreSQL, one for each line that it is told.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use incoming_leads_postgres::Options;
use incoming_leads_server::{Config, RegistryGate, Server};

use crate::turns::TheirClock;

/// Says to this program that it is the servers' process.
const SERVES: &str = "INCOMING_LEADS_TEST_SERVES_A_CHAIN";
/// A process keeps so many servers; older ones belong to cases that have ended.
const MOST: usize = 12;

/// A process with servers, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Servers {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(SERVES, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, pipes: Mutex::new(pipes) }
    }

    /// The address of a new server on this database, with this clock.
    pub(crate) fn serve(&self, database: &str, clock: &Path) -> String {
        let mut pipes = self.pipes.lock().unwrap();
        let (stdin, stdout) = &mut *pipes;
        writeln!(stdin, "{}\t{database}", clock.display()).unwrap();
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
    if std::env::var_os(SERVES).is_none() {
        return false;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut servers = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (clock, database) = line.split_once('\t').unwrap();
        let clock = Arc::new(TheirClock(File::open(clock).unwrap()));
        let server = runtime.block_on(async {
            let store =
                Options::default().with_connections(4).with_clock(clock).open(database).await.unwrap();
            Server::start(Config::default(), Arc::new(RegistryGate::new(Arc::new(store)))).await.unwrap()
        });
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
