//! Who asks too often, as clients of the vendor's service see it.

use incoming_leads_server::{Config, RateLimit};

use crate::raw::Answer;
use crate::world::{ADMINISTRATOR, KOMMO, SORTER, STRANGER, World};

const UNSORTED: &str = "/api/v4/leads/unsorted";

async fn world(limit: RateLimit) -> World {
    let mut config = Config::default();
    config.rate_limit = Some(limit);
    World::both(config).await
}

/// It is a page of HTML without a word about when to come back.
#[track_caller]
fn is_page(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.content_type()), (status, "text/html"));
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    assert!(!answer.body.is_empty() && answer.header("retry-after").is_none());
}

#[tokio::test]
async fn asking_too_often_is_a_page_and_going_on_is_a_block() {
    let limit = RateLimit {
        integration_per_second: 1.try_into().unwrap(),
        refusals_to_block: 2.try_into().unwrap(),
        ..RateLimit::default()
    };
    let world = world(limit).await;
    let statuses = async |token: &str, count: usize| {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(world.ask(token, "GET", UNSORTED, "").await);
        }
        answers
    };
    // On a slow machine a second passes between two of them: then one more is taken.
    let answers = statuses(ADMINISTRATOR, 20).await;
    let limited: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    let blocked: Vec<_> = answers.iter().filter(|answer| answer.status == 403).collect();
    assert_eq!(answers[0].status, 200);
    assert_eq!(limited.len(), 2);
    assert!(!blocked.is_empty());
    limited.iter().for_each(|answer| is_page(answer, 429));
    blocked.iter().for_each(|answer| is_page(answer, 403));
    assert_eq!(statuses(SORTER, 1).await[0].status, 200, "others are not blocked");
    assert_eq!(world.ask("", "GET", "/healthz", "").await.status, 200, "probes count nothing");
}

#[tokio::test]
async fn users_of_an_account_share_its_limit_and_other_accounts_have_their_own() {
    let limit = RateLimit { account_per_second: 1.try_into().unwrap(), ..RateLimit::default() };
    let world = world(limit).await;
    let mut limited = 0;
    for token in [ADMINISTRATOR, SORTER].repeat(5) {
        limited += usize::from(world.ask(token, "GET", UNSORTED, "").await.status == 429);
    }
    assert!(limited > 0);
    assert_ne!(world.ask(STRANGER, "GET", UNSORTED, "").await.status, 429);
}

#[tokio::test]
async fn nobody_is_limited_unless_asked_for() {
    let world = World::of(&[KOMMO], Config::default()).await;
    for _ in 0..80 {
        assert_eq!(world.get(UNSORTED).await.status, 200);
    }
}
