//! PostgreSQL alone: the rows of a store that are given to a second database as they are.

use std::time::{Duration, Instant};

use incoming_leads_postgres::Options;
use incoming_leads_testbed::{Postgres as Server, database_of};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};

/// One connection that inserts; the store has as many writers.
const CONNECTIONS: usize = 2;

/// How a table's rows are taken, so many leads a group and column by column, and inserted again.
struct Table {
    groups: &'static str,
    insert: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        groups: "SELECT array_agg(account_id), array_agg(uid), array_agg(pipeline_id), array_agg(category), \
            array_agg(created_at), array_agg(updated_at), array_agg(version), array_agg(identity), array_agg(slot), \
            array_agg(body) FROM (SELECT *, (row_number() OVER (ORDER BY arrival) - 1) / $1 AS portion FROM items \
            ORDER BY account_id, identity) AS i GROUP BY portion ORDER BY portion",
        insert: "INSERT INTO items (account_id, uid, pipeline_id, category, created_at, updated_at, version, identity, \
            slot, body) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::smallint[], $5::bigint[], \
            $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::text[])",
    },
    Table {
        groups: "SELECT array_agg(account_id), array_agg(kind), array_agg(id), array_agg(is_listed), array_agg(body) \
            FROM (SELECT *, (row_number() OVER (PARTITION BY kind ORDER BY id) - 1) / $1 AS portion FROM entities \
            ORDER BY kind, id) AS e GROUP BY portion ORDER BY portion",
        insert: "INSERT INTO entities (account_id, kind, id, is_listed, body) SELECT * FROM unnest($1::bigint[], \
            $2::smallint[], $3::bigint[], $4::boolean[], $5::text[])",
    },
    Table {
        groups: "SELECT array_agg(account_id), array_agg(sequence), array_agg(uid), array_agg(recorded_at), \
            array_agg(commit_id), array_agg(body) FROM (SELECT *, (row_number() OVER (ORDER BY sequence) - 1) / $1 \
            AS portion FROM events ORDER BY sequence) AS e GROUP BY portion ORDER BY portion",
        insert: "INSERT INTO events (account_id, sequence, uid, recorded_at, commit_id, body) SELECT * FROM \
            unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])",
    },
];

// As many counts as one group of live adds writes: a bucket of each level, of all and of each pipeline.
const TALLIES: &str = "INSERT INTO tallies SELECT 1, pipeline, level, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 \
    FROM generate_series(0, 5) AS pipeline, generate_series(0, 7) AS level \
    ON CONFLICT (account_id, pipeline_id, level, bucket) DO UPDATE SET sip = tallies.sip + 1";
const GUIDES: &str = "INSERT INTO guides SELECT 1, key, pipeline, level, 1, 1, 0, 0, 0 \
    FROM generate_series(0, 1) AS key, generate_series(0, 5) AS pipeline, generate_series(1, 4) AS level \
    ON CONFLICT (account_id, order_key, pipeline_id, level, bucket) DO UPDATE SET sip = guides.sip + 1";

/// Inserts the rows of the store's leads into a new database, so many leads a commit. How long that takes for the last
/// `count` leads of them.
pub async fn insert_again(server: &Server, leads: u64, count: u64) -> Duration {
    let target = database_of(&server.url("postgres")).expect("the server makes databases");
    drop(Options::default().open(&target.url()).await.expect("the database is new"));
    let source = connect(&server.url("postgres")).await;
    let leads = leads.cast_signed();
    let mut tables = Vec::new();
    for table in &TABLES {
        tables.push(source.query(table.groups, &[&leads]).await.expect("the rows are there"));
    }
    let groups = tables[0].len();
    let measured = usize::try_from(count / leads.unsigned_abs()).expect("a size");
    let (warm, rest) =
        (0..groups).collect::<Vec<_>>().split_at_checked(groups - measured).map(own).expect("groups");
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(connect(&target.url()).await);
    }
    insert(&clients, &tables, &warm).await;
    let begun = Instant::now();
    insert(&clients, &tables, &rest).await;
    begun.elapsed()
}

fn own((one, other): (&[usize], &[usize])) -> (Vec<usize>, Vec<usize>) {
    (one.to_vec(), other.to_vec())
}

async fn insert(clients: &[Client], tables: &[Vec<Row>], groups: &[usize]) {
    let shares = clients.iter().enumerate().map(|(number, client)| async move {
        let mut statements = Vec::new();
        for table in &TABLES {
            statements.push(client.prepare(table.insert).await.expect("the tables are the same"));
        }
        let (tallies, guides) = (client.prepare(TALLIES).await, client.prepare(GUIDES).await);
        let (tallies, guides) = (tallies.expect("the same"), guides.expect("the same"));
        for group in groups.iter().skip(number).step_by(clients.len()) {
            let columns: Vec<_> = tables.iter().map(|rows| columns(&rows[*group])).collect();
            let params: Vec<Vec<&(dyn ToSql + Sync)>> = columns.iter().map(|all| refer(all)).collect();
            // All is sent at once, as the store does.
            let done = futures_util::try_join!(
                client.batch_execute("BEGIN"),
                client.execute(&statements[0], &params[0]),
                client.execute(&statements[1], &params[1]),
                client.execute(&statements[2], &params[2]),
                client.execute(&tallies, &[]),
                client.execute(&guides, &[]),
                client.batch_execute("COMMIT"),
            );
            done.expect("the rows are new");
        }
    });
    futures_util::future::join_all(shares).await;
}

type Column = Box<dyn ToSql + Send + Sync>;

fn refer(columns: &[Column]) -> Vec<&(dyn ToSql + Sync)> {
    columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect()
}

fn columns(row: &Row) -> Vec<Column> {
    let column = |index: usize| -> Column {
        match row.columns()[index].type_().name() {
            "_int8" => Box::new(row.get::<_, Vec<i64>>(index)),
            "_int2" => Box::new(row.get::<_, Vec<i16>>(index)),
            "_bool" => Box::new(row.get::<_, Vec<bool>>(index)),
            "_bytea" => Box::new(row.get::<_, Vec<Option<Vec<u8>>>>(index)),
            _ => Box::new(row.get::<_, Vec<String>>(index)),
        }
    };
    (0..row.len()).map(column).collect()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server is there");
    tokio::spawn(connection);
    client
}
