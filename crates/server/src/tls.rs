//! TLS: the certificate and the key that the server speaks it with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate with its chain and key. TLS 1.2 and 1.3, HTTP/1.1 over it.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads them from PEM files: the server's own certificate first, then those that it was signed with.
    ///
    /// # Errors
    /// [`InvalidTls`], which says which file is wrong and how, and nothing of what is in it.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, InvalidTls> {
        let invalid = |path: &Path, what: String| InvalidTls { path: path.to_owned(), what };
        let read = |path: &Path| std::fs::read(path).map_err(|error| invalid(path, error.to_string()));
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificate)?).collect();
        let chain = chain.map_err(|error| invalid(certificate, fault(&error, "certificate")))?;
        if chain.is_empty() {
            return Err(invalid(certificate, "it holds no certificate in PEM".to_owned()));
        }
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|error| invalid(key, fault(&error, "private key")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the suites of TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, secret);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                invalid(key, format!("it is not the key of the certificate {}", certificate.display()))
            }
            rustls::Error::InvalidCertificate(_) => invalid(certificate, error.to_string()),
            error => invalid(key, error.to_string()),
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.0).into()
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

/// What the parser says may quote what it has read.
fn fault(error: &pem::Error, due: &str) -> String {
    match error {
        pem::Error::NoItemsFound => format!("it holds no {due} in PEM"),
        _ => "it is no PEM file".to_owned(),
    }
}

/// Why TLS cannot be spoken with these files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidTls {
    /// The file that is wrong.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for InvalidTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot speak TLS with {}: {}", self.path.display(), self.what)
    }
}

impl std::error::Error for InvalidTls {}
