//! Tokens, keys and sessions by which users come in, and what they allowed integrations.

use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Moment};
use incoming_leads_port::Digest;
use rusqlite::{Connection, Row};

use crate::convert::{all, body, execute, one, read};
use crate::error::Fault;

const TOKENS: &str = "tokens";
const GRANTS: &str = "grants";
/// How much of what has expired is forgotten at a time.
const FORGOTTEN: u32 = 4;

/// The token of this digest.
pub(crate) fn token(connection: &Connection, digest: &Digest) -> Result<Option<Token>, Fault> {
    let sql = "SELECT body, account_id FROM tokens WHERE digest = ?1";
    one(connection, TOKENS, sql, [digest.0], |row| read_body(TOKENS, row))
}

/// Keeps a token in the place of the one of its digest.
pub(crate) fn keep(connection: &Connection, token: &Token) -> Result<(), Fault> {
    let digest = Digest::try_from(token).map_err(|what| Fault::Invalid(format!("a token {what}")))?;
    forget(connection, &digest)?;
    let sql =
        "INSERT INTO tokens (account_id, digest, user_id, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (account, user) = (token.account_id.get(), token.user_id.get());
    let end = token.expires_at.map(Moment::secs);
    execute(connection, sql, (account, digest.0, user, end, body(token))).map(drop)
}

/// Forgets the token of this digest; whether there was one.
pub(crate) fn forget(connection: &Connection, digest: &Digest) -> Result<bool, Fault> {
    Ok(execute(connection, "DELETE FROM tokens WHERE digest = ?1", [digest.0])? > 0)
}

/// The grant of this id.
pub(crate) fn grant(connection: &Connection, id: &str) -> Result<Option<Grant>, Fault> {
    let sql = "SELECT body, account_id FROM grants WHERE grant_id = ?1";
    one(connection, GRANTS, sql, [id], |row| read_body(GRANTS, row))
}

/// Keeps a grant in the place of the one of its id.
pub(crate) fn keep_grant(connection: &Connection, grant: &Grant) -> Result<(), Fault> {
    forget_grant(connection, &grant.id)?;
    let sql = "INSERT INTO grants (account_id, grant_id, expires_at, body) VALUES (?1, ?2, ?3, ?4)";
    execute(connection, sql, (grant.account_id.get(), &grant.id, grant.expires_at.secs(), body(grant)))
        .map(drop)
}

/// Forgets the grant of this id.
pub(crate) fn forget_grant(connection: &Connection, id: &str) -> Result<(), Fault> {
    execute(connection, "DELETE FROM grants WHERE grant_id = ?1", [id]).map(drop)
}

/// Forgets some of what has expired in an account.
pub(crate) fn sweep(connection: &Connection, account: AccountId, now: Moment) -> Result<(), Fault> {
    let tokens = "DELETE FROM tokens WHERE (account_id, digest) IN
                  (SELECT account_id, digest FROM tokens WHERE account_id = ?1 AND expires_at <= ?2
                   ORDER BY expires_at LIMIT ?3)";
    execute(connection, tokens, (account.get(), now.secs(), FORGOTTEN))?;
    let grants = "DELETE FROM grants WHERE (account_id, grant_id) IN
                  (SELECT account_id, grant_id FROM grants WHERE account_id = ?1 AND expires_at <= ?2
                   ORDER BY expires_at LIMIT ?3)";
    execute(connection, grants, (account.get(), now.secs(), FORGOTTEN)).map(drop)
}

/// Tokens of an account behind a digest, with their digests.
pub(crate) fn tokens_after(
    connection: &Connection,
    account: AccountId,
    digest: &[u8],
    most: u64,
) -> Result<Vec<(Vec<u8>, Token)>, Fault> {
    let sql = "SELECT body, account_id, digest FROM tokens WHERE account_id = ?1 AND digest > ?2
               ORDER BY digest LIMIT ?3";
    all(connection, TOKENS, sql, (account.get(), digest, most), |row| {
        Ok((row.get(2)?, read_body(TOKENS, row)?))
    })
}

/// Grants of an account behind an id, with their ids.
pub(crate) fn grants_after(
    connection: &Connection,
    account: AccountId,
    id: &str,
    most: u64,
) -> Result<Vec<(String, Grant)>, Fault> {
    let sql = "SELECT body, account_id, grant_id FROM grants WHERE account_id = ?1 AND grant_id > ?2
               ORDER BY grant_id LIMIT ?3";
    all(connection, GRANTS, sql, (account.get(), id, most), |row| Ok((row.get(2)?, read_body(GRANTS, row)?)))
}

/// A body whose row is told by its account alone: digests and ids of grants are no business of logs.
fn read_body<T: serde::de::DeserializeOwned>(table: &'static str, row: &Row<'_>) -> Result<T, Fault> {
    let account: u64 = row.get(1)?;
    let key = format!("of account {account}");
    match row.get_ref(0)?.as_str() {
        Ok(body) => read(table, key, body),
        Err(error) => Err(Fault::damaged(table, key, error)),
    }
}
