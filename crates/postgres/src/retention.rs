//! Forgetting what has been kept long enough, a little at a time, so that nobody waits for it.

use incoming_leads_model::Moment;
use incoming_leads_port::{Operation, Result, Retention};

use crate::connection::Lease;
use crate::convert::Account;
use crate::error;
use crate::registry;
use crate::store::Postgres;

/// Rows that are deleted at a time.
const SOME: i64 = 500;

impl Postgres {
    /// Forgets what has been kept long enough by the store's clock; how many events and entities that were. Several
    /// processes may do so at the same time.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    pub async fn sweep(&self, retention: Retention) -> Result<u64> {
        let now = self.clock.now();
        self.ask(Operation::Provision, move |lease| async move {
            let mut forgotten = 0;
            for account in registry::ids(&lease).await? {
                for (sql, before) in
                    [(EVENTS, retention.events_before(now)), (SETTLED, retention.settled_before(now))]
                {
                    let Some(before) = before else { continue };
                    forgotten += exhaust(&lease, sql, account, before).await?;
                }
            }
            Ok(forgotten)
        })
        .await
    }
}

// What another process is about to delete is left to it. Events of a lead that waits are kept as long as it waits.
const EVENTS: &str = "WITH old AS (SELECT sequence FROM events e WHERE account_id = $1 AND recorded_at < $2 \
    AND NOT EXISTS (SELECT FROM items i WHERE i.account_id = e.account_id AND i.uid = e.uid) \
    ORDER BY account_id, recorded_at LIMIT $3 FOR UPDATE SKIP LOCKED), \
    gone AS (DELETE FROM events e USING old WHERE e.account_id = $1 AND e.sequence = old.sequence RETURNING 1) \
    SELECT count(*) FROM gone";
const SETTLED: &str = "WITH old AS (SELECT kind, id FROM entities WHERE account_id = $1 AND binned_at < $2 \
    ORDER BY account_id, binned_at LIMIT $3 FOR UPDATE SKIP LOCKED), \
    gone AS (DELETE FROM entities e USING old WHERE e.account_id = $1 AND e.kind = old.kind AND e.id = old.id \
    RETURNING e.kind, e.id), \
    notes AS (DELETE FROM notes n USING gone WHERE n.account_id = $1 AND n.kind = gone.kind \
    AND n.entity_id = gone.id) SELECT count(*) FROM gone";

async fn exhaust(lease: &Lease, sql: &'static str, account: Account, before: Moment) -> error::Result<u64> {
    let mut forgotten = 0;
    loop {
        let row = lease.query_opt(sql, &[&account, &before.secs(), &SOME]).await?;
        let count: i64 = row.map_or(0, |row| row.get(0));
        forgotten += count.unsigned_abs();
        if count < SOME {
            return Ok(forgotten);
        }
    }
}
