//! The schema, step by step. Steps only add, so that a program of the version before can go on beside them.

use std::fmt::Write as _;

use crate::connection::Lease;
use crate::error::{Fault, Result};
use crate::options::Migrate;

/// The steps, from 1. A step may be tried again after a failure: each is one transaction.
const STEPS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// The newest version, which this program reads and writes.
pub(crate) const NEWEST: usize = STEPS.len();

/// Of the lock that keeps two programs from making the same tables: "IncL".
const LOCK: i64 = 0x496e_634c;

/// Makes the tables where there are none; brings older ones up, where that was asked for.
pub(crate) async fn bring_up(lease: &Lease, migrate: Migrate) -> Result<()> {
    if is_ready(version(lease).await?, migrate)? {
        return Ok(());
    }
    // Whoever waits finds it done. The lock goes with the session.
    // The settings go with the transaction: the connection is used for more than this.
    lease.batch("BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
    lease.batch(&format!("SELECT pg_advisory_lock({LOCK}); COMMIT")).await?;
    let done = bring(lease, migrate).await;
    lease.batch(&format!("SELECT pg_advisory_unlock({LOCK})")).await?;
    done
}

async fn bring(lease: &Lease, migrate: Migrate) -> Result<()> {
    let found = version(lease).await?;
    if is_ready(found, migrate)? {
        return Ok(());
    }
    if found.is_none() {
        is_free(lease).await?;
    }
    for (step, number) in STEPS.iter().zip(1..).skip(found.unwrap_or(0)) {
        // An index of a large table takes its time.
        let mut sql = format!("BEGIN; SET LOCAL statement_timeout = 0; {step};");
        if number == 1 {
            sql += "INSERT INTO store (account_id, name, value) VALUES (0, 'id', replace(gen_random_uuid()::text, '-', ''));";
        }
        let _ = write!(
            sql,
            "INSERT INTO store (account_id, name, value) VALUES (0, 'schema', '{number}') \
             ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value; COMMIT"
        );
        if let Err(fault) = lease.batch(&sql).await {
            lease.batch("ROLLBACK").await?;
            return Err(fault);
        }
    }
    Ok(())
}

/// That nothing of somebody else's lies where the tables are to be made; what extensions brought is nobody's.
async fn is_free(lease: &Lease) -> Result<()> {
    let foreign = "SELECT c.relname::text, n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') \
                   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                   AND d.objid = c.oid AND d.deptype = 'e') ORDER BY c.relname LIMIT 1";
    let Some(row) = lease.query_opt(foreign, &[]).await? else { return Ok(()) };
    let (relation, schema): (&str, &str) = (row.get(0), row.get(1));
    Err(Fault::Invalid(format!(
        "the database is one of something else: its schema {schema} has {relation}, and our tables go into an empty one"
    )))
}

/// Whether nothing is to be done.
fn is_ready(found: Option<usize>, migrate: Migrate) -> Result<bool> {
    match found {
        None => match migrate {
            Migrate::WhenNew | Migrate::WhenOlder => Ok(false),
            Migrate::Never | Migrate::OnlyOlder => {
                Err(Fault::Invalid("the database has no tables of ours: is it the right one?".to_owned()))
            }
        },
        Some(NEWEST) => Ok(true),
        Some(newer) if newer > NEWEST => Err(Fault::Invalid(format!(
            "the database has schema {newer}, which a newer program made; this one knows schema {NEWEST}"
        ))),
        Some(older) => match migrate {
            Migrate::WhenNew | Migrate::Never => Err(Fault::Invalid(format!(
                "the database has schema {older} and this program needs {NEWEST}: migrate it first"
            ))),
            Migrate::WhenOlder | Migrate::OnlyOlder => Ok(false),
        },
    }
}

/// The schema's version; none where there are no tables of ours.
async fn version(lease: &Lease) -> Result<Option<usize>> {
    // Somebody else's table may be called so too.
    let columns = "SELECT count(*) = 3 FROM pg_attribute WHERE attrelid = to_regclass('store') \
                   AND attname IN ('account_id', 'name', 'value') AND NOT attisdropped";
    let is_there = lease.query(columns, &[]).await?;
    if !is_there.first().is_some_and(|row| row.get(0)) {
        return Ok(None);
    }
    let row =
        lease.query_opt("SELECT value FROM store WHERE account_id = 0 AND name = 'schema'", &[]).await?;
    let text: Option<String> = row.map(|row| row.get(0));
    let version = text.as_deref().and_then(|text| text.parse().ok());
    version.map(Some).ok_or_else(|| Fault::damaged("store", "schema", "it is no number"))
}
