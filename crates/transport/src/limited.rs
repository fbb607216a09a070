//! A transport that keeps to limits.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::deadline::Held;
use crate::error::{Arrival, SendError, SendErrorKind};
use crate::limiter::{Limiter, LimiterError, Turn};
use crate::time::Time;
use crate::transport::{Request, Response, Transport};

/// How long nothing is sent after a 429 that does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long nothing is sent after the other side has blocked us.
const BLOCK: Duration = Duration::from_secs(60);
/// How often somebody looks for a turn while as many requests as are allowed are under way.
const LOOK: Duration = Duration::from_millis(10);
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
    pause: Duration,
    blocked_until: std::sync::Mutex<Duration>,
}

impl<T: Transport> Limited<T> {
    /// Keeps to these limits.
    pub fn new(inner: T, limiters: Vec<Arc<dyn Limiter>>, time: Arc<dyn Time>) -> Self {
        Self { inner, limiters, time, pause: PAUSE, blocked_until: std::sync::Mutex::new(Duration::ZERO) }
    }

    /// With this pause after a 429 that does not say how long. Default: 1 s.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
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
                let until = self.time.now() + asked.unwrap_or(self.pause);
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
        Held::back(&request);
        let mut turns = Turns { taken: Vec::new(), time: Arc::clone(&self.time) };
        for limiter in &self.limiters {
            turns.take(limiter).await.map_err(store)?;
        }
        // Whoever waited while the block began must not run into it.
        if let Err(blocked) = self.check_block() {
            turns.end().await;
            return Err(blocked);
        }
        Held::no_more(&request);
        let answer = self.inner.send(request).await;
        turns.end().await;
        let response = answer?;
        if let Err(error) = self.heed(&response).await {
            // The answer is here: it must not be lost for the sake of the next request.
            tracing::warn!(%error, "a pause could not be shared with other processes");
        }
        Ok(response)
    }
}

/// The turns of one request. They end with it, also when nobody waits for its answer any more.
#[derive(Debug)]
struct Turns {
    taken: Vec<(Arc<dyn Limiter>, Turn)>,
    time: Arc<dyn Time>,
}

impl Turns {
    async fn take(&mut self, limiter: &Arc<dyn Limiter>) -> Result<(), LimiterError> {
        let turn = loop {
            match limiter.turn(self.time.now()).await? {
                Some(turn) => break turn,
                None => self.time.sleep(LOOK).await,
            }
        };
        self.taken.push((Arc::clone(limiter), turn));
        let wait = turn.at().saturating_sub(self.time.now());
        if !wait.is_zero() {
            self.time.sleep(wait).await;
        }
        Ok(())
    }

    /// One after the other, so that whoever gives up meanwhile gives the others back.
    async fn end(mut self) {
        while let Some((limiter, turn)) = self.taken.pop() {
            end(&*limiter, turn, &*self.time).await;
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        // Without a runtime they end by themselves, after a while.
        if let (false, Ok(runtime)) = (taken.is_empty(), tokio::runtime::Handle::try_current()) {
            let time = Arc::clone(&self.time);
            runtime.spawn(async move {
                for (limiter, turn) in taken {
                    end(&*limiter, turn, &*time).await;
                }
            });
        }
    }
}

async fn end(limiter: &dyn Limiter, turn: Turn, time: &dyn Time) {
    if let Err(error) = limiter.ended(turn, time.now()).await {
        tracing::warn!(%error, "the end of a turn could not be shared with other processes");
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
