//! The port's methods over v4.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Request;
use incoming_leads_model::limits::MAX_PAGE_SIZE_V4;
use incoming_leads_model::paging::{Slice, split};
use incoming_leads_model::{
    Accept, Add, Cards, Decline, DuplicatePolicy, IncomingLead, Link, ListQuery, More, Page, Receipt,
    Refusal, Summary, SummaryQuery, Tally, Uid, UserId,
};
use incoming_leads_port::{Capabilities, Error, ErrorKind, IncomingLeads, Operation, Outcome, Ports, Result};
use incoming_leads_transport::{Time, Transport};
use incoming_leads_wire_v4::route::{self, Route};
use incoming_leads_wire_v4::{Origin, TooLongToAsk, add, get, list, summary};

use crate::builder::{HttpV4Builder, Notes, Options};
use crate::cards;
use crate::directory::Pipelines;
use crate::error::Sent;
use crate::exchange::Exchange;
use crate::known::Memory;
use crate::reconcile::{Decision, Reconciliation};

/// Bytes of an address, at most: what servers take by default.
const MAX_ADDRESS_BYTES: usize = 8000;

/// Incoming leads of one account over v4 HTTP, as the user of one token sees and sorts them. Clones share what they
/// keep in mind.
#[derive(Debug, Clone)]
pub struct HttpV4 {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) exchange: Exchange,
    pub(crate) time: Arc<dyn Time>,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) notes: Notes,
    pub(crate) refuses_duplicates: bool,
    pub(crate) memory: Memory,
    pub(crate) cards: cards::Cards,
    pub(crate) pipelines: Mutex<Option<(Duration, Arc<Pipelines>)>>,
    pub(crate) caller: Mutex<Option<UserId>>,
}

impl HttpV4 {
    /// The port at this address: the account's scheme and host, as in `https://example.kommo.com`.
    pub fn builder(base_url: impl Into<String>) -> HttpV4Builder {
        HttpV4Builder::new(base_url.into())
    }

    /// The port over a transport that puts tokens on requests and keeps to limits itself, with all defaults.
    pub fn new(transport: impl Transport, origin: Origin) -> Self {
        Self::with_options(Arc::new(transport), origin, Options::default())
    }

    pub(crate) fn with_options(transport: Arc<dyn Transport>, origin: Origin, options: Options) -> Self {
        let Options { time, reconciliation, duplicates, remembered_leads, cached_cards, card_age, notes } =
            options;
        let inner = Inner {
            exchange: Exchange { transport, origin },
            time,
            reconciliation,
            notes,
            refuses_duplicates: duplicates == Some(DuplicatePolicy::Refuse),
            memory: Memory::new(remembered_leads),
            cards: cards::Cards::new(cached_cards, card_age),
            pipelines: Mutex::new(None),
            caller: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The port and the directory as one bundle.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let mut ports = Ports::new(Arc::new(self.clone()));
        ports.directory = Some(Arc::new(self.clone()));
        ports
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.inner.exchange.origin
    }

    /// Sends an add once.
    pub(crate) async fn add_once(&self, add: &Add) -> Result<Vec<Receipt>> {
        let count = add.items.len();
        let request = add::request(add, self.origin());
        let read = |response: &_| add::read_response(count, response);
        self.inner.exchange.ask(Operation::Add, Sent::Items(count), request, read).await
    }

    /// A page of v4's own size.
    async fn list_once(&self, query: &ListQuery) -> Result<Page> {
        let request = addressed(Operation::List, list::request(query, self.origin()))?;
        let Some(request) = request else { return Ok(Page::empty()) };
        self.inner.exchange.ask(Operation::List, Sent::Question, request, list::read_response).await
    }

    /// Items of another category: where the address picks the metadata, nobody behind it could tell. An empty batch
    /// finds out whether the user may add at all; what else is wrong is not looked at, so this is no refusal with all
    /// its faults.
    async fn misplaced(&self, add: &Add, refusal: &Refusal) -> Error {
        match self.add_once(&Add { items: Vec::new(), ..*add }).await {
            Err(error) if [ErrorKind::Forbidden, ErrorKind::Unauthorized].contains(&error.kind()) => error,
            _ => Error::new(ErrorKind::Invalid, Operation::Add).with_detail(refusal.to_string()),
        }
    }

    async fn decide(&self, uid: &Uid, decision: Decision) -> Result<Receipt> {
        let receipt = match self.decide_once(uid, decision).await {
            Err(lost) if lost.outcome() == Outcome::Unknown => {
                self.reconcile_decision(uid, decision, lost).await?
            }
            decided => decided?,
        };
        if let Some(known) = self.inner.memory.get(uid) {
            self.inner.cards.forget(&known);
        }
        Ok(receipt)
    }
}

#[async_trait]
impl IncomingLeads for HttpV4 {
    fn capabilities(&self) -> Capabilities {
        let mut able = Capabilities::ALL;
        able.tells_linked = false;
        able.tells_updated_at = false;
        able
    }

    /// A page of more than 250 is put together from several of v4: what comes or goes between two of them shifts what
    /// follows, but nothing stands twice on the page, and it is short only where the list ends.
    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let size = query.page.size() as usize;
        let mut slices: VecDeque<Slice> = split(query.page, MAX_PAGE_SIZE_V4).into();
        let mut parts = Parts::of(slices.make_contiguous());
        while let Some(slice) = slices.pop_front() {
            let page = self.list_once(&ListQuery { page: slice.page, ..query.clone() }).await?;
            let is_end = parts.take(Operation::List, slice, page)?;
            let (items, mut seen) = (&mut parts.page.items, HashSet::new());
            items.retain(|lead| seen.insert(lead.uid.clone()));
            if is_end {
                break;
            }
            if slices.is_empty() && items.len() < size {
                slices.extend(slice.following());
            }
        }
        let Page { mut items, mut more } = parts.page;
        if items.len() > size {
            items.truncate(size);
            more = More::Yes;
        }
        items.iter().for_each(|lead| self.inner.memory.told(lead));
        if query.cards == Cards::Include {
            self.fill(&mut items).await?;
        }
        Ok(Page { items, more })
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        let request = get::request(uid, self.origin());
        // A word of the wire, such as "summary": nothing has it as its uid, and something else would answer.
        let is_word = !matches!(route::find(request.method(), request.uri().path()), Ok(Route::Get(_)));
        if is_word || is_dots(uid) {
            return Ok(None);
        }
        let sent = Sent::Command(uid);
        let asked = self.inner.exchange.ask(Operation::Get, sent, request, get::read_response).await;
        let lead = match asked {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            asked => asked?,
        };
        if let Some(lead) = &lead {
            if lead.uid != *uid {
                let detail = format!("asked for {uid}, the server told of {}", lead.uid);
                return Err(Error::new(ErrorKind::Unexpected, Operation::Get).with_detail(detail));
            }
            self.inner.memory.told(lead);
        }
        Ok(lead)
    }

    /// What v4 has no place for is refused or carried after it: notes of a lead.
    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        if let Err(refusal) = add.check_categories() {
            return Err(self.misplaced(add, &refusal).await);
        }
        let has_notes = add.items.iter().flat_map(|item| &item.leads).any(|lead| !lead.notes.is_empty());
        if has_notes && self.inner.notes == Notes::Refuse {
            let detail = "v4 has no place for the notes of a lead that is added";
            return Err(Error::new(ErrorKind::Unsupported, Operation::Add).with_detail(detail));
        }
        let begun = self.inner.memory.mark();
        let receipts = match self.add_once(add).await {
            Err(lost) if lost.outcome() == Outcome::Unknown => self.reconcile_add(add, begun, lost).await?,
            added => added?,
        };
        self.inner.memory.added(add, &receipts);
        if has_notes {
            self.carry_notes(add, &receipts).await;
        }
        Ok(receipts)
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.decide(uid, Decision::Accept(*accept)).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.decide(uid, Decision::Decline(*decline)).await
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.decide(uid, Decision::Link(*link)).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let request = addressed(Operation::Summary, summary::request(query, self.origin()))?;
        match request {
            Some(request) => {
                let read = summary::read_response;
                self.inner.exchange.ask(Operation::Summary, Sent::Question, request, read).await
            }
            // Nothing can match; links are not told by v4, so not here either.
            None => Ok(Summary { linked: None, ..Summary::from(Tally::default()) }),
        }
    }
}

/// In an address these are steps up, however they are escaped: nothing can have them as its uid.
pub(crate) fn is_dots(uid: &Uid) -> bool {
    [".", ".."].contains(&uid.as_str())
}

/// A question that fits into an address.
fn addressed(
    operation: Operation,
    request: std::result::Result<Option<Request<Vec<u8>>>, TooLongToAsk>,
) -> Result<Option<Request<Vec<u8>>>> {
    let too_long = || {
        Error::new(ErrorKind::Unsupported, operation)
            .with_detail("the question is too long for an address; name fewer uids at once")
    };
    let request = request.map_err(|_| too_long())?;
    match &request {
        Some(asked) if asked.uri().to_string().len() > MAX_ADDRESS_BYTES => Err(too_long()),
        _ => Ok(request),
    }
}

/// A page of the port that is put together from pages of v4.
#[derive(Debug)]
pub(crate) struct Parts<T> {
    pub(crate) page: Page<T>,
    /// Whether it takes several, so that each has to be as large as was asked for.
    are_several: bool,
}

impl<T> Parts<T> {
    pub(crate) const fn of(slices: &[Slice]) -> Self {
        Self { page: Page::empty(), are_several: slices.len() > 1 }
    }

    /// Takes what is wanted of an upstream page; says whether nothing can follow.
    pub(crate) fn take(&mut self, operation: Operation, slice: Slice, page: Page<T>) -> Result<bool> {
        let Slice { page: asked, skip, take } = slice;
        let (told, size) = (page.items.len(), asked.size() as usize);
        if told > size || self.are_several && told < size && page.more == More::Yes {
            let detail = format!("a page of {size} was asked for, the server told {told} and goes on");
            return Err(Error::new(ErrorKind::Unexpected, operation).with_detail(detail));
        }
        self.page.items.extend(page.items.into_iter().skip(skip as usize).take(take as usize));
        self.page.more = if told > (skip + take) as usize { More::Yes } else { page.more };
        Ok(told < size || page.more == More::No)
    }
}
