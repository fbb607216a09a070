//! The program's server as a process that can be ended in every way.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::http::PATIENCE;

/// A running `incoming-leads serve`; it is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

/// The command that serves the demo's account from this database.
pub(crate) fn serve(database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--demo", "--database", database]);
    // All come from one peer here.
    command.args(["--connections-per-peer", "1024"]).env("RUST_LOG", "warn");
    for name in ["INCOMING_LEADS_TOKEN", "INCOMING_LEADS_LOG_FORMAT", "INCOMING_LEADS_DATABASE"] {
        command.env_remove(name);
    }
    command
}

impl Server {
    /// Starts it and waits until it listens.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::try_start(command).unwrap_or_else(|log| panic!("the server does not start: {log}"))
    }

    /// Starts it; what it logged where it ends instead of listening.
    pub(crate) fn try_start(command: &mut Command) -> Result<Self, String> {
        let log = folder().join("log");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").and_then(|text| text.parse().ok());
        let mut server = Self { child, address: SocketAddr::from(([0, 0, 0, 0], 0)), log };
        match address {
            Some(address) => {
                server.address = address;
                Ok(server)
            }
            None => {
                server.ended();
                Err(server.log())
            }
        }
    }

    /// kill -9, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.ended()
    }

    /// How it ended, where it has.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.has_ended() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end: {}", self.log())
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A database that is not there yet.
pub(crate) fn sqlite() -> String {
    format!("sqlite:{}", folder().join("leads.sqlite").display())
}

/// A new folder of its own for whoever asks. It stays: what went wrong can be looked at.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("durable-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}
