//! Taking lines of the model's document over, all or none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use incoming_leads_model::document::{self, Incoming, Line, Of};
use incoming_leads_model::{AccountId, Arrival, EntityRef, Event, Item, Layout, Moment, Uid};
use incoming_leads_port::Floor;

use crate::changes::Entities;
use crate::connection::Lease;
use crate::convert::{Account, Entity, EntityKey, account, body, key_of, read};
use crate::error::{Fault, Remedy, Result};
use crate::store::Core;
use crate::writer::{Command, Job, Writer};
use crate::writing::Batch;
use crate::{changes, credentials, ids};

/// Of the lock that keeps two imports from giving one sub-domain to two accounts: "IncA".
const ACCOUNTS: i64 = 0x496e_6341;
/// Rows that are written at a time.
const CHUNK: usize = 4000;
/// How often it is begun anew when others wrote the same.
const ATTEMPTS: u32 = 4;

/// Accounts, each with the layout that it is thought to have.
pub(crate) type Expected = [(AccountId, Option<Arc<Layout>>)];

/// Takes the lines over, if accounts are as expected; whether they were.
pub(crate) async fn import(
    core: &Arc<Core>,
    now: Moment,
    expected: &Expected,
    lines: &[Line],
) -> Result<bool> {
    let floor = Floor::of(lines);
    if !floor.leaves_room() {
        let highest = Floor::HIGHEST;
        return Err(Fault::Invalid(format!(
            "an id is above {highest}, so that no room is left for new ones"
        )));
    }
    let mut attempt = 1;
    loop {
        let lease = Lease::take(&core.pool).await?;
        let mut lease = lease.open("BEGIN").await?;
        let done = take_over(core, &mut lease, now, expected, lines, floor).await;
        match lease.end(done).await {
            Err(fault) if fault.remedy() != Remedy::None && attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

async fn take_over(
    core: &Arc<Core>,
    lease: &mut Lease,
    now: Moment,
    expected: &Expected,
    lines: &[Line],
    floor: Floor,
) -> Result<bool> {
    let accounts: Vec<Account> = document::accounts(lines).into_iter().map(account).collect();
    // Nobody writes an account without it, so what is read under it stands until the commit.
    if !expected.is_empty() || lines.iter().any(|line| matches!(line, Line::Account(_))) {
        lease.query("SELECT pg_advisory_xact_lock($1)", &[&ACCOUNTS]).await?;
    }
    // One import of an account after the other: what is not there yet cannot be locked, and two that look for the same
    // event at once would both write it down.
    let own = "SELECT FROM accounts WHERE account_id = ANY($1) ORDER BY account_id FOR UPDATE";
    lease.query(own, &[&accounts]).await?;
    if !stands(core, lease, expected).await? {
        return Ok(false);
    }
    let known = core.layouts.load(lease, &accounts).await?;
    let known: BTreeMap<_, _> = known.into_iter().map(|(_, layout)| (layout.account.id, layout)).collect();
    document::check(lines, &known).map_err(|misfit| Fault::Invalid(misfit.what))?;
    write_accounts(lease, lines).await?;
    core.layouts.load(lease, &accounts).await?;
    let mut work = Work {
        now,
        writer: Writer::new(core.clone()),
        batch: Batch::new(),
        events: known_events(lease, lines).await?,
        // In the order in which a decision locks them. Events are read behind that lock: what was decided meanwhile is
        // seen to be so.
        items: known_items(lease, lines).await?,
        settled: settled(lease, lines).await?,
        entities: changes::lock(lease, keys(lines)).await?,
    };
    // What comes in through the rules gets new ids, which stay above all that are told.
    if lines.iter().any(|line| matches!(line, Line::Draft(_))) {
        ids::raise(lease, floor).await?;
    }
    for line in lines {
        work.take(lease, line).await?;
        if work.batch.rows() >= CHUNK {
            work.flush(lease).await?;
        }
    }
    accounts.iter().for_each(|account| work.batch.touch(*account));
    work.flush(lease).await?;
    // The row is every server's: it is taken as late as can be.
    ids::raise(lease, floor).await?;
    Ok(true)
}

/// Whether accounts are as expected.
async fn stands(core: &Core, lease: &Lease, expected: &Expected) -> Result<bool> {
    if expected.is_empty() {
        return Ok(true);
    }
    let accounts: Vec<Account> = expected.iter().map(|(id, _)| account(*id)).collect();
    let found = core.layouts.load(lease, &accounts).await?;
    let found: HashMap<_, _> = found.into_iter().map(|(_, layout)| (layout.account.id, layout)).collect();
    Ok(expected.iter().all(|(id, layout)| found.get(id) == layout.as_ref()))
}

/// Writes the accounts that lines tell.
async fn write_accounts(lease: &Lease, lines: &[Line]) -> Result<()> {
    let told: BTreeMap<Account, _> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Account(layout) => Some((account(layout.account.id), layout)),
            _ => None,
        })
        .collect();
    let version = RandomState::new().hash_one(std::time::SystemTime::now()).cast_signed();
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<Account> = told.keys().copied().collect();
    let subdomains: Vec<String> =
        told.values().map(|layout| layout.account.subdomain.to_ascii_lowercase()).collect();
    let layouts: Vec<String> = told.values().map(body).collect();
    let written = "INSERT INTO accounts (account_id, subdomain, version, layout) \
                   SELECT n.account_id, n.subdomain, $4, n.layout \
                   FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (account_id, subdomain, layout) \
                   ON CONFLICT (account_id) DO UPDATE SET subdomain = excluded.subdomain, \
                   version = excluded.version, layout = excluded.layout";
    lease.execute(written, &[&ids, &subdomains, &layouts, &version]).await?;
    let marked = "INSERT INTO marks (account_id, sequence, revision) \
                  SELECT account_id, 0, 0 FROM unnest($1::bigint[]) AS n (account_id) ON CONFLICT DO NOTHING";
    lease.execute(marked, &[&ids]).await?;
    let twice = "SELECT subdomain, min(account_id), max(account_id) FROM accounts WHERE subdomain = ANY($1) \
                 GROUP BY subdomain HAVING count(*) > 1 ORDER BY subdomain LIMIT 1";
    if let Some(row) = lease.query_opt(twice, &[&subdomains]).await? {
        let (subdomain, one, other): (&str, Account, Account) = (row.get(0), row.get(1), row.get(2));
        return Err(Fault::Invalid(format!("accounts {one} and {other} have the sub-domain {subdomain}")));
    }
    Ok(())
}

type Key = (Account, Uid);

/// An import under way.
struct Work {
    now: Moment,
    /// Decides drafts.
    writer: Writer,
    batch: Batch,
    /// Events that were known before, of uids that lines told of, as far as no line has repeated them yet.
    events: HashMap<Key, Vec<Event>>,
    /// What waits under uids that lines told of.
    items: HashMap<Key, Item>,
    /// Those of these uids that were decided.
    settled: HashSet<Key>,
    /// Entities of which lines told, as they are.
    entities: Entities,
}

impl Work {
    async fn take(&mut self, lease: &mut Lease, line: &Line) -> Result<()> {
        let batch = &mut self.batch;
        match line {
            Line::Header { .. } | Line::Account(_) => {}
            Line::Token(token) => credentials::keep(lease, token).await?,
            Line::Grant(grant) => credentials::keep_grant(lease, grant).await?,
            Line::Tag(Of { account_id, row }) => batch.tag(account(*account_id), row.clone()),
            Line::Customer(Of { account_id, row }) => {
                self.replace(account(*account_id), Entity::Customer(row.clone()));
            }
            Line::Lead(Of { account_id, row }) => {
                self.replace(account(*account_id), Entity::Lead(row.clone()));
            }
            Line::Contact(Of { account_id, row }) => {
                self.replace(account(*account_id), Entity::Contact(row.clone()));
            }
            Line::Company(Of { account_id, row }) => {
                self.replace(account(*account_id), Entity::Company(row.clone()));
            }
            Line::Note(Of { account_id, row }) => batch.note(account(*account_id), row.clone()),
            Line::Item(Of { account_id, row }) => {
                let key = (account(*account_id), row.uid.clone());
                if let Some(item) = row.restored(self.items.get(&key), self.settled.contains(&key)) {
                    let item = item.into_owned();
                    let old = self.items.insert(key, item.clone());
                    batch.restore(account(*account_id), old.as_ref(), item);
                }
            }
            Line::Event(event) => self.remember(event),
            Line::Draft(Incoming { account_id, user_id, draft }) => {
                let command = Command::Arrive(Arrival::from(draft.clone()));
                self.flush(lease).await?;
                let job = Job::new(account(*account_id), *user_id, self.now, command);
                let (batch, events) = self.writer.within(lease, job).await?;
                batch.replace(lease).await?;
                tracing::trace!(events = events.len(), "a draft came in");
            }
        }
        Ok(())
    }

    /// Keeps an event, unless it was known before this call: the same document may be taken over twice, and what
    /// happened once is not to count twice. Within a call each counts: two messages of a second may be alike.
    fn remember(&mut self, event: &Event) {
        let key = (account(event.account_id), event.uid.clone());
        let known = self.events.entry(key.clone()).or_default();
        match known.iter().position(|known| known == event) {
            Some(place) => {
                known.swap_remove(place);
            }
            None => {
                self.batch.event(event);
                // It was decided where the document comes from.
                if event.settles() {
                    if let Some(item) = self.items.remove(&key) {
                        self.batch.unstage(key.0, &item);
                    }
                    self.settled.insert(key);
                }
            }
        }
    }

    /// Keeps an entity of the document, unless the one of this id has changed since the document was written.
    fn replace(&mut self, of: Account, entity: Entity) {
        let key = (of, entity.key());
        if !self.entities.get(&key).is_some_and(|own| own.is_later_than(&entity)) {
            self.entities.insert(key, entity.clone());
            self.batch.change(of, entity);
        }
    }

    async fn flush(&mut self, lease: &Lease) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, Batch::new());
        batch.replace(lease).await
    }
}

async fn known_events(lease: &Lease, lines: &[Line]) -> Result<HashMap<Key, Vec<Event>>> {
    let keys = lines.iter().filter_map(|line| match line {
        Line::Event(event) => Some((account(event.account_id), event.uid.as_str())),
        _ => None,
    });
    let mut known: HashMap<Key, Vec<Event>> = HashMap::new();
    for (accounts, uids) in chunks(keys) {
        for (of, event) in events_of(lease, &accounts, &uids).await? {
            known.entry((of, event.uid.clone())).or_default().push(event);
        }
    }
    Ok(known)
}

async fn known_items(lease: &Lease, lines: &[Line]) -> Result<HashMap<Key, Item>> {
    let keys = lines.iter().filter_map(|line| match line {
        Line::Item(Of { account_id, row }) => Some((account(*account_id), row.uid.as_str())),
        Line::Event(event) if event.settles() => Some((account(event.account_id), event.uid.as_str())),
        _ => None,
    });
    let mut known = HashMap::new();
    let asked = "SELECT i.account_id, i.body FROM unnest($1::bigint[], $2::text[]) AS n (account_id, uid) \
                 CROSS JOIN LATERAL (SELECT account_id, body FROM items \
                 WHERE account_id = n.account_id AND uid = n.uid FOR UPDATE) AS i";
    for (accounts, uids) in chunks(keys) {
        for row in lease.query(asked, &[&accounts, &uids]).await? {
            let of: Account = row.get(0);
            let item: Item = read("items", format!("account {of}"), row.get(1))?;
            known.insert((of, item.uid.clone()), item);
        }
    }
    Ok(known)
}

/// Uids of items that are told of, as far as they were decided here.
async fn settled(lease: &Lease, lines: &[Line]) -> Result<HashSet<Key>> {
    let keys = lines.iter().filter_map(|line| match line {
        Line::Item(Of { account_id, row }) => Some((account(*account_id), row.uid.as_str())),
        _ => None,
    });
    let mut settled = HashSet::new();
    for (accounts, uids) in chunks(keys) {
        for (of, event) in events_of(lease, &accounts, &uids).await? {
            if event.settles() {
                settled.insert((of, event.uid));
            }
        }
    }
    Ok(settled)
}

/// All events of these uids.
async fn events_of(lease: &Lease, accounts: &[Account], uids: &[&str]) -> Result<Vec<(Account, Event)>> {
    let asked = "SELECT e.account_id, e.body FROM unnest($1::bigint[], $2::text[]) AS n (account_id, uid) \
                 CROSS JOIN LATERAL (SELECT account_id, body FROM events \
                 WHERE account_id = n.account_id AND uid = n.uid OFFSET 0) AS e";
    let rows = lease.query(asked, &[&accounts, &uids]).await?;
    let events = rows.iter().map(|row| {
        let of: Account = row.get(0);
        Ok((of, read("events", format!("account {of}"), row.get(1))?))
    });
    events.collect()
}

/// The keys of entities that are told of.
fn keys(lines: &[Line]) -> Vec<(Account, EntityKey)> {
    let keys = lines.iter().filter_map(|line| match line {
        Line::Lead(Of { account_id, row }) => Some((account_id, EntityRef::Lead(row.id))),
        Line::Contact(Of { account_id, row }) => Some((account_id, EntityRef::Contact(row.id))),
        Line::Company(Of { account_id, row }) => Some((account_id, EntityRef::Company(row.id))),
        Line::Customer(Of { account_id, row }) => Some((account_id, EntityRef::Customer(row.id))),
        _ => None,
    });
    keys.map(|(account_id, entity)| (account(*account_id), key_of(entity))).collect()
}

/// Keys, each once, in portions, column by column.
fn chunks<'a>(keys: impl Iterator<Item = (Account, &'a str)>) -> Vec<(Vec<Account>, Vec<&'a str>)> {
    let keys: Vec<_> = keys.collect::<BTreeSet<_>>().into_iter().collect();
    keys.chunks(CHUNK).map(|chunk| chunk.iter().copied().unzip()).collect()
}
