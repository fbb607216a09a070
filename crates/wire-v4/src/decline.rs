//! `DELETE /api/v4/leads/unsorted/{uid}/decline`: an incoming lead goes to the bin.

use http::{Method, Request, Response};
use incoming_leads_model::{Decline, Receipt, Uid};

use crate::convert::id_or_zero;
use crate::document::{Whole, document};
use crate::get::target;
use crate::message::{Failure, read_optional_body, request as build};
use crate::problem::Problem;
use crate::receipt;
use crate::write::{Origin, Writer};

document! {
    struct DeclineDocument {
        "user_id" => user_id: Whole,
    }
}

/// Server: reads the command. No body, `[]`, `{}` and `null` say nothing; `user_id` 0 is the caller.
///
/// # Errors
/// 400 with what is wrong; 415 when there is something and it is not JSON.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Decline, Problem> {
    let DeclineDocument { user_id } = read_optional_body(request.headers(), request.body().as_ref())?;
    Ok(Decline { user_id: id_or_zero("user_id", user_id)? })
}

/// Client: commands.
#[must_use]
pub fn request(uid: &Uid, command: Decline, origin: &Origin) -> Request<Vec<u8>> {
    let Decline { user_id } = command;
    let mut body = Vec::new();
    Writer::new(&mut body, origin).object(|w| w.field_if_some("user_id", user_id.map(|id| id.get())));
    build(Method::DELETE, origin, &target(uid, "/decline"), Some(body))
}

/// Server: answers. Category, pipeline and `created_at` must be told: a client fails on null.
#[must_use]
pub fn response(receipt: &Receipt, origin: &Origin) -> Response<Vec<u8>> {
    receipt::decided(receipt, origin)
}

/// Client: reads the answer.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Receipt, Failure> {
    receipt::read(response)
}
