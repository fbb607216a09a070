//! Renewing a grant of OAuth.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::error::{Arrival, SendError, SendErrorKind};
use crate::time::Time;
use crate::tokens::Secret;
use crate::tokens::store::{Grant, Stored, TokenStore, TokenStoreError};
use crate::transport::{Request, Transport};

/// An access token this close to its end is renewed before it is used.
const EARLY_SECS: u64 = 60;
/// How long one renewal may take before others try.
const LEASE: Duration = Duration::from_secs(30);
/// How often the others look whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// Gives access tokens.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// A token to use now.
    ///
    /// # Errors
    /// [`SendError`], of a request that surely did not arrive.
    async fn token(&self) -> Result<Secret, SendError>;

    /// A token to use in the place of one that was answered with 401; `None` when there can be no other.
    ///
    /// # Errors
    /// [`SendError`], of a request that surely did not arrive.
    async fn renewed(&self, dead: &Secret) -> Result<Option<Secret>, SendError>;
}

/// A long-lived token.
#[async_trait]
impl TokenSource for Secret {
    async fn token(&self) -> Result<Secret, SendError> {
        Ok(self.clone())
    }

    async fn renewed(&self, _dead: &Secret) -> Result<Option<Secret>, SendError> {
        Ok(None)
    }
}

/// A grant of OAuth that is renewed when it dies. Source: OAuth pages of the vendor.
#[derive(Debug)]
pub struct OAuth<T> {
    transport: Arc<T>,
    endpoint: http::Uri,
    client_id: String,
    client_secret: Secret,
    redirect_uri: String,
    store: Arc<dyn TokenStore>,
    time: Arc<dyn Time>,
}

#[derive(Serialize)]
struct Asked<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    grant_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    redirect_uri: &'a str,
}

#[derive(Deserialize)]
struct Renewed {
    access_token: Secret,
    refresh_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl<T> Clone for OAuth<T> {
    fn clone(&self) -> Self {
        let Self { transport, endpoint, client_id, client_secret, redirect_uri, store, time } = self;
        Self {
            transport: Arc::clone(transport),
            endpoint: endpoint.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            redirect_uri: redirect_uri.clone(),
            store: Arc::clone(store),
            time: Arc::clone(time),
        }
    }
}

impl<T: Transport> OAuth<T> {
    /// Renews at `endpoint` (`https://NAME.kommo.com/oauth2/access_token`) what `store` keeps.
    pub fn new(transport: T, endpoint: http::Uri, store: Arc<dyn TokenStore>, time: Arc<dyn Time>) -> Self {
        let (client_id, client_secret, redirect_uri) = (String::new(), Secret::new(""), String::new());
        Self { transport: Arc::new(transport), endpoint, client_id, client_secret, redirect_uri, store, time }
    }

    /// As this integration.
    #[must_use]
    pub fn with_integration(
        mut self,
        client_id: impl Into<String>,
        client_secret: Secret,
        redirect_uri: impl Into<String>,
    ) -> Self {
        self.client_id = client_id.into();
        self.client_secret = client_secret;
        self.redirect_uri = redirect_uri.into();
        self
    }

    fn is_fresh(&self, grant: &Grant) -> bool {
        let now = self.time.now().as_secs();
        grant.expires_at_secs.is_none_or(|end| now + EARLY_SECS < end)
    }

    /// What is stored once `good` is so: because it is already, because another has renewed it, or because we do.
    async fn until(&self, good: impl Fn(&Grant) -> bool + Send + Sync) -> Result<Option<Secret>, SendError> {
        loop {
            let stored = self.store.load().await.map_err(store_failed)?;
            if good(&stored.grant) {
                return Ok(Some(stored.grant.access_token));
            }
            if stored.grant.refresh_token.is_none() {
                return Ok(None);
            }
            let now = self.time.now();
            if stored.leased_until_millis.is_some_and(|until| u128::from(until) > now.as_millis()) {
                self.time.sleep(LOOK).await;
                continue;
            }
            let until = u64::try_from((now + LEASE).as_millis()).unwrap_or(u64::MAX);
            let leased = Stored {
                version: stored.version + 1,
                grant: stored.grant.clone(),
                leased_until_millis: Some(until),
            };
            if self.store.swap(stored.version, leased.clone()).await.map_err(store_failed)? {
                return self.renew_whatever_happens(leased).await.map(Some);
            }
        }
    }

    /// In a task of its own: a caller that gives up must not take along the answer to a token that works once.
    async fn renew_whatever_happens(&self, leased: Stored) -> Result<Secret, SendError> {
        let renewer = self.clone();
        let renewal = tokio::spawn(async move { renewer.renew(leased).await });
        renewal
            .await
            .unwrap_or_else(|error| Err(unauthorized("the renewal broke off".to_owned()).with_source(error)))
    }

    /// Renews what we hold the lease of.
    async fn renew(&self, leased: Stored) -> Result<Secret, SendError> {
        let error = match self.ask(&leased.grant).await {
            Ok(grant) => {
                self.keep(&leased, &grant).await?;
                return Ok(grant.access_token);
            }
            Err(error) => error,
        };
        // The lease is given back, so that nobody waits for it in vain.
        let Stored { version, grant, leased_until_millis: _ } = leased;
        let kept = Stored { version: version + 1, grant: grant.clone(), leased_until_millis: None };
        if self.store.swap(version, kept).await.map_err(store_failed)? {
            return Err(error);
        }
        // Our lease ran out and another has renewed: its grant is as good.
        let stored = self.store.load().await.map_err(store_failed)?;
        let is_other = stored.grant.refresh_token != grant.refresh_token;
        if is_other { Ok(stored.grant.access_token) } else { Err(error) }
    }

    /// Keeps what was renewed, also when our lease ran out and another took it over: the refresh token that it holds is
    /// used up. What came of another refresh token stays.
    async fn keep(&self, leased: &Stored, grant: &Grant) -> Result<(), SendError> {
        let mut version = leased.version;
        loop {
            let new = Stored { version: version + 1, grant: grant.clone(), leased_until_millis: None };
            if self.store.swap(version, new).await.map_err(store_failed)? {
                return Ok(());
            }
            let stored = self.store.load().await.map_err(store_failed)?;
            if stored.grant.refresh_token != leased.grant.refresh_token {
                return Ok(());
            }
            version = stored.version;
        }
    }

    /// The grant of an authorization code, which works once. It is not stored: see
    /// [`FileStore::create`](crate::tokens::FileStore::create).
    ///
    /// # Errors
    /// [`SendError`], also when the code is refused.
    pub async fn sign_in(&self, code: &Secret) -> Result<Grant, SendError> {
        self.grant("authorization_code", None, Some(code.reveal())).await
    }

    async fn ask(&self, grant: &Grant) -> Result<Grant, SendError> {
        let token = grant.refresh_token.as_ref().map(Secret::reveal).unwrap_or_default();
        let new = self.grant("refresh_token", Some(token), None).await?;
        Ok(Grant { refresh_token: new.refresh_token.or_else(|| grant.refresh_token.clone()), ..new })
    }

    async fn grant(
        &self,
        grant_type: &'static str,
        refresh_token: Option<&str>,
        code: Option<&str>,
    ) -> Result<Grant, SendError> {
        let asked = Asked {
            client_id: &self.client_id,
            client_secret: self.client_secret.reveal(),
            grant_type,
            refresh_token,
            code,
            redirect_uri: &self.redirect_uri,
        };
        let body = serde_json::to_vec(&asked)
            .map_err(|error| SendError::new(SendErrorKind::Request, Arrival::No).with_source(error))?;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = self.transport.send(request).await.map_err(|error| {
            // What was asked for with the token surely did not arrive, whatever became of the renewal.
            let kept =
                SendError::new(error.kind(), Arrival::No).with_detail("while an access token was asked for");
            kept.with_source(error)
        })?;
        if response.status() != StatusCode::OK {
            return Err(refused(response.status(), response.body()));
        }
        let renewed: Renewed = serde_json::from_slice(response.body()).map_err(|_| {
            unauthorized("the answer to the request for an access token holds no token".to_owned())
        })?;
        let now = self.time.now().as_secs();
        Ok(Grant {
            access_token: renewed.access_token,
            refresh_token: renewed.refresh_token,
            expires_at_secs: renewed.expires_in.map(|secs| now.saturating_add(secs)),
        })
    }
}

#[async_trait]
impl<T: Transport> TokenSource for OAuth<T> {
    async fn token(&self) -> Result<Secret, SendError> {
        let stored = self.store.load().await.map_err(store_failed)?;
        if self.is_fresh(&stored.grant) {
            return Ok(stored.grant.access_token);
        }
        let token = self.until(|grant| self.is_fresh(grant)).await?;
        // Near its end and without a way to renew it: it may still do.
        Ok(token.unwrap_or(stored.grant.access_token))
    }

    async fn renewed(&self, dead: &Secret) -> Result<Option<Secret>, SendError> {
        self.until(|grant| grant.access_token != *dead).await
    }
}

fn unauthorized(detail: String) -> SendError {
    SendError::new(SendErrorKind::Unauthorized, Arrival::No).with_detail(detail)
}

fn store_failed(error: TokenStoreError) -> SendError {
    SendError::new(SendErrorKind::Store, Arrival::No).with_source(error)
}

/// What the other side says of a renewal it refuses: `hint` or `detail`, which hold no secret.
fn refused(status: StatusCode, body: &[u8]) -> SendError {
    #[derive(Deserialize)]
    struct Problem {
        hint: Option<String>,
        detail: Option<String>,
    }
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let said = problem.and_then(|problem| problem.hint.or(problem.detail)).unwrap_or_default();
    let grant_is_dead = status == StatusCode::BAD_REQUEST || status == StatusCode::UNAUTHORIZED;
    let advice = if grant_is_dead { "; sign in again" } else { "" };
    unauthorized(format!("no access token was granted ({}): {said}{advice}", status.as_u16()))
}
