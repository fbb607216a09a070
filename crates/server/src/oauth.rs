//! OAuth 2.0: integrations get tokens for what users allowed them.
//!
//! Which token buys what is the model's answer ([`Grant::spend`]), how it is told is the wire's. Here are the texts of
//! tokens, and the order in which things are kept: first the new access token, then the grant that stands for it, so that
//! who gets an answer gets one that works.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_model::grant::{
    ACCESS_SECS, Bought, CODE_SECS, Due, GRACE_SECS, Grant, Next, Shown, Worthless,
};
use incoming_leads_model::{Account, Layout, Moment};
use incoming_leads_port::{
    AccountKey, Clock, Error, ErrorKind, Operation, Outcome, Principal, Registry, SystemClock,
};
use incoming_leads_wire_v4::oauth::{self, Claims, TokenRequest, Tokens};
use sha2::Sha256;

use crate::digest;
use crate::failure::Failure;

/// How often a grant is read again that somebody else has changed meanwhile.
const ATTEMPTS: usize = 5;

/// Gives tokens to integrations, over a port's [`Registry`].
#[derive(Clone, Debug)]
pub struct OAuth {
    registry: Arc<dyn Registry>,
    clock: Arc<dyn Clock>,
    grace_secs: u32,
}

impl OAuth {
    /// Over this registry, by the system's clock, with a grace of [`GRACE_SECS`].
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, clock: Arc::new(SystemClock), grace_secs: GRACE_SECS }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// With another grace: how long a token that was spent is answered once more as it was the first time, in seconds. 0 is
    /// never, as with the vendor.
    #[must_use]
    pub fn with_grace_secs(self, grace_secs: u32) -> Self {
        Self { grace_secs, ..self }
    }

    /// A code by which an integration of the account can act for this user, good for 20 minutes and once: what the
    /// vendor shows on the page of an integration.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) when the account has no such user or integration; those of the registry.
    pub async fn give_code(&self, principal: Principal, client_id: &str) -> Result<String, Error> {
        let Principal { account_id, user_id } = principal;
        let layout = self.registry.account(AccountKey::Id(account_id)).await?;
        if layout.is_none_or(|layout| layout.integration(client_id).is_none()) {
            let detail = format!("account {account_id} has no integration {client_id}");
            return Err(Error::new(ErrorKind::Invalid, Operation::Registry).with_detail(detail));
        }
        let id = random()?;
        let code = format!("{id}.{}{}", random()?, random()?);
        let grant = Grant {
            id: id.clone(),
            account_id,
            user_id,
            client_id: client_id.to_owned(),
            due: Due::Code,
            secret: Secret::Sha256(digest(&code).to_hex()),
            expires_at: self.clock.now().plus_secs(CODE_SECS),
            spent: None,
        };
        match self.registry.swap(&id, None, Some(&grant)).await? {
            true => Ok(code),
            false => Err(unlucky("the id of a new grant is taken")),
        }
    }

    /// The tokens for what an integration shows. `host` is where they are good.
    pub(crate) async fn tokens(&self, request: &TokenRequest, host: &str) -> Result<Tokens, Failure> {
        let digest_shown = digest(&request.token).to_hex();
        let shown = Shown { client_id: &request.client_id, kind: request.kind, digest: &digest_shown };
        for _ in 0..ATTEMPTS {
            let (grant, layout) = self.grant(request).await?;
            let now = self.clock.now();
            let nonce = random()?;
            let made = Made::of(request, &grant, &layout.account, &nonce, now, host);
            let next = Next { digest: digest(&made.refresh_token).to_hex(), nonce };
            let changed = match grant.spend(shown, next, now, self.grace_secs) {
                Ok(Bought::Next(changed)) => changed,
                Ok(Bought::Again(spent)) => {
                    let made = Made::of(request, &grant, &layout.account, &spent.nonce, spent.at, host);
                    self.enrol(&grant, &made).await?;
                    if self.registry.grant(&grant.id).await?.is_some() {
                        return Ok(made.into_tokens(now));
                    }
                    // It ended after it was read, and nothing is swapped here that would tell.
                    self.registry.forget(&digest(&made.access_token)).await?;
                    return Err(oauth::worthless(request.kind, Worthless::Unknown).into());
                }
                Err(why) => {
                    if why == Worthless::Reused {
                        tracing::warn!(
                            client_id = request.client_id,
                            "a token was used twice: its grant ends"
                        );
                        self.registry.swap(&grant.id, Some(&grant), None).await?;
                    }
                    return Err(oauth::worthless(request.kind, why).into());
                }
            };
            self.enrol(&grant, &made).await?;
            if self.registry.swap(&grant.id, Some(&grant), Some(&changed)).await? {
                return Ok(made.into_tokens(now));
            }
            // Somebody else spent a token of this grant just now; nobody has the token that was kept for it.
            self.registry.forget(&digest(&made.access_token)).await?;
        }
        Err(unlucky("a grant changed each time it was looked at").into())
    }

    /// The grant of a token, with its account; whoever asks is let near it.
    async fn grant(&self, request: &TokenRequest) -> Result<(Grant, Arc<Layout>), Failure> {
        let unknown = || Failure::from(oauth::worthless(request.kind, Worthless::Unknown));
        let id = Grant::id_of(&request.token).ok_or_else(unknown)?;
        let grant = self.registry.grant(id).await?.ok_or_else(unknown)?;
        let layout = self.registry.account(AccountKey::Id(grant.account_id)).await?.ok_or_else(unknown)?;
        let TokenRequest { client_id, client_secret, redirect_uri, .. } = request;
        let secret = digest(client_secret).to_hex();
        let admitted = grant.admit(&layout, client_id, &secret, redirect_uri.as_deref());
        admitted.map_err(|why| oauth::stranger(request.kind, why))?;
        Ok((grant, layout))
    }

    async fn enrol(&self, grant: &Grant, made: &Made) -> Result<(), Error> {
        let secret = Secret::Sha256(digest(&made.access_token).to_hex());
        let token = Token {
            client_id: Some(grant.client_id.clone()),
            expires_at: Some(made.expires_at),
            ..Token::bearer(grant.account_id, grant.user_id, secret)
        };
        self.registry.enrol(&token).await
    }

    /// The account of whoever shows a refresh token that is due.
    pub(crate) async fn account(&self, headers: &HeaderMap) -> Result<Account, Failure> {
        let unknown = || Failure::from(oauth::worthless(Due::Refresh, Worthless::Unknown));
        let Some(token) = headers.get(oauth::REFRESH_TOKEN).and_then(|value| value.to_str().ok()) else {
            let detail = "A refresh token is due in X-Refresh-Token, or an access token.";
            return Err(oauth::problem(StatusCode::UNAUTHORIZED, "Token is missing", detail).into());
        };
        let id = Grant::id_of(token).ok_or_else(unknown)?;
        let grant = self.registry.grant(id).await?.ok_or_else(unknown)?;
        if !grant.awaits(Due::Refresh, &digest(token).to_hex(), self.clock.now()) {
            return Err(unknown());
        }
        let layout = self.registry.account(AccountKey::Id(grant.account_id)).await?.ok_or_else(unknown)?;
        Ok(layout.account.clone())
    }

    /// The account with this id.
    pub(crate) async fn account_of(&self, principal: Principal) -> Result<Option<Account>, Failure> {
        let layout = self.registry.account(AccountKey::Id(principal.account_id)).await?;
        Ok(layout.map(|layout| layout.account.clone()))
    }
}

/// The texts of two tokens. They follow from the token that buys them, the integration's secret and a nonce, so that the
/// same can be told once more without being kept; who has the store alone has none of them.
struct Made {
    access_token: String,
    refresh_token: String,
    expires_at: Moment,
}

impl Made {
    fn of(
        request: &TokenRequest,
        grant: &Grant,
        account: &Account,
        nonce: &str,
        at: Moment,
        host: &str,
    ) -> Self {
        let TokenRequest { client_id, client_secret, token, .. } = request;
        let key = format!("{client_secret}\0{token}");
        let mac = |purpose: &str| hex(&signed(key.as_bytes(), format!("{purpose}\0{nonce}").as_bytes()));
        let expires_at = at.plus_secs(ACCESS_SECS);
        let claims = Claims {
            client_id,
            id: &mac("access"),
            issued_at: at,
            expires_at,
            user_id: grant.user_id,
            account,
            host,
        };
        let access_token = claims.jwt(|text| signed(client_secret.as_bytes(), text));
        Self { access_token, refresh_token: format!("{}.{}", grant.id, mac("refresh")), expires_at }
    }

    fn into_tokens(self, now: Moment) -> Tokens {
        let Self { access_token, refresh_token, expires_at } = self;
        Tokens { access_token, refresh_token, expires_in: expires_at.secs_since(now), server_time: now }
    }
}

fn signed(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 hex digits that nobody can guess.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unavailable, Operation::Registry)
            .with_outcome(Outcome::NotApplied)
            .with_detail(format!("the system gives no randomness: {error}"))
    })?;
    Ok(hex(&bytes))
}

fn unlucky(detail: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, Operation::Registry)
        .with_outcome(Outcome::NotApplied)
        .with_detail(detail)
}
