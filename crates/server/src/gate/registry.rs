//! The gate over a port's registry.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::AccountId;
use incoming_leads_port::{Error, ErrorKind, Registry};

use super::{Credentials, Denied, Gate, Host, Session, digest};

/// The gate over a port's [`Registry`]: credentials are looked up by digest, accounts are opened for each request.
#[derive(Clone, Debug)]
pub struct RegistryGate {
    registry: Arc<dyn Registry>,
}

impl RegistryGate {
    /// The gate over this registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry }
    }

    /// A host whose first label is the sub-domain of an account is for that account alone. Other names are for all.
    async fn serves(&self, host: &Host, account: AccountId) -> Result<bool, Error> {
        let Some(subdomain) = host.subdomain() else { return Ok(true) };
        let accounts = self.registry.accounts().await?;
        let of_host = accounts.iter().find(|layout| layout.account.subdomain.eq_ignore_ascii_case(subdomain));
        Ok(of_host.is_none_or(|layout| layout.account.id == account))
    }
}

#[async_trait]
impl Gate for RegistryGate {
    async fn admit(&self, credentials: Credentials<'_>, host: &Host) -> Result<Session, Denied> {
        let principal = self.registry.principal(&credentials.digest()).await?.ok_or(Denied::Unknown)?;
        if !self.serves(host, principal.account_id).await? {
            return Err(Denied::Unknown);
        }
        let ports = self.registry.open(principal).await?;
        Ok(Session::of(principal, ports))
    }

    async fn ready(&self) -> Result<(), Error> {
        self.registry.principal(&digest("")).await.map(|_| ())
    }
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::Unauthorized { Self::Unknown } else { Self::Failed(error) }
    }
}
