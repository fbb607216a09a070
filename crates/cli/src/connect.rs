//! Which server, and as whom: by the command line, a profile or the environment.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use incoming_leads_http_v2::HttpV2;
use incoming_leads_http_v4::HttpV4;
use incoming_leads_port::Ports;
use incoming_leads_transport::tokens::{Secret, TokenSource};
use incoming_leads_transport::{
    Authorized, Deadline, LimitRule, Limiter, MemoryLimiter, Reqwest, RetryPolicy, Retrying, SystemTime,
    Transport,
};
use incoming_leads_wire_v4::Origin;
use serde::{Deserialize, Serialize};

use crate::{Failure, profile, token};

/// How long one exchange may take, all attempts included.
const EXCHANGE_TIME: Duration = Duration::from_secs(120);
/// The server where none is named.
const HERE: &str = "http://127.0.0.1:8080";

/// Which server, and as whom.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct To {
    /// The server: of ours, or `https://NAME.kommo.com`; default: INCOMING_LEADS_URL, else `http://127.0.0.1:8080`
    #[arg(long, value_name = "URL", conflicts_with = "profile")]
    url: Option<String>,

    /// The token; others see it in the list of processes, so better set INCOMING_LEADS_TOKEN or use a profile
    #[arg(long, value_name = "TOKEN", conflicts_with = "profile")]
    token: Option<String>,

    /// Server and token of this profile (see `profile --help`); default: INCOMING_LEADS_PROFILE, if neither --url nor
    /// --token is given
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// The generation of the API to speak
    #[arg(long, value_enum, conflicts_with = "profile")]
    wire: Option<Wire>,

    /// With --wire v2: the login whose API key the token is; default: the token is a bearer token
    #[arg(long, value_name = "LOGIN", conflicts_with = "profile")]
    login: Option<String>,

    /// Requests a second at most; default: 7, as the vendor allows one integration
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
}

/// A generation of the API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wire {
    /// With all that there is
    #[default]
    V4,
    /// Of old installations: no get, no link, no filter by uid
    V2,
}

/// A server, and whoever asks it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) origin: Origin,
    pub(crate) wire: Wire,
    pub(crate) who: Who,
    /// Requests a second, where somebody has said so.
    pub(crate) rate: Option<u32>,
}

/// Whoever asks.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// Bears a token.
    Bearer(Arc<dyn TokenSource>),
    /// Signs in with an API key; on v2.
    Login(String, Secret),
}

impl To {
    /// Finds out. What the command line says goes before the profile, and that before the environment.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let is_named = self.url.is_some() || self.token.is_some() || self.login.is_some();
        let by_variable = || variable("INCOMING_LEADS_PROFILE").filter(|_| !is_named);
        if let Some(name) = self.profile.clone().or_else(by_variable) {
            let connection = profile::open(&name)?;
            return Ok(Connection { rate: self.rate, ..connection });
        }
        let url = self.url.clone().or_else(|| variable("INCOMING_LEADS_URL"));
        let origin = origin(url.as_deref().unwrap_or(HERE))?;
        let missing = || {
            Failure::Usage(format!("a token is due: set {}, give --profile or give --token", token::VARIABLE))
        };
        let token = token::given(self.token.clone())?.ok_or_else(missing)?;
        let (wire, token) = (self.wire.unwrap_or_default(), Secret::new(token));
        let who = match &self.login {
            Some(_) if wire == Wire::V4 => {
                return Err(Failure::Usage("--login goes with --wire v2".to_owned()));
            }
            Some(login) => Who::Login(login.clone(), token),
            None => Who::Bearer(Arc::new(token)),
        };
        Ok(Connection { origin, wire, who, rate: self.rate })
    }
}

impl Connection {
    /// The port, and whatever else the wire offers.
    pub(crate) fn ports(&self) -> Result<Ports, Failure> {
        self.ports_of(self.who.clone())
    }

    /// The same for somebody else.
    pub(crate) fn ports_of(&self, who: Who) -> Result<Ports, Failure> {
        let url = self.origin.as_str();
        let limiters = self
            .rate
            .map(|rate| vec![Arc::new(MemoryLimiter::new(LimitRule::per_second(rate))) as Arc<dyn Limiter>]);
        let ports = match (self.wire, who) {
            (Wire::V4, Who::Bearer(tokens)) => {
                let builder = HttpV4::builder(url).with_tokens(tokens);
                let builder = match limiters {
                    Some(limiters) => builder.with_limiters(limiters),
                    None => builder,
                };
                builder.build().map(|leads| leads.ports()).map_err(anyhow::Error::from)
            }
            (_, who) => {
                let builder = HttpV2::builder(url);
                let builder = match who {
                    Who::Bearer(tokens) => builder.with_tokens(tokens),
                    Who::Login(login, key) => builder.with_session(login, key.reveal()),
                };
                let builder = match limiters {
                    Some(limiters) => builder.with_limiters(limiters),
                    None => builder,
                };
                builder.build().map(|leads| Ports::new(Arc::new(leads))).map_err(anyhow::Error::from)
            }
        };
        Ok(ports.with_context(|| format!("cannot talk to {}", self.origin))?)
    }

    /// What sends a request of one's own.
    pub(crate) fn transport(&self) -> Result<impl Transport + use<>, Failure> {
        let Who::Bearer(tokens) = &self.who else {
            return Err(Failure::Usage("this needs a bearer token, and no --login".to_owned()));
        };
        let authorized = Authorized::new(network(&self.origin)?, Arc::clone(tokens));
        let retrying = Retrying::new(authorized, RetryPolicy::default(), Arc::new(SystemTime));
        Ok(Deadline::new(retrying, EXCHANGE_TIME))
    }
}

/// The network to a server, without anybody's token.
pub(crate) fn network(origin: &Origin) -> Result<Reqwest, Failure> {
    let network = Reqwest::builder();
    let network = if origin.as_str().starts_with("http://") { network.without_tls() } else { network };
    Ok(network.build().map_err(|error| anyhow!(error).context("cannot set up HTTP"))?)
}

/// The address of a server. What is none is not repeated: it may hold a password.
pub(crate) fn origin(url: &str) -> Result<Origin, Failure> {
    Origin::new(url).map_err(|error| Failure::Usage(format!("the address of the server is none: {error}")))
}

/// A variable that is there and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
