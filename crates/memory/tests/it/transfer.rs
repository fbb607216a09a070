//! From one store to another: what was exported answers the same where it is imported.

use std::sync::Arc;

use futures_util::StreamExt;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Incoming, Line, Of, Secret, Token};
use incoming_leads_model::{
    Cards, Draft, EventKind, IncomingLead, ListQuery, OrderKey, PageRequest, SummaryQuery, Tag, Uid,
};
use incoming_leads_port::{
    Digest, EntityQuery, ErrorKind, Floor, Ids, ManualClock, Ports, Provision, Registry,
};
use proptest::prelude::*;

use crate::oracle::lived_in;
use crate::world::{
    ADMINISTRATOR, LEAD, SORTER, START, VIEWER, World, call, chat, draft, export, form, id, layout, mail,
    moment, now, principal, tags_duplicates,
};

/// All that can be asked for, as text.
fn answers(ports: &Ports) -> Vec<String> {
    let mut answers = Vec::new();
    let mut push = |answer: &dyn std::fmt::Debug| answers.push(format!("{answer:?}"));
    let page = PageRequest::new(1, 500).unwrap();
    for key in [OrderKey::CreatedAt, OrderKey::UpdatedAt] {
        let mut query = ListQuery { page, cards: Cards::Include, ..ListQuery::default() };
        query.order.key = key;
        push(&now(ports.incoming.list(&query)).unwrap());
        push(&now(ports.versioned.as_ref().unwrap().versions(&query)).unwrap());
    }
    push(&now(ports.incoming.summary(&SummaryQuery::default())).unwrap());
    push(&now(ports.history.as_ref().unwrap().events(None, 1000)).unwrap().events);
    let directory = ports.directory.as_ref().unwrap();
    push(&now(directory.layout()).unwrap());
    push(&now(directory.leads(&EntityQuery::listed(page))).unwrap());
    push(&now(directory.contacts(&EntityQuery::listed(page))).unwrap());
    push(&now(directory.companies(&EntityQuery::listed(page))).unwrap());
    push(&now(directory.customers(&EntityQuery::listed(page))).unwrap());
    push(&now(directory.leads(&EntityQuery::with_ids((LEAD..LEAD + 400).map(id).collect()))).unwrap());
    push(&now(directory.contacts(&EntityQuery::with_ids((1..=500).map(id).collect()))).unwrap());
    push(&now(directory.companies(&EntityQuery::with_ids((1..=500).map(id).collect()))).unwrap());
    for number in LEAD..LEAD + 100 {
        let on = incoming_leads_model::EntityRef::Lead(id(number));
        push(&now(directory.notes(on, page)).unwrap());
    }
    answers
}

fn import(lines: Vec<Line>) -> (Memory, Ports) {
    let memory = Memory::new(Arc::new(ManualClock::new(moment(START))), Arc::new(Ids::sequential()));
    now(memory.import(lines)).unwrap();
    let ports = now(memory.open(principal(ADMINISTRATOR))).unwrap();
    (memory, ports)
}

/// Fails with the first place at which an answer differs.
#[track_caller]
fn check_same(ports: &Ports, expected: &Ports) {
    for (answer, expected) in answers(ports).into_iter().zip(answers(expected)) {
        if let Some(at) =
            answer.char_indices().zip(expected.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at)
        {
            let around = |text: &str| text.chars().skip(at.saturating_sub(200)).take(300).collect::<String>();
            panic!("one says {}\n the other {}", around(&answer), around(&expected));
        }
        assert_eq!(answer.len(), expected.len());
    }
}

fn sorted(lines: Vec<Line>) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
    lines.sort();
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn an_imported_export_answers_the_same(world in lived_in()) {
        let lines = export(&world.memory);
        let (memory, ports) = import(lines.clone());
        check_same(&ports, &world.ports);
        prop_assert!(sorted(export(&memory)) == sorted(lines.clone()));
        // Taken over once more it is still the same.
        now(memory.import(lines)).unwrap();
        check_same(&ports, &world.ports);
    }

    #[test]
    fn an_export_may_be_taken_over_line_by_line_in_any_order_of_rows(world in lived_in(), seed in any::<u64>()) {
        let mut lines = export(&world.memory);
        let (memory, _) = import(lines.drain(..2).collect());
        // Events keep their order, as the document says.
        let (events, mut rows): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| matches!(line, Line::Event(_)));
        let scatter = |place: usize| (place as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut keyed: Vec<_> = rows.drain(..).enumerate().collect();
        keyed.sort_by_key(|(place, _)| scatter(*place));
        let (before, after) = keyed.split_at(keyed.len() / 2);
        for (_, line) in before {
            now(memory.import(vec![line.clone()])).unwrap();
        }
        now(memory.import(events)).unwrap();
        now(memory.import(after.iter().map(|(_, line)| line.clone()).collect())).unwrap();
        let ports = now(memory.open(principal(ADMINISTRATOR))).unwrap();
        check_same(&ports, &world.ports);
    }
}

#[test]
fn what_happened_to_entities_that_wait_is_carried_over() {
    let world = World::with_policies(tags_duplicates());
    // The second gives the first lead a tag, which its add did not tell of.
    world.add(vec![draft(call(1))]).unwrap();
    world.add(vec![draft(call(1))]).unwrap();
    let (_, ports) = import(export(&world.memory));
    check_same(&ports, &world.ports);
}

#[test]
fn two_messages_of_one_second_are_two_events() {
    let world = World::new();
    (0..3).for_each(|_| drop(world.take_in(draft(chat(1))).unwrap()));
    let lines = export(&world.memory);
    let (memory, ports) = import(lines.clone());
    now(memory.import(lines)).unwrap();
    check_same(&ports, &world.ports);
    // One more of them, and the document once more.
    world.take_in(draft(chat(1))).unwrap();
    now(memory.import(export(&world.memory))).unwrap();
    assert_eq!(now(ports.history.as_ref().unwrap().events(None, 10)).unwrap().events.len(), 4);
    check_same(&ports, &world.ports);
}

#[test]
fn new_ids_stay_above_imported_ones() {
    let world = World::new();
    // At another moment than in the copy, so that its uids would not collide and give new ids away.
    world.clock.advance_secs(1);
    let first = world.add(vec![draft(call(0))]).unwrap().remove(0);
    assert!(first.leads > Some(vec![id(LEAD)]), "the world's own lead was imported");
    let (_, ports) = import(export(&world.memory));
    let second =
        now(ports.incoming.add(&incoming_leads_model::Add::calls(vec![draft(call(0))]))).unwrap().remove(0);
    assert!(second.uid != first.uid);
    assert!(second.leads > first.leads);
    assert!(second.contacts > first.contacts && second.companies > first.companies);
}

#[test]
fn drafts_come_in_through_the_rules() {
    let incoming = |user, metadata| {
        let draft = draft(metadata);
        Line::Draft(Incoming { account_id: id(1), user_id: id(user), draft })
    };
    let lines = vec![
        Line::Account(Box::new(layout(1))),
        incoming(ADMINISTRATOR, call(1)),
        incoming(SORTER, form(1)),
        incoming(ADMINISTRATOR, chat(1)),
        incoming(ADMINISTRATOR, chat(1)),
        incoming(ADMINISTRATOR, mail(1)),
    ];
    let (memory, ports) = import(lines.clone());
    // The second message of the chat updated the first.
    assert_eq!(now(ports.incoming.list(&ListQuery::default())).unwrap().items.len(), 4);
    let kinds: Vec<_> = now(ports.history.as_ref().unwrap().events(None, 10)).unwrap().events;
    assert_eq!(kinds.iter().filter(|event| matches!(event.kind, EventKind::Updated(_))).count(), 1);

    let before = answers(&ports);
    let tag = Line::Tag(Of { account_id: id(1), row: Tag { id: id(99), name: "new".to_owned() } });
    for (refused, kind) in [
        (incoming(ADMINISTRATOR, call(1)), ErrorKind::Invalid),
        (incoming(VIEWER, form(2)), ErrorKind::Forbidden),
        (
            Line::Draft(Incoming { account_id: id(1), user_id: id(ADMINISTRATOR), draft: Draft::default() }),
            ErrorKind::Invalid,
        ),
    ] {
        let lines = vec![tag.clone(), Line::Account(Box::new(layout(2))), incoming(SORTER, form(3)), refused];
        let error = now(memory.import(lines)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.refusal().is_some());
        assert_eq!(answers(&ports), before, "all of one call or none");
        assert_eq!(now(memory.accounts()).unwrap().len(), 1);
        assert!(export(&memory).iter().all(|line| *line != tag));
    }
}

#[track_caller]
fn check_refused(lines: Vec<Line>, detail: &str) {
    let memory = Memory::default();
    let error = now(memory.import(lines)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains(detail), "{error}");
    assert_eq!(export(&memory).len(), 1, "nothing was taken");
}

fn token(user: u64, secret: Secret) -> Line {
    Line::Token(Token::bearer(id(1), id(user), secret))
}

#[test]
fn a_document_of_another_version_is_refused() {
    check_refused(
        vec![Line::Header { version: 2, ids: None }, Line::Account(Box::new(layout(1)))],
        "version 2",
    );
}

#[test]
fn a_line_of_an_account_that_was_not_told_is_refused() {
    let tag = Line::Tag(Of { account_id: id(2), row: Tag { id: id(1), name: "tag".to_owned() } });
    check_refused(vec![Line::Account(Box::new(layout(1))), tag], "account 2");
    let token = token(ADMINISTRATOR, Secret::Sha256("0".repeat(64)));
    check_refused(vec![token, Line::Account(Box::new(layout(1)))], "account 1");
}

#[test]
fn tokens_that_let_nobody_in_are_refused() {
    let account = Line::Account(Box::new(layout(1)));
    check_refused(vec![account.clone(), token(ADMINISTRATOR, Secret::Plain("secret".to_owned()))], "plain");
    check_refused(
        vec![account.clone(), token(ADMINISTRATOR, Secret::Sha256("0".to_owned()))],
        "64 hex digits",
    );
    check_refused(vec![account, token(77, Secret::Sha256("0".repeat(64)))], "user 77");
}

#[test]
fn an_event_that_contradicts_its_item_is_refused() {
    let world = World::new();
    world.add(vec![draft(call(1))]).unwrap();
    let mut lines = export(&world.memory);
    for line in &mut lines {
        if let Line::Event(event) = line {
            event.uid = Uid::new("another").unwrap();
        }
    }
    check_refused(lines, "contradicts");
}

#[test]
fn tokens_are_carried_over() {
    let digest = Digest([7; 32]);
    let (memory, _) =
        import(vec![Line::Account(Box::new(layout(1))), token(SORTER, Secret::Sha256(digest.to_hex()))]);
    let (copy, _) = import(export(&memory));
    let token = now(copy.token(&digest)).unwrap().unwrap();
    assert_eq!((token.account_id, token.user_id), (id(1), id(SORTER)));
}

#[test]
fn one_account_is_exported_alone() {
    let (memory, _) = import(vec![Line::Account(Box::new(layout(1))), Line::Account(Box::new(layout(2)))]);
    let lines: Vec<_> = now(memory.export(Some(id(2))).collect());
    assert_eq!(lines.len(), 2);
    assert!(matches!(&lines[1], Ok(Line::Account(layout)) if layout.account.id == id(2)));
    let lines: Vec<_> = now(memory.export(Some(id(3))).collect());
    assert!(matches!(&lines[..], [Err(error)] if error.kind() == ErrorKind::Invalid));
}

#[test]
fn an_item_without_its_add_waits_and_is_decided_like_any_other() {
    let world = World::new();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    let lines = export(&world.memory).into_iter().filter(|line| !matches!(line, Line::Event(_))).collect();
    let (_, ports) = import(lines);
    let lead: IncomingLead = now(ports.incoming.get(&uid)).unwrap().unwrap();
    assert_eq!(lead.uid, uid);
    let twin = now(ports.incoming.add(&incoming_leads_model::Add::calls(vec![draft(call(1))])));
    assert_eq!(twin.unwrap_err().kind(), ErrorKind::Invalid);
    now(ports.incoming.decline(&uid, &incoming_leads_model::Decline::default())).unwrap();
    assert!(now(ports.incoming.get(&uid)).unwrap().is_none());
    let query = SummaryQuery { uids: Some(vec![uid]), ..SummaryQuery::default() };
    let summary = now(ports.incoming.summary(&query)).unwrap();
    assert_eq!((summary.total, summary.declined), (0, Some(1)));
}

#[test]
fn an_id_that_leaves_no_room_is_refused_and_the_highest_is_not() {
    let tag = |number: u64| {
        let row = Tag { id: id(number), name: format!("tag {number}") };
        Line::Tag(Of { account_id: principal(ADMINISTRATOR).account_id, row })
    };
    let memory = Memory::new(Arc::new(ManualClock::new(moment(START))), Arc::new(Ids::sequential()));
    now(memory.import(vec![Line::Account(Box::new(layout(principal(ADMINISTRATOR).account_id.get())))]))
        .unwrap();
    for number in [Floor::HIGHEST + 1, (1 << 53) - 1] {
        let error = now(memory.import(vec![tag(number)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("no room"), "{error}");
    }
    now(memory.import(vec![tag(Floor::HIGHEST)])).unwrap();
    let ports = now(memory.open(principal(ADMINISTRATOR))).unwrap();
    now(ports.incoming.add(&incoming_leads_model::Add::calls(vec![draft(call(1))]))).unwrap();
}
