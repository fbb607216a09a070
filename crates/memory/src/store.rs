//! The store and its handles: who holds which lock, and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, AccountId, Add, Decline, Event, IncomingLead, Link, ListQuery, Page, Receipt, Refusal, Right,
    Scene, Summary, SummaryQuery, Uid, UserId,
};
use incoming_leads_port::{
    Capabilities, Clock, Error, ErrorKind, IdSource, Ids, IncomingLeads, Operation, Outcome, Principal,
    Result, SystemClock,
};

use crate::credentials::Credentials;
use crate::holdings::Holdings;
use crate::{list, write};

/// Incoming leads in memory. Clones share what they hold; it is gone when the last of them is.
#[derive(Clone)]
pub struct Memory {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) accounts: RwLock<Accounts>,
    pub(crate) credentials: RwLock<Credentials>,
}

/// Each account has a lock of its own; the table's lock comes first, and accounts are locked by ascending id.
pub(crate) type Accounts = BTreeMap<AccountId, Arc<RwLock<Holdings>>>;

impl Memory {
    /// A store without accounts, with this clock and this source of ids.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        let (accounts, credentials) = (RwLock::default(), RwLock::default());
        Self { shared: Arc::new(Shared { clock, ids, accounts, credentials }) }
    }
}

impl Default for Memory {
    /// A store without accounts, with the system's clock and ids that nobody can guess.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(Ids::random()))
    }
}

impl fmt::Debug for Memory {
    /// Without what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("clock", &self.shared.clock)
            .field("ids", &self.shared.ids)
            .finish_non_exhaustive()
    }
}

/// One account, as one user sees and sorts it.
#[derive(Clone)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
    account: Arc<RwLock<Holdings>>,
    account_id: AccountId,
    user_id: UserId,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, account: Arc<RwLock<Holdings>>, principal: Principal) -> Self {
        let Principal { account_id, user_id } = principal;
        Self { shared, account, account_id, user_id }
    }

    /// Answers a question of a user who may view.
    pub(crate) fn read<T>(&self, operation: Operation, answer: impl FnOnce(&Holdings) -> T) -> Result<T> {
        let holdings = lock(self.account.read(), operation)?;
        let allowed = holdings.layout.authorize(self.user_id, Right::View);
        allowed.map_err(|refusal| Error::refused(operation, refusal))?;
        Ok(answer(&holdings))
    }

    /// Decides a command and carries out what was decided, as one step: nobody sees or does anything between.
    pub(crate) fn write<T: AsRef<[Event]>>(
        &self,
        operation: Operation,
        decide: impl FnOnce(&Holdings, Scene<'_>, &dyn IdSource) -> std::result::Result<T, Refusal>,
    ) -> Result<T> {
        let mut holdings = lock(self.account.write(), operation)?;
        let layout = holdings.layout.clone();
        let scene = Scene { caller: self.user_id, layout: &layout, now: self.shared.clock.now() };
        let events = decide(&holdings, scene, &*self.shared.ids);
        let events = events.map_err(|refusal| Error::refused(operation, refusal))?;
        events.as_ref().iter().for_each(|event| holdings.apply(event));
        holdings.touch();
        Ok(events)
    }

    /// One event's receipt.
    pub(crate) fn settle(
        &self,
        operation: Operation,
        decide: impl FnOnce(&Holdings, Scene<'_>, &dyn IdSource) -> std::result::Result<Event, Refusal>,
    ) -> Result<Receipt> {
        let [event] =
            self.write(operation, |holdings, scene, ids| decide(holdings, scene, ids).map(|event| [event]))?;
        Ok(event.receipt())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("account_id", &self.account_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IncomingLeads for Handle {
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.read(Operation::List, |holdings| list::page(holdings, query))
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        self.read(Operation::Get, |holdings| list::item(holdings, uid).map(|(_, lead)| lead))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        let events =
            self.write(Operation::Add, |holdings, scene, ids| write::add(holdings, scene, ids, add))?;
        Ok(events.iter().map(Event::receipt).collect())
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.settle(Operation::Accept, |holdings, scene, ids| {
            accept.decide(scene, uid, &holdings.state(uid), [ids.note(), ids.note()])
        })
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.settle(Operation::Decline, |holdings, scene, _| decline.decide(scene, uid, &holdings.state(uid)))
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.settle(Operation::Link, |holdings, scene, _| {
            link.decide(scene, uid, &holdings.link_facts(uid, link))
        })
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.read(Operation::Summary, |holdings| list::tally(holdings, query).into())
    }
}

/// What locking answers.
pub(crate) type Locked<G> = std::result::Result<G, std::sync::PoisonError<G>>;

/// The guard. Where an earlier write broke off in the middle nobody can tell what is true, so this one is not begun.
pub(crate) fn lock<G>(locked: Locked<G>, operation: Operation) -> Result<G> {
    locked.map_err(|_| {
        Error::new(ErrorKind::Damaged, operation)
            .with_outcome(Outcome::NotApplied)
            .with_detail("an earlier write to the store broke off in the middle")
    })
}

impl Shared {
    pub(crate) fn accounts(&self, operation: Operation) -> Result<RwLockReadGuard<'_, Accounts>> {
        lock(self.accounts.read(), operation)
    }

    pub(crate) fn accounts_mut(&self, operation: Operation) -> Result<RwLockWriteGuard<'_, Accounts>> {
        lock(self.accounts.write(), operation)
    }
}
