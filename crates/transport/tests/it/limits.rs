//! Limits: never more than so many in any second, pauses, blocks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};
use incoming_leads_transport::{
    Arrival, FileLimiter, LimitRule, Limited, Limiter, MemoryLimiter, SendErrorKind, SimulatedTime, Time,
    Transport,
};

use crate::script::{Script, request, status, with};

const START: Duration = Duration::from_secs(1_700_000_000);
const SECOND: Duration = Duration::from_secs(1);

/// Takes turns at once, and every now and then after a while, and says when each was.
async fn turns(limiters: &[&dyn Limiter], count: usize) -> Vec<Duration> {
    let mut now = START;
    let mut turns = Vec::new();
    for number in 0..count {
        if number % 97 == 0 {
            now += Duration::from_millis(370);
        }
        turns.push(now + limiters[number % limiters.len()].turn(now).await.unwrap());
    }
    turns
}

fn most_in_any_second(turns: &[Duration]) -> usize {
    let in_second =
        |from: &Duration| turns.iter().filter(|turn| *from <= **turn && **turn < *from + SECOND).count();
    turns.iter().map(in_second).max().unwrap_or(0)
}

#[tokio::test]
async fn never_more_than_the_limit_in_any_second_and_no_slower() {
    for limit in [1, 7, 50] {
        let limiter = MemoryLimiter::new(LimitRule::per_second(limit));
        let turns = turns(&[&limiter], 1_000).await;
        assert_eq!(most_in_any_second(&turns), limit as usize);
        assert!(turns.is_sorted());
        let took = (*turns.last().unwrap() - START).as_secs_f64();
        assert!(took <= 1_000.0 / f64::from(limit) + 5.0, "{limit} a second took {took} s");
    }
}

#[tokio::test]
async fn processes_that_share_a_file_share_its_limit() {
    let folder = folder("limit");
    let shared = || FileLimiter::new(LimitRule::per_second(7), folder.join("limit"));
    let (one, two) = (shared(), shared());
    let turns = turns(&[&one, &two], 200).await;
    assert_eq!(most_in_any_second(&turns), 7);
    one.hold_until(START + Duration::from_secs(3_000)).await.unwrap();
    assert_eq!(two.turn(START + Duration::from_secs(100)).await.unwrap(), Duration::from_secs(2_900));
}

#[tokio::test]
async fn a_clock_that_steps_back_far_does_not_stop_everything() {
    let limiter = MemoryLimiter::new(LimitRule::INTEGRATION);
    limiter.turn(START + Duration::from_secs(1_000_000)).await.unwrap();
    assert_eq!(limiter.turn(START).await.unwrap(), Duration::ZERO);
}

#[tokio::test]
async fn a_file_that_holds_nonsense_begins_anew_and_an_impossible_one_is_an_error() {
    let folder = folder("nonsense");
    let path = folder.join("limit");
    std::fs::write(&path, "what\nis this\n").unwrap();
    let limiter = FileLimiter::new(LimitRule::INTEGRATION, &path);
    assert_eq!(limiter.turn(START).await.unwrap(), Duration::ZERO);
    FileLimiter::new(LimitRule::INTEGRATION, folder.join("no/such/folder")).turn(START).await.unwrap_err();
}

fn limited(script: Script, time: &Arc<SimulatedTime>) -> (Limited<Arc<Script>>, Arc<Script>) {
    let script = Arc::new(script);
    let limiter: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(LimitRule::INTEGRATION));
    (Limited::new(script.clone(), vec![limiter], time.clone()), script)
}

#[tokio::test]
async fn requests_leave_at_the_limited_rate_on_the_injected_clock() {
    let time = Arc::new(SimulatedTime::starting_at(START));
    let moments = Arc::new(Mutex::new(Vec::new()));
    let (clock, seen) = (time.clone(), moments.clone());
    let (limited, _) = limited(
        Script::new(move |_| {
            seen.lock().unwrap().push(clock.now());
            Ok(status(StatusCode::OK))
        }),
        &time,
    );
    for _ in 0..70 {
        limited.send(request(Method::GET)).await.unwrap();
    }
    let moments = moments.lock().unwrap();
    assert_eq!(most_in_any_second(&moments), 7);
    assert_eq!(*moments.last().unwrap(), START + SECOND * 9);
}

#[tokio::test]
async fn a_429_holds_everybody_as_long_as_it_says() {
    for (header, pause) in [("3", 3), ("nonsense", 1), ("1000000", 3_600)] {
        let time = Arc::new(SimulatedTime::starting_at(START));
        let mut answers = vec![with(429, "retry-after", header)];
        let (limited, _) =
            limited(Script::new(move |_| Ok(answers.pop().unwrap_or(status(StatusCode::OK)))), &time);
        assert_eq!(limited.send(request(Method::GET)).await.unwrap().status(), 429);
        limited.send(request(Method::GET)).await.unwrap();
        assert_eq!(time.now(), START + Duration::from_secs(pause), "{header}");
    }
}

#[tokio::test]
async fn a_block_is_told_at_once_and_nothing_is_sent_until_it_is_over() {
    let time = Arc::new(SimulatedTime::starting_at(START));
    let mut answers = vec![with(403, "content-type", "text/html")];
    let (limited, script) =
        limited(Script::new(move |_| Ok(answers.pop().unwrap_or(status(StatusCode::OK)))), &time);
    assert_eq!(limited.send(request(Method::GET)).await.unwrap().status(), 403);
    for _ in 0..5 {
        let error = limited.send(request(Method::POST)).await.unwrap_err();
        assert_eq!((error.kind(), error.arrival()), (SendErrorKind::Blocked, Arrival::No));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    }
    assert_eq!(script.sent(), 1, "nothing is sent while blocked");
    time.sleep(Duration::from_secs(60)).await;
    assert_eq!(limited.send(request(Method::GET)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_missing_right_is_no_block() {
    let time = Arc::new(SimulatedTime::starting_at(START));
    let (limited, script) =
        limited(Script::new(|_| Ok(with(403, "content-type", "application/problem+json"))), &time);
    for _ in 0..3 {
        assert_eq!(limited.send(request(Method::POST)).await.unwrap().status(), 403);
    }
    assert_eq!(script.sent(), 3);
}

/// A fresh folder for one test.
pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
