//! What the further traits promise, and what refusals leave behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line;
use incoming_leads_model::{
    Accept, Add, Cards, Decline, EntityRef, Link, LinkTarget, ListQuery, Moment, More, PageRequest, Refusal,
    Right, SummaryQuery, Uid,
};
use incoming_leads_port::{
    Capabilities, Clock, Cursor, EntityQuery, ErrorKind, Ids, Outcome, Principal, Provision, Registry,
};

use crate::world::{
    ADMINISTRATOR, CUSTOMER, INACTIVE, NOBODY, SORTER, VIEWER, World, call, chat, draft, export, id, layout,
    moment, now, principal, tags_duplicates,
};

fn all() -> PageRequest {
    PageRequest::new(1, 500).unwrap()
}

#[test]
fn clones_share_what_they_hold() {
    let world = World::new();
    let clone = world.memory.clone();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    let ports = now(clone.open(principal(SORTER))).unwrap();
    assert!(now(ports.incoming.get(&uid)).unwrap().is_some());
    now(ports.incoming.accept(&uid, &Accept::default())).unwrap();
    assert!(now(world.ports.incoming.get(&uid)).unwrap().is_none());
}

#[test]
fn it_can_do_everything() {
    assert_eq!(World::new().ports.incoming.capabilities(), Capabilities::ALL);
}

#[test]
fn nobody_comes_into_an_account_that_is_not_theirs() {
    let world = World::new();
    let strangers =
        [principal(INACTIVE), principal(77), Principal { account_id: id(2), user_id: id(ADMINISTRATOR) }];
    for stranger in strangers {
        assert_eq!(now(world.memory.open(stranger)).unwrap_err().kind(), ErrorKind::Unauthorized);
    }
}

#[test]
fn a_foreign_uid_is_as_unknown_as_any() {
    let world = World::new();
    now(world.memory.import(vec![Line::Account(Box::new(layout(2)))])).unwrap();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    let foreign =
        now(world.memory.open(Principal { account_id: id(2), user_id: id(ADMINISTRATOR) })).unwrap();
    assert_eq!(now(foreign.incoming.get(&uid)).unwrap(), None);
    let error = now(foreign.incoming.accept(&uid, &Accept::default())).unwrap_err();
    assert_eq!(error.refusal(), Some(&Refusal::NotFound(uid)));
}

#[test]
fn rights_are_asked_at_each_call() {
    let world = World::new();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    let nobody = world.open(NOBODY);
    let refused = now(nobody.incoming.list(&ListQuery::default())).unwrap_err();
    assert_eq!(refused.refusal(), Some(&Refusal::Forbidden(Right::View)));
    assert_eq!(now(nobody.incoming.get(&uid)).unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(
        now(nobody.incoming.summary(&SummaryQuery::default())).unwrap_err().kind(),
        ErrorKind::Forbidden
    );
    assert_eq!(now(nobody.directory.unwrap().layout()).unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(now(nobody.history.unwrap().events(None, 1)).unwrap_err().kind(), ErrorKind::Forbidden);

    let sorter = world.open(SORTER).incoming;
    let mut layout = layout(1);
    layout.users.iter_mut().for_each(|user| user.is_active = false);
    now(world.memory.import(vec![Line::Account(Box::new(layout))])).unwrap();
    assert_eq!(now(sorter.accept(&uid, &Accept::default())).unwrap_err().kind(), ErrorKind::Forbidden);
}

#[test]
fn what_is_refused_changes_nothing() {
    let world = World::new();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    // Without the header: ids that went to what is refused are gaps.
    let before = export(&world.memory).split_off(1);
    let viewer = world.open(VIEWER).incoming;
    let link = Link { target: LinkTarget::Customer(id(CUSTOMER)), contact_id: None, user_id: None };
    let nobody = Some(id(77));
    let errors = [
        now(viewer.accept(&uid, &Accept::default())).unwrap_err(),
        now(world.ports.incoming.accept(&uid, &Accept { user_id: nobody, status_id: None })).unwrap_err(),
        now(world.ports.incoming.accept(&uid, &Accept { user_id: None, status_id: Some(id(11)) }))
            .unwrap_err(),
        now(world.ports.incoming.decline(&uid, &Decline { user_id: nobody })).unwrap_err(),
        now(world.ports.incoming.decline(&Uid::new("unknown").unwrap(), &Decline::default())).unwrap_err(),
        now(world.ports.incoming.link(&uid, &link)).unwrap_err(),
        world.add(vec![]).unwrap_err(),
        world.add(vec![draft(call(2)), draft(call(1))]).unwrap_err(),
        world.add(vec![draft(call(2)), draft(call(2))]).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.outcome() == Outcome::NotApplied && error.refusal().is_some()));
    assert_eq!(export(&world.memory).split_off(1), before);
}

#[test]
fn entities_are_hidden_until_their_lead_is_accepted() {
    let world = World::new();
    let directory = world.ports.directory.as_ref().unwrap();
    let receipts = world.add(vec![draft(call(1)), draft(call(2))]).unwrap();
    let contacts = |ids: Option<Vec<_>>| {
        let query = ids.map_or_else(|| EntityQuery::listed(all()), EntityQuery::with_ids);
        now(directory.contacts(&query)).unwrap().items
    };
    let [accepted, declined] = [0, 1].map(|place: usize| receipts[place].contacts.clone().unwrap().remove(0));
    assert!(contacts(None).is_empty());
    let both = contacts(Some(vec![declined, accepted, declined]));
    assert_eq!(both.iter().map(|contact| contact.id).collect::<Vec<_>>(), [accepted, declined]);
    assert!(both.iter().all(|contact| contact.is_unsorted));
    // The two leads stand in the "unsorted" status, which lists show, beside the one that was there.
    assert_eq!(now(directory.leads(&EntityQuery::listed(all()))).unwrap().items.len(), 3);

    now(world.ports.incoming.accept(&receipts[0].uid, &Accept::default())).unwrap();
    now(world.ports.incoming.decline(&receipts[1].uid, &Decline::default())).unwrap();
    assert_eq!(contacts(None).iter().map(|contact| contact.id).collect::<Vec<_>>(), [accepted]);
    assert!(contacts(Some(vec![declined]))[0].stamp.is_deleted);
    assert_eq!(now(directory.leads(&EntityQuery::listed(all()))).unwrap().items.len(), 2);
    assert_eq!(now(directory.companies(&EntityQuery::listed(all()))).unwrap().items.len(), 1);
}

#[test]
fn entities_come_in_pages_by_id() {
    let world = World::new();
    world.add((1..=5).map(|key| draft(call(key))).collect()).unwrap();
    let directory = world.ports.directory.as_ref().unwrap();
    let page =
        |number| now(directory.leads(&EntityQuery::listed(PageRequest::new(number, 4).unwrap()))).unwrap();
    let (first, second, third) = (page(1), page(2), page(3));
    assert_eq!((first.items.len(), first.more), (4, More::Yes));
    assert_eq!((second.items.len(), second.more), (2, More::No));
    assert_eq!((third.items.len(), third.more), (0, More::No));
    let ids: Vec<_> = first.items.iter().chain(&second.items).map(|lead| lead.id.get()).collect();
    assert!(ids.is_sorted());
}

#[test]
fn bodies_are_told_when_asked_for() {
    let world = World::new();
    world.add(vec![draft(call(1))]).unwrap();
    let list =
        |cards| now(world.ports.incoming.list(&ListQuery { cards, ..ListQuery::default() })).unwrap().items;
    let without = list(Cards::Omit).remove(0);
    assert!(without.leads.unwrap()[0].card.is_none());
    let with = list(Cards::Include).remove(0);
    assert_eq!(with.leads.unwrap()[0].card.as_ref().unwrap().card.name.as_deref(), Some("lead"));
    assert_eq!(with.contacts.unwrap()[0].card.as_ref().unwrap().card.name.as_deref(), Some("contact"));
    assert_eq!(with.companies.unwrap()[0].card.as_ref().unwrap().card.tags.len(), 1);
}

#[test]
fn notes_are_told_by_id() {
    let world = World::new();
    let mut call = draft(call(1));
    let note =
        |text: &str| incoming_leads_model::NoteDraft { text: Some(text.to_owned()), ..Default::default() };
    call.leads[0].notes = vec![note("a"), note("b"), note("c")];
    let lead = world.add(vec![call]).unwrap().remove(0).leads.unwrap()[0];
    let notes =
        now(world.ports.directory.unwrap().notes(EntityRef::Lead(lead), PageRequest::new(1, 2).unwrap()));
    let notes = notes.unwrap();
    assert_eq!(
        notes.items.iter().map(|note| note.params["text"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(notes.more, More::Yes);
}

#[test]
fn a_uid_that_is_named_twice_counts_once() {
    let world = World::new();
    let uid = world.add(vec![draft(call(1))]).unwrap().remove(0).uid;
    now(world.ports.incoming.accept(&uid, &Accept::default())).unwrap();
    let query = SummaryQuery { uids: Some(vec![uid.clone(), uid]), ..SummaryQuery::default() };
    let summary = now(world.ports.incoming.summary(&query)).unwrap();
    assert_eq!((summary.total, summary.accepted), (1, 1));
}

#[test]
fn a_further_message_makes_a_new_version() {
    let world = World::new();
    let versioned = world.ports.versioned.as_ref().unwrap();
    let uid = world.take_in(draft(chat(1))).unwrap().uid;
    world.clock.advance_secs(5);
    assert_eq!(world.take_in(draft(chat(1))).unwrap().uid, uid);
    let versions = now(versioned.versions(&ListQuery::default())).unwrap().items;
    assert_eq!(versions.iter().map(|item| (&item.uid, item.version)).collect::<Vec<_>>(), [(&uid, 2)]);
    let items = now(versioned.items(&[Uid::new("unknown").unwrap(), uid.clone()])).unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].0, items[0].1.updated_at), (2, Some(moment(crate::world::START + 5))));
    now(world.ports.incoming.decline(&uid, &Decline::default())).unwrap();
    assert!(now(versioned.items(&[uid])).unwrap().is_empty());
}

#[test]
fn identical_leads_are_tagged_where_the_policy_says_so() {
    let world = World::with_policies(tags_duplicates());
    world.add(vec![draft(call(1))]).unwrap();
    world.add(vec![draft(call(1)), draft(call(1))]).unwrap();
    let query = ListQuery { cards: Cards::Include, ..ListQuery::default() };
    for lead in now(world.ports.incoming.list(&query)).unwrap().items {
        let card = lead.leads.unwrap().remove(0).card.unwrap().card;
        assert!(card.tags.iter().any(|tag| tag.name.as_deref() == Some("duplicate")), "{card:?}");
    }
}

#[test]
fn a_cursor_goes_on_where_the_last_stretch_ended() {
    let world = World::new();
    let history = world.ports.history.as_ref().unwrap();
    let mut cursor = None;
    let mut seen = 0;
    for round in 0..200 {
        world.add(vec![draft(call(0))]).unwrap();
        if round % 3 == 0 {
            let stretch = now(history.events(cursor.as_ref(), 2)).unwrap();
            seen += stretch.events.len();
            cursor = Some(stretch.next);
        }
    }
    let rest = now(history.events(cursor.as_ref(), u32::MAX)).unwrap();
    assert_eq!(seen + rest.events.len(), 200);
    let nothing = now(history.events(Some(&rest.next), 0)).unwrap();
    assert_eq!((nothing.events.len(), &nothing.next), (0, &rest.next));
}

#[test]
fn a_cursor_of_another_store_is_refused() {
    let (world, other) = (World::new(), World::new());
    let foreign = now(other.ports.history.unwrap().events(None, 1)).unwrap().next;
    let own = now(world.ports.history.as_ref().unwrap().events(None, 1)).unwrap().next;
    let beyond = own.as_str().replace("-0", "-1");
    for text in [
        "",
        "-",
        "1",
        "0-0",
        foreign.as_str(),
        &beyond,
        &format!("{}0", own.as_str()),
        "x-99999999999999999999",
    ] {
        let error =
            now(world.ports.history.as_ref().unwrap().events(Some(&Cursor::new(text)), 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{text}");
    }
}

#[test]
fn debug_output_tells_no_data() {
    let world = World::new();
    let shown = format!("{:?} {:?}", world.memory, world.ports);
    assert!(shown.contains("Memory") && !shown.contains("example.com"), "{shown}");
}

/// A clock that stands still, and breaks when it is told to.
#[derive(Debug, Default)]
struct Fragile(AtomicBool);

impl Clock for Fragile {
    fn now(&self) -> Moment {
        assert!(!self.0.load(Ordering::Relaxed), "the clock is broken");
        Moment::MIN
    }
}

#[test]
fn what_broke_off_in_the_middle_is_damaged_and_nothing_more_is_begun() {
    let clock = Arc::new(Fragile::default());
    let memory = Memory::new(clock.clone(), Arc::new(Ids::sequential()));
    now(memory.import(vec![Line::Account(Box::new(layout(1)))])).unwrap();
    let incoming = now(memory.open(principal(ADMINISTRATOR))).unwrap().incoming;
    let add = Add::calls(vec![draft(call(1))]);
    clock.0.store(true, Ordering::Relaxed);
    catch_unwind(AssertUnwindSafe(|| now(incoming.add(&add)))).unwrap_err();
    clock.0.store(false, Ordering::Relaxed);
    let error = now(incoming.add(&add)).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Damaged, Outcome::NotApplied));
    assert_eq!(now(incoming.list(&ListQuery::default())).unwrap_err().kind(), ErrorKind::Damaged);
}
