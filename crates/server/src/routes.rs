//! Which part of the server answers an address.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use hyper::body::Bytes;
use incoming_leads_port::{Clock, SystemClock};
use incoming_leads_wire_v2::{Call, route};
use incoming_leads_wire_v4::Problem;

use crate::app::App;
use crate::body::Incoming;
use crate::failure::Failure;
use crate::host::Host;
use crate::shell::Answer;
use crate::{v2, v4};

/// In which wire's words an address is answered.
#[derive(Debug)]
pub(crate) enum Wire {
    /// v4, and whatever is of no wire.
    V4,
    /// v2, with what each of its answers repeats of the request.
    V2(Call),
}

impl Wire {
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        match route::is_v2(uri.path()) {
            true => Self::V2(Call::new(method, uri, SystemClock.now())),
            false => Self::V4,
        }
    }
}

/// What is behind the shell.
#[derive(Debug)]
pub(crate) enum Routes {
    /// Incoming leads.
    App(Arc<App>),
    /// The same bytes, whatever is asked.
    Constant { content_type: HeaderValue, body: Bytes },
}

impl Routes {
    pub(crate) async fn answer(&self, host: Host, request: Request<Incoming>, wire: &Wire) -> Answer {
        match self {
            Self::App(app) => {
                answer(app, &host, request, wire).await.unwrap_or_else(|failure| failure.into_answer(wire))
            }
            Self::Constant { content_type, body } => {
                let mut answer = Response::new(body.clone().into());
                answer.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
                answer
            }
        }
    }
}

async fn answer(app: &App, host: &Host, request: Request<Incoming>, wire: &Wire) -> Result<Answer, Failure> {
    match (wire, request.uri().path()) {
        (Wire::V2(call), _) => Ok(v2::answer(app, host, request, call).await?.map(Into::into)),
        (Wire::V4, "/healthz") => probe(&request, Ok("alive\n")),
        (Wire::V4, "/readyz") => probe(&request, ready(app).await),
        (Wire::V4, _) => Ok(v4::answer(app, host, request).await?.map(Into::into)),
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
