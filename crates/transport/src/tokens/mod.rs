//! Access tokens: where they are kept, and how they are renewed.
//!
//! A grant of OAuth is renewed by a refresh token that works **once**. Whoever is to renew it first puts a lease on
//! the stored grant by compare-and-swap, so that of all tasks and processes that share a store one does it, and the
//! others wait for what it brings. A renewer that dies leaves a lease that runs out.

mod oauth;
mod store;

pub use self::oauth::{OAuth, TokenSource};
pub use self::store::{FileStore, Grant, MemoryStore, Stored, TokenStore, TokenStoreError};

use std::fmt;

/// A secret that no `Debug`, log or error shows.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for what is sent, never for what is shown.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
