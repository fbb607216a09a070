//! Bodies: of requests, from the network or ready; of answers, whole or as a fault wants them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::StatusCode;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::Limits;
use crate::failure::Failure;

/// What breaks while a body is read.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// As it comes over a connection.
    Network(hyper::body::Incoming),
    /// As it was handed over in this process.
    Ready(Full<Bytes>),
}

impl Incoming {
    /// All of it, within its size and its time.
    pub(crate) async fn read(self, limits: &Limits) -> Result<Bytes, Failure> {
        let read = Limited::new(self, limits.body_bytes).collect();
        match tokio::time::timeout(limits.body_time, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long"))
            }
            Ok(Err(_)) => Err(Failure::new(
                StatusCode::BAD_REQUEST,
                "the body is cut short or its chunks are malformed",
            )),
            Err(_late) => Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Network(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Ready(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Network(body) => body.is_end_stream(),
            Self::Ready(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Network(body) => body.size_hint(),
            Self::Ready(body) => body.size_hint(),
        }
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// As it was made.
    Whole(Full<Bytes>),
    /// The first half of what is announced; then the connection ends.
    Cut { half: Option<Bytes>, announced: u64, is_flushed: bool },
    /// Blanks, so many, or without an end.
    Blanks { left: Option<u64> },
}

/// How many blanks go out at once.
const BLANKS: Bytes = Bytes::from_static(&[b' '; 32 << 10]);

impl Outgoing {
    /// Half of these bytes, while all of them are announced.
    pub(crate) fn cut(whole: &Bytes) -> Self {
        let half = Some(whole.slice(..whole.len() / 2));
        Self::Cut { half, announced: whole.len() as u64, is_flushed: false }
    }

    /// What was made, if it goes out as it was made.
    pub(crate) fn whole(self) -> Option<Full<Bytes>> {
        match self {
            Self::Whole(body) => Some(body),
            Self::Cut { .. } | Self::Blanks { .. } => None,
        }
    }
}

impl From<Bytes> for Outgoing {
    fn from(body: Bytes) -> Self {
        Self::Whole(body.into())
    }
}

impl From<Vec<u8>> for Outgoing {
    fn from(body: Vec<u8>) -> Self {
        Self::Whole(body.into())
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Cut { half, is_flushed, .. } => match half.take().filter(|half| !half.is_empty()) {
                Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
                // What went before reaches the peer first: hyper flushes whenever a body makes it wait.
                None if !std::mem::replace(is_flushed, true) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Some(Err(io::Error::other("a fault cuts this answer")))),
            },
            Self::Blanks { left: Some(0) } => Poll::Ready(None),
            Self::Blanks { left } => {
                let most = BLANKS.len() as u64;
                let now = left.map_or(most, |left| left.min(most));
                *left = left.map(|left| left - now);
                Poll::Ready(Some(Ok(Frame::data(BLANKS.slice(..now as usize)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Cut { .. } => false,
            Self::Blanks { left } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Cut { announced, .. } => SizeHint::with_exact(*announced),
            Self::Blanks { left } => left.map_or_else(SizeHint::new, SizeHint::with_exact),
        }
    }
}
