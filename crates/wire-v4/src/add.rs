//! `POST /api/v4/leads/unsorted/sip` and `…/forms`: calls and forms come in.

use http::{Method, Request, Response};
use incoming_leads_model::lifecycle::Channel;
use incoming_leads_model::limits::{MAX_BATCH_ITEMS, MAX_JSON_DEPTH};
use incoming_leads_model::{
    Add, Category, CompanyDraft, ContactDraft, Draft, Generation, LeadDraft, Metadata, PipelineId, Receipt,
    TakeIn,
};
use serde::de::{Deserialize, DeserializeOwned};
use serde_json::Value;

use crate::body::{CompanyBody, ContactBody, LeadBody, write_company, write_contact, write_lead};
use crate::convert::{each, few, id, moment, text};
use crate::document::{Few, Text, Whole, document};
use crate::json;
use crate::message::{Failure, check_type, ok, read_body, read_receipt, request as build};
use crate::metadata::{
    ChatsDocument, FormsDocument, MailDocument, SipDocument, write_call_sent, write_form_sent,
};
use crate::problem::{ItemErrors, Problem, ValidationError, code};
use crate::receipt::{ReceiptDocument, write_added};
use crate::write::{Origin, Writer};

/// An add as a client sent it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AddRequest {
    /// The command.
    pub add: Add,
    /// The `request_id` of each item, its place in the batch where it has none: what the answer and the errors carry.
    pub request_ids: Vec<String>,
}

/// An item, once for each category, because the category picks the metadata. Keys that nobody knows are ignored.
macro_rules! add_item {
    ($Item:ident, $Metadata:ty, $Variant:ident) => {
        document! {
            struct $Item {
                "request_id" => request_id: Text,
                "source_name" => source_name: Text,
                "source_uid" => source_uid: Text,
                "pipeline_id" => pipeline_id: Whole,
                "created_at" => created_at: Whole,
                "_embedded" => embedded: EmbeddedBodies,
                "metadata" => metadata: $Metadata,
            }
        }

        impl AddItem for $Item {
            fn convert(self) -> (Option<Text>, Result<Draft, ValidationError>) {
                let Self { request_id, source_name, source_uid, pipeline_id, created_at, embedded, metadata } = self;
                let metadata = metadata.map(|metadata| metadata.try_into().map(Metadata::$Variant)).transpose();
                let metadata = metadata.map_err(|error: ValidationError| error.within("metadata"));
                let draft = metadata.and_then(|metadata| {
                    let parts = Parts { source_name, source_uid, pipeline_id, created_at, embedded };
                    parts.draft(metadata)
                });
                (request_id, draft)
            }
        }
    };
}

add_item!(CallItem, SipDocument, Sip);
add_item!(FormItem, FormsDocument, Forms);
add_item!(ChatItem, ChatsDocument, Chats);
add_item!(MailItem, MailDocument, Mail);

document! {
    struct EmbeddedBodies {
        "leads" => leads: Few<LeadBody>,
        "contacts" => contacts: Few<ContactBody>,
        "companies" => companies: Few<CompanyBody>,
    }
}

/// An item of an add, whatever its category.
trait AddItem: DeserializeOwned {
    /// Its `request_id` and what it says.
    fn convert(self) -> (Option<Text>, Result<Draft, ValidationError>);
}

/// What items of both categories have.
struct Parts {
    source_name: Option<Text>,
    source_uid: Option<Text>,
    pipeline_id: Option<Whole>,
    created_at: Option<Whole>,
    embedded: Option<EmbeddedBodies>,
}

impl Parts {
    fn draft(self, metadata: Option<Metadata>) -> Result<Draft, ValidationError> {
        let Self { source_name, source_uid, pipeline_id, created_at, embedded } = self;
        let EmbeddedBodies { leads, contacts, companies } = embedded.unwrap_or_default();
        Ok(Draft {
            source_name: text(source_name),
            source_uid: text(source_uid),
            pipeline_id: id::<PipelineId>("pipeline_id", pipeline_id)?,
            created_at: moment("created_at", created_at)?,
            metadata,
            leads: few("_embedded.leads", leads, LeadDraft::try_from)?,
            contacts: few("_embedded.contacts", contacts, ContactDraft::try_from)?,
            companies: few("_embedded.companies", companies, CompanyDraft::try_from)?,
        })
    }
}

/// Server: reads the command. The body is a bare list.
///
/// # Errors
/// 400 with what is wrong, item by item; 415 when the body is not JSON.
pub fn read_request<B: AsRef<[u8]>>(channel: Channel, request: &Request<B>) -> Result<AddRequest, Problem> {
    check_type(request.headers())?;
    let body = request.body().as_ref();
    json::check(body, MAX_JSON_DEPTH).map_err(of_item)?;
    if !body.trim_ascii_start().starts_with(b"[") {
        return Err(no_list(body));
    }
    match channel {
        Channel::Sip => read_items::<CallItem>(channel, body),
        Channel::Forms => read_items::<FormItem>(channel, body),
    }
}

fn read_items<T: AddItem>(channel: Channel, body: &[u8]) -> Result<AddRequest, Problem> {
    let Ok(Few { kept, total }) = json::parse::<Few<T>>(body) else {
        return Err(unreadable_items::<T>(body));
    };
    bounded(total)?;
    let mut request_ids = Vec::with_capacity(total);
    let mut drafts = Vec::with_capacity(total);
    let mut errors = Vec::new();
    for (place, item) in kept.into_iter().enumerate() {
        let (request_id, draft) = item.convert();
        let request_id = request_id.map_or_else(|| place.to_string(), |Text(id)| id);
        match draft {
            Ok(draft) => drafts.push(draft),
            Err(error) => errors.push(ItemErrors::new(request_id.clone(), vec![error])),
        }
        request_ids.push(request_id);
    }
    if !errors.is_empty() {
        return Err(Problem::validation(errors));
    }
    Ok(AddRequest { add: Add { channel, generation: Generation::V4, items: drafts }, request_ids })
}

/// More than the model takes are not even looked at one by one: the answer to a megabyte of zeros is not many megabytes.
fn bounded(total: usize) -> Result<(), ValidationError> {
    if total <= MAX_BATCH_ITEMS {
        return Ok(());
    }
    let detail = format!("{total} items, at most {MAX_BATCH_ITEMS} are taken at once");
    Err(ValidationError::new(code::TOO_MANY, "", detail))
}

/// Something in the batch has the wrong type: looks at each item alone, to name all that are wrong.
fn unreadable_items<T: AddItem>(body: &[u8]) -> Problem {
    let items: Vec<Value> = match json::decode(body) {
        Ok(items) => items,
        Err(error) => return error.into(),
    };
    if let Err(error) = bounded(items.len()) {
        return error.into();
    }
    let mut errors = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        let request_id = item.get("request_id").and_then(|id| Text::deserialize(id).ok());
        let request_id = request_id.map_or_else(|| place.to_string(), |Text(id)| id);
        let error = match json::decode_value::<T>(item) {
            Ok(item) => item.convert().1.err(),
            Err(error) => Some(error),
        };
        errors.extend(error.map(|error| ItemErrors::new(request_id, vec![error])));
    }
    Problem::validation(errors)
}

/// A fault of the JSON itself: when it lies within an item, the item is named by its place.
fn of_item(mut error: ValidationError) -> Problem {
    let (first, rest) = error.path.split_once('.').unwrap_or((&error.path, ""));
    if first.parse::<usize>().is_err() {
        return error.into();
    }
    let (place, rest) = (first.to_owned(), rest.to_owned());
    error.path = rest;
    Problem::validation(vec![ItemErrors::new(place, vec![error])])
}

/// As many keys of a body that is no list are answered for.
const SHOWN_KEYS: usize = 10;

/// The body is no list. An object is answered as the real server was seen to do: each of its keys is taken for an
/// item, in which all that is required is missing; a single item that stands alone gets a hint.
fn no_list(body: &[u8]) -> Problem {
    let hint = "a list of incoming leads is due, also for a single one, as in [{\"source_name\": ...}]";
    let object = match json::decode(body) {
        Ok(Value::Object(object)) if !object.is_empty() => object,
        _ => return ValidationError::new(code::INVALID_TYPE, "", hint).into(),
    };
    if ["source_name", "source_uid", "metadata", "_embedded"].iter().any(|key| object.contains_key(*key)) {
        return ValidationError::new(code::INVALID_TYPE, "", hint).into();
    }
    let mut errors = Vec::new();
    for key in object.keys().take(SHOWN_KEYS) {
        let key = &key[..key.floor_char_boundary(64)];
        for required in ["source_name", "source_uid", "metadata"] {
            let detail = "This field is missing. The body is a bare list of incoming leads.";
            errors.push(ValidationError::new(code::FIELD_MISSING, format!("{key}.{required}"), detail));
        }
    }
    Problem::validation(vec![ItemErrors::new("0", errors)])
}

/// Server: reads one chat or mail to take in: an item like those of an add, with the metadata of its category, but
/// alone. No operation of the documents.
///
/// # Errors
/// 400 with what is wrong; 415 when the body is not JSON.
pub fn read_take_in<B: AsRef<[u8]>>(category: Category, request: &Request<B>) -> Result<TakeIn, Problem> {
    let body = request.body().as_ref();
    let (_, draft) = match category {
        Category::Sip => read_body::<CallItem>(request.headers(), body)?.convert(),
        Category::Forms => read_body::<FormItem>(request.headers(), body)?.convert(),
        Category::Chats => read_body::<ChatItem>(request.headers(), body)?.convert(),
        Category::Mail => read_body::<MailItem>(request.headers(), body)?.convert(),
    };
    Ok(TakeIn::new(draft?))
}

/// Client: commands. Each item's place in the batch is its `request_id`.
///
/// Lost on the way: the notes of a lead, which have no place on v4.
#[must_use]
pub fn request(add: &Add, origin: &Origin) -> Request<Vec<u8>> {
    let Add { channel, generation: _, items } = add;
    let mut body = Vec::with_capacity(items.len() * 1024);
    Writer::new(&mut body, origin)
        .list(items.iter().enumerate(), |w, (place, draft)| write_item(w, place, draft));
    let path = match channel {
        Channel::Sip => "/api/v4/leads/unsorted/sip",
        Channel::Forms => "/api/v4/leads/unsorted/forms",
    };
    build(Method::POST, origin, path, Some(body))
}

fn write_item(w: &mut Writer<'_>, place: usize, draft: &Draft) {
    let Draft { source_name, source_uid, pipeline_id, created_at, metadata, leads, contacts, companies } =
        draft;
    w.object(|w| {
        w.field("request_id", &place.to_string());
        w.field_if_some("source_name", source_name.as_ref());
        w.field_if_some("source_uid", source_uid.as_ref());
        w.field_if_some("pipeline_id", pipeline_id.map(|id| id.get()));
        w.field_if_some("created_at", *created_at);
        w.key("_embedded");
        w.object(|w| {
            w.key("leads");
            w.list(leads, write_lead);
            w.key("contacts");
            w.list(contacts, write_contact);
            w.key("companies");
            w.list(companies, write_company);
        });
        w.key_if_some("metadata", metadata.as_ref(), |w, metadata| match metadata {
            Metadata::Sip(call) => write_call_sent(w, call),
            Metadata::Forms(form) => write_form_sent(w, form),
            // The model refuses these in an add; what they tell is sent, so that the server may say so itself.
            Metadata::Chats(_) | Metadata::Mail(_) => crate::metadata::write_told(w, metadata),
        });
    });
}

/// Server: answers. `request_ids` are those of the request, one for each receipt.
#[must_use]
pub fn response(receipts: &[Receipt], request_ids: &[String], origin: &Origin) -> Response<Vec<u8>> {
    ok(origin, |w| {
        w.object(|w| {
            w.field("_total_items", receipts.len() as u64);
            w.key("_embedded");
            w.object(|w| {
                w.key("unsorted");
                w.list(receipts.iter().zip(request_ids), |w, (receipt, id)| write_added(w, receipt, id));
            });
        });
    })
}

document! {
    struct AddedDocument {
        "_embedded" => embedded: AddedItems,
    }
}

document! {
    struct AddedItems {
        "unsorted" => unsorted: Vec<ReceiptDocument>,
    }
}

/// Client: reads the answer, in the order of the request: items that name another's place are put there.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read, also when it has not one item for each of `sent`.
pub fn read_response<B: AsRef<[u8]>>(sent: usize, response: &Response<B>) -> Result<Vec<Receipt>, Failure> {
    let AddedDocument { embedded } = read_receipt(response)?;
    let mut items = embedded.unwrap_or_default().unsorted.unwrap_or_default();
    let path = "_embedded.unsorted";
    if items.len() != sent {
        let detail = format!("{sent} items were sent, the answer has {}", items.len());
        return Err(ValidationError::new(code::INVALID_TYPE, path, detail).into());
    }
    let place =
        |item: &ReceiptDocument| item.request_id.as_ref().and_then(|Text(id)| id.parse::<usize>().ok());
    if items.iter().all(|item| place(item).is_some()) {
        items.sort_by_key(place);
    }
    Ok(each(path, Some(items), Receipt::try_from)?)
}
