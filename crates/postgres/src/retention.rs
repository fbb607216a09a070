//! Forgetting what has been kept long enough, a little at a time, so that nobody waits for it.

use incoming_leads_model::Moment;
use incoming_leads_port::{Operation, Result, Retention};

use crate::connection::Lease;
use crate::convert::Account;
use crate::error;
use crate::registry;
use crate::store::Postgres;

/// Rows that are looked at in one statement.
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
                if let Some(before) = retention.events_before(now) {
                    forgotten += events(&lease, account, before).await?;
                }
                if let Some(before) = retention.settled_before(now) {
                    forgotten += settled(&lease, account, before).await?;
                }
            }
            Ok(forgotten)
        })
        .await
    }
}

// What another process is about to delete is left to it. Events of a lead that waits are kept as long as it waits: they
// are looked at once and then lie before the place at which the next ones begin.
const EVENTS: &str = "WITH page AS (SELECT sequence, recorded_at FROM events WHERE account_id = $1 \
    AND recorded_at >= $2 AND (recorded_at, sequence) > ($2, $3) AND recorded_at < $4 \
    ORDER BY account_id, recorded_at, sequence LIMIT $5), \
    old AS (SELECT e.sequence FROM page CROSS JOIN LATERAL (SELECT e.sequence FROM events e \
    WHERE e.account_id = $1 AND e.sequence = page.sequence \
    AND NOT EXISTS (SELECT FROM items i WHERE i.account_id = e.account_id AND i.uid = e.uid) \
    FOR UPDATE SKIP LOCKED) AS e), \
    gone AS (DELETE FROM events e USING old WHERE e.account_id = $1 AND e.sequence = old.sequence RETURNING 1) \
    SELECT recorded_at, sequence, (SELECT count(*) FROM page), (SELECT count(*) FROM gone) FROM page \
    ORDER BY recorded_at DESC, sequence DESC LIMIT 1";
const SETTLED: &str = "WITH old AS (SELECT kind, id FROM entities WHERE account_id = $1 AND binned_at < $2 \
    ORDER BY account_id, binned_at LIMIT $3 FOR UPDATE SKIP LOCKED), \
    gone AS (DELETE FROM entities e USING old WHERE e.account_id = $1 AND e.kind = old.kind AND e.id = old.id \
    RETURNING e.kind, e.id), \
    notes AS (DELETE FROM notes n USING gone WHERE n.account_id = $1 AND n.kind = gone.kind \
    AND n.entity_id = gone.id) SELECT count(*) FROM gone";

async fn events(lease: &Lease, account: Account, before: Moment) -> error::Result<u64> {
    let (mut place, mut forgotten) = ((0_i64, 0_i64), 0);
    loop {
        let (at, sequence) = place;
        let row = lease.query_opt(EVENTS, &[&account, &at, &sequence, &before.secs(), &SOME]).await?;
        let Some(row) = row else { return Ok(forgotten) };
        place = (row.get(0), row.get(1));
        let (looked_at, gone): (i64, i64) = (row.get(2), row.get(3));
        forgotten += gone.unsigned_abs();
        if looked_at < SOME {
            return Ok(forgotten);
        }
    }
}

async fn settled(lease: &Lease, account: Account, before: Moment) -> error::Result<u64> {
    let mut forgotten = 0;
    loop {
        let row = lease.query_opt(SETTLED, &[&account, &before.secs(), &SOME]).await?;
        let count: i64 = row.map_or(0, |row| row.get(0));
        forgotten += count.unsigned_abs();
        if count < SOME {
            return Ok(forgotten);
        }
    }
}
