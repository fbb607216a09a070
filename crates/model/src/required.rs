//! Which keys an add must have (R4): one table, by wire and category, with two columns.

use serde::{Deserialize, Serialize};

use crate::account::RequiredPolicy;
use crate::draft::Draft;
use crate::metadata::{Category, Metadata};

/// The two generations of the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// The older wire.
    V2,
    /// The newer wire.
    #[default]
    V4,
}

/// One row: a key that is required under one policy or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The wire.
    pub generation: Generation,
    /// The category.
    pub category: Category,
    /// The key, as a path of the model.
    pub key: Key,
    /// Whether every real client was seen to send it.
    pub observed: bool,
    /// Whether the document says so.
    pub documented: bool,
}

/// A key that can be required, and how to see whether it is there.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Key {
    /// The steps of its path: one, or two where it is a key of the metadata.
    pub path: &'static [&'static str],
    is_there: fn(&Draft) -> bool,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Key {}

macro_rules! metadata_key {
    ($variant:ident, $field:ident) => {
        Key {
            path: &["metadata", stringify!($field)],
            is_there: |draft| {
                matches!(&draft.metadata, Some(Metadata::$variant(metadata)) if metadata.$field.is_some())
            },
        }
    };
}

const LEADS: Key = Key { path: &["leads"], is_there: |draft| !draft.leads.is_empty() };
const CONTACTS: Key = Key { path: &["contacts"], is_there: |draft| !draft.contacts.is_empty() };
const COMPANIES: Key = Key { path: &["companies"], is_there: |draft| !draft.companies.is_empty() };

macro_rules! rows {
    ($($generation:ident $category:ident $key:expr, $observed:literal, $documented:literal;)*) => {&[$(Row {
        generation: Generation::$generation,
        category: Category::$category,
        key: $key,
        observed: $observed,
        documented: $documented,
    }),*]};
}

/// The table. `source_name`, `source_uid` and `metadata` are required always and stand apart.
///
/// Observed: nothing on v4; on v2 what the Russian page of the vendor demands, but for a form's `created_at`, which the
/// v2 document's own example does not send. Documented: v4 "all fields except
/// created_at, pipeline_id are mandatory", v2 the rows marked `require`.
pub const TABLE: &[Row] = rows![
    V4 Sip LEADS, false, true;
    V4 Sip CONTACTS, false, true;
    V4 Sip COMPANIES, false, true;
    V4 Sip metadata_key!(Sip, from), false, true;
    V4 Sip metadata_key!(Sip, phone), false, true;
    V4 Sip metadata_key!(Sip, called_at), false, true;
    V4 Sip metadata_key!(Sip, duration), false, true;
    V4 Sip metadata_key!(Sip, link), false, true;
    V4 Sip metadata_key!(Sip, service_code), false, true;
    V4 Forms LEADS, false, true;
    V4 Forms CONTACTS, false, true;
    V4 Forms COMPANIES, false, true;
    V4 Forms metadata_key!(Forms, form_id), false, true;
    V4 Forms metadata_key!(Forms, form_name), false, true;
    V4 Forms metadata_key!(Forms, form_page), false, true;
    V4 Forms metadata_key!(Forms, ip), false, true;
    V4 Forms metadata_key!(Forms, form_sent_at), false, true;
    V4 Forms metadata_key!(Forms, referer), false, true;
    V2 Sip metadata_key!(Sip, phone), true, true;
    V2 Sip metadata_key!(Sip, from), true, true;
    V2 Sip metadata_key!(Sip, called_at), true, true;
    V2 Sip metadata_key!(Sip, duration), false, true;
    V2 Sip metadata_key!(Sip, link), false, true;
    V2 Sip metadata_key!(Sip, service_code), true, true;
    V2 Sip metadata_key!(Sip, uniq), false, true;
    V2 Sip metadata_key!(Sip, call_event), false, true;
    V2 Forms metadata_key!(Forms, form_id), true, true;
    V2 Forms metadata_key!(Forms, form_page), true, true;
    V2 Forms metadata_key!(Forms, ip), false, true;
    V2 Forms metadata_key!(Forms, service_code), false, true;
];

/// The required keys that the draft lacks.
pub fn missing(
    policy: RequiredPolicy,
    generation: Generation,
    category: Category,
    draft: &Draft,
) -> impl Iterator<Item = Key> {
    let rows = TABLE.iter().filter(move |row| {
        row.generation == generation
            && row.category == category
            && match policy {
                RequiredPolicy::Observed => row.observed,
                RequiredPolicy::Documented => row.documented,
            }
    });
    rows.filter(|row| !(row.key.is_there)(draft)).map(|row| row.key)
}
