//! The queue.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use incoming_leads_model::limits::MAX_BATCH_ITEMS;
use incoming_leads_model::{
    Add, Channel, Draft, FaultCode, Generation, Identity, IncomingLead, ItemFaults, ListFilter, ListQuery,
    More, PageRequest, Refusal, SummaryQuery, Uid, Window,
};
use incoming_leads_port::{Clock, Error, ErrorKind, IncomingLeads, Outcome};
use tokio::sync::Notify;

use crate::journal::{Journal, Letter, Record, State};
use crate::ticket::{OutboxError, Status, Ticket};

/// How an outbox works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How many leads are sent in one add at most; never more than an add may hold
    /// ([`MAX_BATCH_ITEMS`]). Default: 50, as the vendor recommends.
    pub batch: usize,
    /// How many leads it holds: those that wait, and dead letters, which wait for a person. Default: 1,000,000.
    pub capacity: usize,
    /// The first pause after the other side could not be reached; it doubles up to a minute. Default: 1 s.
    pub pause: Duration,
    /// How many pages of what waits there are searched for a doubtful lead at most, of 250 each. Default: 400.
    pub search_pages: u64,
    /// The file is written anew when it has this many settled records, and more of them than leads that wait.
    /// Default: 10,000.
    pub rewrite_after: usize,
}

impl Settings {
    /// With adds of at most so many leads.
    #[must_use]
    pub const fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// Holding at most so many leads that wait.
    #[must_use]
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Writing the file anew after so many settled records.
    #[must_use]
    pub const fn with_rewrite_after(mut self, records: usize) -> Self {
        self.rewrite_after = records;
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: 50,
            capacity: 1_000_000,
            pause: Duration::from_secs(1),
            search_pages: 400,
            rewrite_after: 10_000,
        }
    }
}

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A durable queue of calls and forms in front of a port. Clones share it.
#[derive(Debug, Clone)]
pub struct Outbox {
    port: Arc<dyn IncomingLeads>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    submitted: Notify,
    /// One delivery at a time: two would send the same letter.
    delivering: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    state: State,
    settled: usize,
    rewrite_after: usize,
}

/// Whether a lead is there.
enum Found {
    /// It waits there, under this uid.
    Waits(Uid),
    /// More leads of its second came to be than wait still: it may be one that was sorted.
    Perhaps,
    /// It never came.
    Nowhere,
}

/// What one round of delivery came to.
enum Round {
    /// Nothing waits.
    Idle,
    /// Something was settled.
    Moved,
    /// The other side cannot take it now.
    Stuck(Option<Duration>),
}

impl Outbox {
    /// Opens or makes the outbox in this file. What was about to be sent when it was closed may be there.
    ///
    /// # Errors
    /// [`OutboxError`] when the file is in use, damaged or cannot be used.
    pub fn open(
        path: &Path,
        port: Arc<dyn IncomingLeads>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OutboxError> {
        let (mut journal, records) = Journal::open(path)?;
        let (mut state, told) = (State::default(), records.len());
        records.into_iter().for_each(|record| state.apply(record));
        if state.name.is_none() {
            let record = Record::Named { name: random_name().map_err(OutboxError::File)? };
            journal.append(std::slice::from_ref(&record)).map_err(OutboxError::File)?;
            state.apply(record);
        }
        for letter in state.waiting.values_mut() {
            letter.doubtful = letter.sent;
        }
        // What earlier processes settled counts, too: a file that is only ever opened for a while must not grow for ever.
        let kept = state.waiting.len() + state.delivered.len() + 2 * state.dead.len();
        let settled = told.saturating_sub(kept);
        let inner = Mutex::new(Inner { journal, state, settled, rewrite_after: settings.rewrite_after });
        let (submitted, delivering) = (Notify::new(), tokio::sync::Mutex::new(()));
        Ok(Self { port, clock, settings, shared: Arc::new(Shared { inner, submitted, delivering }) })
    }

    /// Takes a call or form in. When this returns it survives the process and the machine. It blocks its thread until
    /// the disk has it.
    ///
    /// # Errors
    /// [`OutboxError::Full`], and [`OutboxError::File`] when it cannot be kept: then it was not taken.
    pub fn submit(&self, channel: Channel, draft: Draft) -> Result<Ticket, OutboxError> {
        let tickets = self.take(channel, vec![draft], false)?;
        Ok(*tickets.first().expect("one draft has one ticket"))
    }

    /// Takes calls or forms in, all or none, in one go; see [`Outbox::submit`]. They may be delivered one by one.
    ///
    /// # Errors
    /// See [`Outbox::submit`].
    pub fn submit_all(&self, channel: Channel, drafts: Vec<Draft>) -> Result<Vec<Ticket>, OutboxError> {
        self.take(channel, drafts, false)
    }

    /// Takes in what somebody has sent already without an answer, each with the `created_at` that was sent: it may be
    /// there, so it is looked for before it is sent. See [`Outbox::submit_all`].
    ///
    /// # Errors
    /// See [`Outbox::submit`].
    pub fn submit_doubtful(&self, channel: Channel, drafts: Vec<Draft>) -> Result<Vec<Ticket>, OutboxError> {
        self.take(channel, drafts, true)
    }

    fn take(&self, channel: Channel, drafts: Vec<Draft>, doubtful: bool) -> Result<Vec<Ticket>, OutboxError> {
        let mut inner = self.inner();
        let held = inner.state.waiting.len() + inner.state.dead.len();
        if held + drafts.len() > self.settings.capacity {
            return Err(OutboxError::Full(held));
        }
        let (now, last) = (self.clock.now(), inner.state.last);
        let (mut tickets, mut records) = (Vec::with_capacity(drafts.len()), Vec::new());
        for (number, mut draft) in (last + 1..).zip(drafts) {
            draft.created_at.get_or_insert(now);
            let ticket = Ticket(number);
            tickets.push(ticket);
            records.push(Record::Submitted { ticket, channel, draft: Box::new(draft) });
        }
        if doubtful {
            records.push(Record::Sending { tickets: tickets.clone() });
        }
        inner.record_all(records).map_err(OutboxError::File)?;
        if doubtful {
            inner.doubt(&tickets);
        }
        drop(inner);
        self.shared.submitted.notify_one();
        Ok(tickets)
    }

    /// What tells this outbox from every other, also from a later one in the same place: with it, a ticket is a name
    /// for ever. Hex digits.
    #[must_use]
    pub fn name(&self) -> String {
        self.inner().state.name.clone().expect("an open outbox has its name")
    }

    /// What became of a lead; `None` for a ticket that was never given out, or was discarded or delivered long ago.
    #[must_use]
    pub fn status(&self, ticket: Ticket) -> Option<Status> {
        let inner = self.inner();
        let state = &inner.state;
        let waiting = state.waiting.get(&ticket).map(|_| Status::Waiting);
        let dead = || state.dead.get(&ticket).map(|(_, reason)| Status::Dead(reason.clone()));
        let delivered = || state.delivered.get(&ticket).map(|uid| Status::Delivered(uid.clone()));
        waiting.or_else(dead).or_else(delivered)
    }

    /// How many leads wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner().state.waiting.len()
    }

    /// The dead letters, oldest first: ticket, lead and reason.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<(Ticket, Draft, String)> {
        let inner = self.inner();
        let dead = inner.state.dead.iter();
        dead.map(|(ticket, (letter, reason))| (*ticket, (*letter.draft).clone(), reason.clone())).collect()
    }

    /// Sends a dead letter again: a person knows that it is not there, or that it may be doubled.
    ///
    /// # Errors
    /// [`OutboxError::NoDeadLetter`]; [`OutboxError::File`].
    pub fn replay(&self, ticket: Ticket) -> Result<(), OutboxError> {
        self.settle_dead(ticket, Record::Replayed { ticket })?;
        self.shared.submitted.notify_one();
        Ok(())
    }

    /// Forgets a dead letter.
    ///
    /// # Errors
    /// [`OutboxError::NoDeadLetter`]; [`OutboxError::File`].
    pub fn discard(&self, ticket: Ticket) -> Result<(), OutboxError> {
        self.settle_dead(ticket, Record::Discarded { ticket })
    }

    fn settle_dead(&self, ticket: Ticket, record: Record) -> Result<(), OutboxError> {
        let mut inner = self.inner();
        if !inner.state.dead.contains_key(&ticket) {
            return Err(OutboxError::NoDeadLetter(ticket));
        }
        inner.record(record).map_err(OutboxError::File)
    }

    /// Delivers for ever: waits for leads, and, with growing pauses, for the other side. Drop the future to stop.
    ///
    /// # Errors
    /// [`OutboxError::File`] when what was delivered cannot be noted down.
    pub async fn run(&self) -> Result<std::convert::Infallible, OutboxError> {
        let mut pause = self.settings.pause;
        loop {
            match self.round().await? {
                Round::Idle => self.shared.submitted.notified().await,
                Round::Moved => pause = self.settings.pause,
                Round::Stuck(asked) => {
                    tokio::time::sleep(asked.unwrap_or_default().max(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Delivers what can be delivered now, and answers how many leads wait still.
    ///
    /// # Errors
    /// [`OutboxError::File`] when what was delivered cannot be noted down.
    pub async fn flush(&self) -> Result<usize, OutboxError> {
        while let Round::Moved = self.round().await? {}
        Ok(self.waiting())
    }

    /// Settles the oldest letter, and with it others of the same kind.
    async fn round(&self) -> Result<Round, OutboxError> {
        let _turn = self.shared.delivering.lock().await;
        let batch = self.next_batch();
        let Some((ticket, first)) = batch.first() else { return Ok(Round::Idle) };
        if first.doubtful {
            return self.settle_doubtful(*ticket, first).await;
        }
        self.note_sending(&batch)?;
        let items = batch.iter().map(|(_, letter)| (*letter.draft).clone()).collect();
        let add = Add { channel: first.channel, generation: Generation::V4, items };
        match self.port.add(&add).await {
            Ok(receipts) if receipts.len() == batch.len() => {
                let delivered = batch.iter().zip(receipts);
                let records = delivered
                    .map(|((ticket, _), receipt)| Record::Delivered { ticket: *ticket, uid: receipt.uid });
                self.record(records.collect())
            }
            // Which receipt is whose is not told: look each of them up.
            Ok(_) => Ok(self.doubt(&batch)),
            Err(error) => self.failed(&batch, &error),
        }
    }

    /// The oldest letters of one kind, all of them without doubt, or one doubtful.
    fn next_batch(&self) -> Vec<(Ticket, Letter)> {
        let inner = self.inner();
        let mut waiting =
            inner.state.waiting.iter().map(|(ticket, letter)| (*ticket, letter.clone())).peekable();
        let Some(first) = waiting.next() else { return Vec::new() };
        let mut batch = vec![first];
        while batch.len() < self.settings.batch.min(MAX_BATCH_ITEMS) {
            let fits = |next: &(Ticket, Letter)| {
                let (_, first) = &batch[0];
                !first.doubtful && !next.1.doubtful && next.1.channel == first.channel
            };
            match waiting.next_if(fits) {
                Some(next) => batch.push(next),
                None => break,
            }
        }
        batch
    }

    fn failed(&self, batch: &[(Ticket, Letter)], error: &Error) -> Result<Round, OutboxError> {
        if error.outcome() == Outcome::Unknown {
            tracing::warn!(%error, letters = batch.len(), "no answer to an add: its leads are looked for");
            self.doubt(batch);
            return Ok(Round::Stuck(error.retry_after()));
        }
        if is_passing(error) {
            tracing::info!(%error, "the other side takes nothing now");
            return Ok(Round::Stuck(error.retry_after()));
        }
        let dead = |ticket: Ticket, reason: String| Record::Dead { ticket, reason };
        match (error.refusal(), batch) {
            // The batch was refused for some of its items: the others go on in the next round.
            (Some(Refusal::Items(items)), _) => {
                let named = items.iter().filter_map(|item| Some((batch.get(item.index)?.0, reason(item))));
                let records: Vec<_> = named.map(|(ticket, reason)| dead(ticket, reason)).collect();
                if records.is_empty() { self.bury(batch, error) } else { self.record(records) }
            }
            _ => self.bury(batch, error),
        }
    }

    fn bury(&self, batch: &[(Ticket, Letter)], error: &Error) -> Result<Round, OutboxError> {
        let records =
            batch.iter().map(|(ticket, _)| Record::Dead { ticket: *ticket, reason: error.to_string() });
        self.record(records.collect())
    }

    /// Finds out whether a letter that may have been sent is there.
    async fn settle_doubtful(&self, ticket: Ticket, letter: &Letter) -> Result<Round, OutboxError> {
        let found = match self.find(letter).await {
            // What is sorted meanwhile shifts others past the page that is read next.
            Ok(Found::Perhaps) => self.find(letter).await,
            found => found,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) if is_passing(&error) => return Ok(Round::Stuck(error.retry_after())),
            Err(error) => {
                let reason = format!("it may be there, and cannot be looked for: {error}");
                return self.record(vec![Record::Dead { ticket, reason }]);
            }
        };
        match found {
            Found::Waits(uid) => return self.record(vec![Record::Delivered { ticket, uid }]),
            Found::Perhaps => {
                let reason = "no answer came when it was sent, and it may have been sorted there already";
                return self.record(vec![Record::Dead { ticket, reason: reason.to_owned() }]);
            }
            Found::Nowhere => {}
        }
        self.note_sending(&[(ticket, letter.clone())])?;
        let add =
            Add { channel: letter.channel, generation: Generation::V4, items: vec![(*letter.draft).clone()] };
        match self.port.add(&add).await {
            Ok(receipts) => match receipts.into_iter().next() {
                Some(receipt) => self.record(vec![Record::Delivered { ticket, uid: receipt.uid }]),
                None => Ok(Round::Stuck(None)),
            },
            Err(error) => match existing(&error) {
                Some(uid) => self.record(vec![Record::Delivered { ticket, uid }]),
                None => self.failed(&[(ticket, letter.clone())], &error),
            },
        }
    }

    fn note_sending(&self, batch: &[(Ticket, Letter)]) -> Result<(), OutboxError> {
        let tickets: Vec<_> =
            batch.iter().filter(|(_, letter)| !letter.sent).map(|(ticket, _)| *ticket).collect();
        if tickets.is_empty() {
            return Ok(());
        }
        self.inner().record(Record::Sending { tickets }).map_err(OutboxError::File)
    }

    /// Looks for a lead among what waits there, and in the count of what ever came to be in its second.
    async fn find(&self, letter: &Letter) -> Result<Found, Error> {
        let Some(created_at) = letter.draft.created_at else { return Ok(Found::Perhaps) };
        let category = letter.channel.category();
        let filter = ListFilter { categories: Some(vec![category]), ..ListFilter::default() };
        let page = PageRequest::new(1, 250).unwrap_or_default();
        let mut query = ListQuery { filter, page, ..ListQuery::default() };
        let mut waiting_of_its_second = HashSet::new();
        for _ in 0..self.settings.search_pages {
            let page = self.port.list(&query).await?;
            let ours = |lead: &&IncomingLead| is_same(lead, letter) && !self.is_of_another(lead, letter);
            if let Some(lead) = page.items.iter().find(ours) {
                return Ok(Found::Waits(lead.uid.clone()));
            }
            // What comes meanwhile shifts some onto the next page too.
            waiting_of_its_second.extend(
                page.items.iter().filter(|lead| lead.created_at == created_at).map(|lead| lead.uid.clone()),
            );
            // Newest first: what came to be before ours is not ours.
            let past = page.items.last().is_some_and(|last| last.created_at < created_at);
            let next = query.page.next().filter(|_| page.more != More::No && !page.items.is_empty() && !past);
            let Some(next) = next else { break };
            query.page = next;
        }
        let window = Window::new(created_at, created_at).unwrap_or_default();
        let summary = self.port.summary(&SummaryQuery { window, ..SummaryQuery::default() }).await?;
        let came = summary.category(category);
        Ok(if came > waiting_of_its_second.len() as u64 { Found::Perhaps } else { Found::Nowhere })
    }

    /// Whether a lead without an identity is what another letter, just like this one, has become.
    fn is_of_another(&self, lead: &IncomingLead, letter: &Letter) -> bool {
        let has_identity = letter.draft.metadata.as_ref().and_then(Identity::of).is_some();
        !has_identity && self.inner().state.delivered.values().any(|uid| *uid == lead.uid)
    }

    fn doubt(&self, batch: &[(Ticket, Letter)]) -> Round {
        let tickets: Vec<_> = batch.iter().map(|(ticket, _)| *ticket).collect();
        self.inner().doubt(&tickets);
        Round::Moved
    }

    fn record(&self, records: Vec<Record>) -> Result<Round, OutboxError> {
        let mut inner = self.inner();
        inner.record_all(records).map_err(OutboxError::File)?;
        Ok(Round::Moved)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// They may be there: each is looked for before it is sent.
    fn doubt(&mut self, tickets: &[Ticket]) {
        for ticket in tickets {
            if let Some(letter) = self.state.waiting.get_mut(ticket) {
                letter.doubtful = true;
            }
        }
    }

    fn record(&mut self, record: Record) -> std::io::Result<()> {
        self.record_all(vec![record])
    }

    fn record_all(&mut self, records: Vec<Record>) -> std::io::Result<()> {
        self.journal.append(&records)?;
        for record in &records {
            if let Record::Dead { ticket, reason } = record {
                tracing::warn!(%ticket, reason, "a letter is dead: it waits for a person");
            }
        }
        self.settled += records.iter().filter(|record| !matches!(record, Record::Submitted { .. })).count();
        records.into_iter().for_each(|record| self.state.apply(record));
        if self.settled >= self.rewrite_after && self.settled > self.state.waiting.len() {
            self.settled = 0;
            if let Err(error) = self.journal.rewrite(&self.state.records()) {
                // One file or the other holds all of it still.
                tracing::warn!(%error, "the outbox's file could not be written anew");
            }
        }
        Ok(())
    }
}

/// 16 hex digits that no other outbox has, as far as chance goes.
fn random_name() -> std::io::Result<String> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(format!("{:016x}", u64::from_be_bytes(random)))
}

/// Whether waiting helps: for the other side, or for a person who hands the port another token. Nothing of what waits is
/// to blame, so nothing of it becomes a dead letter.
fn is_passing(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Unauthorized
}

/// By identity where there is one, else by the moment, the source and all that is told of it.
fn is_same(lead: &IncomingLead, letter: &Letter) -> bool {
    let Some(metadata) = &letter.draft.metadata else { return false };
    match Identity::of(metadata) {
        Some(identity) => Identity::of(&lead.metadata) == Some(identity),
        None => {
            Some(lead.created_at) == letter.draft.created_at
                && lead.source_uid.as_ref().is_none_or(|uid| *uid == letter.draft.source_uid)
                && lead.source_name.as_ref().is_none_or(|name| *name == letter.draft.source_name)
                && told(&lead.metadata) == told(metadata)
        }
    }
}

/// What wires tell of metadata: not the wish for a call note.
fn told(metadata: &incoming_leads_model::Metadata) -> incoming_leads_model::Metadata {
    let mut told = metadata.clone();
    if let incoming_leads_model::Metadata::Sip(call) = &mut told {
        call.call_event = None;
    }
    told
}

fn reason(item: &ItemFaults) -> String {
    item.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The uid that a refusal as a duplicate names.
fn existing(error: &Error) -> Option<Uid> {
    let Some(Refusal::Items(items)) = error.refusal() else { return None };
    let mut faults = items.iter().flat_map(|item| &item.faults);
    faults.find(|fault| fault.code == FaultCode::Duplicate).and_then(|fault| fault.existing.clone())
}
