//! What `tracing` is told of a request, and what it is not told.

use std::io::Write;
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use incoming_leads_transport::tokens::Secret;
use incoming_leads_transport::{
    Arrival, Authorized, Request, RetryPolicy, Retrying, RouteName, SendErrorKind, SimulatedTime, Traced,
    Transport,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::script::{Script, error, request, status};

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn secret_request() -> Request {
    let mut secret = request(Method::GET);
    *secret.uri_mut() = "https://me:s3cret@example.kommo.com/api/v4/leads?token=s3cret".parse().unwrap();
    secret.headers_mut().insert("x-api-key", "s3cret".parse().unwrap());
    *secret.body_mut() = b"s3cret".to_vec();
    secret.extensions_mut().insert(RouteName("/api/v4/leads".into()));
    secret
}

/// All that is told while a request is sent by this script.
async fn told(script: Script) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let authorized = Authorized::new(script, Arc::new(Secret::new("s3cret")));
    let retrying = Retrying::new(authorized, RetryPolicy::default(), Arc::new(SimulatedTime::default()));
    let _ = Traced::new(retrying).send(secret_request()).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    text
}

#[tokio::test]
async fn a_span_tells_method_route_status_attempts_and_outcome_and_no_secret() {
    let script = Script::of([
        (|| Ok(status(StatusCode::BAD_GATEWAY))) as fn() -> _,
        || Err(error(SendErrorKind::Broken, Arrival::Perhaps)),
        || Ok(status(StatusCode::OK)),
    ]);
    let text = told(script).await;
    let close = text.lines().find(|line| line.contains(" close ")).expect(&text);
    for part in ["method=GET", "route=\"/api/v4/leads\"", "status=200", "attempts=3", "outcome=\"answered\""]
    {
        assert!(close.contains(part), "{part}: {close}");
    }
    let lost = Script::of([(|| Err(error(SendErrorKind::TooLarge, Arrival::Perhaps))) as fn() -> _]);
    let text = told(lost).await;
    assert!(text.contains("attempts=1 outcome=\"unknown\""), "{text}");
    let unsent = Script::of([(|| Err(error(SendErrorKind::Blocked, Arrival::No))) as fn() -> _]);
    assert!(told(unsent).await.contains("outcome=\"not sent\""));
}
