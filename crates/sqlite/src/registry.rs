//! Who may come in, and what integrations were allowed.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Layout, UserId};
use incoming_leads_port::{AccountKey, Digest, Operation, Ports, Principal, Registry, Result};
use rusqlite::{Connection, Row};

use crate::convert::{all, one};
use crate::credentials;
use crate::error::Fault;
use crate::store::{Handle, Sqlite};
use crate::writing::{Writing, marks};

const OPERATION: Operation = Operation::Registry;

#[async_trait]
impl Registry for Sqlite {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        self.look(|connection| credentials::token(connection, digest))
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        let (clock, token) = (self.clock.clone(), token.clone());
        let enrol = move |writing: &mut Writing<'_>| {
            has_user(writing, token.account_id, token.user_id)?;
            credentials::sweep(writing.connection, token.account_id, clock.now())?;
            credentials::keep(writing.connection, &token)
        };
        self.shared.write(OPERATION, enrol).await
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        let digest = *digest;
        self.shared.write(OPERATION, move |writing| credentials::forget(writing.connection, &digest)).await
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        self.look(|connection| credentials::grant(connection, id))
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        let (clock, id) = (self.clock.clone(), id.to_owned());
        let (expected, new) = (expected.cloned(), new.cloned());
        let swap = move |writing: &mut Writing<'_>| {
            if let Some(new) = &new {
                has_user(writing, new.account_id, new.user_id)?;
                if new.id != id {
                    return Err(Fault::Invalid(format!("grant {} is not grant {id}", new.id)));
                }
            }
            let connection = writing.connection;
            if credentials::grant(connection, &id)? != expected {
                return Ok(false);
            }
            match &new {
                Some(new) => credentials::keep_grant(connection, new)?,
                None => credentials::forget_grant(connection, &id)?,
            }
            if let Some(Grant { account_id, .. }) = new.as_ref().or(expected.as_ref()) {
                credentials::sweep(connection, *account_id, clock.now())?;
            }
            Ok(true)
        };
        self.shared.write(OPERATION, swap).await
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        self.look(|connection| {
            let id = match key {
                AccountKey::Id(id) => Some(id),
                AccountKey::Subdomain(subdomain) => of_subdomain(connection, subdomain)?,
            };
            id.map_or(Ok(None), |id| self.shared.layouts.find(connection, id))
        })
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        let layouts = self.shared.layouts.clone();
        let accounts = move |connection: &Connection| {
            ids(connection)?.into_iter().map(|id| layouts.get(connection, id)).collect()
        };
        self.shared.read(OPERATION, accounts).await
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        let layout = self.look(|connection| self.shared.layouts.find(connection, principal.account_id))?;
        self.opened(principal, layout.as_deref()).map(|handle| Ports::all(Arc::new(handle)))
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        let found = self.look(|connection| {
            let Some(token) = credentials::token(connection, digest)? else { return Ok(None) };
            let layout = self.shared.layouts.find(connection, token.account_id)?;
            let (revision, _) = marks(connection, token.account_id)?;
            Ok(Some((token, layout, revision)))
        })?;
        let Some((token, layout, revision)) = found else { return Ok(None) };
        let principal = Principal { account_id: token.account_id, user_id: token.user_id };
        let handle = self.opened(principal, layout.as_deref())?;
        let handle = match layout {
            Some(layout) => handle.having_seen(layout, revision),
            None => handle,
        };
        Ok(Some((token, Ports::all(Arc::new(handle)))))
    }
}

impl Sqlite {
    fn opened(&self, principal: Principal, layout: Option<&Layout>) -> Result<Handle> {
        match layout.and_then(|layout| layout.user(principal.user_id)) {
            Some(user) if user.is_active => Ok(Handle::new(self, principal)),
            Some(_) | None => Err(Fault::Unauthorized.told(OPERATION)),
        }
    }

    /// What tells this store apart from every other, wherever its file lies; another one after a copy was taken back.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    pub async fn id(&self) -> Result<String> {
        self.look(|connection| {
            let id = one(connection, "store", "SELECT value FROM store WHERE name = 'id'", [], |row| {
                Ok(row.get(0)?)
            })?;
            id.ok_or_else(|| Fault::damaged("store", "id", "the row is not there"))
        })
    }

    /// Reads a row or two.
    fn look<T>(&self, read: impl FnOnce(&Connection) -> std::result::Result<T, Fault>) -> Result<T> {
        self.shared.readers.read_here(read).map_err(|fault| fault.told(OPERATION))
    }
}

fn has_user(writing: &Writing<'_>, account: AccountId, user: UserId) -> std::result::Result<(), Fault> {
    match writing.layout(account)? {
        Some(layout) if layout.user(user).is_some() => Ok(()),
        Some(_) | None => Err(Fault::Invalid(format!("account {account} has no user {user}"))),
    }
}

/// The account of this sub-domain, in letters of either case.
pub(crate) fn of_subdomain(
    connection: &Connection,
    subdomain: &str,
) -> std::result::Result<Option<AccountId>, Fault> {
    let sql = "SELECT account_id FROM accounts WHERE subdomain = ?1";
    one(connection, "accounts", sql, [subdomain.to_ascii_lowercase()], read_id)
}

/// All accounts, by id.
pub(crate) fn ids(connection: &Connection) -> std::result::Result<Vec<AccountId>, Fault> {
    all(connection, "accounts", "SELECT account_id FROM accounts ORDER BY account_id", [], read_id)
}

fn read_id(row: &Row<'_>) -> std::result::Result<AccountId, Fault> {
    let id: u64 = row.get(0)?;
    AccountId::new(id).map_err(|error| Fault::damaged("accounts", id, error))
}
