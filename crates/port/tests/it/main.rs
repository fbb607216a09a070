//! The port's own promises, over a list in memory that knows no rule.

mod error;
mod ext;
mod sources;
