//! Bodies of leads, contacts and companies as an add carries them, and the custom field values and tags inside of all
//! entity documents. What no document names is kept, so that nothing that a client tells is lost (R4).

use incoming_leads_model::{
    Card, CompanyDraft, ContactDraft, EnumRef, FieldRef, FieldValue, FieldValues, Further, LeadDraft, TagRef,
};
use serde_json::Value;

use crate::convert::{few, id, id_or_zero, text};
use crate::document::{Few, Text, Whole, document};
use crate::problem::{ValidationError, code};
use crate::write::Writer;

document! {
    /// A lead in an add.
    pub(crate) struct LeadBody {
        "id" => id: Whole,
        "name" => name: Text,
        "price" => price: Whole,
        "responsible_user_id" => responsible_user_id: Whole,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "_embedded" => embedded: EmbeddedTags,
        .. => further
    }
}

document! {
    /// A contact in an add.
    pub(crate) struct ContactBody {
        "id" => id: Whole,
        "name" => name: Text,
        "first_name" => first_name: Text,
        "last_name" => last_name: Text,
        "responsible_user_id" => responsible_user_id: Whole,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "_embedded" => embedded: EmbeddedTags,
        .. => further
    }
}

document! {
    /// A company in an add.
    pub(crate) struct CompanyBody {
        "id" => id: Whole,
        "name" => name: Text,
        "responsible_user_id" => responsible_user_id: Whole,
        "custom_fields_values" => custom_fields_values: Few<FieldDocument>,
        "_embedded" => embedded: EmbeddedTags,
        .. => further
    }
}

document! {
    /// What is embedded in an entity that is sent: tags, and what nobody here knows.
    pub(crate) struct EmbeddedTags {
        "tags" => tags: Few<TagDocument>,
        .. => further
    }
}

document! {
    /// The values of one custom field.
    pub(crate) struct FieldDocument {
        "field_id" => field_id: Whole,
        "field_code" => field_code: Text,
        "values" => values: Few<ValueDocument>,
    }
}

document! {
    /// One value of a custom field.
    pub(crate) struct ValueDocument {
        "value" => value: Value,
        "enum_id" => enum_id: Whole,
        "enum_code" => enum_code: Text,
        "subtype" => subtype: Text,
    }
}

document! {
    /// A tag, by id or by name.
    pub(crate) struct TagDocument {
        "id" => id: Whole,
        "name" => name: Text,
    }
}

/// The parts of a body that become a card.
pub(crate) struct CardParts {
    pub(crate) name: Option<Text>,
    pub(crate) responsible_user_id: Option<Whole>,
    pub(crate) custom_fields_values: Option<Few<FieldDocument>>,
    pub(crate) embedded: Option<EmbeddedTags>,
    pub(crate) further: Further,
}

impl TryFrom<CardParts> for Card {
    type Error = ValidationError;

    fn try_from(parts: CardParts) -> Result<Self, ValidationError> {
        let CardParts { name, responsible_user_id, custom_fields_values, embedded, mut further } = parts;
        let EmbeddedTags { tags, further: embedded } = embedded.unwrap_or_default();
        if !embedded.is_empty() {
            further.insert("_embedded".to_owned(), Value::Object(embedded));
        }
        Ok(Self {
            name: text(name),
            responsible_user_id: id_or_zero("responsible_user_id", responsible_user_id)?,
            custom_fields: few("custom_fields_values", custom_fields_values, FieldValues::try_from)?,
            tags: few("_embedded.tags", tags, TagRef::try_from)?,
            further,
        })
    }
}

impl TryFrom<LeadBody> for LeadDraft {
    type Error = ValidationError;

    fn try_from(body: LeadBody) -> Result<Self, ValidationError> {
        let LeadBody {
            id: number,
            name,
            price,
            responsible_user_id,
            custom_fields_values,
            embedded,
            further,
        } = body;
        Ok(Self {
            id: id("id", number)?,
            price: price.map(|Whole(price)| price),
            notes: Vec::new(),
            card: CardParts { name, responsible_user_id, custom_fields_values, embedded, further }
                .try_into()?,
        })
    }
}

impl TryFrom<ContactBody> for ContactDraft {
    type Error = ValidationError;

    fn try_from(body: ContactBody) -> Result<Self, ValidationError> {
        let ContactBody {
            id: number,
            name,
            first_name,
            last_name,
            responsible_user_id,
            custom_fields_values,
            embedded,
            further,
        } = body;
        Ok(Self {
            id: id("id", number)?,
            first_name: text(first_name),
            last_name: text(last_name),
            card: CardParts { name, responsible_user_id, custom_fields_values, embedded, further }
                .try_into()?,
        })
    }
}

impl TryFrom<CompanyBody> for CompanyDraft {
    type Error = ValidationError;

    fn try_from(body: CompanyBody) -> Result<Self, ValidationError> {
        let CompanyBody { id: number, name, responsible_user_id, custom_fields_values, embedded, further } =
            body;
        Ok(Self {
            id: id("id", number)?,
            card: CardParts { name, responsible_user_id, custom_fields_values, embedded, further }
                .try_into()?,
        })
    }
}

impl TryFrom<FieldDocument> for FieldValues {
    type Error = ValidationError;

    /// The id decides when both id and code are given.
    fn try_from(document: FieldDocument) -> Result<Self, ValidationError> {
        let FieldDocument { field_id, field_code, values } = document;
        let field = match (id("field_id", field_id)?, field_code) {
            (Some(id), _) => FieldRef::Id(id),
            (None, Some(Text(code))) => FieldRef::Code(code),
            (None, None) => {
                let detail = "This field is missing. A custom field is named by field_id or field_code.";
                return Err(ValidationError::new(code::FIELD_MISSING, "field_id", detail));
            }
        };
        Ok(Self { field, values: few("values", values, FieldValue::try_from)? })
    }
}

impl TryFrom<ValueDocument> for FieldValue {
    type Error = ValidationError;

    /// The id decides when both id and code are given.
    fn try_from(document: ValueDocument) -> Result<Self, ValidationError> {
        let ValueDocument { value, enum_id, enum_code, subtype } = document;
        let choice = match (id_or_zero("enum_id", enum_id)?, enum_code) {
            (Some(id), _) => Some(EnumRef::Id(id)),
            (None, Some(Text(code))) => Some(EnumRef::Code(code)),
            (None, None) => None,
        };
        Ok(Self { value: value.unwrap_or_default(), choice, subtype: text(subtype) })
    }
}

impl TryFrom<TagDocument> for TagRef {
    type Error = ValidationError;

    fn try_from(document: TagDocument) -> Result<Self, ValidationError> {
        let TagDocument { id: number, name } = document;
        Ok(Self { id: id("id", number)?, name: text(name) })
    }
}

/// Writes the lead of an add. Its notes have no place on v4.
pub(crate) fn write_lead(w: &mut Writer<'_>, lead: &LeadDraft) {
    let LeadDraft { id, price, notes: _, card } = lead;
    w.object(|w| {
        w.field_if_some("id", id.map(|id| id.get()));
        w.field_if_some("price", *price);
        write_card(w, card, LeadBody::KEYS);
    });
}

/// Writes the contact of an add.
pub(crate) fn write_contact(w: &mut Writer<'_>, contact: &ContactDraft) {
    let ContactDraft { id, first_name, last_name, card } = contact;
    w.object(|w| {
        w.field_if_some("id", id.map(|id| id.get()));
        w.field_if_some("first_name", first_name.as_ref());
        w.field_if_some("last_name", last_name.as_ref());
        write_card(w, card, ContactBody::KEYS);
    });
}

/// Writes the company of an add.
pub(crate) fn write_company(w: &mut Writer<'_>, company: &CompanyDraft) {
    let CompanyDraft { id, card } = company;
    w.object(|w| {
        w.field_if_some("id", id.map(|id| id.get()));
        write_card(w, card, CompanyBody::KEYS);
    });
}

fn write_card(w: &mut Writer<'_>, card: &Card, known: &[&str]) {
    let Card { name, responsible_user_id, custom_fields, tags, further } = card;
    w.field_if_some("name", name.as_ref());
    w.field_if_some("responsible_user_id", responsible_user_id.map(|id| id.get()));
    if !custom_fields.is_empty() {
        w.key("custom_fields_values");
        w.list(custom_fields, write_sent_values);
    }
    let embedded = further.get("_embedded").and_then(Value::as_object);
    if !tags.is_empty() || embedded.is_some() {
        w.key("_embedded");
        w.object(|w| {
            if !tags.is_empty() {
                w.key("tags");
                w.list(tags, |w, TagRef { id, name }| {
                    w.object(|w| {
                        w.field_if_some("id", id.map(|id| id.get()));
                        w.field_if_some("name", name.as_ref());
                    });
                });
            }
            if let Some(embedded) = embedded {
                w.further(embedded, EmbeddedTags::KEYS);
            }
        });
    }
    w.further(further, known);
}

fn write_sent_values(w: &mut Writer<'_>, values: &FieldValues) {
    let FieldValues { field, values } = values;
    w.object(|w| {
        match field {
            FieldRef::Id(id) => w.field("field_id", id.get()),
            FieldRef::Code(code) => w.field("field_code", code),
        }
        w.key("values");
        w.list(values, |w, value| w.object(|w| write_value(w, value)));
    });
}

/// The keys of one value of a custom field.
pub(crate) fn write_value(w: &mut Writer<'_>, value: &FieldValue) {
    let FieldValue { value, choice, subtype } = value;
    w.field("value", value);
    match choice {
        Some(EnumRef::Id(id)) => w.field("enum_id", id.get()),
        Some(EnumRef::Code(code)) => w.field("enum_code", code),
        None => {}
    }
    w.field_if_some("subtype", subtype.as_ref());
}
