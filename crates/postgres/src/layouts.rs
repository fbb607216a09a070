//! Layouts of accounts, read once and kept while their version stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use incoming_leads_model::Layout;

use crate::connection::Lease;
use crate::convert::{Account as Key, read};
use crate::error::Result;

/// How many are kept; when there are more they are read anew.
const MOST: usize = 1000;

/// An account as it was when it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) layout: Arc<Layout>,
    /// Another number after every change; none before the first one.
    pub(crate) revision: Option<u64>,
}

/// A layout and the version that it has in the database.
pub(crate) type Versioned = (i64, Arc<Layout>);

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Layouts(Mutex<HashMap<Key, Versioned>>);

impl Layouts {
    pub(crate) fn known(&self, account: Key) -> Option<Versioned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }

    pub(crate) fn keep(&self, account: Key, layout: Versioned) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(account, layout);
    }

    /// These accounts as they are now, as far as they are there.
    pub(crate) async fn now(&self, lease: &Lease, keys: &[Key]) -> Result<BTreeMap<Key, Account>> {
        let asked = "SELECT account_id, version, revision FROM unnest($1::bigint[]) AS n (id) CROSS JOIN LATERAL \
                     (SELECT account_id, version FROM accounts WHERE account_id = n.id OFFSET 0) AS a \
                     LEFT JOIN LATERAL (SELECT revision FROM marks WHERE account_id = n.id OFFSET 0) AS m ON true";
        let mut found = BTreeMap::new();
        for row in lease.query(asked, &[&keys]).await? {
            let key: Key = row.get(0);
            let account = self.seen(lease, key, row.get(1), row.get(2)).await?;
            found.extend(account.map(|account| (key, account)));
        }
        Ok(found)
    }

    /// The account, of which version and revision were just read.
    pub(crate) async fn seen(
        &self,
        lease: &Lease,
        key: Key,
        version: i64,
        revision: Option<i64>,
    ) -> Result<Option<Account>> {
        let layout = match self.known(key) {
            Some((known, layout)) if known == version => Some(layout),
            _ => self.load(lease, &[key]).await?.pop().map(|(_, layout)| layout),
        };
        Ok(layout.map(|layout| Account { layout, revision: revision.map(i64::cast_unsigned) }))
    }

    /// The layout of this account as it is now.
    pub(crate) async fn one(&self, lease: &Lease, key: Key) -> Result<Option<Arc<Layout>>> {
        Ok(self.now(lease, &[key]).await?.remove(&key).map(|account| account.layout))
    }

    /// Reads these accounts' layouts.
    pub(crate) async fn load(&self, lease: &Lease, accounts: &[Key]) -> Result<Vec<Versioned>> {
        let asked =
            "SELECT account_id, version, layout FROM accounts WHERE account_id = ANY($1) ORDER BY account_id";
        let mut found = Vec::new();
        for row in lease.query(asked, &[&accounts]).await? {
            let account: Key = row.get(0);
            let layout: Layout = read("accounts", account, row.get(2))?;
            let layout = (row.get(1), Arc::new(layout));
            self.keep(account, layout.clone());
            found.push(layout);
        }
        Ok(found)
    }
}
