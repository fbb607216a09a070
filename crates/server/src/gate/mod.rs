//! The gate: who asks, and what they are handed.

mod registry;
mod sessions;
mod table;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use incoming_leads_port::{Digest, Error, Ports, Principal};
use sha2::{Digest as _, Sha256};

pub use crate::host::Host;
pub use registry::RegistryGate;
pub use table::SessionTable;

/// Says who asks: credentials and host in, a session out. The server knows no accounts and no tokens beside it.
#[async_trait]
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// The session of these credentials on this host.
    ///
    /// # Errors
    /// [`Denied`], and nothing about the reason that would help whoever guesses.
    async fn admit(&self, credentials: Credentials<'_>, host: &Host) -> Result<Session, Denied>;

    /// The session of these credentials, and for so long also of whoever shows this session's id: see
    /// [`Credentials::Session`]. Sessions are bounded in number; one too many ends the oldest.
    ///
    /// # Errors
    /// See [`Gate::admit`].
    async fn open_session(
        &self,
        credentials: Credentials<'_>,
        host: &Host,
        id: &str,
        life: Duration,
    ) -> Result<Session, Denied>;

    /// Whether what the gate asks can be asked now.
    ///
    /// # Errors
    /// What it ran into.
    async fn ready(&self) -> Result<(), Error>;
}

/// What somebody shows to come in.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Credentials<'a> {
    /// A token, as `Authorization: Bearer` carries it.
    Bearer(&'a str),
    /// An e-mail address and a key, as v2 takes them.
    ApiKey {
        /// The address, in letters of either case.
        login: &'a str,
        /// The key.
        key: &'a str,
    },
    /// The cookie of a v2 session.
    Session(&'a str),
}

impl Credentials<'_> {
    /// The SHA-256 of the secret: what is looked up, so that no comparison takes longer for a better guess. Each kind
    /// says what it is before it is hashed, so that a key is worth nothing as a token.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Bearer(token) => digest(token),
            Self::ApiKey { login, key } => digest(&format!("api key\0{}\0{key}", login.to_lowercase())),
            Self::Session(id) => digest(&format!("session\0{id}")),
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(..)",
            Self::ApiKey { .. } => "ApiKey(..)",
            Self::Session(_) => "Session(..)",
        })
    }
}

/// The SHA-256 of a secret.
///
/// ```
/// let digest = incoming_leads_server::digest("demo");
/// assert_eq!(digest.to_hex(), "2a97516c354b68848cdbd8f54a226a0a55b21ed138e207ad6c5cbb9c00aa5aea");
/// ```
#[must_use]
pub fn digest(secret: &str) -> Digest {
    Digest(Sha256::digest(secret.as_bytes()).into())
}

/// What whoever came in may work with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Session {
    /// The handles, bound to account and user.
    pub ports: Ports,
    /// Account and user, where the gate knows them.
    pub principal: Option<Principal>,
    /// The integration that acts for the user, where one does.
    pub client_id: Option<String>,
}

impl Session {
    /// A session over these handles, of an account and a user that need not be known: a gateway's.
    #[must_use]
    pub const fn new(ports: Ports) -> Self {
        Self { ports, principal: None, client_id: None }
    }

    /// A session of this user of this account.
    #[must_use]
    pub const fn of(principal: Principal, ports: Ports) -> Self {
        Self { ports, principal: Some(principal), client_id: None }
    }
}

/// Why somebody did not come in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Denied {
    /// The credentials are unknown, dead, or of another account than the host's.
    Unknown,
    /// Nobody can tell: what the gate asks did not answer.
    Failed(Error),
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn no_kind_of_credential_passes_for_another() {
        let key = |login, key| Credentials::ApiKey { login, key }.digest();
        let secret = "demo-key";
        let all = [
            Credentials::Bearer(secret).digest(),
            Credentials::Session(secret).digest(),
            key("", secret),
            key("a@example.com", secret),
            key("b@example.com", secret),
        ];
        for (place, digest) in all.iter().enumerate() {
            assert!(!all[..place].contains(digest), "{place}");
        }
        assert_eq!(key("A@Example.com", secret), key("a@example.com", secret));
    }
}
