//! What stands between the network and the routes where somebody asks for it: faults on purpose, a journal of what was
//! asked, and the control route that sets the one and reads the other.

mod control;
mod fault;
mod journal;
mod profile;

use std::future::Future;
use std::time::Duration;

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use incoming_leads_port::Digest;

pub use fault::Fault;
pub use journal::JournalEntry;
pub use profile::{FaultProfile, InvalidFaultProfile};

use crate::Limits;
use crate::app::bearer;
use crate::body::{Incoming, Outgoing};
use crate::failure::page;
use crate::gate::digest;
use crate::routes::Wire;
use crate::shell::{Answer, HungUp};
use fault::Struck;
use journal::{Journal, Seen};
use profile::Faults;

/// The edge of a server.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// Opens the control route; none keeps it closed.
    control: Option<Digest>,
}

impl Edge {
    pub(crate) fn new(faults: Option<FaultProfile>, journal: usize, control: Option<Digest>) -> Self {
        Self { faults: Faults::new(faults), journal: Journal::new(journal), control }
    }

    /// What goes out for a request that `routes` would answer.
    pub(crate) async fn around<F>(
        &self,
        request: Request<Incoming>,
        limits: &Limits,
        routes: impl FnOnce(Request<Incoming>) -> F + Send,
    ) -> Result<Answer, HungUp>
    where
        F: Future<Output = Answer> + Send,
    {
        let path = request.uri().path();
        if let Some(key) = &self.control
            && path.starts_with(control::PREFIX)
        {
            return Ok(self
                .control(request, key, limits)
                .await
                .unwrap_or_else(|failure| failure.into_answer(&Wire::V4)));
        }
        if self.is_idle() || ["/healthz", "/readyz"].contains(&path) {
            return Ok(routes(request).await);
        }
        let credential = bearer(request.headers()).map(digest);
        let struck = self.faults.strike(request.method(), path, credential);
        let mut seen = self.journal.see(request.method(), path, credential);
        let gone = suffer(struck, request, routes, &mut seen).await;
        seen.goes_out(gone.as_ref().ok().map(Answer::status));
        gone
    }

    /// Whether nobody asked for anything.
    fn is_idle(&self) -> bool {
        self.faults.are_none() && self.journal.is_off()
    }
}

/// Has a request carried out or not, and its answer sent or not, as the fault that struck it wants.
async fn suffer<F>(
    struck: Option<Struck>,
    request: Request<Incoming>,
    routes: impl FnOnce(Request<Incoming>) -> F + Send,
    seen: &mut Seen<'_>,
) -> Result<Answer, HungUp>
where
    F: Future<Output = Answer> + Send,
{
    let Some(Struck { fault, carry_out }) = struck else {
        return Ok(carried_out(request, routes, seen).await);
    };
    seen.suffers(&fault);
    tracing::debug!(fault = fault.name(), "a fault strikes");
    if let Fault::Delay { millis } = fault {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let made =
        if carry_out { carried_out(request, routes, seen).await } else { Answer::new(Bytes::new().into()) };
    match fault {
        Fault::Delay { .. } => Ok(made),
        Fault::Reset => Err(HungUp::Reset),
        Fault::Drop => Err(HungUp::Closed),
        Fault::Cut => Ok(cut(made).await),
        Fault::Endless => Ok(blanks(made, None)),
        Fault::Huge { bytes } => Ok(blanks(made, Some(bytes))),
        Fault::Retype { content_type } => Ok(typed(made, &content_type)),
        Fault::Redirect { to, status } => {
            let mut answer = page(status);
            answer.headers_mut().insert(header::LOCATION, value(&to));
            Ok(answer)
        }
        Fault::Answer { status, body, content_type, retry_after_secs } => {
            let mut answer = page(status);
            if let Some(body) = body {
                *answer.body_mut() = body.into_bytes().into();
            }
            if let Some(secs) = retry_after_secs {
                answer.headers_mut().insert(header::RETRY_AFTER, secs.into());
            }
            Ok(match content_type {
                Some(content_type) => typed(answer, &content_type),
                None => answer,
            })
        }
    }
}

async fn carried_out<F>(
    request: Request<Incoming>,
    routes: impl FnOnce(Request<Incoming>) -> F + Send,
    seen: &mut Seen<'_>,
) -> Answer
where
    F: Future<Output = Answer> + Send,
{
    seen.reaches_routes();
    let answer = routes(request).await;
    seen.is_carried_out(answer.status());
    answer
}

/// The answer with all its heads and half of its body. One without a body has nothing to cut, so its connection just
/// ends: that is half of nothing.
async fn cut(answer: Answer) -> Answer {
    let (head, body) = answer.into_parts();
    let Some(whole) = body.whole() else { return Answer::from_parts(head, Bytes::new().into()) };
    let Ok(whole) = whole.collect().await;
    Answer::from_parts(head, Outgoing::cut(&whole.to_bytes()))
}

fn blanks(mut answer: Answer, left: Option<u64>) -> Answer {
    *answer.status_mut() = StatusCode::OK;
    let json = HeaderValue::from_static("application/hal+json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer.map(|_| Outgoing::Blanks { left })
}

fn typed(mut answer: Answer, content_type: &str) -> Answer {
    answer.headers_mut().insert(header::CONTENT_TYPE, value(content_type));
    answer
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a profile is held to what a header takes")
}
