//! How long what is settled is kept.

use std::sync::Arc;
use std::time::Duration;

use incoming_leads_model::Moment;
use incoming_leads_port::Clock;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::Lease;
use crate::convert::Account;
use crate::error::Result;
use crate::registry;
use crate::writer::Core;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(60);
/// Rows that are deleted at a time, so that nobody waits long for any.
const CHUNK: i64 = 1000;

/// How long what is settled is kept. Default: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// How long events are kept after they were recorded. What goes is missing in the history and in summaries that
    /// are filtered by uid; all other summaries still count it.
    pub events: Option<Duration>,
    /// How long leads, contacts and companies are kept after they went to the bin, with their notes.
    pub settled: Option<Duration>,
}

impl Retention {
    /// Keeps events so long.
    #[must_use]
    pub const fn with_events(self, events: Duration) -> Self {
        Self { events: Some(events), ..self }
    }

    /// Keeps what lies in the bin so long.
    #[must_use]
    pub const fn with_settled(self, settled: Duration) -> Self {
        Self { settled: Some(settled), ..self }
    }
}

/// The task that forgets; it ends with this.
#[derive(Debug)]
pub(crate) struct Keeper(Option<JoinHandle<()>>);

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Starts to forget, if anything is to be forgotten.
pub(crate) fn start(core: Arc<Core>, clock: Arc<dyn Clock>, retention: Retention) -> Keeper {
    if retention == Retention::default() {
        return Keeper(None);
    }
    Keeper(Some(tokio::spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = forget(&core, clock.now(), retention).await {
                tracing::warn!(%error, "could not forget what is past its time");
            }
        }
    })))
}

/// Forgets what is past its time, of all accounts.
pub(crate) async fn forget(core: &Core, now: Moment, retention: Retention) -> Result<()> {
    let before = |kept: Duration| now.secs() - i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
    let lease = Lease::take(&core.pool).await?;
    for account in registry::ids(&lease).await? {
        if let Some(kept) = retention.events {
            exhaust(&lease, EVENTS, account, before(kept)).await?;
        }
        if let Some(kept) = retention.settled {
            exhaust(&lease, SETTLED, account, before(kept)).await?;
        }
    }
    Ok(())
}

// What another server is about to delete is left to it.
const EVENTS: &str = "DELETE FROM events WHERE account_id = $1 AND sequence = ANY (ARRAY (SELECT sequence FROM events \
    WHERE account_id = $1 AND recorded_at < $2 ORDER BY account_id, recorded_at LIMIT $3 FOR UPDATE SKIP LOCKED))";
const SETTLED: &str = "WITH gone AS (DELETE FROM entities e USING (SELECT kind, id FROM entities \
    WHERE account_id = $1 AND binned_at < $2 ORDER BY account_id, binned_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS n \
    WHERE e.account_id = $1 AND e.kind = n.kind AND e.id = n.id RETURNING e.kind, e.id), \
    notes AS (DELETE FROM notes n USING gone WHERE n.account_id = $1 AND n.kind = gone.kind \
    AND n.entity_id = gone.id) SELECT count(*) FROM gone";

async fn exhaust(lease: &Lease, sql: &'static str, account: Account, before: i64) -> Result<()> {
    loop {
        let deleted = match sql {
            SETTLED => {
                let row = lease.query_opt(sql, &[&account, &before, &CHUNK]).await?;
                row.map_or(0, |row| row.get::<_, i64>(0).cast_unsigned())
            }
            _ => lease.execute(sql, &[&account, &before, &CHUNK]).await?,
        };
        if deleted < CHUNK.unsigned_abs() {
            return Ok(());
        }
    }
}
