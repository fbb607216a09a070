//! The port with an outbox in front of its adds.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, Page, Receipt, Refusal, Summary, SummaryQuery, Uid,
};
use incoming_leads_outbox::{Outbox, OutboxError, Status, Ticket};
use incoming_leads_port::{
    Capabilities, Clock, Error, ErrorKind, IncomingLeads, Operation, Outcome, Result, SystemClock,
};

/// A port whose adds are taken in by an outbox while nobody can be asked.
///
/// What was taken in has a uid of its own, which stands for the delivered lead's in all that comes later. Until it is
/// delivered nothing else can be done with it.
#[derive(Debug)]
pub(super) struct Postponing {
    port: Arc<dyn IncomingLeads>,
    outbox: Outbox,
    /// What the uids of what this outbox takes in begin with.
    prefix: String,
}

impl Postponing {
    pub(super) fn new(port: Arc<dyn IncomingLeads>, outbox: Outbox) -> Self {
        let prefix = format!("outbox-{}-", outbox.name());
        Self { port, outbox, prefix }
    }

    /// Takes an add in that nobody could be asked for; `is_doubtful`: it may have arrived all the same.
    async fn take_in(&self, add: Add, is_doubtful: bool) -> Result<Vec<Receipt>> {
        let (outbox, Add { channel, items, .. }) = (self.outbox.clone(), add);
        let told: Vec<_> = items.iter().map(|item| (item.pipeline_id, item.created_at)).collect();
        // It blocks its thread until the disk has it.
        let taken = tokio::task::spawn_blocking(move || match is_doubtful {
            true => outbox.submit_doubtful(channel, items),
            false => outbox.submit_all(channel, items),
        });
        let tickets = taken
            .await
            .map_err(|error| unavailable(Operation::Add, "the outbox broke").with_source(error))?;
        let tickets = tickets.map_err(|error| match error {
            OutboxError::Full(_) => unavailable(Operation::Add, "the outbox is full").with_source(error),
            error => unavailable(Operation::Add, "the outbox's file cannot be used").with_source(error),
        })?;
        let receipt = |(ticket, (pipeline_id, created_at)): (Ticket, (_, _))| {
            let uid =
                Uid::new(&format!("{}{ticket}", self.prefix)).expect("the prefix and a number are short");
            Receipt { category: Some(channel.category()), pipeline_id, created_at, ..Receipt::of(uid) }
        };
        Ok(tickets.into_iter().zip(told).map(receipt).collect())
    }

    /// What a uid stands for upstream.
    fn resolve(&self, operation: Operation, uid: &Uid) -> Result<Uid> {
        let Some(ticket) = self.ticket(uid) else { return Ok(uid.clone()) };
        match self.outbox.status(ticket) {
            Some(Status::Delivered(theirs)) => Ok(theirs),
            Some(Status::Waiting) => {
                Err(unavailable(operation, "the lead is in the outbox and not delivered yet"))
            }
            Some(Status::Dead(reason)) => {
                tracing::warn!(%ticket, reason, "a dead letter was asked for");
                Err(Error::refused(operation, Refusal::NotFound(uid.clone())))
            }
            _ => Err(Error::refused(operation, Refusal::NotFound(uid.clone()))),
        }
    }

    fn ticket(&self, uid: &Uid) -> Option<Ticket> {
        let number = uid.as_str().strip_prefix(&self.prefix)?;
        let ticket = Ticket::from_number(number.parse().ok()?);
        (ticket.to_string() == number).then_some(ticket)
    }

    /// What these uids stand for, of those that stand for something; and back.
    fn resolve_all(&self, uids: &[Uid]) -> (Vec<Uid>, HashMap<Uid, Uid>) {
        let resolved = uids.iter().filter_map(|uid| Some((self.resolve(Operation::List, uid).ok()?, uid)));
        let (mut theirs, mut back) = (Vec::new(), HashMap::new());
        for (own, uid) in resolved {
            if own != *uid {
                back.insert(own.clone(), uid.clone());
            }
            theirs.push(own);
        }
        (theirs, back)
    }
}

/// Whether an add that met this error can wait: it is nobody's fault that it was not taken, unless a token's.
fn can_wait(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Unauthorized
}

fn unavailable(operation: Operation, detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation).with_detail(detail).with_outcome(Outcome::NotApplied)
}

/// The receipt under the uid that was asked for.
fn under(uid: &Uid, receipt: Receipt) -> Receipt {
    Receipt { uid: uid.clone(), ..receipt }
}

#[async_trait]
impl IncomingLeads for Postponing {
    fn capabilities(&self) -> Capabilities {
        self.port.capabilities()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let Some(uids) = &query.filter.uids else { return self.port.list(query).await };
        let (theirs, back) = self.resolve_all(uids);
        let mut asked = query.clone();
        asked.filter.uids = Some(theirs);
        let mut page = self.port.list(&asked).await?;
        for lead in &mut page.items {
            if let Some(own) = back.get(&lead.uid) {
                lead.uid = own.clone();
            }
        }
        Ok(page)
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        let theirs = match self.resolve(Operation::Get, uid) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            resolved => resolved?,
        };
        let lead = self.port.get(&theirs).await?;
        Ok(lead.map(|lead| IncomingLead { uid: uid.clone(), ..lead }))
    }

    /// Asks upstream first, so that what is wrong is told while it can be.
    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        let mut add = add.clone();
        for item in &mut add.items {
            // The evidence by which it is looked for, should no answer come.
            item.created_at.get_or_insert(SystemClock.now());
        }
        match self.port.add(&add).await {
            Err(error) if error.outcome() == Outcome::Unknown => {
                tracing::warn!(%error, "no answer to an add: the outbox looks for it");
                self.take_in(add, true).await
            }
            Err(error) if can_wait(&error) => {
                tracing::warn!(%error, "an add goes into the outbox");
                self.take_in(add, false).await
            }
            answered => answered,
        }
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        let theirs = self.resolve(Operation::Accept, uid)?;
        Ok(under(uid, self.port.accept(&theirs, accept).await?))
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        let theirs = self.resolve(Operation::Decline, uid)?;
        Ok(under(uid, self.port.decline(&theirs, decline).await?))
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        let theirs = self.resolve(Operation::Link, uid)?;
        Ok(under(uid, self.port.link(&theirs, link).await?))
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let uids = query.uids.as_ref().map(|uids| self.resolve_all(uids).0);
        self.port.summary(&SummaryQuery { uids, ..query.clone() }).await
    }
}
