//! The store and its handles.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, AccountId, Add, Arrival, Decline, Event, IncomingLead, Layout, Link, ListQuery, Page, Receipt,
    Right, Scene, Summary, SummaryQuery, Uid, UserId,
};
use incoming_leads_port::{Capabilities, Clock, IncomingLeads, Operation, Principal, Result};
use rusqlite::Connection;

use crate::error::Fault;
use crate::lock::{Opened, ServerLock};
use crate::options::Options;
use crate::place::Place;
use crate::readers::Readers;
use crate::writer::Writer;
use crate::writing::{Layouts, Surroundings, Writing};
use crate::{facts, list, tallies};

/// Incoming leads in one SQLite file. Clones share what is open; the file is closed when the last of them is gone.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: Writer,
    pub(crate) layouts: Arc<Layouts>,
    /// The last, so that it is let go when nothing of the file is open any more.
    _opened: Opened,
}

impl Sqlite {
    pub(crate) fn start(
        options: Options,
        path: PathBuf,
        lock: Option<ServerLock>,
        opened: Opened,
    ) -> std::result::Result<Self, Fault> {
        let layouts = Arc::new(Layouts::default());
        let surroundings = Surroundings { ids: options.ids, layouts: layouts.clone() };
        let place = Place::of(path.clone())?;
        let writer = Writer::start(place.clone(), options.queue, surroundings, lock)?;
        let readers = Arc::new(Readers::new(place, options.readers));
        let shared = Arc::new(Shared { path, readers, writer, layouts, _opened: opened });
        Ok(Self { shared, clock: options.clock })
    }

    /// The same store by another clock: what is opened from here on takes its moments from it.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { shared: self.shared.clone(), clock }
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Shared {
    /// Reads on a thread that may wait for the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: Operation,
        read: impl FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(read).await.map_err(|fault| fault.told(operation))
    }

    /// Has something written, and waits until it is on the disk.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: Operation,
        work: impl FnMut(&mut Writing<'_>) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(work).await.map_err(|fault| fault.told(operation))
    }
}

/// One account, as one user sees and sorts it.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    pub(crate) account: AccountId,
    pub(crate) user: UserId,
    /// The account and its revision as they were seen when this handle was made for a request: its first look.
    seen: Mutex<Option<(Arc<Layout>, u64)>>,
}

impl Handle {
    pub(crate) fn new(store: &Sqlite, principal: Principal) -> Self {
        let Principal { account_id, user_id } = principal;
        let Sqlite { shared, clock } = store.clone();
        Self { shared, clock, account: account_id, user: user_id, seen: Mutex::default() }
    }

    /// With the account and its revision as they were just seen.
    pub(crate) fn having_seen(self, layout: Arc<Layout>, revision: u64) -> Self {
        Self { seen: Mutex::new(Some((layout, revision))), ..self }
    }

    /// What was seen before this handle was used.
    pub(crate) fn seen(&self) -> Option<(Arc<Layout>, u64)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Answers a question of a user who may view.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: Operation,
        answer: impl FnOnce(&Connection, AccountId) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        drop(self.seen());
        let (layouts, account, user) = (self.shared.layouts.clone(), self.account, self.user);
        let read = move |connection: &Connection| {
            layouts.get(connection, account)?.authorize(user, Right::View)?;
            answer(connection, account)
        };
        self.shared.read(operation, read).await
    }

    /// Decides a command and carries out what was decided, as one step.
    pub(crate) async fn write(
        &self,
        operation: Operation,
        mut decide: impl FnMut(&mut Writing<'_>, Scene<'_>, AccountId) -> std::result::Result<Vec<Event>, Fault>
        + Send
        + 'static,
    ) -> Result<Vec<Receipt>> {
        drop(self.seen());
        let (clock, account, user) = (self.clock.clone(), self.account, self.user);
        let work = move |writing: &mut Writing<'_>| {
            let decide = |writing: &mut Writing<'_>, scene: Scene<'_>| decide(writing, scene, account);
            let events = writing.carry_out(account, user, clock.now(), decide)?;
            Ok(events.iter().map(Event::receipt).collect())
        };
        self.shared.write(operation, work).await
    }

    /// Takes something in.
    pub(crate) async fn arrive(&self, operation: Operation, arrival: Arrival) -> Result<Vec<Receipt>> {
        self.write(operation, move |writing, scene, account| writing.arrive(scene, account, &arrival)).await
    }

    /// The one receipt of a command that settles a lead.
    async fn settle(
        &self,
        operation: Operation,
        mut decide: impl FnMut(&mut Writing<'_>, Scene<'_>, AccountId) -> std::result::Result<Event, Fault>
        + Send
        + 'static,
    ) -> Result<Receipt> {
        let decide = move |writing: &mut Writing<'_>, scene: Scene<'_>, account| {
            decide(writing, scene, account).map(|event| vec![event])
        };
        only(operation, self.write(operation, decide).await?)
    }
}

/// The receipt of a command that makes one event.
pub(crate) fn only(operation: Operation, receipts: Vec<Receipt>) -> Result<Receipt> {
    let count = receipts.len();
    let fault = || Fault::damaged("events", count, "one event was to be written").told(operation);
    receipts.into_iter().next().ok_or_else(fault)
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("account_id", &self.account)
            .field("user_id", &self.user)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IncomingLeads for Handle {
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let query = query.clone();
        self.read(Operation::List, move |connection, account| list::page(connection, account, &query)).await
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        let uid = uid.clone();
        let found =
            self.read(Operation::Get, move |connection, account| list::item(connection, account, &uid));
        Ok(found.await?.map(|(_, lead)| lead))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        self.arrive(Operation::Add, Arrival::Add(add.clone())).await
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        let (uid, accept) = (uid.clone(), *accept);
        let decide = move |writing: &mut Writing<'_>, scene: Scene<'_>, account| {
            let state = facts::state(writing.connection, account, &uid)?;
            Ok(accept.decide(scene, &uid, &state, writing.mint_notes()?)?)
        };
        self.settle(Operation::Accept, decide).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        let (uid, decline) = (uid.clone(), *decline);
        let decide = move |writing: &mut Writing<'_>, scene: Scene<'_>, account| {
            let state = facts::state(writing.connection, account, &uid)?;
            Ok(decline.decide(scene, &uid, &state)?)
        };
        self.settle(Operation::Decline, decide).await
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        let (uid, link) = (uid.clone(), *link);
        let decide = move |writing: &mut Writing<'_>, scene: Scene<'_>, account| {
            let facts = facts::of_link(writing.connection, account, &uid, &link)?;
            Ok(link.decide(scene, &uid, &facts)?)
        };
        self.settle(Operation::Link, decide).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let query = query.clone();
        let tally = move |connection: &Connection, account| tallies::tally(connection, account, &query);
        Ok(self.read(Operation::Summary, tally).await?.into())
    }
}
