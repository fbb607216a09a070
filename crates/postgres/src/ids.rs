//! New ids: numbers that are taken from the database for a whole group of commands, uids that nobody can guess.
//!
//! Numbers grow with time, whichever process takes them.

use std::ops::Range;

use incoming_leads_model::{Minted, Moment, NoteId, Wants};
use incoming_leads_port::{Floor, IdSource as _, Ids};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connection::{Lease, Step};
use crate::convert::number;
use crate::error::{Fault, Result};
use crate::facts::Opening;

/// How many numbers of each space are needed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    leads: usize,
    /// Of contacts and companies, which share one space.
    parties: usize,
    notes: usize,
    tags: usize,
}

impl Wanted {
    pub(crate) const fn item(&mut self, wants: Wants) {
        self.leads += 1;
        self.parties += 2;
        self.notes += wants.notes;
        self.tags += wants.tags;
    }

    pub(crate) const fn notes(&mut self, notes: usize) {
        self.notes += notes;
    }
}

/// Numbers that were taken. What is not used is lost; gaps do not matter.
#[derive(Debug, Default)]
pub(crate) struct Block {
    leads: Range<i64>,
    parties: Range<i64>,
    notes: Range<i64>,
    tags: Range<i64>,
}

/// Takes numbers in the transaction that has begun.
const TAKE: &str = "UPDATE ids SET leads = leads + $1, parties = parties + $2, notes = notes + $3, tags = tags + $4 \
    WHERE account_id = 0 RETURNING leads, parties, notes, tags";
/// Takes numbers in a transaction of its own, for others to take further ones right after. It is not waited for the
/// disk: whatever comes to use the numbers is written behind this, and is on the disk only after it.
const TAKE_APART: &str = "UPDATE ids SET leads = leads + $1, parties = parties + $2, notes = notes + $3, \
    tags = tags + $4 WHERE account_id = 0 AND set_config('synchronous_commit', 'off', true) = 'off' \
    RETURNING leads, parties, notes, tags";

/// Numbers on their way out of the database.
#[derive(Debug)]
pub(crate) struct Taking {
    sql: &'static str,
    counts: [i64; 4],
}

impl Taking {
    /// Takes so many; nothing where none are wanted.
    pub(crate) fn new(opening: Opening, wanted: Wanted) -> Option<Self> {
        let Wanted { leads, parties, notes, tags } = wanted;
        let counts = [leads, parties, notes, tags].map(|count| number(count as u64));
        let sql = match opening {
            Opening::Begin => TAKE_APART,
            Opening::Begun => TAKE,
        };
        (counts != [0; 4]).then_some(Self { sql, counts })
    }

    /// What is asked; where a transaction is to begin, before it does.
    pub(crate) fn step(&self) -> Step<'_> {
        Step::Prepared(self.sql, self.counts.iter().map(|count| count as &(dyn ToSql + Sync)).collect())
    }

    /// What was answered.
    pub(crate) fn block(&self, rows: &[Row]) -> Result<Block> {
        let row = rows.first().ok_or_else(|| Fault::damaged("ids", 0, "the row is not there"))?;
        let range = |column: usize| {
            let end: i64 = row.get(column);
            end - self.counts[column]..end
        };
        Ok(Block { leads: range(0), parties: range(1), notes: range(2), tags: range(3) })
    }
}

impl Block {
    /// The ids of one item.
    pub(crate) fn mint(&mut self, uids: &Ids, now: Moment, wants: Wants) -> Result<Minted> {
        let Minted { uid, notes, tags, .. } = uids.mint(now, wants);
        Ok(Minted {
            uid,
            lead: next(&mut self.leads)?,
            contact: next(&mut self.parties)?,
            company: next(&mut self.parties)?,
            notes: notes.iter().map(|_| self.note()).collect::<Result<_>>()?,
            tags: tags.iter().map(|_| next(&mut self.tags)).collect::<Result<_>>()?,
        })
    }

    pub(crate) fn note(&mut self) -> Result<NoteId> {
        next(&mut self.notes)
    }
}

fn next<I: TryFrom<u64>>(numbers: &mut Range<i64>) -> Result<I> {
    let number = numbers.next().and_then(|number| u64::try_from(number).ok());
    let id = number.and_then(|number| I::try_from(number).ok());
    id.ok_or_else(|| Fault::damaged("ids", 0, "the numbers are used up"))
}

/// Makes sure that all numbers to come lie above these.
pub(crate) async fn raise(lease: &Lease, above: Floor) -> Result<()> {
    let Floor { leads, parties, notes, tags } = above;
    let [leads, parties, notes, tags] = [leads, parties, notes, tags].map(|largest| number(largest) + 1);
    let raised = "UPDATE ids SET leads = greatest(leads, $1), parties = greatest(parties, $2), \
                  notes = greatest(notes, $3), tags = greatest(tags, $4) WHERE account_id = 0";
    lease.execute(raised, &[&leads, &parties, &notes, &tags]).await.map(drop)
}

/// The largest numbers that were taken.
pub(crate) async fn floor(lease: &Lease) -> Result<Floor> {
    let asked = "SELECT leads, parties, notes, tags FROM ids WHERE account_id = 0";
    let row = lease.query_opt(asked, &[]).await?;
    let row = row.ok_or_else(|| Fault::damaged("ids", 0, "the row is not there"))?;
    let [leads, parties, notes, tags] = std::array::from_fn(|column| {
        let next: i64 = row.get(column);
        u64::try_from(next - 1).unwrap_or(0)
    });
    Ok(Floor { leads, parties, notes, tags })
}
