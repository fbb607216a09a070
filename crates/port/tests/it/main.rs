//! The port's own promises, over a list in memory that knows no rule.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod error;
mod ext;
mod sources;
