//! Tokens, keys and sessions by which users come in, and what they allowed integrations.

use std::collections::BTreeMap;

use incoming_leads_model::Moment;
use incoming_leads_model::document::Token;
use incoming_leads_model::grant::Grant;
use incoming_leads_port::Digest;
use tokio_postgres::Row;

use crate::connection::Lease;
use crate::convert::{Account, account, body, read};
use crate::error::{Fault, Result};
use crate::layouts::{Account as Seen, Layouts};

const TOKENS: &str = "tokens";
const GRANTS: &str = "grants";

/// A token, and the account that it is of, if that is there.
pub(crate) type Entry = (Token, Option<Seen>);

/// The tokens of these digests.
pub(crate) async fn entries(
    layouts: &Layouts,
    lease: &Lease,
    digests: &[Digest],
) -> Result<BTreeMap<Digest, Entry>> {
    let asked = "SELECT t.account_id, t.body, n.digest, a.version, m.revision FROM unnest($1::bytea[]) AS n (digest) \
                 CROSS JOIN LATERAL \
                 (SELECT account_id, body FROM tokens WHERE digest = n.digest ORDER BY account_id LIMIT 1) AS t \
                 LEFT JOIN LATERAL (SELECT version FROM accounts WHERE account_id = t.account_id OFFSET 0) AS a ON true \
                 LEFT JOIN LATERAL (SELECT revision FROM marks WHERE account_id = t.account_id OFFSET 0) AS m ON true";
    let bytes: Vec<&[u8]> = digests.iter().map(|digest| digest.0.as_slice()).collect();
    let mut found = BTreeMap::new();
    for row in lease.query(asked, &[&bytes]).await? {
        let token = read_body(TOKENS, &row)?;
        let seen = match row.get(3) {
            Some(version) => layouts.seen(lease, row.get(0), version, row.get(4)).await?,
            None => None,
        };
        let digest = <[u8; 32]>::try_from(row.get::<_, &[u8]>(2));
        found.extend(digest.map(|digest| (Digest(digest), (token, seen))));
    }
    Ok(found)
}

/// Keeps a token in the place of the one of its digest, of whichever account it is. In a transaction.
pub(crate) async fn keep(lease: &Lease, token: &Token) -> Result<()> {
    let digest = Digest::try_from(token).map_err(|what| Fault::Invalid(format!("a token {what}")))?;
    let digest_bytes = digest.0.as_slice();
    lock(lease, &digest.to_hex()).await?;
    forget(lease, &digest).await?;
    let kept = "INSERT INTO tokens (account_id, digest, expires_at, body) VALUES ($1, $2, $3, $4)";
    let end = token.expires_at.map(Moment::secs);
    lease.execute(kept, &[&account(token.account_id), &digest_bytes, &end, &body(token)]).await.map(drop)
}

/// Forgets the token of this digest; whether there was one.
pub(crate) async fn forget(lease: &Lease, digest: &Digest) -> Result<bool> {
    Ok(lease.execute("DELETE FROM tokens WHERE digest = $1", &[&digest.0.as_slice()]).await? > 0)
}

/// The grant of this id.
pub(crate) async fn grant(lease: &Lease, id: &str) -> Result<Option<Grant>> {
    let asked = "SELECT account_id, body FROM grants WHERE grant_id = $1 ORDER BY account_id LIMIT 1";
    let row = lease.query_opt(asked, &[&id]).await?;
    row.map(|row| read_body(GRANTS, &row)).transpose()
}

/// Puts a grant, or none, in the place of the one of this id, if that is the expected one. In a transaction.
pub(crate) async fn swap(
    lease: &Lease,
    id: &str,
    expected: Option<&Grant>,
    new: Option<&Grant>,
) -> Result<bool> {
    lock(lease, id).await?;
    if grant(lease, id).await?.as_ref() != expected {
        return Ok(false);
    }
    replace_grant(lease, id, new).await.map(|()| true)
}

/// Keeps a grant in the place of the one of its id. In a transaction.
pub(crate) async fn keep_grant(lease: &Lease, grant: &Grant) -> Result<()> {
    lock(lease, &grant.id).await?;
    replace_grant(lease, &grant.id, Some(grant)).await
}

async fn replace_grant(lease: &Lease, id: &str, new: Option<&Grant>) -> Result<()> {
    lease.execute("DELETE FROM grants WHERE grant_id = $1", &[&id]).await?;
    let Some(grant) = new else { return Ok(()) };
    let kept = "INSERT INTO grants (account_id, grant_id, expires_at, body) VALUES ($1, $2, $3, $4)";
    let end = grant.expires_at.secs();
    lease.execute(kept, &[&account(grant.account_id), &id, &end, &body(grant)]).await.map(drop)
}

/// Forgets some of what has expired. Those that another server is about to forget are left to it.
pub(crate) async fn sweep(lease: &Lease, now: Moment) -> Result<()> {
    let tokens = "DELETE FROM tokens WHERE (account_id, digest) IN (SELECT account_id, digest FROM tokens \
                  WHERE expires_at <= $1 ORDER BY expires_at LIMIT 4 FOR UPDATE SKIP LOCKED)";
    lease.execute(tokens, &[&now.secs()]).await?;
    let grants = "DELETE FROM grants WHERE (account_id, grant_id) IN (SELECT account_id, grant_id FROM grants \
                  WHERE expires_at <= $1 ORDER BY expires_at LIMIT 4 FOR UPDATE SKIP LOCKED)";
    lease.execute(grants, &[&now.secs()]).await.map(drop)
}

/// Tokens of an account behind a digest, with their digests.
pub(crate) async fn tokens_after(
    lease: &Lease,
    of: Account,
    digest: &[u8],
    most: i64,
) -> Result<Vec<(Vec<u8>, Token)>> {
    let asked = "SELECT account_id, body, digest FROM tokens WHERE account_id = $1 AND digest > $2 \
                 ORDER BY account_id, digest LIMIT $3";
    let rows = lease.query(asked, &[&of, &digest, &most]).await?;
    rows.iter().map(|row| Ok((row.get(2), read_body(TOKENS, row)?))).collect()
}

/// Grants of an account behind an id, with their ids.
pub(crate) async fn grants_after(
    lease: &Lease,
    of: Account,
    id: &str,
    most: i64,
) -> Result<Vec<(String, Grant)>> {
    let asked = "SELECT account_id, body, grant_id FROM grants WHERE account_id = $1 AND grant_id > $2 \
                 ORDER BY account_id, grant_id LIMIT $3";
    let rows = lease.query(asked, &[&of, &id, &most]).await?;
    rows.iter().map(|row| Ok((row.get(2), read_body(GRANTS, row)?))).collect()
}

/// Digests and ids of grants are unique over all accounts, which no index of ours can see to: who writes one waits for
/// whoever writes the same.
async fn lock(lease: &Lease, name: &str) -> Result<()> {
    lease.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", &[&name]).await.map(drop)
}

/// A body whose row is told by its account alone: digests and ids of grants are no business of logs.
fn read_body<T: serde::de::DeserializeOwned>(table: &'static str, row: &Row) -> Result<T> {
    let account: Account = row.get(0);
    read(table, format!("of account {account}"), row.get(1))
}
