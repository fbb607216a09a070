//! The gate over a port's registry.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incoming_leads_model::document::{Secret, Token, TokenKind};
use incoming_leads_model::{AccountId, Moment};
use incoming_leads_port::{AccountKey, Clock, Error, ErrorKind, Principal, Registry, SystemClock};

use super::sessions::Sessions;
use super::{Credentials, Denied, Gate, Host, Session, digest};

/// The gate over a port's [`Registry`]: credentials are looked up by digest, accounts are opened for each request.
#[derive(Clone, Debug)]
pub struct RegistryGate {
    registry: Arc<dyn Registry>,
    clock: Arc<dyn Clock>,
    /// Those that were opened here: the registry keeps them, this bounds their number.
    sessions: Arc<Mutex<Sessions>>,
}

impl RegistryGate {
    /// The gate over this registry. What has expired by the system's clock lets nobody in.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, clock: Arc::new(SystemClock), sessions: Arc::default() }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// A host whose first label is the sub-domain of an account is for that account alone. Other names are for all.
    async fn serves(&self, host: &Host, account: AccountId) -> Result<bool, Error> {
        let Some(subdomain) = host.subdomain() else { return Ok(true) };
        let of_host = self.registry.account(AccountKey::Subdomain(subdomain)).await?;
        Ok(of_host.is_none_or(|layout| layout.account.id == account))
    }
}

#[async_trait]
impl Gate for RegistryGate {
    async fn admit(&self, credentials: Credentials<'_>, host: &Host) -> Result<Session, Denied> {
        let (token, ports) = self.registry.enter(&credentials.digest()).await?.ok_or(Denied::Unknown)?;
        let principal = Principal { account_id: token.account_id, user_id: token.user_id };
        if !token.is_live(self.clock.now()) || !self.serves(host, principal.account_id).await? {
            return Err(Denied::Unknown);
        }
        Ok(Session { client_id: token.client_id, ..Session::of(principal, ports) })
    }

    /// The registry keeps sessions: where it is durable or shared they outlive this process and are good in others.
    async fn open_session(
        &self,
        credentials: Credentials<'_>,
        host: &Host,
        id: &str,
        life: Duration,
    ) -> Result<Session, Denied> {
        let session = self.admit(credentials, host).await?;
        let Some(Principal { account_id, user_id }) = session.principal else { return Err(Denied::Unknown) };
        let opened = Credentials::Session(id).digest();
        let secs = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let end = self.clock.now().secs().saturating_add(secs);
        let secret = Secret::Sha256(opened.to_hex());
        let mut token = Token::bearer(account_id, user_id, secret);
        token.kind = TokenKind::Session;
        token.expires_at = Some(Moment::from_secs(end).unwrap_or(Moment::MAX));
        self.registry.enrol(&token).await?;
        let shown = credentials.digest();
        let ended = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).open(opened, shown, life);
        for session in ended {
            self.registry.forget(&session).await?;
        }
        Ok(session)
    }

    async fn ready(&self) -> Result<(), Error> {
        self.registry.token(&digest("")).await.map(|_| ())
    }
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::Unauthorized { Self::Unknown } else { Self::Failed(error) }
    }
}
