//! The incoming lead as lists and details carry it, and the stubs of its lead, contact and company.

use std::fmt;

use incoming_leads_model::id::InvalidId;
use incoming_leads_model::{
    Category, CompanyId, ContactId, CustomerId, Entity, IncomingLead, LeadId, Metadata, Uid,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::convert::{id, id_or_zero, moment, required, text};
use crate::document::{Text, Whole, document};
use crate::json::Key;
use crate::metadata::{self, OfCategory};
use crate::problem::ValidationError;
use crate::write::{Fragment, Writer, push_number};

/// An incoming lead as it is read; it becomes the model's at once, as its metadata do.
#[derive(Debug)]
pub(crate) struct ItemDocument(pub(crate) IncomingLead);

/// The keys of an item. Told to be null differs from not told, so texts that may be null are doubled.
#[derive(Default)]
struct Parts {
    uid: Option<UidText>,
    source_uid: Option<Option<Text>>,
    source_name: Option<Option<Text>>,
    pipeline_id: Option<Whole>,
    created_at: Option<Whole>,
    account_id: Option<Whole>,
    embedded: Option<EmbeddedStubs>,
}

impl<'de> Deserialize<'de> for ItemDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadItem)
    }
}

struct ReadItem;

impl<'de> Visitor<'de> for ReadItem {
    type Value = ItemDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an incoming lead")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<ItemDocument, A::Error> {
        let mut parts = Parts::default();
        let (mut category, mut metadata, mut held) = (None, None, Value::Null);
        while let Some(Key(key)) = object.next_key()? {
            match key.as_ref() {
                "uid" => parts.uid = object.next_value()?,
                "source_uid" => parts.source_uid = Some(object.next_value()?),
                "source_name" => parts.source_name = Some(object.next_value()?),
                "category" => category = Some(object.next_value::<CategoryName>()?.0),
                "pipeline_id" => parts.pipeline_id = object.next_value()?,
                "created_at" => parts.created_at = object.next_value()?,
                "metadata" => match category {
                    Some(category) => metadata = Some(object.next_value_seed(OfCategory(category))?),
                    None => held = object.next_value()?,
                },
                "account_id" => parts.account_id = object.next_value()?,
                "_embedded" => parts.embedded = object.next_value()?,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        let category = category.ok_or_else(|| A::Error::missing_field("category"))?;
        let metadata = match metadata {
            Some(metadata) => metadata,
            None => OfCategory(category)
                .deserialize(held)
                .map_err(|error| A::Error::custom(format_args!("metadata: {error}")))?,
        };
        parts.lead(metadata).map(ItemDocument).map_err(A::Error::custom)
    }
}

impl Parts {
    fn lead(self, metadata: Metadata) -> Result<IncomingLead, ValidationError> {
        let Self { uid, source_uid, source_name, pipeline_id, created_at, account_id, embedded } = self;
        let EmbeddedStubs { leads, contacts, companies, customers: _ } = embedded.unwrap_or_default();
        Ok(IncomingLead {
            uid: required("uid", uid)?.0,
            account_id: id_or_zero("account_id", account_id)?,
            source_name: source_name.map(text),
            source_uid: source_uid.map(text),
            pipeline_id: id_or_zero("pipeline_id", pipeline_id)?,
            created_at: required("created_at", moment("created_at", created_at)?)?,
            updated_at: None,
            metadata,
            leads: entities("leads", leads)?,
            contacts: entities("contacts", contacts)?,
            companies: entities("companies", companies)?,
        })
    }
}

/// A uid, read without a detour.
#[derive(Clone, Debug)]
pub(crate) struct UidText(pub(crate) Uid);

impl<'de> Deserialize<'de> for UidText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = UidText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a uid")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<UidText, E> {
                Uid::new(text).map(UidText).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// The name of a category.
pub(crate) struct CategoryName(pub(crate) Category);

impl<'de> Deserialize<'de> for CategoryName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = CategoryName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one of sip, forms, chats, mail")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<CategoryName, E> {
                let unknown = || E::unknown_variant(text, &["sip", "forms", "chats", "mail"]);
                Category::from_name(text).map(CategoryName).ok_or_else(unknown)
            }
        }

        deserializer.deserialize_str(Read)
    }
}

document! {
    /// The stubs of entities; a key that is absent is not told.
    pub(crate) struct EmbeddedStubs {
        "leads" => leads: Vec<Stub>,
        "contacts" => contacts: Vec<Stub>,
        "companies" => companies: Vec<Stub>,
        "customers" => customers: Vec<Stub>,
    }
}

document! {
    /// An entity of which only the id is told.
    pub(crate) struct Stub {
        "id" => id: Whole,
    }
}

/// The ids of stubs; `key` is for the errors.
pub(crate) fn stub_ids<I: TryFrom<u64, Error = InvalidId>>(
    key: &str,
    stubs: Option<Vec<Stub>>,
) -> Result<Option<Vec<I>>, ValidationError> {
    let Some(stubs) = stubs else { return Ok(None) };
    let ids = stubs.into_iter().enumerate().map(|(place, Stub { id: number })| {
        let id = id("id", number).and_then(|id| required("id", id));
        id.map_err(|error| error.within(&format!("_embedded.{key}.{place}")))
    });
    ids.collect::<Result<_, _>>().map(Some)
}

fn entities<I: TryFrom<u64, Error = InvalidId>, C>(
    key: &str,
    stubs: Option<Vec<Stub>>,
) -> Result<Option<Vec<Entity<I, C>>>, ValidationError> {
    let ids = stub_ids(key, stubs)?;
    Ok(ids.map(|ids| ids.into_iter().map(|id| Entity { id: Some(id), card: None }).collect()))
}

/// An item as a piece of JSON that names no host, for a cache of ready items.
#[must_use]
pub fn fragment(lead: &IncomingLead) -> Fragment {
    Fragment::of(|w| write_item(w, lead))
}

/// Writes an incoming lead: keys and their order as in both documents' examples.
pub(crate) fn write_item(w: &mut Writer<'_>, lead: &IncomingLead) {
    let IncomingLead {
        uid,
        account_id,
        source_name,
        source_uid,
        pipeline_id,
        created_at,
        updated_at: _,
        metadata,
        leads,
        contacts,
        companies,
    } = lead;
    w.object(|w| {
        w.field("uid", uid.as_str());
        w.field("source_uid", source_uid.as_ref().and_then(Option::as_ref));
        w.field("source_name", source_name.as_ref().and_then(Option::as_ref));
        w.field("category", metadata.category().as_str());
        w.field("pipeline_id", pipeline_id.map(|id| id.get()));
        w.field("created_at", *created_at);
        w.key("metadata");
        metadata::write_told(w, metadata);
        w.field("account_id", account_id.map(|id| id.get()));
        w.self_link(|out| push_uid_path(out, uid));
        w.key("_embedded");
        w.object(|w| {
            w.key("contacts");
            w.list(ids(contacts), write_stub::<ContactId>);
            w.key("leads");
            w.list(ids(leads), write_stub::<LeadId>);
            w.key("companies");
            w.list(ids(companies), write_stub::<CompanyId>);
        });
    });
}

/// Ids that are told; an entity without one cannot be written, because clients throw on it.
fn ids<I: Copy, C>(entities: &Option<Vec<Entity<I, C>>>) -> impl Iterator<Item = I> {
    entities.iter().flatten().filter_map(|entity| entity.id)
}

/// An entity that has an address of its own.
pub(crate) trait Addressed: Copy {
    /// The folder of its kind under `/api/v4/`.
    const FOLDER: &'static str;

    fn number(self) -> u64;
}

macro_rules! addressed {
    ($($Id:ident $folder:literal,)*) => {$(
        impl Addressed for $Id {
            const FOLDER: &'static str = $folder;

            fn number(self) -> u64 {
                self.get()
            }
        }
    )*};
}

addressed! {
    LeadId "leads",
    ContactId "contacts",
    CompanyId "companies",
    CustomerId "customers",
}

/// `{"id":…,"_links":…}`: no name, no price. Source: both v4 documents' examples.
pub(crate) fn write_stub<I: Addressed>(w: &mut Writer<'_>, id: I) {
    w.object(|w| {
        w.field("id", id.number());
        write_entity_link(w, id);
    });
}

pub(crate) fn write_entity_link<I: Addressed>(w: &mut Writer<'_>, id: I) {
    w.self_link(|out| {
        out.extend_from_slice(b"/api/v4/");
        out.extend_from_slice(I::FOLDER.as_bytes());
        out.push(b'/');
        push_number(out, id.number());
    });
}

/// Appends the path of an incoming lead. A uid is opaque text, so it is escaped; ours has nothing to escape.
pub(crate) fn push_uid_path(out: &mut Vec<u8>, uid: &Uid) {
    out.extend_from_slice(b"/api/v4/leads/unsorted/");
    for part in utf8_percent_encode(uid.as_str(), UID_ESCAPES) {
        out.extend_from_slice(part.as_bytes());
    }
}

const UID_ESCAPES: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
