//! The server as its clients see it: over real sockets.

mod bad_inputs;
mod clients;
mod documents;
mod framing;
mod raw;
mod rights;
mod shape;
mod world;
