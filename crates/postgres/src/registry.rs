//! Who may come in, what integrations were allowed, and which accounts there are.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Layout, UserId};
use incoming_leads_port::{AccountKey, Digest, Operation, Ports, Principal, Registry, Result};

use crate::connection::Lease;
use crate::convert::{Account, account};
use crate::credentials;
use crate::error::{self, Fault};
use crate::layouts::Account as Seen;
use crate::store::{Handle, Postgres};

const OPERATION: Operation = Operation::Registry;

#[async_trait]
impl Registry for Postgres {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        let found = self.sight.tokens.find(*digest).await.map_err(|fault| fault.told(OPERATION))?;
        Ok(found.map(|(token, _)| token))
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        let now = self.clock.now();
        self.ask(OPERATION, move |lease| async move {
            let lease = lease.open("BEGIN").await?;
            let done = async {
                self.has_user(&lease, token.account_id, token.user_id).await?;
                credentials::sweep(&lease, now).await?;
                credentials::keep(&lease, token).await
            };
            let done = done.await;
            lease.end(done).await
        })
        .await
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        self.ask(OPERATION, move |lease| async move {
            // Not by itself: whoever loses the answer must not be told that there was none.
            let lease = lease.open("BEGIN").await?;
            let done = credentials::forget(&lease, digest).await;
            lease.end(done).await
        })
        .await
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        self.ask(OPERATION, move |lease| async move { credentials::grant(&lease, id).await }).await
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        let now = self.clock.now();
        self.ask(OPERATION, move |lease| async move {
            let lease = lease.open("BEGIN").await?;
            let done = async {
                if let Some(new) = new {
                    self.has_user(&lease, new.account_id, new.user_id).await?;
                    if new.id != id {
                        return Err(Fault::Invalid(format!("grant {} is not grant {id}", new.id)));
                    }
                }
                let is_swapped = credentials::swap(&lease, id, expected, new).await?;
                credentials::sweep(&lease, now).await?;
                Ok(is_swapped)
            };
            let done = done.await;
            lease.end(done).await
        })
        .await
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        self.ask(OPERATION, move |lease| async move {
            let id = match key {
                AccountKey::Id(id) => Some(account(id)),
                AccountKey::Subdomain(subdomain) => {
                    let asked = "SELECT account_id FROM accounts WHERE subdomain = $1";
                    let row = lease.query_opt(asked, &[&subdomain.to_ascii_lowercase()]).await?;
                    row.map(|row| row.get::<_, Account>(0))
                }
            };
            let Some(id) = id else { return Ok(None) };
            self.core.layouts.one(&lease, id).await
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        self.ask(OPERATION, move |lease| async move {
            let ids = ids(&lease).await?;
            let layouts = self.core.layouts.load(&lease, &ids).await?;
            Ok(layouts.into_iter().map(|(_, layout)| layout).collect())
        })
        .await
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        let found = self.sight.accounts.find(account(principal.account_id)).await;
        let found = found.map_err(|fault| fault.told(OPERATION))?;
        self.opened(principal, found.as_ref()).map(|handle| Ports::all(Arc::new(handle)))
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        let found = self.sight.tokens.find(*digest).await.map_err(|fault| fault.told(OPERATION))?;
        let Some((token, seen)) = found else { return Ok(None) };
        let principal = Principal { account_id: token.account_id, user_id: token.user_id };
        let handle = self.opened(principal, seen.as_ref())?.having_seen(seen);
        Ok(Some((token, Ports::all(Arc::new(handle)))))
    }
}

impl Postgres {
    fn opened(&self, principal: Principal, seen: Option<&Seen>) -> Result<Handle> {
        match seen.and_then(|account| account.layout.user(principal.user_id)) {
            Some(user) if user.is_active => Ok(Handle::new(self, principal)),
            Some(_) | None => Err(Fault::Unauthorized.told(OPERATION)),
        }
    }

    async fn has_user(&self, lease: &Lease, id: AccountId, user: UserId) -> error::Result<()> {
        match self.core.layouts.one(lease, account(id)).await? {
            Some(layout) if layout.user(user).is_some() => Ok(()),
            _ => Err(Fault::Invalid(format!("account {id} has no user {user}"))),
        }
    }
}

/// All accounts' ids.
pub(crate) async fn ids(lease: &Lease) -> error::Result<Vec<Account>> {
    let rows = lease.query("SELECT account_id FROM accounts ORDER BY account_id", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
