//! Bodies of requests: JSON or a form, as they are announced.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde_json::Value;

use crate::problem::{Fault, Problem, code};
use crate::read::Object;
use crate::{form, json};

/// In which form a request carries its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`, as PHP's `http_build_query` writes it.
    Form,
}

impl Encoding {
    pub(crate) const fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json"),
            Self::Form => HeaderValue::from_static("application/x-www-form-urlencoded"),
        }
    }

    /// How the body is announced; where it is not announced at all, how it begins.
    ///
    /// # Errors
    /// 415 for any other content type, for another charset than UTF-8, and for an encoded (compressed) body.
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let refused = || {
            let error = "the body must be application/x-www-form-urlencoded or application/json, in UTF-8";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
        };
        if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
            return Err(refused());
        }
        let mut announced = headers.get_all(CONTENT_TYPE).iter().map(Self::announced);
        let Some(first) = announced.next() else {
            return Ok(if looks_like_json(body) { Self::Json } else { Self::Form });
        };
        match first {
            Some(encoding) if announced.all(|other| other == first) => Ok(encoding),
            _ => Err(refused()),
        }
    }

    fn announced(value: &HeaderValue) -> Option<Self> {
        let mut parts = value.to_str().ok()?.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_utf8 = parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        });
        match essence.as_str() {
            _ if !is_utf8 => None,
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "application/json" => Some(Self::Json),
            other if other.starts_with("application/") && other.ends_with("+json") => Some(Self::Json),
            _ => None,
        }
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Reads the fields of a body.
pub(crate) fn read<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Object, Problem> {
    let body = request.body().as_ref();
    match Encoding::of(request.headers(), body)? {
        Encoding::Json => match json::read(body)? {
            Value::Object(fields) => Ok(Object::root(fields)),
            _ => Err(Fault::new(code::INVALID_TYPE, "", "the body must be an object").into()),
        },
        Encoding::Form if looks_like_json(body) => {
            let detail = "the body is announced as a form and looks like JSON; send it as application/json";
            Err(Fault::new(code::INVALID_FORM, "", detail).into())
        }
        Encoding::Form => Ok(Object::root(form::read(body.trim_ascii(), &[])?)),
    }
}

/// One plain field of a form body; none when the body is no form.
pub(crate) fn scalar<B: AsRef<[u8]>>(request: &Request<B>, name: &str) -> Option<String> {
    let body = request.body().as_ref();
    match Encoding::of(request.headers(), body) {
        Ok(Encoding::Form) if !looks_like_json(body) => form::scalar(body.trim_ascii(), name),
        _ => None,
    }
}
