//! The trait: send one request.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::SendError;

/// A request with its whole body.
pub type Request = http::Request<Vec<u8>>;
/// A response with its whole body.
pub type Response = http::Response<Vec<u8>>;

/// Sends requests.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request to its absolute address and answers the whole response, whatever its status.
    ///
    /// Dropping the future takes nothing back that was sent.
    ///
    /// # Errors
    /// [`SendError`]: no response came; it tells whether the request may have arrived.
    async fn send(&self, request: Request) -> Result<Response, SendError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        (**self).send(request).await
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Box<T> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        (**self).send(request).await
    }
}
