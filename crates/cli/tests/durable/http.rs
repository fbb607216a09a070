//! A client that knows what it does not know: requests on one connection, and whether they may have arrived.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, which is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    token: String,
    stream: Option<TcpStream>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was answered.
    Told(Answer),
    /// Nothing was sent.
    NotSent,
    /// It was sent, at least in part, and no whole answer came.
    Lost,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: bool,
    pub(crate) text: String,
}

impl Answer {
    /// The body; null where it is empty or no JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        Self { address, token: token.to_owned(), stream: None }
    }

    /// The answer to a request which must be answered.
    #[track_caller]
    pub(crate) fn must(&mut self, method: &str, target: &str, body: &str) -> Answer {
        match self.call(method, target, body) {
            Reply::Told(answer) => answer,
            other => panic!("{method} {target}: {other:?}"),
        }
    }

    pub(crate) fn call(&mut self, method: &str, target: &str, body: &str) -> Reply {
        let stream = match self.stream.take() {
            Some(stream) => Ok(stream),
            None => TcpStream::connect(self.address),
        };
        let Ok(mut stream) = stream else { return Reply::NotSent };
        match exchange(&mut stream, &self.request(method, target, body)) {
            Ok((answer, keep)) => {
                self.stream = keep.then_some(stream);
                Reply::Told(answer)
            }
            Err(_) => Reply::Lost,
        }
    }

    fn request(&self, method: &str, target: &str, body: &str) -> Vec<u8> {
        let Self { address, token, stream: _ } = self;
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        let length = body.len();
        format!(
            "{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{kind}content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// Sends a request and reads its answer; whether the connection may be used again.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<(Answer, bool)> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    let mut head = None;
    loop {
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..read]);
        if head.is_none() {
            head = Head::of(&bytes);
        }
        if let Some(Head { status, retry_after, keep, from, to }) = head
            && bytes.len() >= to
        {
            let text = String::from_utf8_lossy(&bytes[from..to]).into_owned();
            return Ok((Answer { status, retry_after, text }, keep));
        }
    }
}

#[derive(Clone, Copy)]
struct Head {
    status: u16,
    retry_after: bool,
    keep: bool,
    /// Where the body is.
    from: usize,
    to: usize,
}

impl Head {
    /// Of an answer whose head is there as a whole.
    fn of(bytes: &[u8]) -> Option<Self> {
        let from = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..from]).to_ascii_lowercase();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            retry_after: field("retry-after:").is_some(),
            keep: field("connection:") != Some("close"),
            from,
            to: from + field("content-length:").map_or(0, |length| length.parse().unwrap_or(0)),
        })
    }
}
