//! The v2 wire, tried with the document's own examples, with what PHP writes, and with bad input.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod answers;
mod bad_input;
mod documents;
mod forms;
mod fuzz;
mod losses;
mod queries;
mod random;
mod routes;
mod signs;

use http::{Method, Request, Response};
use incoming_leads_model::Moment;
use incoming_leads_wire_v2::{Call, Origin};

fn origin() -> Origin {
    Origin::new("https://example.amocrm.com").unwrap()
}

/// A call by this method at this address, on 2017-10-18.
fn call(method: &str, address: &str) -> Call {
    let method: Method = method.parse().unwrap();
    Call::new(&method, &address.parse().unwrap(), Moment::from_secs(1_508_320_306).unwrap())
}

/// A request with this body, announced as JSON.
fn json(body: impl AsRef<[u8]>) -> Request<Vec<u8>> {
    Request::post("/").header("content-type", "application/json").body(body.as_ref().to_vec()).unwrap()
}

/// A request with this body, announced as a form.
fn form(body: impl AsRef<[u8]>) -> Request<Vec<u8>> {
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    request.body(body.as_ref().to_vec()).unwrap()
}

/// A question with this query string.
fn asked(query: &str) -> Request<()> {
    Request::get(format!("/?{query}")).body(()).unwrap()
}

/// A 200 with this body.
fn ok(body: impl AsRef<[u8]>) -> Response<Vec<u8>> {
    Response::new(body.as_ref().to_vec())
}
