//! The tables: what is ours, what is newer or older, what keys begin with, what questions read along.

use std::collections::BTreeSet;

use incoming_leads_model::document::Line;
use incoming_leads_port::{ErrorKind, Outcome, Provision, Registry};
use incoming_leads_sqlite::{Migrate, Options};

use crate::world::{World, layout, principal};

#[tokio::test]
async fn a_newer_file_is_refused_and_left_as_it_is() {
    let world = World::new().await;
    world.raw().execute("INSERT INTO migrations VALUES (1000, 0)", []).unwrap();
    let error = Options::default().open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("schema 1000, which a newer program made"), "{error}");
}

/// Until there is a second step, the only older schema is that of before the first.
#[tokio::test]
async fn an_older_file_is_refused_unless_it_is_to_be_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.sqlite");
    drop(Options::default().open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations'";
    let tables: Vec<String> = raw
        .prepare(tables)
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for table in &tables {
        raw.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    raw.execute("DELETE FROM migrations", []).unwrap();
    drop(raw);

    let refused = Options::default().open(&path).unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
    assert!(refused.to_string().contains("has schema 0"), "{refused}");
    assert!(refused.to_string().contains("migrate it first"), "{refused}");

    let migrated = Options::default().with_migrate(Migrate::WhenOlder).open(&path).unwrap();
    migrated.import(vec![Line::Account(Box::new(layout()))]).await.unwrap();
    migrated.open(principal()).await.unwrap();
    drop(migrated);
    let again = Options::default().open(&path).unwrap();
    assert_eq!(again.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Options::default().open(&path).unwrap_err();
    assert!(error.to_string().contains("a database of something else"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Keys that begin with something else.
const OTHERS: [(&str, &str); 3] = [
    // The number of a row, by which indexes name it: each key that is looked for by is an index of its own.
    ("items", "arrival"),
    // What is of the file, not of an account.
    ("migrations", "version"),
    ("store", "name"),
];

#[tokio::test]
async fn every_key_of_an_account_begins_with_it() {
    let world = World::new().await;
    let connection = world.raw();
    // A primary key that is the number of the row has no index.
    let sql = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
               WHERE t.type = 'table' AND c.pk = 1
               UNION ALL
               SELECT t.name, (SELECT c.name FROM pragma_index_info(i.name) c WHERE c.seqno = 0)
               FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.\"unique\"";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let keys: Vec<(String, String)> = rows.collect::<Result<_, _>>().unwrap();
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'";
    let tables: usize = connection.query_row(tables, [], |row| row.get(0)).unwrap();
    let looked_at: BTreeSet<_> = keys.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(looked_at.len(), tables, "a table has no key: {looked_at:?}");
    let others: BTreeSet<_> = keys
        .iter()
        .filter(|(_, first)| first != "account_id")
        .map(|(table, first)| (&**table, &**first))
        .collect();
    assert_eq!(others, BTreeSet::from(OTHERS), "keys that do not begin with the account");
}
