//! `incoming-leads serve`: a server over a store that this program chooses.

use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_port::{Clock, SystemClock};
use incoming_leads_server::{Config, Limits, PublicUrl, RegistryGate, Server};
use tracing_subscriber::EnvFilter;

use crate::seed::Seed;
use crate::trouble::TroubleArgs;
use crate::{Failure, demo, print, token};

/// Serve incoming leads over HTTP.
///
/// What is served lives in memory and is gone when the program ends. The first line on standard output is `listening
/// on http://ADDRESS:PORT`; logs go to standard error. SIGTERM and Ctrl-C let requests under way finish; a second
/// signal does not.
#[derive(Args)]
#[command(after_help = ENVIRONMENT)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Serve what this file holds: the export document of the model, JSON objects one after the other
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    seed: Option<PathBuf>,

    /// Serve an example account with some twenty leads that wait, and print calls that are ready to paste
    #[arg(long)]
    demo: bool,

    /// Take only adds that have every key which the documents call mandatory
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

    /// A host name to answer to, whole or as *.example.com; may be given again; default: any
    #[arg(long = "name", value_name = "HOST", conflicts_with = "demo")]
    names: Vec<String>,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    trouble: TroubleArgs,
}

/// The limits that depend on where a server stands; the others are as good anywhere.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
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
  INCOMING_LEADS_CONTROL_TOKEN  with --control: the token of the control route
  RUST_LOG                      what is logged, such as warn or incoming_leads_server=debug; default: info
  INCOMING_LEADS_LOG_FORMAT     text (default) or json";

const NOTHING_TO_SERVE: &str = "\
nothing to serve: say where the accounts come from
  --demo        an example account, built in
  --seed FILE   accounts of your own
Both live in memory and are gone when the program ends.";

impl Serve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        log()?;
        let (mut seed, keys) = match (&self.seed, self.demo) {
            (Some(path), _) => (Seed::read(path)?, None),
            (None, true) => {
                let (seed, keys) = demo::open(token::given(self.token.clone())?, SystemClock.now())?;
                (seed, Some(keys))
            }
            (None, false) => return Err(Failure::Usage(NOTHING_TO_SERVE.to_owned())),
        };
        if self.strict {
            seed.require_documented_keys();
        }
        let registry = Arc::new(seed.into_memory().await?);
        // Before the first line is out, so that whoever has read it can stop the server.
        let mut signals = Signals::new().context("cannot listen to signals")?;
        let server = self.start(Arc::new(RegistryGate::new(registry.clone()))).await?;
        let mut told = format!("listening on {}\n", server.url());
        if let Some(keys) = keys {
            let program = std::env::args_os().next().unwrap_or_else(|| "incoming-leads".into());
            let (program, url) = (program.to_string_lossy(), format!("http://{}", reachable(server.addr())));
            told += &keys.invitation(&*registry, &program, &url, SystemClock.now()).await?;
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

    async fn start(&self, gate: Arc<RegistryGate>) -> Result<Server, Failure> {
        let mut config = Config::default();
        config.listen = self.listen;
        config.names.clone_from(&self.names);
        config.public_url.clone_from(&self.public_url);
        config.intake = self.intake || self.demo;
        config.limits = self.limits.limits();
        self.trouble.set_up(&mut config)?;
        let listen = self.listen;
        let started = Server::start(config, gate).await;
        let hint = "choose another address with --listen (port 0 picks a free one)";
        Ok(started.with_context(|| format!("cannot listen on {listen}; {hint}"))?)
    }
}

impl LimitArgs {
    fn limits(&self) -> Limits {
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
fn log() -> Result<(), Failure> {
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
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
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
