//! What a job sees of the transaction: what is stored, ids, the moment; and what it leaves there.

use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use incoming_leads_model::{AccountId, Arrival, Event, Layout, Minted, Moment, NoteId, Scene, UserId, Wants};
use incoming_leads_port::{Floor, IdSource};
use rusqlite::Connection;

use crate::convert::{execute, exists, one, read};
use crate::error::Fault;
use crate::tallies::Counts;
use crate::{changes, facts, items};

/// What every job needs beside the database.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) layouts: Arc<Layouts>,
}

/// Layouts that are kept ready, at most.
const KNOWN: usize = 10_000;

/// The layouts of accounts, each as of one version, so that none is read twice.
#[derive(Default)]
pub(crate) struct Layouts(Mutex<HashMap<AccountId, (i64, Arc<Layout>)>>);

impl Layouts {
    /// The account as it is stored.
    pub(crate) fn find(&self, connection: &Connection, id: AccountId) -> Result<Option<Arc<Layout>>, Fault> {
        let version = "SELECT version FROM accounts WHERE account_id = ?1";
        let Some(version) =
            one(connection, "accounts", version, [id.get()], |row| Ok(row.get::<_, i64>(0)?))?
        else {
            return Ok(None);
        };
        let known =
            self.lock().get(&id).filter(|(known, _)| *known == version).map(|(_, layout)| layout.clone());
        if known.is_some() {
            return Ok(known);
        }
        let layout = "SELECT layout FROM accounts WHERE account_id = ?1";
        let layout = one(connection, "accounts", layout, [id.get()], |row| {
            read::<Layout>(
                "accounts",
                id,
                row.get_ref(0)?.as_str().map_err(|error| Fault::damaged("accounts", id, error))?,
            )
        })?;
        let layout = layout.map(Arc::new);
        if let Some(layout) = &layout {
            let mut known = self.lock();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(id, (version, layout.clone()));
        }
        Ok(layout)
    }

    /// The account, which is there.
    pub(crate) fn get(&self, connection: &Connection, id: AccountId) -> Result<Arc<Layout>, Fault> {
        self.find(connection, id)?.ok_or_else(|| Fault::damaged("accounts", id, "it is not there"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, (i64, Arc<Layout>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Layouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layouts(..)")
    }
}

/// What changes with every change of an account.
#[derive(Debug, Clone, Copy)]
struct Mark {
    revision: u64,
    sequence: u64,
}

/// What jobs leave that is written once, before the commit.
#[derive(Debug, Default)]
pub(crate) struct Together {
    counts: Counts,
    marks: BTreeMap<AccountId, Mark>,
    floor: Floor,
    is_floor_read: bool,
}

impl Together {
    /// Writes it.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let Together { counts, marks, floor, is_floor_read: _ } = self;
        counts.write(connection)?;
        for (id, Mark { revision, sequence }) in marks {
            let sql = "INSERT INTO marks (account_id, revision, sequence) VALUES (?1, ?2, ?3) ON CONFLICT (account_id)
                       DO UPDATE SET revision = excluded.revision, sequence = excluded.sequence";
            execute(connection, sql, (id.get(), revision, sequence))?;
        }
        let Floor { leads, parties, notes, tags } = *floor;
        for (name, largest) in [("leads", leads), ("parties", parties), ("notes", notes), ("tags", tags)] {
            if largest > 0 {
                let sql = "INSERT INTO store (name, value) VALUES (?1, ?2) ON CONFLICT (name)
                           DO UPDATE SET value = max(value, excluded.value)";
                execute(connection, sql, (name, largest))?;
            }
        }
        Ok(())
    }
}

/// An event that was recorded, and where.
#[derive(Debug)]
pub(crate) struct Recorded {
    account_id: AccountId,
    sequence: u64,
    body: String,
}

impl Recorded {
    pub(crate) const fn new(account_id: AccountId, sequence: u64, body: String) -> Self {
        Self { account_id, sequence, body }
    }

    pub(crate) fn is_stored(&self, connection: &Connection) -> Result<bool, Fault> {
        let sql = "SELECT 1 FROM events WHERE account_id = ?1 AND sequence = ?2 AND body = ?3";
        exists(connection, sql, (self.account_id.get(), self.sequence, &self.body))
    }
}

/// One job's view of the transaction.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) connection: &'a Connection,
    surroundings: &'a Surroundings,
    together: &'a mut Together,
    /// The floor before this job.
    floor: Floor,
    /// Whether the job has changed what is written together.
    has_changed: bool,
    /// Accounts of which this job changes something.
    touched: Vec<AccountId>,
    recorded: Vec<Recorded>,
}

impl<'a> Writing<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        surroundings: &'a Surroundings,
        together: &'a mut Together,
    ) -> Self {
        let (floor, touched, recorded) = (together.floor, Vec::new(), Vec::new());
        Self { connection, surroundings, together, floor, has_changed: false, touched, recorded }
    }

    /// The events of a job that is done.
    pub(crate) fn done(self) -> Vec<Recorded> {
        self.recorded
    }

    /// Leaves what is written together as it was before a job that failed; whether that works, as it does for whatever is
    /// refused before anything is changed.
    pub(crate) fn undo(self) -> bool {
        self.together.floor = self.floor;
        !self.has_changed
    }

    pub(crate) fn layout(&self, id: AccountId) -> Result<Option<Arc<Layout>>, Fault> {
        self.surroundings.layouts.find(self.connection, id)
    }

    /// Decides a command and carries out what was decided.
    pub(crate) fn carry_out(
        &mut self,
        account: AccountId,
        caller: UserId,
        now: Moment,
        decide: impl FnOnce(&mut Self, Scene<'_>) -> Result<Vec<Event>, Fault>,
    ) -> Result<Vec<Event>, Fault> {
        let layout = self.surroundings.layouts.get(self.connection, account)?;
        let scene = Scene { caller, layout: &layout, now };
        let events = decide(self, scene)?;
        for event in &events {
            changes::carry_out(self, &layout, event)?;
        }
        Ok(events)
    }

    /// Decides on something that comes in.
    pub(crate) fn arrive(
        &mut self,
        scene: Scene<'_>,
        account: AccountId,
        arrival: &Arrival,
    ) -> Result<Vec<Event>, Fault> {
        let minted = self.mint(account, scene.now, arrival.wants())?;
        let facts = facts::of_add(self.connection, account, &arrival.needs())?;
        Ok(arrival.decide(scene, &facts, &minted)?)
    }

    /// New ids for each item, of which the uids are known to nobody.
    fn mint(&mut self, account: AccountId, now: Moment, wants: Vec<Wants>) -> Result<Vec<Minted>, Fault> {
        self.read_floor()?;
        wants.into_iter().map(|wants| self.mint_one(account, now, wants)).collect()
    }

    fn mint_one(&mut self, account: AccountId, now: Moment, wants: Wants) -> Result<Minted, Fault> {
        loop {
            let minted = self.surroundings.ids.mint(now, wants);
            if !items::is_known(self.connection, account, &minted.uid)? {
                let Minted { uid: _, lead, contact, company, notes, tags } = &minted;
                self.raise(Floor {
                    leads: lead.get(),
                    parties: contact.get().max(company.get()),
                    notes: notes.iter().map(|note| note.get()).max().unwrap_or(0),
                    tags: tags.iter().map(|tag| tag.get()).max().unwrap_or(0),
                });
                return Ok(minted);
            }
        }
    }

    /// New ids for two notes.
    pub(crate) fn mint_notes(&mut self) -> Result<[NoteId; 2], Fault> {
        self.read_floor()?;
        let notes = [self.surroundings.ids.note(), self.surroundings.ids.note()];
        let largest = notes.iter().map(|note| note.get()).max().unwrap_or(0);
        self.raise(Floor { notes: largest, ..Floor::default() });
        Ok(notes)
    }

    /// Says that ids up to these are taken, at once: the next job of the transaction makes ids too.
    pub(crate) fn raise(&mut self, floor: Floor) {
        self.surroundings.ids.raise(floor);
        self.together.floor = self.together.floor.max(floor);
    }

    /// Another process may have handed out ids since this one wrote last.
    fn read_floor(&mut self) -> Result<(), Fault> {
        if !self.together.is_floor_read {
            self.surroundings.ids.raise(floor(self.connection)?);
            self.together.is_floor_read = true;
        }
        Ok(())
    }

    /// The tallies and counts that the job changes.
    pub(crate) fn counts(&mut self) -> &mut Counts {
        self.has_changed = true;
        &mut self.together.counts
    }

    /// Says that something of the account changes; the account's next revision.
    pub(crate) fn touch(&mut self, id: AccountId) -> Result<(), Fault> {
        self.touched_mark(id).map(drop)
    }

    /// The place of one more event of the account.
    pub(crate) fn next_sequence(&mut self, id: AccountId) -> Result<u64, Fault> {
        let mark = self.touched_mark(id)?;
        mark.sequence += 1;
        Ok(mark.sequence)
    }

    fn touched_mark(&mut self, id: AccountId) -> Result<&mut Mark, Fault> {
        let mark = match self.together.marks.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(mark(self.connection, id)?),
        };
        self.has_changed = true;
        if !self.touched.contains(&id) {
            self.touched.push(id);
            mark.revision += 1;
        }
        Ok(mark)
    }

    /// Remembers an event, so that it can be looked for should the commit fail.
    pub(crate) fn recorded(&mut self, account_id: AccountId, sequence: u64, body: String) {
        self.recorded.push(Recorded::new(account_id, sequence, body));
    }
}

fn mark(connection: &Connection, id: AccountId) -> Result<Mark, Fault> {
    let sql = "SELECT revision, sequence FROM marks WHERE account_id = ?1";
    let mark = one(connection, "marks", sql, [id.get()], |row| {
        Ok(Mark { revision: row.get(0)?, sequence: row.get(1)? })
    })?;
    Ok(mark.unwrap_or(Mark { revision: 0, sequence: 0 }))
}

/// Revision and last sequence of an account.
pub(crate) fn marks(connection: &Connection, id: AccountId) -> Result<(u64, u64), Fault> {
    mark(connection, id).map(|Mark { revision, sequence }| (revision, sequence))
}

/// The largest ids that were handed out.
pub(crate) fn floor(connection: &Connection) -> Result<Floor, Fault> {
    let largest = |name: &str| {
        let sql = "SELECT value FROM store WHERE name = ?1";
        Ok::<u64, Fault>(one(connection, "store", sql, [name], |row| Ok(row.get(0)?))?.unwrap_or(0))
    };
    Ok(Floor {
        leads: largest("leads")?,
        parties: largest("parties")?,
        notes: largest("notes")?,
        tags: largest("tags")?,
    })
}
