//! What every request goes through before and after its route: checks of the head, a request id, a time-out, a net for panics,
//! and the line in the log.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use hyper::body::Incoming;
use tower::Service;
use tracing::Instrument;

use crate::Limits;
use crate::failure::Failure;
use crate::host::Host;

/// The header that tells a client the id of its request, as it stands in the log. Source: read by the vendor's PHP client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The shell around the routes.
#[derive(Debug)]
pub(crate) struct Shell {
    routes: Router,
    limits: Arc<Limits>,
    ids: RequestIds,
}

impl Shell {
    pub(crate) fn new(routes: Router, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { routes, limits, ids: RequestIds::new() })
    }

    /// The answer to one request; there always is one.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response {
        let begun = Instant::now();
        let id = self.ids.next();
        let span = tracing::info_span!("request", id = %id.0, method = %request.method(), path = request.uri().path());
        tracing::debug!(parent: &span, query = %Redacted(request.uri()), "begins");
        let mut response = self.guarded(request).instrument(span.clone()).await;
        response.headers_mut().insert(REQUEST_ID, id.header());
        tracing::info!(
            parent: &span,
            status = response.status().as_u16(),
            micros = begun.elapsed().as_micros(),
            "answered"
        );
        response
    }

    async fn guarded(&self, request: Request<Incoming>) -> Response {
        let request = match self.checked(request) {
            Ok(request) => request,
            Err(failure) => return closing(failure.into_response()),
        };
        let routed = AssertUnwindSafe(self.routes.clone().call(request)).catch_unwind();
        match tokio::time::timeout(self.limits.request_time, routed).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Err(panic)) => {
                tracing::error!(panic = told(&*panic), "a handler panicked");
                Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "an unknown error occurred").into_response()
            }
            Err(_late) => {
                tracing::warn!("a request took too long");
                Failure::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the answer took too long; what was asked may still take effect",
                )
                .into_response()
            }
        }
    }

    /// Refuses what hyper lets through and we do not, and puts the path into its plain form.
    fn checked(&self, request: Request<Incoming>) -> Result<Request<Body>, Failure> {
        let (mut head, body) = request.into_parts();
        check_sizes(&head.uri, &head.headers, &self.limits)?;
        check_encoding(&head.headers)?;
        let host = Host::of(&head.uri, &head.headers)?;
        head.extensions.insert(host);
        if let Some(uri) = plain(&head.uri) {
            head.uri = uri;
        }
        Ok(Request::from_parts(head, Body::new(body)))
    }
}

/// An answer after which the connection ends: what follows may be a body that nobody wants, or anything.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
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

/// The target without empty segments (`//`, a slash at the end), where it has some. Clients build both.
fn plain(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if path == "/" || !(path.contains("//") || path.ends_with('/')) {
        return None;
    }
    let mut target = String::with_capacity(path.len() + 64);
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        target.push('/');
        target.push_str(segment);
    }
    if target.is_empty() {
        target.push('/');
    }
    if let Some(query) = uri.query() {
        target.push('?');
        target.push_str(query);
    }
    target.parse().ok()
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
        HeaderValue::from_maybe_shared(axum::body::Bytes::from(self.0))
            .expect("hex digits are a header value")
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
    fn empty_segments_of_a_path_are_dropped() {
        let plain = |uri: &str| plain(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(plain("/api/v4/leads?a=//"), None);
        assert_eq!(plain("/"), None);
        assert_eq!(plain("//"), Some("/".to_owned()));
        assert_eq!(plain("/api//v4/leads/?a=b/"), Some("/api/v4/leads?a=b/".to_owned()));
    }

    #[test]
    fn request_ids_differ() {
        let ids = RequestIds::new();
        let all: std::collections::HashSet<_> = (0..1000).map(|_| ids.next().0).collect();
        assert_eq!(all.len(), 1000);
    }
}
