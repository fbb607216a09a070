//! The model from outside: every rule by name, the page for people, a walk over all states, and properties.

#![expect(clippy::unwrap_used, reason = "tests")]

mod arbitrary;
mod export;
mod grants;
mod limits;
mod page;
mod properties;
mod rules;
mod setup;
mod walk;
mod world;
