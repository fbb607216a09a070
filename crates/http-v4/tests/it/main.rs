//! The port over v4 HTTP, before a server in this process and before answers made by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_answers;
mod directory;
mod example;
mod network;
mod notes;
mod oauth;
mod reconcile;
mod trouble;
mod world;
