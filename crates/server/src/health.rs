//! Whether the process lives, and whether it can do its work now.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

use crate::app::App;
use crate::failure::Failure;
use crate::net::Stage;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(|| async { "alive\n" })).route("/readyz", get(ready))
}

/// Ready is who serves and whose store answers.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if *app.stage.borrow() != Stage::Serving {
        return Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response();
    }
    match app.gate.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer").into_response()
        }
    }
}
