//! How the port over v2 HTTP is set up.

use std::sync::Arc;
use std::time::Duration;

use incoming_leads_model::DuplicatePolicy;
use incoming_leads_transport::tokens::{Secret as Token, TokenSource};
use incoming_leads_transport::{
    Authorized, Deadline, LimitRule, Limited, Limiter, MemoryLimiter, Reqwest, ReqwestBuilder, RetryPolicy,
    Retrying, SendError, SystemTime, Time, Traced, Transport,
};
use incoming_leads_wire_v2::sign_in::{ApiKey, Secret};
use incoming_leads_wire_v2::{Encoding, InvalidOrigin, Origin};
use thiserror::Error;

use crate::client::HttpV2;
use crate::reconcile::Reconciliation;
use crate::signed::{WithKey, WithSession};

/// Sets the port up: whose, how it sends, and what it keeps in mind.
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpV2Builder {
    base_url: String,
    identity: Option<Identity>,
    network: ReqwestBuilder,
    limiters: Vec<Arc<dyn Limiter>>,
    retries: RetryPolicy,
    within: Duration,
    pub(crate) options: Options,
}

/// How it says who asks.
#[derive(Debug, Clone)]
enum Identity {
    Key(ApiKey),
    Session(ApiKey),
    Tokens(Arc<dyn TokenSource>),
}

/// What does not depend on how requests are sent.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) time: Arc<dyn Time>,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) duplicates: Option<DuplicatePolicy>,
    pub(crate) remembered_leads: usize,
    pub(crate) encoding: Encoding,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time: Arc::new(SystemTime),
            reconciliation: Reconciliation::default(),
            duplicates: None,
            remembered_leads: 20_000,
            encoding: Encoding::Json,
        }
    }
}

/// Why the port cannot be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base address is none.
    #[error("the base address is wrong")]
    BaseUrl(#[source] InvalidOrigin),
    /// No credentials were given.
    #[error("login and key, or a token, are due")]
    NoCredentials,
    /// The network cannot be used.
    #[error("the network cannot be set up")]
    Network(#[source] SendError),
}

impl HttpV2Builder {
    pub(crate) fn new(base_url: String) -> Self {
        let limiters = [LimitRule::INTEGRATION, LimitRule::ACCOUNT];
        Self {
            base_url,
            identity: None,
            network: Reqwest::builder(),
            limiters: limiters.map(|rule| Arc::new(MemoryLimiter::new(rule)) as Arc<dyn Limiter>).into(),
            retries: RetryPolicy::default(),
            within: Duration::from_secs(120),
            options: Options::default(),
        }
    }

    /// With login and key in the query of each request, as the v2 document prints it.
    pub fn with_api_key(self, login: impl Into<String>, api_key: impl Into<String>) -> Self {
        Self { identity: Some(Identity::Key(key(login, api_key))), ..self }
    }

    /// With a session that login and key open: the key is sent once in a while, in a body.
    pub fn with_session(self, login: impl Into<String>, api_key: impl Into<String>) -> Self {
        Self { identity: Some(Identity::Session(key(login, api_key))), ..self }
    }

    /// With this bearer token.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        self.with_tokens(Arc::new(Token::new(token)))
    }

    /// With bearer tokens from here: a grant of OAuth, say.
    pub fn with_tokens(self, tokens: Arc<dyn TokenSource>) -> Self {
        Self { identity: Some(Identity::Tokens(tokens)), ..self }
    }

    /// With these time-outs and bounds of the network. Default: those of [`Reqwest::builder`].
    pub fn with_network(self, network: ReqwestBuilder) -> Self {
        Self { network, ..self }
    }

    /// Keeping to these limits. Default: 7 requests a second for the integration, 50 for the account, in this process.
    pub fn with_limiters(self, limiters: Vec<Arc<dyn Limiter>>) -> Self {
        Self { limiters, ..self }
    }

    /// Sending again by this policy what surely did no harm. Default: [`RetryPolicy::default`].
    pub fn with_retries(self, retries: RetryPolicy) -> Self {
        Self { retries, ..self }
    }

    /// Ending each exchange within this time: a request with all its attempts, pauses, and waits for a turn and a token.
    /// Default: 120 s.
    pub fn with_exchange_timeout(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// On this time. Default: the system's.
    pub fn with_time(mut self, time: Arc<dyn Time>) -> Self {
        self.options.time = time;
        self
    }

    /// Looking for lost writes so. Default: [`Reconciliation::default`].
    pub fn with_reconciliation(mut self, reconciliation: Reconciliation) -> Self {
        self.options.reconciliation = reconciliation;
        self
    }

    /// What the account does with a second identical lead that waits. Where it refuses, an add of which nobody knows
    /// whether it took effect is sent again. Default: not known, so nothing is sent again.
    pub fn with_duplicates(mut self, policy: DuplicatePolicy) -> Self {
        self.options.duplicates = Some(policy);
        self
    }

    /// How many incoming leads are kept in mind, as evidence of what came later. Default: 20,000.
    pub fn with_remembered_leads(mut self, most: usize) -> Self {
        self.options.remembered_leads = most;
        self
    }

    /// Writing commands so. Default: JSON, because a form cannot carry all that an add may hold.
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.options.encoding = encoding;
        self
    }

    /// Over the network: each attempt bears credentials and keeps to the limits.
    ///
    /// # Errors
    /// [`BuildError`] when the base address is none, there are no credentials or no TLS.
    pub fn build(self) -> Result<HttpV2, BuildError> {
        let origin = Origin::new(&self.base_url).map_err(BuildError::BaseUrl)?;
        let identity = self.identity.clone().ok_or(BuildError::NoCredentials)?;
        let network = self.network.clone();
        let network = if self.base_url.starts_with("http://") { network.without_tls() } else { network };
        let network = network.build().map_err(BuildError::Network)?;
        let time = Arc::clone(&self.options.time);
        let limited = Limited::new(network, self.limiters.clone(), Arc::clone(&time));
        match identity {
            Identity::Key(key) => self.with_attempts(WithKey { inner: limited, key }),
            Identity::Session(key) => self.with_attempts(WithSession::new(limited, key, origin)),
            Identity::Tokens(tokens) => self.with_attempts(Authorized::new(limited, tokens)),
        }
    }

    /// Sends each request as often as it makes sense, and ends in time.
    fn with_attempts(self, transport: impl Transport) -> Result<HttpV2, BuildError> {
        let retrying = Retrying::new(transport, self.retries, Arc::clone(&self.options.time));
        let transport = Traced::new(Deadline::new(retrying, self.within));
        self.over(transport)
    }

    /// Over a transport of one's own, which puts credentials on requests and keeps to limits itself.
    ///
    /// # Errors
    /// [`BuildError`] when the base address is none.
    pub fn over(self, transport: impl Transport) -> Result<HttpV2, BuildError> {
        let origin = Origin::new(&self.base_url).map_err(BuildError::BaseUrl)?;
        Ok(HttpV2::with_options(Arc::new(transport), origin, self.options))
    }
}

fn key(login: impl Into<String>, api_key: impl Into<String>) -> ApiKey {
    ApiKey { login: login.into(), api_key: Secret::new(api_key) }
}
