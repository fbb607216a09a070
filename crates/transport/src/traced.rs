//! A transport that tells `tracing` what it does.

use std::borrow::Cow;

use async_trait::async_trait;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::error::{Arrival, SendError};
use crate::transport::{Request, Response, Transport};

/// Puts a span at level DEBUG around each request: method, route, status, attempts (where [`Retrying`] lies within)
/// and outcome; no address, header or body, so no secret.
///
/// [`Retrying`]: crate::Retrying
#[derive(Debug)]
pub struct Traced<T> {
    inner: T,
}

/// What a request is called in spans: its path without ids. Whoever makes a request puts it into its extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is no more than its name")]
pub struct RouteName(pub Cow<'static, str>);

impl<T: Transport> Traced<T> {
    /// Tells of each request that goes through.
    pub const fn new(inner: T) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl<T: Transport> Transport for Traced<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let route = request.extensions().get::<RouteName>().map_or("-", |route| &route.0);
        let (status, attempts, outcome) = (Empty, Empty, Empty);
        let span =
            tracing::debug_span!("request", method = %request.method(), route, status, attempts, outcome);
        let answer = self.inner.send(request).instrument(span.clone()).await;
        match &answer {
            Ok(response) => span.record("status", response.status().as_u16()).record("outcome", "answered"),
            Err(error) => span.record(
                "outcome",
                match error.arrival() {
                    Arrival::No => "not sent",
                    Arrival::Perhaps => "unknown",
                },
            ),
        };
        answer
    }
}
