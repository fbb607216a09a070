//! The history of an account: its events by sequence.
//!
//! Sequences are given out under a lock on the account's row of `marks` that is kept until the commit. So they follow
//! each other as commits do: whoever has seen a sequence has seen, or could have seen, every smaller one.

use incoming_leads_model::Event;
use incoming_leads_port::{Cursor, Events};

use crate::connection::Lease;
use crate::convert::{Account, read};
use crate::error::{Fault, Result};

/// Events of one answer, at most.
const MAX_EVENTS: u32 = 1000;

/// Events after the cursor, oldest first.
pub(crate) async fn events(
    lease: &Lease,
    store_id: &str,
    account: Account,
    after: Option<&Cursor>,
    most: u32,
) -> Result<Events> {
    let after = after.map_or(Some(0), |cursor| sequence(store_id, cursor)).ok_or_else(none_of_ours)?;
    let last = lease.query_opt("SELECT sequence FROM marks WHERE account_id = $1", &[&account]).await?;
    let last: i64 = last.map_or(0, |row| row.get(0));
    if after > last {
        return Err(none_of_ours());
    }
    let most = i64::from(most.clamp(1, MAX_EVENTS));
    let asked = "SELECT sequence, body FROM events WHERE account_id = $1 AND sequence > $2 \
                 ORDER BY account_id, sequence LIMIT $3";
    let mut next = after;
    let mut events = Vec::new();
    for row in lease.query(asked, &[&account, &after, &most]).await? {
        next = row.get(0);
        events.push(read::<Event>("events", format!("account {account}, {next}"), row.get(1))?);
    }
    Ok(Events { events, next: Cursor::new(format!("{store_id}-{next}")) })
}

/// All events of these uids.
pub(crate) async fn of_uids(lease: &Lease, account: Account, uids: &[&str]) -> Result<Vec<Event>> {
    let asked = "SELECT uid, body FROM events WHERE account_id = $1 AND uid = ANY($2)";
    let rows = lease.query(asked, &[&account, &uids]).await?;
    let key = |uid: &str| format!("account {account}, {uid}");
    rows.iter().map(|row| read("events", key(row.get(0)), row.get(1))).collect()
}

fn sequence(store_id: &str, cursor: &Cursor) -> Option<i64> {
    let digits = cursor.as_str().strip_prefix(store_id)?.strip_prefix('-')?;
    let is_plain =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| is_plain)
}

fn none_of_ours() -> Fault {
    Fault::Invalid("the cursor is none of this store's".to_owned())
}
