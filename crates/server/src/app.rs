//! What all routes share: the gate, the names served, and how a request becomes a session.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, StatusCode, header};
use hyper::body::Bytes;
use incoming_leads_wire_v4::Origin;

use crate::body::Incoming;
use crate::cache::Ready;
use crate::failure::Failure;
use crate::gate::{Credentials, Denied, Gate, Session, digest};
use crate::host::Host;
use crate::oauth::OAuth;
use crate::rate::Rates;
use crate::server::{Config, scheme};
use crate::{Limits, PublicUrl};

/// What all routes share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) intake: bool,
    pub(crate) oauth: Option<OAuth>,
    /// What is ready to go out; none when the cache is switched off.
    pub(crate) ready: Option<Ready>,
    names: Vec<String>,
    scheme: &'static str,
    public_url: Option<PublicUrl>,
    rates: Option<Rates>,
    limits: Limits,
}

impl App {
    pub(crate) fn new(config: &Config, gate: Arc<dyn Gate>) -> Arc<Self> {
        let Config { names, public_url, intake, oauth, rate_limit, limits, .. } = config.clone();
        let scheme = scheme(config.tls.is_some());
        let ready = Ready::new(limits.cache_bytes);
        let rates = rate_limit.map(Rates::new);
        Arc::new(Self { gate, intake, oauth, ready, names, scheme, public_url, rates, limits })
    }

    /// Refuses a host name that is not served.
    pub(crate) fn check_name(&self, host: &Host) -> Result<(), Failure> {
        if self.names.is_empty() || host.is_one_of(&self.names) {
            return Ok(());
        }
        Err(Failure::new(StatusCode::MISDIRECTED_REQUEST, "this host name is not served here"))
    }

    /// Where links of an answer to this host begin.
    pub(crate) fn origin(&self, host: &Host) -> Origin {
        self.public_url.as_ref().map_or_else(|| host.origin(self.scheme), |url| url.origin().clone())
    }

    /// How long an answer may be worked on, so that there is time left to give one.
    pub(crate) fn patience(&self) -> Duration {
        self.limits.request_time * 4 / 5
    }

    /// How long a session of v2 is open.
    pub(crate) const fn session_time(&self) -> Duration {
        self.limits.session_time
    }

    /// A request with its body, which is read within its size and its time.
    pub(crate) async fn read(&self, request: Request<Incoming>) -> Result<Request<Bytes>, Failure> {
        let (head, body) = request.into_parts();
        Ok(Request::from_parts(head, body.read(&self.limits).await?))
    }
}

/// Who asks, and where links of the answer begin.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) session: Session,
    pub(crate) origin: Origin,
}

impl Caller {
    /// Whoever shows the token of these headers on this host.
    pub(crate) async fn admit(app: &App, host: &Host, headers: &HeaderMap) -> Result<Self, Failure> {
        app.check_name(host)?;
        let token = bearer(headers)
            .ok_or_else(|| Failure::unauthorized("a token is due: Authorization: Bearer TOKEN"))?;
        Self::enter(app, host, Credentials::Bearer(token)).await
    }

    /// Whoever shows this on this host, which is served.
    pub(crate) async fn enter(app: &App, host: &Host, shown: Credentials<'_>) -> Result<Self, Failure> {
        let unknown = match shown {
            Credentials::Bearer(_) => "the token is not known here",
            Credentials::ApiKey { .. } => "login and api_key are not known here",
            Credentials::Session(_) => "the session is over; sign in again",
        };
        Self::entered(app, host, shown, app.gate.admit(shown, host).await, unknown)
    }

    /// Whoever showed this and was let in, or not.
    pub(crate) fn entered(
        app: &App,
        host: &Host,
        shown: Credentials<'_>,
        admitted: Result<Session, Denied>,
        unknown: &'static str,
    ) -> Result<Self, Failure> {
        match admitted {
            Ok(session) => {
                if let Some(rates) = &app.rates {
                    let account = session.principal.map(|principal| principal.account_id);
                    let integration = session.client_id.as_deref().map(digest);
                    let who = integration.unwrap_or_else(|| shown.digest());
                    rates.check(who, account).map_err(Failure::page)?;
                }
                Ok(Self { session, origin: app.origin(host) })
            }
            Err(Denied::Unknown) => Err(Failure::unauthorized(unknown)),
            Err(Denied::Failed(error)) => Err(error.into()),
        }
    }
}

/// The token of the one `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
