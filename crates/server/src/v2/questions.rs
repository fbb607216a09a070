//! List and summary.

use std::collections::HashMap;
use std::hash::Hash;

use futures_util::future::try_join3;
use http::{Request, StatusCode};
use hyper::body::Bytes;
use incoming_leads_model::{CompanyDraft, ContactDraft, Entity, IncomingLead, LeadDraft, ListQuery, Page};
use incoming_leads_port::{Directory, EntityQuery, Error, ErrorKind, Operation, Ports};
use incoming_leads_wire_v2::{Call, list, summary};

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::Failure;

/// `GET /api/v2/incoming_leads`
///
/// v2 tells bodies, so a page whose bodies cannot be had in time is no page.
pub(super) async fn list(app: &App, caller: &Caller, request: &Request<Bytes>, call: &Call) -> Answer {
    let query = list::read_request(request)?;
    let page = tokio::time::timeout(app.patience(), page(&caller.session.ports, &query)).await;
    let late = |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the bodies of the leads took too long");
    let page = page.map_err(late)??;
    list::response(&page, call).map_err(|error| {
        tracing::error!(%error, "a page without bodies");
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the bodies of the leads are not told now")
    })
}

/// `GET /api/v2/incoming_leads/summary`
pub(super) async fn summary(caller: &Caller, request: &Request<Bytes>, call: &Call) -> Answer {
    let query = summary::read_request(request)?;
    let answer = caller.session.ports.incoming.summary(&query).await?;
    Ok(summary::response(&answer, call))
}

/// A page with bodies: those that the port tells, else those that its directory has.
async fn page(ports: &Ports, query: &ListQuery) -> Result<Page, Error> {
    let mut page = ports.incoming.list(query).await?;
    if !ports.incoming.capabilities().tells_cards {
        let lacking = || {
            let detail = "what is behind this server does not tell the bodies of leads";
            Error::new(ErrorKind::Unsupported, Operation::List).with_detail(detail)
        };
        fill(ports.directory.as_ref().ok_or_else(lacking)?.as_ref(), &mut page.items).await?;
    }
    // What nobody has a body of, of whatever is there, has an empty one.
    for lead in &mut page.items {
        empty(&mut lead.leads);
        empty(&mut lead.contacts);
        empty(&mut lead.companies);
    }
    Ok(page)
}

/// Looks all bodies up that are not told, in one question for each kind.
async fn fill(directory: &dyn Directory, leads: &mut [IncomingLead]) -> Result<(), Error> {
    let lead_ids = missing(leads.iter().flat_map(|lead| lead.leads.iter().flatten()));
    let contact_ids = missing(leads.iter().flat_map(|lead| lead.contacts.iter().flatten()));
    let company_ids = missing(leads.iter().flat_map(|lead| lead.companies.iter().flatten()));
    let (found_leads, contacts, companies) = try_join3(
        async {
            if lead_ids.is_empty() {
                return Ok(Page::empty());
            }
            directory.leads(&EntityQuery::with_ids(lead_ids)).await
        },
        async {
            if contact_ids.is_empty() {
                return Ok(Page::empty());
            }
            directory.contacts(&EntityQuery::with_ids(contact_ids)).await
        },
        async {
            if company_ids.is_empty() {
                return Ok(Page::empty());
            }
            directory.companies(&EntityQuery::with_ids(company_ids)).await
        },
    )
    .await?;
    let found_leads = found_leads.items.iter().map(|lead| (lead.id, LeadDraft::from(lead))).collect();
    let contacts = contacts.items.iter().map(|contact| (contact.id, ContactDraft::from(contact))).collect();
    let companies = companies.items.iter().map(|company| (company.id, CompanyDraft::from(company))).collect();
    for lead in leads {
        put(&mut lead.leads, &found_leads);
        put(&mut lead.contacts, &contacts);
        put(&mut lead.companies, &companies);
    }
    Ok(())
}

fn missing<'a, I: Copy + Eq + Hash + 'a, C: 'a>(entities: impl Iterator<Item = &'a Entity<I, C>>) -> Vec<I> {
    let ids: std::collections::HashSet<I> =
        entities.filter(|entity| entity.card.is_none()).filter_map(|entity| entity.id).collect();
    ids.into_iter().collect()
}

fn put<I: Eq + Hash, C: Clone>(entities: &mut Option<Vec<Entity<I, C>>>, found: &HashMap<I, C>) {
    for entity in entities.iter_mut().flatten().filter(|entity| entity.card.is_none()) {
        entity.card = entity.id.as_ref().and_then(|id| found.get(id)).cloned();
    }
}

fn empty<I, C: Default>(entities: &mut Option<Vec<Entity<I, C>>>) {
    for entity in entities.iter_mut().flatten() {
        entity.card.get_or_insert_default();
    }
}
