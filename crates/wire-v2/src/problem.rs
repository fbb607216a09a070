//! How an error is told on v2: `{status: "fail", error, error_code}`.
//!
//! Source: v2 document, "Response parameters": `error` and `error_code` for an add, `error` for accept and decline. No
//! code for incoming leads is printed anywhere; the codes are the general ones of the vendor's v2 pages where there is
//! one that fits, else the status.

use std::borrow::Cow;
use std::fmt;

use http::header::ALLOW;
use http::{HeaderValue, Response, StatusCode};
use incoming_leads_model::{FaultCode, ItemFaults, Refusal, Uid};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::path;
use crate::read::Object;
use crate::write::Fields;

/// The table of `error_code`.
pub mod error_code {
    use http::StatusCode;

    /// Login, key, session or token are missing or wrong. Source: the vendor's v2 error page.
    pub const WRONG_CREDENTIALS: u32 = 110;
    /// A right is missing. Source: the vendor's v2 error page.
    pub const NO_RIGHT: u32 = 244;
    /// Nothing is there, such as a uid under which nothing waits. Source: the vendor's v2 error page.
    pub const NOTHING_FOUND: u32 = 2002;

    /// The code of an error of this status: one of the vendor's where there is one, else the status itself.
    #[must_use]
    pub fn of(status: StatusCode) -> u32 {
        match status {
            StatusCode::UNAUTHORIZED => WRONG_CREDENTIALS,
            StatusCode::FORBIDDEN => NO_RIGHT,
            other => u32::from(other.as_u16()),
        }
    }
}

/// The codes of faults that are of the wire alone; the others are the model's. The same words as on v4.
pub(crate) mod code {
    pub(crate) const INVALID_JSON: &str = "InvalidJson";
    pub(crate) const INVALID_FORM: &str = "InvalidForm";
    pub(crate) const DUPLICATE_KEY: &str = "DuplicateKey";
    pub(crate) const TOO_DEEP: &str = "TooDeep";
    pub(crate) const UNKNOWN_FIELD: &str = "UnknownField";
    pub(crate) const INVALID_TYPE: &str = "InvalidType";
    pub(crate) const FIELD_MISSING: &str = "FieldMissing";
    pub(crate) const NOT_SUPPORTED_CHOICE: &str = "NotSupportedChoice";
    pub(crate) const OUT_OF_RANGE: &str = "OutOfRange";
    pub(crate) const TOO_MANY: &str = "TooMany";
    pub(crate) const TOO_FEW: &str = "TooFew";
}

/// One thing that is wrong with a request: an entry of `faults`, which is an addition of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What kind of thing: one of the model's fault codes or one of the wire (`InvalidJson`, `InvalidForm`, `TooDeep`,
    /// `DuplicateKey`, `UnknownField`).
    pub code: Cow<'static, str>,
    /// Where, from the outermost: `add.0.incoming_lead_info.date_call`. Empty for the whole request.
    pub path: String,
    /// A sentence that says what would be right.
    pub detail: String,
    /// The uid that is already there, of a duplicate.
    pub uid: Option<Uid>,
}

/// A sentence keeps at most this many bytes: the answer to a text of a megabyte is not a megabyte.
const DETAIL_BYTES: usize = 300;

impl Fault {
    /// A fault at a path; a long sentence is cut.
    #[must_use]
    pub fn new(code: &'static str, path: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        if detail.len() > DETAIL_BYTES {
            detail.truncate(detail.floor_char_boundary(DETAIL_BYTES));
            detail.push('…');
        }
        Self { code: Cow::Borrowed(code), path: path.into(), detail, uid: None }
    }

    pub(crate) fn missing(path: impl Into<String>) -> Self {
        Self::new(code::FIELD_MISSING, path, "This field is missing.")
    }

    pub(crate) fn of_model(fault: &incoming_leads_model::Fault, item: Option<usize>) -> Self {
        let incoming_leads_model::Fault { code, path, detail, existing } = fault;
        let mut outer = item.map_or_else(String::new, |index| format!("add.{index}"));
        path::push_wire(&mut outer, path);
        Self { uid: existing.clone(), ..Self::new(code.as_str(), outer, detail.as_ref()) }
    }

    /// The model's fault that it tells, and the item of the add in which it lies; none when its code is none of the
    /// model's.
    #[must_use]
    pub fn to_model(&self) -> Option<(Option<usize>, incoming_leads_model::Fault)> {
        let code = FaultCode::from_name(&self.code)?;
        let (item, path) = path::to_model(&self.path);
        let fault = incoming_leads_model::Fault::new(code, path, self.detail.clone());
        Some((item, incoming_leads_model::Fault { existing: self.uid.clone(), ..fault }))
    }

    fn to_value(&self) -> Value {
        let Self { code, path, detail, uid } = self;
        let mut fields = Fields::new();
        fields.put("code", code.as_ref());
        fields.put("path", path.as_str());
        fields.put("detail", detail.as_str());
        fields.put_some("uid", uid.as_ref().map(Uid::as_str));
        fields.into()
    }

    fn read(value: Value) -> Self {
        let mut object = Object::lenient(value);
        let mut text = |name: &str| object.text(&[name]).ok().flatten().unwrap_or_default();
        let (code, path, detail, uid) = (text("code"), text("path"), text("detail"), text("uid"));
        Self { code: Cow::Owned(code), uid: Uid::new(&uid).ok(), ..Self::new("", path, detail) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

/// Why a request, or the command on one uid, was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// `error_code`: see [`error_code`].
    pub code: u32,
    /// `error`: what is wrong, in a sentence.
    pub error: String,
    /// All that is wrong, one by one. Empty where it is not about the contents of a request.
    pub faults: Vec<Fault>,
    /// The methods that are served instead, of a 405.
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem of this status, with the code that belongs to it.
    #[must_use]
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, code: error_code::of(status), error: error.into(), faults: Vec::new(), allow: None }
    }

    /// 400: what is wrong with the request.
    #[must_use]
    pub fn invalid(faults: Vec<Fault>) -> Self {
        let error = match faults.as_slice() {
            [] => "the request is not valid".to_owned(),
            [only] => only.to_string(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        Self { faults, ..Self::new(StatusCode::BAD_REQUEST, error) }
    }

    /// 401: no credentials, or none that are known.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "the credentials are missing or wrong")
    }

    /// 404: nothing waits under this text: unknown, of another account, decided already, or no text that a uid can be.
    #[must_use]
    pub fn unknown_uid(text: &str) -> Self {
        let shown = &text[..text.floor_char_boundary(64)];
        let error = format!("no incoming lead with the uid {shown} waits here");
        Self { code: error_code::NOTHING_FOUND, ..Self::new(StatusCode::NOT_FOUND, error) }
    }

    /// 405: the address has other methods, as in `GET, HEAD`.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let error = format!("this address is served with {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, error) }
    }

    /// What the model refused.
    #[must_use]
    pub fn refusal(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, refusal.to_string()),
            Refusal::NotFound(uid) => Self::unknown_uid(uid.as_str()),
            Refusal::Invalid(faults) => {
                Self::invalid(faults.iter().map(|fault| Fault::of_model(fault, None)).collect())
            }
            Refusal::Items(items) => {
                let faults = items.iter().flat_map(|ItemFaults { index, faults }| {
                    faults.iter().map(|fault| Fault::of_model(fault, Some(*index)))
                });
                Self::invalid(faults.collect())
            }
        }
    }

    /// The problem as an answer.
    #[must_use]
    pub fn response(&self, call: &Call) -> Response<Vec<u8>> {
        let mut fields = Fields::new();
        fields.put("status", "fail");
        self.put(&mut fields);
        let mut response = call.answer(fields);
        *response.status_mut() = self.status;
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    /// `error`, `error_code` and `faults`.
    pub(crate) fn put(&self, fields: &mut Fields) {
        let Self { status: _, code, error, faults, allow: _ } = self;
        fields.put("error", error.as_str());
        fields.put("error_code", *code);
        if !faults.is_empty() {
            fields.put("faults", faults.iter().map(Fault::to_value).collect::<Vec<_>>());
        }
    }

    /// Reads what an answer says of an error, in any of the shapes that v2 was seen to use: `error` and `error_code`,
    /// alone or below `response`; `title`, `status`, `detail`. None when it says nothing of the kind.
    #[must_use]
    pub fn read(status: StatusCode, body: &[u8]) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
        Self::of_object(status, &fields)
    }

    pub(crate) fn of_object(status: StatusCode, fields: &Map<String, Value>) -> Option<Self> {
        let fields = fields.get("response").and_then(Value::as_object).unwrap_or(fields);
        let is_fail = fields.get("status").and_then(Value::as_str) == Some("fail");
        if !is_fail && !["error", "error_code", "detail"].iter().any(|key| fields.contains_key(*key)) {
            return None;
        }
        let mut object = Object::root(fields.clone());
        let code = object.whole(&["error_code"]).ok().flatten();
        let error = object.text(&["error", "detail", "title"]).ok().flatten();
        let faults = object.list(&["faults"]).unwrap_or_default();
        Some(Self {
            code: code.and_then(|code| u32::try_from(code).ok()).unwrap_or(error_code::of(status)),
            faults: faults.into_iter().map(|(_, fault)| Fault::read(fault)).collect(),
            ..Self::new(status, error.unwrap_or_default())
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {}) {}", self.status.as_u16(), self.code, self.error)
    }
}

impl std::error::Error for Problem {}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::invalid(vec![fault])
    }
}
