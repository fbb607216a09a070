//! The intake of chats and mails: for built-in integrations, not part of any wire, closed unless the configuration opens it.
//!
//! The body is the model's own document of an incoming lead ([`Draft`](incoming_leads_model::Draft)), the answer its
//! receipt.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::{HeaderValue, StatusCode, header};
use incoming_leads_model::{Category, Metadata, TakeIn};
use incoming_leads_port::{Error, ErrorKind, Operation};
use incoming_leads_wire_v4::{Problem, ValidationError};

use crate::app::{App, Caller};
use crate::failure::Failure;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/intake/chat", post(take_chat)).route("/intake/mail", post(take_mail))
}

/// `POST /intake/chat`
async fn take_chat(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    take_in(Category::Chats, &app, &caller, request).await
}

/// `POST /intake/mail`
async fn take_mail(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    take_in(Category::Mail, &app, &caller, request).await
}

async fn take_in(
    category: Category,
    app: &App,
    caller: &Caller,
    request: Request,
) -> Result<Response, Failure> {
    let request = app.read(request).await?;
    if request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| !kind.as_bytes().starts_with(b"application/json"))
    {
        return Err(Problem::unsupported_media_type().into());
    }
    let invalid =
        |code, path, detail: String| Failure::from(Problem::from(ValidationError::new(code, path, detail)));
    let item: TakeIn = serde_json::from_slice(request.body())
        .map_err(|error| invalid("InvalidType", "", error.to_string()))?;
    if item.item.metadata.as_ref().map(Metadata::category).is_some_and(|told| told != category) {
        return Err(invalid(
            "NotSupportedChoice",
            "metadata",
            format!("metadata of category {category} are due here"),
        ));
    }
    let intake = caller.session.ports.intake.as_ref();
    let intake = intake.ok_or_else(|| Error::new(ErrorKind::Unsupported, Operation::TakeIn))?;
    let receipt = intake.take_in(&item).await?;
    let body = serde_json::to_vec(&receipt).expect("a receipt is plain data");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
