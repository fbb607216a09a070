//! A stream whose peer must keep pace: with its head, between two requests, and when it reads an answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::Limits;

/// How long a connection that we close is still read, so that the peer sees the answer before the reset.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// How much is read and thrown away meanwhile.
const LINGER_BYTES: usize = 4 << 20;

/// What the peer owes us: shared by the stream, the service and the watch of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    /// The lowest two bits say what is owed, the others count the requests, so that two idle times are two states.
    owed: AtomicU64,
    /// Whether the connection ends with a reset.
    is_reset: AtomicBool,
}

/// A request, or nothing, since the last answer.
const IDLE: u64 = 0;
/// The rest of a head.
const HEAD: u64 = 1;
/// Nothing: we owe an answer (the body has a time-out of its own).
const BUSY: u64 = 2;

const OWED: u64 = 3;

impl Pace {
    /// A new connection owes its first request.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { owed: AtomicU64::new(HEAD), is_reset: AtomicBool::new(false) })
    }

    pub(super) fn request_begins(&self) {
        self.becomes(BUSY);
    }

    pub(super) fn request_ends(&self) {
        self.owed.store((self.owed.load(Ordering::Relaxed) | OWED) + 1, Ordering::Relaxed);
    }

    pub(super) fn is_to_be_reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        if self.owed.load(Ordering::Relaxed) & OWED == IDLE {
            self.becomes(HEAD);
        }
    }

    fn becomes(&self, owed: u64) {
        self.owed.store(self.owed.load(Ordering::Relaxed) & !OWED | owed, Ordering::Relaxed);
    }
}

/// Ends when the peer has not sent a head in time. To be polled in the task of the connection, after it: then every change
/// of the pace is seen.
#[derive(Debug)]
pub(super) struct Watch {
    pace: Arc<Pace>,
    header_time: Duration,
    idle_time: Duration,
    timer: Pin<Box<Sleep>>,
    set_for: u64,
}

impl Watch {
    pub(super) fn new(pace: Arc<Pace>, limits: &Limits) -> Self {
        Self {
            pace,
            header_time: limits.header_time,
            // It begins when the answer is made, so it must not end before the answer is read.
            idle_time: limits.idle_time.max(limits.write_time),
            timer: Box::pin(tokio::time::sleep(limits.header_time)),
            set_for: HEAD,
        }
    }
}

impl Future for Watch {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = self.pace.owed.load(Ordering::Relaxed);
        let time = match now & OWED {
            HEAD => self.header_time,
            IDLE => self.idle_time,
            _ => return Poll::Pending,
        };
        if self.set_for != now {
            self.set_for = now;
            self.timer.as_mut().reset(Instant::now() + time);
        }
        self.timer.as_mut().poll(cx)
    }
}

/// A stream with deadlines.
#[derive(Debug)]
pub(super) struct Paced {
    stream: TcpStream,
    pace: Arc<Pace>,
    write_time: Duration,
    /// Runs from the first write that had to wait to the end of the answer.
    write_timer: Option<Pin<Box<Sleep>>>,
    at_end: bool,
    linger: Option<Linger>,
}

#[derive(Debug)]
struct Linger {
    timer: Pin<Box<Sleep>>,
    left: usize,
}

impl Paced {
    pub(super) fn new(stream: TcpStream, pace: Arc<Pace>, limits: &Limits) -> Self {
        Self { stream, pace, write_time: limits.write_time, write_timer: None, at_end: false, linger: None }
    }

    fn poll_late_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let time = self.write_time;
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not read the answer in time")))
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        if self.pace.is_reset.load(Ordering::Relaxed)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "cannot reset a connection");
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() == before {
            self.at_end = true;
        } else {
            self.pace.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => self.poll_late_write(cx),
            written => written,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bytes) {
            Poll::Pending => self.poll_late_write(cx),
            written => written,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has handed over all of an answer.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write_timer = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends our side, then reads on for a moment: closing with unread bytes resets the connection,
    /// and a reset takes the answer (413, 431) from a peer that is still sending.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let linger = match &mut this.linger {
            Some(linger) => linger,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                let timer = Box::pin(tokio::time::sleep(LINGER));
                this.linger.insert(Linger { timer, left: if this.at_end { 0 } else { LINGER_BYTES } })
            }
        };
        let mut scratch = [0; 8 << 10];
        while linger.left > 0 {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    linger.left = linger.left.saturating_sub(buffer.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(linger.timer.as_mut().poll(cx));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads a bounded rest and throws it away.
pub(super) async fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let mut scratch = [0; 4 << 10];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match stream.read(&mut scratch).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
