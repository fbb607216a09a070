//! Lists of what waits: counts lead near to the page, then few rows are skipped.

use std::collections::{BTreeSet, HashMap};

use incoming_leads_model::item::Cards as Bodies;
use incoming_leads_model::window::{Descent, FAN, GUIDE_LEVELS, Run};
use incoming_leads_model::{
    AccountId, Cards, Category, Direction, EntityRef, IncomingLead, Item, ListFilter, ListQuery, Moment,
    More, Order, OrderKey, Page, Uid,
};
use incoming_leads_port::ItemVersion;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connection::{Lease, SNAPSHOT};
use crate::convert::{Account, Entity, EntityKey, account, key_of, number, read};
use crate::error::{Fault, Result};
use crate::facts::entity_columns;
use crate::writing::{ALL_PIPELINES, order_key};

/// A page of what waits.
pub(crate) async fn page(lease: Lease, account_id: AccountId, query: &ListQuery) -> Result<Page> {
    // Where it takes more than one question, all are of one moment.
    if query.cards == Cards::Omit {
        return told(&lease, account_id, query).await;
    }
    let lease = lease.open(SNAPSHOT).await?;
    let page = told(&lease, account_id, query).await;
    lease.end(page).await
}

async fn told(lease: &Lease, account_id: AccountId, query: &ListQuery) -> Result<Page> {
    let of = account(account_id);
    let (rows, more) = rows(lease, of, query).await?;
    let items: Vec<Item> = rows.iter().map(|row| item(of, row)).collect::<Result<_>>()?;
    let entities = match query.cards {
        Cards::Omit => HashMap::new(),
        Cards::Include => bodies(lease, of, &items).await?,
    };
    let told = items.into_iter().map(|item| {
        let of = |entity| entities.get(&key_of(entity));
        let cards = match query.cards {
            Cards::Omit => Bodies::default(),
            Cards::Include => Bodies {
                lead: match of(EntityRef::Lead(item.links.lead.id())) {
                    Some(Entity::Lead(lead)) => Some(lead),
                    _ => None,
                },
                contact: match item.links.contact.and_then(|link| of(EntityRef::Contact(link.id()))) {
                    Some(Entity::Contact(contact)) => Some(contact),
                    _ => None,
                },
                company: match item.links.company.and_then(|link| of(EntityRef::Company(link.id()))) {
                    Some(Entity::Company(company)) => Some(company),
                    _ => None,
                },
            },
        };
        IncomingLead::told(account_id, item, cards)
    });
    Ok(Page { items: told.collect(), more })
}

/// Uid and version of what is on a page.
pub(crate) async fn versions(lease: Lease, account: Account, query: &ListQuery) -> Result<Page<ItemVersion>> {
    let (rows, more) = rows(&lease, account, query).await?;
    let items = rows.iter().map(|row| {
        let text: &str = row.get(0);
        let uid = Uid::new(text).map_err(|error| Fault::damaged("items", text, error))?;
        Ok(ItemVersion { uid, version: row.get::<_, i64>(1).cast_unsigned() })
    });
    Ok(Page { items: items.collect::<Result<_>>()?, more })
}

/// What waits under these uids, with versions, in the order asked for.
pub(crate) async fn items(
    lease: &Lease,
    account_id: AccountId,
    uids: &[Uid],
) -> Result<Vec<(u64, IncomingLead)>> {
    let of = account(account_id);
    let rows = by_uid(lease, of, uids).await?;
    let found: HashMap<&str, &Row> = rows.iter().map(|row| (row.get(0), row)).collect();
    let asked = uids.iter().filter_map(|uid| found.get(uid.as_str()));
    asked
        .map(|row| {
            let item = item(of, row)?;
            Ok((item.version, IncomingLead::told(account_id, item, Bodies::default())))
        })
        .collect()
}

// Rows of a list: uid, version, body.
const BY_UID: &str = "SELECT i.uid, i.version, i.body, i.pipeline_id, i.category, i.created_at, i.updated_at \
    FROM items i WHERE i.account_id = $1 AND i.uid = ANY($2)";

/// Where the list begins: its end is given.
macro_rules! top {
    () => {
        "WITH start AS (SELECT $5::bigint AS bound, 0::bigint AS skip)"
    };
}

/// Where a later page begins: the way of `window::Descent` over counts of what waits, from coarse buckets to seconds, in
/// one question. $5 items come before the page; $6 is the number of the order key, $7 the pipelines whose counts are added
/// up; the run of buckets to begin with is $8 to $10, and $11 of them make one of the next level.
macro_rules! deep {
    ($direction:literal, $edge:literal) => {
        concat!(
            "WITH RECURSIVE way (level, first, last, skip) AS (\
             SELECT $8::smallint, $9::bigint, $10::bigint, $5::bigint UNION ALL \
             SELECT way.level - 1::smallint, found.bucket * $11::bigint, (found.bucket + 1) * $11 - 1, way.skip - found.before \
             FROM way CROSS JOIN LATERAL (SELECT bucket, before FROM (\
             SELECT bucket, count, (sum(count) OVER (ORDER BY bucket ",
            $direction,
            " ROWS UNBOUNDED PRECEDING) - count)::bigint AS before FROM (\
             SELECT g.bucket, sum(g.count) AS count FROM unnest($7::bigint[]) AS p (id) CROSS JOIN LATERAL (\
             SELECT bucket, CASE WHEN $3::smallint[] IS NULL THEN sip + forms + chats + mail ELSE \
             CASE WHEN 0 = ANY($3) THEN sip ELSE 0 END + CASE WHEN 1 = ANY($3) THEN forms ELSE 0 END + \
             CASE WHEN 2 = ANY($3) THEN chats ELSE 0 END + CASE WHEN 3 = ANY($3) THEN mail ELSE 0 END END AS count \
             FROM guides WHERE account_id = $1 AND order_key = $6::smallint AND pipeline_id = p.id AND level = way.level \
             AND bucket BETWEEN way.first AND way.last OFFSET 0) AS g GROUP BY g.bucket) AS counted) AS summed \
             WHERE before <= way.skip AND before + count > way.skip LIMIT 1) AS found WHERE way.level > 0), \
             start AS (SELECT ",
            $edge,
            " AS bound, skip FROM way WHERE level = 0)"
        )
    };
}

/// The rows from where the page begins. First and last of each sub-query are known, so that each is a stretch of an
/// index; bodies are read for the page alone, of which $4 rows are wanted.
macro_rules! rows_from {
    ($start:expr, $from:literal, $where:literal, $column:literal, $compare:literal, $direction:literal) => {
        concat!(
            $start,
            ", page AS MATERIALIZED (SELECT k.uid, k.at FROM ",
            $from,
            " CROSS JOIN LATERAL (SELECT uid, ",
            $column,
            " AS at FROM items WHERE account_id = $1 AND ",
            $where,
            " AND ",
            $column,
            " ",
            $compare,
            " (SELECT bound FROM start) ORDER BY ",
            $column,
            " ",
            $direction,
            ", uid ",
            $direction,
            " LIMIT (SELECT skip + $4::bigint FROM start)) AS k ORDER BY k.at ",
            $direction,
            ", k.uid ",
            $direction,
            " LIMIT $4 OFFSET (SELECT skip FROM start)) SELECT i.uid, i.version, i.body FROM page CROSS JOIN LATERAL \
             (SELECT uid, version, body FROM items WHERE account_id = $1 AND uid = page.uid OFFSET 0) AS i \
             ORDER BY page.at ",
            $direction,
            ", page.uid ",
            $direction
        )
    };
}

/// A list in one direction.
struct Statements {
    top: &'static str,
    deep: &'static str,
}

macro_rules! each_order {
    ($from:literal, $where:literal) => {
        [each_order!($from, $where, "created_at"), each_order!($from, $where, "updated_at")]
    };
    ($from:literal, $where:literal, $column:literal) => {
        [
            Statements {
                top: rows_from!(top!(), $from, $where, $column, ">=", "ASC"),
                deep: rows_from!(deep!("ASC", "first"), $from, $where, $column, ">=", "ASC"),
            },
            Statements {
                top: rows_from!(top!(), $from, $where, $column, "<=", "DESC"),
                deep: rows_from!(deep!("DESC", "last"), $from, $where, $column, "<=", "DESC"),
            },
        ]
    };
}

/// One stretch of the whole account; both conditions, if any, are looked at row by row.
const WHOLE: [[Statements; 2]; 2] = each_order!(
    "(SELECT 1) AS one",
    "($2::bigint[] IS NULL OR pipeline_id = ANY($2)) AND ($3::smallint[] IS NULL OR category = ANY($3))"
);
/// One for each pipeline; categories are looked at row by row.
const PIPELINES: [[Statements; 2]; 2] = each_order!(
    "unnest($2::bigint[]) AS p (id)",
    "pipeline_id = p.id AND ($3::smallint[] IS NULL OR category = ANY($3))"
);
/// One for each category.
const CATEGORIES: [[Statements; 2]; 2] = each_order!(
    "unnest($3::smallint[]) AS c (id)",
    "category = c.id AND ($2::bigint[] IS NULL OR pipeline_id = ANY($2))"
);

/// The rows of a page, and whether another one follows.
async fn rows(lease: &Lease, account: Account, query: &ListQuery) -> Result<(Vec<Row>, More)> {
    let ListQuery { filter, order, page, cards: _ } = query;
    if let Some(uids) = &filter.uids {
        let mut rows = by_uid(lease, account, uids).await?;
        rows.retain(|row| admits(filter, row));
        rows.sort_by(|one, other| compare(*order, one, other));
        return Ok(cut(rows, page.offset(), page.size()));
    }
    let pipelines = filter.pipelines.as_ref().map(|ids| set(ids.iter().map(|id| number(*id))));
    let categories = filter.categories.as_ref().map(|all| set(all.iter().map(|category| index(*category))));
    let statements = match (order.key, &pipelines, &categories) {
        (OrderKey::CreatedAt, Some(_), _) => &PIPELINES,
        (OrderKey::CreatedAt, None, Some(_)) => &CATEGORIES,
        (OrderKey::CreatedAt, None, None) | (OrderKey::UpdatedAt, ..) => &WHOLE,
    };
    let of_key = match order.key {
        OrderKey::CreatedAt => &statements[0],
        OrderKey::UpdatedAt => &statements[1],
    };
    let (Statements { top, deep }, end) = match order.direction {
        Direction::Ascending => (&of_key[0], Moment::MIN),
        Direction::Descending => (&of_key[1], Moment::MAX),
    };
    // One more tells whether a page follows.
    let wanted = i64::from(page.size()) + 1;
    let rows = if page.offset() == 0 {
        lease.query(top, &[&account, &pipelines, &categories, &wanted, &end.secs()]).await?
    } else {
        let Run { level, first, last } = Descent::new(order.direction, page.offset()).run();
        let (level, first, last) = (i16::from(level), first.cast_signed(), last.cast_signed());
        let counted = pipelines.clone().unwrap_or_else(|| vec![ALL_PIPELINES]);
        let (before, key, fan) = (number(page.offset()), order_key(order.key), FAN.cast_signed());
        let params: [&(dyn ToSql + Sync); 11] = [
            &account,
            &pipelines,
            &categories,
            &wanted,
            &before,
            &key,
            &counted,
            &level,
            &first,
            &last,
            &fan,
        ];
        lease.query(deep, &params).await?
    };
    Ok(cut(rows, 0, page.size()))
}

// The way ends at level 0, whose buckets are seconds.
const _: () = assert!(*GUIDE_LEVELS.start() == 1);

async fn by_uid(lease: &Lease, account: Account, uids: &[Uid]) -> Result<Vec<Row>> {
    let uids: Vec<&str> = uids.iter().map(Uid::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    lease.query(BY_UID, &[&account, &uids]).await
}

fn admits(filter: &ListFilter, row: &Row) -> bool {
    let (pipeline, category): (i64, i16) = (row.get(3), row.get(4));
    filter.pipelines.as_ref().is_none_or(|ids| ids.iter().any(|id| number(*id) == pipeline))
        && filter.categories.as_ref().is_none_or(|all| all.iter().any(|one| index(*one) == category))
}

fn compare(order: Order, one: &Row, other: &Row) -> std::cmp::Ordering {
    let column = match order.key {
        OrderKey::CreatedAt => 5,
        OrderKey::UpdatedAt => 6,
    };
    let key = |row: &Row| -> (i64, String) { (row.get(column), row.get(0)) };
    let ascending = key(one).cmp(&key(other));
    match order.direction {
        Direction::Ascending => ascending,
        Direction::Descending => ascending.reverse(),
    }
}

/// A page of rows that are there in order.
fn cut(mut rows: Vec<Row>, offset: u64, size: u32) -> (Vec<Row>, More) {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(rows.len());
    rows.drain(..offset);
    let more = if rows.len() > size as usize { More::Yes } else { More::No };
    rows.truncate(size as usize);
    (rows, more)
}

fn item(account: Account, row: &Row) -> Result<Item> {
    let uid: &str = row.get(0);
    read("items", format!("account {account}, {uid}"), row.get(2))
}

async fn bodies(lease: &Lease, account: Account, items: &[Item]) -> Result<HashMap<EntityKey, Entity>> {
    let keys = items.iter().flat_map(|item| {
        let contact = item.links.contact.map(|link| EntityRef::Contact(link.id()));
        let company = item.links.company.map(|link| EntityRef::Company(link.id()));
        [Some(EntityRef::Lead(item.links.lead.id())), contact, company].into_iter().flatten().map(key_of)
    });
    let keys: Vec<(Account, EntityKey)> =
        keys.collect::<BTreeSet<_>>().into_iter().map(|key| (account, key)).collect();
    let (_, kinds, ids) = entity_columns(&keys);
    let asked = "SELECT e.kind, e.id, e.body FROM unnest($2::smallint[], $3::bigint[]) AS n (kind, id) \
                 CROSS JOIN LATERAL (SELECT kind, id, body FROM entities \
                 WHERE account_id = $1 AND kind = n.kind AND id = n.id OFFSET 0) AS e";
    let mut found = HashMap::new();
    for row in lease.query(asked, &[&account, &kinds, &ids]).await? {
        let key = (row.get(0), row.get(1));
        found.insert(key, Entity::read(account, key, row.get(2))?);
    }
    Ok(found)
}

fn index(category: Category) -> i16 {
    i16::try_from(category.index()).expect("there are four")
}

fn set<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<_>>().into_iter().collect()
}
