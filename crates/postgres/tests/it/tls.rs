//! Encrypted connections: only to a server that is who it says it is.

use incoming_leads_port::{ErrorKind, Registry};
use incoming_leads_postgres::Options;
use incoming_leads_testbed::{Error as Absent, Postgres as Server, Settings, in_ci};

#[tokio::test]
async fn encrypted_means_verified() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let settings = Settings::default().with_fsync(false).with_tls(&cert.pem(), &signing_key.serialize_pem());
    let server = match Server::start(&settings) {
        Err(Absent::Absent) if !in_ci() => return,
        started => started.unwrap(),
    };
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, cert.pem()).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let strangers = folder.path().join("strangers.pem");
    std::fs::write(&strangers, other.cert.pem()).unwrap();

    let by_name = server.tcp_url("postgres").replace("127.0.0.1", "localhost");
    let with = |address: &str, roots: &std::path::Path, mode: &str| {
        format!("{address}?sslmode={mode}&sslrootcert={}", roots.display())
    };
    for mode in ["require", "verify-full"] {
        let store = Options::default().open(&with(&by_name, &roots, mode)).await.unwrap();
        assert!(store.accounts().await.unwrap().is_empty());
    }
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'incoming-leads'";
    let store = Options::default().open(&with(&by_name, &roots, "require")).await.unwrap();
    assert_ne!(server.sql(encrypted).unwrap(), "0", "{store:?}");

    for address in
        [with(&by_name, &strangers, "require"), with(&server.tcp_url("postgres"), &roots, "require")]
    {
        let refused = Options::default().open(&address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
    }
    let nowhere = Options::default().open(&with(&by_name, &folder.path().join("none"), "require")).await;
    assert_eq!(nowhere.unwrap_err().kind(), ErrorKind::Invalid);
}
