//! Forgetting what has been kept long enough, a little at a time, so that nobody waits for it.

use std::collections::BTreeSet;

use incoming_leads_model::{AccountId, Event, Moment, Uid};
use incoming_leads_port::{Clock, Operation, Result, Retention};
use rusqlite::Connection;

use crate::convert::{all, execute, exists};
use crate::error::Fault;
use crate::store::Sqlite;
use crate::writing::Writing;
use crate::{history, registry};

/// Rows that one job or one look is about.
const SOME: u32 = 500;

impl Sqlite {
    /// Forgets what has been kept long enough by the store's clock; how many events and entities that were.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    pub async fn sweep(&self, retention: Retention) -> Result<u64> {
        let now = Clock::now(&*self.clock);
        let mut forgotten = 0;
        for account in self.shared.read(Operation::Provision, registry::ids).await? {
            if let Some(before) = retention.events_before(now) {
                let mut after = Some(0);
                while let Some(from) = after {
                    let look = move |connection: &Connection| old_events(connection, account, from, before);
                    let (next, old) = self.shared.read(Operation::Provision, look).await?;
                    if !old.is_empty() {
                        let work = move |writing: &mut Writing<'_>| forget(writing, account, &old, before);
                        forgotten += self.shared.write(Operation::Provision, work).await?;
                    }
                    after = next;
                }
            }
            if let Some(before) = retention.settled_before(now) {
                loop {
                    let work = move |writing: &mut Writing<'_>| settled(writing, account, before);
                    match self.shared.write(Operation::Provision, work).await? {
                        0 => break,
                        count => forgotten += count,
                    }
                }
            }
        }
        Ok(forgotten)
    }
}

/// Uids of old events behind a place whose events can all be forgotten; where to go on, if there is more to look at.
///
/// They lie in the order in which they were committed, which is not that of their moments: a clock may have been wrong, and
/// imported ones have moments of their own. So all are looked at, beside whoever writes.
fn old_events(
    connection: &Connection,
    account: AccountId,
    after: u64,
    before: Moment,
) -> std::result::Result<(Option<u64>, BTreeSet<Uid>), Fault> {
    let sql = "SELECT sequence, uid, recorded_at < ?4 FROM events
               WHERE account_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    let rows = all(connection, "events", sql, (account.get(), after, SOME, before.secs()), |row| {
        let sequence: u64 = row.get(0)?;
        let uid = Uid::new(row.get_ref(1)?.as_str().unwrap_or_default());
        let uid = uid.map_err(|error| Fault::damaged("events", sequence, error))?;
        Ok((sequence, uid, row.get::<_, bool>(2)?))
    })?;
    let next = rows.last().filter(|_| rows.len() == SOME as usize).map(|(sequence, ..)| *sequence);
    let old = rows.into_iter().filter(|(.., is_old)| *is_old).map(|(_, uid, _)| uid);
    let mut spent = BTreeSet::new();
    for uid in old.collect::<BTreeSet<_>>() {
        if is_spent(connection, account, &uid, before)? {
            spent.insert(uid);
        }
    }
    Ok((next, spent))
}

fn is_spent(
    connection: &Connection,
    account: AccountId,
    uid: &Uid,
    before: Moment,
) -> std::result::Result<bool, Fault> {
    let waits = "SELECT 1 FROM items WHERE account_id = ?1 AND uid = ?2";
    Ok(!exists(connection, waits, (account.get(), uid.as_str()))?
        && Event::are_spent(&history::of_uid(connection, account, uid)?, before))
}

/// Forgets the events of these uids, but for those of which something has come meanwhile; how many those were.
fn forget(
    writing: &Writing<'_>,
    account: AccountId,
    uids: &BTreeSet<Uid>,
    before: Moment,
) -> std::result::Result<u64, Fault> {
    let sql = "DELETE FROM events WHERE account_id = ?1 AND uid = ?2";
    let mut forgotten = 0;
    for uid in uids {
        if is_spent(writing.connection, account, uid, before)? {
            forgotten += execute(writing.connection, sql, (account.get(), uid.as_str()))? as u64;
        }
    }
    Ok(forgotten)
}

/// Forgets some of what was put in the bin before a moment, and its notes.
fn settled(writing: &Writing<'_>, account: AccountId, before: Moment) -> std::result::Result<u64, Fault> {
    let connection = writing.connection;
    let sql = "SELECT kind, id FROM entities WHERE account_id = ?1 AND binned_at < ?2 LIMIT ?3";
    let rows = all(connection, "entities", sql, (account.get(), before.secs(), SOME), |row| {
        Ok((row.get::<_, u8>(0)?, row.get::<_, u64>(1)?))
    })?;
    for (kind, id) in &rows {
        let key = (account.get(), kind, id);
        execute(connection, "DELETE FROM notes WHERE account_id = ?1 AND kind = ?2 AND entity_id = ?3", key)?;
        execute(connection, "DELETE FROM entities WHERE account_id = ?1 AND kind = ?2 AND id = ?3", key)?;
    }
    Ok(rows.len() as u64)
}
