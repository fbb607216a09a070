//! Who asks: by token, by login and key, or by the session that they opened.

use http::{Request, StatusCode};
use hyper::body::Bytes;
use incoming_leads_model::{Account, UserId};
use incoming_leads_port::{Clock, Digest, SystemClock};
use incoming_leads_wire_v2::sign_in::{self, Credentials, Secret};

use super::Answer;
use crate::app::{App, Caller};
use crate::failure::Failure;
use crate::gate::{self, Session};
use crate::host::Host;

/// Whoever this request shows to ask.
pub(super) async fn admit(app: &App, host: &Host, request: &Request<Bytes>) -> Result<Caller, Failure> {
    match sign_in::credentials(request)? {
        Some(Credentials::Bearer(token)) => {
            Caller::enter(app, host, gate::Credentials::Bearer(token.expose())).await
        }
        Some(Credentials::Key(key)) => {
            let shown = gate::Credentials::ApiKey { login: &key.login, key: key.api_key.expose() };
            Caller::enter(app, host, shown).await
        }
        Some(Credentials::Session(id)) => {
            Caller::enter(app, host, gate::Credentials::Session(id.expose())).await
        }
        _ => Err(Failure::unauthorized("a login and its api_key are due, or a session, or a token")),
    }
}

/// `POST /private/api/auth.php`
pub(super) async fn sign_in(app: &App, host: &Host, request: &Request<Bytes>) -> Answer {
    let key = sign_in::read_request(request)?;
    let shown = gate::Credentials::ApiKey { login: &key.login, key: key.api_key.expose() };
    let id = random_id().map_err(|error| {
        tracing::error!(%error, "the system gives no randomness");
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "no session can be opened now")
    })?;
    let opened = app.gate.open_session(shown, host, &id, app.session_time()).await;
    let caller = match Caller::entered(app, host, shown, opened, "login and key are not known here") {
        Err(failure) if failure.is_unauthorized() => return Ok(sign_in::refused(SystemClock.now())),
        entered => entered?,
    };
    let account = account(&caller.session).await?;
    let told = account.as_ref().map(|(account, user)| (account, *user));
    Ok(sign_in::response(told, &Secret::new(id), app.session_time(), SystemClock.now()))
}

/// The account and the user, where the gate knows them.
async fn account(session: &Session) -> Result<Option<(Account, UserId)>, Failure> {
    let (Some(principal), Some(directory)) = (session.principal, &session.ports.directory) else {
        return Ok(None);
    };
    Ok(Some((directory.layout().await?.account.clone(), principal.user_id)))
}

/// 64 hex digits that nobody can guess.
fn random_id() -> Result<String, getrandom::Error> {
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    Ok(Digest(random).to_hex())
}
