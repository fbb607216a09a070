//! The tables: what is ours, what is newer, what keys begin with, what questions read along.

use incoming_leads_port::ErrorKind;
use incoming_leads_sqlite::{Migrate, Options};

use crate::world::World;

#[tokio::test]
async fn a_newer_file_is_refused_and_left_as_it_is() {
    let world = World::new().await;
    world.raw().execute("INSERT INTO migrations VALUES (1000, 0)", []).unwrap();
    let error = Options::default().open(world.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("schema 1000, which a newer program made"), "{error}");
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

#[tokio::test]
async fn tables_are_made_only_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.sqlite");
    for migrate in [Migrate::Never, Migrate::OnlyOlder, Migrate::AsItIs] {
        Options::default().with_migrate(migrate).open(&path).unwrap_err();
        assert!(!path.exists());
    }
    std::fs::write(&path, "").unwrap();
    for migrate in [Migrate::Never, Migrate::OnlyOlder, Migrate::AsItIs] {
        let error = Options::default().with_migrate(migrate).open(&path).unwrap_err();
        assert!(error.to_string().contains("no tables of ours"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}

#[tokio::test]
async fn an_older_file_is_opened_as_it_is_to_copy_it() {
    let world = World::new().await;
    world.raw().execute("UPDATE migrations SET version = 0", []).unwrap();
    for migrate in [Migrate::Never, Migrate::WhenNew] {
        let error = Options::default().with_migrate(migrate).open(world.path()).unwrap_err();
        assert!(error.to_string().contains("migrate it first"), "{error}");
    }
    let older = Options::default().with_migrate(Migrate::AsItIs).open(world.path()).unwrap();
    let copy = world.folder.path().join("copy.sqlite");
    older.backup(&copy).await.unwrap();
    let copied = rusqlite::Connection::open(copy).unwrap();
    let version = copied.query_row("SELECT MAX(version) FROM migrations", [], |row| row.get::<_, u32>(0));
    assert_eq!(version.unwrap(), 0);
}

#[tokio::test]
async fn every_key_of_an_account_begins_with_it() {
    let world = World::new().await;
    let connection = world.raw();
    let sql = "SELECT t.name, i.name, (SELECT c.name FROM pragma_index_info(i.name) c WHERE c.seqno = 0)
               FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.\"unique\"";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let keys: Vec<(String, String, String)> = rows.collect::<Result<_, _>>().unwrap();
    assert!(keys.len() >= 10, "{keys:?}");
    for (table, index, first) in keys {
        // What is of the store, not of an account.
        let is_of_store = ["store", "migrations"].contains(&table.as_str());
        assert!(is_of_store || first == "account_id", "{index} of {table} begins with {first}");
    }
}
