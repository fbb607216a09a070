//! Servers that do not keep to HTTP, or not to their own words.

use std::time::{Duration, Instant};

use incoming_leads_http_v4::{BuildError, HttpV4, Reconciliation};
use incoming_leads_model::{Accept, ListQuery, Uid};
use incoming_leads_port::{ErrorKind, IncomingLeads, Outcome};
use incoming_leads_transport::{Reqwest, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that does this to every connection, once the request has come.
async fn server<F: Future<Output = ()> + Send + 'static>(answer: fn(TcpStream) -> F) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                answer(stream).await;
            });
        }
    });
    url
}

fn leads(url: &str) -> HttpV4 {
    let network =
        Reqwest::builder().with_request_timeout(Duration::from_secs(2)).with_max_response_bytes(1 << 20);
    let builder = HttpV4::builder(url).with_token("secret").with_network(network);
    let builder = builder.with_retries(RetryPolicy::default().with_attempts(1));
    builder.with_reconciliation(Reconciliation::OFF).build().unwrap()
}

/// A read and a write end within their time, as an error of this kind.
async fn ends(url: &str, kind: ErrorKind, of_writes: Outcome) {
    let begun = Instant::now();
    let leads = leads(url);
    let error = leads.list(&ListQuery::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotApplied), "{error:?}");
    let uid = Uid::new("5af9dedb").unwrap();
    let error = leads.accept(&uid, &Accept::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (kind, of_writes), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn an_endless_body_ends_at_its_bound() {
    let url = server(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\n\r\n";
        let _ = stream.write_all(head).await;
        while stream.write_all(&[b' '; 65536]).await.is_ok() {}
    });
    ends(&url.await, ErrorKind::Unexpected, Outcome::Unknown).await;
}

#[tokio::test]
async fn a_hundred_megabytes_end_at_the_bound() {
    let url = server(|mut stream| async move {
        let head =
            b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: 104857600\r\n\r\n[";
        let _ = stream.write_all(head).await;
        while stream.write_all(&[b'['; 65536]).await.is_ok() {}
    });
    ends(&url.await, ErrorKind::Unexpected, Outcome::Unknown).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_in_time() {
    let url = server(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    });
    ends(&url.await, ErrorKind::Timeout, Outcome::Unknown).await;
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_ends_in_time() {
    let url = server(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: 1000\r\n\r\n{";
        let _ = stream.write_all(head).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    });
    ends(&url.await, ErrorKind::Timeout, Outcome::Unknown).await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_unavailable() {
    let url = server(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/hal+json\r\nContent-Length: 1000\r\n\r\n{";
        let _ = stream.write_all(head).await;
    });
    ends(&url.await, ErrorKind::Unavailable, Outcome::Unknown).await;
    let url = server(|stream| async move { drop(stream) });
    ends(&url.await, ErrorKind::Unavailable, Outcome::Unknown).await;
    let url = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n").await;
    });
    ends(&url.await, ErrorKind::Unavailable, Outcome::Unknown).await;
}

#[tokio::test]
async fn what_was_never_sent_was_not_applied() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    ends(&url, ErrorKind::Unavailable, Outcome::NotApplied).await;
}

#[test]
fn what_is_not_set_up_well_is_told() {
    let built = |url: &str| HttpV4::builder(url).with_token("x").build();
    assert!(matches!(built("example.kommo.com"), Err(BuildError::BaseUrl(_))));
    assert!(matches!(built("https://example.kommo.com/api/v4"), Err(BuildError::BaseUrl(_))));
    assert!(matches!(HttpV4::builder("https://example.kommo.com").build(), Err(BuildError::NoToken)));
    assert!(built("https://example.kommo.com/").is_ok());
}
