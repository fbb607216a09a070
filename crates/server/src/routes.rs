//! Which part of the server answers an address.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Bytes;
use incoming_leads_wire_v4::Problem;

use crate::app::App;
use crate::body::Incoming;
use crate::failure::Failure;
use crate::host::Host;
use crate::shell::Answer;
use crate::v4;

/// What is behind the shell.
#[derive(Debug)]
pub(crate) enum Routes {
    /// Incoming leads.
    App(Arc<App>),
    /// The same bytes, whatever is asked.
    Constant { content_type: HeaderValue, body: Bytes },
}

impl Routes {
    pub(crate) async fn answer(&self, host: Host, request: Request<Incoming>) -> Answer {
        match self {
            Self::App(app) => answer(app, &host, request).await.unwrap_or_else(Failure::into_answer),
            Self::Constant { content_type, body } => {
                let mut answer = Response::new(body.clone().into());
                answer.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
                answer
            }
        }
    }
}

async fn answer(app: &App, host: &Host, request: Request<Incoming>) -> Result<Answer, Failure> {
    match request.uri().path() {
        "/healthz" => probe(&request, Ok("alive\n")),
        "/readyz" => probe(&request, ready(app).await),
        _ => Ok(v4::answer(app, host, request).await?.map(Into::into)),
    }
}

/// The answer to whoever looks after the process.
fn probe(request: &Request<Incoming>, state: Result<&'static str, Failure>) -> Result<Answer, Failure> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Err(Problem::method_not_allowed("GET, HEAD").into());
    }
    let mut answer = Response::new(Bytes::from_static(state?.as_bytes()).into());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(answer)
}

/// Ready is whose store answers; who is stopping accepts no connection that could ask.
async fn ready(app: &App) -> Result<&'static str, Failure> {
    app.gate.ready().await.map_err(|error| {
        tracing::error!(%error, "not ready");
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")
    })?;
    Ok("ready\n")
}
