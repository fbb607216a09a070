//! A transport that answers by a function.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{Method, StatusCode};
use incoming_leads_transport::{Arrival, Request, Response, SendError, SendErrorKind, Transport};

type Answer = Box<dyn FnMut(&Request) -> Result<Response, SendError> + Send>;

pub(crate) struct Script {
    answer: Mutex<Answer>,
    sent: AtomicUsize,
}

impl Script {
    pub(crate) fn new(answer: impl FnMut(&Request) -> Result<Response, SendError> + Send + 'static) -> Self {
        Self { answer: Mutex::new(Box::new(answer)), sent: AtomicUsize::new(0) }
    }

    /// Answers these, one after the other, and the last for ever.
    pub(crate) fn of(answers: impl IntoIterator<Item = fn() -> Result<Response, SendError>>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        Self::new(move |_| if answers.len() > 1 { answers.remove(0)() } else { answers[0]() })
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        self.sent.fetch_add(1, Ordering::SeqCst);
        // Others get their turn while an answer is on its way.
        tokio::task::yield_now().await;
        (self.answer.lock().unwrap())(&request)
    }
}

pub(crate) fn request(method: Method) -> Request {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = method;
    *request.uri_mut() = "https://example.kommo.com/api/v4/leads".parse().unwrap();
    request
}

pub(crate) fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

pub(crate) fn with(status: u16, name: &'static str, value: &'static str) -> Response {
    http::Response::builder().status(status).header(name, value).body(Vec::new()).unwrap()
}

pub(crate) fn error(kind: SendErrorKind, arrival: Arrival) -> SendError {
    SendError::new(kind, arrival)
}
