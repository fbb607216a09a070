//! How incoming leads are decided: R7 to R11.

use incoming_leads_model::*;
use serde_json::{Value, json};

use super::check;
use crate::world::*;

const LINK: Link = Link { target: LinkTarget::Lead(live()), contact_id: None, user_id: None };

const fn live() -> LeadId {
    match LeadId::new(LIVE) {
        Ok(id) => id,
        Err(_) => panic!("it is an id"),
    }
}

fn with_call() -> (World, Uid) {
    let mut world = World::new();
    let uid = world.bring(call(1)).unwrap().uid;
    (world, uid)
}

fn with_chat() -> (World, Uid) {
    let mut world = World::new();
    let uid = world.take_in(SORTER, chat("1")).unwrap().uid;
    (world, uid)
}

/// Whatever is tried on it: not found.
#[track_caller]
fn is_gone(mut world: World, uid: &Uid) {
    let before = world.clone();
    let gone = Refusal::NotFound(uid.clone());
    assert_eq!(world.accept(ADMINISTRATOR, uid, Accept::default()).unwrap_err(), gone);
    assert_eq!(world.decline(ADMINISTRATOR, uid, Decline::default()).unwrap_err(), gone);
    assert_eq!(world.link(ADMINISTRATOR, uid, LINK).unwrap_err(), gone);
    assert_eq!(world, before);
    assert!(!world.stage.contains_key(uid));
}

// R7

#[test]
fn unknown_uid_is_not_found() {
    is_gone(World::new(), &Uid::compose(at(0), 0, [0; 20]));
}

#[test]
fn accepted_lead_refuses_every_command() {
    let (mut world, uid) = with_call();
    world.accept(SORTER, &uid, Accept::default()).unwrap();
    is_gone(world, &uid);
}

#[test]
fn declined_lead_refuses_every_command() {
    let (mut world, uid) = with_call();
    world.decline(SORTER, &uid, Decline::default()).unwrap();
    is_gone(world, &uid);
}

#[test]
fn linked_lead_refuses_every_command() {
    let (mut world, uid) = with_chat();
    world.link(ADMINISTRATOR, &uid, LINK).unwrap();
    is_gone(world, &uid);
}

#[test]
fn decision_is_not_found_before_its_details_are_wrong() {
    let uid = Uid::compose(at(0), 0, [0; 20]);
    let wrong = Accept { user_id: Some(id(99)), status_id: Some(id(99)) };
    assert_eq!(World::new().accept(SORTER, &uid, wrong).unwrap_err(), Refusal::NotFound(uid));
}

#[test]
fn named_user_and_caller_are_both_recorded() {
    let (world, uid) = with_chat();
    let user_id = Some(id(VIEWER));
    let events = [
        world.clone().accept(ADMINISTRATOR, &uid, Accept { user_id, status_id: None }).unwrap(),
        world.clone().decline(ADMINISTRATOR, &uid, Decline { user_id }).unwrap(),
        world.clone().link(ADMINISTRATOR, &uid, Link { user_id, ..LINK }).unwrap(),
    ];
    for event in events {
        assert_eq!((event.by, event.on_behalf_of), (id(ADMINISTRATOR), id(VIEWER)));
    }
    let event = world.clone().decline(SORTER, &uid, Decline::default()).unwrap();
    assert_eq!((event.by, event.on_behalf_of), (id(SORTER), id(SORTER)));
}

#[test]
fn unknown_or_inactive_user_cannot_be_named() {
    let (mut world, uid) = with_chat();
    let before = world.clone();
    for user in [99, LEFT] {
        let user_id = Some(id(user));
        let expected = ["user_id: NotSupportedChoice"];
        check(
            &world.accept(ADMINISTRATOR, &uid, Accept { user_id, status_id: None }).unwrap_err(),
            &expected,
        );
        check(&world.decline(ADMINISTRATOR, &uid, Decline { user_id }).unwrap_err(), &expected);
        let refusal = world.link(ADMINISTRATOR, &uid, Link { user_id, ..LINK }).unwrap_err();
        check(&refusal, &expected);
        assert_eq!(refusal.to_string(), format!("user_id: {user} is no active user of the account"));
    }
    assert_eq!(world, before);
}

// R8

#[test]
fn accepting_moves_the_lead_and_shows_contact_and_company() {
    let (mut world, uid) = with_call();
    world.now = at(2_000);
    let accept = Accept { user_id: Some(id(VIEWER)), status_id: None };
    let event = world.accept(SORTER, &uid, accept).unwrap();
    let (lead, contact, company) =
        (&world.leads[&id(100)], &world.contacts[&id(100)], &world.companies[&id(100)]);
    assert_eq!((lead.status_id, lead.pipeline_id, lead.closed_at), (id(FIRST), id(SALES), None));
    assert_eq!([lead.is_unsorted, contact.is_unsorted, company.is_unsorted], [false; 3]);
    assert_eq!([lead.is_listed(), contact.is_listed(), company.is_listed()], [true; 3]);
    for stamp in [lead.stamp, contact.stamp, company.stamp] {
        assert_eq!((stamp.created_by, stamp.updated_by), (Some(id(VIEWER)), Some(id(SORTER))));
        assert_eq!((stamp.created_at, stamp.updated_at), (at(1_000), at(2_000)));
    }
    assert_eq!(
        *world.state(&uid),
        State::Accepted { at: at(2_000), by: id(SORTER), status_id: Some(id(FIRST)) }
    );
    assert!(world.notes.is_empty());
    let receipt = event.receipt();
    assert_eq!((receipt.leads, receipt.contacts), (Some(vec![id(100)]), Some(vec![id(100)])));
    assert_eq!((receipt.companies, receipt.created_at), (Some(vec![id(100)]), Some(at(1_000))));
}

#[test]
fn accepting_takes_any_status_of_the_pipeline_but_unsorted() {
    let (world, uid) = with_call();
    let accept = |status: u64| Accept { user_id: None, status_id: Some(id(status)) };
    for (status, closed_at) in [(30, None), (142, Some(at(1_000))), (143, Some(at(1_000)))] {
        let mut world = world.clone();
        world.accept(SORTER, &uid, accept(status)).unwrap();
        let lead = &world.leads[&id(100)];
        assert_eq!((lead.status_id, lead.closed_at), (id(status), closed_at));
    }
    // Unsorted, of another pipeline, of none.
    for status in [UNSORTED, 21, 99] {
        let refusal = world.clone().accept(SORTER, &uid, accept(status)).unwrap_err();
        check(&refusal, &["status_id: NotSupportedChoice"]);
    }
}

#[test]
fn accepting_tells_all_that_is_wrong() {
    let (mut world, uid) = with_call();
    let wrong = Accept { user_id: Some(id(99)), status_id: Some(id(99)) };
    let refusal = world.accept(SORTER, &uid, wrong).unwrap_err();
    check(&refusal, &["user_id: NotSupportedChoice", "status_id: NotSupportedChoice"]);
}

#[test]
fn pipeline_without_further_status_takes_won_and_lost_by_name_only() {
    let mut world = World::new();
    let uid = world.bring(Draft { pipeline_id: Some(id(5)), ..call(1) }).unwrap().uid;
    let refusal = world.accept(SORTER, &uid, Accept::default()).unwrap_err();
    check(&refusal, &["status_id: NotSupportedChoice"]);
    world.accept(SORTER, &uid, Accept { user_id: None, status_id: Some(StatusId::WON) }).unwrap();
}

#[test]
fn lead_of_a_pipeline_that_is_gone_can_still_be_won_lost_or_declined() {
    let (mut world, uid) = with_call();
    world.layout.pipelines.clear();
    let accept = |status_id| Accept { user_id: None, status_id };
    for status in [None, Some(id(FIRST))] {
        let refusal = world.clone().accept(SORTER, &uid, accept(status)).unwrap_err();
        check(&refusal, &["status_id: NotSupportedChoice"]);
    }
    for status in [StatusId::WON, StatusId::LOST] {
        world.clone().accept(SORTER, &uid, accept(Some(status))).unwrap();
    }
    world.decline(SORTER, &uid, Decline::default()).unwrap();
}

#[test]
fn first_status_is_the_lowest_that_is_neither_unsorted_nor_closed() {
    let mut pipeline = layout().pipelines.remove(0);
    assert_eq!(pipeline.first_status(), Some(id(FIRST)));
    pipeline.statuses.retain(|status| status.id != id(FIRST));
    assert_eq!(pipeline.first_status(), Some(id(30)));
    // Of two at the same place, the smaller id.
    pipeline.statuses.push(Status { id: id(29), ..pipeline.statuses[0].clone() });
    assert_eq!(pipeline.first_status(), Some(id(29)));
    pipeline.statuses.retain(|status| [143, UNSORTED].map(id).contains(&status.id));
    pipeline.statuses.push(Status { id: StatusId::WON, ..pipeline.statuses[0].clone() });
    assert_eq!(pipeline.first_status(), None);
}

#[test]
fn accepting_leaves_an_existing_lead_where_it_is() {
    let mut world = World::new();
    let mut draft = with_existing_entities(call(1));
    draft.companies.clear();
    let uid = world.bring(draft).unwrap().uid;
    let accepted = |status_id| {
        let mut world = world.clone();
        world.accept(SORTER, &uid, Accept { user_id: None, status_id }).unwrap();
        world
    };
    let stayed = accepted(None);
    let lead = &stayed.leads[&id(LIVE)];
    assert_eq!((lead.status_id, lead.stamp.created_by), (id(30), None));
    assert_eq!((&lead.contacts[..], lead.company), (&[id(LIVE)][..], None));
    assert_eq!(*stayed.state(&uid), State::Accepted { at: at(1_000), by: id(SORTER), status_id: None });
    // An existing contact keeps its creator too.
    assert_eq!(stayed.contacts[&id(LIVE)], world.contacts[&id(LIVE)]);
    assert_eq!(accepted(Some(id(FIRST))).leads[&id(LIVE)].status_id, id(FIRST));
}

#[test]
fn accepting_joins_what_was_made_to_an_existing_lead() {
    let lead = LeadDraft { id: Some(id(LIVE)), ..LeadDraft::default() };
    let joined = |draft: Draft| {
        let mut world = World::new();
        let uid = world.bring(Draft { leads: vec![lead.clone()], ..draft }).unwrap().uid;
        world.accept(SORTER, &uid, Accept::default()).unwrap();
        let lead = world.leads[&id(LIVE)].clone();
        (lead.contacts, lead.company)
    };
    assert_eq!(joined(call(1)), (vec![id(100)], Some(id(100))));
    assert_eq!(joined(Draft { contacts: vec![], ..call(1) }), (vec![], Some(id(100))));
    assert_eq!(joined(Draft { contacts: vec![], companies: vec![], ..call(1) }), (vec![], None));
}

#[test]
fn call_note_is_put_on_lead_and_contact_when_it_is_wished_for() {
    let notes = |call_event: Value| {
        let mut world = World::new();
        let call = json!({
            "from": "A", "phone": "2", "duration": 54, "link": "http://example.com/1", "service_code": "s",
            "uniq": [1], "call_responsible": "Ann", "call_event": call_event,
        });
        let uid = world.bring(draft(json!({"sip": call}))).unwrap().uid;
        world.accept(SORTER, &uid, Accept { user_id: Some(id(VIEWER)), status_id: None }).unwrap();
        world.notes.into_values().collect::<Vec<_>>()
    };
    assert_eq!(notes(Value::Null), []);
    assert_eq!(notes(json!("unwanted")), []);
    let plain = notes(json!("plain"));
    assert_eq!(
        plain.iter().map(|note| note.entity).collect::<Vec<_>>(),
        [EntityRef::Lead(id(100)), EntityRef::Contact(id(100))]
    );
    let mut params = json!({
        "uniq": [1], "duration": 54, "source": "s", "link": "http://example.com/1", "phone": "2",
        "call_responsible": "Ann",
    });
    for note in &plain {
        assert_eq!(
            (note.kind.as_str(), note.created_by, note.created_at),
            ("call_in", Some(id(VIEWER)), at(1_000))
        );
        assert_eq!(Value::Object(note.params.clone()), params);
    }
    params["text"] = json!("We agreed");
    let worded = notes(json!({"text": "We agreed"}));
    assert_eq!(worded.len(), 2);
    assert_eq!(Value::Object(worded[0].params.clone()), params);
}

#[test]
fn call_note_without_a_contact_is_put_on_the_lead_alone() {
    let mut world = World::new();
    let mut draft = draft(json!({"sip": {"call_event": "plain"}}));
    draft.contacts.clear();
    let uid = world.bring(draft).unwrap().uid;
    world.accept(SORTER, &uid, Accept::default()).unwrap();
    let notes: Vec<_> = world.notes.values().collect();
    assert_eq!((notes.len(), notes[0].entity, notes[0].params.len()), (1, EntityRef::Lead(id(100)), 0));
}

#[test]
fn wish_for_a_call_note_is_read_as_clients_send_it() {
    let plain = [json!(true), json!("true"), json!("1"), json!(1), json!(0.5), json!(-1)];
    for flag in plain {
        assert_eq!(CallEvent::read(&flag), Some(CallEvent::Plain), "{flag}");
    }
    let unwanted =
        [json!(false), json!("false"), json!(0), json!(0.0), json!("0"), json!(""), json!([1]), json!({})];
    for flag in unwanted {
        assert_eq!(CallEvent::read(&flag), Some(CallEvent::Unwanted), "{flag}");
    }
    assert_eq!(CallEvent::read(&json!("Call me")), Some(CallEvent::Text("Call me".to_owned())));
    assert_eq!(CallEvent::read(&Value::Null), None);
}

// R9

#[test]
fn declining_puts_lead_contact_and_company_into_the_bin() {
    let (mut world, uid) = with_call();
    world.now = at(2_000);
    let event = world.decline(SORTER, &uid, Decline::default()).unwrap();
    let (lead, contact, company) =
        (&world.leads[&id(100)], &world.contacts[&id(100)], &world.companies[&id(100)]);
    for stamp in [lead.stamp, contact.stamp, company.stamp] {
        assert_eq!((stamp.is_deleted, stamp.created_by), (true, Some(id(ADMINISTRATOR))));
        assert_eq!((stamp.updated_by, stamp.updated_at), (Some(id(SORTER)), at(2_000)));
    }
    assert_eq!([lead.is_unsorted, contact.is_unsorted, company.is_unsorted], [false; 3]);
    assert_eq!([lead.is_listed(), contact.is_listed(), company.is_listed()], [false; 3]);
    assert_eq!(*world.state(&uid), State::Declined { at: at(2_000), by: id(SORTER) });
    assert_eq!(event.receipt().contacts, Some(vec![id(100)]));
}

#[test]
fn declining_leaves_existing_entities_alone() {
    let mut world = World::new();
    let before = world.clone();
    let uid = world.bring(with_existing_entities(call(1))).unwrap().uid;
    world.decline(SORTER, &uid, Decline::default()).unwrap();
    assert_eq!(
        (world.leads, world.contacts, world.companies),
        (before.leads, before.contacts, before.companies)
    );
}

// R10

#[test]
fn linking_to_a_lead_joins_contact_and_company_and_bins_the_own_lead() {
    let (mut world, uid) = with_chat();
    world.now = at(2_000);
    let event = world.link(ADMINISTRATOR, &uid, LINK).unwrap();
    let target = &world.leads[&id(LIVE)];
    assert_eq!((&target.contacts[..], target.company), (&[id(100)][..], Some(id(100))));
    assert_eq!((target.status_id, target.stamp.updated_by), (id(30), Some(id(ADMINISTRATOR))));
    assert!(world.leads[&id(100)].stamp.is_deleted);
    assert!(world.contacts[&id(100)].is_listed() && world.companies[&id(100)].is_listed());
    assert_eq!(world.contacts[&id(100)].stamp.created_by, Some(id(ADMINISTRATOR)));
    let state = State::Linked { at: at(2_000), by: id(ADMINISTRATOR), target: LINK.target };
    assert_eq!(*world.state(&uid), state);
    let receipt = event.receipt();
    assert_eq!((receipt.leads, receipt.customers), (Some(vec![id(LIVE)]), Some(vec![])));
    assert_eq!((receipt.contacts, receipt.companies), (Some(vec![]), Some(vec![])));
}

#[test]
fn linking_to_a_customer_joins_it() {
    let (mut world, uid) = with_chat();
    let link = Link { target: LinkTarget::Customer(id(LIVE)), ..LINK };
    let event = world.link(ADMINISTRATOR, &uid, link).unwrap();
    let customer = &world.customers[&id(LIVE)];
    assert!(customer.is_listed());
    assert_eq!((&customer.contacts[..], customer.company), (&[id(100)][..], Some(id(100))));
    assert_eq!((customer.stamp.updated_by, customer.stamp.updated_at), (Some(id(ADMINISTRATOR)), at(1_000)));
    let receipt = event.receipt();
    assert_eq!((receipt.leads, receipt.customers), (Some(vec![]), Some(vec![id(LIVE)])));
}

#[test]
fn customer_in_the_bin_is_in_no_list_and_no_target() {
    let (mut world, uid) = with_chat();
    let customer = world.customers.get_mut(&id(LIVE)).unwrap();
    customer.stamp.is_deleted = true;
    assert!(!customer.is_listed());
    let link = Link { target: LinkTarget::Customer(id(LIVE)), ..LINK };
    check(&world.link(ADMINISTRATOR, &uid, link).unwrap_err(), &["target: NotSupportedChoice"]);
}

#[test]
fn named_contact_absorbs_the_incoming_one() {
    let mut world = World::new();
    world.layout.fields.push(Field {
        id: id(3),
        entity: EntityKind::Contact,
        name: "City".to_owned(),
        code: None,
        field_type: "text".to_owned(),
        choices: vec![],
    });
    let body = json!({
        "first_name": "Ann", "last_name": "Bee",
        "card": {
            "name": "Ann Bee",
            "responsible_user_id": 5,
            "custom_fields": [
                {"field": {"code": "PHONE"}, "values": [{"value": "1"}, {"value": "2"}]},
                {"field": {"id": 3}, "values": [{"value": "Paris"}]},
            ],
            "tags": [{"name": "old"}, {"name": "new"}],
            "further": {"a": 1, "b": 2},
        },
    });
    let mut draft = chat("1");
    draft.contacts = vec![serde_json::from_value(body).unwrap()];
    let old = Tag { id: id(5), name: "old".to_owned() };
    let own = json!({
        "name": "Own name",
        "custom_fields": [{"field": {"code": "PHONE"}, "values": [{"value": "2"}, {"value": "3"}]}],
        "tags": [{"id": 5, "name": "old"}],
        "further": {"b": 3},
    });
    let contact = world.contacts.get_mut(&id(LIVE)).unwrap();
    contact.last_name = Some("Own".to_owned());
    contact.card = serde_json::from_value(own).unwrap();
    world.tags.insert(old.id, old);
    let uid = world.take_in(SORTER, draft).unwrap().uid;
    world.now = at(2_000);
    let event = world.link(ADMINISTRATOR, &uid, Link { contact_id: Some(id(LIVE)), ..LINK }).unwrap();

    let contact = &world.contacts[&id(LIVE)];
    assert_eq!((contact.first_name.as_deref(), contact.last_name.as_deref()), (Some("Ann"), Some("Own")));
    assert_eq!(contact.company, Some(id(100)));
    assert_eq!((contact.stamp.updated_by, contact.stamp.updated_at), (Some(id(ADMINISTRATOR)), at(2_000)));
    let card = json!({
        "name": "Own name",
        "responsible_user_id": 5,
        "custom_fields": [
            {"field": {"code": "PHONE"}, "values": [{"value": "2"}, {"value": "3"}, {"value": "1"}]},
            {"field": {"id": 3}, "values": [{"value": "Paris"}]},
        ],
        "tags": [{"id": 5, "name": "old"}, {"id": 100, "name": "new"}],
        "further": {"a": 1, "b": 3},
    });
    assert_eq!(serde_json::to_value(&contact.card).unwrap(), card);
    assert!(world.contacts[&id(100)].stamp.is_deleted);
    assert!(world.companies[&id(100)].is_listed());
    assert_eq!(world.leads[&id(LIVE)].contacts, [id(LIVE)]);
    assert_eq!(event.receipt().contacts, Some(vec![id(LIVE)]));
}

#[test]
fn linking_leaves_existing_entities_visible() {
    let mut world = World::new();
    let mut chat = with_existing_entities(chat("1"));
    chat.leads.clear();
    let uid = world.take_in(SORTER, chat).unwrap().uid;
    world.link(ADMINISTRATOR, &uid, Link { contact_id: Some(id(LIVE)), ..LINK }).unwrap();
    assert!(world.contacts[&id(LIVE)].is_listed() && world.companies[&id(LIVE)].is_listed());
    assert_eq!(world.leads[&id(LIVE)].contacts, [id(LIVE)]);
    assert_eq!(world.leads[&id(LIVE)].company, Some(id(LIVE)));
}

#[test]
fn named_contact_joins_where_the_chat_has_none() {
    let mut world = World::new();
    let uid = world.take_in(SORTER, Draft { contacts: vec![], companies: vec![], ..chat("1") }).unwrap().uid;
    world.link(ADMINISTRATOR, &uid, Link { contact_id: Some(id(LIVE)), ..LINK }).unwrap();
    assert_eq!(world.leads[&id(LIVE)].contacts, [id(LIVE)]);
    assert_eq!(world.leads[&id(LIVE)].company, None);
}

#[test]
fn joining_twice_or_with_another_company_changes_neither() {
    let mut world = World::new();
    let uids = ["1", "2"].map(|chat_id| {
        let contact = ContactDraft { id: Some(id(LIVE)), ..ContactDraft::default() };
        world.take_in(SORTER, Draft { contacts: vec![contact], ..chat(chat_id) }).unwrap().uid
    });
    for uid in &uids {
        world.link(ADMINISTRATOR, uid, LINK).unwrap();
    }
    let target = &world.leads[&id(LIVE)];
    assert_eq!((&target.contacts[..], target.company), (&[id(LIVE)][..], Some(id(100))));
}

#[test]
fn only_chats_can_be_linked_unless_the_account_links_mails_too() {
    let linked = |policy: LinkPolicy| {
        let mut world = World::new();
        world.layout.policies.linkable = policy;
        let uids = [
            world.bring(call(1)).unwrap().uid,
            world.bring(form(1)).unwrap().uid,
            world.take_in(SORTER, chat("1")).unwrap().uid,
            world.take_in(SORTER, mail("1")).unwrap().uid,
        ];
        uids.map(|uid| match world.link(ADMINISTRATOR, &uid, LINK) {
            Ok(_) => "linked".to_owned(),
            Err(refusal) => refusal.to_string(),
        })
    };
    assert_eq!(
        linked(LinkPolicy::Chats),
        [
            "category: this is of category sip; only chats can be linked",
            "category: this is of category forms; only chats can be linked",
            "linked",
            "category: this is of category mail; only chats can be linked",
        ]
    );
    assert_eq!(
        linked(LinkPolicy::ChatsAndMail),
        [
            "category: this is of category sip; only chats and mails can be linked",
            "category: this is of category forms; only chats and mails can be linked",
            "linked",
            "linked",
        ]
    );
}

#[test]
fn target_and_contact_must_be_live() {
    let (mut world, uid) = with_chat();
    let binned = world.bring(call(2)).unwrap().uid;
    world.decline(SORTER, &binned, Decline::default()).unwrap();
    let before = world.clone();
    for (number, why) in
        [(100, "belongs to an incoming lead that waits"), (1_100, "lies in the bin"), (77, "is not there")]
    {
        let link = Link { target: LinkTarget::Lead(id(number)), contact_id: Some(id(number)), user_id: None };
        let refusal = world.link(ADMINISTRATOR, &uid, link).unwrap_err();
        check(&refusal, &["target: NotSupportedChoice", "contact_id: NotSupportedChoice"]);
        assert_eq!(refusal.to_string(), format!("target: lead {number} {why}; contact_id: {number} {why}"));
    }
    let link = Link { target: LinkTarget::Customer(id(77)), user_id: Some(id(99)), ..LINK };
    let refusal = world.link(ADMINISTRATOR, &uid, link).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "target: customer 77 is not there; user_id: 99 is no active user of the account"
    );
    assert_eq!(world, before);
}

// R11

#[test]
fn missing_right_is_told_as_such_before_all_else() {
    let (mut world, uid) = with_chat();
    let before = world.clone();
    for user in [VIEWER, LEFT, 99] {
        let add = Add::calls(vec![]);
        assert_eq!(world.add(user, &add).unwrap_err(), Refusal::Forbidden(Right::Add));
        assert_eq!(world.take_in(user, Draft::default()).unwrap_err(), Refusal::Forbidden(Right::Add));
        assert_eq!(world.accept(user, &uid, Accept::default()).unwrap_err(), Refusal::Forbidden(Right::Sort));
        assert_eq!(
            world.decline(user, &uid, Decline::default()).unwrap_err(),
            Refusal::Forbidden(Right::Sort)
        );
    }
    for user in [SORTER, VIEWER, LEFT, 99] {
        assert_eq!(world.link(user, &uid, LINK).unwrap_err(), Refusal::Forbidden(Right::Administrate));
    }
    assert_eq!(world, before);
}

#[test]
fn rights_permit_what_they_say_and_administrators_all() {
    let rights = [Right::View, Right::Add, Right::Sort, Right::Administrate];
    let permitted = |of: Rights| rights.map(|right| of.permit(right));
    assert_eq!(permitted(Rights::NONE), [false; 4]);
    assert_eq!(permitted(Rights::VIEWER), [true, false, false, false]);
    assert_eq!(permitted(Rights { add: true, ..Rights::NONE }), [false, true, false, false]);
    assert_eq!(permitted(Rights { sort: true, ..Rights::NONE }), [false, false, true, false]);
    assert_eq!(permitted(Rights::SORTER), [true, true, true, false]);
    assert_eq!(permitted(Rights { administrate: true, ..Rights::NONE }), [true; 4]);
    assert_eq!(permitted(Rights::ADMINISTRATOR), [true; 4]);
}

#[test]
fn refusals_say_what_is_missing() {
    let told = |right| Refusal::Forbidden(right).to_string();
    assert_eq!(told(Right::View), "the right to view incoming leads is missing");
    assert_eq!(told(Right::Add), "the right to add incoming leads is missing");
    assert_eq!(told(Right::Sort), "the right to accept and decline incoming leads is missing");
    assert_eq!(told(Right::Administrate), "the right to administrate is missing");
    let uid = Uid::new("a").unwrap();
    assert_eq!(Refusal::NotFound(uid).to_string(), "no incoming lead with the uid a waits here");
    let items = vec![ItemFaults {
        index: 3,
        faults: vec![
            Fault::new(FaultCode::TooFew, Path::root(), "none"),
            Fault::new(FaultCode::InvalidType, Path::of("leads").index(0).key("id"), "no"),
        ],
    }];
    assert_eq!(
        Refusal::Items(items).to_string(),
        "1 of the items are refused, the first, number 3: none; leads.0.id: no"
    );
    assert_eq!(Refusal::Items(vec![]).to_string(), "0 of the items are refused, the first, number 0: ");
}
