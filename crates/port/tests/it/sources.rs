//! Clocks, ids, digests.

use std::collections::HashSet;

use incoming_leads_model::{Add, Card, Draft, LeadDraft, Moment, TagRef, Wants};
use incoming_leads_port::{Clock, Digest, Floor, IdSource, Ids, ManualClock, SystemClock};

fn at(secs: i64) -> Moment {
    Moment::from_secs(secs).unwrap()
}

fn wants() -> Wants {
    let card = Card { tags: vec![TagRef::by_name("a"), TagRef::by_name("b")], ..Card::default() };
    let lead = LeadDraft { card, ..LeadDraft::default() };
    Add::calls(vec![Draft { leads: vec![lead], ..Draft::default() }]).wants()[0]
}

#[test]
fn uids_are_sixty_hex_digits_that_grow_with_time_and_never_repeat() {
    for ids in [Ids::random(), Ids::sequential()] {
        let minted: Vec<_> =
            (0..1000).map(|number| ids.mint(at(1_700_000_000 + number / 100), wants())).collect();
        let uids: Vec<_> = minted.iter().map(|minted| minted.uid.as_str()).collect();
        assert!(
            uids.iter().all(|uid| uid.len() == 60 && uid.bytes().all(|b| b"0123456789abcdef".contains(&b)))
        );
        assert!(uids.is_sorted(), "the first digits grow");
        assert_eq!(uids.iter().collect::<HashSet<_>>().len(), 1000);
        assert_eq!(minted.iter().map(|minted| minted.lead).collect::<HashSet<_>>().len(), 1000);
    }
}

#[test]
fn random_ids_of_two_processes_differ() {
    let (one, two) = (Ids::random().mint(at(7), wants()), Ids::random().mint(at(7), wants()));
    assert_ne!(one.uid.as_str()[20..], two.uid.as_str()[20..]);
}

#[test]
fn minting_gives_what_is_wanted_and_parties_share_one_number_space() {
    let ids = Ids::sequential();
    let minted = ids.mint(at(7), wants());
    assert_eq!((minted.notes.len(), minted.tags.len()), (0, 3));
    assert_ne!(minted.contact.get(), minted.company.get());
}

#[test]
fn raised_ids_lie_above_the_floor() {
    let ids = Ids::sequential();
    ids.raise(Floor { leads: 100, parties: 200, notes: 300, tags: 400 });
    ids.raise(Floor { leads: 50, ..Floor::default() });
    let minted = ids.mint(at(7), wants());
    assert_eq!(minted.lead.get(), 101);
    assert!(minted.contact.get() > 200 && minted.company.get() > 200 && minted.tags[0].get() > 400);
    assert_eq!(ids.note().get(), 301);
}

#[test]
fn a_manual_clock_stands_until_it_is_moved() {
    let clock = ManualClock::new(at(5));
    assert_eq!(clock.now(), at(5));
    clock.advance_secs(10);
    assert_eq!(clock.now(), at(15));
    clock.set(at(3));
    assert_eq!(clock.now(), at(3));
    clock.set(Moment::MAX);
    clock.advance_secs(1);
    assert_eq!(clock.now(), Moment::MAX);
}

#[test]
fn the_system_clock_shows_this_century() {
    assert!((at(1_700_000_000)..at(4_102_444_800)).contains(&SystemClock.now()));
}

#[test]
fn digests_read_what_they_write_and_nothing_else() {
    let digest = Digest([0xa5; 32]);
    assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
    for wrong in ["", "a5", &"g".repeat(64), &"a".repeat(65), &"é".repeat(32), &"+a".repeat(32)] {
        assert_eq!(Digest::from_hex(wrong), None, "{wrong}");
    }
    assert_eq!(format!("{digest:?}"), "Digest(..)", "a digest is not for logs");
}
