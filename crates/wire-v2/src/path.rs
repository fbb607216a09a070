//! Paths: the model's words for a place in a request, and v2's.

use incoming_leads_model::{Path, Segment};

/// The containers of an item, as v2 calls them.
pub(crate) const INFO: &str = "incoming_lead_info";
pub(crate) const ENTITIES: &str = "incoming_entities";

/// Keys of metadata and entities that v2 calls otherwise: where (`metadata`, or an entity's list), at which depth, the
/// model's word, v2's.
const RENAMED: &[(Place, usize, &str, &str)] = &[
    (Place::Metadata, 1, "phone", "to"),
    (Place::Metadata, 1, "called_at", "date_call"),
    (Place::Metadata, 1, "call_event", "add_note"),
    (Place::Metadata, 1, "form_sent_at", "form_send_at"),
    (Place::Metadata, 2, "reference", "ref"),
    (Place::Entity, 4, "field", "id"),
    (Place::Entity, 4, "kind", "note_type"),
    (Place::Entity, 6, "choice", "enum"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Metadata,
    Entity,
    Elsewhere,
}

impl Place {
    fn of(top: &str) -> Self {
        match top {
            "metadata" => Self::Metadata,
            "leads" | "contacts" | "companies" => Self::Entity,
            _ => Self::Elsewhere,
        }
    }
}

/// Appends the model's path in v2's words: `leads.0.custom_fields.2.field` is
/// `incoming_entities.leads.0.custom_fields.2.id`.
pub(crate) fn push_wire(text: &mut String, path: &Path) {
    let mut push = |step: &str| {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(step);
    };
    let top = match path.segments().first() {
        Some(Segment::Key(key)) => key.as_ref(),
        _ => "",
    };
    let place = Place::of(top);
    for (depth, segment) in path.segments().iter().enumerate() {
        match segment {
            Segment::Index(index) => push(&index.to_string()),
            Segment::Key(_) if depth == 0 => match place {
                Place::Metadata => push(INFO),
                Place::Entity => {
                    push(ENTITIES);
                    push(top);
                }
                Place::Elsewhere => push(top),
            },
            Segment::Key(key) => {
                let renamed =
                    RENAMED.iter().find(|(at, deep, word, _)| (*at, *deep, *word) == (place, depth, key));
                push(renamed.map_or(key.as_ref(), |(.., word)| word));
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
    let mut path = Path::root();
    let mut place = Place::Elsewhere;
    for step in steps {
        let depth = path.segments().len();
        path = match (depth, step) {
            (0, ENTITIES) => continue,
            (0, INFO) => {
                place = Place::Metadata;
                Path::of("metadata")
            }
            (0, _) => {
                place = Place::of(step);
                path.key(step.to_owned())
            }
            _ => match step.parse() {
                Ok(index) => path.index(index),
                Err(_) => {
                    let renamed = RENAMED
                        .iter()
                        .find(|(at, deep, _, word)| (*at, *deep, *word) == (place, depth, step));
                    path.key(renamed.map_or(step, |(_, _, word, _)| word).to_owned())
                }
            },
        };
    }
    (item, path)
}
