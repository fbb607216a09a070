//! Neither lost nor doubled.

use std::time::Duration;

use incoming_leads_model::{Add, Channel, Draft};
use incoming_leads_outbox::{OutboxError, Settings, Status};
use incoming_leads_port::{IncomingLeads as _, IncomingLeadsExt as _};

use crate::line::{Fault, Meanwhile, World, call, call_without_identity, submit};

#[tokio::test]
async fn what_is_submitted_is_delivered_in_batches() {
    let world = World::new("delivered").await;
    let outbox = world.open_with(Settings::default().with_batch(10));
    let tickets: Vec<_> = (0..25).map(|number| submit(&outbox, call(number))).collect();
    assert!(tickets.iter().all(|ticket| outbox.status(*ticket) == Some(Status::Waiting)));
    assert_eq!(outbox.flush().await.unwrap(), 0);
    for ticket in tickets {
        let Some(Status::Delivered(uid)) = outbox.status(ticket) else { panic!("{ticket} is not delivered") };
        world.line.get_or_not_found(&uid).await.unwrap();
    }
    assert_eq!((world.created().await, *world.line.adds.lock().unwrap()), (25, 3));
}

#[tokio::test]
async fn what_cannot_be_sent_now_waits() {
    let world = World::new("waits").await;
    let outbox = world.open();
    world.fails(&[Fault::Unavailable]);
    let ticket = submit(&outbox, call(1));
    assert_eq!(outbox.flush().await.unwrap(), 1);
    assert_eq!(outbox.status(ticket), Some(Status::Waiting));
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(world.created().await, 1);
}

#[tokio::test]
async fn what_nobody_lets_in_waits_for_another_token() {
    let world = World::new("token").await;
    let outbox = world.open();
    world.fails(&[Fault::Unauthorized]);
    let ticket = submit(&outbox, call(1));
    assert_eq!(outbox.flush().await.unwrap(), 1);
    assert_eq!(outbox.status(ticket), Some(Status::Waiting));
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(world.created().await, 1);
}

#[tokio::test]
async fn no_batch_is_larger_than_an_add_may_be() {
    let world = World::new("large").await;
    let outbox = world.open_with(Settings::default().with_batch(1_000));
    for number in 0..251 {
        submit(&outbox, call(number));
    }
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!((world.created().await, *world.line.adds.lock().unwrap()), (251, 2));
}

#[tokio::test]
async fn two_leads_that_cannot_be_told_apart_are_two() {
    let world = World::new("alike").await;
    let outbox = world.open();
    submit(&outbox, call_without_identity(1));
    outbox.flush().await.unwrap();
    world.fails(&[Fault::LostRequest]);
    submit(&outbox, call_without_identity(1));
    outbox.flush().await.unwrap();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(world.created().await, 2);
}

#[tokio::test]
async fn a_lost_answer_doubles_nothing_and_a_lost_request_loses_nothing() {
    for (name, draft) in [("lost-a", call as fn(i64) -> Draft), ("lost-b", call_without_identity)] {
        for fault in [Fault::LostAnswer, Fault::LostRequest] {
            let world = World::new(name).await;
            let outbox = world.open();
            world.fails(&[fault]);
            let tickets: Vec<_> = (0..3).map(|number| submit(&outbox, draft(number))).collect();
            // The first round ends without an answer, the next look the leads up.
            outbox.flush().await.unwrap();
            assert_eq!(outbox.flush().await.unwrap(), 0, "{name} {fault:?}");
            assert!(
                tickets.iter().all(|ticket| matches!(outbox.status(*ticket), Some(Status::Delivered(_))))
            );
            assert_eq!(world.created().await, 3, "{name} {fault:?}");
        }
    }
}

#[tokio::test]
async fn what_may_have_been_sorted_already_is_a_dead_letter_and_not_doubled() {
    for (name, draft) in [("sorted-a", call as fn(i64) -> Draft), ("sorted-b", call_without_identity)] {
        let world = World::new(name).await;
        let outbox = world.open();
        world.fails(&[Fault::LostAndSorted]);
        let ticket = submit(&outbox, draft(1));
        outbox.flush().await.unwrap();
        outbox.flush().await.unwrap();
        let Some(Status::Dead(reason)) = outbox.status(ticket) else { panic!("{:?}", outbox.status(ticket)) };
        assert!(reason.contains("sorted"), "{reason}");
        assert_eq!(world.created().await, 1);
    }
}

/// A letter that was lost on its way, behind this many newer leads, with this going on while it is looked for.
async fn looked_for_behind(newer: i64, world: &World, meanwhile: Meanwhile) -> Option<Status> {
    let outbox = world.open();
    let ticket = submit(&outbox, call_without_identity(1));
    outbox.flush().await.unwrap();
    world.clock.advance_secs(1);
    world.line.add(&Add::calls((0..newer).map(call).collect())).await.unwrap();
    *world.line.meanwhile.lock().unwrap() = Some(meanwhile);
    outbox.flush().await.unwrap();
    outbox.status(ticket)
}

#[tokio::test]
async fn what_shifts_onto_the_next_page_is_no_second_lead_of_that_moment() {
    let world = World::new("shifted-down").await;
    // The last one of the first page, of the letter's second; and one behind it.
    world.line.add_call(call_without_identity(3)).await.unwrap();
    world.clock.advance_secs(1);
    world.line.add_call(call_without_identity(2)).await.unwrap();
    world.fails(&[Fault::LostAndSorted]);
    let status = looked_for_behind(249, &world, Meanwhile::Arrival).await;
    assert!(matches!(status, Some(Status::Dead(_))), "{status:?}");
    assert_eq!(world.created().await, 2 + 1 + 249 + 1, "nothing was sent again");
}

#[tokio::test]
async fn what_shifts_past_the_next_page_is_found_all_the_same() {
    let world = World::new("shifted-up").await;
    world.fails(&[Fault::LostAnswer]);
    let status = looked_for_behind(250, &world, Meanwhile::Decline).await;
    assert!(matches!(status, Some(Status::Delivered(_))), "{status:?}");
    assert_eq!(world.created().await, 1 + 250);
}

#[tokio::test]
async fn one_bad_lead_is_a_dead_letter_and_the_others_of_its_batch_go_on() {
    let world = World::new("bad").await;
    let outbox = world.open();
    let bad = submit(&outbox, Draft { source_name: None, ..call(0) });
    let good: Vec<_> = (1..4).map(|number| submit(&outbox, call(number))).collect();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(outbox.status(bad), Some(Status::Dead("source_name: this field is missing".to_owned())));
    assert!(good.iter().all(|ticket| matches!(outbox.status(*ticket), Some(Status::Delivered(_)))));
    assert_eq!(outbox.dead_letters().len(), 1);
    outbox.discard(bad).unwrap();
    assert_eq!((outbox.status(bad), outbox.dead_letters().len()), (None, 0));
    assert!(matches!(outbox.replay(bad), Err(OutboxError::NoDeadLetter(_))));
}

#[tokio::test]
async fn a_lead_that_somebody_else_added_is_a_dead_letter_until_it_is_replayed() {
    let world = World::new("twin").await;
    let outbox = world.open();
    let twin = world.line.add_call(call(1)).await.unwrap().uid;
    let ticket = submit(&outbox, call(1));
    outbox.flush().await.unwrap();
    let Some(Status::Dead(reason)) = outbox.status(ticket) else { panic!("{:?}", outbox.status(ticket)) };
    assert!(reason.contains(twin.as_str()), "{reason}");
    incoming_leads_port::IncomingLeads::decline(&world.line, &twin, &Default::default()).await.unwrap();
    outbox.replay(ticket).unwrap();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert!(matches!(outbox.status(ticket), Some(Status::Delivered(_))));
}

#[tokio::test]
async fn calls_and_forms_do_not_share_a_batch() {
    let world = World::new("kinds").await;
    let outbox = world.open();
    let call_ticket = submit(&outbox, call(1));
    // A call's metadata among forms: the other side says what is wrong with it.
    let form_ticket = outbox.submit(Channel::Forms, call(2)).unwrap();
    outbox.flush().await.unwrap();
    assert!(matches!(outbox.status(call_ticket), Some(Status::Delivered(_))));
    assert!(matches!(outbox.status(form_ticket), Some(Status::Dead(_))));
}

#[tokio::test(start_paused = true)]
async fn run_delivers_as_leads_come_and_tries_again_after_growing_pauses() {
    let world = World::new("run").await;
    let outbox = world.open();
    world.fails(&[Fault::Unavailable; 4]);
    let runner = outbox.clone();
    let running = tokio::spawn(async move { runner.run().await.unwrap_err() });
    let begun = tokio::time::Instant::now();
    let first = submit(&outbox, call(1));
    while outbox.status(first) == Some(Status::Waiting) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((15.0..15.5).contains(&begun.elapsed().as_secs_f64()), "1 + 2 + 4 + 8 s: {:?}", begun.elapsed());
    let second = submit(&outbox, call(2));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(matches!(outbox.status(second), Some(Status::Delivered(_))));
    running.abort();
}

#[tokio::test]
async fn a_full_outbox_says_so() {
    let world = World::new("full").await;
    let outbox = world.open_with(Settings::default().with_capacity(2));
    submit(&outbox, call(1));
    submit(&outbox, call(2));
    assert!(matches!(outbox.submit(Channel::Sip, call(3)), Err(OutboxError::Full(2))));
    outbox.flush().await.unwrap();
    submit(&outbox, call(3));
}

#[tokio::test]
async fn dead_letters_take_their_place_until_somebody_discards_them() {
    let world = World::new("dead").await;
    let outbox = world.open_with(Settings::default().with_capacity(2));
    let dead = submit(&outbox, Draft { source_uid: None, ..call(1) });
    submit(&outbox, Draft { source_uid: None, ..call(2) });
    outbox.flush().await.unwrap();
    assert!(matches!(outbox.submit(Channel::Sip, call(3)), Err(OutboxError::Full(2))));
    outbox.discard(dead).unwrap();
    submit(&outbox, call(3));
}

#[tokio::test]
async fn what_was_sent_before_is_looked_for_and_not_doubled() {
    let world = World::new("before").await;
    let outbox = world.open();
    let sent = world.line.add_call(call(1)).await.unwrap();
    let tickets = outbox.submit_doubtful(Channel::Sip, vec![call(1), call(2)]).unwrap();
    drop(outbox);
    let outbox = world.open();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(outbox.status(tickets[0]), Some(Status::Delivered(sent.uid)));
    assert!(matches!(outbox.status(tickets[1]), Some(Status::Delivered(_))));
    assert_eq!(world.created().await, 2);
}

#[tokio::test]
async fn a_batch_is_taken_in_whole_or_not_at_all() {
    let world = World::new("whole").await;
    let outbox = world.open_with(Settings::default().with_capacity(2));
    let drafts = |count| (0..count).map(call).collect::<Vec<_>>();
    let refused = outbox.submit_all(Channel::Sip, drafts(3));
    assert!(matches!(refused, Err(OutboxError::Full(0))) && outbox.waiting() == 0);
    assert_eq!(outbox.submit_all(Channel::Sip, drafts(2)).unwrap().len(), 2);
    assert_eq!(outbox.waiting(), 2);
}
