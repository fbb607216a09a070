//! A transport that remembers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use http::StatusCode;

use crate::error::{SendError, SendErrorKind};
use crate::redact::curl;
use crate::transport::{Request, Response, Transport};

/// Remembers the last exchanges, without secrets: for error reports and tests.
#[derive(Debug)]
pub struct Recorder<T> {
    inner: T,
    keep: usize,
    exchanges: Mutex<VecDeque<Exchange>>,
}

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// The request as a `curl` command, secrets blanked.
    pub curl: String,
    /// The status of the answer, or why none came.
    pub outcome: Result<StatusCode, SendErrorKind>,
}

impl<T: Transport> Recorder<T> {
    /// Remembers the last `keep` exchanges.
    pub const fn new(inner: T, keep: usize) -> Self {
        Self { inner, keep, exchanges: Mutex::new(VecDeque::new()) }
    }

    /// What it remembers, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The last exchange.
    pub fn last(&self) -> Option<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).back().cloned()
    }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let curl = curl(&request);
        let answer = self.inner.send(request).await;
        let outcome = answer.as_ref().map(Response::status).map_err(SendError::kind);
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.push_back(Exchange { curl, outcome });
        while exchanges.len() > self.keep {
            exchanges.pop_front();
        }
        drop(exchanges);
        answer
    }
}
