//! A transport that keeps to limits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::error::{Arrival, SendError, SendErrorKind};
use crate::limiter::{Limiter, LimiterError};
use crate::time::Time;
use crate::transport::{Request, Response, Transport};

/// How long nothing is sent after a 429 that does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long nothing is sent after the other side has blocked us.
const BLOCK: Duration = Duration::from_secs(60);
/// The longest pause that the other side can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Keeps to the limits of all its limiters: of the integration, of the account.
///
/// After a 429 it waits as long as the answer says, else a second. A 403 that is no problem document is a block of the
/// whole access: for a minute nothing more is sent, and each call fails at once and says so.
#[derive(Debug)]
pub struct Limited<T> {
    inner: T,
    limiters: Vec<Arc<dyn Limiter>>,
    time: Arc<dyn Time>,
    blocked_until: std::sync::Mutex<Duration>,
}

impl<T: Transport> Limited<T> {
    /// Keeps to these limits.
    pub fn new(inner: T, limiters: Vec<Arc<dyn Limiter>>, time: Arc<dyn Time>) -> Self {
        Self { inner, limiters, time, blocked_until: std::sync::Mutex::new(Duration::ZERO) }
    }

    fn blocked_for(&self) -> Option<Duration> {
        let until = *self.blocked_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        until.checked_sub(self.time.now()).filter(|wait| !wait.is_zero())
    }

    fn check_block(&self) -> Result<(), SendError> {
        let blocked = SendError::new(SendErrorKind::Blocked, Arrival::No);
        self.blocked_for().map_or(Ok(()), |wait| {
            let detail =
                format!("the other side answered 403 to everything; next try in {} s", wait.as_secs() + 1);
            Err(blocked.with_retry_after(wait).with_detail(detail))
        })
    }

    async fn heed(&self, response: &Response) -> Result<(), LimiterError> {
        let asked = retry_after(response.headers());
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                let until = self.time.now() + asked.unwrap_or(PAUSE);
                for limiter in &self.limiters {
                    limiter.hold_until(until).await?;
                }
            }
            StatusCode::FORBIDDEN if !is_json(response.headers()) => {
                let until = self.time.now() + asked.unwrap_or(BLOCK);
                *self.blocked_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = until;
            }
            _ => {}
        }
        Ok(())
    }
}

#[async_trait]
impl<T: Transport> Transport for Limited<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.check_block()?;
        for limiter in &self.limiters {
            let wait = limiter.turn(self.time.now()).await.map_err(store)?;
            if !wait.is_zero() {
                self.time.sleep(wait).await;
            }
        }
        // Whoever waited while the block began must not run into it.
        self.check_block()?;
        let response = self.inner.send(request).await?;
        if let Err(error) = self.heed(&response).await {
            // The answer is here: it must not be lost for the sake of the next request.
            tracing::warn!(%error, "a pause could not be shared with other processes");
        }
        Ok(response)
    }
}

fn store(error: LimiterError) -> SendError {
    SendError::new(SendErrorKind::Store, Arrival::No).with_source(error)
}

/// `Retry-After` in seconds; a date or nonsense counts as not said, an hour is the most.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let secs: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs).min(LONGEST_PAUSE))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("json"))
}
