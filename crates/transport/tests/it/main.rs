//! Every layer over scripted transports, the network over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deadline;
mod limits;
mod network;
mod recorder;
mod retries;
mod script;
mod spans;
mod tokens;
