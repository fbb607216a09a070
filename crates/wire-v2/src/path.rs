//! Paths: the model's words for a place in a request, and v2's.

use incoming_leads_model::{Path, Segment};

/// The containers of an item, as v2 calls them.
pub(crate) const INFO: &str = "incoming_lead_info";
pub(crate) const ENTITIES: &str = "incoming_entities";

/// Keys that v2 calls otherwise: in which list or object they stand, the model's word, v2's.
const RENAMED: &[(&str, &str, &str)] = &[
    ("metadata", "phone", "to"),
    ("metadata", "called_at", "date_call"),
    ("metadata", "call_event", "add_note"),
    ("metadata", "form_sent_at", "form_send_at"),
    ("origin", "reference", "ref"),
    ("custom_fields", "field", "id"),
    ("values", "choice", "enum"),
    ("notes", "kind", "note_type"),
];

/// Appends the model's path in v2's words: `leads.0.custom_fields.2.field` is
/// `incoming_entities.leads.0.custom_fields.2.id`.
pub(crate) fn push_wire(text: &mut String, path: &Path) {
    let mut push = |step: &str| {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(step);
    };
    // The last key: places in lists do not count.
    let mut outer = "";
    for (depth, segment) in path.segments().iter().enumerate() {
        match segment {
            Segment::Index(index) => push(&index.to_string()),
            Segment::Key(key) => {
                match (depth, key.as_ref()) {
                    (0, "metadata") => push(INFO),
                    (0, "leads" | "contacts" | "companies") => {
                        push(ENTITIES);
                        push(key);
                    }
                    (_, key) => {
                        let renamed = RENAMED.iter().find(|(at, word, _)| (*at, *word) == (outer, key));
                        push(renamed.map_or(key, |(.., word)| word));
                    }
                }
                outer = key;
            }
        }
    }
}

/// The way back: the item of the add, if it lies in one, and the model's path.
pub(crate) fn to_model(text: &str) -> (Option<usize>, Path) {
    let mut steps = text.split('.').filter(|step| !step.is_empty()).peekable();
    let mut item = None;
    if steps.next_if_eq(&"add").is_some() {
        item = steps.next().and_then(|index| index.parse().ok());
    }
    let (mut path, mut outer) = (Path::root(), "");
    for step in steps {
        path = match (path.is_empty(), step) {
            (true, ENTITIES) => continue,
            (true, INFO) => {
                outer = "metadata";
                path.key("metadata")
            }
            _ => match step.parse() {
                Ok(index) => path.index(index),
                Err(_) => {
                    let renamed = RENAMED.iter().find(|(at, _, word)| (*at, *word) == (outer, step));
                    outer = renamed.map_or(step, |(_, word, _)| word);
                    path.key(outer.to_owned())
                }
            },
        };
    }
    (item, path)
}
