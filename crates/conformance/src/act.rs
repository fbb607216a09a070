//! What cases do over and over: add one, find what waits, look an entity up.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use incoming_leads_model::{
    Cards, Category, Company, CompanyId, Contact, ContactId, Customer, CustomerId, Direction, Draft,
    IncomingLead, Lead, LeadId, ListFilter, ListQuery, Order, OrderKey, PageRequest, PipelineId, Receipt,
    Uid,
};
use incoming_leads_port::{
    Directory, EntityQuery, Error, ErrorKind, IncomingLeads, IncomingLeadsExt, Intake, Ports,
};
use tokio::sync::Barrier;

use crate::drafts::{intake, one};
use crate::failure::{Failure, fails, same, some};
use crate::subject::Instance;

/// Adds one item.
pub(crate) async fn add(ports: &Ports, draft: Draft) -> Result<Receipt, Failure> {
    let receipts = ports.incoming.add(&one(draft)).await?;
    same("the number of receipts for one item", 1, receipts.len())?;
    some("the receipt", receipts.into_iter().next())
}

/// Takes one message in.
pub(crate) async fn take_in(ports: &Ports, draft: Draft) -> Result<Receipt, Failure> {
    Ok(power(&ports.intake)?.take_in(&intake(draft)).await?)
}

/// A power that the case needs, so that the runner has made sure of it.
pub(crate) fn power<T: ?Sized>(power: &Option<Arc<T>>) -> Result<&T, Failure> {
    some("the power that the case needs", power.as_deref())
}

/// All that waits, by this filter, oldest first.
pub(crate) async fn waiting(ports: &Ports, filter: ListFilter) -> Result<Vec<IncomingLead>, Failure> {
    let order = Order { key: OrderKey::CreatedAt, direction: Direction::Ascending };
    let page = PageRequest::new(1, 500).expect("500 is the largest page");
    let mut query = ListQuery { filter, order, page, cards: Cards::Omit };
    let mut all: Vec<IncomingLead> = Vec::new();
    loop {
        let page = ports.incoming.list(&query).await?;
        let is_last = page.items.len() < 500;
        if page.items.iter().any(|lead| all.iter().rev().take(500).any(|other| other.uid == lead.uid)) {
            let what = format!("page {} of all that waits", query.page.number());
            return Err(Failure::new(what, "leads that the page before did not have", "one of them again"));
        }
        all.extend(page.items);
        match query.page.next() {
            Some(next) if !is_last => query.page = next,
            _ => return Ok(all),
        }
    }
}

/// A filter by one category.
pub(crate) fn of_category(category: Category) -> ListFilter {
    ListFilter { categories: Some(vec![category]), ..ListFilter::default() }
}

/// A filter by one pipeline.
pub(crate) fn of_pipeline(pipeline: PipelineId) -> ListFilter {
    ListFilter { pipelines: Some(vec![pipeline]), ..ListFilter::default() }
}

/// The uids of leads, in order.
pub(crate) fn uids(leads: &[IncomingLead]) -> Vec<Uid> {
    leads.iter().map(|lead| lead.uid.clone()).collect()
}

/// The lead with this uid as the list tells it.
pub(crate) async fn listed(ports: &Ports, uid: &Uid) -> Result<Option<IncomingLead>, Failure> {
    Ok(waiting(ports, ListFilter::default()).await?.into_iter().find(|lead| lead.uid == *uid))
}

/// Whether anything with this uid waits: by the list, and by uid where that can be asked.
pub(crate) async fn waits(ports: &Ports, uid: &Uid) -> Result<bool, Failure> {
    let is_listed = listed(ports, uid).await?.is_some();
    if ports.incoming.capabilities().get {
        let is_found = ports.incoming.get(uid).await?.is_some();
        same("what the list and asking by uid say of one uid", is_listed, is_found)?;
    }
    Ok(is_listed)
}

/// The oldest of the fixture's chats that wait in the main pipeline.
pub(crate) async fn a_chat(on: &Instance) -> Result<Uid, Failure> {
    a_waiting(on, Category::Chats).await
}

/// The oldest lead of this category that waits.
pub(crate) async fn a_waiting(on: &Instance, category: Category) -> Result<Uid, Failure> {
    let all = waiting(&on.administrator, of_category(category)).await?;
    some("a lead of the fixture that waits", all.into_iter().next().map(|lead| lead.uid))
}

/// The directory of an administrator.
pub(crate) fn directory(on: &Instance) -> Result<&dyn Directory, Failure> {
    power(&on.administrator.directory)
}

/// What takes messages in for the administrator.
pub(crate) fn desk(on: &Instance) -> Result<&dyn Intake, Failure> {
    power(&on.administrator.intake)
}

/// The lead with this id, also hidden or in the bin.
pub(crate) async fn lead(on: &Instance, id: LeadId) -> Result<Lead, Failure> {
    let page = directory(on)?.leads(&EntityQuery::with_ids(vec![id])).await?;
    some("the lead by its id", page.items.into_iter().find(|lead| lead.id == id))
}

/// The contact with this id, also hidden or in the bin.
pub(crate) async fn contact(on: &Instance, id: ContactId) -> Result<Contact, Failure> {
    let page = directory(on)?.contacts(&EntityQuery::with_ids(vec![id])).await?;
    some("the contact by its id", page.items.into_iter().find(|contact| contact.id == id))
}

/// The company with this id, also hidden or in the bin.
pub(crate) async fn company(on: &Instance, id: CompanyId) -> Result<Company, Failure> {
    let page = directory(on)?.companies(&EntityQuery::with_ids(vec![id])).await?;
    some("the company by its id", page.items.into_iter().find(|company| company.id == id))
}

/// The customer with this id.
pub(crate) async fn customer(on: &Instance, id: CustomerId) -> Result<Customer, Failure> {
    let page = directory(on)?.customers(&EntityQuery::with_ids(vec![id])).await?;
    some("the customer by its id", page.items.into_iter().find(|customer| customer.id == id))
}

/// Whether lists show this contact and this company.
pub(crate) async fn shown(
    on: &Instance,
    contact: ContactId,
    company: CompanyId,
) -> Result<[bool; 2], Failure> {
    let page = PageRequest::new(1, 500).expect("500 is the largest page");
    let contacts = directory(on)?.contacts(&EntityQuery::listed(page)).await?.items;
    let companies = directory(on)?.companies(&EntityQuery::listed(page)).await?.items;
    Ok([contacts.iter().any(|one| one.id == contact), companies.iter().any(|one| one.id == company)])
}

/// The ids of the lead, contact and company of what waits, where the adapter tells them; else nothing.
pub(crate) async fn links(on: &Instance, uid: &Uid) -> Result<(LeadId, ContactId, CompanyId), Failure> {
    let told = match on.administrator.incoming.capabilities().get {
        true => Some(on.administrator.incoming.get_or_not_found(uid).await?),
        false => listed(&on.administrator, uid).await?,
    };
    let told = some("the lead that waits", told)?;
    let lead = told.leads.into_iter().flatten().find_map(|lead| lead.id);
    let contact = told.contacts.into_iter().flatten().find_map(|contact| contact.id);
    let company = told.companies.into_iter().flatten().find_map(|company| company.id);
    Ok((
        some("the id of its lead", lead)?,
        some("the id of its contact", contact)?,
        some("the id of its company", company)?,
    ))
}

/// Runs all at once, on as many tasks, each let go at the same moment; says how many succeeded. All others must have
/// failed with this kind of error, without effect.
pub(crate) async fn race<T, F>(loses: ErrorKind, racers: Vec<F>) -> Result<usize, Failure>
where
    T: std::fmt::Debug + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(racers.len()));
    let tasks = racers.into_iter().map(|racer| {
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            racer.await
        })
    });
    let mut won = 0;
    for outcome in join_all(tasks).await {
        match outcome {
            Ok(Ok(_)) => won += 1,
            Ok(lost) => fails(loses, lost).map(drop)?,
            Err(broken) => return Err(Failure::new("a call", "an answer", broken.to_string())),
        }
    }
    Ok(won)
}

/// A handle of its own for a task.
pub(crate) fn handle(ports: &Ports) -> Arc<dyn IncomingLeads> {
    Arc::clone(&ports.incoming)
}
