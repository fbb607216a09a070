//! `incoming-leads gateway`: v2 and v4 in front of an account that speaks only v4.
//!
//! Nothing but composition: the server over the port over v4, with an outbox in front of it where one is wanted.

mod logins;
mod postponing;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_http_v4::{HttpV4, Notes};
use incoming_leads_model::DuplicatePolicy;
use incoming_leads_outbox::{Outbox, Settings};
use incoming_leads_port::SystemClock;
use incoming_leads_server::{Config, PublicUrl, Server, Session, SessionTable};
use incoming_leads_transport::{
    Authorized, LimitRule, Limited, Limiter, MemoryLimiter, Reqwest, RetryPolicy, Retrying, SystemTime, Time,
};

use crate::serve::{LimitArgs, Signals, log};
use crate::{Failure, print};
use logins::{Login, Logins};
use postponing::Postponing;

/// Keep v2 integrations alive against an account that speaks only v4.
///
/// Serves v2 (and v4, for tools that need both) and carries everything out at the upstream account, as the user whose
/// token stands beside the login in the table of logins. What the account answers is answered, what it cannot be asked
/// for is not made up: while it cannot be reached, requests are answered 503 with Retry-After, unless there is an
/// outbox. The first line on standard output is `listening on http://ADDRESS:PORT`.
#[derive(Args)]
#[command(after_help = TABLE)]
pub(crate) struct Gateway {
    /// The account's address: its scheme and host, as in `https://NAME.kommo.com`
    #[arg(long, value_name = "URL")]
    upstream: String,

    /// Who may come in, and as whom: the table of logins, which only its owner may read
    #[arg(long, value_name = "FILE")]
    logins: PathBuf,

    /// Take adds in while the account cannot be reached: they are kept in this file (one for each login, FILE.LOGIN),
    /// answered as a success with a uid of the gateway's own, and delivered when the account is back
    #[arg(long, value_name = "FILE")]
    outbox: Option<PathBuf>,

    /// The account refuses a second identical lead that waits, so that an add whose answer was lost may be sent again
    #[arg(long)]
    upstream_refuses_duplicates: bool,

    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// What links in answers begin with, such as `https://leads.example.com`; default: the host that a request names
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,

    /// A host name to answer to, whole or as *.example.com; may be given again; default: any
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,

    /// Requests a second to the account, of all logins together; 0 is as many as come
    #[arg(long, value_name = "COUNT", default_value_t = 7)]
    upstream_rate: u32,

    /// Seconds that one request to the account may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    upstream_time: u64,

    #[command(flatten)]
    limits: LimitArgs,
}

const TABLE: &str = r#"The table of logins: JSON objects one after the other, each
  {"login": "ADDRESS", "api_key": {"plain": "KEY"}, "upstream": {"token": "TOKEN"}}
where the key may also stand there as {"sha256": 64 HEX DIGITS}, the digest of `api key`, NUL, login in lower case, NUL,
key (as in: printf 'api key\0ada@example.com\0KEY' | sha256sum), and upstream as
  {"grant": {"file": "FILE", "client_id": "ID", "client_secret": "SECRET", "redirect_uri": "URL"}}
for a grant of OAuth that is kept, and renewed, in FILE. With "token": {"plain": "TOKEN"} (or {"sha256": ..}) tools that
speak v4 come in by that token."#;

impl Gateway {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        log()?;
        let logins = Logins::read(&self.logins)?;
        let table = self.table(logins)?;
        let mut signals = Signals::new().context("cannot listen to signals")?;
        let mut config = Config::default();
        config.listen = self.listen;
        config.names.clone_from(&self.names);
        config.public_url.clone_from(&self.public_url);
        config.limits = self.limits.limits();
        let started = Server::start(config, Arc::new(table)).await;
        let hint = "choose another address with --listen (port 0 picks a free one)";
        let server = started.with_context(|| format!("cannot listen on {}; {hint}", self.listen))?;
        if let Err(error) = print(&format!("listening on {}\n", server.url())) {
            tracing::warn!("{error:#}");
        }
        signals.next().await;
        tracing::info!("stopping");
        tokio::select! {
            () = server.stop() => Ok(()),
            () = signals.next() => Err(anyhow!("stopped by a second signal before all requests were answered").into()),
        }
    }

    /// One session for each login. All of them share the network and its limits.
    fn table(&self, logins: Logins) -> Result<SessionTable, Failure> {
        let network = Reqwest::builder().with_request_timeout(Duration::from_secs(self.upstream_time.max(1)));
        let network = network.build().context("the network cannot be set up")?;
        let rules = [LimitRule::per_second(self.upstream_rate), LimitRule::ACCOUNT];
        let rules = rules.into_iter().filter(|_| self.upstream_rate > 0);
        let limiters = rules.map(|rule| Arc::new(MemoryLimiter::new(rule)) as Arc<dyn Limiter>).collect();
        let time: Arc<dyn Time> = Arc::new(SystemTime);
        let limited = Arc::new(Limited::new(network.clone(), limiters, Arc::clone(&time)));
        let mut table = SessionTable::new();
        for login in logins.all {
            let Login { login, api_key, token, upstream } = login;
            let tokens = upstream.tokens(&self.upstream, network.clone(), Arc::clone(&time))?;
            let authorized = Authorized::new(Arc::clone(&limited), tokens);
            let retries = RetryPolicy::default().with_attempts(2).with_deadline(Duration::from_secs(5));
            let port = self.port(Retrying::new(authorized, retries, Arc::clone(&time)))?;
            let mut ports = port.ports();
            if let Some(file) = &self.outbox {
                ports.incoming = Arc::new(self.postponing(port, &beside(file, &login))?);
            }
            let session = Session::new(ports);
            table = table.with_digest(api_key, session.clone());
            if let Some(token) = token {
                table = table.with_digest(token, session);
            }
        }
        Ok(table)
    }

    fn port(&self, transport: impl incoming_leads_transport::Transport) -> Result<HttpV4, Failure> {
        let mut builder = HttpV4::builder(&self.upstream).with_notes(Notes::Carry);
        if self.upstream_refuses_duplicates {
            builder = builder.with_duplicates(DuplicatePolicy::Refuse);
        }
        builder.over(transport).map_err(|error| {
            Failure::Usage(format!("cannot talk to {}: {:#}", self.upstream, anyhow!(error)))
        })
    }

    /// The port with its outbox, which delivers from here on.
    fn postponing(&self, port: HttpV4, file: &Path) -> Result<Postponing, Failure> {
        let port: Arc<HttpV4> = Arc::new(port);
        let opened = Outbox::open(file, port.clone(), Arc::new(SystemClock), Settings::default());
        let outbox = opened.with_context(|| format!("the outbox {} cannot be opened", file.display()))?;
        let (waiting, dead) = (outbox.waiting(), outbox.dead_letters().len());
        if waiting + dead > 0 {
            tracing::warn!(file = %file.display(), waiting, dead, "the outbox holds leads");
        }
        tokio::spawn(deliver(outbox.clone()));
        Ok(Postponing::new(port, outbox))
    }
}

/// How long an outbox whose file cannot be used is left alone.
const FILE_PAUSE: Duration = Duration::from_secs(10);

async fn deliver(outbox: Outbox) {
    loop {
        let Err(error) = outbox.run().await;
        tracing::error!(error = &error as &dyn std::error::Error, "the outbox cannot deliver");
        tokio::time::sleep(FILE_PAUSE).await;
    }
}

/// The outbox of this login. What a file's name had better not hold stands there in hex.
fn beside(file: &Path, login: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    for character in login.chars() {
        match character {
            'a'..='z' | '0'..='9' | '@' | '.' | '-' | '_' => name.push(character.to_string()),
            other => name.push(format!("%{:x}", u32::from(other))),
        }
    }
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_login_has_an_outbox_of_its_own_beside_the_others() {
        let name = |login| beside(Path::new("/var/out"), login).display().to_string();
        assert_eq!(name("ada@example.com"), "/var/out.ada@example.com");
        assert_eq!(name("../a b"), "/var/out...%2fa%20b");
    }
}
