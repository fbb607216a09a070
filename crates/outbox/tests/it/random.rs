//! Any order of faults and deaths: nothing lost, nothing doubled.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use incoming_leads_model::ListQuery;
use incoming_leads_outbox::{Settings, Status};
use incoming_leads_port::IncomingLeadsExt as _;
use proptest::prelude::*;

use crate::line::{Fault, World, call, call_without_identity, submit};

#[derive(Debug, Clone, Copy)]
enum Step {
    Submit { with_identity: bool },
    Fail(Fault),
    Flush,
    Die,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|with_identity| Step::Submit { with_identity }),
        2 => prop_oneof![
            Just(Fault::LostAnswer),
            Just(Fault::LostRequest),
            Just(Fault::Unavailable),
            Just(Fault::Unauthorized),
            Just(Fault::LostAndSorted),
            Just(Fault::Hangs)
        ]
        .prop_map(Step::Fail),
        2 => Just(Step::Flush),
        1 => Just(Step::Die),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(walk(steps))?;
    }
}

async fn walk(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::new("random").await;
    let settings = Settings::default().with_batch(3).with_rewrite_after(5);
    let mut outbox = Some(world.open_with(settings.clone()));
    let mut tickets = Vec::new();
    for step in steps {
        world.clock.advance_secs(1);
        let open = outbox.get_or_insert_with(|| world.open_with(settings.clone()));
        match step {
            Step::Submit { with_identity } => {
                let number = tickets.len() as i64;
                let draft = if with_identity { call(number) } else { call_without_identity(number) };
                tickets.push(submit(open, draft));
            }
            Step::Fail(fault) => world.fails(&[fault]),
            // A process that hangs is killed.
            Step::Flush => match tokio::time::timeout(Duration::from_millis(20), open.flush()).await {
                Ok(flushed) => drop(flushed.unwrap()),
                Err(_) => outbox = None,
            },
            Step::Die => outbox = None,
        }
    }
    world.line.faults.lock().unwrap().clear();
    let outbox = outbox.unwrap_or_else(|| world.open_with(settings));
    outbox.flush().await.unwrap();
    prop_assert_eq!(outbox.flush().await.unwrap(), 0);
    let mut dead = 0;
    for ticket in &tickets {
        match outbox.status(*ticket) {
            Some(Status::Delivered(_)) => {}
            Some(Status::Dead(_)) => dead += 1,
            other => prop_assert!(false, "ticket {} is {:?}", ticket, other),
        }
    }
    // A dead letter may be there, under somebody's decision; nothing is there twice.
    let created = world.created().await;
    let submitted = tickets.len() as u64;
    prop_assert!(
        created <= submitted && created + dead >= submitted,
        "{} of {}, {} dead",
        created,
        submitted,
        dead
    );
    let waiting: Vec<_> = world.line.stream(ListQuery::default()).try_collect().await.unwrap();
    let phones: BTreeSet<_> = waiting.iter().map(|lead| format!("{:?}", lead.metadata)).collect();
    prop_assert_eq!(phones.len(), waiting.len(), "each call has a phone of its own");
    Ok(())
}
