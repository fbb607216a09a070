//! Who may come in, and what integrations were allowed.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Layout, UserId};
use incoming_leads_port::{
    AccountKey, Digest, Error, ErrorKind, Operation, Ports, Principal, Registry, Result,
};

use crate::store::{Accounts, Handle, Memory, lock};

const OPERATION: Operation = Operation::Registry;

#[async_trait]
impl Registry for Memory {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        let credentials = lock(self.shared.credentials.read(), OPERATION)?;
        Ok(credentials.token(digest).cloned())
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        let accounts = self.shared.accounts(OPERATION)?;
        let mut credentials = lock(self.shared.credentials.write(), OPERATION)?;
        has_user(&accounts, token.account_id, token.user_id)?;
        credentials.sweep(self.shared.clock.now());
        credentials.keep(token.clone()).map_err(invalid)
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        Ok(lock(self.shared.credentials.write(), OPERATION)?.forget(digest))
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        let credentials = lock(self.shared.credentials.read(), OPERATION)?;
        Ok(credentials.grant(id).cloned())
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        let accounts = self.shared.accounts(OPERATION)?;
        let mut credentials = lock(self.shared.credentials.write(), OPERATION)?;
        if let Some(new) = new {
            has_user(&accounts, new.account_id, new.user_id)?;
            if new.id != id {
                return Err(invalid(format!("grant {} is not grant {id}", new.id)));
            }
        }
        if credentials.grant(id) != expected {
            return Ok(false);
        }
        match new {
            Some(new) => credentials.keep_grant(new.clone()),
            None => credentials.forget_grant(id),
        }
        credentials.sweep(self.shared.clock.now());
        Ok(true)
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        let accounts = self.shared.accounts(OPERATION)?;
        let id = match key {
            AccountKey::Id(id) => Some(id),
            AccountKey::Subdomain(subdomain) => {
                let credentials = lock(self.shared.credentials.read(), OPERATION)?;
                credentials.subdomains.get(&subdomain.to_ascii_lowercase()).copied()
            }
        };
        id.map_or(Ok(None), |id| layout(&accounts, id))
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        let accounts = self.shared.accounts(OPERATION)?;
        accounts.values().map(|account| Ok(lock(account.read(), OPERATION)?.layout.clone())).collect()
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        let accounts = self.shared.accounts(OPERATION)?;
        let layout = layout(&accounts, principal.account_id)?;
        let user = layout.as_ref().and_then(|layout| layout.user(principal.user_id));
        match (accounts.get(&principal.account_id), user) {
            (Some(account), Some(user)) if user.is_active => {
                Ok(Ports::all(Arc::new(Handle::new(self.shared.clone(), account.clone(), principal))))
            }
            _ => Err(Error::new(ErrorKind::Unauthorized, OPERATION)),
        }
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        let Some(token) = self.token(digest).await? else { return Ok(None) };
        let ports = self.open(Principal { account_id: token.account_id, user_id: token.user_id }).await?;
        Ok(Some((token, ports)))
    }
}

fn layout(accounts: &Accounts, id: AccountId) -> Result<Option<Arc<Layout>>> {
    let account = accounts.get(&id);
    account.map(|account| Ok(lock(account.read(), OPERATION)?.layout.clone())).transpose()
}

fn has_user(accounts: &Accounts, account: AccountId, user: UserId) -> Result<()> {
    match layout(accounts, account)? {
        Some(layout) if layout.user(user).is_some() => Ok(()),
        _ => Err(invalid(format!("account {account} has no user {user}"))),
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::Invalid, OPERATION).with_detail(detail)
}
