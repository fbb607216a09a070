//! Setting accounts up, and telling all that is held as lines of the model's document.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use futures_util::stream;
use incoming_leads_model::document::{Line, Of, VERSION};
use incoming_leads_model::{AccountId, Company, Contact, Customer, EntityRef, Layout, Lead, NoteId};
use incoming_leads_port::{Error, ErrorKind, Operation, Provision, Result};

use crate::entities::Kept;
use crate::holdings::Holdings;
use crate::import;
use crate::log::Part;
use crate::packed;
use crate::stage::Slot;
use crate::store::{Memory, lock};

const OPERATION: Operation = Operation::Provision;

/// Lines that are made at a time.
const CHUNK: usize = 256;

#[async_trait]
impl Provision for Memory {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        import::import(self, &[], lines).map(drop)
    }

    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool> {
        import::import(self, expected, lines)
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        match self.exported(account) {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok(snapshots) => {
                // Asked for after the copies were made: all that they hold lies below.
                let ids = self.shared.ids.taken();
                let header = Line::Header { version: VERSION, ids: Some(ids) };
                let lines = std::iter::once(header).chain(snapshots.into_iter().flatten());
                stream::iter(lines.map(Ok)).boxed()
            }
        }
    }
}

impl Memory {
    /// Copies of the accounts that are to be told, each as of one moment.
    fn exported(&self, account: Option<AccountId>) -> Result<Vec<Snapshot>> {
        let ids: Vec<AccountId> = {
            let accounts = self.shared.accounts(OPERATION)?;
            match account {
                None => accounts.keys().copied().collect(),
                Some(id) if accounts.contains_key(&id) => vec![id],
                Some(id) => {
                    return Err(Error::new(ErrorKind::Invalid, OPERATION)
                        .with_detail(format!("there is no account {id}")));
                }
            }
        };
        ids.into_iter().map(|id| self.snapshot(id)).collect()
    }

    fn snapshot(&self, id: AccountId) -> Result<Snapshot> {
        let accounts = self.shared.accounts(OPERATION)?;
        let credentials = lock(self.shared.credentials.read(), OPERATION)?;
        let account = accounts.get(&id).expect("accounts are never taken away");
        let holdings = lock(account.read(), OPERATION)?.clone();
        let tokens = credentials.tokens_of(id).into_iter().map(Line::Token);
        let credentials = tokens.chain(credentials.grants_of(id).into_iter().map(Line::Grant)).collect();
        Ok(Snapshot { id, holdings, credentials, section: Section::Account, lines: VecDeque::new() })
    }
}

/// An account as it was at one moment, and how much of it has been told.
struct Snapshot {
    id: AccountId,
    holdings: Holdings,
    /// Tokens, then grants.
    credentials: Vec<Line>,
    section: Section,
    lines: VecDeque<Line>,
}

/// What is told next. Events come before items, which a store may then read from their events.
#[derive(Clone, Copy)]
enum Section {
    Account,
    Customers(u64),
    Notes(Option<(EntityRef, NoteId)>),
    Events(u64),
    Leads(u64),
    Contacts(u64),
    Companies(u64),
    Slots(Slot),
    End,
}

impl Iterator for Snapshot {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while self.lines.is_empty() && !matches!(self.section, Section::End) {
            self.section = self.tell();
        }
        self.lines.pop_front()
    }
}

impl Snapshot {
    /// Tells a part, and says what comes after it.
    fn tell(&mut self) -> Section {
        match self.section {
            Section::Account => {
                let layout = Line::Account(Box::new(Arc::unwrap_or_clone(self.holdings.layout.clone())));
                let credentials = self.credentials.drain(..);
                let tags = self.holdings.entities.tags().cloned();
                let tags = tags.map(|row| Line::Tag(Of { account_id: self.id, row }));
                self.lines.extend(std::iter::once(layout).chain(credentials).chain(tags));
                Section::Customers(0)
            }
            Section::Customers(after) => {
                let next = self.rows::<Customer>(after, Line::Customer);
                next.map_or(Section::Notes(None), Section::Customers)
            }
            Section::Notes(after) => {
                let notes: Vec<_> = self.holdings.entities.notes_after(after).take(CHUNK).collect();
                let last = notes.last().map(|note| (note.entity, note.id));
                self.lines.extend(notes.into_iter().map(|row| Line::Note(Of { account_id: self.id, row })));
                last.map_or(Section::Events(0), |last| Section::Notes(Some(last)))
            }
            Section::Events(number) => {
                self.lines.extend(self.holdings.stage.log().events_from(number).take(CHUNK).map(Line::Event));
                match self.lines.len() {
                    0 => Section::Leads(0),
                    told => Section::Events(number + told as u64),
                }
            }
            Section::Leads(after) => {
                let next = self.rows::<Lead>(after, Line::Lead);
                next.map_or(Section::Contacts(0), Section::Leads)
            }
            Section::Contacts(after) => {
                let next = self.rows::<Contact>(after, Line::Contact);
                next.map_or(Section::Companies(0), Section::Contacts)
            }
            Section::Companies(after) => {
                let next = self.rows::<Company>(after, Line::Company);
                next.map_or(Section::Slots(0), Section::Companies)
            }
            Section::Slots(slot) if self.holdings.stage.slots().contains(&slot) => {
                self.slot(slot);
                Section::Slots(slot + 1)
            }
            Section::Slots(_) | Section::End => Section::End,
        }
    }

    /// Tells some of the entities that are kept on their own; the last id, unless there was none.
    fn rows<T: Kept>(&mut self, after: u64, line: impl Fn(Of<T>) -> Line) -> Option<u64> {
        let mut last = None;
        for (id, mut bytes) in T::kind(&self.holdings.entities).rows_after(after).take(CHUNK) {
            last = Some(id);
            self.lines.push_back(line(Of { account_id: self.id, row: packed::read(&mut bytes) }));
        }
        last
    }

    /// Tells the entities that are still as they were made, and the item, if it waits.
    fn slot(&mut self, slot: Slot) {
        let (stage, account_id) = (&self.holdings.stage, self.id);
        let at = stage.first(slot);
        for (part, _) in stage.still_made(slot) {
            let line = match part {
                Part::Lead => {
                    stage.log().part(at, part).flatten().map(|row| Line::Lead(Of { account_id, row }))
                }
                Part::Contact => {
                    stage.log().part(at, part).flatten().map(|row| Line::Contact(Of { account_id, row }))
                }
                Part::Company => {
                    stage.log().part(at, part).flatten().map(|row| Line::Company(Of { account_id, row }))
                }
            };
            self.lines.extend(line);
        }
        if stage.is_pending(slot) {
            self.lines.extend(stage.item(slot).map(|row| Line::Item(Of { account_id, row })));
        }
    }
}
