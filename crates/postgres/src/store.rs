//! The store and its handles: every question goes to a connection, every command to the queue.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use incoming_leads_model::{
    Accept, AccountId, Add, Arrival, Decline, Event, IncomingLead, Link, ListQuery, Page, Receipt, Refusal,
    Right, Summary, SummaryQuery, Uid, UserId,
};
use incoming_leads_port::{
    Capabilities, Clock, Digest, Error, ErrorKind, IncomingLeads, Operation, Outcome, Principal, Result,
};

use crate::connection::{self, Lease, Pool};
use crate::convert::{Account as Key, account};
use crate::credentials::{self, Entry};
use crate::error::{self, Fault, Remedy};
use crate::gathered::Gathered;
use crate::layouts::{Account, Layouts};
use crate::options::Options;
use crate::writer::{self, Command, Job, Queue};
use crate::{list, migrations, tallies};

/// Incoming leads in a PostgreSQL database. Clones share connections and queue; several processes share the database.
#[derive(Clone)]
pub struct Postgres {
    pub(crate) core: Arc<Core>,
    pub(crate) queue: Queue,
    pub(crate) sight: Sight,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Postgres {
    pub(crate) async fn start(options: Options, address: &str) -> error::Result<Self> {
        let pool = connection::pool(address, &options)?;
        let lease = Lease::take(&pool).await?.for_migrations();
        migrations::bring_up(&lease, options.migrate).await?;
        let id = lease.query_opt("SELECT value FROM store WHERE account_id = 0 AND name = 'id'", &[]).await?;
        let id = id.ok_or_else(|| Fault::damaged("store", "id", "the row is not there"))?;
        let core = Arc::new(Core {
            pool,
            layouts: Layouts::default(),
            store_id: id.get(0),
            wait: options.wait,
            commit_time: options.statement_time + options.lock_time,
        });
        let queue = writer::start(&core, options.writers, options.queue);
        let sight = Sight::new(&core);
        let clock = options.clock;
        Ok(Self { core, queue, sight, clock })
    }

    /// The same store by another clock.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self.clone() }
    }
}

impl fmt::Debug for Postgres {
    /// Without the address, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("store_id", &self.core.store_id).finish_non_exhaustive()
    }
}

/// What all parts of a store share.
pub(crate) struct Core {
    pub(crate) pool: Pool,
    pub(crate) layouts: Layouts,
    /// Part of every cursor.
    pub(crate) store_id: String,
    /// How long is waited for a place in the queue, and for news of a commit.
    pub(crate) wait: Duration,
    /// How long it may take to write a group and to commit.
    pub(crate) commit_time: Duration,
}

impl Core {
    /// Asks a question; once more on another connection where the first one turns out to be gone.
    pub(crate) async fn ask<T, F: Future<Output = error::Result<T>> + Send>(
        &self,
        question: impl Fn(Lease) -> F + Send + Sync,
    ) -> error::Result<T> {
        let mut answer = Err(Fault::Closed);
        for _ in 0..2 {
            answer = match Lease::take(&self.pool).await {
                Ok(lease) => question(lease).await,
                Err(fault) => Err(fault),
            };
            match &answer {
                Err(fault) if fault.remedy() == Remedy::Reconnect => self.give_up_connections(),
                _ => break,
            }
        }
        answer
    }

    /// Closes connections that nobody uses: one of them turned out to be gone, or to lead to a server that says nothing
    /// or is not written to any more.
    pub(crate) fn give_up_connections(&self) {
        self.pool.close_idle();
    }
}

/// What is looked at with every request.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(crate) tokens: Gathered<Digest, Entry>,
    pub(crate) accounts: Gathered<Key, Account>,
}

impl Sight {
    fn new(core: &Arc<Core>) -> Self {
        Self {
            tokens: Gathered::start(core, |core, lease, digests| {
                credentials::entries(&core.layouts, lease, digests).boxed()
            }),
            accounts: Gathered::start(core, |core, lease, keys| core.layouts.now(lease, keys).boxed()),
        }
    }
}

/// One account, as one user sees and sorts it.
pub(crate) struct Handle {
    pub(crate) core: Arc<Core>,
    queue: Queue,
    sight: Sight,
    clock: Arc<dyn Clock>,
    pub(crate) account_id: AccountId,
    user_id: UserId,
    /// The account as it was seen when this handle was made for a request: its first look.
    seen: Mutex<Option<Account>>,
}

impl Handle {
    pub(crate) fn new(store: &Postgres, principal: Principal) -> Self {
        let Principal { account_id, user_id } = principal;
        let Postgres { core, queue, sight, clock } = store.clone();
        Self { core, queue, sight, clock, account_id, user_id, seen: Mutex::default() }
    }

    /// With the account as it was just seen.
    pub(crate) fn having_seen(self, seen: Option<Account>) -> Self {
        Self { seen: Mutex::new(seen), ..self }
    }

    /// What was seen before this handle was used.
    fn seen(&self) -> Option<Account> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn account(&self) -> Key {
        account(self.account_id)
    }

    /// The account as it is now, if the user may view it.
    pub(crate) async fn viewed(&self) -> error::Result<Account> {
        let account = match self.seen() {
            Some(account) => account,
            None => self.sight.accounts.find(self.account()).await?.ok_or(Fault::Unauthorized)?,
        };
        account.layout.authorize(self.user_id, Right::View).map_err(Fault::Refused)?;
        Ok(account)
    }

    /// Asks something of a user who may view.
    pub(crate) async fn ask<T, F: Future<Output = error::Result<T>> + Send>(
        &self,
        operation: Operation,
        question: impl Fn(Lease) -> F + Send + Sync,
    ) -> Result<T> {
        let answer = match self.viewed().await {
            Ok(_) => self.core.ask(question).await,
            Err(fault) => Err(fault),
        };
        answer.map_err(|fault| fault.told(operation))
    }

    /// Carries a command out.
    pub(crate) async fn submit(&self, operation: Operation, command: Command) -> Result<Vec<Event>> {
        drop(self.seen());
        let job = Job::new(self.account(), self.user_id, self.clock.now(), command);
        let events = self.queue.submit(job).await;
        events.map_err(|fault| fault.told(operation))
    }

    /// Carries a command out that is about one incoming lead.
    pub(crate) async fn settle(&self, operation: Operation, command: Command) -> Result<Receipt> {
        let events = self.submit(operation, command).await?;
        events.first().map(Event::receipt).ok_or_else(|| {
            let error = Error::new(ErrorKind::Damaged, operation).with_outcome(Outcome::Unknown);
            error.with_detail("the command was carried out without an event")
        })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
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
        self.ask(Operation::List, move |lease| async move { list::page(lease, self.account_id, query).await })
            .await
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        let uids = std::slice::from_ref(uid);
        let found =
            self.ask(
                Operation::Get,
                move |lease| async move { list::items(&lease, self.account_id, uids).await },
            );
        Ok(found.await?.pop().map(|(_, lead)| lead))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        let events = self.submit(Operation::Add, Command::Arrive(Arrival::Add(add.clone()))).await?;
        Ok(events.iter().map(Event::receipt).collect())
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.settle(Operation::Accept, Command::Accept(uid.clone(), *accept)).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.settle(Operation::Decline, Command::Decline(uid.clone(), *decline)).await
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.settle(Operation::Link, Command::Link(uid.clone(), *link)).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let tally = self.ask(Operation::Summary, move |lease| async move {
            tallies::sum(&lease, self.account(), query).await
        });
        Ok(tally.await?.into())
    }
}

/// What a refusal of the model is here.
impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Fault::Refused(refusal)
    }
}

impl Postgres {
    /// Asks something of the whole store.
    pub(crate) async fn ask<T, F: Future<Output = error::Result<T>> + Send>(
        &self,
        operation: Operation,
        question: impl Fn(Lease) -> F + Send + Sync,
    ) -> Result<T> {
        self.core.ask(question).await.map_err(|fault| fault.told(operation))
    }
}
