//! Add, accept, decline, link.

use std::sync::Arc;

use axum::extract::{Request, State};
use http::StatusCode;
use incoming_leads_model::{Channel, Uid};
use incoming_leads_wire_v4::{accept, add, decline, link};

use super::{Answer, PathUid, told};
use crate::app::{App, Caller};
use crate::failure::Failure;

/// `POST /api/v4/leads/unsorted/sip`
pub(super) async fn add_calls(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Answer {
    add(Channel::Sip, &app, &caller, request).await
}

/// `POST /api/v4/leads/unsorted/forms`
pub(super) async fn add_forms(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Answer {
    add(Channel::Forms, &app, &caller, request).await
}

async fn add(channel: Channel, app: &App, caller: &Caller, request: Request) -> Answer {
    let request = add::read_request(channel, &app.read(request).await?)?;
    let added = caller.session.ports.incoming.add(&request.add).await;
    let receipts = added.map_err(|error| Failure::of_batch(&error, &request.request_ids))?;
    told(add::response(&receipts, &request.request_ids, &caller.origin))
}

/// `POST /api/v4/leads/unsorted/{uid}/accept`
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathUid(uid): PathUid,
    request: Request,
) -> Answer {
    let command = accept::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.accept(&known(uid)?, &command).await?;
    told(accept::response(&receipt, &caller.origin))
}

/// `DELETE /api/v4/leads/unsorted/{uid}/decline`
pub(super) async fn decline(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathUid(uid): PathUid,
    request: Request,
) -> Answer {
    let command = decline::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.decline(&known(uid)?, &command).await?;
    told(decline::response(&receipt, &caller.origin))
}

/// `POST /api/v4/leads/unsorted/{uid}/link`
pub(super) async fn link(
    State(app): State<Arc<App>>,
    caller: Caller,
    PathUid(uid): PathUid,
    request: Request,
) -> Answer {
    let command = link::read_request(&app.read(request).await?)?;
    let receipt = caller.session.ports.incoming.link(&known(uid)?, &command).await?;
    told(link::response(&receipt, &caller.origin))
}

fn known(uid: Option<Uid>) -> Result<Uid, Failure> {
    uid.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "no incoming lead with this uid waits here"))
}
