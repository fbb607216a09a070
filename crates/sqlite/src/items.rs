//! What waits: rows that come with an add, change with a message and go with a decision.

use incoming_leads_model::{AccountId, Identity, Item, OrderKey, Uid};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::convert::{all, body, category, execute, exists, one, read};
use crate::error::Fault;
use crate::writing::Writing;

const TABLE: &str = "items";

/// What waits under this uid.
pub(crate) fn find(connection: &Connection, account: AccountId, uid: &Uid) -> Result<Option<Item>, Fault> {
    let sql = "SELECT body FROM items WHERE account_id = ?1 AND uid = ?2";
    one(connection, TABLE, sql, (account.get(), uid.as_str()), |row| read_item(row, 0, uid))
}

/// Whether something of this uid waits or ever happened.
pub(crate) fn is_known(connection: &Connection, account: AccountId, uid: &Uid) -> Result<bool, Fault> {
    let key = (account.get(), uid.as_str());
    Ok(exists(connection, "SELECT 1 FROM events WHERE account_id = ?1 AND uid = ?2", key)?
        || exists(connection, "SELECT 1 FROM items WHERE account_id = ?1 AND uid = ?2", key)?)
}

/// What waits and has this identity, in the order in which it came.
pub(crate) fn twins(
    connection: &Connection,
    account: AccountId,
    identity: &Identity,
) -> Result<Vec<Item>, Fault> {
    // There is hardly ever more than one: they are put in order here, for a sorter of the database costs more than they do.
    let sql = "SELECT body, uid, arrival FROM items WHERE account_id = ?1 AND identity = ?2";
    let mut found = all(connection, TABLE, sql, (account.get(), digest(identity)), |row| {
        let item = read_item(row, 0, row.get_ref(1)?.as_str().unwrap_or_default())?;
        Ok((row.get::<_, i64>(2)?, item))
    })?;
    found.sort_by_key(|(arrival, _)| *arrival);
    let items = found.into_iter().map(|(_, item)| item);
    Ok(items.filter(|item| Identity::of(&item.metadata).as_ref() == Some(identity)).collect())
}

/// An item in a column of a row.
pub(crate) fn read_item(
    row: &rusqlite::Row<'_>,
    column: usize,
    key: impl std::fmt::Display,
) -> Result<Item, Fault> {
    match row.get_ref(column)?.as_str() {
        Ok(body) => read(TABLE, key, body),
        Err(error) => Err(Fault::damaged(TABLE, key, error)),
    }
}

/// Puts an item on the stage.
pub(crate) fn stage(
    writing: &mut Writing<'_>,
    account: AccountId,
    item: &Item,
    slot: &str,
) -> Result<(), Fault> {
    let identity = Identity::of(&item.metadata).map(|identity| digest(&identity));
    let sql = "INSERT INTO items (account_id, uid, pipeline_id, category, created_at, updated_at, version,
                                  identity, slot, body)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    execute(
        writing.connection,
        sql,
        (
            account.get(),
            item.uid.as_str(),
            item.pipeline_id.get(),
            category(item.category()),
            item.created_at.secs(),
            item.updated_at.secs(),
            item.version,
            identity,
            slot,
            body(item),
        ),
    )?;
    count(writing, account, item, 1);
    Ok(())
}

/// Changes an item that waits.
pub(crate) fn restage(
    writing: &mut Writing<'_>,
    account: AccountId,
    uid: &Uid,
    change: impl FnOnce(&mut Item),
) -> Result<(), Fault> {
    let Some(mut item) = find(writing.connection, account, uid)? else { return Ok(()) };
    count(writing, account, &item, -1);
    change(&mut item);
    let sql = "UPDATE items SET updated_at = ?3, version = ?4, body = ?5 WHERE account_id = ?1 AND uid = ?2";
    let (updated_at, version) = (item.updated_at.secs(), item.version);
    execute(writing.connection, sql, (account.get(), uid.as_str(), updated_at, version, body(&item)))?;
    count(writing, account, &item, 1);
    Ok(())
}

/// Takes an item off the stage; whether it was there.
pub(crate) fn unstage(writing: &mut Writing<'_>, account: AccountId, uid: &Uid) -> Result<bool, Fault> {
    let sql = "DELETE FROM items WHERE account_id = ?1 AND uid = ?2 RETURNING body";
    let item =
        one(writing.connection, TABLE, sql, (account.get(), uid.as_str()), |row| read_item(row, 0, uid))?;
    if let Some(item) = &item {
        count(writing, account, item, -1);
    }
    Ok(item.is_some())
}

fn count(writing: &mut Writing<'_>, account: AccountId, item: &Item, by: i64) {
    let (pipeline, category) = (item.pipeline_id, item.category());
    let counts = writing.counts();
    counts.waiting(account, OrderKey::CreatedAt, pipeline, item.created_at, category, by);
    counts.waiting(account, OrderKey::UpdatedAt, pipeline, item.updated_at, category, by);
}

fn digest(identity: &Identity) -> [u8; 32] {
    Sha256::digest(identity.as_str()).into()
}
