//! The memory store against promises of the port and against a naive copy of its rules.

#![expect(clippy::unwrap_used, reason = "tests")]

mod oracle;
mod powers;
mod races;
mod transfer;
mod world;
