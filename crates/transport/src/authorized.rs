//! A transport that puts an access token on each request.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};

use crate::deadline::Held;
use crate::error::{Arrival, SendError, SendErrorKind};
use crate::tokens::{Secret, TokenSource};
use crate::transport::{Request, Response, Transport};

/// Puts `Authorization: Bearer ...` on each request. What is answered 401 took no effect, so it is sent once more with
/// another token, if there can be one.
#[derive(Debug)]
pub struct Authorized<T> {
    inner: T,
    tokens: Arc<dyn TokenSource>,
}

impl<T: Transport> Authorized<T> {
    /// With tokens from here.
    pub fn new(inner: T, tokens: Arc<dyn TokenSource>) -> Self {
        Self { inner, tokens }
    }
}

#[async_trait]
impl<T: Transport> Transport for Authorized<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        Held::back(&request);
        let token = self.tokens.token().await?;
        Held::no_more(&request);
        let response = self.inner.send(bearing(request.clone(), &token)?).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        Held::back(&request);
        match self.tokens.renewed(&token).await? {
            Some(token) => {
                Held::no_more(&request);
                self.inner.send(bearing(request, &token)?).await
            }
            None => Ok(response),
        }
    }
}

fn bearing(mut request: Request, token: &Secret) -> Result<Request, SendError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).map_err(|_| {
        SendError::new(SendErrorKind::Request, Arrival::No).with_detail("the access token is no header value")
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(request)
}
