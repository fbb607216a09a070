//! The v4 wire: addresses, and who answers them.

mod commands;
mod questions;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::request::Parts;
use incoming_leads_model::Uid;

use crate::app::App;
use crate::failure::Failure;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v4/leads/unsorted", get(questions::list))
        .route("/api/v4/leads/unsorted/summary", get(questions::summary))
        .route("/api/v4/leads/unsorted/{uid}", get(questions::detail))
        .route("/api/v4/leads/unsorted/sip", post(commands::add_calls))
        .route("/api/v4/leads/unsorted/forms", post(commands::add_forms))
        .route("/api/v4/leads/unsorted/{uid}/accept", post(commands::accept))
        .route("/api/v4/leads/unsorted/{uid}/decline", delete(commands::decline))
        .route("/api/v4/leads/unsorted/{uid}/link", post(commands::link))
}

/// An answer, or why there is none.
type Answer = Result<Response, Failure>;

/// What the wire wrote, as it goes out.
fn told(response: http::Response<Vec<u8>>) -> Answer {
    Ok(response.map(Body::from))
}

/// The uid in the path; a text that cannot be a uid is the uid of nothing.
#[derive(Debug)]
struct PathUid(Option<Uid>);

impl<S: Send + Sync> FromRequestParts<S> for PathUid {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parameter(head, state).await.and_then(|text| Uid::new(&text).ok())))
    }
}

/// The one parameter of a path, decoded; none when it is not UTF-8.
async fn parameter<S: Send + Sync>(head: &mut Parts, state: &S) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(head, state).await.ok()?;
    parameters.iter().next().map(|(_, text)| text.to_owned())
}
