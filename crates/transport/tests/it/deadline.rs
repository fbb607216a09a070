//! The end of a call that does not end by itself, and what is known of its request then.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use incoming_leads_transport::tokens::{Secret, TokenSource};
use incoming_leads_transport::{
    Arrival, Authorized, Deadline, LimitRule, Limited, MemoryLimiter, Request, Response, RetryPolicy,
    Retrying, SendError, SendErrorKind, SystemTime, Transport,
};

use crate::script::{Script, request, status};

/// Never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Transport for Silent {
    async fn send(&self, _: Request) -> Result<Response, SendError> {
        std::future::pending().await
    }
}

/// Never has a token.
#[derive(Debug)]
struct NoToken;

#[async_trait]
impl TokenSource for NoToken {
    async fn token(&self) -> Result<Secret, SendError> {
        std::future::pending().await
    }

    async fn renewed(&self, _: &Secret) -> Result<Option<Secret>, SendError> {
        Ok(None)
    }
}

async fn ends(transport: impl Transport) -> Arrival {
    let deadline = Deadline::new(transport, Duration::from_secs(10));
    let begun = tokio::time::Instant::now();
    let error = deadline.send(request(Method::POST)).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed()), (SendErrorKind::Timeout, Duration::from_secs(10)));
    assert!(error.to_string().contains("within 10 s"), "{error}");
    error.arrival()
}

/// One request an hour, and the first one gone.
async fn limited<T: Transport>(inner: T) -> Limited<T> {
    let mut rule = LimitRule::per_second(1);
    rule.per = Duration::from_secs(3600);
    let limited = Limited::new(inner, vec![Arc::new(MemoryLimiter::new(rule))], Arc::new(SystemTime));
    let first = tokio::time::timeout(Duration::from_millis(1), limited.send(request(Method::GET)));
    let _ = first.await;
    limited
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_may_have_arrived_and_what_waited_has_not() {
    assert_eq!(ends(Silent).await, Arrival::Perhaps);
    let retrying = Retrying::new(Silent, RetryPolicy::default(), Arc::new(SystemTime));
    assert_eq!(ends(retrying).await, Arrival::Perhaps);
    assert_eq!(ends(limited(Silent).await).await, Arrival::No, "it waited for its turn");
    assert_eq!(ends(Authorized::new(Silent, Arc::new(NoToken))).await, Arrival::No, "it waited for a token");
    let busy = || Script::of([(|| Ok(status(StatusCode::TOO_MANY_REQUESTS))) as fn() -> _]);
    let asked = Limited::new(busy(), vec![], Arc::new(SystemTime));
    let retrying = Retrying::new(asked, RetryPolicy::default().with_attempts(1000), Arc::new(SystemTime));
    assert_eq!(ends(retrying).await, Arrival::No, "it was refused, and waited to be sent again");
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_the_answer() {
    let script = Script::of([(|| Ok(status(StatusCode::OK))) as fn() -> _]);
    let answer = Deadline::new(script, Duration::from_secs(1)).send(request(Method::GET)).await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}
