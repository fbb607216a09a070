//! `POST /api/v2/incoming_leads/accept`: incoming leads become leads.

use http::{Request, Response};
use incoming_leads_model::id::InvalidId;
use incoming_leads_model::{Accept, Receipt, Uid};
use serde_json::Value;

use crate::body::{self, Encoding};
use crate::call::Call;
use crate::message::{Failure, command};
use crate::origin::Origin;
use crate::problem::{Fault, Problem};
use crate::read::{Object, id};
use crate::route::FOLDER;
use crate::sort::{self, Sort, Sorted, read_uids, write_uid};
use crate::write::Fields;

/// Server: reads the command and the uids that it is for. `user_id` 0 is the caller.
///
/// # Errors
/// 400 with what is wrong: then nothing of it is carried out; 415 when the body is neither JSON nor a form.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Sort<Accept>, Problem> {
    let mut body = body::read(request)?;
    let uids = read_uids(&mut body, "accept")?;
    let command =
        Accept { user_id: body.id_or_zero(&["user_id"])?, status_id: body.id_or_zero(&["status_id"])? };
    Ok(Sort { command, uids })
}

/// Client: commands.
#[must_use]
pub fn request(uid: &Uid, accept: Accept, encoding: Encoding, origin: &Origin) -> Request<Vec<u8>> {
    let Accept { user_id, status_id } = accept;
    let mut fields = Fields::new();
    write_uid(&mut fields, "accept", uid);
    fields.put_some("user_id", user_id.map(|id| id.get()));
    fields.put_some("status_id", status_id.map(|id| id.get()));
    command(origin, &format!("{FOLDER}/accept"), fields, encoding)
}

/// Server: answers, uid by uid.
#[must_use]
pub fn response(outcomes: &[Sorted], call: &Call) -> Response<Vec<u8>> {
    sort::response(outcomes, call, |receipt| {
        fn ids<I: Copy + Into<u64>>(ids: Option<&Vec<I>>) -> Vec<u64> {
            ids.into_iter().flatten().map(|id| (*id).into()).collect()
        }
        let mut fields = Fields::new();
        fields.put("companies", ids(receipt.companies.as_ref()));
        fields.put("leads", ids(receipt.leads.as_ref()));
        fields.put("contacts", ids(receipt.contacts.as_ref()));
        fields.into()
    })
}

/// Client: reads what the answer says of this uid: the ids of its lead, contact and company.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(uid: &Uid, response: &Response<B>) -> Result<Receipt, Failure> {
    fn ids<I: TryFrom<u64, Error = InvalidId>>(
        told: &mut Object,
        key: &str,
    ) -> Result<Option<Vec<I>>, Fault> {
        let Some(ids) = told.list_if_there(&[key])? else { return Ok(None) };
        ids.into_iter().map(|(path, value)| id(path, &value)).collect::<Result<_, _>>().map(Some)
    }
    let (path, told) = sort::read_response(uid, response)?;
    let mut receipt = Receipt::of(uid.clone());
    // An answer that tells no ids, such as `true`, is still a yes.
    if let Value::Object(_) = told {
        let mut told = Object::at(path, told)?;
        receipt.leads = ids(&mut told, "leads")?;
        receipt.contacts = ids(&mut told, "contacts")?;
        receipt.companies = ids(&mut told, "companies")?;
    }
    Ok(receipt)
}
