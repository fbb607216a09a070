//! Grants: what a user allowed an integration, and the token of single use by which it goes on (OAuth 2.0).
//!
//! A user's consent is a code; the code buys an access token and a refresh token; each refresh token buys the next two.
//! All of it is one [`Grant`], which knows the token that is due and the one that was spent last. Its texts are made
//! elsewhere: here are digests and moments.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::Layout;
use crate::document::Secret;
use crate::id::{AccountId, UserId};
use crate::moment::Moment;

/// How long an access token lives, in seconds: a day. Source: the vendor's OAuth page, as clients have it.
pub const ACCESS_SECS: u32 = 24 * 60 * 60;

/// How long a code lives, in seconds: 20 minutes. Source: the vendor's OAuth page, as clients have it.
pub const CODE_SECS: u32 = 20 * 60;

/// How long a refresh token lives, in seconds: three months of 30 days. Source: the vendor's OAuth page, as clients have
/// it.
pub const REFRESH_SECS: u32 = 90 * 24 * 60 * 60;

/// How long a token that was spent is answered once more as it was the first time, in seconds, where nothing else is
/// set. The sources know no such time; without one a lost answer costs the user another consent.
pub const GRACE_SECS: u32 = 60;

/// What a user allowed an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its id: what its tokens begin with, up to the first dot.
    pub id: String,
    /// The account.
    pub account_id: AccountId,
    /// Whoever allowed it.
    pub user_id: UserId,
    /// The integration.
    pub client_id: String,
    /// What is due next.
    pub due: Due,
    /// The token that is due.
    pub secret: Secret,
    /// From when on (UTC) that token is worth nothing.
    pub expires_at: Moment,
    /// The token that was spent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
}

/// The two kinds of token of single use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// An authorization code.
    Code,
    /// A refresh token.
    Refresh,
}

/// A token that was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// What it was.
    pub kind: Due,
    /// The token.
    pub secret: Secret,
    /// When it was spent (UTC).
    pub at: Moment,
    /// What, together with the token, the tokens that it bought were made of. Alone it is worth nothing.
    pub nonce: String,
}

/// A token as an integration shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The integration.
    pub client_id: &'a str,
    /// What the token is said to be.
    pub kind: Due,
    /// The SHA-256 of the token, as hex digits.
    pub digest: &'a str,
}

/// The tokens that are made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The SHA-256 of the next refresh token, as hex digits.
    pub digest: String,
    /// What, together with the token that is shown, they are made of.
    pub nonce: String,
}

/// What a token that is shown buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bought {
    /// The tokens that were made for it; the grant is to become this one, if it still is what it was.
    Next(Grant),
    /// The tokens that it has bought already, once more: the answer may have been lost.
    Again(Spent),
}

/// Why nobody gets anything, whatever they show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Stranger {
    /// The account does not have such an integration.
    #[error("the integration is not known")]
    Integration,
    /// The secret is not the integration's.
    #[error("the secret is not that of the integration")]
    Secret,
    /// It sends users back to another address.
    #[error("the integration has another redirect URI")]
    RedirectUri,
    /// Whoever allowed it is no active user any more.
    #[error("whoever allowed it is no active user")]
    User,
}

/// Why a token buys nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Worthless {
    /// It is none of the grant's, or was spent before the one that was spent last.
    #[error("the token is not known")]
    Unknown,
    /// It was given to another integration.
    #[error("the token was given to another integration")]
    Foreign,
    /// It is too old.
    #[error("the token has expired")]
    Expired,
    /// It was spent before: somebody has a copy, so that the grant is over.
    #[error("the token was used before, which ends the grant")]
    Reused,
}

impl Grant {
    /// The id of the grant that a token belongs to.
    #[must_use]
    pub fn id_of(token: &str) -> Option<&str> {
        token.split_once('.').map(|(id, _)| id)
    }

    /// Checks who asks, and for whom: an integration of the account with its secret (the SHA-256 of it, as hex digits), which
    /// need not name its redirect URI but must not name another, for a user who is active.
    ///
    /// # Errors
    /// [`Stranger`].
    pub fn admit(
        &self,
        layout: &Layout,
        client_id: &str,
        secret: &str,
        redirect_uri: Option<&str>,
    ) -> Result<(), Stranger> {
        let integration = layout.integration(client_id).ok_or(Stranger::Integration)?;
        if !integration.secret.sha256().is_ok_and(|digest| digest.eq_ignore_ascii_case(secret)) {
            return Err(Stranger::Secret);
        }
        if redirect_uri.is_some_and(|uri| uri != integration.redirect_uri) {
            return Err(Stranger::RedirectUri);
        }
        match layout.user(self.user_id) {
            Some(user) if user.is_active => Ok(()),
            _ => Err(Stranger::User),
        }
    }

    /// Whether this (the SHA-256 of a token, as hex digits) is the token that is due, and still good.
    #[must_use]
    pub fn awaits(&self, kind: Due, digest: &str, now: Moment) -> bool {
        let shown = Shown { client_id: &self.client_id, kind, digest };
        shown.is(self.due, &self.secret) && now < self.expires_at
    }

    /// What a token buys at this moment. A token that was spent less than `grace_secs` ago buys the same again.
    ///
    /// # Errors
    /// [`Worthless`]; after [`Worthless::Reused`] the grant is to be forgotten.
    pub fn spend(
        &self,
        shown: Shown<'_>,
        next: Next,
        now: Moment,
        grace_secs: u32,
    ) -> Result<Bought, Worthless> {
        if shown.client_id != self.client_id {
            return Err(Worthless::Foreign);
        }
        if shown.is(self.due, &self.secret) {
            return if now < self.expires_at {
                Ok(Bought::Next(self.after(shown, next, now)))
            } else {
                Err(Worthless::Expired)
            };
        }
        match &self.spent {
            Some(spent) if shown.is(spent.kind, &spent.secret) => {
                if now.secs_since(spent.at) < u64::from(grace_secs) {
                    Ok(Bought::Again(spent.clone()))
                } else {
                    Err(Worthless::Reused)
                }
            }
            _ => Err(Worthless::Unknown),
        }
    }

    fn after(&self, shown: Shown<'_>, next: Next, now: Moment) -> Self {
        let Next { digest, nonce } = next;
        let spent = Spent { kind: shown.kind, secret: self.secret.clone(), at: now, nonce };
        Self {
            due: Due::Refresh,
            secret: Secret::Sha256(digest),
            expires_at: now.plus_secs(REFRESH_SECS),
            spent: Some(spent),
            ..self.clone()
        }
    }
}

impl Shown<'_> {
    fn is(self, kind: Due, secret: &Secret) -> bool {
        self.kind == kind && secret.sha256().is_ok_and(|digest| digest.eq_ignore_ascii_case(self.digest))
    }
}
