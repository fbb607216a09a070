//! A private server: made, started, stopped and killed.

use std::fs::{self, File};
use std::io::Read;
use std::marker::PhantomData;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::binaries;
use crate::error::{Error, Result, io};

/// The superuser of the cluster.
const USER: &str = "leads";
/// How long a server may take to come up: it may have much of its log to read again.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to stop before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    fsync: bool,
    tls: Option<(String, String)>,
    options: Vec<(String, String)>,
}

impl Default for Settings {
    /// With fsync.
    fn default() -> Self {
        Self { fsync: true, tls: None, options: Vec::new() }
    }
}

impl Settings {
    /// Without fsync a stop of the machine loses data; a stop of the server never does.
    #[must_use]
    pub fn with_fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
        self
    }

    /// Offers TLS with this certificate and its key, both as PEM.
    #[must_use]
    pub fn with_tls(mut self, certificate: &str, key: &str) -> Self {
        self.tls = Some((certificate.to_owned(), key.to_owned()));
        let (on, file) =
            ("on".to_owned(), |name: &str| (format!("ssl_{name}_file"), format!("../{name}.pem")));
        self.options.extend([("ssl".to_owned(), on), file("cert"), file("key")]);
        self
    }

    /// With a parameter of the server, such as `max_connections`.
    #[must_use]
    pub fn with(mut self, parameter: &str, value: &str) -> Self {
        self.options.push((parameter.to_owned(), value.to_owned()));
        self
    }
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Connections are ended, all is written.
    Fast,
    /// At once, without writing anything: as if it had crashed.
    Immediate,
    /// By `SIGKILL`, which it cannot even notice.
    Kill,
}

/// A PostgreSQL of our own. Stopped, and its folder removed, on drop.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    password: String,
    port: u16,
    settings: Settings,
    owner: Option<Owner>,
    child: Option<Child>,
    spawner: Spawner,
    cleaner: Child,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// [`Error::Absent`] on a machine without PostgreSQL; else what failed.
    pub fn start(settings: &Settings) -> Result<Self> {
        let mut made = Self::make(settings)?;
        made.initialise()?;
        made.resume()?;
        Ok(made)
    }

    /// A standby of this server, started; it follows until [`Postgres::promote`].
    ///
    /// # Errors
    /// What failed.
    pub fn standby(&self) -> Result<Self> {
        let mut made = Self::make(&self.settings)?;
        let mut copy = made.tool("pg_basebackup")?;
        copy.args(["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"]);
        copy.arg("--pgdata").arg(made.data()).arg("--dbname").arg(self.url("postgres"));
        binaries::run(&mut copy)?;
        made.password.clone_from(&self.password);
        made.resume()?;
        Ok(made)
    }

    /// Makes a standby the server that is written to.
    ///
    /// # Errors
    /// When it is none.
    pub fn promote(&self) -> Result<()> {
        self.sql("select pg_promote()").map(drop)
    }

    /// The address of a database of it, by its socket.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgresql://{USER}@{host}:{}/{database}", self.port)
    }

    /// The address of a database of it, by TCP.
    #[must_use]
    pub fn tcp_url(&self, database: &str) -> String {
        format!("postgresql://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The port on loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops it and waits until it has ended. Its data stay.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run.
    pub fn stop(&mut self, stop: Stop) -> Result<()> {
        let mut child = self.child.take().ok_or(Error::State("not running"))?;
        let signal = match stop {
            Stop::Fast => Signal::INT,
            Stop::Immediate => Signal::QUIT,
            Stop::Kill => Signal::KILL,
        };
        signal_to(&child, signal)?;
        let start = Instant::now();
        while child.try_wait().map_err(io("wait for the server"))?.is_none() {
            if start.elapsed() > STOP_LIMIT {
                signal_to(&child, Signal::KILL)?;
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts it again on its data, on the same port.
    ///
    /// # Errors
    /// What failed.
    pub fn resume(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Err(Error::State("running already"));
        }
        let start = Instant::now();
        // The processes of one that was killed go a moment after it, and until then there is no other on their data.
        loop {
            self.child = Some(self.spawn()?);
            if self.wait_until_ready()? {
                return Ok(());
            }
            self.child = None;
            if start.elapsed() > START_LIMIT {
                let folder = self.folder.clone();
                return Err(Error::NotReady { folder, log: self.log() });
            }
            thread::sleep(POLL);
        }
    }

    /// Stops and starts it.
    ///
    /// # Errors
    /// What failed.
    pub fn restart(&mut self, stop: Stop) -> Result<()> {
        self.stop(stop)?;
        self.resume()
    }

    /// Stops all its processes where they stand, until what is returned is dropped. Its kernel goes on: it takes
    /// connections and acknowledges what is sent.
    ///
    /// # Errors
    /// [`Error::State`] when it does not run.
    pub fn freeze(&self) -> Result<Frozen<'_>> {
        let server = self.pid().ok_or(Error::State("not running"))?;
        // The first of them first, lest it makes more; all go on when we are gone, too.
        let script = r#"kill -STOP "$1"
            others=$(ps -A -o pid= -o ppid= | while read -r pid of; do [ "$of" = "$1" ] && echo "$pid"; done)
            kill -STOP $others
            echo; read -r _
            kill -CONT $others "$1""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "freezer", &server.to_string()]);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut shell = shell.spawn().map_err(io("start a shell"))?;
        let said = shell.stdout.take().map(|mut said| said.read_exact(&mut [0]));
        let frozen = Frozen { shell, _server: PhantomData };
        said.transpose().map_err(io("stop the processes"))?;
        Ok(frozen)
    }

    /// Asks something as its superuser; the answer's rows as lines, columns parted by `|`.
    ///
    /// # Errors
    /// What failed.
    pub fn sql(&self, sql: &str) -> Result<String> {
        let mut psql = self.tool("psql")?;
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d"]).arg(self.url("postgres"));
        Ok(binaries::run(psql.args(["-c", sql]))?.trim_end().to_owned())
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.join("log")).map_or_else(
            |error| format!("no log: {error}"),
            |bytes| String::from_utf8_lossy(&bytes).trim().to_owned(),
        )
    }

    /// The folder of its data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn make(settings: &Settings) -> Result<Self> {
        binaries::folder()?;
        let folder = tempfile::Builder::new().prefix("leads-pg-").tempdir();
        let folder = folder.map_err(io("make a temporary folder"))?;
        let owner = Owner::needed()?;
        if let Some(Owner { uid, gid }) = owner {
            chown(folder.path(), Some(uid), Some(gid)).map_err(io("hand the folder over"))?;
        }
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder.path(), mode).map_err(io("close the folder"))?;
        let cleaner = cleaner(folder.path())?;
        Ok(Self {
            folder: folder.keep(),
            password: password()?,
            port: free_port()?,
            settings: settings.clone(),
            owner,
            child: None,
            spawner: Spawner::new(),
            cleaner,
        })
    }

    fn initialise(&self) -> Result<()> {
        let file = self.write("password", &self.password)?;
        if let Some((certificate, key)) = &self.settings.tls {
            self.write("cert.pem", certificate)?;
            self.write("key.pem", key)?;
        }
        let mut initdb = self.tool("initdb")?;
        initdb.args(["--username", USER, "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]);
        initdb.arg("--pwfile").arg(&file).arg("--pgdata").arg(self.data());
        binaries::run(&mut initdb).map(drop)
    }

    /// A file that the server alone reads.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(io(format!("write {name}")))?;
        if let Some(Owner { uid, gid }) = self.owner {
            chown(&file, Some(uid), Some(gid)).map_err(io(format!("hand {name} over")))?;
        }
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&file, mode).map_err(io(format!("close {name}")))?;
        Ok(file)
    }

    /// A program of PostgreSQL, as the user the cluster belongs to.
    fn tool(&self, name: &str) -> Result<Command> {
        let mut command = binaries::program(name)?;
        self.dress(&mut command);
        Ok(command)
    }

    fn dress(&self, command: &mut Command) {
        // Nothing of what the environment says to clients of PostgreSQL is meant for this one.
        let variables = std::env::vars_os().map(|(name, _)| name);
        for name in variables.filter(|name| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.current_dir(&self.folder);
        if let Some(Owner { uid, gid }) = self.owner {
            command.uid(uid).gid(gid);
        }
    }

    fn spawn(&self) -> Result<Child> {
        let server = binaries::program("postgres")?;
        // Where the system can, it ends the server when this process ends.
        let mut command = if has_setpriv() {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "QUIT", "--"]).arg(server.get_program());
            command
        } else {
            server
        };
        self.dress(&mut command);
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let on = |on: bool| if on { "on" } else { "off" }.to_owned();
        let ours = [
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("unix_socket_directories", self.folder.display().to_string()),
            ("fsync", on(self.settings.fsync)),
            ("full_page_writes", on(self.settings.fsync)),
            ("max_connections", "200".to_owned()),
            ("log_checkpoints", "off".to_owned()),
        ];
        let theirs = self.settings.options.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in ours.into_iter().chain(theirs) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let log = File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.map_err(io("open the log"))?;
        let other = log.try_clone().map_err(io("open the log"))?;
        // In a group of its own, so that an interrupt at the terminal is for us alone.
        command.stdin(Stdio::null()).stdout(log).stderr(other).process_group(0);
        self.spawner.spawn(command)
    }

    /// Whether it came up; `false` when it ended instead.
    fn wait_until_ready(&mut self) -> Result<bool> {
        let file = self.data().join("postmaster.pid");
        let start = Instant::now();
        loop {
            let Some(child) = &mut self.child else { return Ok(false) };
            if child.try_wait().map_err(io("wait for the server"))?.is_some() {
                return Ok(false);
            }
            let said = fs::read_to_string(&file).unwrap_or_default();
            let lines: Vec<_> = said.lines().map(str::trim).collect();
            let is_ours = lines.first() == Some(&child.id().to_string().as_str());
            if is_ours && matches!(lines.get(7), Some(&("ready" | "standby"))) {
                return Ok(true);
            }
            if start.elapsed() > START_LIMIT {
                let folder = self.folder.clone();
                return Err(Error::NotReady { folder, log: self.log() });
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_some() {
            drop(self.stop(Stop::Immediate));
        }
        drop(fs::remove_dir_all(&self.folder));
        // Nothing is left for it to clean.
        drop(self.cleaner.kill());
        drop(self.cleaner.wait());
    }
}

/// A server that stands still. It goes on when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Frozen<'a> {
    shell: Child,
    _server: PhantomData<&'a Postgres>,
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}

/// Whom the cluster belongs to.
#[derive(Debug, Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Somebody else where we are root, whom PostgreSQL refuses.
    fn needed() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(io("read the users"))?;
        let find = |name: &str| {
            users.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next()? == name).then_some(())?;
                let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
                Some(Self { uid, gid })
            })
        };
        let owner = find("postgres").or_else(|| find("nobody"));
        owner.map(Some).ok_or(Error::State("not for root, and the machine has no other user"))
    }
}

/// Starts processes from one thread that lives as long as the server: the system takes the end of the thread that
/// started a process for the end of its parent.
#[derive(Debug)]
struct Spawner {
    commands: mpsc::Sender<(Command, mpsc::Sender<std::io::Result<Child>>)>,
}

impl Spawner {
    fn new() -> Self {
        let (commands, asked) = mpsc::channel::<(Command, mpsc::Sender<_>)>();
        thread::spawn(move || {
            for (mut command, answer) in asked {
                // Whoever asked may have gone.
                drop(answer.send(command.spawn()));
            }
        });
        Self { commands }
    }

    fn spawn(&self, command: Command) -> Result<Child> {
        let (answer, answered) = mpsc::channel();
        self.commands.send((command, answer)).expect("the thread ends with its sender");
        answered.recv().expect("each command is answered").map_err(io("start postgres"))
    }
}

/// A process that outlives us by a moment and removes the folder. A server whose folder is gone ends by itself.
fn cleaner(folder: &Path) -> Result<Child> {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"read -r _; sleep 1; rm -rf -- "$1"; sleep 1; rm -rf -- "$1""#, "cleaner"]);
    shell.arg(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    shell.spawn().map_err(io("start a shell"))
}

fn signal_to(child: &Child, signal: Signal) -> Result<()> {
    // It is our child and was not waited for, so the number is its own.
    let pid = Pid::from_child(child);
    kill_process(pid, signal).map_err(|error| Error::Io("send a signal".to_owned(), error.into()))
}

fn has_setpriv() -> bool {
    let mut setpriv = Command::new("setpriv");
    let tried = setpriv.args(["--pdeathsig", "keep", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    cfg!(target_os = "linux") && tried.status().is_ok_and(|status| status.success())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(io("find a free port"))?;
    Ok(listener.local_addr().map_err(io("find a free port"))?.port())
}

/// Loopback is open to every user of the machine.
fn password() -> Result<String> {
    let mut bytes = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(io("make a password"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
