//! The v4 wire: who answers which address. The addresses themselves are the wire's.

mod commands;
mod directory;
mod questions;
mod sign_in;

use http::{Request, Response};
use hyper::body::Bytes;
use incoming_leads_model::Channel;
use incoming_leads_wire_v4::route::{self, Route};

use crate::app::{App, Caller};
use crate::body::Incoming;
use crate::failure::Failure;
use crate::host::Host;

/// What the wire wrote, or why it wrote nothing.
type Answer = Result<Response<Vec<u8>>, Failure>;

pub(crate) async fn answer(
    app: &App,
    host: &Host,
    request: Request<Incoming>,
) -> Result<Response<Bytes>, Failure> {
    let route = route::find(request.method(), request.uri().path())?;
    if let (Route::AccessToken | Route::AccountSubdomain, Some(oauth)) = (&route, &app.oauth) {
        app.check_name(host)?;
        return Ok(sign_in::answer(&route, oauth, app, host, request).await?.map(Bytes::from));
    }
    let caller = Caller::admit(app, host, request.headers()).await?;
    let answer = match route {
        Route::List => return questions::list(app, &caller, &request).await,
        Route::Summary => questions::summary(&caller, &request).await,
        Route::Get(uid) => questions::get(&caller, uid).await,
        Route::AddSip => commands::add(Channel::Sip, app, &caller, request).await,
        Route::AddForms => commands::add(Channel::Forms, app, &caller, request).await,
        Route::TakeIn(category) if app.intake => commands::take_in(category, app, &caller, request).await,
        Route::Accept(uid) => commands::accept(uid, app, &caller, request).await,
        Route::Decline(uid) => commands::decline(uid, app, &caller, request).await,
        Route::Link(uid) => commands::link(uid, app, &caller, request).await,
        Route::Entities(kind) => directory::entities(kind, &caller, &request).await,
        Route::Entity(entity) => directory::entity(entity, &caller).await,
        Route::Notes(entity) => directory::notes(entity, &caller, &request).await,
        Route::Note(entity, note) => directory::note(entity, note, &caller).await,
        Route::Fields(_)
        | Route::Field(..)
        | Route::Pipelines
        | Route::Pipeline(_)
        | Route::Statuses(_)
        | Route::Status(..)
        | Route::Users
        | Route::User(_)
        | Route::Account => directory::layout(&route, &caller, &request).await,
        // An intake that is closed, and whatever the wire will know one day.
        _ => Err(Failure::nothing_here()),
    };
    Ok(answer?.map(Bytes::from))
}
