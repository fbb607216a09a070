//! Time, injected.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;

/// Tells the time and waits.
#[async_trait]
pub trait Time: fmt::Debug + Send + Sync + 'static {
    /// Time since 1970-01-01T00:00:00Z; processes that share state compare it.
    fn now(&self) -> Duration;

    /// Waits so long.
    async fn sleep(&self, wait: Duration);
}

/// The system's time, waiting on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no state")]
pub struct SystemTime;

#[async_trait]
impl Time for SystemTime {
    fn now(&self) -> Duration {
        std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// Time that passes only while somebody waits: for tests.
#[derive(Debug, Default)]
pub struct SimulatedTime(Mutex<Duration>);

impl SimulatedTime {
    /// Time that begins here.
    #[must_use]
    pub const fn starting_at(now: Duration) -> Self {
        Self(Mutex::new(now))
    }
}

#[async_trait]
impl Time for SimulatedTime {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, wait: Duration) {
        {
            let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *now += wait;
        }
        tokio::task::yield_now().await;
    }
}
