//! `GET /api/v2/incoming_leads`: what waits.

use std::fmt;

use http::{Request, Response};
use incoming_leads_model::limits::{MAX_NAMED_UIDS, MAX_PAGE_SIZE};
use incoming_leads_model::{
    Cards, Direction, Entity, IncomingLead, ListFilter, ListQuery, More, Order, OrderKey, Page, PageRequest,
    Uid,
};
use serde_json::Value;

use crate::call::Call;
use crate::entity::{read_company, read_contact, read_lead, write_company, write_contact, write_lead};
use crate::form;
use crate::message::{Failure, TooLongToAsk, question, success};
use crate::metadata::{self, category, category_name};
use crate::origin::Origin;
use crate::path::{ENTITIES, INFO};
use crate::problem::{Fault, Problem, code};
use crate::read::{Object, digits, id, list, text};
use crate::route::FOLDER;
use crate::write::{Fields, Side, secs};

const PARAMETERS: &[&str] = &["page_size", "page", "categories", "order_by", "pipeline_id", "uid"];

/// Server: reads the question. Default: the first 500, newest first; a larger `page_size` is cut to 500 (R13).
///
/// # Errors
/// 400 with the parameter that is wrong; those that nobody knows are ignored.
pub fn read_request<B>(request: &Request<B>) -> Result<ListQuery, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let mut query = Object::root(form::read(query.as_bytes(), PARAMETERS)?);
    let categories = many(&mut query, "categories", |path, name| {
        let detail = "one of sip, form, chat, mail is due";
        category(&name).ok_or_else(|| Fault::new(code::NOT_SUPPORTED_CHOICE, path, detail))
    })?;
    let pipelines = many(&mut query, "pipeline_id", |path, number| id(path, &number.into()))?;
    // A text that cannot be a uid is the uid of nothing.
    let uids = many(&mut query, "uid", |_, text| Ok(Uid::new(&text).ok()))?;
    let filter =
        ListFilter { uids: uids.map(|uids| uids.into_iter().flatten().collect()), categories, pipelines };
    let order = read_order(&mut query)?;
    let size = count(&mut query, "page_size")?.unwrap_or(MAX_PAGE_SIZE.into()).min(MAX_PAGE_SIZE.into());
    let size = u32::try_from(size).expect("500 at most");
    let page = PageRequest::new(count(&mut query, "page")?.unwrap_or(1), size).expect("neither is 0");
    Ok(ListQuery { filter, order, page, cards: Cards::Include })
}

/// One value or many, the different ones.
fn many<T: PartialEq>(
    query: &mut Object,
    key: &str,
    read: impl Fn(String, String) -> Result<T, Fault>,
) -> Result<Option<Vec<T>>, Fault> {
    let Some((path, value)) = query.take(&[key]) else { return Ok(None) };
    let texts = match value {
        only @ Value::String(_) => vec![(path, only)],
        many => list(&path, many)?,
    };
    let mut values = Vec::new();
    for (path, value) in texts {
        let value = read(path.clone(), text(path, value)?)?;
        if !values.contains(&value) {
            values.push(value);
        }
        if values.len() > MAX_NAMED_UIDS {
            let detail = format!("at most {MAX_NAMED_UIDS} different values are taken");
            return Err(Fault::new(code::TOO_MANY, key, detail));
        }
    }
    Ok(Some(values))
}

/// A whole number from 1; more than 64 bits hold is as far past every end as what they hold.
fn count(query: &mut Object, key: &str) -> Result<Option<u64>, Fault> {
    let Some(value) = query.text(&[key])? else { return Ok(None) };
    let is_whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match digits(&value).unwrap_or(u64::MAX) {
        _ if !is_whole => Err(Fault::new(code::INVALID_TYPE, key, "a whole number from 1 is due")),
        0 => Err(Fault::new(code::OUT_OF_RANGE, key, "a whole number from 1 is due, not 0")),
        number => Ok(Some(number)),
    }
}

/// Reads `order_by[created_at]=asc`. An empty `order_by=` asks for nothing.
fn read_order(query: &mut Object) -> Result<Order, Fault> {
    let Some((path, value)) = query.take(&["order_by"]) else { return Ok(Order::default()) };
    if value.as_str() == Some("") {
        return Ok(Order::default());
    }
    let refused = |path: String| {
        let detail = "a list can be ordered by order_by[created_at] or order_by[updated_at]";
        Fault::new(code::UNKNOWN_FIELD, path, detail)
    };
    let Value::Object(fields) = value else { return Err(refused(path)) };
    let mut fields = fields.into_iter();
    let (Some((name, direction)), None) = (fields.next(), fields.next()) else {
        return Err(Fault::new(code::TOO_MANY, path, "a list has one order"));
    };
    let path = format!("{path}.{}", &name[..name.floor_char_boundary(64)]);
    let key = match name.as_str() {
        "created_at" => OrderKey::CreatedAt,
        "updated_at" => OrderKey::UpdatedAt,
        _ => return Err(refused(path)),
    };
    let direction = match text(path.clone(), direction)?.to_ascii_lowercase().as_str() {
        "asc" => Direction::Ascending,
        "desc" => Direction::Descending,
        _ => return Err(Fault::new(code::NOT_SUPPORTED_CHOICE, path, "asc or desc is due")),
    };
    Ok(Order { key, direction })
}

/// Client: asks. None when nothing can match, so that nothing is to be asked. A filter by uid is no part of the v2
/// document and not asked for.
///
/// # Errors
/// [`TooLongToAsk`] when so many pipelines are named that the address would be too long.
pub fn request(query: &ListQuery, origin: &Origin) -> Result<Option<Request<Vec<u8>>>, TooLongToAsk> {
    let ListQuery { filter: ListFilter { uids: _, categories, pipelines }, order, page, cards: _ } = query;
    let mut fields = Fields::new();
    fields.put("page_size", page.size());
    fields.put("page", page.number());
    if let Some(categories) = categories {
        let names: Vec<_> = categories.iter().map(|category| category_name(*category)).collect();
        fields.put("categories", names);
    }
    match pipelines.as_deref() {
        Some([only]) => fields.put("pipeline_id", only.get()),
        Some(many) => fields.put("pipeline_id", many.iter().map(|id| id.get()).collect::<Vec<_>>()),
        None => {}
    }
    let direction = match order.direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    let mut by = Fields::new();
    by.put(
        match order.key {
            OrderKey::CreatedAt => "created_at",
            OrderKey::UpdatedAt => "updated_at",
        },
        direction,
    );
    fields.put("order_by", by);
    let is_empty =
        categories.as_ref().is_some_and(Vec::is_empty) || pipelines.as_ref().is_some_and(Vec::is_empty);
    if is_empty { Ok(None) } else { question(origin, FOLDER, fields).map(Some) }
}

/// A page that tells of entities whose bodies it does not tell: v2 lists carry bodies, so it cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodiesNotTold;

impl fmt::Display for BodiesNotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bodies of leads, contacts and companies are not told")
    }
}

impl std::error::Error for BodiesNotTold {}

/// Server: answers; 204 when nothing is on the page.
///
/// # Errors
/// [`BodiesNotTold`]
pub fn response(page: &Page, call: &Call) -> Result<Response<Vec<u8>>, BodiesNotTold> {
    let Page { items, more: _ } = page;
    if items.is_empty() {
        return Ok(call.no_content());
    }
    let mut embedded = Fields::new();
    embedded.put("items", items.iter().map(write_item).collect::<Result<Vec<_>, _>>()?);
    let mut fields = Fields::new();
    fields.put("_embedded", embedded);
    Ok(call.answer(fields))
}

/// An item, as printed: no account, no `source_uid`, no pipeline, no ids of entities.
fn write_item(lead: &IncomingLead) -> Result<Value, BodiesNotTold> {
    let IncomingLead {
        uid,
        account_id: _,
        source_name,
        source_uid: _,
        pipeline_id: _,
        created_at,
        updated_at: _,
        metadata,
        leads,
        contacts,
        companies,
    } = lead;
    fn bodies<I, C>(
        told: Option<&Vec<Entity<I, C>>>,
        write: impl Fn(&C, Side) -> Value,
    ) -> Result<Vec<Value>, BodiesNotTold> {
        let bodies = told.ok_or(BodiesNotTold)?.iter();
        bodies.map(|entity| Ok(write(entity.card.as_ref().ok_or(BodiesNotTold)?, Side::Told))).collect()
    }
    let mut entities = Fields::new();
    entities.put("leads", bodies(leads.as_ref(), write_lead)?);
    entities.put("contacts", bodies(contacts.as_ref(), write_contact)?);
    entities.put("companies", bodies(companies.as_ref(), write_company)?);
    let mut fields = Fields::new();
    fields.put("category", category_name(metadata.category()));
    fields.put("uid", uid.as_str());
    fields.put("source_name", source_name.as_ref().and_then(|name| name.as_deref()));
    fields.put("created_at", secs(*created_at));
    fields.put(INFO, metadata::write(metadata, Side::Told));
    fields.put(ENTITIES, entities);
    Ok(fields.into())
}

/// Client: reads the answer to a question for pages of this size. Whether a page follows a full one is not told.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(size: u32, response: &Response<B>) -> Result<Page, Failure> {
    let Some(mut answer) = success(response)? else { return Ok(Page::empty()) };
    let mut embedded = answer.object(&["_embedded"])?.ok_or_else(|| Fault::missing("_embedded"))?;
    let items = embedded.objects(&["items"], read_item)?;
    let more = if items.len() < size as usize { More::No } else { More::Perhaps };
    Ok(Page { items, more })
}

fn read_item(mut item: Object) -> Result<IncomingLead, Fault> {
    fn told<I, C>(
        entities: &mut Object,
        key: &str,
        read: impl Fn(Object) -> Result<C, Fault>,
        take_id: impl Fn(&mut C) -> Option<I>,
    ) -> Result<Option<Vec<Entity<I, C>>>, Fault> {
        let cards = entities.objects(&[key], read)?;
        let entity = |mut card: C| Entity { id: take_id(&mut card), card: Some(card) };
        Ok(Some(cards.into_iter().map(entity).collect()))
    }
    let due = |item: &Object, key: &str| Fault::missing(item.within(key));
    let (path, name) = item.take(&["category"]).ok_or_else(|| due(&item, "category"))?;
    let kind = category(&text(path.clone(), name)?);
    let kind = kind
        .ok_or_else(|| Fault::new(code::NOT_SUPPORTED_CHOICE, path, "one of sip, form, chat, mail is due"))?;
    let uid = item.text(&["uid"])?.ok_or_else(|| due(&item, "uid"))?;
    let uid = Uid::new(&uid)
        .map_err(|error| Fault::new(code::INVALID_TYPE, item.within("uid"), error.to_string()))?;
    let source_name = Some(item.text(&["source_name"])?);
    let created_at = item.moment(&["created_at", "date_create"])?.ok_or_else(|| due(&item, "created_at"))?;
    let info = item.object(&[INFO])?.unwrap_or_else(|| Object::lenient(Value::Null));
    let mut entities = item.object(&[ENTITIES])?.unwrap_or_else(|| Object::lenient(Value::Null));
    Ok(IncomingLead {
        uid,
        account_id: None,
        source_name,
        source_uid: None,
        pipeline_id: None,
        created_at,
        updated_at: None,
        metadata: metadata::read(kind, info)?,
        leads: told(&mut entities, "leads", read_lead, |lead| lead.id.take())?,
        contacts: told(&mut entities, "contacts", read_contact, |contact| contact.id.take())?,
        companies: told(&mut entities, "companies", read_company, |company| company.id.take())?,
    })
}
