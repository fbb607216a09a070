//! Where a client sends its requests.

use std::fmt;

use http::Uri;

/// Scheme and host of a server, such as `https://example.amocrm.com` or `http://127.0.0.1:8080`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(Box<str>);

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is http:// or https://, a host and perhaps a port, and nothing after it")
    }
}

impl std::error::Error for InvalidOrigin {}

impl Origin {
    /// Reads an origin; one slash at its end is taken off.
    ///
    /// # Errors
    /// [`InvalidOrigin`] when it is not scheme and host, or names a user.
    pub fn new(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let is_host =
            uri.authority().is_some_and(|host| !host.host().is_empty() && !host.as_str().contains('@'));
        if !is_web || !is_host || uri.path() != "/" || text.ends_with('/') || text.contains(['?', '#']) {
            return Err(InvalidOrigin);
        }
        Ok(Self(text.into()))
    }

    /// The text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
