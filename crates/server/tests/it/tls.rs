//! TLS: who speaks it is served, who does not costs little, and files that are wrong are named.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use incoming_leads_server::{Config, Limits, RegistryGate, Server, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::raw::Raw;
use crate::world::{ADMINISTRATOR, KOMMO, memory, request};

/// Files of a certificate for localhost, and what makes a client trust it.
struct Files {
    folder: TempDir,
    roots: RootCertStore,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Without a name of its own what it signs looks as if it had signed itself.
        params.distinguished_name.push(DnType::CommonName, "Root of a test");
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "leads.example".to_owned()];
        let own = CertificateParams::new(names).unwrap().signed_by(&key, &root).unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("cert.pem", own.pem() + &root.pem());
        write("key.pem", key.serialize_pem());
        write("other.pem", KeyPair::generate().unwrap().serialize_pem());
        write("text.pem", "no PEM at all".to_owned());
        write("broken.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n".to_owned());
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        Self { folder, roots }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn serve(&self, limits: Limits) -> Server {
        let mut config = Config::default();
        config.tls = Some(Tls::read(&self.path("cert.pem"), &self.path("key.pem")).unwrap());
        config.limits = limits;
        let registry = Arc::new(memory(&[KOMMO]).await);
        Server::start(config, Arc::new(RegistryGate::new(registry))).await.unwrap()
    }

    async fn connect(&self, server: &Server, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(self.roots.clone()).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("leads.example").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(server.addr()).await?).await
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>, target: &str, last: bool) -> String {
    let mut text = request(ADMINISTRATOR, "GET", target, "");
    if last {
        text = text.replace("Host:", "Connection: close\r\nHost:");
    }
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    if last {
        stream.read_to_end(&mut answer).await.unwrap();
    } else {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.unwrap();
        answer.extend(&some[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn links_begin_with_the_scheme_that_is_spoken() {
    let files = Files::new();
    let server = files.serve(Limits::default()).await;
    assert_eq!(server.url(), format!("https://{}", server.addr()));
    let mut stream = files.connect(&server, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    // Two requests on one connection, and an end that both sides agree on.
    assert!(ask(&mut stream, "/healthz", false).await.starts_with("HTTP/1.1 200"));
    let answer = ask(&mut stream, "/api/v4/account", true).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"https://leads.example/api/v4/account"), "{answer}");
    assert!(!answer.contains("http://"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_does_not_come_in() {
    let (files, others) = (Files::new(), Files::new());
    let server = files.serve(Limits::default()).await;
    assert!(others.connect(&server, &[]).await.is_err());
    assert!(files.connect(&server, &[b"h2"]).await.is_err(), "HTTP/2 is not spoken");
    assert!(files.connect(&server, &[]).await.is_ok(), "and nobody else is disturbed");
}

#[tokio::test]
async fn plain_requests_and_silence_end_in_time() {
    let files = Files::new();
    let limits = Limits { header_time: Duration::from_millis(300), connections: 2, ..Limits::default() };
    let server = files.serve(limits).await;
    let mut plain = Raw::open(server.addr()).await;
    plain.send(request(ADMINISTRATOR, "GET", "/healthz", "")).await;
    assert!(plain.answer().await.is_none(), "no answer that could be read as one");
    // Two who never begin have all connections, until their time is over.
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(server.addr()).await.unwrap());
    }
    for mut stream in silent {
        let mut some = [0; 64];
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut some)).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
    // One who has shaken hands owes a head in the same time.
    let mut idle = files.connect(&server, &[]).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(10), idle.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let mut stream = files.connect(&server, &[]).await.unwrap();
    assert!(ask(&mut stream, "/healthz", true).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_up_the_end() {
    let files = Files::new();
    let server = files.serve(Limits::default()).await;
    let _silent = TcpStream::connect(server.addr()).await.unwrap();
    let mut stream = files.connect(&server, &[]).await.unwrap();
    assert!(ask(&mut stream, "/healthz", false).await.starts_with("HTTP/1.1 200"));
    tokio::time::timeout(Duration::from_secs(5), server.stop()).await.expect("it ends at once");
}

#[test]
fn files_that_are_wrong_are_named() {
    let files = Files::new();
    #[track_caller]
    fn check(files: &Files, certificate: &str, key: &str, wrong: &str, what: &str) {
        let told = Tls::read(&files.path(certificate), &files.path(key)).unwrap_err();
        assert_eq!(told.path.file_name(), Path::new(wrong).file_name());
        assert!(told.what.contains(what), "{told}");
        assert!(told.to_string().starts_with("cannot speak TLS with "), "{told}");
    }
    check(&files, "none.pem", "key.pem", "none.pem", "No such file");
    check(&files, "cert.pem", "none.pem", "none.pem", "No such file");
    check(&files, "key.pem", "key.pem", "key.pem", "no certificate");
    check(&files, "text.pem", "key.pem", "text.pem", "no certificate");
    check(&files, "broken.pem", "key.pem", "broken.pem", "no PEM file");
    check(&files, "cert.pem", "cert.pem", "cert.pem", "no private key");
    check(&files, "cert.pem", "other.pem", "other.pem", "not the key of the certificate");
}
