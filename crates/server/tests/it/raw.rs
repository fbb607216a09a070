//! Requests byte by byte, answers as they come.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header, if it is there just once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => value,
            _ => panic!("{name} is there twice: {self:?}"),
        }
    }

    pub(crate) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or("")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {} {}", self.status, self.text()))
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Sends bytes; a server that has hung up already is no failure yet, its answer may be there.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// The next answer, or none when the server hangs up without one.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        tokio::time::timeout(PATIENCE, self.read_answer(false)).await.expect("the server hangs")
    }

    /// The next answer of a HEAD request.
    pub(crate) async fn head_answer(&mut self) -> Option<Answer> {
        tokio::time::timeout(PATIENCE, self.read_answer(true)).await.expect("the server hangs")
    }

    /// Whether the server hangs up now, without a further byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await;
        self.read.is_empty() && matches!(read.expect("the server keeps the connection open"), Ok(0) | Err(_))
    }

    /// How many bytes come before the server hangs up.
    pub(crate) async fn read_to_end(&mut self) -> usize {
        let rest = async { while self.more().await {} };
        tokio::time::timeout(PATIENCE, rest).await.expect("the server keeps the connection open");
        self.read.len()
    }

    /// Whatever comes before the server hangs up: the head as text, and the rest.
    pub(crate) async fn read_all(&mut self) -> (String, Vec<u8>) {
        self.read_to_end().await;
        let end = self.read.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let rest = self.read.split_off(end);
        (String::from_utf8(std::mem::take(&mut self.read)).unwrap(), rest)
    }

    /// Waits until so many bytes have come.
    pub(crate) async fn reads_at_least(&mut self, bytes: usize) {
        let enough = async {
            while self.read.len() < bytes {
                assert!(self.more().await, "the server hung up after {} bytes", self.read.len());
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.expect("the server hangs");
    }

    async fn read_answer(&mut self, is_head: bool) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        if status == 100 {
            return Box::pin(self.read_answer(is_head)).await;
        }
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let length = if is_head { 0 } else { length };
        while self.read.len() < length {
            assert!(self.more().await, "the body is cut short: {answer:?}");
        }
        answer.body = self.read.drain(..length).collect();
        Some(answer)
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(read) if read > 0)
    }
}

/// One request on a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Option<Answer> {
    let mut raw = Raw::open(address).await;
    raw.send(request).await;
    raw.answer().await
}

/// One request, by parts that a test may twist.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// With a body of JSON.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("Content-Type", "application/json")
    }

    /// With a header instead of the one that is there.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| *own != name);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: a\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let has_length =
            self.headers.iter().any(|(name, _)| *name == "Content-Length" || *name == "Transfer-Encoding");
        if !has_length && (!self.body.is_empty() || self.method != "GET") {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// With a further header of that name.
    pub(crate) fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }
}
