//! The gate over a table of ready sessions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use incoming_leads_port::{Digest, Error};

use super::sessions::Sessions;
use super::{Credentials, Denied, Gate, Host, Session, digest};

/// The gate over a table of ready sessions: all that a gateway needs.
///
/// ```
/// # use std::sync::Arc;
/// # use incoming_leads_port::{IncomingLeads, Ports};
/// use incoming_leads_server::{Session, SessionTable};
///
/// # fn gate(port: Arc<dyn IncomingLeads>) -> SessionTable {
/// SessionTable::new().with("a token", Session::new(Ports::new(port)))
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SessionTable {
    sessions: HashMap<Digest, Entry>,
    /// Those of v2, which live in this process alone.
    opened: Arc<Mutex<Sessions>>,
}

#[derive(Clone, Debug)]
struct Entry {
    session: Session,
    subdomain: Option<String>,
}

impl SessionTable {
    /// A table that lets nobody in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a session for whoever shows this token, on any host.
    #[must_use]
    pub fn with(self, token: &str, session: Session) -> Self {
        self.with_digest(digest(token), session)
    }

    /// With a session for whoever shows what has this digest, on any host.
    #[must_use]
    pub fn with_digest(mut self, digest: Digest, session: Session) -> Self {
        self.sessions.insert(digest, Entry { session, subdomain: None });
        self
    }

    /// With a session for whoever shows this token, of the account with this sub-domain: its host is for it alone.
    #[must_use]
    pub fn with_subdomain(mut self, token: &str, subdomain: &str, session: Session) -> Self {
        self.sessions
            .insert(digest(token), Entry { session, subdomain: Some(subdomain.to_ascii_lowercase()) });
        self
    }
}

impl SessionTable {
    fn opened(&self) -> MutexGuard<'_, Sessions> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Gate for SessionTable {
    async fn admit(&self, credentials: Credentials<'_>, host: &Host) -> Result<Session, Denied> {
        let shown = match credentials {
            Credentials::Session(_) => self.opened().shown(&credentials.digest()).ok_or(Denied::Unknown)?,
            Credentials::Bearer(_) | Credentials::ApiKey { .. } => credentials.digest(),
        };
        let entry = self.sessions.get(&shown).ok_or(Denied::Unknown)?;
        let of_host = host
            .subdomain()
            .filter(|label| self.sessions.values().any(|entry| entry.subdomain.as_deref() == Some(label)));
        if of_host.is_some() && of_host != entry.subdomain.as_deref() {
            return Err(Denied::Unknown);
        }
        Ok(entry.session.clone())
    }

    async fn open_session(
        &self,
        credentials: Credentials<'_>,
        host: &Host,
        id: &str,
        life: Duration,
    ) -> Result<Session, Denied> {
        let session = self.admit(credentials, host).await?;
        self.opened().open(Credentials::Session(id).digest(), credentials.digest(), life);
        Ok(session)
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
}
