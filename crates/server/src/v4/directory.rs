//! What the links of incoming leads lead to: leads, contacts, companies, customers, notes, and the account's layout.

use std::hash::Hash;
use std::sync::Arc;

use http::Request;
use incoming_leads_model::id::InvalidId;
use incoming_leads_model::limits::MAX_PAGE_SIZE;
use incoming_leads_model::{EntityKind, EntityRef, More, NoteId, PageRequest};
use incoming_leads_port::{Directory, EntityQuery, Error, ErrorKind, Operation};
use incoming_leads_wire_v4::route::Route;
use incoming_leads_wire_v4::{Problem, account, entity, no_content};

use super::Answer;
use crate::app::Caller;
use crate::body::Incoming;

/// `GET /api/v4/{leads, contacts, companies, customers}`
pub(super) async fn entities(kind: EntityKind, caller: &Caller, request: &Request<Incoming>) -> Answer {
    let page = entity::read_list_request(request)?;
    let (directory, origin) = (directory(caller)?, &caller.origin);
    let layout = directory.layout().await?;
    Ok(match kind {
        EntityKind::Lead => {
            let leads = directory.leads(&asked(page, request)?).await?;
            entity::leads_response(&leads, page, &layout, origin)
        }
        EntityKind::Contact => {
            let contacts = directory.contacts(&asked(page, request)?).await?;
            entity::contacts_response(&contacts, page, &layout, origin)
        }
        EntityKind::Company => {
            let companies = directory.companies(&asked(page, request)?).await?;
            entity::companies_response(&companies, page, &layout, origin)
        }
        EntityKind::Customer => {
            let customers = directory.customers(&asked(page, request)?).await?;
            entity::customers_response(&customers, page, &layout, origin)
        }
    })
}

/// All that lists show, or those that `filter[id]` names.
fn asked<I>(page: PageRequest, request: &Request<Incoming>) -> Result<EntityQuery<I>, Problem>
where
    I: TryFrom<u64, Error = InvalidId> + Clone + Eq + Hash,
{
    let mut query = EntityQuery::listed(page);
    query.ids = entity::read_ids(request)?;
    Ok(query)
}

/// `GET /api/v4/{leads, contacts, companies, customers}/{id}`
pub(super) async fn entity(entity: EntityRef, caller: &Caller) -> Answer {
    let (directory, origin) = (directory(caller)?, &caller.origin);
    let layout = directory.layout().await?;
    Ok(match entity {
        EntityRef::Lead(id) => {
            let found = directory.leads(&EntityQuery::with_ids(vec![id])).await?;
            entity::lead_response(found.items.first(), &layout, origin)
        }
        EntityRef::Contact(id) => {
            let found = directory.contacts(&EntityQuery::with_ids(vec![id])).await?;
            entity::contact_response(found.items.first(), &layout, origin)
        }
        EntityRef::Company(id) => {
            let found = directory.companies(&EntityQuery::with_ids(vec![id])).await?;
            entity::company_response(found.items.first(), &layout, origin)
        }
        EntityRef::Customer(id) => {
            let found = directory.customers(&EntityQuery::with_ids(vec![id])).await?;
            entity::customer_response(found.items.first(), &layout, origin)
        }
    })
}

/// `GET /api/v4/{leads, contacts, companies, customers}/{id}/notes`
pub(super) async fn notes(on: EntityRef, caller: &Caller, request: &Request<Incoming>) -> Answer {
    let page = entity::read_list_request(request)?;
    let directory = directory(caller)?;
    let layout = directory.layout().await?;
    let notes = directory.notes(on, page).await?;
    Ok(entity::notes_response(on, &notes, page, &layout, &caller.origin))
}

/// `GET /api/v4/{leads, contacts, companies, customers}/{id}/notes/{id}`
pub(super) async fn note(on: EntityRef, id: NoteId, caller: &Caller) -> Answer {
    let directory = directory(caller)?;
    let layout = directory.layout().await?;
    let mut next = PageRequest::new(1, MAX_PAGE_SIZE).ok();
    // An entity has few notes: one page, as a rule.
    while let Some(page) = next {
        let notes = directory.notes(on, page).await?;
        if let Some(note) = notes.items.iter().find(|note| note.id == id) {
            return Ok(entity::note_response(Some(note), &layout, &caller.origin));
        }
        next = page.next().filter(|_| notes.more != More::No && !notes.items.is_empty());
    }
    Ok(entity::note_response(None, &layout, &caller.origin))
}

/// Account, pipelines, statuses, users, custom fields: all that is told of an account. Lists are told whole, on their
/// first page.
pub(super) async fn layout(route: &Route, caller: &Caller, request: &Request<Incoming>) -> Answer {
    let is_list = matches!(route, Route::Fields(_) | Route::Pipelines | Route::Statuses(_) | Route::Users);
    let is_past_the_end = is_list && entity::read_list_request(request)?.number() > 1;
    let layout = directory(caller)?.layout().await?;
    if is_past_the_end {
        return Ok(no_content());
    }
    let origin = &caller.origin;
    Ok(match *route {
        Route::Fields(kind) => account::fields_response(kind, &layout, origin),
        Route::Field(kind, field) => account::field_response(kind, field, &layout, origin),
        Route::Pipelines => account::pipelines_response(&layout, origin),
        Route::Pipeline(pipeline) => account::pipeline_response(pipeline, &layout, origin),
        Route::Statuses(pipeline) => account::statuses_response(pipeline, &layout, origin),
        Route::Status(pipeline, status) => account::status_response(pipeline, status, &layout, origin),
        Route::Users => account::users_response(&layout, origin),
        Route::User(user) => account::user_response(user, &layout, origin),
        Route::Account => match caller.session.principal {
            Some(principal) => account::account_response(&layout, principal.user_id, origin),
            None => return Err(unsupported().into()),
        },
        _ => return Err(Problem::not_found("there is nothing at this address").into()),
    })
}

fn directory(caller: &Caller) -> Result<&Arc<dyn Directory>, Error> {
    caller.session.ports.directory.as_ref().ok_or_else(unsupported)
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, Operation::Directory)
}
