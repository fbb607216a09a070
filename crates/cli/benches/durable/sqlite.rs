//! The yardstick of SQLite: the rows that a server has stored, inserted into another file by nothing but SQLite.

use std::path::Path;
use std::time::Instant;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::rows::part;

struct Table {
    name: String,
    columns: usize,
    rows: Vec<Vec<Value>>,
}

/// Inserts what the first file holds into the second, in transactions that hold as many adds as there are clients; adds
/// per second. Each commit is synced, as the server's are.
pub(crate) fn insert_again(from: &Path, to: &Path, clients: usize) -> f64 {
    let (schema, tables) = read(from);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", to.display()));
    }
    let raw = Connection::open(to).expect("the file can be made");
    raw.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 10000; PRAGMA cache_size = -16384")
        .expect("SQLite has these settings");
    schema.iter().for_each(|sql| raw.execute_batch(sql).expect("the schema is SQLite's own"));
    let adds = tables.iter().find(|table| table.name == "events").map_or(0, |table| table.rows.len());
    let commits = (adds / clients).max(1);
    let begun = Instant::now();
    for commit in 0..commits {
        raw.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for Table { name, columns, rows } in &tables {
            let marks = vec!["?"; *columns].join(",");
            let mut insert =
                raw.prepare_cached(&format!("INSERT INTO {name} VALUES ({marks})")).expect("it is a table");
            for row in &rows[part(rows.len(), commit, commits)] {
                insert.execute(params_from_iter(row)).expect("the row was stored before");
            }
        }
        raw.execute_batch("COMMIT").expect("there is room");
    }
    adds as f64 / begun.elapsed().as_secs_f64()
}

/// The schema, and all rows.
fn read(from: &Path) -> (Vec<String>, Vec<Table>) {
    let own = Connection::open(from).expect("the server has made it");
    let ask = |sql: &str| -> Vec<String> {
        let mut statement = own.prepare(sql).expect("SQLite has this table");
        let rows = statement.query_map([], |row| row.get(0)).expect("it can be read");
        rows.map(|row| row.expect("it is text")).collect()
    };
    let schema = ask(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type = 'index'",
    );
    let names = ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    let tables = names.into_iter().map(|name| {
        let mut statement = own.prepare(&format!("SELECT * FROM {name}")).expect("it is a table");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        let rows = rows.expect("it can be read").map(|row| row.expect("it has values")).collect();
        Table { name, columns, rows }
    });
    (schema, tables.collect())
}
