//! `POST /api/v4/leads/unsorted/{uid}/link`: an incoming lead joins a lead or customer that is there already.

use http::{Method, Request, Response};
use incoming_leads_model::{Link, LinkTarget, Receipt, Uid};

use crate::convert::{id, id_or_zero, required};
use crate::document::{Text, Whole, document};
use crate::get::target;
use crate::message::{Failure, read_body, request as build};
use crate::problem::{Problem, ValidationError, code};
use crate::receipt;
use crate::write::{Origin, Writer};

document! {
    struct LinkDocument {
        "link" => link: TargetDocument,
        "user_id" => user_id: Whole,
    }
}

document! {
    struct TargetDocument {
        "entity_id" => entity_id: Whole,
        "entity_type" => entity_type: Text,
        "metadata" => metadata: ActionDocument,
    }
}

document! {
    struct ActionDocument {
        "contact_id" => contact_id: Whole,
    }
}

/// Server: reads the command. `user_id` 0 is the caller.
///
/// # Errors
/// 400 with what is wrong; 415 when the body is not JSON.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Link, Problem> {
    let document: LinkDocument = read_body(request.headers(), request.body().as_ref())?;
    Ok(Link::try_from(document)?)
}

impl TryFrom<LinkDocument> for Link {
    type Error = ValidationError;

    fn try_from(document: LinkDocument) -> Result<Self, ValidationError> {
        let LinkDocument { link, user_id } = document;
        let TargetDocument { entity_id, entity_type, metadata } = required("link", link)?;
        let ActionDocument { contact_id } = metadata.unwrap_or_default();
        let entity_id = required("link.entity_id", entity_id)?;
        let Text(kind) = required("link.entity_type", entity_type)?;
        let target = match kind.as_str() {
            "leads" => id("link.entity_id", Some(entity_id))?.map(LinkTarget::Lead),
            "customers" => id("link.entity_id", Some(entity_id))?.map(LinkTarget::Customer),
            _ => {
                let detail = "leads or customers is due";
                return Err(ValidationError::new(code::NOT_SUPPORTED_CHOICE, "link.entity_type", detail));
            }
        };
        Ok(Self {
            target: required("link.entity_id", target)?,
            contact_id: id("link.metadata.contact_id", contact_id)?,
            user_id: id_or_zero("user_id", user_id)?,
        })
    }
}

/// Client: commands.
#[must_use]
pub fn request(uid: &Uid, command: Link, origin: &Origin) -> Request<Vec<u8>> {
    let Link { target: to, contact_id, user_id } = command;
    let (entity_id, entity_type) = match to {
        LinkTarget::Lead(id) => (id.get(), "leads"),
        LinkTarget::Customer(id) => (id.get(), "customers"),
    };
    let mut body = Vec::new();
    Writer::new(&mut body, origin).object(|w| {
        w.key("link");
        w.object(|w| {
            w.field("entity_id", entity_id);
            w.field("entity_type", entity_type);
            w.key_if_some("metadata", contact_id, |w, id| w.object(|w| w.field("contact_id", id.get())));
        });
        w.field_if_some("user_id", user_id.map(|id| id.get()));
    });
    build(Method::POST, origin, &target(uid, "/link"), Some(body))
}

/// Server: answers.
#[must_use]
pub fn response(receipt: &Receipt, origin: &Origin) -> Response<Vec<u8>> {
    receipt::linked(receipt, origin)
}

/// Client: reads the answer.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Receipt, Failure> {
    receipt::read(response)
}
