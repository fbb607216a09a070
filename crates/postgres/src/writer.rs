//! The queue of commands, and the writers that carry out together what has queued up.
//!
//! A writer takes a group, reads what all of it needs, lets the model decide each command, and writes everything in
//! one transaction: two round trips, or three, and one wait for the disk, however many commands there are. A command
//! that would have to know what an earlier one of the group does waits for the next group.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use incoming_leads_model::{
    Accept, Arrival, Change, Decline, Event, Item, Link, Minted, Moment, NoteId, Refusal, Scene, Uid, UserId,
};
use incoming_leads_port::Ids;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::error::SqlState;

use crate::changes::{self, patched};
use crate::connection::Lease;
use crate::convert::{Account, EntityKey, digest, identity};
use crate::error::{Fault, Remedy, Result};
use crate::facts::{self, Facts, Needs, Opening, linked, named};
use crate::gathering::Gathering;
use crate::ids::{Block, Wanted};
use crate::layouts::Layouts;
use crate::store::Core;
use crate::writing::Batch;

/// Commands and items, taken together, after which a group takes no more.
const GROUP: usize = 500;
/// How often a group is read and decided again before each of its commands is tried on its own, and how often that.
const ATTEMPTS: u32 = 4;
/// How many commands of a group may each wait in vain for others before the rest is told so untried.
const PATIENCE: u32 = 2;
/// How often it is asked what became of a commit.
const POLL: Duration = Duration::from_millis(50);

/// A command.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Arrive(Arrival),
    Accept(Uid, Accept),
    Decline(Uid, Decline),
    Link(Uid, Link),
}

/// A command on its way. What was minted for it stays with it when it is tried again.
pub(crate) struct Job {
    pub(crate) account: Account,
    pub(crate) user: UserId,
    pub(crate) command: Command,
    minted: Vec<Minted>,
    notes: Option<[NoteId; 2]>,
    now: Moment,
    answer: Option<oneshot::Sender<Result<Vec<Event>>>>,
}

/// Where commands queue up.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    wait: Duration,
}

impl Queue {
    /// Carries a command out; its events. Whoever gives up waiting stops nothing that works at the first try.
    pub(crate) async fn submit(&self, mut job: Job) -> Result<Vec<Event>> {
        let (answer, answered) = oneshot::channel();
        job.answer = Some(answer);
        match timeout(self.wait, self.jobs.send(job)).await {
            Ok(Ok(())) => answered.await.unwrap_or(Err(Fault::Broken)),
            Ok(Err(_)) => Err(Fault::Closed),
            Err(_) => Err(Fault::Full),
        }
    }
}

/// Starts the writers. They end when the last handle on the queue is gone and what waits is done.
pub(crate) fn start(core: &Arc<Core>, writers: usize, queue: usize) -> Queue {
    let (jobs, waiting) = mpsc::channel(queue);
    // What each command costs beside its items is about that of an item more.
    let waiting = Arc::new(Gathering::new(waiting, GROUP, |job: &Job| job.items() + 1));
    for _ in 0..writers {
        tokio::spawn(Writer::new(core.clone()).run(waiting.clone()));
    }
    Queue { jobs, wait: core.wait }
}

impl Job {
    pub(crate) fn new(account: Account, user: UserId, now: Moment, command: Command) -> Self {
        Self { account, user, command, minted: Vec::new(), notes: None, now, answer: None }
    }

    fn items(&self) -> usize {
        match &self.command {
            Command::Arrive(Arrival::Add(add)) => add.items.len(),
            Command::Arrive(Arrival::TakeIn(_))
            | Command::Accept(..)
            | Command::Decline(..)
            | Command::Link(..) => 1,
        }
    }

    fn reply(&mut self, answer: Result<Vec<Event>>) {
        if let Some(sender) = self.answer.take() {
            // Whoever asked may have gone.
            drop(sender.send(answer));
        }
    }

    /// Whether nobody waits for its answer any longer.
    fn is_forsaken(&self) -> bool {
        self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Forgets ids of which some were taken.
    fn mint_anew(&mut self) {
        self.minted.clear();
        self.notes = None;
    }
}

/// Decides and writes, one group after the other.
pub(crate) struct Writer {
    core: Arc<Core>,
    uids: Ids,
}

/// What became of a command.
enum Verdict {
    Done(Vec<Event>),
    Refused(Refusal),
    /// There is no such account.
    Unknown,
    /// An earlier command of the group changes what this one has to know.
    Later,
}

impl Writer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, uids: Ids::random() }
    }

    async fn run(mut self, waiting: Arc<Gathering<Job>>) {
        let mut left: Vec<Job> = Vec::new();
        while let Some((group, at_work)) = waiting.group(std::mem::take(&mut left)).await {
            // Whoever waits for a job that is dropped is told that the work broke off.
            match AssertUnwindSafe(self.settle(group)).catch_unwind().await {
                Ok(later) => left = later,
                Err(_) => tracing::error!("the work on a group of commands broke off"),
            }
            drop(at_work);
        }
    }

    /// Carries a group out and answers it, but for commands that have to wait for the next one.
    async fn settle(&mut self, mut group: Vec<Job>) -> Vec<Job> {
        match self.insist(&mut group).await {
            Ok(verdicts) => answer(group, verdicts),
            Err(fault) if group.len() == 1 || fault.is_of_all() => {
                let Some((last, others)) = group.split_last_mut() else { return Vec::new() };
                for job in others {
                    job.reply(Err(fault.again()));
                }
                last.reply(Err(fault));
                Vec::new()
            }
            // One of them is in the way of the others.
            Err(fault) => self.each_alone(group, fault).await,
        }
    }

    /// Tries each command of a group that failed on its own. Nobody waits for those whose callers have gone; and where
    /// it is not one of them that others are in the way of, but all, the rest does not wait for that one by one.
    async fn each_alone(&mut self, group: Vec<Job>, mut fault: Fault) -> Vec<Job> {
        let (mut later, mut timed_out) = (Vec::new(), 0);
        for mut job in group {
            if job.is_forsaken() {
                continue;
            }
            if timed_out == PATIENCE {
                job.reply(Err(fault.again()));
                continue;
            }
            let mut alone = vec![job];
            match self.insist(&mut alone).await {
                Ok(verdicts) => later.extend(answer(alone, verdicts)),
                Err(own) => {
                    alone.into_iter().for_each(|mut job| job.reply(Err(own.again())));
                    if own.is_timeout() {
                        (timed_out, fault) = (timed_out + 1, own);
                    }
                }
            }
        }
        later
    }

    /// Tries until it works or nothing more can be done about it.
    async fn insist(&mut self, group: &mut [Job]) -> Result<Vec<Verdict>> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let fault = match self.attempt(group).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(fault) => fault,
            };
            match fault.remedy() {
                Remedy::Again => {}
                Remedy::AgainWithNewIds => {
                    group.iter_mut().for_each(Job::mint_anew);
                }
                // Once: if a fresh connection does not help, time has to.
                Remedy::Reconnect => {
                    self.core.give_up_connections();
                    if attempt > 1 {
                        return Err(fault);
                    }
                }
                Remedy::None => return Err(fault),
            }
            if attempt >= ATTEMPTS {
                return Err(fault);
            }
            tracing::debug!(%fault, attempt, "reading and deciding again");
            sleep(Duration::from_millis(u64::from(attempt - 1) * 5)).await;
        }
    }

    /// One transaction for the whole group.
    async fn attempt(&mut self, group: &mut [Job]) -> Result<Vec<Verdict>> {
        let core = self.core.clone();
        let mut lease = Lease::take(&core.pool).await?;
        let (batch, verdicts, facts) = match self.decide(&mut lease, Opening::Begin, group).await {
            Ok(decided) => decided,
            Err(fault) => {
                lease.abandon().await;
                return Err(fault);
            }
        };
        if batch.is_empty() {
            lease.abandon().await;
            return Ok(verdicts);
        }
        let (commit_id, event) = (batch.commit_id, batch.an_event());
        match batch.commit(&lease, core.commit_time).await {
            Ok(()) => lease.finish(),
            Err(Fault::Lost(error)) => {
                drop(lease);
                tracing::warn!(?error, "no answer came to a commit");
                let news = match event {
                    Some((account, uid)) => self.ask(&facts, commit_id, account, &uid).await,
                    None => None,
                };
                match (news, error) {
                    (Some(true), _) => {}
                    // It surely did not happen, so it may be tried again.
                    (Some(false), Some(error)) => return Err(Fault::Database(error)),
                    (Some(false), None) => return Err(Fault::Contended),
                    (None, error) => return Err(Fault::Lost(error)),
                }
            }
            Err(fault) => {
                lease.abandon().await;
                return Err(fault);
            }
        }
        Ok(verdicts)
    }

    /// Whether the transaction was committed, as durably as was asked for. Nobody knows before its process has ended;
    /// then its event tells.
    async fn ask(&self, facts: &Facts, commit_id: i64, account: Account, uid: &str) -> Option<bool> {
        let deadline = Instant::now() + self.core.wait;
        // Some of the time is left to clear up.
        let until = deadline - self.core.wait / 10;
        // An idle one may lead to the same silence.
        self.core.give_up_connections();
        let mut was_ended = false;
        let asking = async {
            loop {
                if let Ok(lease) = Lease::take(&self.core.pool).await
                    && let Some((status, has_standbys)) = status(&lease, &facts.transaction).await
                {
                    if status.as_deref() == Some("in progress") {
                        // Where this is not allowed, the server's own limits end it.
                        drop(lease.query(TERMINATE, &[&facts.process, &facts.transaction]).await);
                        was_ended = true;
                    } else if let Ok(Some(row)) = lease.query_opt(FOUND, &[&account, &uid, &commit_id]).await
                    {
                        let is_found: bool = row.get(0);
                        if !is_found || !has_standbys {
                            return Some(is_found);
                        }
                        // What was ended waited for a standby in vain.
                        if was_ended || Instant::now() >= until {
                            return None;
                        }
                        // Else its wait may have been cut off, as by a restart.
                        if self.is_covered(lease, until).await {
                            return Some(true);
                        }
                    }
                }
                sleep(POLL).await;
            }
        };
        timeout_at(deadline, asking).await.ok().flatten()
    }

    /// Whether standbys have all that was committed before: they have a commit of our own, which comes after it in the log.
    async fn is_covered(&self, lease: Lease, until: Instant) -> bool {
        let Ok(lease) = lease.open("BEGIN").await else { return false };
        let Ok(Some(row)) = lease.query_opt(MARK, &[]).await else { return false };
        let (process, transaction): (i32, String) = (row.get(0), row.get(1));
        if let Ok(Ok(())) = timeout_at(until, lease.end(Ok(()))).await {
            return true;
        }
        // Its process would wait on, as would the next ones, until the server takes no more.
        if let Ok(lease) = Lease::take(&self.core.pool).await {
            drop(lease.query(TERMINATE, &[&process, &transaction]).await);
        }
        false
    }

    /// Reads what the group needs and lets the model decide, one command after the other.
    async fn decide(
        &mut self,
        lease: &mut Lease,
        opening: Opening,
        group: &mut [Job],
    ) -> Result<(Batch, Vec<Verdict>, Facts)> {
        let core = self.core.clone();
        let mut needs = Needs::default();
        let unknown: Vec<Account> = {
            let accounts: HashSet<Account> = group.iter().map(|job| job.account).collect();
            accounts.into_iter().filter(|account| core.layouts.known(*account).is_none()).collect()
        };
        if !unknown.is_empty() {
            core.layouts.load(lease, &unknown).await?;
        }
        for job in &*group {
            collect(job, &core.layouts, &mut needs);
        }
        let (facts, block) = facts::read_all(lease, opening, wanted(group), &needs, &core.layouts).await?;
        self.mint(block, group)?;
        let (decided, verdicts) = decide_each(group, &facts);
        let mut batch = Batch::new();
        let made: HashSet<(Account, EntityKey)> = decided.iter().flat_map(Decided::made).collect();
        let patched = decided.iter().flat_map(Decided::patched).filter(|key| !made.contains(key));
        let entities = changes::lock(lease, patched.collect()).await?;
        for Decided { account, event, .. } in &decided {
            let layout = &facts.layouts[account];
            let slot = |item: &Item| item.slot(layout.policies).to_owned();
            let waiting = facts.item(*account, &event.uid);
            changes::carry_out(&mut batch, event, slot, waiting, &entities);
        }
        Ok((batch, verdicts, facts))
    }

    /// Makes the ids of all that has none yet.
    fn mint(&self, mut block: Block, group: &mut [Job]) -> Result<()> {
        for job in group {
            let now = job.now;
            match &job.command {
                Command::Arrive(arrival) if job.minted.is_empty() => {
                    let wants = arrival.wants().into_iter();
                    job.minted =
                        wants.map(|wants| block.mint(&self.uids, now, wants)).collect::<Result<_>>()?;
                }
                Command::Accept(..) if job.notes.is_none() => {
                    job.notes = Some([block.note()?, block.note()?]);
                }
                Command::Arrive(_) | Command::Accept(..) | Command::Decline(..) | Command::Link(..) => {}
            }
        }
        Ok(())
    }

    /// Decides and carries out one command inside somebody's transaction, whose batch is written by then.
    pub(crate) async fn within(&mut self, lease: &mut Lease, job: Job) -> Result<(Batch, Vec<Event>)> {
        let mut group = [job];
        let (batch, mut verdicts, _) = self.decide(lease, Opening::Begun, &mut group).await?;
        match verdicts.pop() {
            Some(Verdict::Done(events)) => Ok((batch, events)),
            Some(Verdict::Refused(refusal)) => Err(Fault::Refused(refusal)),
            Some(Verdict::Unknown | Verdict::Later) | None => Err(Fault::Unauthorized),
        }
    }
}

/// What the server says of a transaction, and whether commits wait for standbys; `None` where it did not answer.
async fn status(lease: &Lease, transaction: &str) -> Option<(Option<String>, bool)> {
    match lease.query_opt(STATUS, &[&transaction]).await {
        Ok(row) => Some((row.as_ref().and_then(|row| row.get(0)), row.is_none_or(|row| row.get(1)))),
        // A server that took over may know of no such transaction.
        Err(Fault::Database(error)) if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) => {
            Some((None, true))
        }
        Err(_) => None,
    }
}

const STATUS: &str =
    "SELECT pg_xact_status($1::text::xid8), current_setting('synchronous_standby_names') <> ''";
const MARK: &str = "SELECT pg_backend_pid(), pg_current_xact_id()::text \
    FROM pg_logical_emit_message(true, 'incoming-leads', '')";
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE pid = $1 AND backend_xid = $2::text::xid8::xid";
const FOUND: &str =
    "SELECT EXISTS (SELECT FROM events WHERE account_id = $1 AND uid = $2 AND commit_id = $3)";

/// Answers those that are settled; hands back those that are not.
fn answer(group: Vec<Job>, verdicts: Vec<Verdict>) -> Vec<Job> {
    let mut later = Vec::new();
    for (mut job, verdict) in group.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Done(events) => job.reply(Ok(events)),
            Verdict::Refused(refusal) => job.reply(Err(Fault::Refused(refusal))),
            Verdict::Unknown => job.reply(Err(Fault::Unauthorized)),
            Verdict::Later => later.push(job),
        }
    }
    later
}

/// The numbers of all that has none yet.
fn wanted(group: &[Job]) -> Wanted {
    let mut wanted = Wanted::default();
    for job in group {
        match &job.command {
            Command::Arrive(arrival) if job.minted.is_empty() => {
                arrival.wants().into_iter().for_each(|wants| wanted.item(wants));
            }
            Command::Accept(..) if job.notes.is_none() => wanted.notes(2),
            Command::Arrive(_) | Command::Accept(..) | Command::Decline(..) | Command::Link(..) => {}
        }
    }
    wanted
}

fn collect(job: &Job, layouts: &Layouts, needs: &mut Needs) {
    needs.accounts.insert(job.account);
    match &job.command {
        Command::Arrive(arrival) => {
            let layout = layouts.known(job.account).map(|(_, layout)| layout);
            needs.arrival(job.account, &arrival.needs(), layout.as_deref());
        }
        Command::Accept(uid, _) | Command::Decline(uid, _) => {
            needs.uids.insert((job.account, uid.as_str().to_owned()));
        }
        Command::Link(uid, link) => {
            needs.uids.insert((job.account, uid.as_str().to_owned()));
            needs.link(job.account, link);
        }
    }
}

/// An event that is to be carried out.
struct Decided {
    account: Account,
    event: Event,
    changes: Vec<Change>,
}

impl Decided {
    fn made(&self) -> impl Iterator<Item = (Account, EntityKey)> {
        self.changes.iter().filter_map(made).map(|key| (self.account, key))
    }

    fn patched(&self) -> impl Iterator<Item = (Account, EntityKey)> {
        self.changes.iter().flat_map(patched).map(|key| (self.account, key))
    }
}

fn made(change: &Change) -> Option<EntityKey> {
    use incoming_leads_model::EntityRef;
    let entity = match change {
        Change::MakeLead(lead) => EntityRef::Lead(lead.id),
        Change::MakeContact(contact) => EntityRef::Contact(contact.id),
        Change::MakeCompany(company) => EntityRef::Company(company.id),
        Change::MakeTag(_)
        | Change::MakeNote(_)
        | Change::PatchLead(..)
        | Change::PatchContact(..)
        | Change::PatchCompany(..)
        | Change::JoinCustomer(..)
        | Change::AbsorbContact { .. }
        | Change::Stage(_)
        | Change::Restage(..)
        | Change::Unstage(_) => return None,
    };
    Some(crate::convert::key_of(entity))
}

/// What one command reads or writes, as far as another one's facts depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Touched {
    Uid(Uid),
    Identity(Vec<u8>),
    Tag(String),
    Entity(EntityKey),
}

/// Decides one command after the other on facts that were read before any of them.
fn decide_each(group: &[Job], facts: &Facts) -> (Vec<Decided>, Vec<Verdict>) {
    let mut written: HashSet<(Account, Touched)> = HashSet::new();
    let mut all = Vec::new();
    let verdicts = group.iter().map(|job| {
        let account = job.account;
        let Some(layout) = facts.layouts.get(&account) else { return Verdict::Unknown };
        if reads(job).into_iter().any(|touched| written.contains(&(account, touched))) {
            return Verdict::Later;
        }
        let scene = Scene { caller: job.user, layout, now: job.now };
        let events = match decide_one(job, scene, facts) {
            Ok(events) => events,
            Err(refusal) => return Verdict::Refused(refusal),
        };
        let decided: Vec<Decided> = events
            .iter()
            .map(|event| Decided { account, event: event.clone(), changes: event.changes() })
            .collect();
        // An event may patch what nobody named: leads that become duplicates.
        let own: HashSet<_> = decided.iter().flat_map(Decided::made).collect();
        let waits_for = |(account, key)| written.contains(&(account, Touched::Entity(key)));
        if decided.iter().flat_map(Decided::patched).filter(|key| !own.contains(key)).any(waits_for) {
            return Verdict::Later;
        }
        for one in &decided {
            written.extend(writes(one, facts).into_iter().map(|touched| (account, touched)));
        }
        all.extend(decided);
        Verdict::Done(events)
    });
    let verdicts = verdicts.collect();
    (all, verdicts)
}

fn decide_one(job: &Job, scene: Scene<'_>, facts: &Facts) -> std::result::Result<Vec<Event>, Refusal> {
    let one = |event: Event| vec![event];
    match &job.command {
        Command::Arrive(arrival) => {
            arrival.decide(scene, &facts.add(job.account, arrival.needs()), &job.minted)
        }
        Command::Accept(uid, accept) => {
            let notes = job.notes.expect("they were minted before");
            accept.decide(scene, uid, &facts.state(job.account, uid), notes).map(one)
        }
        Command::Decline(uid, decline) => decline.decide(scene, uid, &facts.state(job.account, uid)).map(one),
        Command::Link(uid, link) => link.decide(scene, uid, &facts.link(job.account, uid, link)).map(one),
    }
}

fn reads(job: &Job) -> Vec<Touched> {
    match &job.command {
        Command::Arrive(arrival) => {
            let needs = arrival.needs();
            let entities = named(&needs).map(Touched::Entity).collect::<Vec<_>>().into_iter();
            let identities = needs.identities.iter().map(|identity| Touched::Identity(digest(identity)));
            entities.chain(identities).chain(needs.tag_names.iter().cloned().map(Touched::Tag)).collect()
        }
        Command::Accept(uid, _) | Command::Decline(uid, _) => vec![Touched::Uid(uid.clone())],
        Command::Link(uid, link) => {
            let entities = linked(link).map(Touched::Entity);
            entities.chain([Touched::Uid(uid.clone())]).collect()
        }
    }
}

fn writes(decided: &Decided, facts: &Facts) -> Vec<Touched> {
    let Decided { account, event, changes } = decided;
    let mut touched: Vec<Touched> = decided.patched().map(|(_, key)| Touched::Entity(key)).collect();
    let of_item = |item: &Item| identity(item).map(Touched::Identity);
    for change in changes {
        match change {
            Change::MakeTag(tag) => touched.push(Touched::Tag(tag.name.clone())),
            Change::Stage(item) => touched.extend(of_item(item)),
            Change::Restage(uid, _) | Change::Unstage(uid) => {
                touched.push(Touched::Uid(uid.clone()));
                touched.extend(facts.item(*account, &event.uid).and_then(of_item));
            }
            Change::MakeLead(_)
            | Change::MakeContact(_)
            | Change::MakeCompany(_)
            | Change::MakeNote(_)
            | Change::PatchLead(..)
            | Change::PatchContact(..)
            | Change::PatchCompany(..)
            | Change::JoinCustomer(..)
            | Change::AbsorbContact { .. } => {}
        }
    }
    touched
}
