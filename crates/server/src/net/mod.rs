//! The accept loop: connections, their number, their pace and their end.
//!
//! `axum::serve` has no time-out for a head that never ends and no bound on connections, so the loop is our own, on hyper.

mod paced;
mod slots;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::Limits;
use crate::body::Incoming;
use crate::shell::{Answer, HungUp};
use paced::{Pace, Paced, Watch};
use slots::{Slot, Slots};

/// What the owner of the loop wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Accept and answer.
    Serving,
    /// Accept nothing more, answer what is under way.
    Draining,
    /// End now.
    Ended,
}

/// How many refused connections are told so at a time; the others are just closed.
const REFUSALS: usize = 64;

/// The body of the answer to a connection too many.
const TOO_MANY: &str = r#"{"title":"Service Unavailable","type":"https://httpstatus.es/503","status":503,"detail":"too many connections"}"#;

/// Serves `answer` on `listener` until `stage` says otherwise; returns when the last connection is gone.
pub(crate) async fn serve<A, F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: Arc<Limits>,
    answer: A,
    mut stage: watch::Receiver<Stage>,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, HungUp>> + Send + 'static,
{
    let slots = Slots::new(limits.connections, limits.connections_per_peer);
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = no_longer(Stage::Serving, &mut stage) => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener) => {
                let (stream, peer) = accepted;
                match slots.take(peer.ip()) {
                    Some(slot) => {
                        let stage = stage.clone();
                        let tls = tls.clone();
                        connections.spawn(converse(stream, tls, slot, Arc::clone(&limits), answer.clone(), stage));
                    }
                    None => {
                        tracing::warn!(%peer, "a connection too many is refused");
                        // Whoever expects TLS would not understand.
                        if tls.is_none() && let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                            connections.spawn(async move {
                                refuse(stream).await;
                                drop(permit);
                            });
                        }
                    }
                }
            }
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = drained => {}
        () = tokio::time::sleep(limits.drain_time) => tracing::warn!("requests under way are cut off: the time to drain is over"),
        () = no_longer(Stage::Draining, &mut stage) => {}
    }
    connections.shutdown().await;
}

/// Waits until the stage is another one; the owner's end is the end.
async fn no_longer(past: Stage, stage: &mut watch::Receiver<Stage>) {
    let _ = stage.wait_for(|stage| *stage != past).await;
}

/// The next connection; an error (no file descriptor left, say) is waited out.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Whether an error of `accept` concerns only the connection that was about to be.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, from its first byte to its last. What TLS needs to begin counts to the time of the first head.
async fn converse<A, F>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    slot: Slot,
    limits: Arc<Limits>,
    answer: A,
    mut stage: watch::Receiver<Stage>,
) where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Answer, HungUp>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let pace = Pace::new();
    let mut late = pin!(Watch::new(Arc::clone(&pace), &limits));
    let stream = Paced::new(stream, Arc::clone(&pace), &limits);
    match tls {
        None => talk(stream, pace, late, &limits, answer, stage).await,
        Some(tls) => {
            let shaken = tokio::select! {
                biased;
                shaken = tls.accept(stream) => shaken,
                () = late.as_mut() => Err(io::ErrorKind::TimedOut.into()),
                () = no_longer(Stage::Serving, &mut stage) => return,
            };
            match shaken {
                Ok(stream) => talk(stream, pace, late, &limits, answer, stage).await,
                Err(error) => tracing::debug!(%error, "a connection is closed: TLS did not begin"),
            }
        }
    }
    drop(slot);
}

/// Requests and answers, until one side has enough.
async fn talk<S, A, F>(
    stream: S,
    pace: Arc<Pace>,
    mut late: Pin<&mut Watch>,
    limits: &Limits,
    answer: A,
    mut stage: watch::Receiver<Stage>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Answer, HungUp>> + Send + 'static,
{
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        pace.request_begins();
        let answered = answer(request.map(Incoming::Network));
        let pace = Arc::clone(&pace);
        async move {
            let answered = answered.await;
            match &answered {
                Ok(_) => pace.request_ends(),
                Err(HungUp::Closed) => {}
                Err(HungUp::Reset) => pace.is_to_be_reset(),
            }
            answered
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_headers(limits.headers)
            .max_header_size(limits.header_bytes + limits.uri_bytes)
            .max_buf_size((limits.header_bytes + limits.uri_bytes).max(8 << 10))
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut is_serving = true;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                break;
            }
            () = late.as_mut() => {
                tracing::debug!("a connection is closed: no request came in time");
                break;
            }
            () = no_longer(Stage::Serving, &mut stage), if is_serving => {
                is_serving = false;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Tells a connection too many that it is one, and closes it.
async fn refuse(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        paced::drain(&mut stream).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(paced::LINGER, told).await {
        tracing::debug!(%error, "a refused connection ended early");
    }
}
