//! Leads, contacts, companies, customers; tags and notes.

use incoming_leads_model::{
    AccountId, Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityKind, EntityRef, Lead,
    LeadId, Note, Stamp, Tag, TagId,
};
use rusqlite::{Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::convert::{all, body, execute, one, read};
use crate::error::Fault;

/// An entity that is found by its number.
pub(crate) trait Kept: Serialize + DeserializeOwned + Send + 'static {
    type Id: Copy + Ord + Into<u64> + Send + Sync + 'static;
    const KIND: EntityKind;

    fn id(&self) -> Self::Id;
    fn is_listed(&self) -> bool;
    fn stamp(&self) -> &Stamp;
    fn is_later_than(&self, other: &Self) -> bool;
}

macro_rules! kept {
    ($($entity:ident $id:ident;)*) => {$(
        impl Kept for $entity {
            type Id = $id;
            const KIND: EntityKind = EntityKind::$entity;

            fn id(&self) -> $id {
                self.id
            }

            fn is_listed(&self) -> bool {
                $entity::is_listed(self)
            }

            fn stamp(&self) -> &Stamp {
                &self.stamp
            }

            fn is_later_than(&self, other: &Self) -> bool {
                $entity::is_later_than(self, other)
            }
        }
    )*};
}

kept! {
    Lead LeadId;
    Contact ContactId;
    Company CompanyId;
    Customer CustomerId;
}

const ENTITIES: &str = "entities";
const NOTES: &str = "notes";
const TAGS: &str = "tags";

/// The number of a kind in the tables.
const fn number(kind: EntityKind) -> u8 {
    match kind {
        EntityKind::Lead => 0,
        EntityKind::Contact => 1,
        EntityKind::Company => 2,
        EntityKind::Customer => 3,
    }
}

/// The entity of this id.
pub(crate) fn find<T: Kept>(
    connection: &Connection,
    account: AccountId,
    id: T::Id,
) -> Result<Option<T>, Fault> {
    let sql = "SELECT body FROM entities WHERE account_id = ?1 AND kind = ?2 AND id = ?3";
    one(connection, ENTITIES, sql, (account.get(), number(T::KIND), id.into()), |row| {
        read_body(row, id.into())
    })
}

/// What lists show, by id: so many after the first ones, and one more where there is one.
pub(crate) fn listed<T: Kept>(
    connection: &Connection,
    account: AccountId,
    offset: u64,
    most: u64,
) -> Result<Vec<T>, Fault> {
    let sql = "SELECT body, id FROM entities WHERE account_id = ?1 AND kind = ?2 AND is_listed
               ORDER BY id LIMIT ?3 OFFSET ?4";
    let offset = offset.min(i64::MAX.cast_unsigned());
    all(connection, ENTITIES, sql, (account.get(), number(T::KIND), most, offset), |row| {
        read_body(row, row.get(1)?)
    })
}

/// Entities behind an id, by id.
pub(crate) fn after<T: Kept>(
    connection: &Connection,
    account: AccountId,
    id: u64,
    most: u64,
) -> Result<Vec<T>, Fault> {
    let sql =
        "SELECT body, id FROM entities WHERE account_id = ?1 AND kind = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
    all(connection, ENTITIES, sql, (account.get(), number(T::KIND), id, most), |row| {
        read_body(row, row.get(1)?)
    })
}

/// Keeps a new entity. That there is one of this id already would be damage.
pub(crate) fn make<T: Kept>(connection: &Connection, account: AccountId, entity: &T) -> Result<(), Fault> {
    put(
        connection,
        account,
        entity,
        "INSERT INTO entities (account_id, kind, id, is_listed, binned_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
}

/// Keeps an entity in the place of the one of this id.
pub(crate) fn write<T: Kept>(connection: &Connection, account: AccountId, entity: &T) -> Result<(), Fault> {
    let sql = "INSERT INTO entities (account_id, kind, id, is_listed, binned_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (account_id, kind, id) DO UPDATE SET
                   is_listed = excluded.is_listed, binned_at = excluded.binned_at, body = excluded.body";
    put(connection, account, entity, sql)
}

/// Keeps an entity of a document, unless the one of this id has changed since the document was written.
pub(crate) fn restore<T: Kept>(connection: &Connection, account: AccountId, entity: &T) -> Result<(), Fault> {
    match find::<T>(connection, account, entity.id())? {
        Some(own) if own.is_later_than(entity) => Ok(()),
        Some(_) | None => write(connection, account, entity),
    }
}

fn put<T: Kept>(connection: &Connection, account: AccountId, entity: &T, sql: &str) -> Result<(), Fault> {
    let (account, kind, id) = (account.get(), number(T::KIND), entity.id().into());
    let stamp = entity.stamp();
    let binned_at = stamp.is_deleted.then(|| stamp.updated_at.secs());
    execute(connection, sql, (account, kind, id, entity.is_listed(), binned_at, body(entity))).map(drop)
}

/// Changes the entity of this id, if it is there.
pub(crate) fn change<T: Kept>(
    connection: &Connection,
    account: AccountId,
    id: T::Id,
    change: impl FnOnce(&mut T),
) -> Result<(), Fault> {
    let Some(mut entity) = find::<T>(connection, account, id)? else { return Ok(()) };
    change(&mut entity);
    write(connection, account, &entity)
}

fn read_body<T: DeserializeOwned>(row: &Row<'_>, id: u64) -> Result<T, Fault> {
    match row.get_ref(0)?.as_str() {
        Ok(body) => read(ENTITIES, id, body),
        Err(error) => Err(Fault::damaged(ENTITIES, id, error)),
    }
}

/// The tag of this id.
pub(crate) fn tag(connection: &Connection, account: AccountId, id: TagId) -> Result<Option<Tag>, Fault> {
    let sql = "SELECT tag_id, name FROM tags WHERE account_id = ?1 AND tag_id = ?2";
    one(connection, TAGS, sql, (account.get(), id.get()), read_tag)
}

/// The tag of this name.
pub(crate) fn tag_named(
    connection: &Connection,
    account: AccountId,
    name: &str,
) -> Result<Option<Tag>, Fault> {
    let sql = "SELECT tag_id, name FROM tags WHERE account_id = ?1 AND name = ?2";
    one(connection, TAGS, sql, (account.get(), name), read_tag)
}

/// Tags behind an id, by id.
pub(crate) fn tags_after(
    connection: &Connection,
    account: AccountId,
    id: u64,
    most: u64,
) -> Result<Vec<Tag>, Fault> {
    let sql = "SELECT tag_id, name FROM tags WHERE account_id = ?1 AND tag_id > ?2 ORDER BY tag_id LIMIT ?3";
    all(connection, TAGS, sql, (account.get(), id, most), read_tag)
}

fn read_tag(row: &Row<'_>) -> Result<Tag, Fault> {
    let id: u64 = row.get(0)?;
    Ok(Tag { id: TagId::new(id).map_err(|error| Fault::damaged(TAGS, id, error))?, name: row.get(1)? })
}

/// Keeps a tag in the place of the one of this id; a name is of one tag.
pub(crate) fn write_tag(connection: &Connection, account: AccountId, tag: &Tag) -> Result<(), Fault> {
    let Tag { id, name } = tag;
    let sql = "INSERT OR REPLACE INTO tags (account_id, tag_id, name) VALUES (?1, ?2, ?3)";
    execute(connection, sql, (account.get(), id.get(), name)).map(drop)
}

fn place(on: EntityRef) -> (u8, u64) {
    let id = match on {
        EntityRef::Lead(id) => id.get(),
        EntityRef::Contact(id) => id.get(),
        EntityRef::Company(id) => id.get(),
        EntityRef::Customer(id) => id.get(),
    };
    (number(on.kind()), id)
}

/// The notes on an entity, by id: so many after the first ones.
pub(crate) fn notes(
    connection: &Connection,
    account: AccountId,
    on: EntityRef,
    offset: u64,
    most: u64,
) -> Result<Vec<Note>, Fault> {
    let sql = "SELECT body, note_id FROM notes WHERE account_id = ?1 AND kind = ?2 AND entity_id = ?3
               ORDER BY note_id LIMIT ?4 OFFSET ?5";
    let ((kind, id), offset) = (place(on), offset.min(i64::MAX.cast_unsigned()));
    all(connection, NOTES, sql, (account.get(), kind, id, most, offset), |row| read_note(row, row.get(1)?))
}

/// The place of a note: kind and id of its entity, its own id.
pub(crate) type NotePlace = (u8, u64, u64);

/// Notes behind a place, with their places.
pub(crate) fn notes_after(
    connection: &Connection,
    account: AccountId,
    (kind, entity, note): NotePlace,
    most: u64,
) -> Result<Vec<(NotePlace, Note)>, Fault> {
    let sql = "SELECT body, kind, entity_id, note_id FROM notes
               WHERE account_id = ?1 AND (kind, entity_id, note_id) > (?2, ?3, ?4)
               ORDER BY kind, entity_id, note_id LIMIT ?5";
    all(connection, NOTES, sql, (account.get(), kind, entity, note, most), |row| {
        let place = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((place, read_note(row, place.2)?))
    })
}

fn read_note(row: &Row<'_>, id: u64) -> Result<Note, Fault> {
    match row.get_ref(0)?.as_str() {
        Ok(body) => read(NOTES, id, body),
        Err(error) => Err(Fault::damaged(NOTES, id, error)),
    }
}

/// Keeps a note in the place of the one of this id.
pub(crate) fn write_note(connection: &Connection, account: AccountId, note: &Note) -> Result<(), Fault> {
    let sql = "INSERT INTO notes (account_id, kind, entity_id, note_id, body) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (account_id, kind, entity_id, note_id) DO UPDATE SET body = excluded.body";
    let (kind, id) = place(note.entity);
    execute(connection, sql, (account.get(), kind, id, note.id.get(), body(note))).map(drop)
}
