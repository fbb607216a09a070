//! The store over PostgreSQL beside what the conformance kit looks at.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod lost;
mod races;
mod retention;
mod schema;
mod tls;
mod world;
