//! Who may come in, and grants that are used once.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::Layout;
use incoming_leads_port::{Digest, Error, ErrorKind, Operation, Ports, Principal, Registry, Result};

use crate::store::{Accounts, Handle, Memory, lock};

const OPERATION: Operation = Operation::Registry;

#[async_trait]
impl Registry for Memory {
    async fn principal(&self, digest: &Digest) -> Result<Option<Principal>> {
        let credentials = lock(self.shared.credentials.read(), OPERATION)?;
        Ok(credentials.principals.get(digest).copied())
    }

    async fn enrol(&self, digest: &Digest, principal: Option<Principal>) -> Result<()> {
        let accounts = self.shared.accounts(OPERATION)?;
        let mut credentials = lock(self.shared.credentials.write(), OPERATION)?;
        match principal {
            None => credentials.principals.remove(digest),
            Some(principal) => {
                let Principal { account_id, user_id } = principal;
                if layout(&accounts, principal)?.and_then(|layout| layout.user(user_id).cloned()).is_none() {
                    let detail = format!("account {account_id} has no user {user_id}");
                    return Err(Error::new(ErrorKind::Invalid, OPERATION).with_detail(detail));
                }
                credentials.principals.insert(*digest, principal)
            }
        };
        Ok(())
    }

    async fn swap(&self, key: &str, expected: Option<&[u8]>, new: Option<&[u8]>) -> Result<bool> {
        let mut credentials = lock(self.shared.credentials.write(), OPERATION)?;
        if credentials.grants.get(key).map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match new {
            Some(new) => credentials.grants.insert(key.to_owned(), new.to_owned()),
            None => credentials.grants.remove(key),
        };
        Ok(true)
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        let accounts = self.shared.accounts(OPERATION)?;
        accounts.values().map(|account| Ok(lock(account.read(), OPERATION)?.layout.clone())).collect()
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        let accounts = self.shared.accounts(OPERATION)?;
        let layout = layout(&accounts, principal)?;
        let user = layout.as_ref().and_then(|layout| layout.user(principal.user_id));
        match (accounts.get(&principal.account_id), user) {
            (Some(account), Some(user)) if user.is_active => {
                Ok(Ports::all(Arc::new(Handle::new(self.shared.clone(), account.clone(), principal))))
            }
            _ => Err(Error::new(ErrorKind::Unauthorized, OPERATION)),
        }
    }
}

fn layout(accounts: &Accounts, principal: Principal) -> Result<Option<Arc<Layout>>> {
    let account = accounts.get(&principal.account_id);
    account.map(|account| Ok(lock(account.read(), OPERATION)?.layout.clone())).transpose()
}
