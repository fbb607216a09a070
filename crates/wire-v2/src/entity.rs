//! Leads, contacts and companies, as adds and lists carry them. What no document names is kept (R4).

use incoming_leads_model::{
    Card, CompanyDraft, ContactDraft, EnumId, EnumRef, FieldRef, FieldValue, FieldValues, LeadDraft,
    NoteDraft, TagRef,
};
use serde_json::Value;

use crate::problem::Fault;
use crate::read::{Object, digits, id, list, text};
use crate::write::{Fields, Side};

/// The keys of an entity that have a meaning here, in both generations' words.
const LEAD: &[&str] = &["id", "price", "sale", "notes"];
const CONTACT: &[&str] = &["id", "first_name", "last_name"];
const COMPANY: &[&str] = &["id"];
const CARD: &[&str] = &["name", "responsible_user_id", "tags", "custom_fields", "date_create"];

pub(crate) fn read_lead(mut object: Object) -> Result<LeadDraft, Fault> {
    Ok(LeadDraft {
        id: object.id(&["id"])?,
        price: object.whole(&["price", "sale"])?,
        notes: object.objects(&["notes"], read_note)?,
        card: read_card(object)?,
    })
}

pub(crate) fn read_contact(mut object: Object) -> Result<ContactDraft, Fault> {
    Ok(ContactDraft {
        id: object.id(&["id"])?,
        first_name: object.text(&["first_name"])?,
        last_name: object.text(&["last_name"])?,
        card: read_card(object)?,
    })
}

pub(crate) fn read_company(mut object: Object) -> Result<CompanyDraft, Fault> {
    Ok(CompanyDraft { id: object.id(&["id"])?, card: read_card(object)? })
}

/// What all three have in common. Their own moment is a further key, called `date_create` in one sample of the v2
/// document and `created_at` in all the others.
fn read_card(mut object: Object) -> Result<Card, Fault> {
    let name = object.text(&["name"])?;
    let responsible_user_id = object.id_or_zero(&["responsible_user_id"])?;
    let custom_fields = object.objects(&["custom_fields"], read_values)?;
    let tags =
        object.take(&["tags"]).map(|(path, tags)| read_tags(&path, tags)).transpose()?.unwrap_or_default();
    let date_create = object.value("date_create");
    let mut further = object.rest();
    if let Some(moment) = date_create {
        further.entry("created_at").or_insert(moment);
    }
    Ok(Card { name, responsible_user_id, custom_fields, tags, further })
}

/// `"MT, services"`, or a list of names, or of objects with id and name.
fn read_tags(path: &str, tags: Value) -> Result<Vec<TagRef>, Fault> {
    let tags = match tags {
        Value::String(names) => {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            return Ok(names.map(TagRef::by_name).collect());
        }
        Value::Number(_) => return Ok(vec![TagRef::by_name(text(path.to_owned(), tags)?)]),
        tags => tags,
    };
    let tags = list(path, tags)?.into_iter().map(|(path, tag)| match tag {
        Value::Object(_) | Value::Array(_) => {
            let mut tag = Object::at(path, tag)?;
            Ok(TagRef { id: tag.id(&["id"])?, name: tag.text(&["name"])? })
        }
        name => text(path, name).map(TagRef::by_name),
    });
    tags.collect()
}

fn read_values(mut object: Object) -> Result<FieldValues, Fault> {
    let field = match (object.id(&["id"])?, object.text(&["code"])?) {
        (Some(id), _) => FieldRef::Id(id),
        (None, Some(code)) => FieldRef::Code(code),
        (None, None) => return Err(Fault::missing(object.within("id"))),
    };
    let values = object.list(&["values"])?.into_iter().map(|(path, value)| read_value(path, value));
    Ok(FieldValues { field, values: values.collect::<Result<_, _>>()? })
}

/// A bare value, or an object with `value`, `enum` and `subtype`.
fn read_value(path: String, value: Value) -> Result<FieldValue, Fault> {
    if !value.is_object() {
        return Ok(FieldValue { value, choice: None, subtype: None });
    }
    let mut object = Object::at(path, value)?;
    let choice = match object.take(&["enum"]) {
        Some((path, choice)) => read_choice(path, choice)?,
        None => None,
    };
    let subtype = object.text(&["subtype"])?;
    Ok(FieldValue { value: object.value("value").unwrap_or_default(), choice, subtype })
}

/// A choice by its id, as a number or digits, or by its code; 0 and an empty text are none.
fn read_choice(path: String, choice: Value) -> Result<Option<EnumRef>, Fault> {
    match text(path.clone(), choice)?.as_str() {
        "" | "0" => Ok(None),
        number if digits(number).is_some() => {
            id::<EnumId>(path, &number.into()).map(|id| Some(EnumRef::Id(id)))
        }
        code => Ok(Some(EnumRef::Code(code.to_owned()))),
    }
}

fn read_note(mut object: Object) -> Result<NoteDraft, Fault> {
    let kind = object.text(&["note_type"])?;
    let text = object.text(&["text"])?;
    Ok(NoteDraft { kind, text, further: object.rest() })
}

pub(crate) fn write_lead(lead: &LeadDraft, side: Side) -> Value {
    let LeadDraft { id, price, notes, card } = lead;
    let mut fields = Fields::new();
    fields.put_some("id", id.map(|id| id.get()));
    fields.put_some("price", *price);
    fields.put_list("notes", notes, write_note);
    write_card(fields, card, LEAD, side)
}

pub(crate) fn write_contact(contact: &ContactDraft, side: Side) -> Value {
    let ContactDraft { id, first_name, last_name, card } = contact;
    let mut fields = Fields::new();
    fields.put_some("id", id.map(|id| id.get()));
    fields.put_some("first_name", first_name.as_deref());
    fields.put_some("last_name", last_name.as_deref());
    write_card(fields, card, CONTACT, side)
}

pub(crate) fn write_company(company: &CompanyDraft, side: Side) -> Value {
    let CompanyDraft { id, card } = company;
    let mut fields = Fields::new();
    fields.put_some("id", id.map(|id| id.get()));
    write_card(fields, card, COMPANY, side)
}

fn write_card(mut fields: Fields, card: &Card, known: &[&str], side: Side) -> Value {
    let Card { name, responsible_user_id, custom_fields, tags, further } = card;
    fields.put_some("name", name.as_deref());
    fields.put_some("responsible_user_id", responsible_user_id.map(|id| id.get()));
    fields.put_list("custom_fields", custom_fields, |values| write_values(values, side));
    if !tags.is_empty() {
        fields.put("tags", write_tags(tags));
    }
    fields.further(further, &[known, CARD].concat());
    fields.into()
}

/// One text, as the document prints it, where it can carry the names; else a list of objects.
fn write_tags(tags: &[TagRef]) -> Value {
    let plain = |tag: &TagRef| {
        let name = tag.name.as_deref()?;
        (!name.is_empty() && name.trim() == name && !name.contains(',')).then(|| name.to_owned())
    };
    if let Some(names) = tags.iter().map(plain).collect::<Option<Vec<_>>>() {
        return names.join(", ").into();
    }
    let tags = tags.iter().map(|TagRef { id, name }| {
        let mut fields = Fields::new();
        fields.put_some("id", id.map(|id| id.get()));
        fields.put_some("name", name.as_deref());
        fields.into()
    });
    Value::Array(tags.collect())
}

fn write_values(values: &FieldValues, side: Side) -> Value {
    let FieldValues { field, values } = values;
    let mut fields = Fields::new();
    match field {
        FieldRef::Id(id) => fields.put("id", id.get()),
        FieldRef::Code(code) => fields.put("code", code.as_str()),
    }
    fields.put("values", values.iter().map(write_value).collect::<Vec<_>>());
    if side == Side::Told {
        // Source: v2 document, the list's example.
        fields.put("is_system", false);
    }
    fields.into()
}

fn write_value(value: &FieldValue) -> Value {
    let FieldValue { value, choice, subtype } = value;
    let mut fields = Fields::new();
    fields.put("value", value.clone());
    match choice {
        Some(EnumRef::Id(id)) => fields.put("enum", id.get()),
        Some(EnumRef::Code(code)) => fields.put("enum", code.as_str()),
        None => {}
    }
    fields.put_some("subtype", subtype.as_deref());
    fields.into()
}

fn write_note(note: &NoteDraft) -> Value {
    let NoteDraft { kind, text, further } = note;
    let mut fields = Fields::new();
    fields.put_some("note_type", kind.as_deref());
    fields.put_some("text", text.as_deref());
    fields.further(further, &["note_type", "text"]);
    fields.into()
}
