//! Problem documents: how an error is told on v4.
//!
//! Source: wire as observed; `application/problem+json` without a charset, because a client compares the header.

use std::borrow::Cow;
use std::fmt;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use incoming_leads_model::{Fault, FaultCode, ItemFaults, Path, Refusal, Segment, Uid};

use crate::document::{Text, Whole, document};
use crate::write::{Origin, Writer};

/// The content type of problem documents, exactly.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The codes of faults as they are written on the wire.
///
/// `FieldMissing`, `InvalidType` and `NotSupportedChoice` are names that the real server was seen to answer.
pub mod code {
    /// The bytes are not one JSON document.
    pub const INVALID_JSON: &str = "InvalidJson";
    /// One key stands twice in one object.
    pub const DUPLICATE_KEY: &str = "DuplicateKey";
    /// Nested deeper than the limit.
    pub const TOO_DEEP: &str = "TooDeep";
    /// A key that nobody knows, where an unknown key must not be ignored.
    pub const UNKNOWN_FIELD: &str = "UnknownField";
    /// Text where a number is due, an object where a list is due, and the like.
    pub const INVALID_TYPE: &str = "InvalidType";
    /// Something required is not there.
    pub const FIELD_MISSING: &str = "FieldMissing";
    /// Not one of the values that may be chosen.
    pub const NOT_SUPPORTED_CHOICE: &str = "NotSupportedChoice";
    /// A number or a moment outside of its range.
    pub const OUT_OF_RANGE: &str = "OutOfRange";
    /// A list with too many members.
    pub const TOO_MANY: &str = "TooMany";
    /// A list with too few members.
    pub const TOO_FEW: &str = "TooFew";
}

/// One thing that is wrong, as one entry of `errors` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationError {
    /// What kind of thing: one of [`code`] or of the model's fault codes; of another server, anything.
    pub code: Cow<'static, str>,
    /// Where: dotted, places in lists as numbers (`metadata.duration`, `_embedded.leads.0.price`, `filter.uid`).
    /// Empty for the whole item or request.
    pub path: String,
    /// A sentence that says what would be right.
    pub detail: String,
    /// The uid that is already there, of a duplicate. An addition of ours.
    pub uid: Option<Uid>,
}

/// A sentence keeps at most this many bytes: the answer to a text of a megabyte is not a megabyte.
const DETAIL_BYTES: usize = 300;

impl ValidationError {
    /// An error at a path; a long sentence is cut.
    #[must_use]
    pub fn new(code: &'static str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if detail.len() > DETAIL_BYTES {
            detail.truncate(detail.floor_char_boundary(DETAIL_BYTES));
            detail.push('…');
        }
        Self { code: Cow::Borrowed(code), path: path.into(), detail, uid: None }
    }

    /// The same error seen from further outside: `price` within `_embedded.leads.0` is `_embedded.leads.0.price`.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        if self.path.is_empty() {
            outer.clone_into(&mut self.path);
        } else {
            self.path = format!("{outer}.{}", self.path);
        }
        self
    }
}

impl ValidationError {
    /// The fault of the model that it tells, with its path in the model's vocabulary; none when its code is none of
    /// the model's.
    #[must_use]
    pub fn to_fault(&self) -> Option<Fault> {
        let code = FaultCode::from_name(&self.code)?;
        Some(Fault {
            existing: self.uid.clone(),
            ..Fault::new(code, model_path(&self.path), self.detail.clone())
        })
    }
}

impl From<&Fault> for ValidationError {
    fn from(fault: &Fault) -> Self {
        let Fault { code, path, detail, existing } = fault;
        Self { uid: existing.clone(), ..Self::new(code.as_str(), wire_path(path), detail.as_ref()) }
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ValidationError {}

/// The model's path in the keys of v4: `leads.0.custom_fields.2.field` is
/// `_embedded.leads.0.custom_fields_values.2.field_id`.
fn wire_path(path: &Path) -> String {
    let mut text = String::new();
    let mut push = |step: &str| {
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(step);
    };
    let segments = path.segments();
    let top = segments.first().and_then(key).unwrap_or_default();
    let in_entity = ["leads", "contacts", "companies"].contains(&top);
    for (place, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Index(index) => push(&index.to_string()),
            Segment::Key(name) => match (name.as_ref(), place) {
                ("leads" | "contacts" | "companies", 0) => {
                    push("_embedded");
                    push(name);
                }
                ("custom_fields", 2) if in_entity => push("custom_fields_values"),
                ("tags", 2) if in_entity => {
                    push("_embedded");
                    push("tags");
                }
                ("field", 4) if in_entity => push("field_id"),
                ("choice", 6) if in_entity => push("enum_id"),
                ("reference", 2) => push("ref"),
                ("call_event", 1) => push("is_call_event_needed"),
                ("target", 0) => {
                    push("link");
                    push("entity_id");
                }
                ("contact_id", 0) => {
                    push("link");
                    push("metadata");
                    push("contact_id");
                }
                (name, _) => push(name),
            },
        }
    }
    text
}

/// The way back of [`wire_path`]. Steps that are numbers are places in lists.
fn model_path(text: &str) -> Path {
    let steps: Vec<&str> = text.split('.').filter(|step| !step.is_empty()).collect();
    let mut path = Path::root();
    for (place, step) in steps.iter().enumerate() {
        let depth = path.segments().len();
        let in_entity = path
            .segments()
            .first()
            .and_then(key)
            .is_some_and(|top| ["leads", "contacts", "companies"].contains(&top));
        path = match (*step, depth) {
            ("_embedded", 0) if steps.len() > 1 => path,
            ("_embedded", 2) if in_entity && steps.get(place + 1) == Some(&"tags") => path,
            ("custom_fields_values", 2) if in_entity => path.key("custom_fields"),
            ("field_id" | "field_code", 4) if in_entity => path.key("field"),
            ("enum_id" | "enum_code", 6) if in_entity => path.key("choice"),
            ("ref", 2) if steps[0] == "metadata" => path.key("reference"),
            ("is_call_event_needed", 1) if steps[0] == "metadata" => path.key("call_event"),
            ("link", 0) => match steps[1..] {
                ["metadata", "contact_id"] => return Path::of("contact_id"),
                _ => return Path::of("target"),
            },
            (step, _) => match step.parse() {
                Ok(index) => path.index(index),
                Err(_) => path.key(step.to_owned()),
            },
        };
    }
    path
}

fn key(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Key(key) => Some(key),
        Segment::Index(_) => None,
    }
}

/// All that is wrong with one item of a batch, or with a request that is no batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ItemErrors {
    /// The item's `request_id`, else its place in the batch; `"0"` where there is no batch.
    pub request_id: String,
    /// What is wrong.
    pub errors: Vec<ValidationError>,
}

impl ItemErrors {
    /// The errors of the item with this `request_id`.
    #[must_use]
    pub fn new(request_id: impl Into<String>, errors: Vec<ValidationError>) -> Self {
        Self { request_id: request_id.into(), errors }
    }
}

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status; the status of the answer, too.
    pub status: StatusCode,
    /// The status in words.
    pub title: Box<str>,
    /// An address that names the kind of problem: `https://httpstatus.es/400` and so on.
    pub kind: Box<str>,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What may help, of a problem of OAuth. Source: one client reads it unguarded.
    pub hint: Option<Box<str>>,
    /// What is wrong, item by item. Empty where it is not about the contents of a request.
    pub validation_errors: Vec<ItemErrors>,
    /// The methods that are served instead, of a 405.
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem of this status.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or("Error").into(),
            kind: format!("https://httpstatus.es/{}", status.as_u16()).into(),
            detail: detail.into(),
            hint: None,
            validation_errors: Vec::new(),
            allow: None,
        }
    }

    /// 400: what is wrong, item by item.
    #[must_use]
    pub fn validation(errors: Vec<ItemErrors>) -> Self {
        Self { validation_errors: errors, ..Self::new(StatusCode::BAD_REQUEST, "Request validation failed") }
    }

    /// 401: no token, or one that is not known.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 404: no such route, or no such incoming lead.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: the route has other methods, as in `GET, HEAD`.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("this address is served with {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
    }

    /// 415: the body is not JSON.
    #[must_use]
    pub fn unsupported_media_type() -> Self {
        let detail = "the body must be JSON in UTF-8, with Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// What the model refused. `request_ids` are those of the batch, for an add; empty otherwise.
    #[must_use]
    pub fn refusal(refusal: &Refusal, request_ids: &[String]) -> Self {
        let errors = |faults: &[Fault]| faults.iter().map(ValidationError::from).collect();
        match refusal {
            Refusal::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, refusal.to_string()),
            Refusal::NotFound(_) => Self::not_found(refusal.to_string()),
            Refusal::Invalid(faults) => Self::validation(vec![ItemErrors::new("0", errors(faults))]),
            Refusal::Items(items) => {
                let group = |ItemFaults { index, faults }: &ItemFaults| {
                    let request_id = request_ids.get(*index).cloned().unwrap_or_else(|| index.to_string());
                    ItemErrors::new(request_id, errors(faults))
                };
                Self::validation(items.iter().map(group).collect())
            }
        }
    }

    /// The problem as an answer.
    #[must_use]
    pub fn response(&self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.to_json());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    /// The problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let Self { status, title, kind, detail, hint, validation_errors, allow: _ } = self;
        let mut body = Vec::new();
        let origin = Origin::none();
        Writer::new(&mut body, &origin).object(|w| {
            if !validation_errors.is_empty() {
                w.key("validation-errors");
                w.list(validation_errors, write_group);
            }
            w.field_if_some("hint", hint.as_deref());
            w.field("title", title.as_ref());
            w.field("type", kind.as_ref());
            w.field("status", u64::from(status.as_u16()));
            w.field("detail", detail);
        });
        body
    }

    /// Reads the problem document of an answer; none when the body is none, such as the HTML of a 429.
    #[must_use]
    pub fn read(status: StatusCode, body: &[u8]) -> Option<Self> {
        let document: ProblemDocument = crate::json::decode(body).ok()?;
        let ProblemDocument { title, kind, status: told, detail, hint, validation_errors } = document;
        if [&title, &detail, &hint].iter().all(|text| text.is_none()) && validation_errors.is_none() {
            return None;
        }
        let status = told
            .and_then(|Whole(told)| StatusCode::from_u16(u16::try_from(told).ok()?).ok())
            .unwrap_or(status);
        let told = Self::new(status, "");
        Some(Self {
            title: title.map_or(told.title, |Text(title)| title.into()),
            kind: kind.map_or(told.kind, |Text(kind)| kind.into()),
            detail: detail.or_else(|| hint.clone()).map_or(told.detail, |Text(detail)| detail),
            hint: hint.map(|Text(hint)| hint.into()),
            validation_errors: validation_errors
                .map_or_else(Vec::new, |Groups(groups)| groups.into_iter().map(ItemErrors::from).collect()),
            status,
            allow: None,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.detail)?;
        for ItemErrors { request_id, errors } in &self.validation_errors {
            for error in errors {
                write!(f, "; item {request_id}: {error}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<ValidationError> for Problem {
    /// 400 for a request that is no batch.
    fn from(error: ValidationError) -> Self {
        Self::validation(vec![ItemErrors::new("0", vec![error])])
    }
}

fn write_group(w: &mut Writer<'_>, group: &ItemErrors) {
    let ItemErrors { request_id, errors } = group;
    w.object(|w| {
        w.field("request_id", request_id);
        w.key("errors");
        w.list(errors, |w, ValidationError { code, path, detail, uid }| {
            w.object(|w| {
                w.field("code", code.as_ref());
                w.field("path", path);
                w.field("detail", detail);
                w.field_if_some("uid", uid.as_ref().map(Uid::as_str));
            });
        });
    });
}

document! {
    struct ProblemDocument {
        "title" => title: Text,
        "type" => kind: Text,
        "status" => status: Whole,
        "detail" => detail: Text,
        "hint" => hint: Text,
        "validation-errors" => validation_errors: Groups,
    }
}

document! {
    struct GroupDocument {
        "request_id" => request_id: Text,
        "errors" => errors: Vec<ErrorDocument>,
    }
}

document! {
    struct ErrorDocument {
        "code" => code: Text,
        "path" => path: Text,
        "detail" => detail: Text,
        "uid" => uid: Text,
    }
}

impl From<GroupDocument> for ItemErrors {
    fn from(document: GroupDocument) -> Self {
        let GroupDocument { request_id, errors } = document;
        let errors = errors.unwrap_or_default().into_iter().map(ValidationError::from).collect();
        Self::new(request_id.map_or_else(|| "0".to_owned(), |Text(id)| id), errors)
    }
}

impl From<ErrorDocument> for ValidationError {
    fn from(document: ErrorDocument) -> Self {
        let ErrorDocument { code, path, detail, uid } = document;
        let text = |text: Option<Text>| text.map_or_else(String::new, |Text(text)| text);
        Self {
            code: Cow::Owned(text(code)),
            uid: uid.and_then(|Text(uid)| Uid::new(&uid).ok()),
            ..Self::new("", text(path), text(detail))
        }
    }
}

/// A list of groups, or a single group where a server sends one.
#[derive(Debug)]
struct Groups(Vec<GroupDocument>);

impl<'de> serde::Deserialize<'de> for Groups {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> serde::de::Visitor<'de> for Read {
            type Value = Groups;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of groups, or one group")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Groups, A::Error> {
                let mut groups = Vec::new();
                while let Some(group) = list.next_element()? {
                    groups.push(group);
                }
                Ok(Groups(groups))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, object: A) -> Result<Groups, A::Error> {
                let group =
                    serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(object))?;
                Ok(Groups(vec![group]))
            }
        }

        deserializer.deserialize_any(Read)
    }
}
