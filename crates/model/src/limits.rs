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
/// Values of a v2 body, at most, lists and objects among them: 200 for each of 250 items.
pub const MAX_BODY_VALUES: usize = 50_000;
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
/// Bytes of all keys and texts of one item's metadata, at most; each value of a further key weighs
/// [`VALUE_BYTES`] more.
pub const MAX_METADATA_BYTES: usize = 16 << 10;
/// What any value of untyped JSON weighs beside its text, in bytes: numbers and empty lists are not for nothing.
pub const VALUE_BYTES: usize = 4;
/// How often an item that a document tells was recorded, at most. As much again is left to count on above it.
pub const MAX_VERSION: u64 = 1 << 31;
/// Custom fields of one entity, at most.
pub const MAX_CUSTOM_FIELDS: usize = 40;
/// Values of one custom field, at most.
pub const MAX_FIELD_VALUES: usize = 100;
/// Tags of one entity, at most.
pub const MAX_TAGS: usize = 100;
/// Notes that come with one lead, at most.
pub const MAX_NOTES: usize = 20;
/// Bytes of all keys and texts of one entity's body, at most; each value of a further key or custom field weighs
/// [`VALUE_BYTES`] more.
pub const MAX_ENTITY_BYTES: usize = 64 << 10;

/// Bytes of an account's sub-domain, at most: one label of a host name. Source: RFC 1035, 2.3.4.
pub const MAX_SUBDOMAIN_BYTES: usize = 63;
/// Bytes of a user's e-mail address, at most. Source: RFC 5321, 4.5.3.1.3, without the brackets.
pub const MAX_EMAIL_BYTES: usize = 254;
/// Bytes of an integration's redirect URI, at most.
pub const MAX_REDIRECT_URI_BYTES: usize = 2 << 10;

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

/// The whole table.
pub const TABLE: &[Limit] = &[
    Limit { what: "id, price, whole number", most: MAX_SAFE_INTEGER, unit: "value" },
    Limit { what: "moment", most: MAX_MOMENT_SECS as u64, unit: "Unix second, UTC" },
    Limit { what: "items of an add", most: MAX_BATCH_ITEMS as u64, unit: "items" },
    Limit { what: "uids or ids named in one request", most: MAX_NAMED_UIDS as u64, unit: "uids" },
    Limit { what: "page of the port and of v2", most: MAX_PAGE_SIZE as u64, unit: "items" },
    Limit { what: "page of v4", most: MAX_PAGE_SIZE_V4 as u64, unit: "items" },
    Limit { what: "depth of JSON", most: MAX_JSON_DEPTH as u64, unit: "levels" },
    Limit { what: "depth of brackets", most: MAX_FORM_DEPTH as u64, unit: "levels" },
    Limit { what: "values of a v2 body", most: MAX_BODY_VALUES as u64, unit: "values" },
    Limit { what: "body", most: MAX_BODY_BYTES as u64, unit: "bytes" },
    Limit { what: "uid", most: MAX_UID_BYTES as u64, unit: "bytes" },
    Limit { what: "source_uid", most: MAX_SOURCE_UID_BYTES as u64, unit: "bytes" },
    Limit { what: "source_name, name of an entity or tag", most: MAX_NAME_CHARS as u64, unit: "characters" },
    Limit { what: "version of an item in a document", most: MAX_VERSION, unit: "value" },
    Limit { what: "text inside metadata", most: MAX_METADATA_TEXT_BYTES as u64, unit: "bytes" },
    Limit { what: "metadata", most: MAX_METADATA_BYTES as u64, unit: "bytes" },
    Limit { what: "custom fields of an entity", most: MAX_CUSTOM_FIELDS as u64, unit: "fields" },
    Limit { what: "values of a custom field", most: MAX_FIELD_VALUES as u64, unit: "values" },
    Limit { what: "tags of an entity", most: MAX_TAGS as u64, unit: "tags" },
    Limit { what: "notes that come with a lead", most: MAX_NOTES as u64, unit: "notes" },
    Limit { what: "body of an entity", most: MAX_ENTITY_BYTES as u64, unit: "bytes" },
    Limit { what: "sub-domain", most: MAX_SUBDOMAIN_BYTES as u64, unit: "bytes" },
    Limit { what: "e-mail address of a user", most: MAX_EMAIL_BYTES as u64, unit: "bytes" },
    Limit { what: "redirect URI", most: MAX_REDIRECT_URI_BYTES as u64, unit: "bytes" },
];
