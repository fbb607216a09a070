//! The one table of limits (R15). Every store, wire and server reads it from here.

/// Largest id, price and whole number that is taken: 2^53 - 1, exact in every JSON reader.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
/// Latest moment that is taken: the last second of the year 9999, UTC, in Unix seconds.
pub const MAX_MOMENT_SECS: i64 = 253_402_300_799;

/// Items in one add, at most. Source: R5; general limit of the v4 documents' vendor.
pub const MAX_BATCH_ITEMS: usize = 250;
/// Uids or ids that one question or one v2 command may name, at most.
pub const MAX_NAMED_UIDS: usize = 250;
/// Items of one page of the port, at most. Source: v2 document ("page_size", 500).
pub const MAX_PAGE_SIZE: u32 = 500;
/// Items of one page of the v4 wire, at most; more is cut to it. Source: both v4 documents ("limit – 250").
pub const MAX_PAGE_SIZE_V4: u32 = 250;
/// Items of a page when nothing is said.
pub const DEFAULT_PAGE_SIZE: u32 = 50;

/// Depth of nested JSON in a request body, at most.
pub const MAX_JSON_DEPTH: usize = 32;
/// Depth of nested brackets in a form body or query string, at most.
pub const MAX_FORM_DEPTH: usize = 16;
/// Bytes of a request body, at most.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Bytes of a uid, at most. A uid is opaque text; ours have 60.
pub const MAX_UID_BYTES: usize = 128;
/// Bytes of a `source_uid`, at most.
pub const MAX_SOURCE_UID_BYTES: usize = 255;
/// Characters of a `source_name`, an entity's name or a tag's name, at most.
pub const MAX_NAME_CHARS: usize = 255;
/// Bytes of one text inside metadata, at most.
pub const MAX_METADATA_TEXT_BYTES: usize = 4 << 10;
/// Bytes of all keys and texts of one item's metadata, at most.
pub const MAX_METADATA_BYTES: usize = 16 << 10;
/// Custom fields of one entity, at most.
pub const MAX_CUSTOM_FIELDS: usize = 40;
/// Values of one custom field, at most.
pub const MAX_FIELD_VALUES: usize = 100;
/// Tags of one entity, at most.
pub const MAX_TAGS: usize = 100;
/// Notes that come with one lead, at most.
pub const MAX_NOTES: usize = 20;
/// Bytes of all keys and texts of one entity's body, at most.
pub const MAX_ENTITY_BYTES: usize = 64 << 10;

/// One row of the table, for the documentation and for tests at n-1, n and n+1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What is limited.
    pub what: &'static str,
    /// The largest value that is taken.
    pub most: u64,
    /// What is counted.
    pub unit: &'static str,
}

const fn limit(what: &'static str, most: u64, unit: &'static str) -> Limit {
    Limit { what, most, unit }
}

/// The whole table.
pub const TABLE: &[Limit] = &[
    limit("id, price, whole number", MAX_SAFE_INTEGER, "value"),
    limit("moment", MAX_MOMENT_SECS as u64, "Unix second, UTC"),
    limit("items of an add", MAX_BATCH_ITEMS as u64, "items"),
    limit("uids or ids named in one request", MAX_NAMED_UIDS as u64, "uids"),
    limit("page of the port and of v2", MAX_PAGE_SIZE as u64, "items"),
    limit("page of v4", MAX_PAGE_SIZE_V4 as u64, "items"),
    limit("depth of JSON", MAX_JSON_DEPTH as u64, "levels"),
    limit("depth of brackets", MAX_FORM_DEPTH as u64, "levels"),
    limit("body", MAX_BODY_BYTES as u64, "bytes"),
    limit("uid", MAX_UID_BYTES as u64, "bytes"),
    limit("source_uid", MAX_SOURCE_UID_BYTES as u64, "bytes"),
    limit("source_name, name of an entity or tag", MAX_NAME_CHARS as u64, "characters"),
    limit("text inside metadata", MAX_METADATA_TEXT_BYTES as u64, "bytes"),
    limit("metadata", MAX_METADATA_BYTES as u64, "bytes"),
    limit("custom fields of an entity", MAX_CUSTOM_FIELDS as u64, "fields"),
    limit("values of a custom field", MAX_FIELD_VALUES as u64, "values"),
    limit("tags of an entity", MAX_TAGS as u64, "tags"),
    limit("notes that come with a lead", MAX_NOTES as u64, "notes"),
    limit("body of an entity", MAX_ENTITY_BYTES as u64, "bytes"),
];
