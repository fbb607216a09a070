//! The server as its clients see it: over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_inputs;
mod clients;
mod documents;
mod faults;
mod framing;
mod lifecycle;
mod oauth;
mod rates;
mod raw;
mod ready_items;
mod rights;
mod shape;
mod tls;
mod trouble;
mod v2;
mod world;
