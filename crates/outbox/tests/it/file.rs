//! The file: what it holds outlives the process.

use std::io::Write as _;
use std::time::Duration;

use incoming_leads_model::Draft;
use incoming_leads_outbox::{Outbox, OutboxError, Settings, Status};

use crate::line::{Fault, World, call, submit};

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let world = World::new("again").await;
    let outbox = world.open();
    let delivered = submit(&outbox, call(1));
    let dead = submit(&outbox, Draft { source_uid: None, ..call(2) });
    outbox.flush().await.unwrap();
    let waiting = submit(&outbox, call(3));
    let before = [delivered, dead, waiting].map(|ticket| outbox.status(ticket));
    drop(outbox);
    let outbox = world.open();
    assert_eq!([delivered, dead, waiting].map(|ticket| outbox.status(ticket)), before);
    let next = submit(&outbox, call(4));
    assert!(next > waiting);
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!(world.created().await, 3);
}

#[tokio::test]
async fn a_file_that_is_written_anew_holds_the_same_in_less() {
    let world = World::new("anew").await;
    let outbox = world.open_with(Settings::default().with_rewrite_after(20));
    let dead = submit(&outbox, Draft { source_uid: None, ..call(0) });
    let delivered: Vec<_> = (1..40).map(|number| submit(&outbox, call(number))).collect();
    let before = std::fs::metadata(&world.path).unwrap().len();
    outbox.flush().await.unwrap();
    assert!(std::fs::metadata(&world.path).unwrap().len() < before);
    let statuses =
        |outbox: &Outbox| delivered.iter().map(|ticket| outbox.status(*ticket)).collect::<Vec<_>>();
    let (told, reason) = (statuses(&outbox), outbox.status(dead));
    let last = submit(&outbox, call(99));
    drop(outbox);
    let outbox = world.open();
    assert_eq!((statuses(&outbox), outbox.status(dead)), (told, reason));
    assert_eq!(outbox.status(last), Some(Status::Waiting));
}

#[tokio::test]
async fn a_file_that_is_opened_again_and_again_is_written_anew_too() {
    let world = World::new("short").await;
    for number in 0..40 {
        let outbox = world.open_with(Settings::default().with_rewrite_after(20));
        submit(&outbox, call(number));
        assert_eq!(outbox.flush().await.unwrap(), 0);
    }
    let submitted = std::fs::read_to_string(&world.path).unwrap().matches("submitted").count();
    assert!(submitted < 20, "{submitted} settled leads are in the file still");
}

#[tokio::test]
async fn a_letter_that_was_being_sent_when_the_process_died_is_looked_for() {
    let world = World::new("died").await;
    let outbox = world.open();
    world.fails(&[Fault::Hangs]);
    let ticket = submit(&outbox, call(1));
    tokio::time::timeout(Duration::from_millis(50), outbox.flush()).await.unwrap_err();
    drop(outbox);
    let outbox = world.open();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert!(matches!(outbox.status(ticket), Some(Status::Delivered(_))));
    assert_eq!((world.created().await, *world.line.adds.lock().unwrap()), (1, 1), "found, not sent again");
}

#[tokio::test]
async fn a_doubt_outlives_writing_the_file_anew() {
    let world = World::new("doubt").await;
    let outbox = world.open_with(Settings::default().with_rewrite_after(1).with_batch(1));
    world.fails(&[Fault::LostAnswer]);
    submit(&outbox, call(1));
    outbox.flush().await.unwrap();
    drop(outbox);
    let outbox = world.open();
    assert_eq!(outbox.flush().await.unwrap(), 0);
    assert_eq!((world.created().await, *world.line.adds.lock().unwrap()), (1, 1), "found, not sent again");
}

#[tokio::test]
async fn an_unfinished_last_line_is_cut_off_and_a_damaged_one_is_told() {
    let world = World::new("torn").await;
    let outbox = world.open();
    let ticket = submit(&outbox, call(1));
    drop(outbox);
    let append = |text: &str| {
        let mut file = std::fs::OpenOptions::new().append(true).open(&world.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    append(r#"{"submitted":{"ticket":2,"#);
    let outbox = world.open();
    assert_eq!((outbox.status(ticket), outbox.waiting()), (Some(Status::Waiting), 1));
    submit(&outbox, call(2));
    drop(outbox);
    assert_eq!(world.open().waiting(), 2, "the next line began at a good place");
    append("nonsense\n");
    let opened = Outbox::open(&world.path, world.line.clone(), world.clock.clone(), Settings::default());
    assert!(matches!(opened, Err(OutboxError::Damaged { line: 4 })), "{opened:?}");
}

#[tokio::test]
async fn a_second_process_is_told_that_the_file_is_in_use() {
    let world = World::new("use").await;
    let outbox = world.open();
    let second = Outbox::open(&world.path, world.line.clone(), world.clock.clone(), Settings::default());
    assert!(matches!(second, Err(OutboxError::InUse)));
    drop(outbox);
    world.open();
}

#[tokio::test]
async fn an_outbox_keeps_its_name_and_no_other_has_it() {
    let world = World::new("named").await;
    let outbox = world.open_with(Settings::default().with_rewrite_after(2));
    let name = outbox.name();
    for number in 0..5 {
        submit(&outbox, call(number));
        outbox.flush().await.unwrap();
    }
    drop(outbox);
    assert_eq!(world.open().name(), name);
    assert_ne!(World::new("other").await.open().name(), name);
}
