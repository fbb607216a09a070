//! The history: events by their place in the account.
//!
//! One transaction writes at a time, so places are taken in the order of the commits: behind a cursor nothing comes to
//! light late.

use incoming_leads_model::{AccountId, Event, Uid};
use incoming_leads_port::{Cursor, Events};
use rusqlite::{Connection, Row};

use crate::convert::{all, body, execute, one, read};
use crate::error::Fault;
use crate::writing::{Writing, marks};

const TABLE: &str = "events";
/// Events of one answer, at most.
const MAX_EVENTS: u32 = 1000;

/// Writes an event down.
pub(crate) fn append(writing: &mut Writing<'_>, event: &Event) -> Result<(), Fault> {
    let sequence = writing.next_sequence(event.account_id)?;
    let body = body(event);
    let sql = "INSERT INTO events (account_id, sequence, uid, recorded_at, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (account, uid, at) = (event.account_id.get(), event.uid.as_str(), event.recorded_at.secs());
    execute(writing.connection, sql, (account, sequence, uid, at, &body))?;
    writing.recorded(event.account_id, sequence, body);
    Ok(())
}

/// All events of a uid, oldest first.
pub(crate) fn of_uid(connection: &Connection, account: AccountId, uid: &Uid) -> Result<Vec<Event>, Fault> {
    let sql = "SELECT body, sequence FROM events WHERE account_id = ?1 AND uid = ?2 ORDER BY sequence";
    all(connection, TABLE, sql, (account.get(), uid.as_str()), |row| read_event(row).map(|(_, event)| event))
}

/// Events behind a place, with their places.
pub(crate) fn after(
    connection: &Connection,
    account: AccountId,
    sequence: u64,
    most: u64,
) -> Result<Vec<(u64, Event)>, Fault> {
    let sql = "SELECT body, sequence FROM events WHERE account_id = ?1 AND sequence > ?2
               ORDER BY sequence LIMIT ?3";
    all(connection, TABLE, sql, (account.get(), sequence, most), read_event)
}

/// Events after a cursor.
pub(crate) fn events(
    connection: &Connection,
    account: AccountId,
    cursor: Option<&Cursor>,
    most: u32,
) -> Result<Events, Fault> {
    let sql = "SELECT value FROM store WHERE name = 'id'";
    let store: Option<String> = one(connection, "store", sql, [], |row| Ok(row.get(0)?))?;
    let store = store.ok_or_else(|| Fault::damaged("store", "id", "it is not there"))?;
    let (_, last) = marks(connection, account)?;
    let place = match cursor {
        None => 0,
        Some(cursor) => place(cursor, &store)
            .filter(|place| *place <= last)
            .ok_or_else(|| Fault::Invalid("the cursor is none of this store's".to_owned()))?,
    };
    let found = after(connection, account, place, u64::from(most.clamp(1, MAX_EVENTS)))?;
    let next = found.last().map_or(place, |(sequence, _)| *sequence);
    let events = found.into_iter().map(|(_, event)| event).collect();
    Ok(Events { events, next: Cursor::new(format!("{store}-{next}")) })
}

fn place(cursor: &Cursor, store: &str) -> Option<u64> {
    let digits = cursor.as_str().strip_prefix(store)?.strip_prefix('-')?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn read_event(row: &Row<'_>) -> Result<(u64, Event), Fault> {
    let sequence: u64 = row.get(1)?;
    match row.get_ref(0)?.as_str() {
        Ok(body) => Ok((sequence, read(TABLE, sequence, body)?)),
        Err(error) => Err(Fault::damaged(TABLE, sequence, error)),
    }
}
