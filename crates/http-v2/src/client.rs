//! The port's methods over v2.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, Page, Receipt, Refusal, Summary, SummaryQuery, Uid,
};
use incoming_leads_port::{Capabilities, Error, ErrorKind, IncomingLeads, Operation, Outcome, Ports, Result};
use incoming_leads_transport::{Time, Transport};
use incoming_leads_wire_v2::{Encoding, Origin, accept, add, decline, list, summary};

use crate::builder::{HttpV2Builder, Options};
use crate::error::Sent;
use crate::exchange::Exchange;
use crate::known::Known;
use crate::reconcile::{Decision, Reconciliation};

/// Bytes of an address, at most: what servers take by default.
const MAX_ADDRESS_BYTES: usize = 8000;

/// Incoming leads of one account over v2 HTTP, as one user sees and sorts them. Clones share what they keep in mind.
#[derive(Debug, Clone)]
pub struct HttpV2 {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    exchange: Exchange,
    encoding: Encoding,
    pub(crate) time: Arc<dyn Time>,
    pub(crate) reconciliation: Reconciliation,
    pub(crate) duplicates: Option<incoming_leads_model::DuplicatePolicy>,
    pub(crate) known: Known,
}

impl HttpV2 {
    /// The port at this address: the account's scheme and host, as in `https://example.amocrm.com`.
    pub fn builder(base_url: impl Into<String>) -> HttpV2Builder {
        HttpV2Builder::new(base_url.into())
    }

    pub(crate) fn with_options(transport: Arc<dyn Transport>, origin: Origin, options: Options) -> Self {
        let Options { time, reconciliation, duplicates, remembered_leads, encoding } = options;
        let inner = Inner {
            exchange: Exchange { transport, origin },
            encoding,
            time,
            reconciliation,
            duplicates,
            known: Known::new(remembered_leads),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The port as a bundle. v2 has no directory, no history and no intake.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports::new(Arc::new(self.clone()))
    }

    /// Sends an add once.
    pub(crate) async fn add_once(&self, add: &Add) -> Result<Vec<Receipt>> {
        let Inner { exchange, encoding, .. } = &*self.inner;
        let count = add.items.len();
        let request = add::request(add, *encoding, &exchange.origin);
        exchange
            .ask(Operation::Add, Sent::Items(count), request, |answer| add::read_response(count, answer))
            .await
    }

    /// Sends an accept or a decline once.
    pub(crate) async fn decide_once(&self, uid: &Uid, decision: Decision) -> Result<Receipt> {
        let Inner { exchange, encoding, .. } = &*self.inner;
        let sent = Sent::Command(uid);
        match decision {
            Decision::Accept(command) => {
                let request = accept::request(uid, command, *encoding, &exchange.origin);
                exchange
                    .ask(Operation::Accept, sent, request, |answer| accept::read_response(uid, answer))
                    .await
            }
            Decision::Decline(command) => {
                let request = decline::request(uid, command, *encoding, &exchange.origin);
                exchange
                    .ask(Operation::Decline, sent, request, |answer| decline::read_response(uid, answer))
                    .await
            }
        }
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
        match self.decide_once(uid, decision).await {
            Err(lost) if lost.outcome() == Outcome::Unknown => {
                self.reconcile_decision(uid, decision, lost).await
            }
            decided => decided,
        }
    }
}

/// What v2 has no way for.
fn unsupported(operation: Operation, detail: &str) -> Error {
    Error::new(ErrorKind::Unsupported, operation).with_detail(detail)
}

#[async_trait]
impl IncomingLeads for HttpV2 {
    fn capabilities(&self) -> Capabilities {
        let mut able = Capabilities::ALL;
        able.get = false;
        able.takes_partial_metadata = false;
        able.link = false;
        able.list_by_uid = false;
        able.summary_by_uid = false;
        able.summary_by_pipeline = false;
        able.tells_declined = false;
        able.tells_linked = false;
        able.tells_ids = false;
        able.tells_updated_at = false;
        able.tells_more = false;
        able
    }

    /// Bodies are always told; v2 has no lists without them.
    async fn list(&self, query: &ListQuery) -> Result<Page> {
        if query.filter.uids.is_some() {
            return Err(unsupported(Operation::List, "v2 cannot list by uid"));
        }
        let Inner { exchange, known, .. } = &*self.inner;
        let too_long =
            || unsupported(Operation::List, "the question is too long for an address; name fewer pipelines");
        let request = list::request(query, &exchange.origin).map_err(|_| too_long())?;
        let Some(request) = request else { return Ok(Page::empty()) };
        if request.uri().to_string().len() > MAX_ADDRESS_BYTES {
            return Err(too_long());
        }
        let size = query.page.size();
        let read = |answer: &_| list::read_response(size, answer);
        let page = exchange.ask(Operation::List, Sent::Question, request, read).await?;
        if page.items.len() > size as usize {
            let detail = format!("a page of {size} was asked for, the server told {}", page.items.len());
            return Err(Error::new(ErrorKind::Unexpected, Operation::List).with_detail(detail));
        }
        page.items.iter().for_each(|lead| known.told(&lead.uid));
        Ok(page)
    }

    async fn get(&self, _uid: &Uid) -> Result<Option<IncomingLead>> {
        Err(unsupported(Operation::Get, "v2 cannot get one incoming lead"))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        if let Err(refusal) = add.check_categories() {
            return Err(self.misplaced(add, &refusal).await);
        }
        let begun = self.inner.known.mark();
        let receipts = match self.add_once(add).await {
            Err(lost) if lost.outcome() == Outcome::Unknown => self.reconcile_add(add, begun, lost).await?,
            added => added?,
        };
        receipts.iter().for_each(|receipt| self.inner.known.told(&receipt.uid));
        Ok(receipts)
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.decide(uid, Decision::Accept(*accept)).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.decide(uid, Decision::Decline(*decline)).await
    }

    async fn link(&self, _uid: &Uid, _link: &Link) -> Result<Receipt> {
        Err(unsupported(Operation::Link, "v2 cannot link"))
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let SummaryQuery { uids, pipelines, window } = query;
        if uids.is_some() || pipelines.is_some() {
            return Err(unsupported(
                Operation::Summary,
                "v2 has no filter by uid or pipeline on the summary",
            ));
        }
        let exchange = &self.inner.exchange;
        let request = summary::request(*window, &exchange.origin);
        exchange.ask(Operation::Summary, Sent::Question, request, summary::read_response).await
    }
}
