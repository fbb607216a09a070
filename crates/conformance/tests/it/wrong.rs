//! A wrapper around right handles that breaks one rule.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use incoming_leads_conformance::{Fixture, Instance, Skip, Subject};
use incoming_leads_model::{
    Accept, Add, Company, CompanyId, Contact, ContactId, Customer, CustomerId, Decline, Direction, Draft,
    EntityRef, EventKind, FaultCode, IncomingLead, ItemFaults, Layout, Lead, LeadId, Link, ListQuery,
    Metadata, Moment, More, Note, Page, PageRequest, Receipt, Refusal, StatusId, Summary, SummaryQuery,
    TakeIn, Uid, Window,
};
use incoming_leads_port::{
    Capabilities, Cursor, Directory, EntityQuery, Error, ErrorKind, Events, History, IncomingLeads, Intake,
    ItemVersion, Outcome, Ports, Result, Versioned,
};

use crate::in_memory;

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    AcceptedTwice,
    DecidedStillRead,
    UidOrderIgnored,
    DirectionIgnored,
    LimitIgnored,
    PageOffByOne,
    MoreIsAlwaysYes,
    CategoryFilterIgnored,
    BatchNotAtomic,
    EmptyBatchTaken,
    ReceiptsReversed,
    DuplicatesTaken,
    ArchivedPipelineTaken,
    SourceNotRequired,
    CreatedAtIgnored,
    ViewerMayAccept,
    SorterMayLink,
    StrangerSees,
    DefaultStatusWrong,
    NamedUserIgnored,
    UnknownUserTaken,
    WindowOpenAtItsEnd,
    MeanIncludesLinks,
    SummaryForgetsDecided,
    RefusalsOfUnknownOutcome,
    BinStaysEmpty,
    ContactsListedEarly,
    WaitingChatDoubled,
    HistoryForgetsDeclines,
    VersionStandsStill,
}

/// Hands out instances in memory that break a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongSubject(pub(crate) Plant);

#[async_trait]
impl Subject for WrongSubject {
    async fn fresh(&self, fixture: &Fixture) -> std::result::Result<Instance, Skip> {
        let instance = in_memory(fixture).await;
        let administrator = Arc::clone(&instance.administrator.incoming);
        let memory = Arc::new(Mutex::default());
        let mut roles = [Role::Administrator, Role::Sorter, Role::Viewer, Role::Stranger].into_iter();
        Ok(instance.map(|right| {
            let (administrator, memory) = (Arc::clone(&administrator), Arc::clone(&memory));
            let role = roles.next().unwrap();
            let wrong = Arc::new(Wrong { plant: self.0, role, right, administrator, memory });
            Ports::all(wrong)
        }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Administrator,
    Sorter,
    Viewer,
    Stranger,
}

/// What was accepted: the receipt, and the lead as it waited.
type Accepted = HashMap<Uid, (Receipt, Option<IncomingLead>)>;

#[derive(Debug)]
struct Wrong {
    plant: Plant,
    role: Role,
    right: Ports,
    administrator: Arc<dyn IncomingLeads>,
    memory: Arc<Mutex<Accepted>>,
}

impl Wrong {
    /// Who breaks the rule answers for the port of the administrator, who breaks none for their own.
    fn port_if(&self, plant: Plant, role: Role) -> &dyn IncomingLeads {
        if self.plant == plant && self.role == role { &*self.administrator } else { &*self.right.incoming }
    }

    fn refusal<T>(&self, result: Result<T>) -> Result<T> {
        match self.plant {
            Plant::RefusalsOfUnknownOutcome => result.map_err(|error| error.with_outcome(Outcome::Unknown)),
            _ => result,
        }
    }

    fn directory(&self) -> &dyn Directory {
        self.right.directory.as_deref().unwrap()
    }

    fn versioned(&self) -> &dyn Versioned {
        self.right.versioned.as_deref().unwrap()
    }
}

/// Items of an add that were refused.
fn faults(error: &Error) -> &[ItemFaults] {
    match error.refusal() {
        Some(Refusal::Items(items)) => items,
        _ => &[],
    }
}

/// Whether a fault of this code is told at this path.
fn tells(error: &Error, code: FaultCode, path: &str) -> bool {
    let mut faults = faults(error).iter().flat_map(|item| &item.faults);
    faults.any(|fault| fault.code == code && fault.path.to_string() == path)
}

/// The same batch with each item changed.
fn changed(add: &Add, change: impl Fn(Draft) -> Draft) -> Add {
    Add { items: add.items.iter().cloned().map(change).collect(), ..add.clone() }
}

fn without_identity(mut draft: Draft) -> Draft {
    match &mut draft.metadata {
        Some(Metadata::Sip(call)) => call.called_at = None,
        Some(Metadata::Forms(form)) => form.form_sent_at = None,
        _ => {}
    }
    draft
}

#[async_trait]
impl IncomingLeads for Wrong {
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let mut query = query.clone();
        let asked = query.page;
        match self.plant {
            Plant::LimitIgnored => query.page = PageRequest::new(asked.number(), 500).unwrap(),
            Plant::PageOffByOne => query.page = PageRequest::new(1, 500).unwrap(),
            Plant::CategoryFilterIgnored => query.filter.categories = None,
            Plant::DirectionIgnored => query.order.direction = Direction::Descending,
            _ => {}
        }
        let mut page = self.right.incoming.list(&query).await?;
        match self.plant {
            Plant::UidOrderIgnored => {
                let of_one_moment =
                    |one: &IncomingLead, other: &IncomingLead| one.created_at == other.created_at;
                page.items =
                    page.items.chunk_by(of_one_moment).flat_map(|run| run.iter().rev().cloned()).collect();
            }
            Plant::PageOffByOne => {
                let before = asked.offset() as usize + usize::from(asked.number() > 1);
                let rest = page.items.into_iter().skip(before);
                page.items = rest.take(asked.size() as usize).collect();
            }
            Plant::MoreIsAlwaysYes => page.more = More::Yes,
            _ => {}
        }
        Ok(page)
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        let got = self.port_if(Plant::StrangerSees, Role::Stranger).get(uid).await?;
        let memory = self.memory.lock().unwrap();
        let remembered = memory.get(uid).filter(|_| self.plant == Plant::DecidedStillRead);
        Ok(got.or_else(|| remembered?.1.clone()))
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        let add = match self.plant {
            Plant::EmptyBatchTaken if add.items.is_empty() => return Ok(vec![]),
            Plant::CreatedAtIgnored => changed(add, |draft| Draft { created_at: None, ..draft }),
            Plant::SourceNotRequired => changed(add, |draft| Draft {
                source_uid: draft
                    .source_uid
                    .filter(|text| !text.is_empty())
                    .or_else(|| Some("any".to_owned())),
                ..draft
            }),
            _ => add.clone(),
        };
        let result = self.right.incoming.add(&add).await;
        let error = match result {
            Ok(mut receipts) => {
                if self.plant == Plant::ReceiptsReversed {
                    receipts.reverse();
                }
                return Ok(receipts);
            }
            Err(error) => error,
        };
        match self.plant {
            Plant::BatchNotAtomic => {
                let is_bad = |index| faults(&error).iter().any(|item| item.index == index);
                let good = add.items.iter().enumerate().filter(|(index, _)| !is_bad(*index));
                let good = Add { items: good.map(|(_, item)| item.clone()).collect(), ..add.clone() };
                if !good.items.is_empty() {
                    let _ = self.right.incoming.add(&good).await;
                }
                Err(error)
            }
            Plant::DuplicatesTaken if tells(&error, FaultCode::Duplicate, "metadata") => {
                self.right.incoming.add(&changed(&add, without_identity)).await
            }
            Plant::ArchivedPipelineTaken if tells(&error, FaultCode::NotSupportedChoice, "pipeline_id") => {
                self.right.incoming.add(&changed(&add, |draft| Draft { pipeline_id: None, ..draft })).await
            }
            _ => self.refusal(Err(error)),
        }
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        let mut accept = *accept;
        match self.plant {
            Plant::DefaultStatusWrong => accept.status_id = accept.status_id.or(Some(StatusId::WON)),
            Plant::NamedUserIgnored => accept.user_id = None,
            _ => {}
        }
        let waited = self.right.incoming.get(uid).await?;
        let port = self.port_if(Plant::ViewerMayAccept, Role::Viewer);
        let mut result = port.accept(uid, &accept).await;
        let is_invalid = matches!(&result, Err(error) if error.kind() == ErrorKind::Invalid);
        if self.plant == Plant::UnknownUserTaken && is_invalid {
            result = port.accept(uid, &Accept { user_id: None, ..accept }).await;
        }
        let mut memory = self.memory.lock().unwrap();
        match (result, self.plant, memory.get(uid)) {
            (Ok(receipt), _, _) => {
                memory.insert(uid.clone(), (receipt.clone(), waited));
                Ok(receipt)
            }
            (Err(_), Plant::AcceptedTwice, Some((receipt, _))) => Ok(receipt.clone()),
            (result, _, _) => self.refusal(result),
        }
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.refusal(self.right.incoming.decline(uid, decline).await)
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.refusal(self.port_if(Plant::SorterMayLink, Role::Sorter).link(uid, link).await)
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let mut query = query.clone();
        let (from, to) = (query.window.from(), query.window.to());
        if self.plant == Plant::WindowOpenAtItsEnd && from < to {
            query.window = Window::new(from, Moment::from_secs(to.secs() - 1).unwrap()).unwrap();
        }
        if let (Plant::SummaryForgetsDecided, Some(uids)) = (self.plant, &query.uids) {
            let memory = self.memory.lock().unwrap();
            query.uids = Some(uids.iter().filter(|uid| !memory.contains_key(*uid)).cloned().collect());
        }
        let mut summary = self.right.incoming.summary(&query).await?;
        if self.plant == Plant::MeanIncludesLinks {
            let sorted = summary.accepted + summary.declined.unwrap();
            let all = (sorted + summary.linked.unwrap()).max(1);
            summary.average_sort_time_secs = summary.average_sort_time_secs * sorted / all;
        }
        Ok(summary)
    }
}

#[async_trait]
impl Directory for Wrong {
    async fn layout(&self) -> Result<Arc<Layout>> {
        self.directory().layout().await
    }

    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        let mut page = self.directory().leads(query).await?;
        if self.plant == Plant::BinStaysEmpty {
            page.items.iter_mut().for_each(|lead| lead.stamp.is_deleted = false);
        }
        Ok(page)
    }

    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>> {
        if (self.plant, &query.ids) == (Plant::ContactsListedEarly, &None) {
            // Where the fixture's ids end, and a little further.
            let all = (901..1100).map(|number| ContactId::new(number).unwrap()).collect();
            return self.directory().contacts(&EntityQuery::with_ids(all)).await;
        }
        self.directory().contacts(query).await
    }

    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>> {
        self.directory().companies(query).await
    }

    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>> {
        self.directory().customers(query).await
    }

    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>> {
        self.directory().notes(on, page).await
    }
}

#[async_trait]
impl Intake for Wrong {
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt> {
        let mut item = item.clone();
        if let (Plant::WaitingChatDoubled, Some(Metadata::Chats(chat))) =
            (self.plant, &mut item.item.metadata)
        {
            chat.origin.chat_id = None;
        }
        self.right.intake.as_deref().unwrap().take_in(&item).await
    }
}

#[async_trait]
impl History for Wrong {
    async fn events(&self, after: Option<&Cursor>, most: u32) -> Result<Events> {
        let mut stretch = self.right.history.as_deref().unwrap().events(after, most).await?;
        if self.plant == Plant::HistoryForgetsDeclines {
            stretch.events.retain(|event| !matches!(event.kind, EventKind::Declined(_)));
        }
        Ok(stretch)
    }
}

#[async_trait]
impl Versioned for Wrong {
    async fn revision(&self) -> Result<Option<u64>> {
        let revision = self.versioned().revision().await?;
        Ok(if self.plant == Plant::VersionStandsStill { revision.map(|_| 1) } else { revision })
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        let mut page = self.versioned().versions(query).await?;
        if self.plant == Plant::VersionStandsStill {
            page.items.iter_mut().for_each(|item| item.version = 1);
        }
        Ok(page)
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        let mut items = self.versioned().items(uids).await?;
        if self.plant == Plant::VersionStandsStill {
            items.iter_mut().for_each(|(version, _)| *version = 1);
        }
        Ok(items)
    }
}
