//! What the store promises beside what the conformance kit asks of every adapter.

#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]

mod backup;
mod damage;
mod lasting;
mod pages;
mod retention;
mod schema;
mod together;
mod world;
