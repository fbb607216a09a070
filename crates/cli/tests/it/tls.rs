//! `serve --tls-cert --tls-key`: clients that know only https.

use std::path::PathBuf;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Serving, finish, program, run};

/// A certificate for localhost and 127.0.0.1, its key, and the one that it was signed with.
fn files() -> (TempDir, [PathBuf; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Without a name of its own what it signs looks as if it had signed itself.
    params.distinguished_name.push(DnType::CommonName, "Root of a test");
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = CertificateParams::new(names).unwrap().signed_by(&key, &root).unwrap();
    let paths = ["cert.pem", "key.pem", "root.pem"].map(|name| folder.path().join(name));
    for (path, text) in paths.iter().zip([own.pem(), key.serialize_pem(), root.pem()]) {
        std::fs::write(path, text).unwrap();
    }
    (folder, paths)
}

#[test]
fn clients_that_know_only_https_are_served() {
    let (_folder, [cert, key, root]) = files();
    let [cert, key] = [&cert, &key].map(|path| path.to_str().unwrap());
    let mut demo = Serving::start(&["--demo", "--tls-cert", cert, "--tls-key", key]);
    let url = format!("https://{}", demo.addr);
    assert!(demo.invitation().contains(&format!("'{url}/api/v4/leads/unsorted")));
    // Our own client, which is reqwest; it trusts what the system trusts, which this variable says.
    let mut client = program(&["list", "--json", "--limit", "1", "--url", &url]);
    let (code, out, told) = finish(client.env("INCOMING_LEADS_TOKEN", "demo").env("SSL_CERT_FILE", &root));
    assert_eq!(code, Some(0), "{told}");
    assert!(serde_json::from_str::<Value>(out.lines().next().unwrap()).is_ok(), "{out}");
    let mut stranger = program(&["list", "--url", &url]);
    let (code, _, told) = finish(stranger.env("INCOMING_LEADS_TOKEN", "demo").env("SSL_CERT_FILE", cert));
    assert_ne!(code, Some(0), "a certificate that nobody signed is not trusted: {told}");
    if Command::new("curl").arg("--version").output().is_ok() {
        let link = format!("{url}/api/v4/leads/unsorted?limit=1");
        let mut curl = Command::new("curl");
        curl.args(["-sSg", "-H", "Authorization: Bearer demo", "--cacert"]).arg(&root).arg(&link);
        let (code, out, told) = finish(&mut curl);
        assert_eq!(code, Some(0), "{told}");
        let page: Value = serde_json::from_str(&out).unwrap();
        assert!(page["_links"]["next"]["href"].as_str().unwrap().starts_with(&url), "{page}");
    }
}

#[test]
fn files_that_are_wrong_end_the_start() {
    let (_folder, [cert, key, root]) = files();
    let [cert, key, root] = [&cert, &key, &root].map(|path| path.to_str().unwrap());
    let (code, _, told) = run(&["serve", "--demo", "--tls-cert", root, "--tls-key", key]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains(key) && told.contains("not the key of the certificate"), "{told}");
    assert!(!told.contains("PRIVATE KEY"), "{told}");
    let (code, _, told) = run(&["serve", "--demo", "--tls-cert", cert]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("--tls-key"), "{told}");
}
