//! The tables: what is ours, what is newer or older, what keys begin with, what questions read along.

use std::collections::BTreeSet;

use incoming_leads_model::document::{Line, Secret, Token};
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{Accept, Cards, Decline, EntityRef, ListQuery, PageRequest, SummaryQuery};
use incoming_leads_port::{Digest, EntityQuery, ErrorKind, Outcome, Provision, Registry, Retention};
use incoming_leads_sqlite::{Migrate, Options};
use serde_json::json;

use crate::world::{START, World, call, chat, layout, principal};

#[tokio::test]
async fn a_newer_file_is_refused_and_left_as_it_is() {
    let world = World::new().await;
    world.raw().execute("INSERT INTO migrations (version, applied_at) VALUES (1000, 0)", []).unwrap();
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

/// What a newer program puts into bodies: a field in each struct that the model nests.
const LATER: &[(&str, &str, &[&str])] = &[
    (
        "accounts",
        "layout",
        &["$", "$.account", "$.pipelines[0]", "$.pipelines[0].statuses[0]", "$.users[0].rights"],
    ),
    ("items", "body", &["$", "$.links", "$.metadata.sip"]),
    ("entities", "body", &["$", "$.stamp", "$.card"]),
    ("notes", "body", &["$"]),
    (
        "events",
        "body",
        &["$", "$.kind.added", "$.kind.added.item", "$.kind.declined", "$.kind.declined.links"],
    ),
    ("tokens", "body", &["$"]),
    ("grants", "body", &["$"]),
];

#[tokio::test]
async fn this_program_goes_on_beside_a_newer_one() {
    let world = World::new().await;
    let [first, second, third] = [
        world.add(call(1, START, 10)).await,
        world.add(call(2, START, 10)).await,
        world.add(call(3, START, 10)).await,
    ];
    let intake = world.ports.intake.as_ref().unwrap();
    intake.take_in(&chat(1, START, 10)).await.unwrap();
    world.ports.incoming.decline(&third.uid, &Decline::default()).await.unwrap();
    let principal = principal();
    let digest = Digest([7; 32]);
    let secret = || Secret::Sha256(Digest([7; 32]).to_hex());
    let token = Token::bearer(principal.account_id, principal.user_id, secret());
    world.sqlite.enrol(&token).await.unwrap();
    let grant: Grant = serde_json::from_value(json!({
        "id": "g", "account_id": 1, "user_id": 5, "client_id": "c", "due": "refresh", "secret": secret(),
        "expires_at": START + 9_999_999,
    }))
    .unwrap();
    assert!(world.sqlite.swap("g", None, Some(&grant)).await.unwrap());

    let raw = world.raw();
    let mut tables = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
    assert!(tables.len() >= 12, "{tables:?}");
    for table in tables {
        let added = format!(
            "ALTER TABLE {table} ADD COLUMN later TEXT; ALTER TABLE {table} ADD COLUMN much_later INTEGER NOT NULL DEFAULT 7"
        );
        raw.execute_batch(&added).unwrap();
    }
    for (table, column, paths) in LATER {
        for path in *paths {
            let added = format!(
                "UPDATE {table} SET {column} = json_set({column}, '{path}.later', json('{{\"a\": [1, null]}}'))
                 WHERE json_type({column}, '{path}') = 'object'"
            );
            assert!(raw.execute(&added, []).unwrap() > 0, "{table} {path}");
        }
    }
    raw.execute("UPDATE accounts SET version = version + 1", []).unwrap();

    let ports = &world.ports;
    let page = PageRequest::new(1, 500).unwrap();
    let query = ListQuery { page, cards: Cards::Include, ..ListQuery::default() };
    assert_eq!(ports.incoming.list(&query).await.unwrap().items.len(), 3);
    ports.incoming.accept(&first.uid, &Accept::default()).await.unwrap();
    ports.incoming.decline(&second.uid, &Decline::default()).await.unwrap();
    intake.take_in(&chat(1, START, 10)).await.unwrap();
    world.add(call(1, START, 10)).await;
    let by_uid = SummaryQuery { uids: Some(vec![first.uid, third.uid]), ..SummaryQuery::default() };
    assert_eq!(ports.incoming.summary(&by_uid).await.unwrap().declined, Some(1));
    assert_eq!(ports.incoming.summary(&SummaryQuery::default()).await.unwrap().total, 5);
    assert_eq!(ports.history.as_ref().unwrap().events(None, 100).await.unwrap().events.len(), 9);
    let directory = ports.directory.as_ref().unwrap();
    assert_eq!(*directory.layout().await.unwrap(), layout());
    let leads = directory.leads(&EntityQuery::listed(page)).await.unwrap().items;
    for lead in leads {
        directory.notes(EntityRef::Lead(lead.id), page).await.unwrap();
    }
    assert_eq!(world.sqlite.token(&digest).await.unwrap(), Some(token));
    assert_eq!(world.sqlite.grant("g").await.unwrap().as_ref(), Some(&grant));
    assert!(world.sqlite.swap("g", Some(&grant), None).await.unwrap());
    world.sqlite.import(world.export().await).await.unwrap();
    world.clock.advance_secs(86_400 * 3);
    let retention = Retention::default().with_events_days(1).with_settled_days(1);
    assert!(world.sqlite.sweep(retention).await.unwrap() > 0);
    world.sqlite.backup(world.folder.path().join("copy.sqlite")).await.unwrap();
    let world = world.again().await;
    assert_eq!(world.uids().await.len(), 2);
}
