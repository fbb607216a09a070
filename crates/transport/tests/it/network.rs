//! The network, over real sockets.

use std::time::Duration;

use http::Method;
use incoming_leads_transport::{Arrival, Request, Reqwest, SendErrorKind, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one connection with these bytes, after it has read the request, and closes it; without any, it keeps silent.
async fn answering(bytes: &'static [u8]) -> Request {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await;
        if bytes.is_empty() {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let _ = socket.write_all(bytes).await;
    });
    to(address.port())
}

fn to(port: u16) -> Request {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("http://127.0.0.1:{port}/api/v4/leads").parse().unwrap();
    request
}

fn network() -> Reqwest {
    let builder =
        Reqwest::builder().with_request_timeout(Duration::from_millis(500)).with_user_agent("test/1");
    builder.with_connect_timeout(Duration::from_millis(500)).with_max_response_bytes(1_000).build().unwrap()
}

async fn failure(request: Request) -> (SendErrorKind, Arrival) {
    let error = network().send(request).await.unwrap_err();
    (error.kind(), error.arrival())
}

#[tokio::test]
async fn an_answer_comes_whole_with_its_headers() {
    let request = answering(b"HTTP/1.1 429 Slow\r\nretry-after: 3\r\ncontent-length: 2\r\n\r\nno").await;
    let response = network().send(request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (429, &b"no"[..]));
    assert_eq!(response.headers()["retry-after"], "3");
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let request =
        answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(network().send(request).await.unwrap().status(), 302);
}

#[tokio::test]
async fn a_refused_connection_surely_did_not_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(failure(to(port)).await, (SendErrorKind::Connect, Arrival::No));
}

#[tokio::test]
async fn what_breaks_after_sending_may_have_arrived() {
    let cut = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf").await;
    assert_eq!(failure(cut).await, (SendErrorKind::Broken, Arrival::Perhaps));
    let garbage = answering(b"what is this\r\n\r\n").await;
    assert_eq!(failure(garbage).await, (SendErrorKind::Broken, Arrival::Perhaps));
    let silent = answering(b"").await;
    assert_eq!(failure(silent).await, (SendErrorKind::Timeout, Arrival::Perhaps));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_taken() {
    let large = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await;
    assert_eq!(failure(large).await.1, Arrival::Perhaps);
    let body: &'static [u8] = {
        let mut body = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        body.extend([b'x'; 2_000]);
        body.leak()
    };
    assert_eq!(failure(answering(body).await).await, (SendErrorKind::TooLarge, Arrival::Perhaps));
}

#[tokio::test]
async fn an_address_without_a_host_is_no_request() {
    let mut request = to(1);
    *request.uri_mut() = "/api/v4/leads".parse().unwrap();
    assert_eq!(failure(request).await, (SendErrorKind::Request, Arrival::No));
}
