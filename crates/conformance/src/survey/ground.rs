//! What probes stand on: the handles, bounded in calls and time, and what was added by them.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::future::Future;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use incoming_leads_model::{
    Accept, Add, Cards, Decline, Direction, Draft, IncomingLead, Lead, LeadId, Link, ListFilter, ListQuery,
    Metadata, Moment, More, Order, OrderKey, Page, PageRequest, Receipt, Summary, SummaryQuery, Uid,
};
use incoming_leads_port::{
    Capabilities, Directory, EntityQuery, Error, ErrorKind, IncomingLeads, Operation, Outcome, Ports,
};

use crate::drafts::{call, form};
use crate::failure::{Failure, some};
use crate::survey::Verdict;

/// How a probe ends.
pub(crate) type Asked = Result<(), Trouble>;

/// Why a probe does not end well.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The other side decides otherwise.
    Drift(Failure),
    /// It cannot be asked.
    NotAsked(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Drift(failure)
    }
}

impl From<Error> for Trouble {
    /// A call that had to succeed did not.
    fn from(error: Error) -> Self {
        if cannot(&error) { Self::NotAsked(error.to_string()) } else { Self::Drift(error.into()) }
    }
}

/// Whether an error tells nothing of the rules: what cannot be reached, or what the user may not.
fn cannot(error: &Error) -> bool {
    let of_rules = [ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Unexpected, ErrorKind::Damaged];
    !of_rules.contains(&error.kind())
}

/// The call is refused with this kind of error, and surely without effect.
pub(crate) fn refused<T: Debug>(kind: ErrorKind, got: Result<T, Error>) -> Result<Error, Trouble> {
    match got {
        Err(error) if error.kind() != kind && cannot(&error) => Err(error.into()),
        got => Ok(crate::failure::fails(kind, got)?),
    }
}

/// When the calls and forms of a survey came to be: 2020-01-01, so that no window of today has them.
pub(crate) const LONG_AGO: i64 = 1_577_836_800;

/// The handles and what is known of them.
#[derive(Debug)]
pub(crate) struct Ground {
    leads: Arc<dyn IncomingLeads>,
    directory: Option<Arc<dyn Directory>>,
    nobody: Option<Arc<dyn IncomingLeads>>,
    most_calls: usize,
    end: Instant,
    calls: AtomicUsize,
    /// Stands in each item of this survey, and in no other.
    mark: String,
    number: AtomicU64,
    added: Mutex<BTreeSet<Uid>>,
    doubtful: AtomicUsize,
}

impl Ground {
    pub(crate) fn new(
        ports: Ports,
        nobody: Option<Arc<dyn IncomingLeads>>,
        most_calls: usize,
        time: Duration,
    ) -> Self {
        let now = Instant::now();
        let random = RandomState::new().hash_one(now);
        Self {
            leads: ports.incoming,
            directory: ports.directory,
            nobody,
            most_calls,
            end: now + time,
            calls: AtomicUsize::new(0),
            mark: format!("conformance-{random:016x}"),
            number: AtomicU64::new(random % 100_000_000),
            added: Mutex::default(),
            doubtful: AtomicUsize::new(0),
        }
    }

    /// What is found by a probe that ended so.
    pub(crate) fn verdict(&self, asked: Asked) -> Verdict {
        match asked {
            Ok(()) => Verdict::Shared,
            Err(Trouble::Drift(failure)) => Verdict::Drifts(failure),
            Err(Trouble::NotAsked(why)) => Verdict::NotAsked(why),
        }
    }

    /// Calls, leads that were added, and adds of unknown outcome.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let added = self.added.lock().unwrap_or_else(PoisonError::into_inner).len();
        (self.calls.load(Ordering::Relaxed), added, self.doubtful.load(Ordering::Relaxed))
    }

    /// A call of the port, if there may be one more.
    async fn asked<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let spent = |what: &str| Err(Error::new(ErrorKind::Blocked, operation).with_detail(what));
        if self.calls.load(Ordering::Relaxed) >= self.most_calls {
            return spent("the calls of the survey are used up");
        }
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return spent("the time of the survey is over");
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        // One that has begun gets its time: it may have taken effect.
        call.await
    }

    pub(crate) fn able(&self) -> Capabilities {
        self.leads.capabilities()
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        self.asked(Operation::List, self.leads.list(query)).await
    }

    pub(crate) async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>, Error> {
        self.asked(Operation::Get, self.leads.get(uid)).await
    }

    pub(crate) async fn summary(&self, query: &SummaryQuery) -> Result<Summary, Error> {
        self.asked(Operation::Summary, self.leads.summary(query)).await
    }

    pub(crate) async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt, Error> {
        self.asked(Operation::Accept, self.leads.accept(uid, accept)).await
    }

    pub(crate) async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt, Error> {
        self.asked(Operation::Decline, self.leads.decline(uid, decline)).await
    }

    pub(crate) async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt, Error> {
        self.asked(Operation::Link, self.leads.link(uid, link)).await
    }

    /// Adds, and keeps in mind what was added, also where it should have been refused.
    pub(crate) async fn add(&self, add: &Add) -> Result<Vec<Receipt>, Error> {
        let added = self.asked(Operation::Add, self.leads.add(add)).await;
        match &added {
            Ok(receipts) => {
                let uids = receipts.iter().map(|receipt| receipt.uid.clone());
                self.added.lock().unwrap_or_else(PoisonError::into_inner).extend(uids);
            }
            Err(error) if error.outcome() == Outcome::Unknown => {
                self.doubtful.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        added
    }

    /// Adds one.
    pub(crate) async fn add_one(&self, draft: Draft) -> Result<Receipt, Trouble> {
        let receipts = self.add(&batch(vec![draft])).await?;
        Ok(some("a receipt for the item", receipts.into_iter().next())?)
    }

    /// The directory.
    pub(crate) fn directory(&self) -> Result<&dyn Directory, Trouble> {
        let directory = self.directory.as_deref();
        directory.ok_or_else(|| Trouble::NotAsked("there is no directory".to_owned()))
    }

    /// A call of the directory.
    pub(crate) async fn look<T>(&self, look: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.asked(Operation::Directory, look).await
    }

    /// The lead by its id, also in the bin.
    pub(crate) async fn lead(&self, id: LeadId) -> Result<Lead, Trouble> {
        let query = EntityQuery::with_ids(vec![id]);
        let found = self.look(self.directory()?.leads(&query)).await?;
        Ok(some("the lead by its id", found.items.into_iter().find(|lead| lead.id == id))?)
    }

    /// Somebody whom nobody knows.
    pub(crate) async fn list_as_nobody(&self) -> Result<Page, Trouble> {
        let nobody = self.nobody.as_deref();
        let nobody = nobody.ok_or_else(|| Trouble::NotAsked("there is no handle of nobody".to_owned()))?;
        let query = ListQuery::default();
        match self.asked(Operation::List, nobody.list(&query)).await {
            Err(error) if error.kind() != ErrorKind::Unauthorized && cannot(&error) => Err(error.into()),
            Err(error) if error.kind() == ErrorKind::Unauthorized => Ok(Page::empty()),
            listed => Err(Trouble::Drift(Failure::new(
                "a list, asked for with a token of nobody",
                "Unauthorized",
                format!("{listed:?}"),
            ))),
        }
    }

    /// A call like no other.
    pub(crate) fn call(&self) -> Draft {
        self.marked(call(self.next()))
    }

    /// A form like no other.
    pub(crate) fn form(&self) -> Draft {
        self.marked(form(self.next()))
    }

    fn next(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn marked(&self, mut draft: Draft) -> Draft {
        match &mut draft.metadata {
            Some(Metadata::Sip(call)) => call.service_code = Some(self.mark.clone()),
            Some(Metadata::Forms(form)) => {
                form.form_page = Some(format!("https://example.com/{}", self.mark))
            }
            _ => {}
        }
        Draft {
            source_name: Some("Conformance survey".to_owned()),
            source_uid: Some(self.mark.clone()),
            created_at: Some(moment(LONG_AGO)),
            ..draft
        }
    }

    /// A uid that nobody has.
    pub(crate) fn unknown(&self) -> Uid {
        Uid::new(&format!("{:0>40x}", self.next())).expect("hex digits are a uid")
    }

    /// Those with these uids that wait, as the list tells it.
    pub(crate) async fn waiting(&self, uids: &[Uid]) -> Result<Vec<IncomingLead>, Error> {
        let filter = ListFilter { uids: Some(uids.to_vec()), ..ListFilter::default() };
        let page = PageRequest::new(1, 100).expect("100 is a page's size");
        let query = ListQuery { filter, page, cards: Cards::Omit, ..ListQuery::default() };
        Ok(self.list(&query).await?.items)
    }

    /// Whether it waits: by uid, or by the list where that cannot be asked.
    pub(crate) async fn waits(&self, uid: &Uid) -> Result<bool, Trouble> {
        if self.able().get {
            return Ok(self.get(uid).await?.is_some());
        }
        if self.able().list_by_uid {
            return Ok(!self.waiting(std::slice::from_ref(uid)).await?.is_empty());
        }
        Err(Trouble::NotAsked("nothing can be asked for by uid".to_owned()))
    }

    /// Declines all that was added and waits still; what could not be declined. It has calls and time of its own.
    pub(crate) async fn clear(&self) -> Vec<Uid> {
        let mut mine = self.added.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !mine.is_empty() || self.doubtful.load(Ordering::Relaxed) > 0 {
            mine.extend(self.unannounced().await);
        }
        let mut left = Vec::new();
        for uid in mine {
            self.calls.fetch_add(1, Ordering::Relaxed);
            match self.leads.decline(&uid, &Decline::default()).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => left.push(uid),
            }
        }
        left
    }

    /// What waits with the mark of this survey, whatever the answer to its add was: items came to be long ago, so they
    /// stand near the beginning.
    async fn unannounced(&self) -> Vec<Uid> {
        let order = Order { key: OrderKey::CreatedAt, direction: Direction::Ascending };
        let mut page = PageRequest::new(1, 250).expect("250 is a page's size");
        let mut found = Vec::new();
        for _ in 0..4 {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let query = ListQuery { order, page, ..ListQuery::default() };
            let Ok(listed) = self.leads.list(&query).await else { break };
            let is_mine = |lead: &&IncomingLead| match &lead.source_uid {
                Some(Some(source)) => *source == self.mark,
                Some(None) | None => false,
            };
            found.extend(listed.items.iter().filter(is_mine).map(|lead| lead.uid.clone()));
            match page.next().filter(|_| listed.more != More::No) {
                Some(next) => page = next,
                None => break,
            }
        }
        found
    }
}

/// An add of drafts of one kind.
pub(crate) fn batch(items: Vec<Draft>) -> Add {
    let is_of_forms = items.iter().any(|item| matches!(item.metadata, Some(Metadata::Forms(_))));
    if is_of_forms { Add::forms(items) } else { Add::calls(items) }
}

pub(crate) fn moment(secs: i64) -> Moment {
    Moment::from_secs(secs).expect("a moment of these years")
}
