//! What every request goes through before and after its route: checks of the head, a request id, a time-out, a net for panics,
//! and the line in the log.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use hyper::body::Bytes;
use tracing::Instrument;

use crate::Limits;
use crate::body::{Incoming, Outgoing};
use crate::edge::Edge;
use crate::failure::Failure;
use crate::host::Host;
use crate::routes::{Routes, Wire};

/// An answer, as it goes out.
pub(crate) type Answer = http::Response<Outgoing>;

/// No answer goes out: a fault ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HungUp {
    /// It is closed.
    Closed,
    /// It is reset.
    Reset,
}

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault ends this connection")
    }
}

impl std::error::Error for HungUp {}

/// The header that tells a client the id of its request, as it stands in the log. Source: read by the vendor's PHP client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The shell around the routes.
#[derive(Debug)]
pub(crate) struct Shell {
    routes: Routes,
    edge: Arc<Edge>,
    limits: Arc<Limits>,
    ids: RequestIds,
}

impl Shell {
    pub(crate) fn new(routes: Routes, edge: Arc<Edge>, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { routes, edge, limits, ids: RequestIds::new() })
    }

    /// The answer to one request; there always is one, unless a fault wants it otherwise.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, HungUp> {
        let begun = Instant::now();
        let id = self.ids.next();
        let span = tracing::info_span!("request", id = %id.0, method = %request.method(), path = %Shown(request.uri().path()));
        tracing::debug!(parent: &span, query = %Redacted(request.uri()), "begins");
        let answered = self.guarded(request).instrument(span.clone()).await;
        let mut response = answered.inspect_err(|_| tracing::info!(parent: &span, "hung up"))?;
        response.headers_mut().insert(REQUEST_ID, id.header());
        tracing::info!(
            parent: &span,
            status = response.status().as_u16(),
            micros = begun.elapsed().as_micros(),
            "answered"
        );
        Ok(response)
    }

    async fn guarded(&self, request: Request<Incoming>) -> Result<Answer, HungUp> {
        let wire = Wire::of(request.method(), request.uri());
        match check(&request, &self.limits) {
            Ok(host) => {
                let routes = |request| self.routed(host, request, wire);
                self.edge.around(request, &self.limits, routes).await
            }
            Err(failure) => Ok(closing(failure.into_answer(&wire))),
        }
    }

    async fn routed(&self, host: Host, request: Request<Incoming>, wire: Wire) -> Answer {
        let answered = AssertUnwindSafe(self.routes.answer(host, request, &wire)).catch_unwind();
        match tokio::time::timeout(self.limits.request_time, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => {
                tracing::error!(panic = told(&*panic), "a handler panicked");
                Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "an unknown error occurred")
                    .into_answer(&wire)
            }
            Err(_late) => {
                tracing::warn!("a request took too long");
                let detail = "the answer took too long; what was asked may still take effect";
                Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_answer(&wire)
            }
        }
    }
}

/// Refuses what hyper lets through and we do not.
fn check(request: &Request<Incoming>, limits: &Limits) -> Result<Host, Failure> {
    check_sizes(request.uri(), request.headers(), limits)?;
    check_encoding(request.headers())?;
    Host::of(request.uri(), request.headers())
}

/// An answer after which the connection ends: what follows may be a body that nobody wants, or anything.
fn closing(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn check_sizes(uri: &Uri, headers: &HeaderMap, limits: &Limits) -> Result<(), Failure> {
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > limits.uri_bytes {
        return Err(Failure::new(StatusCode::URI_TOO_LONG, "the request target is too long"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > limits.header_bytes || headers.len() > limits.headers {
        return Err(Failure::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the headers are too many or too long",
        ));
    }
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes as u64) {
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"));
    }
    Ok(())
}

/// Bodies are taken as they are: a few compressed bytes could be any number of bytes.
fn check_encoding(headers: &HeaderMap) -> Result<(), Failure> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not taken"))
}

fn told(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of no text")
}

/// Request ids: 16 hex digits, different in one process and, as far as chance goes, between processes.
#[derive(Debug)]
struct RequestIds {
    process: u64,
    next: AtomicU64,
}

#[derive(Debug)]
struct RequestId(String);

impl RequestIds {
    fn new() -> Self {
        let process = RandomState::new().hash_one(std::process::id());
        Self { process, next: AtomicU64::new(0) }
    }

    fn next(&self) -> RequestId {
        // Multiplying by an odd number is one to one, so no two numbers meet.
        let number = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        RequestId(format!("{:016x}", number ^ self.process))
    }
}

impl RequestId {
    fn header(self) -> HeaderValue {
        HeaderValue::from_maybe_shared(Bytes::from(self.0)).expect("hex digits are a header value")
    }
}

/// A path for the log: without what a client that forgot the question mark has put behind it.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.find(['&', '=']) {
            Some(end) => write!(f, "{}***", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

/// A query string for the log: the values of everything that may be a secret are blanked.
struct Redacted<'a>(&'a Uri);

/// What the name of a secret holds, in lower case.
const SECRETS: [&str; 7] = ["login", "key", "token", "secret", "hash", "pass", "code"];

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.query().unwrap_or_default().split('&').enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            match pair.split_once('=') {
                // A name with an escape in it may hide what it is called.
                Some((name, _)) if is_secret(name) => write!(f, "{name}=***")?,
                Some(_) => f.write_str(pair)?,
                // Without a name it may be anything, also a token pasted behind the question mark.
                None if pair.is_empty() => {}
                None => f.write_str("***")?,
            }
        }
        Ok(())
    }
}

fn is_secret(name: &str) -> bool {
    let name = name
        .replace("%5B", "[")
        .replace("%5D", "]")
        .replace("%5b", "[")
        .replace("%5d", "]")
        .to_ascii_lowercase();
    name.contains('%') || SECRETS.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(uri: &str) -> String {
        Redacted(&uri.parse().unwrap()).to_string()
    }

    #[test]
    fn secrets_in_a_query_are_blanked() {
        assert_eq!(redacted("/x?login=a@b.c&api_key=123&page=2"), "login=***&api_key=***&page=2");
        assert_eq!(redacted("/x?USER_HASH=1&filter%5Buid%5D=u"), "USER_HASH=***&filter%5Buid%5D=u");
        assert_eq!(redacted("/x?api%5Fkey=123&a[Token]=1&eyJhbGci"), "api%5Fkey=***&a[Token]=***&***");
        assert_eq!(redacted("/x"), "");
    }

    #[test]
    fn a_path_is_shown_without_what_does_not_belong_there() {
        assert_eq!(Shown("/api/v2/incoming_leads/sip").to_string(), "/api/v2/incoming_leads/sip");
        assert_eq!(
            Shown("/api/v2/incoming_leads&login=a&api_key=b").to_string(),
            "/api/v2/incoming_leads***"
        );
    }

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::new();
        let all: std::collections::HashSet<_> = (0..1000).map(|_| ids.next().0).collect();
        assert_eq!(all.len(), 1000);
    }
}
