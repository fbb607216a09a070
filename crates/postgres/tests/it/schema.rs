//! What the tables look like, and who makes them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use incoming_leads_conformance::fixture;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_model::{Accept, Add, Cards, Decline, Draft, ListQuery, PageRequest, SummaryQuery};
use incoming_leads_port::{
    Digest, EntityQuery, ErrorKind, ManualClock, Outcome, Provision, Registry, Retention,
};
use incoming_leads_postgres::{Migrate, Options};
use tokio::time::sleep;

use crate::world::{World, add, administrator, form, furnish};

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

#[tokio::test]
async fn tables_are_made_only_where_that_is_asked_for() {
    let Some(world) = World::new() else { return };
    for migrate in [Migrate::Never, Migrate::OnlyOlder] {
        let refused = Options::default().with_migrate(migrate).open(&world.database.url()).await.unwrap_err();
        assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
        assert!(refused.to_string().contains("no tables of ours"), "{refused}");
    }
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let row = world.client().await.query_one(tables, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    drop(world.store().await);
    for migrate in [Migrate::Never, Migrate::OnlyOlder] {
        Options::default().with_migrate(migrate).open(&world.database.url()).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_left_as_it_is() {
    for foreign in
        ["TABLE customers (id bigint)", "TABLE store (sku text)", "VIEW months AS SELECT 12 AS months"]
    {
        let Some(world) = World::new() else { return };
        let client = world.client().await;
        client.batch_execute(&format!("CREATE {foreign}")).await.unwrap();
        for migrate in [Migrate::WhenNew, Migrate::WhenOlder] {
            let options = Options::default().with_migrate(migrate);
            let refused = options.open(&world.database.url()).await.unwrap_err();
            assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
            assert!(refused.to_string().contains("one of something else"), "{refused}");
        }
        let relations = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
        let row = client.query_one(relations, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1, "{foreign}");
    }
}

#[tokio::test]
async fn relations_of_an_extension_are_nobodys() {
    let Some(world) = World::new() else { return };
    let client = world.client().await;
    let available = "SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    if client.query_opt(available, &[]).await.unwrap().is_none() {
        return;
    }
    client.batch_execute("CREATE EXTENSION pg_stat_statements").await.unwrap();
    furnish(&world.store().await).await;
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
    for migrate in [Migrate::WhenNew, Migrate::Never] {
        let refused = Options::default().with_migrate(migrate).open(&url).await.unwrap_err();
        assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
        assert!(refused.to_string().contains("has schema 0"), "{refused}");
        assert!(refused.to_string().contains("migrate it first"), "{refused}");
    }

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

/// What a newer program puts into bodies: a field in structs that the model nests.
const LATER: &[(&str, &str, &[&str])] = &[
    ("accounts", "layout", &["later", "account,later", "pipelines,0,later", "users,0,later"]),
    ("items", "body", &["later", "links,later", "metadata,forms,later"]),
    ("entities", "body", &["later", "stamp,later", "card,later"]),
    ("notes", "body", &["later"]),
    ("events", "body", &["later", "kind,added,later", "kind,added,item,later", "kind,declined,links,later"]),
    ("tokens", "body", &["later"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_program_goes_on_beside_a_newer_one() {
    let Some(world) = World::new() else { return };
    let clock = Arc::new(ManualClock::new(fixture::START));
    let store = world.store().await.with_clock(clock.clone());
    furnish(&store).await;
    let ports = administrator(&store).await;
    let [first, second, third] =
        [add(&*ports.incoming).await, add(&*ports.incoming).await, add(&*ports.incoming).await];
    ports.incoming.decline(&third.uid, &Decline::default()).await.unwrap();
    let note = serde_json::from_str(r#"{"notes": [{"text": "Hello"}]}"#).unwrap();
    let with_note = Draft { leads: vec![note], ..form() };
    ports.incoming.add(&Add::forms(vec![with_note])).await.unwrap();
    let digest = Digest([7; 32]);
    let secret = Secret::Sha256(digest.to_hex());
    let token = Token::bearer(fixture::ACCOUNT, fixture::ADMINISTRATOR, secret);
    store.enrol(&token).await.unwrap();
    let layout = ports.directory.as_ref().unwrap().layout().await.unwrap();
    let page = PageRequest::new(1, 500).unwrap();
    let query = ListQuery { page, cards: Cards::Include, ..ListQuery::default() };
    let waiting = ports.incoming.list(&query).await.unwrap();

    let client = world.client().await;
    let tables =
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let added = format!(
            "ALTER TABLE {table} ADD COLUMN later text, ADD COLUMN much_later bigint NOT NULL DEFAULT 7"
        );
        client.batch_execute(&added).await.unwrap();
    }
    for (table, column, paths) in LATER {
        for path in *paths {
            let parent = path.rsplit_once(',').map_or("", |(parent, _)| parent);
            let added = format!(
                "UPDATE {table} SET {column} = jsonb_set({column}::jsonb, '{{{path}}}', '{{\"a\": [1, null]}}')::text \
                 WHERE jsonb_typeof({column}::jsonb #> '{{{parent}}}') = 'object'"
            );
            assert!(client.execute(&added, &[]).await.unwrap() > 0, "{table} {path}");
        }
    }
    client.execute("UPDATE accounts SET version = version + 1", &[]).await.unwrap();

    assert_eq!(ports.incoming.list(&query).await.unwrap(), waiting);
    ports.incoming.accept(&first.uid, &Accept::default()).await.unwrap();
    ports.incoming.decline(&second.uid, &Decline::default()).await.unwrap();
    add(&*ports.incoming).await;
    let by_uid = SummaryQuery { uids: Some(vec![first.uid, third.uid]), ..SummaryQuery::default() };
    assert_eq!(ports.incoming.summary(&by_uid).await.unwrap().declined, Some(1));
    let directory = ports.directory.as_ref().unwrap();
    assert_eq!(directory.layout().await.unwrap(), layout);
    directory.leads(&EntityQuery::listed(page)).await.unwrap();
    assert_eq!(store.token(&digest).await.unwrap(), Some(token));
    let lines = store.export(None).try_collect().await.unwrap();
    store.import(lines).await.unwrap();
    clock.advance_secs(3 * 86_400);
    let retention = Retention::default().with_events_days(1).with_settled_days(1);
    assert!(store.sweep(retention).await.unwrap() > 0);
    let again = administrator(&world.store().await).await;
    assert_eq!(again.incoming.list(&query).await.unwrap().items.len(), waiting.items.len() - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_anothers_migration_waits_as_long_as_it_takes() {
    let Some(world) = World::new() else { return };
    let other = world.client().await;
    other.batch_execute("SELECT pg_advisory_lock(x'496e634c'::bigint)").await.unwrap();
    let (url, short) = (world.database.url(), Duration::from_millis(200));
    let opening = tokio::spawn(async move {
        Options::default().with_statement_time(short * 10).with_lock_time(short).open(&url).await
    });
    sleep(short * 15).await;
    assert!(!opening.is_finished());
    other.batch_execute("SELECT pg_advisory_unlock_all()").await.unwrap();
    let store = opening.await.unwrap().unwrap();
    // The connection has its bounds back.
    furnish(&store).await;
    let ports = administrator(&store).await;
    other.batch_execute("BEGIN; SELECT FROM marks FOR UPDATE").await.unwrap();
    let error = ports.incoming.add(&Add::forms(vec![form()])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
