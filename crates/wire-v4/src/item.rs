//! The incoming lead as lists and details carry it, and the stubs of its lead, contact and company.

use std::fmt;
use std::marker::PhantomData;

use incoming_leads_model::id::InvalidId;
use incoming_leads_model::{
    Category, CompanyDraft, CompanyId, ContactDraft, ContactId, CustomerId, Entity, IncomingLead, LeadDraft,
    LeadId, Metadata, Uid,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::convert::{id_or_zero, moment, required, text};
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
    embedded: Option<EmbeddedEntities>,
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
        let EmbeddedEntities { leads, contacts, companies } = embedded.unwrap_or_default();
        Ok(IncomingLead {
            uid: required("uid", uid)?.0,
            account_id: id_or_zero("account_id", account_id)?,
            source_name: source_name.map(text),
            source_uid: source_uid.map(text),
            pipeline_id: id_or_zero("pipeline_id", pipeline_id)?,
            created_at: required("created_at", moment("created_at", created_at)?)?,
            updated_at: None,
            metadata,
            leads: leads.map(|Entities(leads)| leads),
            contacts: contacts.map(|Entities(contacts)| contacts),
            companies: companies.map(|Entities(companies)| companies),
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
    /// The entities of an incoming lead; a key that is absent is not told.
    struct EmbeddedEntities {
        "leads" => leads: Entities<LeadId, LeadDraft>,
        "contacts" => contacts: Entities<ContactId, ContactDraft>,
        "companies" => companies: Entities<CompanyId, CompanyDraft>,
    }
}

document! {
    /// The entities of a receipt; a key that is absent is not told.
    pub(crate) struct EmbeddedStubs {
        "leads" => leads: Vec<Stub<LeadId>>,
        "contacts" => contacts: Vec<Stub<ContactId>>,
        "companies" => companies: Vec<Stub<CompanyId>>,
        "customers" => customers: Vec<Stub<CustomerId>>,
    }
}

/// An entity of which only the id is told.
#[derive(Debug)]
pub(crate) struct Stub<I>(pub(crate) I);

impl<'de, I: TryFrom<u64, Error = InvalidId>> Deserialize<'de> for Stub<I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<I>(PhantomData<I>);

        impl<'de, I: TryFrom<u64, Error = InvalidId>> Visitor<'de> for Read<I> {
            type Value = Stub<I>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an id")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Stub<I>, A::Error> {
                let mut id = None;
                while let Some(Key(key)) = object.next_key()? {
                    if key == "id" {
                        let Whole(number) = object.next_value()?;
                        id = Some(I::try_from(number).map_err(A::Error::custom)?);
                    } else {
                        object.next_value::<IgnoredAny>()?;
                    }
                }
                id.map(Stub).ok_or_else(|| A::Error::missing_field("id"))
            }
        }

        deserializer.deserialize_map(Read(PhantomData))
    }
}

/// The ids of stubs.
pub(crate) fn stub_ids<I>(stubs: Option<Vec<Stub<I>>>) -> Option<Vec<I>> {
    stubs.map(|stubs| stubs.into_iter().map(|Stub(id)| id).collect())
}

/// Entities of which only the ids are told. Mostly there is one: room for more would be made for nothing.
#[derive(Debug)]
struct Entities<I, C>(Vec<Entity<I, C>>);

impl<'de, I: TryFrom<u64, Error = InvalidId>, C> Deserialize<'de> for Entities<I, C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<I, C>(PhantomData<(I, C)>);

        impl<'de, I: TryFrom<u64, Error = InvalidId>, C> Visitor<'de> for Read<I, C> {
            type Value = Entities<I, C>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entities<I, C>, A::Error> {
                let mut entities = Vec::new();
                while let Some(Stub(id)) = list.next_element()? {
                    if entities.is_empty() {
                        entities.reserve_exact(1);
                    }
                    entities.push(Entity { id: Some(id), card: None });
                }
                Ok(Entities(entities))
            }
        }

        deserializer.deserialize_seq(Read(PhantomData))
    }
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
