//! The network: reqwest with rustls on ring.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Arrival, SendError, SendErrorKind};
use crate::transport::{Request, Response, Transport};

/// Sends over the network. Redirects are not followed: a token must not leave for another host.
#[derive(Debug, Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    max_response_bytes: usize,
}

/// How to send over the network.
#[derive(Debug, Clone)]
#[must_use]
pub struct ReqwestBuilder {
    connect: Duration,
    request: Duration,
    max_response_bytes: usize,
    user_agent: String,
    is_plain: bool,
}

impl Reqwest {
    /// With time-outs of 5 s to connect and 20 s for a whole request, responses of at most 16 MiB.
    pub fn builder() -> ReqwestBuilder {
        ReqwestBuilder {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(20),
            max_response_bytes: 16 << 20,
            user_agent: concat!("incoming-leads/", env!("CARGO_PKG_VERSION")).to_owned(),
            is_plain: false,
        }
    }
}

impl ReqwestBuilder {
    /// How long connecting may take. Default: 5 s.
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect = timeout;
        self
    }

    /// How long a request may take, from its beginning to the last byte of its answer. Default: 20 s.
    pub const fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request = timeout;
        self
    }

    /// How many bytes of a response body are taken. Default: 16 MiB.
    pub const fn with_max_response_bytes(mut self, most: usize) -> Self {
        self.max_response_bytes = most;
        self
    }

    /// The `User-Agent`. Default: `incoming-leads/VERSION`.
    pub fn with_user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = agent.into();
        self
    }

    /// For plain HTTP only: whom this machine trusts is not looked up, which takes its time and fails where it trusts
    /// nobody.
    pub const fn without_tls(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`SendErrorKind::Request`] when the TLS of the system cannot be set up or the user agent is no header.
    pub fn build(self) -> Result<Reqwest, SendError> {
        let failed = |error: reqwest::Error| {
            SendError::new(SendErrorKind::Request, Arrival::No).with_source(error.without_url())
        };
        // Whoever installed a provider before is as good.
        let _ = rustls::crypto::CryptoProvider::install_default(rustls::crypto::ring::default_provider());
        let trusted = if self.is_plain {
            reqwest::Client::builder().tls_certs_only([])
        } else {
            reqwest::Client::builder()
        };
        let client = trusted
            .connect_timeout(self.connect)
            .timeout(self.request)
            .user_agent(self.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(failed)?;
        Ok(Reqwest { client, max_response_bytes: self.max_response_bytes })
    }
}

#[async_trait]
impl Transport for Reqwest {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let request = reqwest::Request::try_from(request).map_err(|error| {
            SendError::new(SendErrorKind::Request, Arrival::No).with_source(error.without_url())
        })?;
        let mut response = self.client.execute(request).await.map_err(not_sent)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > self.max_response_bytes {
                let detail = format!("more than {} bytes", self.max_response_bytes);
                return Err(SendError::new(SendErrorKind::TooLarge, Arrival::Perhaps).with_detail(detail));
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = Response::new(body);
        *whole.status_mut() = response.status();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(whole)
    }
}

/// No response began. What failed while connecting was surely not sent.
fn not_sent(error: reqwest::Error) -> SendError {
    let (kind, arrival) = if error.is_connect() {
        (SendErrorKind::Connect, Arrival::No)
    } else if error.is_timeout() {
        (SendErrorKind::Timeout, Arrival::Perhaps)
    } else if error.is_builder() {
        (SendErrorKind::Request, Arrival::No)
    } else {
        (SendErrorKind::Broken, Arrival::Perhaps)
    };
    SendError::new(kind, arrival).with_source(Arc::new(error.without_url()))
}

fn broken(error: reqwest::Error) -> SendError {
    let timed_out =
        error.is_timeout() || error.source().is_some_and(|source| source.to_string().contains("timed out"));
    let kind = if timed_out { SendErrorKind::Timeout } else { SendErrorKind::Broken };
    SendError::new(kind, Arrival::Perhaps).with_source(error.without_url())
}
