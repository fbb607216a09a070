//! The statements that write. Each takes its rows column by column, so that there is one statement however many rows.

use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) const INSERT_ITEMS: &str = "INSERT INTO items (account_id, uid, pipeline_id, category, created_at, updated_at, \
    version, identity, slot, body) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::smallint[], \
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::text[])";
pub(crate) const REPLACE_ITEMS: &str = "INSERT INTO items (account_id, uid, pipeline_id, category, created_at, updated_at, \
    version, identity, slot, body) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::smallint[], \
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], $9::text[], $10::text[]) \
    ON CONFLICT (account_id, uid) DO UPDATE SET pipeline_id = excluded.pipeline_id, category = excluded.category, \
    created_at = excluded.created_at, updated_at = excluded.updated_at, version = excluded.version, \
    identity = excluded.identity, slot = excluded.slot, body = excluded.body";
// The division fails, and with it the transaction, when a row was not as it had been read.
pub(crate) const DELETE_ITEMS: &str = "WITH gone AS (DELETE FROM items i USING unnest($1::bigint[], $2::text[]) \
    AS n (account_id, uid) WHERE i.account_id = n.account_id AND i.uid = n.uid AND i.account_id = ANY($1) AND i.uid = ANY($2) RETURNING 1) \
    SELECT 1 / (count(*) = $3)::int FROM gone";
pub(crate) const UPDATE_ITEMS: &str = "WITH held AS (UPDATE items i SET updated_at = n.updated_at, version = n.version, \
    body = n.body FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) \
    AS n (account_id, uid, old_version, updated_at, version, body) \
    WHERE i.account_id = n.account_id AND i.uid = n.uid AND i.version = n.old_version \
    AND i.account_id = ANY($1) AND i.uid = ANY($2) RETURNING 1) \
    SELECT 1 / (count(*) = $7)::int FROM held";
pub(crate) const INSERT_ENTITIES: &str = "INSERT INTO entities (account_id, kind, id, is_listed, binned_at, body) SELECT * FROM \
    unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::boolean[], $5::bigint[], $6::text[])";
pub(crate) const REPLACE_ENTITIES: &str = "INSERT INTO entities (account_id, kind, id, is_listed, binned_at, body) SELECT * FROM \
    unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::boolean[], $5::bigint[], $6::text[]) \
    ON CONFLICT (account_id, kind, id) DO UPDATE SET is_listed = excluded.is_listed, \
    binned_at = excluded.binned_at, body = excluded.body";
pub(crate) const INSERT_TAGS: &str = "INSERT INTO tags (account_id, tag_id, name) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])";
pub(crate) const DELETE_NAMESAKES: &str = "DELETE FROM tags t USING unnest($1::bigint[], $2::bigint[], $3::text[]) \
    AS n (account_id, tag_id, name) WHERE t.account_id = n.account_id AND t.name = n.name AND t.tag_id <> n.tag_id";
pub(crate) const REPLACE_TAGS: &str = "INSERT INTO tags (account_id, tag_id, name) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]) \
    ON CONFLICT (account_id, tag_id) DO UPDATE SET name = excluded.name";
pub(crate) const INSERT_NOTES: &str = "INSERT INTO notes (account_id, kind, entity_id, note_id, body) SELECT * FROM \
    unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::text[])";
pub(crate) const REPLACE_NOTES: &str = "INSERT INTO notes (account_id, kind, entity_id, note_id, body) SELECT * FROM \
    unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::text[]) \
    ON CONFLICT (account_id, kind, entity_id, note_id) DO UPDATE SET body = excluded.body";
pub(crate) const LOCK_MARKS: &str =
    "SELECT 1 FROM marks WHERE account_id = ANY($1) ORDER BY account_id FOR UPDATE";
pub(crate) const TOUCH_MARKS: &str = "UPDATE marks SET revision = $2 WHERE account_id = ANY($1)";
pub(crate) const INSERT_EVENTS: &str = "WITH new AS (SELECT account_id, uid, recorded_at, body, \
    row_number() OVER (PARTITION BY account_id ORDER BY place) AS number \
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) \
    WITH ORDINALITY AS n (account_id, uid, recorded_at, body, place)), \
    many AS (SELECT account_id, count(*) AS many FROM new GROUP BY account_id), \
    moved AS (UPDATE marks m SET sequence = m.sequence + many.many, revision = $5 FROM many \
    WHERE m.account_id = many.account_id RETURNING m.account_id, m.sequence - many.many AS before) \
    INSERT INTO events (account_id, sequence, uid, recorded_at, commit_id, body) \
    SELECT account_id, moved.before + new.number, uid, recorded_at, $5, body FROM new JOIN moved USING (account_id)";
pub(crate) const ADD_TALLIES: &str = "INSERT INTO tallies AS t (account_id, pipeline_id, level, bucket, sip, forms, chats, mail, \
    accepted, declined, linked, sort_high, sort_low) SELECT * FROM unnest($1::bigint[], $2::bigint[], \
    $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], \
    $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]) \
    ON CONFLICT (account_id, pipeline_id, level, bucket) DO UPDATE SET sip = t.sip + excluded.sip, \
    forms = t.forms + excluded.forms, chats = t.chats + excluded.chats, mail = t.mail + excluded.mail, \
    accepted = t.accepted + excluded.accepted, declined = t.declined + excluded.declined, \
    linked = t.linked + excluded.linked, sort_high = t.sort_high + excluded.sort_high, \
    sort_low = t.sort_low + excluded.sort_low";
pub(crate) const ADD_GUIDES: &str = "INSERT INTO guides AS g (account_id, order_key, pipeline_id, level, bucket, sip, forms, \
    chats, mail) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::smallint[], $5::bigint[], \
    $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) \
    ON CONFLICT (account_id, order_key, pipeline_id, level, bucket) DO UPDATE SET sip = g.sip + excluded.sip, \
    forms = g.forms + excluded.forms, chats = g.chats + excluded.chats, mail = g.mail + excluded.mail";
pub(crate) const DELETE_GUIDES: &str = "DELETE FROM guides g USING unnest($1::bigint[], $2::smallint[], $3::bigint[], \
    $4::smallint[], $5::bigint[]) AS n (account_id, order_key, pipeline_id, level, bucket) \
    WHERE g.account_id = n.account_id AND g.order_key = n.order_key AND g.pipeline_id = n.pipeline_id \
    AND g.level = n.level AND g.bucket = n.bucket AND g.sip = 0 AND g.forms = 0 AND g.chats = 0 AND g.mail = 0";

/// One statement that does what several do: an answer from the server costs about as much as the writing of a row. The
/// parameters of each follow those of the one before. Only the last may have a `WITH` of its own; it is carried out
/// first, and the others after it in an order that is the server's, the same each time.
pub(crate) fn joined(statements: &[(&'static str, usize)]) -> Cow<'static, str> {
    let [others @ .., (last, _)] = statements else { return Cow::Borrowed("") };
    if others.is_empty() {
        return Cow::Borrowed(last);
    }
    let (mut all, mut before) = (String::from("WITH "), 0);
    for (place, (statement, parameters)) in others.iter().enumerate() {
        let _ = write!(all, "part_{place} AS ({}), ", shifted(statement, before));
        before += parameters;
    }
    let last = shifted(last, before);
    match last.strip_prefix("WITH ") {
        Some(rest) => all.push_str(rest),
        None => {
            all.truncate(all.len() - ", ".len());
            all.push(' ');
            all.push_str(&last);
        }
    }
    Cow::Owned(all)
}

/// A statement whose parameters are numbered so much higher.
fn shifted(statement: &str, by: usize) -> String {
    let mut pieces = statement.split('$');
    let mut shifted = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
        let number: usize = piece[..digits].parse().expect("a parameter has a number");
        let _ = write!(shifted, "${}{}", number + by, &piece[digits..]);
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn statements_are_joined_with_their_parameters_in_turn() {
        for (statements, expected) in [
            (&[("a $1", 1)][..], "a $1"),
            (&[("a $1, $2", 2), ("b $1", 1)], "WITH part_0 AS (a $1, $2) b $3"),
            (
                &[("a $1", 1), ("b $2 $1", 2), ("WITH c AS ($1) d $10", 10)],
                "WITH part_0 AS (a $1), part_1 AS (b $3 $2), c AS ($4) d $13",
            ),
        ] {
            assert_eq!(joined(statements), expected);
        }
    }
}
