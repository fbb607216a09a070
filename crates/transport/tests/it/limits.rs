//! Limits: never more than so many in any second, pauses, blocks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use incoming_leads_transport::{
    Arrival, FileLimiter, LimitRule, Limited, Limiter, MemoryLimiter, Request, Response, SendError,
    SendErrorKind, SimulatedTime, Time, Transport, Turn,
};

use crate::script::{Script, request, status, with};

const START: Duration = Duration::from_secs(1_700_000_000);
const SECOND: Duration = Duration::from_secs(1);

/// When a turn is that is taken now, of a request that is answered at once.
async fn turn(limiter: &dyn Limiter, now: Duration) -> Duration {
    let turn = limiter.turn(now).await.unwrap().expect("nothing is under way");
    limiter.ended(turn, turn.at()).await.unwrap();
    turn.at()
}

/// Takes turns at once, and every now and then after a while, and says when each was.
async fn turns(limiters: &[&dyn Limiter], count: usize) -> Vec<Duration> {
    let mut now = START;
    let mut turns = Vec::new();
    for number in 0..count {
        if number % 97 == 0 {
            now += Duration::from_millis(370);
        }
        turns.push(turn(limiters[number % limiters.len()], now).await);
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
    assert_eq!(turn(&two, START + Duration::from_secs(100)).await, START + Duration::from_secs(3_000));
}

#[tokio::test]
async fn a_clock_that_steps_back_far_does_not_stop_everything() {
    let limiter = MemoryLimiter::new(LimitRule::INTEGRATION);
    turn(&limiter, START + Duration::from_secs(1_000_000)).await;
    assert_eq!(turn(&limiter, START).await, START);
}

#[tokio::test]
async fn a_file_that_holds_nonsense_begins_anew_and_an_impossible_one_is_an_error() {
    let folder = folder("nonsense");
    let path = folder.join("limit");
    std::fs::write(&path, "what\nis this\n").unwrap();
    let limiter = FileLimiter::new(LimitRule::INTEGRATION, &path);
    assert_eq!(turn(&limiter, START).await, START);
    FileLimiter::new(LimitRule::INTEGRATION, folder.join("no/such/folder")).turn(START).await.unwrap_err();
}

#[tokio::test]
async fn however_long_requests_are_on_their_way_no_more_arrive_in_any_second() {
    let folder = folder("arrivals");
    let shared = || FileLimiter::new(LimitRule::per_second(7), folder.join("limit"));
    let limiters: [Box<dyn Limiter>; 3] =
        [Box::new(MemoryLimiter::new(LimitRule::per_second(7))), Box::new(shared()), Box::new(shared())];
    for limiters in [&limiters[..1], &limiters[1..]] {
        let mut now = START;
        let mut under_way: Vec<(usize, Turn, Duration)> = Vec::new();
        let (mut arrivals, mut number) = (Vec::new(), 0);
        while arrivals.len() < 300 {
            let limiter = number % limiters.len();
            match limiters[limiter].turn(now).await.unwrap() {
                Some(turn) => {
                    number += 1;
                    // On its way there between 0 and 0.9 s, and as long back.
                    let millis = |factor: usize| Duration::from_millis((number * factor % 900) as u64);
                    arrivals.push(turn.at() + millis(389));
                    under_way.push((limiter, turn, turn.at() + millis(389) + millis(617)));
                }
                None => {
                    let (place, _) =
                        under_way.iter().enumerate().min_by_key(|(_, (.., answered))| *answered).unwrap();
                    let (limiter, turn, answered) = under_way.swap_remove(place);
                    now = now.max(answered);
                    limiters[limiter].ended(turn, answered).await.unwrap();
                }
            }
        }
        assert!(most_in_any_second(&arrivals) <= 7, "{}", most_in_any_second(&arrivals));
    }
}

#[tokio::test]
async fn a_turn_whose_end_is_never_told_ends_by_itself() {
    let limiter = MemoryLimiter::new(LimitRule::per_second(1));
    limiter.turn(START).await.unwrap().unwrap();
    assert_eq!(limiter.turn(START + SECOND * 20).await.unwrap(), None);
    assert_eq!(limiter.turn(START + SECOND * 40).await.unwrap().unwrap().at(), START + SECOND * 40);
}

#[tokio::test]
async fn whoever_gives_up_gives_the_turn_back() {
    let time = Arc::new(SimulatedTime::starting_at(START));
    let limiter = Arc::new(MemoryLimiter::new(LimitRule::per_second(1)));
    let limited = Limited::new(Never, vec![limiter.clone()], time);
    let sent = tokio::time::timeout(Duration::from_millis(1), limited.send(request(Method::GET))).await;
    sent.unwrap_err();
    tokio::task::yield_now().await;
    assert_eq!(limiter.turn(START).await.unwrap().unwrap().at(), START + SECOND);
}

/// Never answers.
#[derive(Debug)]
struct Never;

#[async_trait]
impl Transport for Never {
    async fn send(&self, _: Request) -> Result<Response, SendError> {
        std::future::pending().await
    }
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
async fn integrations_of_an_account_keep_to_their_own_limit_and_to_its() {
    let time = Arc::new(SimulatedTime::starting_at(START));
    let account: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(LimitRule::ACCOUNT));
    let moments = Arc::new(Mutex::new(Vec::new()));
    let integrations: Vec<_> = (0..10)
        .map(|number| {
            let (clock, seen) = (time.clone(), moments.clone());
            let script = Script::new(move |_| {
                seen.lock().unwrap().push((number, clock.now()));
                Ok(status(StatusCode::OK))
            });
            let own: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(LimitRule::INTEGRATION));
            Limited::new(script, vec![own, account.clone()], time.clone())
        })
        .collect();
    for _ in 0..30 {
        for integration in &integrations {
            integration.send(request(Method::GET)).await.unwrap();
        }
    }
    let moments = moments.lock().unwrap();
    let all: Vec<_> = moments.iter().map(|(_, at)| *at).collect();
    assert_eq!(most_in_any_second(&all), 50);
    for number in 0..10 {
        let own: Vec<_> = moments.iter().filter(|(of, _)| *of == number).map(|(_, at)| *at).collect();
        assert!(most_in_any_second(&own) <= 7);
    }
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
