//! SQLite alone: the rows of a store that are given to a second file as they are.

use std::path::Path;
use std::time::{Duration, Instant};

use incoming_leads_sqlite::{Options, Sqlite};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// A row of a table, with the statement that inserts it.
type Row = (String, Vec<Value>);

/// Inserts the rows of the store's leads into a new file, so many leads a commit. How long that takes.
pub fn insert_again(from: &Sqlite, folder: &Path, leads: u64) -> Duration {
    let path = folder.join("again.sqlite");
    drop(Options::default().open(&path).expect("the folder has room for another file"));
    let source = Connection::open(from.path()).expect("the file is there");
    let groups = groups(&source, leads);
    let target = Connection::open(path).expect("the file was just made");
    target.set_prepared_statement_cache_capacity(64);
    target
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 10000",
        )
        .expect("SQLite knows these pragmas");
    let begun = Instant::now();
    for group in groups {
        target.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for (sql, values) in group {
            let mut statement = target.prepare_cached(&sql).expect("the tables are the same");
            statement.execute(params_from_iter(values)).expect("the row is new");
        }
        target.execute_batch("COMMIT").expect("the disk has room");
    }
    begun.elapsed()
}

/// What each commit inserts: events, items and entities of so many leads, and the counts that one group touches.
fn groups(source: &Connection, leads: u64) -> Vec<Vec<Row>> {
    let [events, items, entities] = ["events", "items", "entities"].map(|table| rows(source, table, ""));
    // As many as one group of live adds writes: a bucket of each level, of all and of each pipeline.
    let counts = ["tallies", "guides"].map(|table| rows(source, table, "GROUP BY pipeline_id, level"));
    let leads = usize::try_from(leads).expect("a size");
    let per_lead = entities.len() / items.len();
    let groups = events.chunks(leads).zip(items.chunks(leads)).zip(entities.chunks(leads * per_lead));
    let groups = groups.map(|((events, items), entities)| {
        let rows = events.iter().chain(items).chain(entities).chain(counts.iter().flatten());
        rows.cloned().collect()
    });
    groups.collect()
}

fn rows(source: &Connection, table: &str, grouped: &str) -> Vec<Row> {
    let mut statement =
        source.prepare(&format!("SELECT * FROM {table} {grouped}")).expect("the table is there");
    let columns = statement.column_count();
    let marks = vec!["?"; columns].join(", ");
    let sql = format!("INSERT OR REPLACE INTO {table} VALUES ({marks})");
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    let rows = rows.expect("the table can be read");
    rows.map(|values| (sql.clone(), values.expect("the row can be read"))).collect()
}
