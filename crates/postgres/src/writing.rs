//! What one transaction writes: rows collected table by table, then sent as few statements.
//!
//! Rows are sorted by their keys and tables are always written in the same order, so that two servers that write the
//! same rows wait for each other in one direction only. The row of `marks` comes after everything that may have to
//! wait, since it is what transactions of one account queue up for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use incoming_leads_model::window::{buckets_of, guides_of};
use incoming_leads_model::{Event, Item, Moment, Note, OrderKey, Tag, Tally};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use crate::connection::{Answer, COMMIT, Lease, Step};
use crate::convert::{Account, Entity, EntityKey, account, body, identity, key_of, number};
use crate::error::{Fault, Result};
use crate::sql;

/// A key of `guides`: account, order key, pipeline, level, bucket.
type GuideKey = (Account, i16, i64, i16, i64);
/// A key of `tallies`: account, pipeline, level, bucket.
type TallyKey = (Account, i64, i16, i64);

/// All pipelines together.
pub(crate) const ALL_PIPELINES: i64 = 0;

/// The number of an order key in `guides`.
pub(crate) const fn order_key(key: OrderKey) -> i16 {
    match key {
        OrderKey::CreatedAt => 0,
        OrderKey::UpdatedAt => 1,
    }
}

/// What is to be written.
#[derive(Debug)]
pub(crate) struct Batch {
    /// A number that no other transaction has: what tells later whether this one was committed.
    pub(crate) commit_id: i64,
    unstaged: BTreeSet<(Account, String)>,
    /// The version that was read, and the item as it is to be.
    restaged: BTreeMap<(Account, String), (u64, Item)>,
    staged: Vec<Staged>,
    made: BTreeMap<(Account, EntityKey), Entity>,
    changed: BTreeMap<(Account, EntityKey), Entity>,
    tags: BTreeMap<(Account, i64), String>,
    notes: BTreeMap<(Account, EntityKey, i64), String>,
    events: Vec<(Account, String, i64, String)>,
    tallies: BTreeMap<TallyKey, Tally>,
    guides: BTreeMap<GuideKey, [i64; 4]>,
    touched: BTreeSet<Account>,
}

/// An item that comes to wait.
#[derive(Debug)]
struct Staged {
    account: Account,
    identity: Option<Vec<u8>>,
    slot: String,
    item: Item,
    /// Whether it takes the place of a row.
    is_over: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let commit_id = (RandomState::new().hash_one(std::time::SystemTime::now()) >> 1).cast_signed();
        Self {
            commit_id,
            unstaged: BTreeSet::new(),
            restaged: BTreeMap::new(),
            staged: Vec::new(),
            made: BTreeMap::new(),
            changed: BTreeMap::new(),
            tags: BTreeMap::new(),
            notes: BTreeMap::new(),
            events: Vec::new(),
            tallies: BTreeMap::new(),
            guides: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Account and uid of an event of it.
    pub(crate) fn an_event(&self) -> Option<(Account, String)> {
        self.events.first().map(|(account, uid, ..)| (*account, uid.clone()))
    }

    /// Lists of this account answer something else from now on.
    pub(crate) fn touch(&mut self, of: Account) {
        self.touched.insert(of);
    }

    /// Keeps the event, and counts it.
    pub(crate) fn event(&mut self, event: &Event) {
        let of = account(event.account_id);
        self.touch(of);
        self.events.push((of, event.uid.as_str().to_owned(), event.recorded_at.secs(), body(event)));
        let tally = Tally::of(event);
        if tally == Tally::default() {
            return;
        }
        for pipeline in [ALL_PIPELINES, number(event.pipeline_id)] {
            for bucket in buckets_of(event.moment()) {
                let key = (of, pipeline, i16::from(bucket.level), bucket.index.cast_signed());
                *self.tallies.entry(key).or_default() += tally;
            }
        }
    }

    pub(crate) fn entity(&self, key: (Account, EntityKey)) -> Option<&Entity> {
        self.changed.get(&key).or_else(|| self.made.get(&key))
    }

    /// An entity that is new: its key must be free.
    pub(crate) fn make(&mut self, of: Account, entity: Entity) {
        self.made.insert((of, entity.key()), entity);
    }

    /// An entity in the place of the one of its key, if there is one.
    pub(crate) fn change(&mut self, of: Account, entity: Entity) {
        let key = (of, entity.key());
        match self.made.get_mut(&key) {
            Some(made) => *made = entity,
            None => {
                self.changed.insert(key, entity);
            }
        }
    }

    pub(crate) fn tag(&mut self, of: Account, tag: Tag) {
        self.tags.insert((of, number(tag.id)), tag.name);
    }

    pub(crate) fn note(&mut self, of: Account, note: Note) {
        self.notes.insert((of, key_of(note.entity), number(note.id)), body(&note));
    }

    /// An item comes to wait.
    pub(crate) fn stage(&mut self, of: Account, item: Item, slot: String) {
        self.put(Staged { account: of, identity: identity(&item), slot, item, is_over: false });
    }

    fn put(&mut self, staged: Staged) {
        self.touch(staged.account);
        self.guide(staged.account, &staged.item, 1);
        self.staged.push(staged);
    }

    /// An item as it was told, in the place of the one of its uid, if there is one.
    pub(crate) fn restore(&mut self, of: Account, old: Option<&Item>, item: Item) {
        let is_over = old.is_some_and(|old| {
            self.guide(of, old, -1);
            // Within one batch the last one counts.
            self.take(of, old)
        });
        // What is restored was decided long ago: it stands beside whatever is identical.
        let slot = item.uid.as_str().to_owned();
        self.put(Staged { account: of, identity: identity(&item), slot, item, is_over });
    }

    /// Takes an item that waits out of what comes to wait; whether there is a row of it.
    fn take(&mut self, of: Account, item: &Item) -> bool {
        let is_it = |staged: &Staged| staged.account == of && staged.item.uid == item.uid;
        match self.staged.iter().position(is_it) {
            Some(place) => self.staged.remove(place).is_over,
            None => true,
        }
    }

    /// How much it holds, more or less.
    pub(crate) fn rows(&self) -> usize {
        self.staged.len() + self.changed.len() + self.events.len() + self.notes.len() + self.tags.len()
    }

    /// An item that waits is another now.
    pub(crate) fn restage(&mut self, of: Account, old: &Item, new: Item) {
        self.guide(of, old, -1);
        self.guide(of, &new, 1);
        self.restaged.insert((of, new.uid.as_str().to_owned()), (old.version, new));
    }

    /// An item waits no longer.
    pub(crate) fn unstage(&mut self, of: Account, item: &Item) {
        self.touch(of);
        self.guide(of, item, -1);
        if self.take(of, item) {
            self.unstaged.insert((of, item.uid.as_str().to_owned()));
        }
    }

    fn guide(&mut self, of: Account, item: &Item, count: i64) {
        let keys: [(OrderKey, Moment); 2] =
            [(OrderKey::CreatedAt, item.created_at), (OrderKey::UpdatedAt, item.updated_at)];
        for (key, moment) in keys {
            for pipeline in [ALL_PIPELINES, number(item.pipeline_id)] {
                for bucket in guides_of(moment) {
                    let level = i16::from(bucket.level);
                    let key = (of, order_key(key), pipeline, level, bucket.index.cast_signed());
                    self.guides.entry(key).or_default()[item.category().index()] += count;
                }
            }
        }
    }

    /// Writes everything; what is in the way of an import is replaced.
    pub(crate) async fn replace(self, lease: &Lease) -> Result<()> {
        let statements = self.statements(Over::Replace);
        for answer in lease.pipeline(&statements.iter().map(Statement::step).collect::<Vec<_>>()).await? {
            answer?;
        }
        Ok(())
    }

    /// Writes everything and commits.
    ///
    /// [`Fault::Lost`] when the connection went after the commit was sent, or no answer came in this time.
    pub(crate) async fn commit(self, lease: &Lease, time: Duration) -> Result<()> {
        let statements = self.statements(Over::Refuse);
        let mut steps: Vec<Step<'_>> = statements.iter().map(Statement::step).collect();
        steps.push(Step::Plain(COMMIT));
        match timeout(time, lease.pipeline(&steps)).await {
            Ok(answers) => judge(answers?),
            Err(_) => Err(Fault::Lost(None)),
        }
    }

    fn statements(self, over: Over) -> Vec<Statement> {
        let is_replacing = over == Over::Replace;
        let pick = |insert, replace| if is_replacing { replace } else { insert };
        let Self { commit_id, unstaged, restaged, mut staged, made, changed, .. } = self;
        let Self { tags, notes, events, tallies, guides, touched, .. } = self;
        // Stable, so that of identical ones the first stays the first.
        staged.sort_by(|one, other| (one.account, &one.identity).cmp(&(other.account, &other.identity)));
        let unstaged: Vec<_> = unstaged.into_iter().collect();
        let restaged: Vec<_> =
            restaged.into_iter().map(|((of, uid), (old, item))| (of, uid, old, item)).collect();
        let made: Vec<_> = made.into_iter().collect();
        let changed: Vec<_> = changed.into_iter().collect();
        let tags: Vec<_> = tags.into_iter().map(|((of, id), name)| (of, id, name)).collect();
        let notes: Vec<_> = notes.into_iter().collect();
        let tallies: Vec<_> = tallies.into_iter().map(|(key, tally)| (key, tally.to_columns())).collect();
        let guides: Vec<_> = guides.into_iter().filter(|(_, counts)| *counts != [0; 4]).collect();
        let touched: Vec<Account> = touched.into_iter().collect();

        let mut all = Vec::new();
        if !unstaged.is_empty() {
            let mut columns = vec![column(&unstaged, |row| row.0), column(&unstaged, |row| row.1.clone())];
            columns.push(Box::new(number(unstaged.len() as u64)));
            all.push(Statement::one(sql::DELETE_ITEMS, columns));
        }
        if !restaged.is_empty() {
            let mut columns = vec![
                column(&restaged, |row| row.0),
                column(&restaged, |row| row.1.clone()),
                column(&restaged, |row| number(row.2)),
                column(&restaged, |row| row.3.updated_at.secs()),
                column(&restaged, |row| number(row.3.version)),
                column(&restaged, |row| body(&row.3)),
            ];
            columns.push(Box::new(number(restaged.len() as u64)));
            all.push(Statement::one(sql::UPDATE_ITEMS, columns));
        }
        let mut rows = Vec::new();
        if !staged.is_empty() {
            rows.push((pick(sql::INSERT_ITEMS, sql::REPLACE_ITEMS), of_items(&staged)));
        }
        if !made.is_empty() {
            rows.push((sql::INSERT_ENTITIES, of_entities(&made)));
        }
        if !changed.is_empty() {
            rows.push((sql::REPLACE_ENTITIES, of_entities(&changed)));
        }
        if !tags.is_empty() {
            let columns = || {
                vec![
                    column(&tags, |row| row.0),
                    column(&tags, |row| row.1),
                    column(&tags, |row| row.2.clone()),
                ]
            };
            if is_replacing {
                all.push(Statement::one(sql::DELETE_NAMESAKES, columns()));
            }
            rows.push((pick(sql::INSERT_TAGS, sql::REPLACE_TAGS), columns()));
        }
        if !notes.is_empty() {
            let columns = vec![
                column(&notes, |row| row.0.0),
                column(&notes, |row| row.0.1.0),
                column(&notes, |row| row.0.1.1),
                column(&notes, |row| row.0.2),
                column(&notes, |row| row.1.clone()),
            ];
            rows.push((pick(sql::INSERT_NOTES, sql::REPLACE_NOTES), columns));
        }
        if rows.len() > 1 {
            // What a statement does itself comes before what stands in its `WITH`. Where all stands there, tables are written in
            // one order, whichever they are.
            rows.push(("SELECT", Vec::new()));
        }
        all.extend(Statement::joined(rows));
        // From here on other transactions of these accounts have to wait. Events move the mark of their account; one mark
        // needs no order.
        let have_events: BTreeSet<Account> = events.iter().map(|event| event.0).collect();
        if touched.len() > 1 {
            all.push(Statement::one(sql::LOCK_MARKS, vec![Box::new(touched.clone())]));
        }
        let others: Vec<Account> = touched.into_iter().filter(|of| !have_events.contains(of)).collect();
        if !others.is_empty() {
            all.push(Statement::one(sql::TOUCH_MARKS, vec![Box::new(others), Box::new(commit_id)]));
        }
        let mut counts = Vec::new();
        if !tallies.is_empty() {
            let mut columns = vec![
                column(&tallies, |row| row.0.0),
                column(&tallies, |row| row.0.1),
                column(&tallies, |row| row.0.2),
                column(&tallies, |row| row.0.3),
            ];
            columns.extend((0..9).map(|number| column(&tallies, |row| row.1[number])));
            counts.push((sql::ADD_TALLIES, columns));
        }
        if !guides.is_empty() {
            let mut columns = of_guides(&guides);
            columns.extend((0..4).map(|number| column(&guides, |row| row.1[number])));
            counts.push((sql::ADD_GUIDES, columns));
        }
        if !events.is_empty() {
            let mut columns = vec![
                column(&events, |row| row.0),
                column(&events, |row| row.1.clone()),
                column(&events, |row| row.2),
                column(&events, |row| row.3.clone()),
            ];
            columns.push(Box::new(commit_id));
            // Last, for it has parts of its own, and so that the mark is taken before what is counted under it.
            counts.push((sql::INSERT_EVENTS, columns));
        }
        all.extend(Statement::joined(counts));
        // Buckets in which nothing waits any longer; what only adds leaves none.
        let left: Vec<_> =
            guides.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count < 0)).collect();
        if !left.is_empty() {
            all.push(Statement::one(sql::DELETE_GUIDES, of_guides(&left)));
        }
        all
    }
}

/// A statement and its parameters, most of which are columns.
struct Statement(Cow<'static, str>, Vec<Column>);

type Column = Box<dyn ToSql + Send + Sync>;

impl Statement {
    const fn one(sql: &'static str, columns: Vec<Column>) -> Self {
        Self(Cow::Borrowed(sql), columns)
    }

    /// One that does what all these do; none where there are none.
    fn joined(parts: Vec<(&'static str, Vec<Column>)>) -> Option<Self> {
        let sizes: Vec<_> = parts.iter().map(|(sql, columns)| (*sql, columns.len())).collect();
        let columns = parts.into_iter().flat_map(|(_, columns)| columns).collect();
        (!sizes.is_empty()).then(|| Self(sql::joined(&sizes), columns))
    }

    fn step(&self) -> Step<'_> {
        Step::Prepared(&self.0, self.1.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect())
    }
}

/// One column of all rows.
fn column<R, T: ToSql + Send + Sync + 'static>(rows: &[R], of: impl Fn(&R) -> T) -> Column {
    Box::new(rows.iter().map(of).collect::<Vec<T>>())
}

fn of_items(rows: &[Staged]) -> Vec<Column> {
    vec![
        column(rows, |row| row.account),
        column(rows, |row| row.item.uid.as_str().to_owned()),
        column(rows, |row| number(row.item.pipeline_id)),
        column(rows, |row| category(&row.item)),
        column(rows, |row| row.item.created_at.secs()),
        column(rows, |row| row.item.updated_at.secs()),
        column(rows, |row| number(row.item.version)),
        column(rows, |row| row.identity.clone()),
        column(rows, |row| row.slot.clone()),
        column(rows, |row| body(&row.item)),
    ]
}

fn of_entities(rows: &[((Account, EntityKey), Entity)]) -> Vec<Column> {
    vec![
        column(rows, |row| row.0.0),
        column(rows, |row| row.0.1.0),
        column(rows, |row| row.0.1.1),
        column(rows, |row| row.1.is_listed()),
        column(rows, |row| row.1.binned_at()),
        column(rows, |row| row.1.body()),
    ]
}

fn of_guides(rows: &[(GuideKey, [i64; 4])]) -> Vec<Column> {
    vec![
        column(rows, |row| row.0.0),
        column(rows, |row| row.0.1),
        column(rows, |row| row.0.2),
        column(rows, |row| row.0.3),
        column(rows, |row| row.0.4),
    ]
}

fn category(item: &Item) -> i16 {
    i16::try_from(item.category().index()).expect("there are four")
}

/// What became of a transaction whose statements and commit were sent together. A statement that failed made the
/// commit a rollback.
fn judge(answers: Vec<Answer>) -> Result<()> {
    let last = answers.len().saturating_sub(1);
    for (place, answer) in answers.into_iter().enumerate() {
        let Err(error) = answer else { continue };
        return Err(match error.code() {
            Some(_) if place < last => Fault::Database(error),
            Some(_) | None => Fault::of_commit(error),
        });
    }
    Ok(())
}

/// Whether rows may take the place of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Refuse,
    Replace,
}
