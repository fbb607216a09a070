//! Transports that put credentials on each request.

use std::fmt;

use async_trait::async_trait;
use futures_util::lock::Mutex;
use http::StatusCode;
use incoming_leads_transport::{Arrival, Request, Response, SendError, SendErrorKind, Transport};
use incoming_leads_wire_v2::sign_in::{self, ApiKey, Credentials, Secret};
use incoming_leads_wire_v2::{Failure, Origin};

/// Puts login and key into the query of each request.
#[derive(Debug)]
pub(crate) struct WithKey<T> {
    pub(crate) inner: T,
    pub(crate) key: ApiKey,
}

#[async_trait]
impl<T: Transport> Transport for WithKey<T> {
    async fn send(&self, mut request: Request) -> Result<Response, SendError> {
        Credentials::Key(self.key.clone()).put_on(&mut request);
        self.inner.send(request).await
    }
}

/// Signs in by login and key, and puts the session's cookie on each request. What is answered 401 took no effect, so it
/// is sent once more with another session.
pub(crate) struct WithSession<T> {
    inner: T,
    key: ApiKey,
    origin: Origin,
    session: Mutex<Option<Secret>>,
}

impl<T> fmt::Debug for WithSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSession").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl<T: Transport> WithSession<T> {
    pub(crate) fn new(inner: T, key: ApiKey, origin: Origin) -> Self {
        Self { inner, key, origin, session: Mutex::new(None) }
    }

    /// The session to use in the place of a dead one. Whoever comes while another signs in waits for that session.
    async fn session(&self, dead: Option<&Secret>) -> Result<Secret, SendError> {
        let mut session = self.session.lock().await;
        if let Some(alive) = session.as_ref().filter(|session| Some(*session) != dead) {
            return Ok(alive.clone());
        }
        *session = None;
        let response = match self.inner.send(sign_in::request(&self.key, &self.origin)).await {
            Ok(response) => response,
            // Whatever became of the sign-in, the request itself was not sent.
            Err(error) => return Err(SendError::new(error.kind(), Arrival::No).with_source(error)),
        };
        let refused = |kind, detail: String| SendError::new(kind, Arrival::No).with_detail(detail);
        let opened = sign_in::read_response(&response).map_err(|failure| match failure {
            Failure::Problem(problem) if !problem.status.is_server_error() => {
                refused(SendErrorKind::Unauthorized, format!("the server does not sign in: {problem}"))
            }
            failure => refused(SendErrorKind::Connect, format!("the sign-in failed: {failure}")),
        })?;
        Ok(session.insert(opened).clone())
    }
}

#[async_trait]
impl<T: Transport> Transport for WithSession<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let session = self.session(None).await?;
        let response = self.inner.send(bearing(&request, &session)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let session = self.session(Some(&session)).await?;
        self.inner.send(bearing(&request, &session)).await
    }
}

fn bearing(request: &Request, session: &Secret) -> Request {
    let mut request = request.clone();
    Credentials::Session(session.clone()).put_on(&mut request);
    request
}
