//! What the links of incoming leads point to: leads, contacts, companies, customers and their notes.
//!
//! Keys as observed on the vendor's v4. Keys for which the model has no place are written from what was told when the
//! entity came in, else with the value that the vendor's server gives a fresh one.

use std::hash::Hash;

use http::{Method, Request, Response};
use incoming_leads_model::id::InvalidId;
use incoming_leads_model::{
    Card, Company, CompanyId, Contact, ContactId, Customer, EntityKind, EntityRef, EnumRef, FieldRef,
    FieldValues, Layout, Lead, LeadId, Note, Page, PageRequest, Stamp, TagRef, UserId,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::body::{CardParts, EmbeddedTags, FieldDocument, TagDocument, write_value};
use crate::convert::{each, id, id_or_zero, moment, required, text};
use crate::document::{Few, Flag, Text, Whole, document};
use crate::item::{Addressed, Stub, stub_ids, write_entity_link, write_stub};
use crate::list::{LinksDocument, more, write_paging};
use crate::message::{Failure, TooLongToAsk, hal, no_content, ok, question, request as build, success};
use crate::problem::{Problem, ValidationError};
use crate::query;
use crate::write::{Origin, Writer, push_number};

/// Server: reads which page of a list of entities or notes is asked for; every other parameter is ignored.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub fn read_list_request<B>(request: &Request<B>) -> Result<PageRequest, Problem> {
    Ok(query::read_page(request.uri().query().unwrap_or_default())?)
}

/// Server: reads which entities a list is asked for by id, at most 250; none when all are.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub fn read_ids<I, B>(request: &Request<B>) -> Result<Option<Vec<I>>, Problem>
where
    I: TryFrom<u64, Error = InvalidId> + Clone + Eq + Hash,
{
    Ok(query::read_ids(request.uri().query().unwrap_or_default())?)
}

/// Client: asks for at most 250 entities by id, on one page.
///
/// # Errors
/// [`TooLongToAsk`] when so many are named that the address would be too long.
pub fn ids_request(
    kind: EntityKind,
    ids: impl IntoIterator<Item = u64>,
    origin: &Origin,
) -> Result<Request<Vec<u8>>, TooLongToAsk> {
    question(origin, &format!("/api/v4/{}", folder(kind)), &query::write_ids(ids))
}

/// Client: asks for an entity.
#[must_use]
pub fn request(entity: EntityRef, origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, &path(entity), None)
}

/// Client: asks for a page of entities.
#[must_use]
pub fn list_request(kind: EntityKind, page: PageRequest, origin: &Origin) -> Request<Vec<u8>> {
    let path = format!("/api/v4/{}", folder(kind));
    question(origin, &path, &query::write_page(page)).expect("a page is short")
}

/// Client: asks for a page of the notes on an entity.
#[must_use]
pub fn notes_request(entity: EntityRef, page: PageRequest, origin: &Origin) -> Request<Vec<u8>> {
    let path = format!("{}/notes", path(entity));
    question(origin, &path, &query::write_page(page)).expect("a page is short")
}

/// Client: puts texts on leads as ordinary notes. Source: notes page of the vendor; no part of the v4 documents, and a
/// server of ours does not serve it.
#[must_use]
pub fn add_notes_request(notes: &[(LeadId, &str)], origin: &Origin) -> Request<Vec<u8>> {
    let mut body = Vec::new();
    Writer::new(&mut body, origin).list(notes, |w, (lead, text)| {
        w.object(|w| {
            w.field("entity_id", lead.get());
            w.field("note_type", "common");
            w.key("params");
            w.object(|w| w.field("text", *text));
        });
    });
    build(Method::POST, origin, "/api/v4/leads/notes", Some(body))
}

/// The folder of a kind of entity, which is also the key of its lists.
pub(crate) const fn folder(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Lead => "leads",
        EntityKind::Contact => "contacts",
        EntityKind::Company => "companies",
        EntityKind::Customer => "customers",
    }
}

fn path(entity: EntityRef) -> String {
    format!("/api/v4/{}/{}", folder(entity.kind()), number(entity))
}

const fn number(entity: EntityRef) -> u64 {
    match entity {
        EntityRef::Lead(id) => id.get(),
        EntityRef::Contact(id) => id.get(),
        EntityRef::Company(id) => id.get(),
        EntityRef::Customer(id) => id.get(),
    }
}

/// One kind of entity on the wire.
trait OnWire: Sized {
    const KIND: EntityKind;
    type Document: DeserializeOwned;

    fn write(&self, w: &mut Writer<'_>, layout: &Layout);
    fn read(document: Self::Document) -> Result<Self, ValidationError>;
}

fn one<E: OnWire>(entity: Option<&E>, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    match entity {
        Some(entity) => ok(origin, |w| entity.write(w, layout)),
        None => no_content(),
    }
}

fn many<E: OnWire>(
    page: &Page<E>,
    asked: PageRequest,
    layout: &Layout,
    origin: &Origin,
) -> Response<Vec<u8>> {
    let key = folder(E::KIND);
    envelope(page, asked, &format!("/api/v4/{key}"), key, origin, |w, entity| entity.write(w, layout))
}

/// A page of a list; 204 without a body when there is nothing on it.
fn envelope<T>(
    page: &Page<T>,
    asked: PageRequest,
    path: &str,
    key: &'static str,
    origin: &Origin,
    write: impl FnMut(&mut Writer<'_>, &T),
) -> Response<Vec<u8>> {
    let Page { items, more } = page;
    if items.is_empty() {
        return no_content();
    }
    let mut body = Vec::with_capacity(256 + items.len() * 1024);
    Writer::new(&mut body, origin).object(|w| {
        write_paging(w, path, asked, *more, |page| Some(query::write_page(page)));
        w.key("_embedded");
        w.object(|w| {
            w.key(key);
            w.list(items, write);
        });
    });
    hal(body)
}

fn read_one<E: OnWire, B: AsRef<[u8]>>(response: &Response<B>) -> Result<Option<E>, Failure> {
    if response.status() == http::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let Some(body) = success(response)? else { return Ok(None) };
    Ok(Some(E::read(crate::json::decode(body)?)?))
}

macro_rules! entity {
    ($Entity:ident, $Document:ident, $list:literal, $one:literal:
        $response:ident, $list_response:ident, $read:ident, $read_list:ident) => {
        #[doc = concat!("Server: answers with ", $one, "; 204 when there is none.")]
        #[must_use]
        pub fn $response(entity: Option<&$Entity>, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
            one(entity, layout, origin)
        }

        #[doc = concat!("Server: answers with a page of ", $list, "; 204 when there is nothing on it.")]
        #[must_use]
        pub fn $list_response(
            page: &Page<$Entity>,
            asked: PageRequest,
            layout: &Layout,
            origin: &Origin,
        ) -> Response<Vec<u8>> {
            many(page, asked, layout, origin)
        }

        #[doc = concat!("Client: reads the answer with ", $one, "; none of a 204 or 404.")]
        ///
        /// # Errors
        /// What the server refused, or what of its answer cannot be read.
        pub fn $read<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Option<$Entity>, Failure> {
            read_one(response)
        }

        #[doc = concat!("Client: reads the answer with a page of ", $list, ".")]
        ///
        /// # Errors
        /// What the server refused, or what of its answer cannot be read.
        pub fn $read_list<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Page<$Entity>, Failure> {
            document! {
                struct ListDocument {
                    "_links" => links: LinksDocument,
                    "_embedded" => embedded: ItemsDocument,
                }
            }

            document! {
                struct ItemsDocument {
                    $list => items: Vec<$Document>,
                }
            }

            let Some(body) = success(response)? else { return Ok(Page::empty()) };
            let ListDocument { links, embedded } = crate::json::decode(body)?;
            let ItemsDocument { items } = required("_embedded", embedded)?;
            Ok(Page { items: each(concat!("_embedded.", $list), items, $Entity::read)?, more: more(links) })
        }
    };
}

entity!(Lead, LeadDocument, "leads", "a lead": lead_response, leads_response, read_lead, read_leads);
entity!(
    Contact, ContactDocument, "contacts", "a contact":
    contact_response, contacts_response, read_contact, read_contacts
);
entity!(
    Company, CompanyDocument, "companies", "a company":
    company_response, companies_response, read_company, read_companies
);
entity!(
    Customer, CustomerDocument, "customers", "a customer":
    customer_response, customers_response, read_customer, read_customers
);

document! {
    struct LeadDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "price" => price: Whole,
        "responsible_user_id" => responsible_user_id: Whole,
        "status_id" => status_id: Whole,
        "pipeline_id" => pipeline_id: Whole,
        "created_by" => created_by: Whole,
        "updated_by" => updated_by: Whole,
        "created_at" => created_at: Whole,
        "updated_at" => updated_at: Whole,
        "closed_at" => closed_at: Whole,
        "is_deleted" => is_deleted: Flag,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "account_id" => account_id: IgnoredAny,
        "_links" => links: IgnoredAny,
        "_embedded" => embedded: EmbeddedDocument,
        .. => further
    }
}

document! {
    struct ContactDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "first_name" => first_name: Text,
        "last_name" => last_name: Text,
        "responsible_user_id" => responsible_user_id: Whole,
        "created_by" => created_by: Whole,
        "updated_by" => updated_by: Whole,
        "created_at" => created_at: Whole,
        "updated_at" => updated_at: Whole,
        "is_deleted" => is_deleted: Flag,
        "is_unsorted" => is_unsorted: Flag,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "account_id" => account_id: IgnoredAny,
        "_links" => links: IgnoredAny,
        "_embedded" => embedded: EmbeddedDocument,
        .. => further
    }
}

document! {
    struct CompanyDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "responsible_user_id" => responsible_user_id: Whole,
        "created_by" => created_by: Whole,
        "updated_by" => updated_by: Whole,
        "created_at" => created_at: Whole,
        "updated_at" => updated_at: Whole,
        "is_deleted" => is_deleted: Flag,
        "is_unsorted" => is_unsorted: Flag,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "account_id" => account_id: IgnoredAny,
        "_links" => links: IgnoredAny,
        "_embedded" => embedded: EmbeddedDocument,
        .. => further
    }
}

document! {
    struct CustomerDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "responsible_user_id" => responsible_user_id: Whole,
        "created_by" => created_by: Whole,
        "updated_by" => updated_by: Whole,
        "created_at" => created_at: Whole,
        "updated_at" => updated_at: Whole,
        "is_deleted" => is_deleted: Flag,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "account_id" => account_id: IgnoredAny,
        "_links" => links: IgnoredAny,
        "_embedded" => embedded: EmbeddedDocument,
        .. => further
    }
}

document! {
    struct EmbeddedDocument {
        "tags" => tags: Few<TagDocument>,
        "contacts" => contacts: Vec<Stub<ContactId>>,
        "companies" => companies: Vec<Stub<CompanyId>>,
        .. => further
    }
}

/// Keys for which the model has no place, with what the vendor's server gives a fresh entity.
type Defaults = &'static [(&'static str, Fresh)];

#[derive(Clone, Copy)]
enum Fresh {
    Null,
    Zero,
    No,
}

impl Fresh {
    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Zero => Value::from(0),
            Self::No => Value::Bool(false),
        }
    }
}

const OF_LEAD: Defaults = &[
    ("group_id", Fresh::Zero),
    ("loss_reason_id", Fresh::Null),
    ("closest_task_at", Fresh::Null),
    ("score", Fresh::Null),
    ("labor_cost", Fresh::Null),
    ("is_price_computed", Fresh::No),
];
const OF_PARTY: Defaults = &[("group_id", Fresh::Zero), ("closest_task_at", Fresh::Null)];
const OF_CUSTOMER: Defaults = &[
    ("group_id", Fresh::Zero),
    ("closest_task_at", Fresh::Null),
    ("next_price", Fresh::Zero),
    ("next_date", Fresh::Null),
    ("status_id", Fresh::Zero),
    ("periodicity", Fresh::Zero),
    ("ltv", Fresh::Zero),
    ("purchases_count", Fresh::Zero),
    ("average_check", Fresh::Zero),
];

impl OnWire for Lead {
    const KIND: EntityKind = EntityKind::Lead;
    type Document = LeadDocument;

    fn write(&self, w: &mut Writer<'_>, layout: &Layout) {
        let Self {
            id,
            pipeline_id,
            status_id,
            price,
            card,
            contacts,
            company,
            closed_at,
            is_unsorted: _,
            stamp,
        } = self;
        w.object(|w| {
            w.field("id", id.get());
            w.field("name", card.name.as_ref());
            w.field("price", *price);
            w.field("status_id", status_id.get());
            w.field("pipeline_id", pipeline_id.get());
            w.field("closed_at", *closed_at);
            write_stamp(w, stamp);
            write_card(w, card, EntityKind::Lead, layout, OF_LEAD, LeadDocument::KEYS);
            write_entity_link(w, *id);
            write_embedded(w, card, Some(contacts), *company);
        });
    }

    fn read(document: LeadDocument) -> Result<Self, ValidationError> {
        let LeadDocument {
            id: number,
            name,
            price,
            responsible_user_id,
            status_id,
            pipeline_id,
            created_by,
            updated_by,
            created_at,
            updated_at,
            closed_at,
            is_deleted,
            custom_fields_values,
            account_id: _,
            links: _,
            embedded,
            further,
        } = document;
        let Parties { tags: embedded, contacts, company } = Parties::of(embedded);
        let parts = CardParts { name, responsible_user_id, custom_fields_values, embedded, further };
        Ok(Self {
            id: required("id", id("id", number)?)?,
            pipeline_id: required("pipeline_id", id("pipeline_id", pipeline_id)?)?,
            status_id: required("status_id", id("status_id", status_id)?)?,
            price: price.map_or(0, |Whole(price)| price),
            card: read_card(parts, OF_LEAD)?,
            contacts,
            company,
            closed_at: moment("closed_at", closed_at)?,
            is_unsorted: false,
            stamp: StampParts { created_by, updated_by, created_at, updated_at, is_deleted }.stamp()?,
        })
    }
}

impl OnWire for Contact {
    const KIND: EntityKind = EntityKind::Contact;
    type Document = ContactDocument;

    fn write(&self, w: &mut Writer<'_>, layout: &Layout) {
        let Self { id, first_name, last_name, card, company, is_unsorted, stamp } = self;
        w.object(|w| {
            w.field("id", id.get());
            w.field("name", card.name.as_ref());
            // Clients index both; the vendor answers an empty text.
            w.field("first_name", first_name.as_deref().unwrap_or_default());
            w.field("last_name", last_name.as_deref().unwrap_or_default());
            w.field("is_unsorted", *is_unsorted);
            write_stamp(w, stamp);
            write_card(w, card, EntityKind::Contact, layout, OF_PARTY, ContactDocument::KEYS);
            write_entity_link(w, *id);
            write_embedded(w, card, None, *company);
        });
    }

    fn read(document: ContactDocument) -> Result<Self, ValidationError> {
        let ContactDocument {
            id: number,
            name,
            first_name,
            last_name,
            responsible_user_id,
            created_by,
            updated_by,
            created_at,
            updated_at,
            is_deleted,
            is_unsorted,
            custom_fields_values,
            account_id: _,
            links: _,
            embedded,
            further,
        } = document;
        let Parties { tags: embedded, contacts: _, company } = Parties::of(embedded);
        let parts = CardParts { name, responsible_user_id, custom_fields_values, embedded, further };
        let told = |name: Option<Text>| text(name).filter(|name| !name.is_empty());
        Ok(Self {
            id: required("id", id("id", number)?)?,
            first_name: told(first_name),
            last_name: told(last_name),
            card: read_card(parts, OF_PARTY)?,
            company,
            is_unsorted: is_unsorted == Some(Flag(true)),
            stamp: StampParts { created_by, updated_by, created_at, updated_at, is_deleted }.stamp()?,
        })
    }
}

impl OnWire for Company {
    const KIND: EntityKind = EntityKind::Company;
    type Document = CompanyDocument;

    fn write(&self, w: &mut Writer<'_>, layout: &Layout) {
        let Self { id, card, is_unsorted, stamp } = self;
        w.object(|w| {
            w.field("id", id.get());
            w.field("name", card.name.as_ref());
            w.field("is_unsorted", *is_unsorted);
            write_stamp(w, stamp);
            write_card(w, card, EntityKind::Company, layout, OF_PARTY, CompanyDocument::KEYS);
            write_entity_link(w, *id);
            write_embedded(w, card, None, None);
        });
    }

    fn read(document: CompanyDocument) -> Result<Self, ValidationError> {
        let CompanyDocument {
            id: number,
            name,
            responsible_user_id,
            created_by,
            updated_by,
            created_at,
            updated_at,
            is_deleted,
            is_unsorted,
            custom_fields_values,
            account_id: _,
            links: _,
            embedded,
            further,
        } = document;
        let Parties { tags: embedded, contacts: _, company: _ } = Parties::of(embedded);
        let parts = CardParts { name, responsible_user_id, custom_fields_values, embedded, further };
        Ok(Self {
            id: required("id", id("id", number)?)?,
            card: read_card(parts, OF_PARTY)?,
            is_unsorted: is_unsorted == Some(Flag(true)),
            stamp: StampParts { created_by, updated_by, created_at, updated_at, is_deleted }.stamp()?,
        })
    }
}

impl OnWire for Customer {
    const KIND: EntityKind = EntityKind::Customer;
    type Document = CustomerDocument;

    fn write(&self, w: &mut Writer<'_>, layout: &Layout) {
        let Self { id, card, contacts, company, stamp } = self;
        w.object(|w| {
            w.field("id", id.get());
            w.field("name", card.name.as_ref());
            write_stamp(w, stamp);
            write_card(w, card, EntityKind::Customer, layout, OF_CUSTOMER, CustomerDocument::KEYS);
            write_entity_link(w, *id);
            write_embedded(w, card, Some(contacts), *company);
        });
    }

    fn read(document: CustomerDocument) -> Result<Self, ValidationError> {
        let CustomerDocument {
            id: number,
            name,
            responsible_user_id,
            created_by,
            updated_by,
            created_at,
            updated_at,
            is_deleted,
            custom_fields_values,
            account_id: _,
            links: _,
            embedded,
            further,
        } = document;
        let Parties { tags: embedded, contacts, company } = Parties::of(embedded);
        let parts = CardParts { name, responsible_user_id, custom_fields_values, embedded, further };
        Ok(Self {
            id: required("id", id("id", number)?)?,
            card: read_card(parts, OF_CUSTOMER)?,
            contacts,
            company,
            stamp: StampParts { created_by, updated_by, created_at, updated_at, is_deleted }.stamp()?,
        })
    }
}

fn user(id: Option<UserId>) -> u64 {
    id.map_or(0, UserId::get)
}

fn write_stamp(w: &mut Writer<'_>, stamp: &Stamp) {
    let Stamp { created_by, updated_by, created_at, updated_at, is_deleted } = stamp;
    w.field("created_by", user(*created_by));
    w.field("updated_by", user(*updated_by));
    w.field("created_at", *created_at);
    w.field("updated_at", *updated_at);
    w.field("is_deleted", *is_deleted);
}

struct StampParts {
    created_by: Option<Whole>,
    updated_by: Option<Whole>,
    created_at: Option<Whole>,
    updated_at: Option<Whole>,
    is_deleted: Option<Flag>,
}

impl StampParts {
    fn stamp(self) -> Result<Stamp, ValidationError> {
        let Self { created_by, updated_by, created_at, updated_at, is_deleted } = self;
        Ok(Stamp {
            created_by: id_or_zero("created_by", created_by)?,
            updated_by: id_or_zero("updated_by", updated_by)?,
            created_at: required("created_at", moment("created_at", created_at)?)?,
            updated_at: required("updated_at", moment("updated_at", updated_at)?)?,
            is_deleted: is_deleted == Some(Flag(true)),
        })
    }
}

/// All of a card but name and tags, which have their places elsewhere.
fn write_card(
    w: &mut Writer<'_>,
    card: &Card,
    kind: EntityKind,
    layout: &Layout,
    defaults: Defaults,
    known: &[&str],
) {
    let Card { name: _, responsible_user_id, custom_fields, tags: _, further } = card;
    w.field("responsible_user_id", user(*responsible_user_id));
    w.key("custom_fields_values");
    if custom_fields.is_empty() {
        w.null();
    } else {
        w.list(custom_fields, |w, values| write_values(w, values, kind, layout));
    }
    w.field("account_id", layout.account.id.get());
    for (key, fresh) in defaults {
        w.field(key, further.get(*key).unwrap_or(&fresh.value()));
    }
    let known: Vec<&str> = known.iter().copied().chain(defaults.iter().map(|(key, _)| *key)).collect();
    w.further(further, &known);
}

/// Values of a custom field, with what its definition adds; a field that the account does not have is told as named.
fn write_values(w: &mut Writer<'_>, values: &FieldValues, kind: EntityKind, layout: &Layout) {
    let FieldValues { field: name, values } = values;
    let field = layout.field(kind, name);
    let (named_id, named_code) = match name {
        FieldRef::Id(id) => (Some(*id), None),
        FieldRef::Code(code) => (None, Some(code)),
    };
    w.object(|w| {
        w.field("field_id", field.map(|field| field.id).or(named_id).map(|id| id.get()));
        w.field("field_name", field.map(|field| &field.name));
        w.field("field_code", field.and_then(|field| field.code.as_ref()).or(named_code));
        w.field("field_type", field.map(|field| &field.field_type));
        w.field("is_computed", false);
        w.key("values");
        w.list(values, |w, value| {
            w.object(|w| {
                write_value(w, value);
                let choices = field.map(|field| field.choices.as_slice()).unwrap_or_default();
                match &value.choice {
                    Some(EnumRef::Id(id)) => {
                        let choice = choices.iter().find(|choice| choice.id == *id);
                        w.field_if_some("enum_code", choice.and_then(|choice| choice.code.as_ref()));
                    }
                    Some(EnumRef::Code(code)) => {
                        let choice = choices.iter().find(|choice| choice.code.as_ref() == Some(code));
                        w.field_if_some("enum_id", choice.map(|choice| choice.id.get()));
                    }
                    None => {}
                }
            });
        });
    });
}

fn write_embedded(
    w: &mut Writer<'_>,
    card: &Card,
    contacts: Option<&[ContactId]>,
    company: Option<CompanyId>,
) {
    w.key("_embedded");
    w.object(|w| {
        w.key("tags");
        w.list(&card.tags, |w, TagRef { id, name }| {
            w.object(|w| {
                w.field("id", id.map(|id| id.get()));
                w.field("name", name.as_ref());
                w.key("color");
                w.null();
            });
        });
        w.key_if_some("contacts", contacts, |w, contacts| {
            w.list(contacts.iter().enumerate(), |w, (place, contact)| {
                w.object(|w| {
                    w.field("id", contact.number());
                    w.field("is_main", place == 0);
                    write_entity_link(w, *contact);
                });
            });
        });
        w.key("companies");
        w.list(company, write_stub);
        if let Some(embedded) = card.further.get("_embedded").and_then(Value::as_object) {
            w.further(embedded, EmbeddedDocument::KEYS);
        }
    });
}

/// What is embedded, taken apart.
struct Parties {
    tags: Option<EmbeddedTags>,
    contacts: Vec<ContactId>,
    company: Option<CompanyId>,
}

impl Parties {
    fn of(embedded: Option<EmbeddedDocument>) -> Self {
        let EmbeddedDocument { tags, contacts, companies, further } = embedded.unwrap_or_default();
        Self {
            tags: Some(EmbeddedTags { tags, further }),
            contacts: stub_ids(contacts).unwrap_or_default(),
            company: companies.and_then(|companies| companies.first().map(|Stub(id)| *id)),
        }
    }
}

fn read_card(mut parts: CardParts, defaults: Defaults) -> Result<Card, ValidationError> {
    for (key, fresh) in defaults {
        if parts.further.get(*key) == Some(&fresh.value()) {
            parts.further.remove(*key);
        }
    }
    parts.try_into()
}

document! {
    struct NoteDocument {
        "id" => id: Whole,
        "note_type" => note_type: Text,
        "params" => params: ParamsDocument,
        "created_by" => created_by: Whole,
        "created_at" => created_at: Whole,
    }
}

document! {
    struct ParamsDocument {
        .. => further
    }
}

/// Server: answers with a page of the notes on an entity; 204 when there is nothing on it.
#[must_use]
pub fn notes_response(
    on: EntityRef,
    page: &Page<Note>,
    asked: PageRequest,
    layout: &Layout,
    origin: &Origin,
) -> Response<Vec<u8>> {
    envelope(page, asked, &format!("{}/notes", path(on)), "notes", origin, |w, note| {
        write_note(w, note, layout)
    })
}

/// Server: answers with one note; 204 when there is none.
#[must_use]
pub fn note_response(note: Option<&Note>, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    note.map_or_else(no_content, |note| ok(origin, |w| write_note(w, note, layout)))
}

fn write_note(w: &mut Writer<'_>, note: &Note, layout: &Layout) {
    let Note { id, entity, kind, params, created_by, created_at } = note;
    w.object(|w| {
        w.field("id", id.get());
        w.field("entity_id", number(*entity));
        w.field("created_by", user(*created_by));
        w.field("updated_by", user(*created_by));
        w.field("created_at", *created_at);
        w.field("updated_at", *created_at);
        w.field("responsible_user_id", user(*created_by));
        w.field("group_id", 0u64);
        w.field("note_type", kind);
        w.key("params");
        w.object(|w| w.further(params, ParamsDocument::KEYS));
        w.field("account_id", layout.account.id.get());
        w.self_link(|out| {
            out.extend_from_slice(path(*entity).as_bytes());
            out.extend_from_slice(b"/notes/");
            push_number(out, id.get());
        });
    });
}

/// Client: reads the answer with a page of the notes on an entity.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_notes<B: AsRef<[u8]>>(on: EntityRef, response: &Response<B>) -> Result<Page<Note>, Failure> {
    document! {
        struct ListDocument {
            "_links" => links: LinksDocument,
            "_embedded" => embedded: ItemsDocument,
        }
    }

    document! {
        struct ItemsDocument {
            "notes" => notes: Vec<NoteDocument>,
        }
    }

    let Some(body) = success(response)? else { return Ok(Page::empty()) };
    let ListDocument { links, embedded } = crate::json::decode(body)?;
    let ItemsDocument { notes } = required("_embedded", embedded)?;
    let items = each("_embedded.notes", notes, |document| {
        let NoteDocument { id: number, note_type, params, created_by, created_at } = document;
        Ok(Note {
            id: required("id", id("id", number)?)?,
            entity: on,
            kind: required("note_type", text(note_type))?,
            params: params.unwrap_or_default().further,
            created_by: id_or_zero("created_by", created_by)?,
            created_at: required("created_at", moment("created_at", created_at)?)?,
        })
    })?;
    Ok(Page { items, more: more(links) })
}
