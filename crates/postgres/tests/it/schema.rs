//! What the tables look like, and who makes them.

use incoming_leads_port::{ErrorKind, Outcome, Registry};
use incoming_leads_postgres::{Migrate, Options};

use crate::world::{World, add, administrator, furnish};

#[tokio::test]
async fn every_unique_index_and_foreign_key_contains_the_account() {
    let Some(world) = World::new() else { return };
    let _store = world.store().await;
    let client = world.client().await;
    let indexes = "SELECT c.relname::text, ARRAY(SELECT a.attname::text FROM pg_attribute a \
                   WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)) \
                   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                   JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
                   WHERE i.indisunique AND n.nspname = 'public'";
    let keys = "SELECT c.conname::text, ARRAY(SELECT a.attname::text FROM pg_attribute a \
                WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)) FROM pg_constraint c \
                WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace";
    let mut looked_at = 0;
    for sql in [indexes, keys] {
        for row in client.query(sql, &[]).await.unwrap() {
            let (name, columns): (String, Vec<String>) = (row.get(0), row.get(1));
            assert!(columns.iter().any(|column| column == "account_id"), "{name} has {columns:?}");
            looked_at += 1;
        }
    }
    assert!(looked_at >= 14, "{looked_at} of them are no whole schema");
}

#[tokio::test]
async fn every_table_begins_with_the_account() {
    let Some(world) = World::new() else { return };
    let _store = world.store().await;
    let first = "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
                 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum = 1";
    let rows = world.client().await.query(first, &[]).await.unwrap();
    assert!(rows.len() >= 13, "{} of them are no whole schema", rows.len());
    for row in rows {
        assert_eq!(row.get::<_, String>(1), "account_id", "{}", row.get::<_, String>(0));
    }
}

#[tokio::test]
async fn many_that_open_an_empty_database_make_its_tables_once() {
    let Some(world) = World::new() else { return };
    let openings = (0..8).map(|_| {
        let url = world.database.url();
        tokio::spawn(async move { Options::default().open(&url).await.map(drop) })
    });
    for opening in openings.collect::<Vec<_>>() {
        opening.await.unwrap().unwrap();
    }
    assert!(world.store().await.accounts().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let Some(world) = World::new() else { return };
    drop(world.store().await);
    let client = world.client().await;
    client.execute("UPDATE store SET value = '9999' WHERE name = 'schema'", &[]).await.unwrap();
    for migrate in [Migrate::WhenNew, Migrate::WhenOlder] {
        let refused = Options::default().with_migrate(migrate).open(&world.database.url()).await.unwrap_err();
        assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
        assert!(refused.to_string().contains("newer program"), "{refused}");
    }
}

/// Until there is a second step, the only older schema is that of before the first, which knows its own version and
/// nothing else. What it knows lies behind the place in which tables are made, or the first step would stumble over it.
#[tokio::test]
async fn an_older_database_is_refused_unless_it_is_to_be_migrated() {
    let Some(world) = World::new() else { return };
    let client = world.client().await;
    let name: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let older = format!(
        "CREATE SCHEMA older; CREATE TABLE older.store (account_id bigint, name text, value text);
         INSERT INTO older.store VALUES (0, 'schema', '0'); ALTER DATABASE {name} SET search_path = public, older"
    );
    client.batch_execute(&older).await.unwrap();
    let url = world.database.url();
    let refused = Options::default().open(&url).await.unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
    assert!(refused.to_string().contains("has schema 0"), "{refused}");
    assert!(refused.to_string().contains("migrate it first"), "{refused}");

    let migrated = Options::default().with_migrate(Migrate::WhenOlder).open(&url).await.unwrap();
    furnish(&migrated).await;
    add(&*administrator(&migrated).await.incoming).await;
    drop(migrated);
    assert!(!world.store().await.accounts().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_understood_is_refused() {
    for address in ["postgresql://h:port/d", "postgresql://h/d?sslmode=prefer", "nonsense"] {
        let refused = Options::default().open(address).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.outcome()),
            (ErrorKind::Invalid, Outcome::NotApplied),
            "{address}"
        );
    }
}
