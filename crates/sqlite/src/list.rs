//! Pages of what waits. Counts lead to where a page begins; from there a few rows are skipped.

use incoming_leads_model::item::Cards as Bodies;
use incoming_leads_model::window::{Descent, Start, Step};
use incoming_leads_model::{
    AccountId, Cards, Category, Company, Contact, Direction, IncomingLead, Item, Lead, ListQuery, Moment,
    More, Order, OrderKey, Page, PipelineId, Uid,
};
use incoming_leads_port::ItemVersion;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::convert::{all, category, one};
use crate::entities::{Kept, find};
use crate::error::Fault;
use crate::items::read_item;
use crate::{items, tallies};

const TABLE: &str = "items";
/// Pipelines of a filter that are read side by side, each by its own index; of more all is read and sorted out.
const SIDE_BY_SIDE: usize = 16;

/// A page of what waits.
pub(crate) fn page(connection: &Connection, account: AccountId, query: &ListQuery) -> Result<Page, Fault> {
    let (arrivals, more) = arrivals(connection, account, query)?;
    let sql = "SELECT body FROM items WHERE arrival = ?1";
    let mut items = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        if let Some(item) = one(connection, TABLE, sql, [arrival], |row| read_item(row, 0, arrival))? {
            items.push(match query.cards {
                Cards::Omit => without_bodies(account, item),
                Cards::Include => with_bodies(connection, account, item)?,
            });
        }
    }
    Ok(Page { items, more })
}

/// Uid and version of what is on a page.
pub(crate) fn versions(
    connection: &Connection,
    account: AccountId,
    query: &ListQuery,
) -> Result<Page<ItemVersion>, Fault> {
    let (arrivals, more) = arrivals(connection, account, query)?;
    let sql = "SELECT uid, version FROM items WHERE arrival = ?1";
    let mut items = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        items.extend(one(connection, TABLE, sql, [arrival], |row| {
            Ok(ItemVersion { uid: uid(&row.get::<_, String>(0)?)?, version: row.get(1)? })
        })?);
    }
    Ok(Page { items, more })
}

/// What waits under this uid, and its version.
pub(crate) fn item(
    connection: &Connection,
    account: AccountId,
    uid: &Uid,
) -> Result<Option<(u64, IncomingLead)>, Fault> {
    let item = items::find(connection, account, uid)?;
    Ok(item.map(|item| (item.version, without_bodies(account, item))))
}

fn without_bodies(account: AccountId, item: Item) -> IncomingLead {
    IncomingLead::told(account, item, Bodies::default())
}

fn with_bodies(connection: &Connection, account: AccountId, item: Item) -> Result<IncomingLead, Fault> {
    fn body<T: Kept>(
        connection: &Connection,
        account: AccountId,
        id: Option<T::Id>,
    ) -> Result<Option<T>, Fault> {
        id.map_or(Ok(None), |id| find(connection, account, id))
    }
    let lead: Option<Lead> = body(connection, account, Some(item.links.lead.id()))?;
    let contact: Option<Contact> = body(connection, account, item.links.contact.map(|link| link.id()))?;
    let company: Option<Company> = body(connection, account, item.links.company.map(|link| link.id()))?;
    let bodies = Bodies { lead: lead.as_ref(), contact: contact.as_ref(), company: company.as_ref() };
    Ok(IncomingLead::told(account, item, bodies))
}

fn uid(text: &str) -> Result<Uid, Fault> {
    Uid::new(text).map_err(|error| Fault::damaged(TABLE, text, error))
}

/// The rows of a page, in order, and whether more follow.
fn arrivals(
    connection: &Connection,
    account: AccountId,
    query: &ListQuery,
) -> Result<(Vec<i64>, More), Fault> {
    let ListQuery { filter, order, page, cards: _ } = query;
    let mut arrivals = match &filter.uids {
        Some(uids) => {
            let named = named(connection, account, query, uids)?;
            let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
            named.into_iter().skip(offset).take(page.size() as usize + 1).collect()
        }
        None => {
            let narrowed = Narrowed::of(filter.categories.as_deref(), filter.pipelines.as_deref());
            match narrowed {
                Some(narrowed) => {
                    narrowed.read(connection, account, *order, page.offset(), page.size() + 1)?
                }
                None => Vec::new(),
            }
        }
    };
    let more = if arrivals.len() > page.size() as usize { More::Yes } else { More::No };
    arrivals.truncate(page.size() as usize);
    Ok((arrivals, more))
}

/// The rows of these uids that the filter admits, in order.
fn named(
    connection: &Connection,
    account: AccountId,
    query: &ListQuery,
    uids: &[Uid],
) -> Result<Vec<i64>, Fault> {
    let sql = "SELECT arrival, created_at, updated_at, category, pipeline_id FROM items
               WHERE account_id = ?1 AND uid = ?2";
    let mut uids: Vec<&Uid> = uids.iter().collect();
    uids.sort_unstable();
    uids.dedup();
    let mut found = Vec::new();
    for uid in uids {
        let row = one(connection, TABLE, sql, (account.get(), uid.as_str()), |row| {
            let moment: i64 = match query.order.key {
                OrderKey::CreatedAt => row.get(1)?,
                OrderKey::UpdatedAt => row.get(2)?,
            };
            let category = Category::ALL.get(row.get::<_, usize>(3)?).copied();
            let category = category.ok_or_else(|| Fault::damaged(TABLE, uid, "it has no category"))?;
            let pipeline = PipelineId::new(row.get(4)?).map_err(|error| Fault::damaged(TABLE, uid, error))?;
            let arrival: i64 = row.get(0)?;
            Ok(query.filter.admits(uid, category, pipeline).then_some((moment, uid, arrival)))
        })?;
        found.extend(row.flatten());
    }
    found.sort_unstable();
    if query.order.direction == Direction::Descending {
        found.reverse();
    }
    Ok(found.into_iter().map(|(_, _, arrival)| arrival).collect())
}

/// A filter that admits something, each of its values once.
struct Narrowed {
    /// All of them where the filter names none.
    categories: Vec<Category>,
    pipelines: Option<Vec<PipelineId>>,
}

impl Narrowed {
    /// `None` where nothing is admitted.
    fn of(categories: Option<&[Category]>, pipelines: Option<&[PipelineId]>) -> Option<Self> {
        let admits = |category: &Category| categories.is_none_or(|categories| categories.contains(category));
        let categories: Vec<Category> = Category::ALL.into_iter().filter(admits).collect();
        let pipelines = pipelines.map(|pipelines| {
            let mut pipelines = pipelines.to_vec();
            pipelines.sort_unstable();
            pipelines.dedup();
            pipelines
        });
        let is_empty = categories.is_empty() || pipelines.as_ref().is_some_and(Vec::is_empty);
        (!is_empty).then_some(Self { categories, pipelines })
    }

    /// So many rows after the first ones, in order.
    fn read(
        &self,
        connection: &Connection,
        account: AccountId,
        order: Order,
        offset: u64,
        most: u32,
    ) -> Result<Vec<i64>, Fault> {
        let Some(Start { bound, skip }) = self.start(connection, account, order, offset)? else {
            return Ok(Vec::new());
        };
        let numbers = [account.get(), bound.secs().cast_unsigned(), u64::from(most), skip].into_iter();
        let pipelines = self.pipelines.iter().flatten().map(|pipeline| pipeline.get());
        let params = numbers.chain(pipelines).map(|number| Value::Integer(number.cast_signed()));
        all(connection, TABLE, &self.sql(order), params_from_iter(params), |row| Ok(row.get(0)?))
    }

    /// Where the page begins; none where fewer wait.
    fn start(
        &self,
        connection: &Connection,
        account: AccountId,
        order: Order,
        offset: u64,
    ) -> Result<Option<Start>, Fault> {
        if offset == 0 {
            let bound = match order.direction {
                Direction::Ascending => Moment::MIN,
                Direction::Descending => Moment::MAX,
            };
            return Ok(Some(Start { bound, skip: 0 }));
        }
        let mut descent = Descent::new(order.direction, offset);
        loop {
            let (categories, pipelines) = (&self.categories, self.pipelines.as_deref());
            let counts =
                tallies::waiting(connection, account, order.key, categories, pipelines, descent.run())?;
            match descent.step(counts) {
                None => return Ok(None),
                Some(Step::Down(next)) => descent = next,
                Some(Step::Found(start)) => return Ok(Some(start)),
            }
        }
    }

    /// The question: account, bound, limit and offset are the first parameters, the pipelines follow. Each of its parts
    /// reads along an index, and the database merges them.
    fn sql(&self, order: Order) -> String {
        let (compared, direction) = match order.direction {
            Direction::Ascending => (">=", "ASC"),
            Direction::Descending => ("<=", "DESC"),
        };
        let moment = match order.key {
            OrderKey::CreatedAt => "created_at",
            OrderKey::UpdatedAt => "updated_at",
        };
        let parts = self.parts(order.key).into_iter().map(|(index, condition)| {
            format!(
                "SELECT arrival, {moment}, uid FROM items INDEXED BY {index} \
                 WHERE account_id = ?1 AND {moment} {compared} ?2{condition}"
            )
        });
        let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
        format!("{parts} ORDER BY 2 {direction}, 3 {direction} LIMIT ?3 OFFSET ?4")
    }

    /// Indexes to read along, each with further conditions.
    fn parts(&self, key: OrderKey) -> Vec<(&'static str, String)> {
        let is_narrow = self.categories.len() < Category::ALL.len();
        let categories = || {
            let numbers = self.categories.iter().map(|one| category(*one).to_string()).collect::<Vec<_>>();
            if is_narrow { format!(" AND category IN ({})", numbers.join(", ")) } else { String::new() }
        };
        let parameters = 5..5 + self.pipelines.as_ref().map_or(0, Vec::len);
        match (key, &self.pipelines) {
            (OrderKey::CreatedAt, None) if is_narrow => {
                let of = |one: &Category| ("items_category", format!(" AND category = {}", category(*one)));
                self.categories.iter().map(of).collect()
            }
            (OrderKey::CreatedAt, None) => vec![("items_created", String::new())],
            (OrderKey::CreatedAt, Some(pipelines)) if pipelines.len() <= SIDE_BY_SIDE => {
                let of = |number| ("items_pipeline", format!(" AND pipeline_id = ?{number}{}", categories()));
                parameters.map(of).collect()
            }
            (key, pipelines) => {
                let index = match key {
                    OrderKey::CreatedAt => "items_created",
                    OrderKey::UpdatedAt => "items_updated",
                };
                let numbers = parameters.map(|number| format!("?{number}")).collect::<Vec<_>>().join(", ");
                let named = pipelines.as_ref().map(|_| format!(" AND pipeline_id IN ({numbers})"));
                vec![(index, named.unwrap_or_default() + &categories())]
            }
        }
    }
}
