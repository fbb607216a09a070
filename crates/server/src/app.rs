//! What all routes share: the gate, the names served, and how a request becomes a session.

use std::sync::Arc;

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
use crate::server::Config;
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
    public_url: Option<PublicUrl>,
    rates: Option<Rates>,
    limits: Limits,
}

impl App {
    pub(crate) fn new(config: &Config, gate: Arc<dyn Gate>) -> Arc<Self> {
        let Config { names, public_url, intake, oauth, rate_limit, limits, .. } = config.clone();
        let ready = Ready::new(limits.cache_bytes);
        let rates = rate_limit.map(Rates::new);
        Arc::new(Self { gate, intake, oauth, ready, names, public_url, rates, limits })
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
        self.public_url.as_ref().map_or_else(|| host.origin(), |url| url.origin().clone())
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
        let unauthorized = |detail| Failure::new(StatusCode::UNAUTHORIZED, detail);
        let token =
            bearer(headers).ok_or_else(|| unauthorized("a token is due: Authorization: Bearer TOKEN"))?;
        match app.gate.admit(Credentials::Bearer(token), host).await {
            Ok(session) => {
                if let Some(rates) = &app.rates {
                    let account = session.principal.map(|principal| principal.account_id);
                    let who = session.client_id.as_deref().unwrap_or(token);
                    rates.check(digest(who), account).map_err(Failure::page)?;
                }
                Ok(Self { session, origin: app.origin(host) })
            }
            Err(Denied::Unknown) => Err(unauthorized("the token is not known here")),
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
