//! Requests and responses without IO: what all operations have in common.

use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use incoming_leads_model::limits::MAX_JSON_DEPTH;
use serde::de::DeserializeOwned;

use crate::json;
use crate::problem::{Problem, ValidationError};
use crate::write::{Origin, Writer};

/// The content type of answers. Source: both v4 documents.
pub const HAL_JSON: HeaderValue = HeaderValue::from_static("application/hal+json");
/// The content type of requests with a body. Source: both v4 documents.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why the answer of a server gives no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server refused and said why.
    Problem(Problem),
    /// The server refused without a problem document: HTML of a proxy, a 429, an empty body.
    Status(StatusCode),
    /// The server agreed, but its answer cannot be read.
    Unreadable(ValidationError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::Status(status) => write!(f, "the server answered {}", status.as_u16()),
            Self::Unreadable(error) => write!(f, "the answer cannot be read: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<ValidationError> for Failure {
    fn from(error: ValidationError) -> Self {
        Self::Unreadable(error)
    }
}

/// 200 with a body of HAL.
pub(crate) fn ok(origin: &Origin, write: impl FnOnce(&mut Writer<'_>)) -> Response<Vec<u8>> {
    let mut body = Vec::with_capacity(1024);
    write(&mut Writer::new(&mut body, origin));
    hal(body)
}

pub(crate) fn hal(body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HAL_JSON);
    response
}

/// 204: an empty list, or a uid or id that is not there.
#[must_use]
pub fn no_content() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A question that is too long for an address: name fewer uids at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLongToAsk;

impl fmt::Display for TooLongToAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the question is too long for an address; name fewer uids at once")
    }
}

impl std::error::Error for TooLongToAsk {}

/// A question: the query string, if it has one, is escaped already.
pub(crate) fn question(origin: &Origin, path: &str, query: &str) -> Result<Request<Vec<u8>>, TooLongToAsk> {
    let mark = if query.is_empty() { "" } else { "?" };
    let uri = format!("{origin}{path}{mark}{query}").parse().map_err(|_| TooLongToAsk)?;
    Ok(request_to(Method::GET, uri, None))
}

/// A request to a path of bounded length; without a body it has no content type.
pub(crate) fn request(
    method: Method,
    origin: &Origin,
    target: &str,
    body: Option<Vec<u8>>,
) -> Request<Vec<u8>> {
    let uri =
        format!("{origin}{target}").parse().expect("an origin and a short, escaped path are an address");
    request_to(method, uri, body)
}

fn request_to(method: Method, uri: Uri, body: Option<Vec<u8>>) -> Request<Vec<u8>> {
    let has_body = body.is_some();
    let mut request = Request::new(body.unwrap_or_default());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/hal+json, application/problem+json"));
    if has_body {
        headers.insert(CONTENT_TYPE, JSON);
    }
    request
}

/// Checks that a body is announced as JSON, or as nothing at all.
///
/// # Errors
/// 415 for any other content type, for another charset than UTF-8, and for an encoded (compressed) body.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = headers.get_all(http::header::CONTENT_ENCODING).iter().all(|encoding| encoding == "identity");
    if plain && headers.get_all(CONTENT_TYPE).iter().all(is_json) {
        Ok(())
    } else {
        Err(Problem::unsupported_media_type())
    }
}

/// `application/json`, `application/hal+json` and the like, in UTF-8.
pub(crate) fn is_json(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json =
        essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json");
    is_json
        && parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

/// Reads a body that has to be there.
pub(crate) fn read_body<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    check_type(headers)?;
    json::check(body, MAX_JSON_DEPTH)?;
    Ok(json::decode(body)?)
}

/// Reads a body that may be left out: nothing at all, `[]`, `{}` and `null` say nothing, whatever their type.
///
/// Real clients send all of them, some announced as a form. Source: wire as observed.
pub(crate) fn read_optional_body<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Problem> {
    match body.trim_ascii() {
        b"" | b"[]" | b"{}" | b"null" => Ok(T::default()),
        body => read_body(headers, body),
    }
}

/// The body of an answer that succeeded; none of a 204.
///
/// # Errors
/// What the server refused, also when it says so in a 200; a status that is no success.
pub(crate) fn success<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Option<&[u8]>, Failure> {
    let (status, body) = (response.status(), response.body().as_ref());
    match status {
        StatusCode::NO_CONTENT => Ok(None),
        status if status.is_success() => Ok(Some(body)),
        status => Err(Problem::read(status, body).map_or(Failure::Status(status), Failure::Problem)),
    }
}

/// The document of an answer to a command, which may refuse in a 200.
pub(crate) fn read_receipt<T: DeserializeOwned, B: AsRef<[u8]>>(
    response: &Response<B>,
) -> Result<T, Failure> {
    let body = success(response)?.ok_or_else(|| Failure::Status(response.status()))?;
    match Problem::read(response.status(), body) {
        Some(problem) if !problem.validation_errors.is_empty() => Err(Failure::Problem(problem)),
        _ => Ok(json::decode(body)?),
    }
}
