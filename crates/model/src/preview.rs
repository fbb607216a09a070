//! Preview of a request card (R14).

use crate::draft::{Card, FieldValues, TagRef};

/// What a person sees of an incoming lead before opening it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Name.
    pub name: Option<String>,
    /// Tags.
    pub tags: Vec<TagRef>,
    /// Custom fields and their values.
    pub custom_fields: Vec<FieldValues>,
}

/// Name, tags and custom fields, each from the contact, else the lead, else the company. Source: v2 document.
///
/// The v2 document says "Customer" where its entity arrays say company.
#[must_use]
pub fn preview(contact: Option<&Card>, lead: Option<&Card>, company: Option<&Card>) -> Preview {
    let cards = || [contact, lead, company].into_iter().flatten();
    Preview {
        name: cards().find_map(|card| card.name.clone().filter(|name| !name.is_empty())),
        tags: cards().map(|card| &card.tags).find(|tags| !tags.is_empty()).cloned().unwrap_or_default(),
        custom_fields: cards()
            .map(|card| &card.custom_fields)
            .find(|fields| !fields.is_empty())
            .cloned()
            .unwrap_or_default(),
    }
}
