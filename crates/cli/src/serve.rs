//! `incoming-leads serve`: a server over a store that this program chooses.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_model::document::Line;
use incoming_leads_model::grant::GRACE_SECS;
use incoming_leads_port::{Clock, Retention, SystemClock};
use incoming_leads_server::{Config, Limits, OAuth, PublicUrl, RegistryGate, Server, Tls};
use tracing_subscriber::EnvFilter;

use crate::database::{Database, DatabaseArgs, Role, Store};
use crate::seed::{Seed, plant};
use crate::trouble::TroubleArgs;
use crate::{Failure, demo, print, token};

/// Serve incoming leads over HTTP.
///
/// What is served is kept in an SQLite file, of the demo in memory, unless --database says otherwise. The first line on
/// standard output is `listening on http://ADDRESS:PORT`; logs go to standard error. SIGTERM and Ctrl-C let requests
/// under way finish; a second signal does not.
#[derive(Args)]
#[command(after_help = ENVIRONMENT)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    #[command(flatten)]
    database: DatabaseArgs,

    /// Bring a database of an older version up, at once and for good
    #[arg(long)]
    migrate: bool,

    #[command(flatten)]
    keep: KeepArgs,

    /// Take over the accounts of this file that the database does not have: the export document of the model, JSON
    /// objects one after the other
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    seed: Option<PathBuf>,

    /// Serve an example account with some twenty leads that wait, and print calls that are ready to paste
    #[arg(long)]
    demo: bool,

    /// Accounts of the seed or the demo take only adds that have every key which the documents call mandatory
    #[arg(long)]
    strict: bool,

    /// The token of the demo's administrator, instead of a fixed one; others see it in the list of processes, so
    /// better set INCOMING_LEADS_TOKEN
    #[arg(long, value_name = "TOKEN", requires = "demo", conflicts_with = "seed")]
    token: Option<String>,

    /// Open the routes by which chats and mails come in (the demo has them open)
    #[arg(long)]
    intake: bool,

    /// What links in answers begin with, such as `https://leads.example.com`; default: the host that a request names
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,

    /// Speak TLS with this certificate, a PEM file with the chain that it was signed with; default: plain HTTP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// A host name to answer to, whole or as *.example.com; may be given again; default: any
    #[arg(long = "name", value_name = "HOST", conflicts_with = "demo")]
    names: Vec<String>,

    /// Seconds for which a refresh token that was used is answered once more as it was the first time, in case that the
    /// answer was lost; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = GRACE_SECS)]
    refresh_grace: u32,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    trouble: TroubleArgs,
}

/// How long what nobody works with any longer is kept. Looked at every hour.
#[derive(Args)]
#[command(next_help_heading = "What is kept")]
struct KeepArgs {
    /// Days that the events of a lead are kept after the last of them, once it is decided; default: for ever
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_events: Option<u32>,

    /// Days that leads, contacts and companies lie in the bin, as declined ones do; default: for ever
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    keep_settled: Option<u32>,
}

/// The limits that depend on where a server stands; the others are as good anywhere.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Open connections
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections)]
    connections: usize,

    /// Open connections of one peer; behind a reverse proxy as many as of all
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections_per_peer)]
    connections_per_peer: usize,

    /// Bytes of a request body
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes)]
    body_bytes: usize,

    /// Seconds from a request to its answer
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().request_time.as_secs())]
    request_time: u64,

    /// Seconds that requests under way get when the server is told to stop
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().drain_time.as_secs())]
    drain_time: u64,

    /// Bytes of the cache of ready list items; 0 switches it off
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().cache_bytes)]
    cache_bytes: usize,
}

const ENVIRONMENT: &str = "\
Environment:
  INCOMING_LEADS_TOKEN          with --demo: the token of the administrator
  INCOMING_LEADS_DATABASE       where leads are kept, as --database takes it
  INCOMING_LEADS_CONTROL_TOKEN  with --control: the token of the control route
  RUST_LOG                      what is logged, such as warn or incoming_leads_server=debug; default: info
  INCOMING_LEADS_LOG_FORMAT     text (default) or json";

const STRICT_ALONE: &str = "\
--strict is for accounts that come from --demo or --seed; those that are kept already have their own policies";

const KEPT_IN_MEMORY: &str = "\
memory keeps all until the program ends: leave --keep-events and --keep-settled away, or name a --database that lasts, \
sqlite:PATH or postgres://USER@HOST/DATABASE";

const NO_ACCOUNT: &str = "\
there is no account yet: `incoming-leads account add` adds one, also while this server runs; --seed FILE brings some along";

impl Serve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        log()?;
        let (seed, keys) = match (&self.seed, self.demo) {
            (Some(path), _) => (Some(Seed::read(path)?), None),
            (None, true) => {
                let (seed, keys) = demo::open(token::given(self.token.clone())?, SystemClock.now())?;
                (Some(seed), Some(keys))
            }
            (None, false) if self.strict => return Err(Failure::Usage(STRICT_ALONE.to_owned())),
            (None, false) => (None, None),
        };
        let database = match self.database.named()? {
            None if self.demo => Database::Memory,
            Some(named) => named,
            None => Database::usual()?,
        };
        self.keep.check(&database)?;
        let store = self.fill(seed, &database).await?;
        self.keep.begin(store.clone());
        // Before the first line is out, so that whoever has read it can stop the server.
        let mut signals = Signals::new().context("cannot listen to signals")?;
        let oauth = OAuth::new(store.clone()).with_grace_secs(self.refresh_grace);
        let server = self.start(Arc::new(RegistryGate::new(store.clone())), oauth.clone()).await?;
        let mut told = format!("listening on {}\n", server.url());
        if database != Database::Memory {
            told += &format!("leads are kept in {database}\n");
        }
        if let Some(keys) = keys {
            let program = std::env::args_os().next().unwrap_or_else(|| "incoming-leads".into());
            let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
            let (program, url) =
                (program.to_string_lossy(), format!("{scheme}://{}", reachable(server.addr())));
            told += &keys.invitation(&*store, &oauth, &program, &url, &database, SystemClock.now()).await?;
            if keys.is_public && !server.addr().ip().is_loopback() {
                tracing::warn!("anybody may come in with the demo's tokens: set {}", token::VARIABLE);
            }
        }
        if let Err(error) = print(&told) {
            tracing::warn!("{error:#}");
        }
        signals.next().await;
        tracing::info!("stopping");
        tokio::select! {
            () = server.stop() => Ok(()),
            () = signals.next() => Err(anyhow!("stopped by a second signal before all requests were answered").into()),
        }
    }

    /// The store, with the accounts of the seed.
    async fn fill(&self, seed: Option<Seed>, database: &Database) -> Result<Arc<dyn Store>, Failure> {
        // What is wrong with a seed is said before anything is opened.
        let lines = match seed {
            Some(mut seed) => {
                if self.strict {
                    seed.require_documented_keys();
                }
                Some(seed.checked().await?)
            }
            None => None,
        };
        let store = database.open(Role::Server { migrates: self.migrate }).await?;
        if let Some(lines) = lines {
            let tokens = lines.iter().filter_map(|line| match line {
                Line::Token(token) => Some(token.clone()),
                _ => None,
            });
            let tokens: Vec<_> = tokens.collect();
            if plant(lines, &*store).await? == 0 {
                tracing::info!("the accounts of the seed are there already and stay as they are");
                // What is printed of a demo has to be true of one that lasts.
                for token in tokens.iter().filter(|_| self.demo) {
                    store.enrol(token).await.map_err(anyhow::Error::from)?;
                }
            }
        } else if store.accounts().await.map_err(anyhow::Error::from)?.is_empty() {
            tracing::warn!("{NO_ACCOUNT}");
        }
        Ok(store)
    }

    async fn start(&self, gate: Arc<RegistryGate>, oauth: OAuth) -> Result<Server, Failure> {
        let mut config = Config::default();
        config.listen = self.listen;
        config.names.clone_from(&self.names);
        config.public_url.clone_from(&self.public_url);
        config.intake = self.intake || self.demo;
        config.oauth = Some(oauth);
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            config.tls = Some(Tls::read(certificate, key).map_err(anyhow::Error::from)?);
        }
        config.limits = self.limits.limits();
        self.trouble.set_up(&mut config)?;
        let listen = self.listen;
        let started = Server::start(config, gate).await;
        let hint = "choose another address with --listen (port 0 picks a free one)";
        Ok(started.with_context(|| format!("cannot listen on {listen}; {hint}"))?)
    }
}

impl KeepArgs {
    /// What is asked for has to be possible.
    fn check(&self, database: &Database) -> Result<(), Failure> {
        match database {
            Database::Memory if self.retention() != Retention::default() => {
                Err(Failure::Usage(KEPT_IN_MEMORY.to_owned()))
            }
            Database::Memory | Database::Sqlite(_) | Database::Postgres(_) => Ok(()),
        }
    }

    fn retention(&self) -> Retention {
        let mut retention = Retention::default();
        (retention.events_days, retention.settled_days) = (self.keep_events, self.keep_settled);
        retention
    }

    /// Forgets from now on what has been kept long enough.
    fn begin(&self, store: Arc<dyn Store>) {
        let retention = self.retention();
        if retention == Retention::default() {
            return;
        }
        tokio::spawn(async move {
            let mut hours = tokio::time::interval(Duration::from_secs(60 * 60));
            loop {
                hours.tick().await;
                match store.sweep(retention).await {
                    Ok(count) => tracing::info!(count, "what was kept long enough is forgotten"),
                    Err(error) => tracing::warn!("what was kept long enough could not be forgotten: {error}"),
                }
            }
        });
    }
}

impl LimitArgs {
    pub(crate) fn limits(&self) -> Limits {
        let Self { connections, connections_per_peer, body_bytes, request_time, drain_time, cache_bytes } =
            *self;
        Limits {
            connections,
            connections_per_peer,
            body_bytes,
            request_time: Duration::from_secs(request_time),
            drain_time: Duration::from_secs(drain_time),
            cache_bytes,
            ..Limits::default()
        }
    }
}

/// Sends logs to standard error, as the environment says.
pub(crate) fn log() -> Result<(), Failure> {
    let variable = |name| match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Ok(String::new()),
        Err(error) => Err(Failure::Usage(format!("{name}: {error}"))),
    };
    let filter = variable("RUST_LOG")?;
    let filter = if filter.is_empty() { "info" } else { &filter };
    let filter = EnvFilter::try_new(filter).map_err(|error| Failure::Usage(format!("RUST_LOG: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // Where standard error is closed there is no place to complain about it either.
        .log_internal_errors(false);
    match variable("INCOMING_LEADS_LOG_FORMAT")?.as_str() {
        "" | "text" => lines.init(),
        "json" => lines.json().init(),
        _ => return Err(Failure::Usage("INCOMING_LEADS_LOG_FORMAT is text or json".to_owned())),
    }
    Ok(())
}

/// The address by which this machine reaches a server that listens there.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What tells the program to stop.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) async fn next(&mut self) {
        // Where Ctrl-C cannot be listened to it ends the program at once.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn all_addresses_are_reached_by_the_loopback() {
        for (listens, reached) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(listens.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
