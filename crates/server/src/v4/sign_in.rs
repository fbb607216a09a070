//! Tokens of OAuth, and where the account of a token is: the routes that nobody needs to have come in for.

use http::Request;
use incoming_leads_wire_v4::oauth;
use incoming_leads_wire_v4::route::Route;

use super::Answer;
use crate::app::{App, Caller, bearer};
use crate::body::Incoming;
use crate::host::Host;
use crate::oauth::OAuth;

pub(super) async fn answer(
    route: &Route,
    oauth: &OAuth,
    app: &App,
    host: &Host,
    request: Request<Incoming>,
) -> Answer {
    let origin = app.origin(host);
    let place = origin.as_str().split_once("://").map_or("", |(_, place)| place);
    if *route == Route::AccessToken {
        let request = oauth::read_request(&app.read(request).await?)?;
        return Ok(oauth::response(&oauth.tokens(&request, place).await?));
    }
    if bearer(request.headers()).is_some() {
        let caller = Caller::admit(app, host, request.headers()).await?;
        if let Some(principal) = caller.session.principal
            && let Some(account) = oauth.account_of(principal).await?
        {
            return Ok(oauth::subdomain_response(&account, place));
        }
    }
    Ok(oauth::subdomain_response(&oauth.account(request.headers()).await?, place))
}
