//! OAuth 2.0 as the vendor speaks it: `POST /oauth2/access_token` and `GET /oauth2/account/current/subdomain`. A server's
//! side; a client's is no part of this wire.
//!
//! Bodies come as JSON and as forms. Errors are problem documents with a `hint`, not those of RFC 6749. Source: wire as
//! observed, with the hints that were seen.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use incoming_leads_model::grant::{Due, Stranger, Worthless};
use incoming_leads_model::{Account, Moment, UserId};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::message::{JSON, is_json};
use crate::problem::Problem;

/// The kind of problems of OAuth. Source: wire as observed.
const KIND: &str = "https://developers.amocrm.ru/v3/errors/OAuthProblemJson";

/// The header in which a refresh token is shown to ask for the account's address. Source: the vendor's PHP client.
pub const REFRESH_TOKEN: &str = "x-refresh-token";

/// Bytes of a body that are read.
const MAX_BODY_BYTES: usize = 64 << 10;

/// What an integration asks for.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The integration.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where it sends users back to, if it says so.
    pub redirect_uri: Option<String>,
    /// What the token is said to be.
    pub kind: Due,
    /// The token of single use: a code, or a refresh token.
    pub token: String,
}

impl fmt::Debug for TokenRequest {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, redirect_uri, kind, client_secret: _, token: _ } = self;
        let mut shown = f.debug_struct("TokenRequest");
        shown.field("client_id", client_id).field("redirect_uri", redirect_uri).field("kind", kind);
        shown.finish_non_exhaustive()
    }
}

/// Reads what an integration asks for, from JSON or a form.
///
/// # Errors
/// 400 with the hint that names the parameter which is missing or wrong.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<TokenRequest, Problem> {
    let fields = Fields::read(request.headers(), request.body().as_ref())?;
    let client_id = fields.required("client_id")?;
    let client_secret = fields.required("client_secret")?;
    let (kind, token) = match fields.required("grant_type")?.as_str() {
        "authorization_code" => (Due::Code, fields.required("code")?),
        "refresh_token" => (Due::Refresh, fields.required("refresh_token")?),
        _ => {
            let detail = "The authorization grant type is not supported by the authorization server.";
            return Err(problem(StatusCode::BAD_REQUEST, "Check the `grant_type` parameter", detail));
        }
    };
    Ok(TokenRequest { client_id, client_secret, redirect_uri: fields.get("redirect_uri"), kind, token })
}

/// The parameters of a body.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let malformed = |detail| problem(StatusCode::BAD_REQUEST, "Check the body", detail);
        if body.len() > MAX_BODY_BYTES {
            return Err(malformed("The body is too long."));
        }
        // Some send JSON under the type of a form, some under none: a form has no brace at its beginning.
        let said_json = headers.get_all(CONTENT_TYPE).iter().any(is_json);
        if said_json || body.trim_ascii_start().starts_with(b"{") {
            let fields = serde_json::from_slice(body).ok().and_then(|value| match value {
                Value::Object(fields) => Some(fields),
                _ => None,
            });
            let fields = fields.ok_or_else(|| malformed("The body is not a JSON object."))?;
            let text = |(name, value)| match value {
                Value::String(text) => Some((name, text)),
                Value::Number(number) => Some((name, number.to_string())),
                _ => None,
            };
            return Ok(Self(fields.into_iter().filter_map(text).collect()));
        }
        let text = std::str::from_utf8(body).map_err(|_| malformed("The body is not UTF-8."))?;
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
        };
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| Some((decoded(name)?, decoded(value)?)));
        let pairs = pairs.collect::<Option<_>>().ok_or_else(|| malformed("The form is not UTF-8."))?;
        Ok(Self(pairs))
    }

    /// A parameter that stands there once; the last where it stands there more often, as PHP reads it.
    fn get(&self, name: &str) -> Option<String> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<String, Problem> {
        self.get(name).ok_or_else(|| {
            let detail = "The request is missing a required parameter, includes an invalid parameter value, \
                          includes a parameter more than once, or is otherwise malformed.";
            problem(StatusCode::BAD_REQUEST, format!("Check the `{name}` parameter"), detail)
        })
    }
}

/// What an integration gets.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a server makes it")]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// For the next tokens.
    pub refresh_token: String,
    /// How long the access token lives from now on, in seconds.
    pub expires_in: u64,
    /// Now (UTC).
    pub server_time: Moment,
}

impl fmt::Debug for Tokens {
    /// Without the tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// 200 with the tokens.
#[must_use]
pub fn response(tokens: &Tokens) -> Response<Vec<u8>> {
    let Tokens { access_token, refresh_token, expires_in, server_time } = tokens;
    answer(&json!({
        "token_type": "Bearer",
        "expires_in": expires_in,
        "server_time": server_time.secs(),
        "access_token": access_token,
        "refresh_token": refresh_token,
    }))
}

/// 200 with where the account of a token is: at this host, name and perhaps port.
#[must_use]
pub fn subdomain_response(account: &Account, host: &str) -> Response<Vec<u8>> {
    let name = host.split(':').next().unwrap_or(host);
    answer(&json!({
        "id": account.id.get(),
        "subdomain": account.subdomain,
        "domain": host,
        "top_level_domain": name.rsplit('.').next().unwrap_or(name),
    }))
}

fn answer(body: &Value) -> Response<Vec<u8>> {
    let mut response = Response::new(body.to_string().into_bytes());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A problem of OAuth.
#[must_use]
pub fn problem(status: StatusCode, hint: impl Into<Box<str>>, detail: impl Into<String>) -> Problem {
    Problem { kind: KIND.into(), hint: Some(hint.into()), ..Problem::new(status, detail) }
}

/// Why an integration gets nothing: a token that is not known, and one that was used before, are told alike.
#[must_use]
pub fn worthless(kind: Due, why: Worthless) -> Problem {
    let hint = match (kind, why) {
        (Due::Code, Worthless::Unknown | Worthless::Reused) => "Authorization code has been revoked",
        (Due::Code, Worthless::Expired) => "Authorization code has expired",
        (Due::Code, Worthless::Foreign) => "Authorization code was not issued to this client",
        (Due::Refresh, Worthless::Unknown | Worthless::Reused) => "Token has been revoked",
        (Due::Refresh, Worthless::Expired) => "Token has expired",
        (Due::Refresh, Worthless::Foreign) => "Token is not linked to client",
    };
    let detail = match kind {
        Due::Code => "The authorization code is invalid.",
        Due::Refresh => "The refresh token is invalid.",
    };
    problem(StatusCode::UNAUTHORIZED, hint, detail)
}

/// Why an integration is not let near a token of this kind.
#[must_use]
pub fn stranger(kind: Due, why: Stranger) -> Problem {
    let (status, hint) = match why {
        Stranger::Integration => (StatusCode::BAD_REQUEST, "Check the `client_id` parameter"),
        Stranger::Secret => (StatusCode::UNAUTHORIZED, "Check the `client_secret` parameter"),
        Stranger::RedirectUri => (StatusCode::BAD_REQUEST, "Check the `redirect_uri` parameter"),
        Stranger::User => return worthless(kind, Worthless::Unknown),
    };
    problem(status, hint, "Client authentication failed.")
}

/// What an access token says of itself. Clients read `exp` and `api_domain`; none checks the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a server makes it")]
pub struct Claims<'a> {
    /// The integration (`aud`).
    pub client_id: &'a str,
    /// What makes it unlike any other (`jti`).
    pub id: &'a str,
    /// When it was made (UTC; `iat`, `nbf`).
    pub issued_at: Moment,
    /// From when on it lets nobody in (UTC; `exp`).
    pub expires_at: Moment,
    /// The user (`sub`).
    pub user_id: UserId,
    /// The account (`account_id`).
    pub account: &'a Account,
    /// The host at which it is good, name and perhaps port (`api_domain`).
    pub host: &'a str,
}

impl Claims<'_> {
    /// The token: a JWT of HS256, with the signature that `sign` makes of its first two parts.
    pub fn jwt(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let Self { client_id, id, issued_at, expires_at, user_id, account, host } = self;
        let header = json!({"typ": "JWT", "alg": "HS256"});
        let claims = json!({
            "aud": client_id,
            "jti": id,
            "iat": issued_at.secs(),
            "nbf": issued_at.secs(),
            "exp": expires_at.secs(),
            "sub": user_id.to_string(),
            "grant_type": "",
            "account_id": account.id.get(),
            "base_domain": host,
            "version": 2,
            "scopes": ["crm"],
            "api_domain": host,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut token = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(token.as_bytes()));
        token.push('.');
        token.push_str(&signature);
        token
    }
}
