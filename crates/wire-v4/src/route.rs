//! Which operation a method and a path mean.
//!
//! Empty segments are skipped, because clients send a trailing slash and doubled slashes. `summary`, `sip` and `forms`
//! are never uids.

use http::Method;
use incoming_leads_model::{
    Category, CompanyId, ContactId, CustomerId, EntityKind, EntityRef, FieldId, LeadId, NoteId, PipelineId,
    StatusId, Uid, UserId,
};

use crate::document::digits;
use crate::problem::{Problem, ValidationError, code};
use crate::query::decode_percent;

/// An operation of v4, with what the path says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// List incoming leads.
    List,
    /// Summarise incoming leads.
    Summary,
    /// Get an incoming lead; none when the text in the path cannot be a uid, so that nothing has it.
    Get(Option<Uid>),
    /// Add calls.
    AddSip,
    /// Add forms.
    AddForms,
    /// Take in a chat or a mail. No operation of the documents; a server opens it only when asked to.
    TakeIn(Category),
    /// Accept an incoming lead.
    Accept(Option<Uid>),
    /// Decline an incoming lead.
    Decline(Option<Uid>),
    /// Link an incoming lead.
    Link(Option<Uid>),
    /// Leads, contacts, companies or customers.
    Entities(EntityKind),
    /// One lead, contact, company or customer.
    Entity(EntityRef),
    /// The notes on one.
    Notes(EntityRef),
    /// One of them.
    Note(EntityRef, NoteId),
    /// The definitions of custom fields of a kind of entity.
    Fields(EntityKind),
    /// The definition of one.
    Field(EntityKind, FieldId),
    /// The pipelines.
    Pipelines,
    /// One pipeline.
    Pipeline(PipelineId),
    /// The statuses of a pipeline.
    Statuses(PipelineId),
    /// One status of a pipeline.
    Status(PipelineId, StatusId),
    /// The users.
    Users,
    /// One user.
    User(UserId),
    /// The account.
    Account,
    /// Tokens of OAuth.
    AccessToken,
    /// Where the account of a token is.
    AccountSubdomain,
}

/// Finds the operation.
///
/// # Errors
/// 404 when there is none at this path, 405 when it has another method, 400 when the path is not properly escaped.
pub fn find(method: &Method, path: &str) -> Result<Route, Problem> {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).map(unescape);
    let segments = segments.collect::<Result<Vec<_>, _>>()?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let not_found = || Problem::not_found("there is nothing at this address");
    let (route, verb) = match segments.as_slice() {
        ["api", "v4", rest @ ..] => unsorted(rest, method).or_else(|| others(rest)).ok_or_else(not_found)?,
        ["oauth2", "access_token"] => (Route::AccessToken, Verb::Post),
        // The shorter one is the older. Source: the vendor's PHP client.
        ["oauth2", "account", "current", "subdomain"] | ["oauth2", "account", "subdomain"] => {
            (Route::AccountSubdomain, Verb::Get)
        }
        _ => return Err(not_found()),
    };
    if verb.allows(method) { Ok(route) } else { Err(Problem::method_not_allowed(verb.allow())) }
}

/// The longest path that has a meaning has five segments after `api/v4`; a path is bounded by its server.
fn unescape(segment: &str) -> Result<std::borrow::Cow<'_, str>, Problem> {
    decode_percent(segment).ok_or_else(|| {
        let detail = "the path holds a % that is not followed by two hex digits, or bytes that are not UTF-8";
        ValidationError::new(code::INVALID_TYPE, "", detail).into()
    })
}

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    fn allows(self, method: &Method) -> bool {
        match self {
            Self::Get => [Method::GET, Method::HEAD].contains(method),
            Self::Post => method == Method::POST,
            Self::Delete => method == Method::DELETE,
        }
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

fn unsorted(segments: &[&str], method: &Method) -> Option<(Route, Verb)> {
    let ["leads", "unsorted", rest @ ..] = segments else { return None };
    let uid = |text: &str| Uid::new(text).ok();
    Some(match rest {
        [] => (Route::List, Verb::Get),
        ["summary"] => (Route::Summary, Verb::Get),
        ["sip"] => (Route::AddSip, Verb::Post),
        ["forms"] => (Route::AddForms, Verb::Post),
        ["chats"] if method == Method::POST => (Route::TakeIn(Category::Chats), Verb::Post),
        ["mail"] if method == Method::POST => (Route::TakeIn(Category::Mail), Verb::Post),
        [text] => (Route::Get(uid(text)), Verb::Get),
        [text, "accept"] => (Route::Accept(uid(text)), Verb::Post),
        [text, "decline"] => (Route::Decline(uid(text)), Verb::Delete),
        [text, "link"] => (Route::Link(uid(text)), Verb::Post),
        _ => return None,
    })
}

fn others(segments: &[&str]) -> Option<(Route, Verb)> {
    let route = match segments {
        ["account"] => Route::Account,
        ["users"] => Route::Users,
        ["users", id] => Route::User(UserId::new(digits(id)?).ok()?),
        ["leads", "pipelines"] => Route::Pipelines,
        ["leads", "pipelines", id] => Route::Pipeline(pipeline(id)?),
        ["leads", "pipelines", id, "statuses"] => Route::Statuses(pipeline(id)?),
        ["leads", "pipelines", id, "statuses", status] => {
            Route::Status(pipeline(id)?, StatusId::new(digits(status)?).ok()?)
        }
        [kind] => Route::Entities(entity_kind(kind)?),
        [kind, "custom_fields"] => Route::Fields(entity_kind(kind)?),
        [kind, "custom_fields", id] => Route::Field(entity_kind(kind)?, FieldId::new(digits(id)?).ok()?),
        [kind, id] => Route::Entity(entity(kind, id)?),
        [kind, id, "notes"] => Route::Notes(entity(kind, id)?),
        [kind, id, "notes", note] => Route::Note(entity(kind, id)?, NoteId::new(digits(note)?).ok()?),
        _ => return None,
    };
    Some((route, Verb::Get))
}

fn pipeline(id: &str) -> Option<PipelineId> {
    PipelineId::new(digits(id)?).ok()
}

fn entity_kind(folder: &str) -> Option<EntityKind> {
    Some(match folder {
        "leads" => EntityKind::Lead,
        "contacts" => EntityKind::Contact,
        "companies" => EntityKind::Company,
        "customers" => EntityKind::Customer,
        _ => return None,
    })
}

fn entity(folder: &str, id: &str) -> Option<EntityRef> {
    let id = digits(id)?;
    Some(match entity_kind(folder)? {
        EntityKind::Lead => EntityRef::Lead(LeadId::new(id).ok()?),
        EntityKind::Contact => EntityRef::Contact(ContactId::new(id).ok()?),
        EntityKind::Company => EntityRef::Company(CompanyId::new(id).ok()?),
        EntityKind::Customer => EntityRef::Customer(CustomerId::new(id).ok()?),
    })
}
