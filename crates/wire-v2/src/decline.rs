//! `POST /api/v2/incoming_leads/decline`: incoming leads go to the bin.

use http::{Request, Response};
use incoming_leads_model::{Decline, Receipt, Uid};

use crate::body::{self, Encoding};
use crate::call::Call;
use crate::message::{Failure, command};
use crate::origin::Origin;
use crate::problem::Problem;
use crate::route::FOLDER;
use crate::sort::{self, Sort, Sorted, read_uids, write_uid};
use crate::write::Fields;

/// Server: reads the command and the uids that it is for. `user_id` 0 is the caller.
///
/// # Errors
/// 400 with what is wrong: then nothing of it is carried out; 415 when the body is neither JSON nor a form.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Sort<Decline>, Problem> {
    let mut body = body::read(request)?;
    let uids = read_uids(&mut body, "decline")?;
    let command = Decline { user_id: body.id_or_zero(&["user_id"])? };
    Ok(Sort { command, uids })
}

/// Client: commands.
#[must_use]
pub fn request(uid: &Uid, decline: Decline, encoding: Encoding, origin: &Origin) -> Request<Vec<u8>> {
    let Decline { user_id } = decline;
    let mut fields = Fields::new();
    write_uid(&mut fields, "decline", uid);
    fields.put_some("user_id", user_id.map(|id| id.get()));
    command(origin, &format!("{FOLDER}/decline"), fields, encoding)
}

/// Server: answers, uid by uid: `false` for what was declined, as the document prints it.
#[must_use]
pub fn response(outcomes: &[Sorted], call: &Call) -> Response<Vec<u8>> {
    sort::response(outcomes, call, |_| false.into())
}

/// Client: reads what the answer says of this uid. v2 tells nothing but that it was declined.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(uid: &Uid, response: &Response<B>) -> Result<Receipt, Failure> {
    sort::read_response(uid, response)?;
    Ok(Receipt::of(uid.clone()))
}
