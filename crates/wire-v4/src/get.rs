//! `GET /api/v4/leads/unsorted/{uid}`: one incoming lead.

use http::{Method, Request, Response, StatusCode};
use incoming_leads_model::{IncomingLead, Uid};

use crate::item::{ItemDocument, push_uid_path, write_item};
use crate::message::{Failure, no_content, ok, request as build, success};
use crate::write::Origin;

/// The status for a uid of which nothing waits. The documents are silent; the sister resources answer 204.
pub const UNKNOWN: StatusCode = StatusCode::NO_CONTENT;

/// Client: asks.
#[must_use]
pub fn request(uid: &Uid, origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, &target(uid, ""), None)
}

/// The path of an incoming lead and what follows it.
pub(crate) fn target(uid: &Uid, tail: &str) -> String {
    let mut path = Vec::new();
    push_uid_path(&mut path, uid);
    path.extend_from_slice(tail.as_bytes());
    String::from_utf8(path).expect("an escaped path is ASCII")
}

/// Server: answers; [`UNKNOWN`] when there is none.
#[must_use]
pub fn response(lead: Option<&IncomingLead>, origin: &Origin) -> Response<Vec<u8>> {
    match lead {
        Some(lead) => ok(origin, |w| write_item(w, lead)),
        None => no_content(),
    }
}

/// Client: reads the answer. None is a 204 or a 404.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Option<IncomingLead>, Failure> {
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let Some(body) = success(response)? else { return Ok(None) };
    let ItemDocument(lead) = crate::json::decode(body)?;
    Ok(Some(lead))
}
