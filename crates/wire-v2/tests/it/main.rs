//! The v2 wire, both sides.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod php;
