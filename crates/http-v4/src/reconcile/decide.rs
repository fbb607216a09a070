//! What became of an accept, a decline or a link.

use incoming_leads_model::{
    Accept, Category, ContactId, Customer, Decline, Lead, Link, LinkTarget, Receipt, Refusal, SummaryQuery,
    Uid, UserId,
};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, Operation, Outcome, Result};
use incoming_leads_wire_v4::{accept, decline, link};

use super::{Rounds, unknown};
use crate::client::{HttpV4, is_dots};
use crate::error::Sent;
use crate::known::Known;

/// One of the commands of which exactly one succeeds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decision {
    Accept(Accept),
    Decline(Decline),
    Link(Link),
}

impl Decision {
    const fn operation(self) -> Operation {
        match self {
            Decision::Accept(_) => Operation::Accept,
            Decision::Decline(_) => Operation::Decline,
            Decision::Link(_) => Operation::Link,
        }
    }

    const fn fate(self) -> Fate {
        match self {
            Decision::Accept(_) => Fate::Accepted,
            Decision::Decline(_) => Fate::Declined,
            Decision::Link(_) => Fate::Linked,
        }
    }
}

/// What has become of an incoming lead that waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accepted,
    Declined,
    Linked,
}

/// Who decided it.
#[derive(Debug)]
enum Verdict {
    /// We did: this is the receipt.
    Ours(Receipt),
    /// Somebody else did, or we did something else: the sentence says what.
    Others(&'static str),
    /// Nothing tells: the sentence says why.
    Unknown(&'static str),
}

impl HttpV4 {
    /// Sends a command once.
    pub(crate) async fn decide_once(&self, uid: &Uid, decision: Decision) -> Result<Receipt> {
        let (operation, sent, origin) = (decision.operation(), Sent::Command(uid), self.origin());
        let exchange = &self.inner.exchange;
        if is_dots(uid) {
            return Err(Error::refused(operation, Refusal::NotFound(uid.clone())));
        }
        let receipt = match decision {
            Decision::Accept(command) => {
                let request = accept::request(uid, command, origin);
                exchange.ask(operation, sent, request, accept::read_response).await
            }
            Decision::Decline(command) => {
                let request = decline::request(uid, command, origin);
                exchange.ask(operation, sent, request, decline::read_response).await
            }
            Decision::Link(command) => {
                let request = link::request(uid, command, origin);
                exchange.ask(operation, sent, request, link::read_response).await
            }
        }?;
        if receipt.uid == *uid {
            return Ok(receipt);
        }
        let detail = format!("the receipt is of {}, not of {uid}", receipt.uid);
        Err(Error::new(ErrorKind::Unexpected, operation).with_detail(detail))
    }

    /// Looks what became of it. While the incoming lead waits, the command is sent again: exactly one can succeed.
    pub(crate) async fn reconcile_decision(
        &self,
        uid: &Uid,
        decision: Decision,
        lost: Error,
    ) -> Result<Receipt> {
        let mut rounds = Rounds::new(self, &lost);
        while rounds.next().await {
            match self.get(uid).await {
                Ok(Some(_)) => match self.decide_once(uid, decision).await {
                    // It was decided between the two: by the first attempt, or by somebody else.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    // What the rules refuse now they refused before; anything else says nothing of the first attempt.
                    Err(error) if error.outcome() == Outcome::Unknown || error.refusal().is_none() => {
                        continue;
                    }
                    settled => return settled,
                },
                Ok(None) => {}
                Err(_) => continue,
            }
            match self.evidence(uid, decision).await {
                Ok(Verdict::Ours(receipt)) => return Ok(receipt),
                Ok(Verdict::Others(how)) => {
                    let refusal = Refusal::NotFound(uid.clone());
                    return Err(Error::refused(decision.operation(), refusal).with_detail(how));
                }
                Ok(Verdict::Unknown(why)) => return Err(unknown(lost, why)),
                Err(_) => {}
            }
        }
        Err(unknown(lost, "the server could not be asked"))
    }

    /// What the server tells of an incoming lead that waits no longer.
    async fn evidence(&self, uid: &Uid, decision: Decision) -> Result<Verdict> {
        let Some(known) = self.inner.memory.get(uid) else {
            return Ok(Verdict::Unknown("it was decided before its lead was ever told of"));
        };
        let Some(id) = known.lead() else {
            return Ok(Verdict::Unknown("the id of its lead was never told"));
        };
        let fate = self.counted(uid).await?;
        let Some(lead) = self.one::<Lead>(id).await? else {
            return Ok(Verdict::Unknown("its lead is not told of any more"));
        };
        let is_made = known.is_made.unwrap_or(known.receipt.created_at == Some(lead.stamp.created_at));
        let Some(fate) = fate.or_else(|| shown(&known, &lead, is_made)) else {
            return Ok(Verdict::Unknown("neither the summary nor its lead tells what became of it"));
        };
        if fate != decision.fate() {
            return Ok(Verdict::Others(match fate {
                Fate::Accepted => "it was accepted meanwhile",
                Fate::Declined => "it was declined meanwhile",
                Fate::Linked => "it was linked meanwhile",
            }));
        }
        let caller = self.caller().await?;
        match decision {
            _ if !is_made => Ok(Verdict::Unknown("its lead was there before and does not tell who decided")),
            Decision::Accept(command) => Ok(accepted(&known, &lead, command, caller)),
            Decision::Decline(_) => Ok(declined(&known, &lead, caller)),
            Decision::Link(command) => self.linked(&known, &lead, command, caller).await,
        }
    }

    /// What the summary counts of it, where the other side can count one uid.
    async fn counted(&self, uid: &Uid) -> Result<Option<Fate>> {
        let query = SummaryQuery { uids: Some(vec![uid.clone()]), ..SummaryQuery::default() };
        let summary = self.summary(&query).await?;
        Ok(match (summary.total, summary.accepted, summary.declined) {
            (1, 1, Some(0)) => Some(Fate::Accepted),
            (1, 0, Some(1)) => Some(Fate::Declined),
            (1, 0, Some(0)) => Some(Fate::Linked),
            _ => None,
        })
    }

    async fn linked(&self, known: &Known, lead: &Lead, link: Link, caller: UserId) -> Result<Verdict> {
        let Link { target, contact_id, user_id: _ } = link;
        let (contacts, updated_by) = match target {
            LinkTarget::Lead(id) => match self.one::<Lead>(id).await? {
                Some(target) => (target.contacts, target.stamp.updated_by),
                None => return Ok(Verdict::Unknown("the target is not told of any more")),
            },
            LinkTarget::Customer(id) => match self.one::<Customer>(id).await? {
                Some(target) => (target.contacts, target.stamp.updated_by),
                None => return Ok(Verdict::Unknown("the target is not told of any more")),
            },
        };
        let Some(contact) = contact_id.or(known.contact()) else {
            return Ok(Verdict::Unknown("it had no contact that could be seen at the target"));
        };
        let is_binned_by_us = lead.stamp.is_deleted && lead.stamp.updated_by == Some(caller);
        Ok(match (contacts.contains(&contact), is_binned_by_us, updated_by == Some(caller)) {
            (true, true, true) => Verdict::Ours(linked_receipt(known, target, contact_id)),
            (false, ..) => Verdict::Others("it was linked to something else"),
            (true, ..) => Verdict::Unknown("it was linked there, and nothing tells by whom"),
        })
    }
}

/// What its lead shows of it: one that was made with it is in the bin, or in a stage.
fn shown(known: &Known, lead: &Lead, is_made: bool) -> Option<Fate> {
    if !is_made {
        return None;
    }
    match (lead.stamp.is_deleted, known.receipt.category) {
        (false, _) => Some(Fate::Accepted),
        (true, Some(Category::Sip | Category::Forms)) => Some(Fate::Declined),
        // In the bin after a decline and after a link.
        (true, Some(Category::Chats | Category::Mail) | None) => None,
    }
}

/// Accepting sets the creator, and nothing else ever does.
fn accepted(known: &Known, lead: &Lead, command: Accept, caller: UserId) -> Verdict {
    let Accept { user_id, status_id } = command;
    if lead.stamp.created_by != Some(user_id.unwrap_or(caller)) {
        return Verdict::Others("it was accepted for another user");
    }
    if lead.stamp.updated_by != Some(caller) || status_id.is_some_and(|status| status != lead.status_id) {
        return Verdict::Unknown("it was accepted, and its lead was changed since or by somebody else");
    }
    Verdict::Ours(known.receipt.clone())
}

fn declined(known: &Known, lead: &Lead, caller: UserId) -> Verdict {
    match (lead.stamp.is_deleted, lead.stamp.updated_by == Some(caller)) {
        (true, true) => Verdict::Ours(known.receipt.clone()),
        (true, false) => Verdict::Others("it was declined by somebody else"),
        (false, _) => Verdict::Unknown("it was declined, and its lead was taken out of the bin since"),
    }
}

fn linked_receipt(known: &Known, target: LinkTarget, contact_id: Option<ContactId>) -> Receipt {
    let (leads, customers) = match target {
        LinkTarget::Lead(id) => (vec![id], Vec::new()),
        LinkTarget::Customer(id) => (Vec::new(), vec![id]),
    };
    Receipt {
        leads: Some(leads),
        customers: Some(customers),
        contacts: contact_id.map(|id| vec![id]),
        companies: None,
        ..known.receipt.clone()
    }
}
