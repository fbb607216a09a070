//! Rows to the model and back.

use std::fmt::Display;

use incoming_leads_model::{Category, stored};
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Fault;

/// The text of a body.
pub(crate) fn body<T: Serialize>(thing: &T) -> String {
    serde_json::to_string(thing).expect("what the model holds can be written as JSON")
}

/// What a body says, also where a newer program has put something more into it.
pub(crate) fn read<T: DeserializeOwned>(
    table: &'static str,
    key: impl Display,
    body: &str,
) -> Result<T, Fault> {
    stored::read(body).map_err(|error| Fault::damaged(table, key, error))
}

/// The first row that a question finds.
pub(crate) fn one<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(row).map(Some).map_err(|fault| fault.in_row(table, "row")),
        None => Ok(None),
    }
}

/// All rows that a question finds.
pub(crate) fn all<T>(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row).map_err(|fault| fault.in_row(table, "row"))?);
    }
    Ok(found)
}

/// Carries a statement out; how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Fault> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Whether a question finds a row.
pub(crate) fn exists(connection: &Connection, sql: &str, params: impl Params) -> Result<bool, Fault> {
    Ok(connection.prepare_cached(sql)?.exists(params)?)
}

/// The number of a category in the tables.
pub(crate) fn category(category: Category) -> u8 {
    u8::try_from(category.index()).expect("there are four")
}
