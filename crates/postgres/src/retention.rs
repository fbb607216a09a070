//! Forgetting what has been kept long enough, a little at a time, so that nobody waits for it.

use std::collections::{BTreeMap, BTreeSet};

use incoming_leads_model::{Event, Moment, Uid};
use incoming_leads_port::{Operation, Result, Retention};

use crate::connection::Lease;
use crate::convert::Account;
use crate::error;
use crate::store::Postgres;
use crate::{history, registry};

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

// Events of a lead that waits are kept as long as it waits: they are looked at once and then lie before the place at which
// the next ones begin.
const PAGE: &str = "SELECT recorded_at, sequence, uid, NOT EXISTS (SELECT FROM items i \
    WHERE i.account_id = e.account_id AND i.uid = e.uid) FROM events e WHERE account_id = $1 \
    AND recorded_at >= $2 AND (recorded_at, sequence) > ($2, $3) AND recorded_at < $4 \
    ORDER BY account_id, recorded_at, sequence LIMIT $5";
// What another process is about to delete is left to it, and so is what has come meanwhile.
const FORGET: &str = "WITH old AS (SELECT e.sequence FROM unnest($2::text[]) AS n (uid) CROSS JOIN LATERAL \
    (SELECT e.sequence FROM events e WHERE e.account_id = $1 AND e.uid = n.uid \
    AND NOT EXISTS (SELECT FROM events l WHERE l.account_id = e.account_id AND l.uid = e.uid AND l.recorded_at >= $3) \
    AND NOT EXISTS (SELECT FROM items i WHERE i.account_id = e.account_id AND i.uid = e.uid) \
    FOR UPDATE SKIP LOCKED) AS e), \
    gone AS (DELETE FROM events e USING old WHERE e.account_id = $1 AND e.sequence = old.sequence RETURNING 1) \
    SELECT count(*) FROM gone";
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
        let page = lease.query(PAGE, &[&account, &at, &sequence, &before.secs(), &SOME]).await?;
        let Some(last) = page.last() else { return Ok(forgotten) };
        place = (last.get(0), last.get(1));
        let decided = page.iter().filter(|row| row.get(3));
        let uids: BTreeSet<&str> = decided.map(|row| row.get(2)).collect();
        let mut all: BTreeMap<Uid, Vec<Event>> = BTreeMap::new();
        for event in history::of_uids(lease, account, &uids.into_iter().collect::<Vec<_>>()).await? {
            all.entry(event.uid.clone()).or_default().push(event);
        }
        all.retain(|_, events| Event::are_spent(events, before));
        if !all.is_empty() {
            let uids: Vec<&str> = all.keys().map(Uid::as_str).collect();
            let gone = lease.query_opt(FORGET, &[&account, &uids, &before.secs()]).await?;
            forgotten += gone.map_or(0, |row| row.get::<_, i64>(0)).unsigned_abs();
        }
        if page.len() < SOME as usize {
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
