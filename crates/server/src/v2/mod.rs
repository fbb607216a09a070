//! The v2 wire: who answers which address. The addresses themselves are the wire's.

mod commands;
mod entry;
mod questions;

use http::{Request, Response};
use hyper::body::Bytes;
use incoming_leads_wire_v2::Call;
use incoming_leads_wire_v2::route::{self, Route};

use crate::app::App;
use crate::body::Incoming;
use crate::failure::{Failure, with_advice};
use crate::host::Host;

/// What the wire wrote, or why it wrote nothing.
type Answer = Result<Response<Vec<u8>>, Failure>;

pub(crate) async fn answer(
    app: &App,
    host: &Host,
    request: Request<Incoming>,
    call: &Call,
) -> Result<Response<Bytes>, Failure> {
    let route = route::find(request.method(), request.uri().path())?;
    app.check_name(host)?;
    // The whole of it before anything else: a form may hold who asks.
    let request = app.read(request).await?;
    if route == Route::SignIn {
        return Ok(with_advice(entry::sign_in(app, host, &request).await?.map(Bytes::from), None));
    }
    let caller = entry::admit(app, host, &request).await?;
    let answer = match route {
        Route::List => questions::list(app, &caller, &request, call).await,
        Route::Summary => questions::summary(&caller, &request, call).await,
        Route::Add(channel) => commands::add(channel, &caller, &request, call).await,
        Route::Accept => commands::accept(app, &caller, &request, call).await,
        Route::Decline => commands::decline(app, &caller, &request, call).await,
        // Whatever the wire will know one day.
        _ => Err(Failure::nothing_here()),
    };
    Ok(with_advice(answer?.map(Bytes::from), None))
}
