//! The schema, step by step. Steps only add, so that a program of the version before can go on beside them.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior};

use crate::connection::{Access, open};
use crate::error::Fault;
use crate::options::Migrate;

/// What marks a file as ours: "IncL".
const APPLICATION: i64 = 0x496e_634c;

/// The steps, from 1.
const STEPS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// The newest version, which this program reads and writes.
pub(crate) const NEWEST: usize = STEPS.len();

/// Makes the tables of a file that is new; brings one that is older up, where that was asked for.
pub(crate) fn bring_up(path: &Path, migrate: Migrate) -> Result<(), Fault> {
    // Looked at before anything is set, so that what is not ours stays as it is.
    let found = known(&Connection::open(path)?, path)?;
    let shown = path.display();
    match (&found, migrate) {
        (Found::Version(older), Migrate::WhenNew | Migrate::Never) if *older < NEWEST => {
            return Err(Fault::Invalid(format!(
                "{shown} has schema {older} and this program needs {NEWEST}: migrate it first"
            )));
        }
        (Found::Nothing, Migrate::Never | Migrate::OnlyOlder | Migrate::AsItIs) => {
            return Err(Fault::Invalid(format!("{shown} is empty: it has no tables of ours")));
        }
        (Found::Version(_) | Found::Nothing | Found::Foreign, _) => {}
    }
    let mut connection = open(path, Access::Write)?;
    match found {
        Found::Version(NEWEST) => Ok(()),
        Found::Version(_) if migrate == Migrate::AsItIs => Ok(()),
        Found::Nothing | Found::Version(_) | Found::Foreign => bring(&mut connection),
    }
}

/// That a file is a database of ours, and no newer than this program.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), Fault> {
    match known(connection, path)? {
        Found::Nothing => Err(Fault::Invalid(format!("{} is empty", path.display()))),
        Found::Foreign | Found::Version(_) => Ok(()),
    }
}

/// What is found, unless this program has to leave it alone.
fn known(connection: &Connection, path: &Path) -> Result<Found, Fault> {
    let shown = path.display();
    match version(connection)? {
        Found::Foreign => Err(Fault::Invalid(format!("{shown} is a database of something else"))),
        Found::Version(newer) if newer > NEWEST => Err(Fault::Invalid(format!(
            "{shown} has schema {newer}, which a newer program made; this one knows schema {NEWEST}"
        ))),
        found @ (Found::Nothing | Found::Version(_)) => Ok(found),
    }
}

enum Found {
    Nothing,
    Foreign,
    Version(usize),
}

fn version(connection: &Connection) -> Result<Found, Fault> {
    // Tables first: another process that makes them marks the file in the same transaction, so whoever sees them here
    // sees the mark below.
    let tables: i64 = connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application == APPLICATION {
        let newest = "SELECT COALESCE(MAX(version), 0) FROM migrations";
        return Ok(Found::Version(connection.query_row(newest, [], |row| row.get(0))?));
    }
    Ok(if application == 0 && tables == 0 { Found::Nothing } else { Found::Foreign })
}

/// Takes the missing steps, all or none. Another process may do the same at the same time: whoever comes second finds
/// it done.
fn bring(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from = match version(&transaction)? {
        Found::Version(version) => version,
        Found::Nothing | Found::Foreign => {
            transaction.execute_batch(
                "CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
            )?;
            0
        }
    };
    for (step, number) in STEPS.iter().zip(1_u32..).skip(from) {
        transaction.execute_batch(step)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        transaction.execute("INSERT INTO migrations (version, applied_at) VALUES (?1, ?2)", (number, now))?;
    }
    if from == 0 {
        transaction
            .execute("INSERT INTO store (name, value) VALUES ('id', lower(hex(randomblob(8))))", [])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()?;
    Ok(())
}
