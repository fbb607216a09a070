//! Layouts of accounts, read once and kept while their version stands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use incoming_leads_model::Layout;

use crate::connection::Lease;
use crate::convert::{Account, read};
use crate::error::Result;

/// How many are kept; when there are more they are read anew.
const MOST: usize = 1000;

/// A layout and the version that it has in the database.
pub(crate) type Versioned = (i64, Arc<Layout>);

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Layouts(Mutex<HashMap<Account, Versioned>>);

impl Layouts {
    pub(crate) fn known(&self, account: Account) -> Option<Versioned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }

    pub(crate) fn keep(&self, account: Account, layout: Versioned) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(account, layout);
    }

    /// The account's layout as it is now; none of an account that is not there.
    pub(crate) async fn now(&self, lease: &Lease, account: Account) -> Result<Option<Arc<Layout>>> {
        let asked = "SELECT version FROM accounts WHERE account_id = $1";
        let Some(row) = lease.query_opt(asked, &[&account]).await? else { return Ok(None) };
        match self.known(account) {
            Some((version, layout)) if version == row.get::<_, i64>(0) => Ok(Some(layout)),
            _ => Ok(self.load(lease, &[account]).await?.pop().map(|(_, layout)| layout)),
        }
    }

    /// Reads these accounts' layouts.
    pub(crate) async fn load(&self, lease: &Lease, accounts: &[Account]) -> Result<Vec<Versioned>> {
        let asked =
            "SELECT account_id, version, layout FROM accounts WHERE account_id = ANY($1) ORDER BY account_id";
        let mut found = Vec::new();
        for row in lease.query(asked, &[&accounts]).await? {
            let account: Account = row.get(0);
            let layout: Layout = read("accounts", account, row.get(2))?;
            let layout = (row.get(1), Arc::new(layout));
            self.keep(account, layout.clone());
            found.push(layout);
        }
        Ok(found)
    }
}
