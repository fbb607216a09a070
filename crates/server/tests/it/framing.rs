//! Requests that are wrong as HTTP, peers that do not keep pace, connections too many, and the end of the server.

use std::time::{Duration, Instant};

use incoming_leads_server::{Config, Limits, Server};

use crate::raw::{Raw, exchange};

/// A server that answers everything, so that only the HTTP layer can refuse.
async fn constant(limits: Limits) -> Server {
    constant_of(limits, b"[\"hello\"]".to_vec()).await
}

async fn constant_of(limits: Limits, body: Vec<u8>) -> Server {
    let mut config = Config::default();
    config.limits = limits;
    Server::start_constant(config, "application/hal+json".parse().unwrap(), body).await.unwrap()
}

const HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\n";
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What a request is answered; 0 is a connection that is closed without a word. `true` = the connection is closed afterwards.
async fn check(request: String, status: u16, closed: bool) {
    let server = constant(Limits::default()).await;
    let mut raw = Raw::open(server.addr()).await;
    let shown = request.get(..80).unwrap_or(&request).to_owned();
    raw.send(&request).await;
    let begun = Instant::now();
    let answer = raw.answer().await;
    assert_eq!(answer.as_ref().map_or(0, |answer| answer.status), status, "{shown:?} {answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{shown:?} is not answered at once");
    if closed {
        assert!(raw.is_closed().await, "{shown:?}");
    } else {
        raw.send(REQUEST).await;
        assert_eq!(raw.answer().await.map(|answer| answer.status), Some(200), "after {shown:?}");
    }
    assert_eq!(exchange(server.addr(), REQUEST).await.map(|answer| answer.status), Some(200));
}

#[tokio::test]
async fn a_length_that_is_none_is_refused() {
    for length in ["+4", "-1", "", "x", "0x4", "1, 1", "18446744073709551616"] {
        check(format!("{HEAD}Content-Length: {length}\r\n\r\nxxxx"), 400, true).await;
    }
    check(format!("{HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400, true).await;
}

#[tokio::test]
async fn a_huge_length_is_refused_at_once() {
    check(format!("{HEAD}Content-Length: 9223372036854775808\r\n\r\nxxxx"), 413, true).await;
    check(format!("{HEAD}Content-Length: 1048577\r\n\r\nxxxx"), 413, true).await;
    check(format!("{HEAD}Content-Length: 18446744073709551615\r\n\r\nxxxx"), 431, true).await;
}

/// Chunked holds, as RFC 9112 says, and nothing that follows is taken for a request.
#[tokio::test]
async fn a_length_beside_chunks_ends_the_connection() {
    for lengths in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        check(format!("POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\n0\r\n\r\n{REQUEST}"), 200, true).await;
    }
}

#[tokio::test]
async fn an_encoding_that_does_not_end_in_chunks_is_refused() {
    for encoding in ["xchunked", "chunked, identity", "identity", "gzip"] {
        check(format!("{HEAD}Transfer-Encoding: {encoding}\r\n\r\nxxxx"), 400, true).await;
    }
    check("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400, true)
        .await;
}

#[tokio::test]
async fn a_malformed_head_is_refused() {
    for line in ["A : b", "A: b\r\n c", "A: b\0c", "A: b\rc", ": b", "A"] {
        check(format!("{HEAD}{line}\r\n\r\n"), 400, true).await;
    }
    for line in ["GET / HTTP/1.2", "GET /", "GET / / HTTP/1.1", "G(T / HTTP/1.1", "GET HTTP/1.1"] {
        check(format!("{line}\r\nHost: a\r\n\r\n"), 400, true).await;
    }
}

#[tokio::test]
async fn exactly_one_host_is_due() {
    check("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, true).await;
    check(format!("{HEAD}Host: a\r\n\r\n"), 400, true).await;
    for host in ["", "a b", "a/b", "a@b", "a:99999", "\u{e4}"] {
        check(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400, true).await;
    }
    check("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 200, false).await;
    check("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 400, true).await;
}

#[tokio::test]
async fn a_head_too_large_is_refused() {
    let big = "x".repeat(70_000);
    check(format!("{HEAD}{}\r\n", "A: b\r\n".repeat(100)), 431, true).await;
    check(format!("{HEAD}{}\r\n", "A: b\r\n".repeat(99)), 200, false).await;
    check(format!("{HEAD}A: {}\r\n\r\n", &big[..32_768]), 431, true).await;
    check(format!("{HEAD}A: {big}\r\n\r\n"), 431, true).await;
    check(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", &big[..8191]), 200, false).await;
    check(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", &big[..8192]), 414, true).await;
    check(format!("GET /{big} HTTP/1.1\r\nHost: a\r\n\r\n"), 431, true).await;
}

#[tokio::test]
async fn compressed_bodies_are_refused() {
    for encoding in ["gzip", "br", "zstd", "identity, gzip"] {
        check(format!("{HEAD}Content-Encoding: {encoding}\r\nContent-Length: 1\r\n\r\nx"), 415, true).await;
    }
    check(format!("{HEAD}Content-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"), 200, false).await;
}

#[tokio::test]
async fn other_protocols_are_not_left_hanging() {
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_owned(), 0, true).await;
    check("\x16\x03\x01\x02\0\x01\0\x01\x03\x03 a hello of TLS".to_owned(), 400, true).await;
}

#[tokio::test]
async fn a_continuation_without_a_body_is_not_waited_for() {
    check(format!("{HEAD}Expect: 100-continue\r\n\r\n"), 200, false).await;
}

#[tokio::test]
async fn a_thousand_requests_in_a_row_are_answered() {
    let server = constant(Limits::default()).await;
    let mut raw = Raw::open(server.addr()).await;
    raw.send(REQUEST.repeat(1000)).await;
    for _ in 0..1000 {
        assert_eq!(raw.answer().await.map(|answer| answer.status), Some(200));
    }
}

#[tokio::test]
async fn a_peer_that_still_sends_sees_the_refusal() {
    let server = constant(Limits::default()).await;
    let mut raw = Raw::open(server.addr()).await;
    raw.send(format!("{HEAD}Content-Length: 2000000\r\n\r\n{}", "x".repeat(2_000_000))).await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(413));
}

fn hasty() -> Limits {
    let soon = Duration::from_millis(500);
    Limits { header_time: soon, idle_time: 2 * soon, write_time: soon, drain_time: soon, ..Limits::default() }
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let server = constant(hasty()).await;
    let mut raw = Raw::open(server.addr()).await;
    let begun = Instant::now();
    raw.send(HEAD).await;
    for _ in 0..100 {
        raw.send("A: b\r\n").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if begun.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    assert!(raw.is_closed().await);
    let mut silent = Raw::open(server.addr()).await;
    assert!(silent.is_closed().await);
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_a_slow_head() {
    let server = constant(hasty()).await;
    let mut raw = Raw::open(server.addr()).await;
    raw.send(REQUEST).await;
    assert!(raw.answer().await.is_some());
    tokio::time::sleep(Duration::from_millis(650)).await;
    raw.send(REQUEST).await;
    assert!(raw.answer().await.is_some(), "closed before its time");
    let begun = Instant::now();
    assert!(raw.is_closed().await);
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    let mut slow = Raw::open(server.addr()).await;
    slow.send(REQUEST).await;
    assert!(slow.answer().await.is_some());
    slow.send("GET").await;
    let begun = Instant::now();
    assert!(slow.is_closed().await);
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let body = 64 << 20;
    let server = constant_of(hasty(), vec![b'x'; body]).await;
    let mut raw = Raw::open(server.addr()).await;
    raw.send(REQUEST).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(raw.read_to_end().await < body, "the server waited");
}

#[tokio::test]
async fn each_answer_has_the_whole_time_to_be_read() {
    let body = 24 << 20;
    let limits = Limits { write_time: Duration::from_secs(2), ..Limits::default() };
    let server = constant_of(limits, vec![b'x'; body]).await;
    let mut raw = Raw::open(server.addr()).await;
    for _ in 0..3 {
        raw.send(REQUEST).await;
        tokio::time::sleep(Duration::from_millis(800)).await;
        assert_eq!(raw.answer().await.map(|answer| answer.body.len()), Some(body));
    }
}

#[tokio::test]
async fn connections_too_many_are_told_so() {
    let server = constant(Limits { connections_per_peer: 2, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::open(server.addr()).await;
        raw.send(REQUEST).await;
        assert_eq!(raw.answer().await.map(|answer| answer.status), Some(200));
        held.push(raw);
    }
    let refused = exchange(server.addr(), REQUEST).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.content_type(), "application/problem+json");
    assert_eq!(refused.json()["status"], 503);
    drop(held);
    let begun = Instant::now();
    while exchange(server.addr(), REQUEST).await.map(|answer| answer.status) != Some(200) {
        assert!(begun.elapsed() < Duration::from_secs(5), "the places are not given back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let server = constant(Limits::default()).await;
    let mut ids = std::collections::HashSet::new();
    for request in [REQUEST, REQUEST, "GET / HTTP/1.1\r\n\r\n"] {
        let answer = exchange(server.addr(), request).await.unwrap();
        ids.insert(answer.header("x-request-id").unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let server = constant(Limits::default()).await;
    let address = server.addr();
    let mut raw = Raw::open(address).await;
    raw.send(REQUEST).await;
    assert!(raw.answer().await.is_some());
    drop(server);
    assert!(raw.is_closed().await);
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
