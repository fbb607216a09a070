//! Requests and responses without IO: what the client's side of all operations has in common.

use std::fmt;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Map, Value};

use crate::body::Encoding;
use crate::origin::Origin;
use crate::problem::{Fault, Problem, code};
use crate::read::Object;
use crate::{form, write::Fields};

/// Why the answer of a server gives no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The server refused and said why.
    Problem(Problem),
    /// The server refused, or agreed without what was asked for, and did not say why.
    Status(StatusCode),
    /// The server agreed, but its answer cannot be read.
    Unreadable(Fault),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::Status(status) => write!(f, "the server answered {}", status.as_u16()),
            Self::Unreadable(fault) => write!(f, "the answer cannot be read: {fault}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Unreadable(fault)
    }
}

/// A question that is too long for an address: name fewer at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLongToAsk;

impl fmt::Display for TooLongToAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the question is too long for an address; name fewer at once")
    }
}

impl std::error::Error for TooLongToAsk {}

/// A question: its parameters are written as a form is.
pub(crate) fn question(
    origin: &Origin,
    path: &str,
    parameters: Fields,
) -> Result<Request<Vec<u8>>, TooLongToAsk> {
    let query = form::write(&parameters.into_map());
    let query = String::from_utf8(query).expect("what is escaped is ASCII");
    let mark = if query.is_empty() { "" } else { "?" };
    let uri = format!("{origin}{path}{mark}{query}").parse().map_err(|_| TooLongToAsk)?;
    Ok(build(Method::GET, uri, Vec::new()))
}

/// A command: its fields are the body.
pub(crate) fn command(origin: &Origin, path: &str, fields: Fields, encoding: Encoding) -> Request<Vec<u8>> {
    let fields = fields.into_map();
    let body = match encoding {
        Encoding::Json => serde_json::to_vec(&fields).expect("a tree of texts and numbers is JSON"),
        Encoding::Form => form::write(&fields),
    };
    let uri = format!("{origin}{path}").parse().expect("an origin and a path of ours are an address");
    let mut request = build(Method::POST, uri, body);
    request.headers_mut().insert(CONTENT_TYPE, encoding.content_type());
    request
}

fn build(method: Method, uri: Uri, body: Vec<u8>) -> Request<Vec<u8>> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/hal+json, application/json"));
    request
}

/// The object of an answer that succeeded; none of a 204. Source: v2 document: 200, 201 and 204 are successes.
///
/// # Errors
/// What the server refused, also when it says so in a 200; a status that is no success; a body that is no object.
pub(crate) fn success<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Option<Object>, Failure> {
    let (status, body) = (response.status(), response.body().as_ref());
    if status == StatusCode::NO_CONTENT {
        return Ok(None);
    }
    let told: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    if !status.is_success() {
        let problem = told.ok().and_then(|fields| Problem::of_object(status, &fields));
        return Err(problem.map_or(Failure::Status(status), Failure::Problem));
    }
    let fields = told.map_err(|error| Fault::new(code::INVALID_JSON, "", error.to_string()))?;
    match Problem::of_object(status, &fields) {
        Some(problem) => Err(Failure::Problem(problem)),
        None => Ok(Some(Object::root(fields))),
    }
}

/// The same of an answer that has to have a body.
pub(crate) fn answered<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Object, Failure> {
    success(response)?.ok_or_else(|| Failure::Status(response.status()))
}
