//! Retries: reads always, writes only when they surely took no effect.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use incoming_leads_transport::{
    Arrival, Response, RetryPolicy, Retrying, SendError, SendErrorKind, SimulatedTime, Time, Transport,
};

use crate::script::{Script, error, request, status, with};

type Answer = fn() -> Result<Response, SendError>;

const OK: Answer = || Ok(status(StatusCode::OK));

async fn sent(method: Method, answers: &[Answer]) -> (usize, Result<StatusCode, SendErrorKind>) {
    let script = Arc::new(Script::of(answers.iter().copied()));
    let time = Arc::new(SimulatedTime::default());
    let retrying = Retrying::new(script.clone(), RetryPolicy::default(), time);
    let answer = retrying.send(request(method)).await;
    (script.sent(), answer.map(|response| response.status()).map_err(|error| error.kind()))
}

#[tokio::test]
async fn reads_are_sent_again_whatever_passing_thing_went_wrong() {
    let passing: [Answer; 9] = [
        || Err(error(SendErrorKind::Connect, Arrival::No)),
        || Err(error(SendErrorKind::Timeout, Arrival::Perhaps)),
        || Err(error(SendErrorKind::Broken, Arrival::Perhaps)),
        || Err(error(SendErrorKind::Store, Arrival::No)),
        || Ok(status(StatusCode::TOO_MANY_REQUESTS)),
        || Ok(status(StatusCode::INTERNAL_SERVER_ERROR)),
        || Ok(status(StatusCode::BAD_GATEWAY)),
        || Ok(status(StatusCode::SERVICE_UNAVAILABLE)),
        || Ok(status(StatusCode::GATEWAY_TIMEOUT)),
    ];
    for (place, wrong) in passing.into_iter().enumerate() {
        assert_eq!(sent(Method::GET, &[wrong, OK]).await, (2, Ok(StatusCode::OK)), "case {place}");
    }
}

#[tokio::test]
async fn writes_are_sent_again_only_when_they_surely_took_no_effect() {
    let safe: [Answer; 2] =
        [|| Err(error(SendErrorKind::Connect, Arrival::No)), || Ok(status(StatusCode::TOO_MANY_REQUESTS))];
    for wrong in safe {
        assert_eq!(sent(Method::POST, &[wrong, OK]).await, (2, Ok(StatusCode::OK)));
    }
    let doubtful: [Answer; 5] = [
        || Err(error(SendErrorKind::Timeout, Arrival::Perhaps)),
        || Err(error(SendErrorKind::Broken, Arrival::Perhaps)),
        || Ok(status(StatusCode::INTERNAL_SERVER_ERROR)),
        || Ok(status(StatusCode::SERVICE_UNAVAILABLE)),
        || Ok(status(StatusCode::GATEWAY_TIMEOUT)),
    ];
    for wrong in doubtful {
        for method in [Method::POST, Method::DELETE] {
            assert_eq!(sent(method, &[wrong, OK]).await.0, 1);
        }
    }
}

#[tokio::test]
async fn what_will_not_pass_is_told_at_once() {
    let lasting: [Answer; 5] = [
        || Err(error(SendErrorKind::Blocked, Arrival::No)),
        || Err(error(SendErrorKind::Unauthorized, Arrival::No)),
        || Err(error(SendErrorKind::TooLarge, Arrival::Perhaps)),
        || Ok(status(StatusCode::BAD_REQUEST)),
        || Ok(status(StatusCode::NOT_FOUND)),
    ];
    for wrong in lasting {
        assert_eq!(sent(Method::GET, &[wrong, OK]).await.0, 1);
    }
}

#[tokio::test]
async fn attempts_end_and_the_last_answer_is_told() {
    let unavailable: Answer = || Ok(status(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(sent(Method::GET, &[unavailable]).await, (4, Ok(StatusCode::SERVICE_UNAVAILABLE)));
}

#[tokio::test]
async fn no_attempt_begins_after_the_deadline() {
    let script = Arc::new(Script::of([(|| Ok(with(429, "retry-after", "20"))) as Answer]));
    let time = Arc::new(SimulatedTime::default());
    let policy = RetryPolicy::default().with_attempts(100);
    Retrying::new(script.clone(), policy, time.clone()).send(request(Method::GET)).await.unwrap();
    assert_eq!((script.sent(), time.now()), (2, Duration::from_secs(20)));
}

#[tokio::test]
async fn pauses_grow_and_stay_within_their_bounds() {
    let time = Arc::new(SimulatedTime::default());
    let script = Script::of([(|| Err(error(SendErrorKind::Connect, Arrival::No))) as Answer]);
    let policy = RetryPolicy::default().with_attempts(7).with_deadline(Duration::from_secs(1_000));
    Retrying::new(script, policy, time.clone()).send(request(Method::GET)).await.unwrap_err();
    // 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 seconds, each cut to 50..100 %.
    assert!((5.6..=11.2).contains(&time.now().as_secs_f64()), "{:?}", time.now());
}
