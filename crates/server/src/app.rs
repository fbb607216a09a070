//! What all routes share: the gate, the names served, and how a request becomes a session.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::watch;

use crate::gate::{Credentials, Denied, Gate, Session};
use crate::host::Host;
use crate::net::Stage;
use crate::problem::Problem;
use crate::server::Config;
use crate::{Limits, PublicUrl};

/// What all routes share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) stage: watch::Receiver<Stage>,
    pub(crate) intake: bool,
    names: Vec<String>,
    public_url: Option<PublicUrl>,
    limits: Limits,
}

impl App {
    pub(crate) fn new(config: &Config, gate: Arc<dyn Gate>, stage: watch::Receiver<Stage>) -> Arc<Self> {
        let Config { names, public_url, intake, limits, .. } = config.clone();
        Arc::new(Self { gate, stage, intake, names, public_url, limits })
    }

    /// The body of a request, within its size and its time.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, Problem> {
        let read = Limited::new(body, self.limits.body_bytes).collect();
        match tokio::time::timeout(self.limits.body_time, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"))
            }
            Ok(Err(_)) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "the body is cut short or its chunks are malformed",
            )),
            Err(_late) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }
}

/// Who asks, and where links of the answer begin.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) session: Session,
    pub(crate) origin: Arc<str>,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let host = head.extensions.get::<Host>().expect("the shell puts the host in").clone();
        if !app.names.is_empty() && !host.is_one_of(&app.names) {
            let detail = "this host name is not served here";
            return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response());
        }
        let token = bearer(&head.headers)
            .ok_or_else(|| unauthorized("a token is due: Authorization: Bearer TOKEN"))?;
        match app.gate.admit(Credentials::Bearer(token), &host).await {
            Ok(session) => {
                let origin = app.public_url.as_ref().map_or_else(|| host.origin(), PublicUrl::origin);
                Ok(Self { session, origin })
            }
            Err(Denied::Unknown) => Err(unauthorized("the token is not known here")),
            Err(Denied::Failed(error)) => {
                tracing::error!(%error, "the gate cannot tell who asks");
                Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cannot tell now who asks").into_response())
            }
        }
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn unauthorized(detail: &'static str) -> Response {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
