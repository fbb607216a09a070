//! The yardstick of PostgreSQL: the rows that a server has stored, inserted into other tables by one UNNEST statement a
//! table and commit.

use std::time::Instant;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::rows::part;

struct Table {
    name: String,
    insert: String,
    /// The values of each column, as text.
    columns: Vec<Vec<Option<String>>>,
}

/// Inserts what the database holds into tables of the same form, in transactions that hold as many adds as there are
/// clients; adds per second.
pub(crate) fn insert_again(url: &str, clients: usize) -> f64 {
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    runtime.block_on(async {
        let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it listens");
        tokio::spawn(connection);
        let tables = read(&client).await;
        let adds = tables.iter().find(|table| table.name == "events").map_or(0, Table::rows);
        let commits = (adds / clients).max(1);
        let begun = Instant::now();
        for commit in 0..commits {
            let transaction = client.transaction().await.expect("it can be written to");
            for table in &tables {
                let part = part(table.rows(), commit, commits);
                if part.is_empty() {
                    continue;
                }
                let columns: Vec<_> = table.columns.iter().map(|column| &column[part.clone()]).collect();
                let columns: Vec<_> = columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect();
                let insert = transaction.prepare(&table.insert).await.expect("the table is there");
                transaction.execute(&insert, &columns).await.expect("the rows were stored before");
            }
            transaction.commit().await.expect("there is room");
        }
        adds as f64 / begun.elapsed().as_secs_f64()
    })
}

impl Table {
    fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
}

/// All rows, and tables of the same form for them.
async fn read(client: &Client) -> Vec<Table> {
    client.batch_execute("DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw").await.expect("it is ours");
    let names = "SELECT format('%I', tablename), format('%I.%I', schemaname, tablename) FROM pg_tables \
                 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let mut tables = Vec::new();
    for row in client.query(names, &[]).await.expect("there is a catalog") {
        let (name, full): (String, String) = (row.get(0), row.get(1));
        let make = format!("CREATE TABLE raw.{name} (LIKE {full} INCLUDING ALL)");
        client.batch_execute(&make).await.expect("it is a table");
        let columns = "SELECT format('%I', attname), format_type(atttypid, atttypmod) FROM pg_attribute \
                       WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' \
                       ORDER BY attnum";
        let columns = client.query(columns, &[&full]).await.expect("it is a table");
        let columns: Vec<(String, String)> = columns.iter().map(|row| (row.get(0), row.get(1))).collect();
        let list = |each: &dyn Fn(usize, &(String, String)) -> String| {
            columns.iter().enumerate().map(|(at, column)| each(at, column)).collect::<Vec<_>>().join(", ")
        };
        let select = format!("SELECT {} FROM {full}", list(&|_, (name, _)| format!("{name}::text")));
        let rows = client.query(&select, &[]).await.expect("it can be read");
        let insert = format!(
            "INSERT INTO raw.{name} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS u({})",
            list(&|_, (name, _)| name.clone()),
            list(&|at, (_, kind)| format!("c{at}::{kind}")),
            list(&|at, _| format!("${}::text[]", at + 1)),
            list(&|at, _| format!("c{at}")),
        );
        let columns = (0..columns.len()).map(|at| rows.iter().map(|row| row.get(at)).collect()).collect();
        tables.push(Table { name, insert, columns });
    }
    tables
}
