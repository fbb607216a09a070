//! A transport that sends again what surely did no harm.

use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};

use crate::deadline::Held;
use crate::error::{Arrival, SendError, SendErrorKind};
use crate::limited::retry_after;
use crate::time::Time;
use crate::transport::{Request, Response, Transport};

/// How often and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included. Default: 4.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles each time, and is cut to a random part of 50 to 100 %.
    /// Default: 200 ms.
    pub pause: Duration,
    /// The longest pause. Default: 5 s.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first. Default: 30 s.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// At most so many attempts, the first included.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// No attempt later than this after the first.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// Sends again: reads whenever no good answer came, writes only if the request surely took no effect.
///
/// A write is surely without effect when it did not arrive, or was answered 429.
#[derive(Debug)]
pub struct Retrying<T> {
    inner: T,
    policy: RetryPolicy,
    time: Arc<dyn Time>,
    /// What the pauses are drawn from.
    seed: u64,
}

impl<T: Transport> Retrying<T> {
    /// Sends again by this policy.
    pub fn new(inner: T, policy: RetryPolicy, time: Arc<dyn Time>) -> Self {
        Self { inner, policy, time, seed: RandomState::new().hash_one(0) }
    }

    /// With pauses that are drawn from this seed, so that they are the same in every run. Default: a random one.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The pause before the attempt after this one, counted from 1.
    fn pause(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled =
            self.policy.pause.saturating_mul(1 << (attempt - 1).min(16)).min(self.policy.longest_pause);
        let mut hasher = DefaultHasher::new();
        (self.seed, attempt, self.time.now()).hash(&mut hasher);
        let random = hasher.finish();
        // A part of 2^16 between one half and one.
        let part = 0x8000 + (random & 0x7fff) as u32;
        (doubled * part / 0x1_0000).max(asked.unwrap_or_default())
    }
}

#[async_trait]
impl<T: Transport> Transport for Retrying<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let begun = self.time.now();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut attempt = 1;
        loop {
            tracing::Span::current().record("attempts", attempt);
            let answer = self.inner.send(request.clone()).await;
            let asked = match &answer {
                Ok(response) if may_repeat(response.status(), is_read) => retry_after(response.headers()),
                Err(error) if (is_read || error.arrival() == Arrival::No) && is_passing(error.kind()) => {
                    error.retry_after()
                }
                Ok(_) | Err(_) => return answer,
            };
            let pause = self.pause(attempt, asked);
            let spent = self.time.now().saturating_sub(begun);
            if attempt >= self.policy.attempts || spent + pause > self.policy.deadline {
                return answer;
            }
            tracing::debug!(attempt, ?pause, "sending again");
            // A read changes nothing, and a write comes here only when it surely took no effect.
            Held::back(&request);
            self.time.sleep(pause).await;
            Held::no_more(&request);
            attempt += 1;
        }
    }
}

fn may_repeat(status: StatusCode, is_read: bool) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => is_read,
        _ => false,
    }
}

/// Whether the cause may go away by itself within seconds.
const fn is_passing(kind: SendErrorKind) -> bool {
    match kind {
        SendErrorKind::Connect | SendErrorKind::Timeout | SendErrorKind::Broken | SendErrorKind::Store => {
            true
        }
        SendErrorKind::TooLarge
        | SendErrorKind::Blocked
        | SendErrorKind::Unauthorized
        | SendErrorKind::Request => false,
    }
}
