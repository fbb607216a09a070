//! Which server, and as whom: by the command line, a profile or the environment.

use std::env;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_http_v4::HttpV4;
use incoming_leads_transport::tokens::{Secret, TokenSource};
use incoming_leads_transport::{
    Authorized, LimitRule, MemoryLimiter, Reqwest, RetryPolicy, Retrying, SystemTime, Transport,
};
use incoming_leads_wire_v4::Origin;

use crate::{Failure, profile, token};

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

    /// Requests a second at most; default: 7, as the vendor allows one integration
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
}

/// A server, and whoever asks it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) origin: Origin,
    pub(crate) tokens: Arc<dyn TokenSource>,
    /// Requests a second, where somebody has said so.
    pub(crate) rate: Option<u32>,
}

impl To {
    /// Finds out. What the command line says goes before the profile, and that before the environment.
    pub(crate) fn connection(&self) -> Result<Connection, Failure> {
        let is_named = self.url.is_some() || self.token.is_some();
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
        Ok(Connection { origin, tokens: Arc::new(Secret::new(token)), rate: self.rate })
    }
}

impl Connection {
    /// The port.
    pub(crate) fn leads(&self) -> Result<HttpV4, Failure> {
        self.leads_of(Arc::clone(&self.tokens))
    }

    /// The port of somebody else.
    pub(crate) fn leads_of(&self, tokens: Arc<dyn TokenSource>) -> Result<HttpV4, Failure> {
        let builder = HttpV4::builder(self.origin.as_str()).with_tokens(tokens);
        let builder = match self.rate {
            None => builder,
            Some(rate) => {
                builder.with_limiters(vec![Arc::new(MemoryLimiter::new(LimitRule::per_second(rate)))])
            }
        };
        let port = builder.build();
        Ok(port.with_context(|| format!("cannot talk to {}", self.origin))?)
    }

    /// What sends a request of one's own.
    pub(crate) fn transport(&self) -> Result<impl Transport + use<>, Failure> {
        let network = network(&self.origin)?;
        let authorized = Authorized::new(network, Arc::clone(&self.tokens));
        Ok(Retrying::new(authorized, RetryPolicy::default(), Arc::new(SystemTime)))
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
