//! Drafts: what an add says of an incoming lead and of its lead, contact and company.
//!
//! A draft may be incomplete or wrong: the command that carries it is where it is judged.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{CompanyId, ContactId, EnumId, FieldId, LeadId, PipelineId, TagId, UserId};
use crate::metadata::{Further, Metadata};
use crate::moment::Moment;

/// One incoming lead as it is sent in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    /// Name of the source. Required (R4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Uid of the source. Required (R4); often a constant per source, so it is no identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_uid: Option<String>,
    /// The pipeline in which the lead waits. Default: the account's main pipeline (R3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<PipelineId>,
    /// When it came to be (UTC); may lie in the past. Default: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Moment>,
    /// What is told of the call, form, chat or mail. Required (R4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The lead; at most one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<LeadDraft>,
    /// The contact; at most one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactDraft>,
    /// The company; at most one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<CompanyDraft>,
}

/// What a lead, a contact and a company have in common: what a person sees of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Card {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who answers for it, as told; nothing checks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responsible_user_id: Option<UserId>,
    /// Values of custom fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<FieldValues>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagRef>,
    /// Any further key of the body, kept as it came (R4). A pipeline or status in here places nothing (R3).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// The lead of an incoming lead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeadDraft {
    /// An existing lead to link instead of making one (R16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<LeadId>,
    /// Price, in whole units of the account's currency, 0..=2^53-1. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<u64>,
    /// Notes to put on it. Source: v2 document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteDraft>,
    /// Name, fields, tags and all the rest.
    pub card: Card,
}

/// The contact of an incoming lead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactDraft {
    /// An existing contact to link instead of making one (R16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ContactId>,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Name, fields, tags and all the rest.
    pub card: Card,
}

/// The company of an incoming lead.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompanyDraft {
    /// An existing company to link instead of making one (R16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CompanyId>,
    /// Name, fields, tags and all the rest.
    pub card: Card,
}

/// The values of one custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldValues {
    /// Which field.
    pub field: FieldRef,
    /// The values; none clears the field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<FieldValue>,
}

/// How a custom field is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRef {
    /// By its id.
    Id(FieldId),
    /// By its code, such as `PHONE`.
    Code(String),
}

/// One value of a custom field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldValue {
    /// The value: any JSON.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// The choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<EnumRef>,
    /// Part of a compound value, such as `city` of an address. Source: v2 document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
}

/// How a choice of a custom field is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnumRef {
    /// By its id (`enum_id`).
    Id(EnumId),
    /// By its code, such as `WORK` (`enum_code`, v2 `enum`).
    Code(String),
}

/// How a tag is named: by id, by name, or, once it is known, by both.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagRef {
    /// The tag's id. Decides when both are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TagId>,
    /// The tag's name. A new name makes the tag (R16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl TagRef {
    /// The tag with this id.
    #[must_use]
    pub const fn by_id(id: TagId) -> Self {
        Self { id: Some(id), name: None }
    }

    /// The tag with this name.
    #[must_use]
    pub fn by_name(name: impl Into<String>) -> Self {
        Self { id: None, name: Some(name.into()) }
    }
}

/// A note that comes with a lead. Source: v2 document, `leads/notes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoteDraft {
    /// Kind of note as the wire names it: `common`, or a number of v2. Default: `common`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}
