//! The v4 wire, tried with the documents' own examples, with what real clients send, and with bad input.

#![expect(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod answers;
mod bad_json;
mod compare;
mod documents;
mod fuzz;
mod losses;
mod problems;
mod queries;
mod routes;
mod shapes;

use http::{Request, Response};
use incoming_leads_wire_v4::Origin;

fn origin() -> Origin {
    Origin::new("https://example.kommo.com").unwrap()
}

/// A request with this body, announced as JSON.
fn json(body: impl AsRef<[u8]>) -> Request<Vec<u8>> {
    Request::builder().header("content-type", "application/json").body(body.as_ref().to_vec()).unwrap()
}

/// A 200 with this body.
fn ok(body: impl AsRef<[u8]>) -> Response<Vec<u8>> {
    Response::new(body.as_ref().to_vec())
}
