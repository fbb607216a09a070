//! How the port over v4 HTTP is set up.

use std::sync::Arc;
use std::time::Duration;

use incoming_leads_model::DuplicatePolicy;
use incoming_leads_transport::tokens::{Secret, TokenSource};
use incoming_leads_transport::{
    Authorized, Deadline, LimitRule, Limited, Limiter, MemoryLimiter, Reqwest, ReqwestBuilder, RetryPolicy,
    Retrying, SendError, SystemTime, Time, Traced, Transport,
};
use incoming_leads_wire_v4::{InvalidOrigin, Origin};
use thiserror::Error;

use crate::client::HttpV4;
use crate::reconcile::Reconciliation;

/// Sets the port up: whose, how it sends, and what it keeps in mind.
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpV4Builder {
    base_url: String,
    tokens: Option<Arc<dyn TokenSource>>,
    network: ReqwestBuilder,
    limiters: Vec<Arc<dyn Limiter>>,
    retries: RetryPolicy,
    within: Duration,
    pub(crate) options: Options,
}

/// What does not depend on how requests are sent.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) time: Arc<dyn Time>,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) duplicates: Option<DuplicatePolicy>,
    pub(crate) remembered_leads: usize,
    pub(crate) cached_cards: usize,
    pub(crate) card_age: Duration,
    pub(crate) notes: Notes,
}

/// What becomes of notes that come with the lead of an add: v4 takes none with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notes {
    /// The add is refused as unsupported: nothing is lost unseen.
    #[default]
    Refuse,
    /// Their texts are put on the lead by a call of their own once it is there. What the other side does not take is lost,
    /// and logged: the add has succeeded. Kinds of notes and further keys are always lost.
    Carry,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time: Arc::new(SystemTime),
            reconciliation: Reconciliation::default(),
            duplicates: None,
            remembered_leads: 20_000,
            cached_cards: 10_000,
            card_age: Duration::from_secs(30),
            notes: Notes::default(),
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
    /// No token was given.
    #[error("a token is due")]
    NoToken,
    /// The network cannot be used.
    #[error("the network cannot be set up")]
    Network(#[source] SendError),
}

impl HttpV4Builder {
    pub(crate) fn new(base_url: String) -> Self {
        let limiters = [LimitRule::INTEGRATION, LimitRule::ACCOUNT];
        Self {
            base_url,
            tokens: None,
            network: Reqwest::builder(),
            limiters: limiters.map(|rule| Arc::new(MemoryLimiter::new(rule)) as Arc<dyn Limiter>).into(),
            retries: RetryPolicy::default(),
            within: Duration::from_secs(120),
            options: Options::default(),
        }
    }

    /// With this long-lived access token.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        self.with_tokens(Arc::new(Secret::new(token)))
    }

    /// With access tokens from here: a grant of OAuth, say.
    pub fn with_tokens(self, tokens: Arc<dyn TokenSource>) -> Self {
        Self { tokens: Some(tokens), ..self }
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
    /// An operation that takes several exchanges takes several times as long at most. Default: 120 s.
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
    /// whether it took effect is sent again: the refusal names what is there. Default: not known, so nothing is sent
    /// again.
    pub fn with_duplicates(mut self, policy: DuplicatePolicy) -> Self {
        self.options.duplicates = Some(policy);
        self
    }

    /// How many incoming leads are kept in mind, as evidence of what became of them. Default: 20,000.
    pub fn with_remembered_leads(mut self, most: usize) -> Self {
        self.options.remembered_leads = most;
        self
    }

    /// How many bodies of entities are kept for lists, and how old they may be; an age of zero keeps none. What this
    /// handle decides it forgets; what others change shows after the age. Default: 10,000, 30 s.
    pub fn with_cards(mut self, most: usize, age: Duration) -> Self {
        self.options.cached_cards = most;
        self.options.card_age = age;
        self
    }

    /// Doing this with notes that come with a lead. Default: [`Notes::Refuse`].
    pub fn with_notes(mut self, notes: Notes) -> Self {
        self.options.notes = notes;
        self
    }

    /// Over the network: each attempt bears a token and keeps to the limits.
    ///
    /// # Errors
    /// [`BuildError`] when the base address is none, there is no token or no TLS.
    pub fn build(self) -> Result<HttpV4, BuildError> {
        let tokens = self.tokens.clone().ok_or(BuildError::NoToken)?;
        let network = self.network.clone();
        let network = if self.base_url.starts_with("http://") { network.without_tls() } else { network };
        let network = network.build().map_err(BuildError::Network)?;
        let time = Arc::clone(&self.options.time);
        let limited = Limited::new(network, self.limiters.clone(), Arc::clone(&time));
        let retrying = Retrying::new(Authorized::new(limited, tokens), self.retries, time);
        let transport = Traced::new(Deadline::new(retrying, self.within));
        self.over(transport)
    }

    /// Over a transport of one's own, which puts tokens on requests and keeps to limits itself.
    ///
    /// # Errors
    /// [`BuildError`] when the base address is none.
    pub fn over(self, transport: impl Transport) -> Result<HttpV4, BuildError> {
        let origin = Origin::new(&self.base_url).map_err(BuildError::BaseUrl)?;
        Ok(HttpV4::with_options(Arc::new(transport), origin, self.options))
    }
}
