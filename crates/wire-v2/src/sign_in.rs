//! Who asks: login and key on every call, a session, or a bearer token.
//!
//! Source: v2 document: `?login=…&api_key=…`. `POST /private/api/auth.php`, its session of 15 minutes and bearer
//! tokens: wire as observed.

use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use incoming_leads_model::{Account, Moment, UserId};

use crate::body::{self, Encoding};
use crate::call::answer;
use crate::form;
use crate::message::{Failure, answered, command};
use crate::origin::Origin;
use crate::problem::{Fault, Problem, code, error_code};
use crate::read::Object;
use crate::route::SIGN_IN;
use crate::write::{Fields, secs};

/// How long a session lives, in seconds. Source: wire as observed (15 minutes).
pub const SESSION_SECS: u64 = 900;
/// The cookie that carries a session. Source: wire as observed.
pub const SESSION_COOKIE: &str = "session_id";

/// The names of login and key, in the words of the v2 document and of sign-in.
const PAIRS: [(&str, &str); 2] = [("login", "api_key"), ("USER_LOGIN", "USER_HASH")];

/// A secret: it shows itself to nobody who does not ask.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// This text, kept secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A user's login and key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a login and a key are all there is")]
pub struct ApiKey {
    /// The login: the user's mail address.
    pub login: String,
    /// The key.
    pub api_key: Secret,
}

/// What a request shows of who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Login and key.
    Key(ApiKey),
    /// A session that was opened by sign-in.
    Session(Secret),
    /// A bearer token.
    Bearer(Secret),
}

/// Server: finds who asks: a bearer token, else login and key in the query, else in a form body, else a session. None
/// where a request shows nothing of the kind.
///
/// # Errors
/// 401 for a half of a pair, for a value given twice, for an authorization that is no bearer token.
pub fn credentials<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Option<Credentials>, Problem> {
    if let Some(token) = bearer(request.headers())? {
        return Ok(Some(Credentials::Bearer(token)));
    }
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let pair = match pair(|name| form::scalar(query, name))? {
        None => pair(|name| body::scalar(request, name))?,
        found => found,
    };
    if let Some(pair) = pair {
        return Ok(Some(Credentials::Key(pair)));
    }
    Ok(session(request.headers()).map(Credentials::Session))
}

fn bearer(headers: &HeaderMap) -> Result<Option<Secret>, Problem> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let token = first.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    match token {
        Some(token) if !token.is_empty() && all.next().is_none() => Ok(Some(Secret::new(token))),
        _ => Err(Problem::unauthorized()),
    }
}

fn pair(value: impl Fn(&str) -> Option<String>) -> Result<Option<ApiKey>, Problem> {
    let found = PAIRS.map(|(login, key)| (value(login), value(key)));
    for pair in found {
        match pair {
            (Some(login), Some(key)) => return Ok(Some(ApiKey { login, api_key: Secret::new(key) })),
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => return Err(Problem::unauthorized()),
        }
    }
    Ok(None)
}

fn session(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.split_once('='));
    let (_, session) = pairs.find(|(name, _)| name.trim() == SESSION_COOKIE)?;
    Some(session.trim().trim_matches('"')).filter(|session| !session.is_empty()).map(Secret::new)
}

/// Server: reads who signs in: `USER_LOGIN` and `USER_HASH`, or `login` and `api_key`, in the body or the query.
///
/// # Errors
/// 400 when they are not there or the body cannot be read; 415 when it is neither JSON nor a form.
pub fn read_request<B: AsRef<[u8]>>(request: &Request<B>) -> Result<ApiKey, Problem> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    if let Some(pair) = pair(|name| form::scalar(query, name))? {
        return Ok(pair);
    }
    let mut body = body::read(request)?;
    for (login, key) in PAIRS {
        if let (Some(login), Some(key)) = (body.text(&[login])?, body.text(&[key])?) {
            return Ok(ApiKey { login, api_key: Secret::new(key) });
        }
    }
    Err(Fault::missing("USER_LOGIN").into())
}

/// Server: answers who signed in, with the cookie of the session, which lives so long. A gateway knows neither account
/// nor user, and then `accounts` is empty.
#[must_use]
pub fn response(
    who: Option<(&Account, UserId)>,
    session: &Secret,
    life: Duration,
    now: Moment,
) -> Response<Vec<u8>> {
    let (mut accounts, mut user) = (Vec::new(), Fields::new());
    if let Some((account, id)) = who {
        let mut told = Fields::new();
        told.put("id", account.id.get());
        told.put("name", account.name.as_str());
        told.put("subdomain", account.subdomain.as_str());
        told.put("language", "en");
        told.put("timezone", "UTC");
        accounts.push(serde_json::Value::from(told));
        user.put("id", id.get());
    }
    user.put("language", "en");
    let mut inner = Fields::new();
    inner.put("auth", true);
    inner.put("accounts", accounts);
    inner.put("user", user);
    inner.put("server_time", secs(now));
    let mut fields = Fields::new();
    fields.put("response", inner);
    let mut response = answer(fields, now);
    let cookie = format!(
        "{SESSION_COOKIE}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax",
        session.expose(),
        life.as_secs()
    );
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Server: answers that login or key are wrong.
#[must_use]
pub fn refused(now: Moment) -> Response<Vec<u8>> {
    let mut inner = Fields::new();
    inner.put("auth", false);
    inner.put("error", "login or key are wrong");
    inner.put("error_code", error_code::WRONG_CREDENTIALS);
    inner.put("server_time", secs(now));
    let mut fields = Fields::new();
    fields.put("response", inner);
    let mut response = answer(fields, now);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

/// Client: signs in.
#[must_use]
pub fn request(key: &ApiKey, origin: &Origin) -> Request<Vec<u8>> {
    let ApiKey { login, api_key } = key;
    let mut fields = Fields::new();
    fields.put("USER_LOGIN", login.as_str());
    fields.put("USER_HASH", api_key.expose());
    command(origin, &format!("{SIGN_IN}?type=json"), fields, Encoding::Form)
}

/// Client: reads the session of the answer.
///
/// # Errors
/// What the server refused, or an answer without a session.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Secret, Failure> {
    let mut answer = answered(response)?;
    let inner = answer.object(&["response"])?.unwrap_or_else(|| Object::lenient(serde_json::Value::Null));
    if inner.rest().get("auth") != Some(&serde_json::Value::Bool(true)) {
        return Err(Failure::Problem(Problem::unauthorized()));
    }
    let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    let session = pairs.find(|(name, _)| name.trim() == SESSION_COOKIE).map(|(_, session)| session.trim());
    let session = session.filter(|session| !session.is_empty());
    Ok(session
        .map(Secret::new)
        .ok_or_else(|| Fault::new(code::FIELD_MISSING, "", "the answer has no session"))?)
}

impl Credentials {
    /// Client: puts them on a request: login and key into its query, a session into its cookies.
    pub fn put_on<B>(&self, request: &mut Request<B>) {
        let header = |name: http::HeaderName, text: String, request: &mut Request<B>| {
            if let Ok(mut value) = HeaderValue::from_str(&text) {
                value.set_sensitive(true);
                request.headers_mut().insert(name, value);
            }
        };
        match self {
            Self::Bearer(token) => header(AUTHORIZATION, format!("Bearer {}", token.expose()), request),
            Self::Session(session) => {
                header(COOKIE, format!("{SESSION_COOKIE}={}", session.expose()), request)
            }
            Self::Key(ApiKey { login, api_key }) => {
                let mut fields = Fields::new();
                fields.put("login", login.as_str());
                fields.put("api_key", api_key.expose());
                let pair =
                    String::from_utf8(form::write(&fields.into_map())).expect("what is escaped is ASCII");
                let mark = if request.uri().query().is_some() { '&' } else { '?' };
                if let Ok(signed) = format!("{}{mark}{pair}", request.uri()).parse() {
                    *request.uri_mut() = signed;
                }
            }
        }
    }
}
