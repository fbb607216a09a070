//! Add, accept, decline, link; and the intake of chats and mails, which is no part of the documents.

use http::Request;
use incoming_leads_model::{Category, Channel, Uid};
use incoming_leads_port::{Error, ErrorKind, Operation};
use incoming_leads_wire_v4::{Problem, accept, add, decline, link};

use super::Answer;
use crate::app::{App, Caller};
use crate::body::Incoming;
use crate::failure::Failure;

/// `POST /api/v4/leads/unsorted/sip` and `.../forms`
pub(super) async fn add(channel: Channel, app: &App, caller: &Caller, request: Request<Incoming>) -> Answer {
    let request = add::read_request(channel, &app.read(request).await?)?;
    let added = caller.session.ports.incoming.add(&request.add).await;
    let receipts = added.map_err(|error| Failure::of_batch(&error, &request.request_ids))?;
    Ok(add::response(&receipts, &request.request_ids, &caller.origin))
}

/// `POST /api/v4/leads/unsorted/chats` and `.../mail`
pub(super) async fn take_in(
    category: Category,
    app: &App,
    caller: &Caller,
    request: Request<Incoming>,
) -> Answer {
    let item = add::read_take_in(category, &app.read(request).await?)?;
    let intake = caller.session.ports.intake.as_ref();
    let intake = intake.ok_or_else(|| Error::new(ErrorKind::Unsupported, Operation::TakeIn))?;
    let receipt = intake.take_in(&item).await?;
    Ok(add::response(&[receipt], &["0".to_owned()], &caller.origin))
}

/// `POST /api/v4/leads/unsorted/{uid}/accept`
pub(super) async fn accept(
    uid: Option<Uid>,
    app: &App,
    caller: &Caller,
    request: Request<Incoming>,
) -> Answer {
    let command = accept::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.accept(&known(uid)?, &command).await?;
    Ok(accept::response(&receipt, &caller.origin))
}

/// `DELETE /api/v4/leads/unsorted/{uid}/decline`
pub(super) async fn decline(
    uid: Option<Uid>,
    app: &App,
    caller: &Caller,
    request: Request<Incoming>,
) -> Answer {
    let command = decline::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.decline(&known(uid)?, &command).await?;
    Ok(decline::response(&receipt, &caller.origin))
}

/// `POST /api/v4/leads/unsorted/{uid}/link`
pub(super) async fn link(uid: Option<Uid>, app: &App, caller: &Caller, request: Request<Incoming>) -> Answer {
    let command = link::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.link(&known(uid)?, &command).await?;
    Ok(link::response(&receipt, &caller.origin))
}

/// Nothing waits under a text that cannot be a uid.
fn known(uid: Option<Uid>) -> Result<Uid, Problem> {
    uid.ok_or_else(|| Problem::not_found("no incoming lead with this uid waits here"))
}
