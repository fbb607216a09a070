//! A transport that ends in time, whatever lies within.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Arrival, SendError, SendErrorKind};
use crate::transport::{Request, Response, Transport};

/// Ends every call in time: one request with all its attempts, the pauses between them, the wait for a turn and for a
/// token. What then waited still had surely not arrived. Runs on tokio's timer.
#[derive(Debug)]
pub struct Deadline<T> {
    inner: T,
    within: Duration,
}

impl<T: Transport> Deadline<T> {
    /// Ends every call within this time.
    pub const fn new(inner: T, within: Duration) -> Self {
        Self { inner, within }
    }
}

#[async_trait]
impl<T: Transport> Transport for Deadline<T> {
    async fn send(&self, mut request: Request) -> Result<Response, SendError> {
        let held = Held::default();
        request.extensions_mut().insert(held.clone());
        tokio::time::timeout(self.within, self.inner.send(request)).await.unwrap_or_else(|_| {
            let arrival = if held.0.load(Ordering::SeqCst) { Arrival::No } else { Arrival::Perhaps };
            let detail = format!("no end within {} s, all attempts included", self.within.as_secs_f32());
            Err(SendError::new(SendErrorKind::Timeout, arrival).with_detail(detail))
        })
    }
}

/// Goes along with a request: whether a layer holds it back, so that it surely has not arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<AtomicBool>);

impl Held {
    /// A layer holds it back.
    pub(crate) fn back(request: &Request) {
        Self::set(request, true);
    }

    /// It goes on: from here on it may arrive.
    pub(crate) fn no_more(request: &Request) {
        Self::set(request, false);
    }

    fn set(request: &Request, is_held: bool) {
        if let Some(held) = request.extensions().get::<Self>() {
            held.0.store(is_held, Ordering::SeqCst);
        }
    }
}
