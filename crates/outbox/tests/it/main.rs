//! The outbox in front of the store in memory, through a line that fails as it is told to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod file;
mod line;
mod random;
