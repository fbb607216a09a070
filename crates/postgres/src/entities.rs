//! What the directory reads: entities and notes.

use std::collections::BTreeSet;

use incoming_leads_model::{EntityRef, More, Note, Page, PageRequest};
use incoming_leads_port::EntityQuery;
use tokio_postgres::Row;

use crate::connection::Lease;
use crate::convert::{Account, Listed, key_of, kind, number, read};
use crate::error::{Fault, Result};

const OF_IDS: &str = "SELECT e.id, e.body FROM entities e WHERE e.account_id = $1 AND e.kind = $2 \
    AND e.id = ANY($3) ORDER BY e.account_id, e.kind, e.id LIMIT $4 OFFSET $5";
const LISTED: &str = "SELECT id, body FROM entities WHERE account_id = $1 AND kind = $2 AND is_listed \
    ORDER BY account_id, kind, id LIMIT $3 OFFSET $4";
const NOTES: &str = "SELECT note_id, body FROM notes WHERE account_id = $1 AND kind = $2 AND entity_id = $3 \
    ORDER BY account_id, kind, entity_id, note_id LIMIT $4 OFFSET $5";

/// A page of entities of a kind.
pub(crate) async fn page<T: Listed>(
    lease: &Lease,
    account: Account,
    query: &EntityQuery<T::Id>,
) -> Result<Page<T>> {
    query.check().map_err(|error| Fault::Invalid(error.detail().unwrap_or_default().to_owned()))?;
    let kind = kind(T::KIND);
    let (wanted, offset) = limits(query.page);
    let rows = match &query.ids {
        Some(ids) => {
            let ids: Vec<i64> =
                ids.iter().copied().collect::<BTreeSet<_>>().into_iter().map(number).collect();
            lease.query(OF_IDS, &[&account, &kind, &ids, &wanted, &offset]).await?
        }
        None => lease.query(LISTED, &[&account, &kind, &wanted, &offset]).await?,
    };
    cut("entities", account, &rows, query.page)
}

/// A page of the notes on an entity.
pub(crate) async fn notes(
    lease: &Lease,
    account: Account,
    on: EntityRef,
    page: PageRequest,
) -> Result<Page<Note>> {
    let (kind, id) = key_of(on);
    let (wanted, offset) = limits(page);
    let rows = lease.query(NOTES, &[&account, &kind, &id, &wanted, &offset]).await?;
    cut("notes", account, &rows, page)
}

/// How many rows are read, one more than the page holds, and how many are skipped.
fn limits(page: PageRequest) -> (i64, i64) {
    (i64::from(page.size()) + 1, number(page.offset()))
}

fn cut<T: serde::de::DeserializeOwned>(
    table: &'static str,
    account: Account,
    rows: &[Row],
    page: PageRequest,
) -> Result<Page<T>> {
    let size = page.size() as usize;
    let items = rows.iter().take(size).map(|row| {
        let id: i64 = row.get(0);
        read(table, format!("account {account}, {id}"), row.get(1))
    });
    let more = if rows.len() > size { More::Yes } else { More::No };
    Ok(Page { items: items.collect::<Result<_>>()?, more })
}
