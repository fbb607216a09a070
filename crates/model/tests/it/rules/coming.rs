//! How incoming leads come in: R1 to R6, R15, R16.

use incoming_leads_model::lifecycle::DUPLICATE_TAG;
use incoming_leads_model::*;
use serde_json::json;

use super::places;
use crate::world::*;

/// The draft, changed.
fn but(mut draft: Draft, change: impl FnOnce(&mut Draft)) -> Draft {
    change(&mut draft);
    draft
}

fn contact(body: serde_json::Value) -> Draft {
    but(call(1), |draft| draft.contacts = vec![serde_json::from_value(body).unwrap()])
}

fn added(event: &Event) -> &lifecycle::Added {
    match &event.kind {
        EventKind::Added(added) => added,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(draft: Draft, expected: &[&str]) -> Vec<Fault> {
    refused_by(&mut World::new(), draft, expected)
}

#[track_caller]
fn refused_by(world: &mut World, draft: Draft, expected: &[&str]) -> Vec<Fault> {
    let before = world.clone();
    let faults = world.bring(draft).unwrap_err();
    assert_eq!(places(&faults), expected);
    assert_eq!(*world, before);
    faults
}

// R1

#[test]
fn category_follows_from_the_metadata() {
    for category in Category::ALL {
        assert_eq!(Metadata::empty(category).category(), category);
        assert_eq!(Category::from_name(category.as_str()), Some(category));
        assert_eq!(Category::ALL[category.index()], category);
        assert_eq!(category.to_string(), category.as_str());
    }
    assert_eq!(Category::ALL.map(Category::as_str), ["sip", "forms", "chats", "mail"]);
    assert_eq!(Category::from_name("chat"), None);
}

// R2

#[test]
fn calls_and_forms_are_added_each_by_its_own_door() {
    let mut world = World::new();
    let sip = world.add(SORTER, &Add::calls(vec![call(1)])).unwrap();
    let forms = world.add(SORTER, &Add::forms(vec![form(1)])).unwrap();
    assert_eq!([sip[0].category, forms[0].category], [Category::Sip, Category::Forms]);
}

#[test]
fn metadata_of_another_category_are_refused_once_and_whole() {
    let mut world = World::new();
    world.layout.policies.required = RequiredPolicy::Documented;
    for draft in [form(1), chat("1"), mail("1")] {
        refused_add(&mut world, &Add::calls(vec![draft]), &["0 metadata: InvalidType"]);
    }
    refused_add(&mut world, &Add::forms(vec![call(1)]), &["0 metadata: InvalidType"]);
    for draft in [call(1), form(1)] {
        super::check(&world.take_in(SORTER, draft).unwrap_err(), &["metadata: InvalidType"]);
    }
}

#[test]
fn items_of_another_category_are_found_before_anything_is_sent() {
    let add = Add::calls(vec![call(1), form(1), Draft::default(), chat("1")]);
    let Err(Refusal::Items(items)) = add.check_categories() else { panic!("they are taken") };
    assert_eq!(items.iter().map(|item| item.index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(places(&items[1].faults), ["metadata: InvalidType"]);
    assert_eq!(items[1].faults[0].detail, "metadata of the category chats are not taken here");
    assert_eq!(Add::forms(vec![form(1), Draft::default()]).check_categories(), Ok(()));
}

#[track_caller]
fn refused_add(world: &mut World, add: &Add, expected: &[&str]) {
    let Err(Refusal::Items(items)) = world.add(SORTER, add) else { panic!("it is taken") };
    let told: Vec<_> = items
        .iter()
        .flat_map(|item| places(&item.faults).into_iter().map(|place| format!("{} {place}", item.index)))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn chats_and_mails_are_taken_in_without_a_source() {
    for item in [chat("1"), mail("1")] {
        let item = but(item, |draft| (draft.source_name, draft.source_uid) = (None, None));
        let mut world = World::new();
        let event = world.take_in(SORTER, item).unwrap();
        assert_eq!(world.stage[&event.uid].source_name, None);
    }
}

#[test]
fn what_is_taken_in_has_metadata() {
    let mut world = World::new();
    let refusal = world.take_in(SORTER, Draft::default()).unwrap_err();
    super::check(&refusal, &["metadata: FieldMissing"]);
}

#[test]
fn message_of_a_waiting_chat_updates_it() {
    let mut world = World::new();
    let first = world.take_in(SORTER, chat("1")).unwrap();
    world.now = at(2_000);
    let message =
        json!({"chats": {"origin": {"chat_id": "1"}, "last_message_text": "bye", "received_at": 30}});
    let second = world.take_in(ADMINISTRATOR, draft(message)).unwrap();

    assert_eq!(second.uid, first.uid);
    assert_eq!([second.by, second.on_behalf_of], [id(ADMINISTRATOR); 2]);
    assert_eq!((second.created_at, second.recorded_at), (at(1_000), at(2_000)));
    assert_eq!((world.stage.len(), world.leads.len()), (1, 2));
    let item = &world.stage[&first.uid];
    assert_eq!((item.created_at, item.updated_at, item.version), (at(1_000), at(2_000), 2));
    let Metadata::Chats(chat) = &item.metadata else { panic!() };
    assert_eq!((chat.last_message_text.as_deref(), chat.received_at), (Some("bye"), Some(at(30))));
    assert_eq!(*world.state(&first.uid), State::Pending(Box::new(item.clone())));
}

#[test]
fn message_is_answered_with_the_ids_of_the_first() {
    let mut world = World::new();
    let first = world.take_in(SORTER, chat("1")).unwrap();
    let second = world.take_in(SORTER, chat("1")).unwrap();
    assert_eq!(second.receipt(), first.receipt());
}

#[test]
fn further_message_leaves_what_is_no_chat_as_it_is() {
    let mut world = World::new();
    let uid = world.bring(call(1)).unwrap().uid;
    let mut item = world.stage[&uid].clone();
    let updated = lifecycle::Updated { last_message_text: None, received_at: Some(at(5)), links: item.links };
    item.update(&updated, at(2_000));
    assert_eq!(item.metadata, world.stage[&uid].metadata);
    assert_eq!((item.updated_at, item.version), (at(2_000), 2));
}

#[test]
fn message_without_text_or_moment_leaves_the_last_ones() {
    let mut world = World::new();
    let uid = world.take_in(SORTER, chat("1")).unwrap().uid;
    world.take_in(SORTER, draft(json!({"chats": {"origin": {"chat_id": "1"}}}))).unwrap();
    let Metadata::Chats(chat) = &world.stage[&uid].metadata else { panic!() };
    assert_eq!((chat.last_message_text.as_deref(), chat.received_at), (Some("hello"), Some(at(10))));
}

#[test]
fn message_of_a_waiting_chat_updates_it_also_where_duplicates_are_tagged() {
    let mut world = World::new();
    world.layout.policies.duplicates = DuplicatePolicy::Tag;
    world.take_in(SORTER, chat("1")).unwrap();
    let second = world.take_in(SORTER, chat("1")).unwrap();
    assert!(matches!(second.kind, EventKind::Updated(_)));
}

#[test]
fn message_of_a_waiting_chat_that_is_wrong_changes_nothing() {
    let mut world = World::new();
    world.take_in(SORTER, chat("1")).unwrap();
    let before = world.clone();
    let wrong = but(chat("1"), |draft| draft.pipeline_id = Some(id(99)));
    let refusal = world.take_in(SORTER, wrong).unwrap_err();
    super::check(&refusal, &["pipeline_id: NotSupportedChoice", "metadata: Duplicate"]);
    assert_eq!(world, before);
}

#[test]
fn message_of_a_decided_chat_makes_a_new_incoming_lead() {
    let mut world = World::new();
    let first = world.take_in(SORTER, chat("1")).unwrap().uid;
    world.decline(SORTER, &first, Decline::default()).unwrap();
    assert_ne!(world.take_in(SORTER, chat("1")).unwrap().uid, first);
}

#[test]
fn author_of_a_chat_or_mail_becomes_the_contact() {
    let name = |metadata| {
        let item = TakeIn::new(Draft {
            metadata: Some(serde_json::from_value(metadata).unwrap()),
            ..Draft::default()
        });
        item.item.contacts.first().and_then(|contact| contact.card.name.clone())
    };
    assert_eq!(name(json!({"chats": {"client": {"name": "Ann"}, "from": "B"}})).as_deref(), Some("Ann"));
    assert_eq!(name(json!({"chats": {"from": "B"}})).as_deref(), Some("B"));
    assert_eq!(name(json!({"chats": {"from": ""}})), None);
    assert_eq!(name(json!({"mail": {"from": {"name": "Ann", "email": "a@b.c"}}})).as_deref(), Some("Ann"));
    assert_eq!(name(json!({"mail": {"from": {"email": "a@b.c"}}})).as_deref(), Some("a@b.c"));
    assert_eq!(name(json!({"mail": {}})), None);
    assert_eq!(name(json!({"sip": {"from": "1"}})), None);
    let long = name(json!({"chats": {"from": "ä".repeat(300)}})).unwrap();
    assert_eq!(long, "ä".repeat(255));
    // A contact that is told stays as it is.
    assert_eq!(TakeIn::new(chat("1")).item, chat("1"));
}

// R3

#[test]
fn added_call_has_all_ids_at_once_and_hides_its_entities() {
    let mut world = World::new();
    let event = world.bring(call(1)).unwrap();
    let (lead, contact, company) =
        (&world.leads[&id(100)], &world.contacts[&id(100)], &world.companies[&id(100)]);
    assert_eq!((lead.pipeline_id, lead.status_id), (id(SALES), id(UNSORTED)));
    assert_eq!((&lead.contacts[..], lead.company), (&[id(100)][..], Some(id(100))));
    assert_eq!(contact.company, Some(id(100)));
    assert_eq!([lead.is_unsorted, contact.is_unsorted, company.is_unsorted], [true; 3]);
    assert_eq!([lead.is_listed(), contact.is_listed(), company.is_listed()], [true, false, false]);
    assert_eq!(lead.card.name.as_deref(), Some("Lead"));
    assert_eq!(contact.card.name.as_deref(), Some("Contact"));
    assert_eq!(company.card.name.as_deref(), Some("Company"));
    let receipt = event.receipt();
    assert_eq!((receipt.uid, receipt.account_id), (event.uid.clone(), Some(id(7))));
    assert_eq!((receipt.category, receipt.pipeline_id), (Some(Category::Sip), Some(id(SALES))));
    assert_eq!(receipt.created_at, Some(at(1_000)));
    assert_eq!((receipt.leads, receipt.contacts), (Some(vec![id(100)]), Some(vec![id(100)])));
    assert_eq!((receipt.companies, receipt.customers), (Some(vec![id(100)]), Some(vec![])));
}

#[test]
fn named_pipeline_decides_and_the_leads_own_places_nothing() {
    let mut world = World::new();
    let body = json!({"card": {"further": {"pipeline_id": 1, "status_id": 30}}});
    let draft = but(call(1), |draft| {
        draft.pipeline_id = Some(id(2));
        draft.leads = vec![serde_json::from_value(body).unwrap()];
    });
    let event = world.bring(draft).unwrap();
    let lead = &world.leads[&id(100)];
    assert_eq!((lead.pipeline_id, lead.status_id), (id(2), id(11)));
    assert_eq!(lead.card.further["status_id"], 30);
    assert_eq!((event.pipeline_id, world.stage[&event.uid].pipeline_id), (id(2), id(2)));
}

#[test]
fn pipeline_that_cannot_take_it_is_refused() {
    for (pipeline, why) in [
        (99, "the account has no pipeline 99"),
        (3, "pipeline 3 is archived"),
        (4, "the stage of incoming leads is switched off in pipeline 4"),
    ] {
        let draft = but(call(1), |draft| draft.pipeline_id = Some(id(pipeline)));
        let faults = refused(draft, &["pipeline_id: NotSupportedChoice"]);
        assert_eq!(faults[0].detail, why);
    }
}

#[test]
fn account_without_a_main_pipeline_or_stage_refuses() {
    let mut world = World::new();
    world.layout.pipelines[0].statuses.retain(|status| status.kind != StatusKind::Unsorted);
    let faults = refused_by(&mut world, call(1), &["pipeline_id: NotSupportedChoice"]);
    assert_eq!(faults[0].detail, "the stage of incoming leads is switched off in pipeline 1");
    world.layout.pipelines.clear();
    let faults = refused_by(&mut world, call(1), &["pipeline_id: NotSupportedChoice"]);
    assert_eq!(faults[0].detail, "the account has no main pipeline");
}

// R4

#[test]
fn source_and_metadata_are_required() {
    let all = ["source_name: FieldMissing", "source_uid: FieldMissing", "metadata: FieldMissing"];
    refused(Draft::default(), &all);
    let empty = but(call(1), |draft| {
        draft.source_name = Some(String::new());
        draft.source_uid = Some(String::new());
    });
    refused(empty, &all[..2]);
}

#[test]
fn entities_are_optional() {
    let mut world = World::new();
    let bare = Draft { leads: vec![], contacts: vec![], companies: vec![], ..call(1) };
    let event = world.bring(bare).unwrap();
    let lead = &world.leads[&id(100)];
    assert_eq!((lead.contacts.len(), lead.company, lead.price), (0, None, 0));
    let receipt = event.receipt();
    assert_eq!((receipt.contacts, receipt.companies), (Some(vec![]), Some(vec![])));
}

#[test]
fn each_list_holds_at_most_one_entity() {
    let two = but(call(1), |draft| {
        draft.leads.push(LeadDraft::default());
        draft.contacts.push(ContactDraft::default());
        draft.companies.push(CompanyDraft::default());
    });
    refused(two, &["leads: TooMany", "contacts: TooMany", "companies: TooMany"]);
}

#[test]
fn further_keys_of_bodies_are_kept() {
    let mut world = World::new();
    let body = json!({
        "price": 7,
        "notes": [{"text": "first", "further": {"x": 1}}, {"kind": "4"}],
        "card": {"responsible_user_id": 5, "further": {"deep": {"down": [1, null]}}},
    });
    let draft = but(call(1), |draft| {
        draft.leads = vec![serde_json::from_value(body).unwrap()];
        draft.contacts[0].first_name = Some("Ann".to_owned());
        draft.contacts[0].last_name = Some("Bee".to_owned());
    });
    world.bring(draft).unwrap();
    let (lead, contact) = (&world.leads[&id(100)], &world.contacts[&id(100)]);
    assert_eq!((lead.price, lead.card.responsible_user_id), (7, Some(id(5))));
    assert_eq!(lead.card.further["deep"], json!({"down": [1, null]}));
    assert_eq!((contact.first_name.as_deref(), contact.last_name.as_deref()), (Some("Ann"), Some("Bee")));
    let notes: Vec<_> = world.notes.values().collect();
    assert_eq!(notes.len(), 2);
    assert_eq!((notes[0].kind.as_str(), notes[1].kind.as_str()), ("common", "4"));
    assert_eq!((&notes[0].params["text"], &notes[0].params["x"]), (&json!("first"), &json!(1)));
    assert!(notes[1].params.is_empty());
    assert_eq!(notes[0].entity, EntityRef::Lead(id(100)));
    assert_eq!((notes[0].created_by, notes[0].created_at), (Some(id(ADMINISTRATOR)), at(1_000)));
}

#[test]
fn creation_is_now_unless_told_and_the_record_is_always_now() {
    let mut world = World::new();
    let told = but(call(1), |draft| draft.created_at = Some(at(5)));
    for (draft, expected) in [(told, 5), (call(2), 1_000)] {
        let event = world.bring(draft).unwrap();
        assert_eq!((event.created_at, event.recorded_at), (at(expected), at(1_000)));
        let item = &world.stage[&event.uid];
        assert_eq!((item.created_at, item.updated_at, item.version), (at(expected), at(1_000), 1));
        let stamp = world.leads[&item.links.lead.id()].stamp;
        assert_eq!((stamp.created_at, stamp.updated_at), (at(expected), at(1_000)));
        assert_eq!((stamp.created_by, stamp.is_deleted), (Some(id(ADMINISTRATOR)), false));
    }
}

#[test]
fn documents_may_demand_more_keys_than_clients_send() {
    let bare = || Draft { leads: vec![], contacts: vec![], companies: vec![], ..call(1) };
    let mut world = World::new();
    let observed = |channel, generation, item| Add { channel, generation, items: vec![item] };
    assert!(world.clone().add(SORTER, &observed(Channel::Sip, Generation::V4, bare())).is_ok());
    refused_add(
        &mut world,
        &observed(Channel::Sip, Generation::V2, bare()),
        &["0 metadata.service_code: FieldMissing"],
    );
    world.layout.policies.required = RequiredPolicy::Documented;
    refused_add(
        &mut world,
        &observed(Channel::Sip, Generation::V4, bare()),
        &[
            "0 leads: FieldMissing",
            "0 contacts: FieldMissing",
            "0 companies: FieldMissing",
            "0 metadata.duration: FieldMissing",
            "0 metadata.link: FieldMissing",
            "0 metadata.service_code: FieldMissing",
        ],
    );
    // Without metadata that one fault says it all.
    let nothing = Draft { metadata: None, ..bare() };
    refused_add(
        &mut world,
        &observed(Channel::Sip, Generation::V4, nothing),
        &[
            "0 leads: FieldMissing",
            "0 contacts: FieldMissing",
            "0 companies: FieldMissing",
            "0 metadata: FieldMissing",
        ],
    );
}

#[test]
fn older_wire_demands_what_its_clients_always_send() {
    let mut world = World::new();
    let bare = draft(json!({"forms": {}}));
    let add = |item| Add { generation: Generation::V2, ..Add::forms(vec![item]) };
    refused_add(
        &mut world,
        &add(bare),
        &["0 metadata.form_id: FieldMissing", "0 metadata.form_page: FieldMissing"],
    );
    let told = json!({"forms": {"form_id": "1", "form_page": "http://example.com"}});
    world.add(SORTER, &add(draft(told))).unwrap();
}

#[test]
fn each_required_key_stands_in_the_table_once() {
    for (at, row) in required::TABLE.iter().enumerate() {
        assert!(row.observed || row.documented);
        assert!(!required::TABLE[at + 1..].contains(row), "{row:?}");
        assert_eq!(
            required::TABLE
                .iter()
                .filter(|other| other.key == row.key
                    && other.generation == row.generation
                    && other.category == row.category)
                .count(),
            1,
            "{row:?}"
        );
    }
}

// R5

#[test]
fn batch_is_all_or_nothing_and_tells_every_fault_by_place() {
    let mut world = World::new();
    let before = world.clone();
    let nameless = but(call(2), |draft| draft.source_name = None);
    let lost = but(call(3), |draft| draft.pipeline_id = Some(id(99)));
    let add = Add::calls(vec![call(1), nameless, lost]);
    refused_add(&mut world, &add, &["1 source_name: FieldMissing", "2 pipeline_id: NotSupportedChoice"]);
    assert_eq!(world, before);
}

#[test]
fn batch_keeps_its_order() {
    let mut world = World::new();
    let events = world.add(SORTER, &Add::calls(vec![call(2), call(1)])).unwrap();
    let called: Vec<_> = events
        .iter()
        .map(|event| match &added(event).item.metadata {
            Metadata::Sip(call) => call.called_at,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(called, [Some(at(2)), Some(at(1))]);
    assert_ne!(events[0].uid, events[1].uid);
}

#[test]
fn ids_that_were_not_minted_are_no_reason_to_lose_an_item() {
    let add = Add::calls(vec![but(call(1), |draft| draft.leads[0].notes = vec![NoteDraft::default()])]);
    let world = World::new();
    let decide = |minted: Vec<Minted>| {
        std::panic::catch_unwind(|| add.decide(world.scene(SORTER), &AddFacts::default(), &minted))
    };
    let full = World::minted(100, add.wants()[0]);
    assert!(decide(vec![full.clone()]).is_ok());
    assert!(decide(vec![]).is_err());
    assert!(decide(vec![full.clone(), full.clone()]).is_err());
    assert!(decide(vec![Minted { notes: vec![], ..full.clone() }]).is_err());
    assert!(decide(vec![Minted { tags: vec![], ..full }]).is_err());
}

#[test]
fn add_wants_an_id_for_each_note_and_new_tag_and_one_for_duplicates() {
    let tagged = but(call(1), |draft| {
        draft.leads[0].card.tags = vec![TagRef::by_name("a"), TagRef::by_id(id(5))];
        draft.contacts[0].card.tags = vec![TagRef::by_name("b")];
        draft.companies[0].card.tags = vec![TagRef::by_name("c")];
        draft.leads[0].notes = vec![NoteDraft::default(); 2];
    });
    let wants = |add: &Add| add.wants().iter().map(|wants| (wants.notes, wants.tags)).collect::<Vec<_>>();
    assert_eq!(wants(&Add::calls(vec![tagged.clone(), call(2)])), [(2, 4), (0, 1)]);
    let needs = Add::calls(vec![with_existing_entities(call(2)), tagged]).needs();
    assert_eq!(needs.tag_ids, [id(5)]);
    assert_eq!(needs.tag_names, [DUPLICATE_TAG, "a", "b", "c"]);
    assert_eq!(needs.identities.len(), 2);
    assert_eq!(
        (needs.leads, needs.contacts, needs.companies),
        (vec![id(LIVE)], vec![id(LIVE)], vec![id(LIVE)])
    );
}

// R6

#[test]
fn identical_incoming_lead_is_refused_and_the_waiting_one_named() {
    let mut world = World::new();
    for draft in [call(1), form(1)] {
        let first = world.bring(draft.clone()).unwrap().uid;
        let faults = refused_by(&mut world, draft, &["metadata: Duplicate"]);
        assert_eq!(faults[0].existing.as_ref(), Some(&first));
        assert_eq!(faults[0].detail, format!("an identical incoming lead waits already: {first}"));
    }
    world.take_in(SORTER, mail("1")).unwrap();
    super::check(&world.take_in(SORTER, mail("1")).unwrap_err(), &["metadata: Duplicate"]);
}

#[test]
fn batch_counts_against_itself() {
    let mut world = World::new();
    let add = Add::calls(vec![call(1), call(2), call(1), call(1)]);
    let Err(Refusal::Items(items)) = world.add(SORTER, &add) else { panic!() };
    assert_eq!(items.iter().map(|item| item.index).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(items[1].faults[0].detail, "identical to item 0 of the same batch");
    assert_eq!(items[1].faults[0].existing, None);
}

#[test]
fn duplicate_is_told_beside_other_faults() {
    let mut world = World::new();
    world.bring(call(1)).unwrap();
    let lost = but(call(1), |draft| draft.pipeline_id = Some(id(99)));
    refused_by(&mut world, lost, &["pipeline_id: NotSupportedChoice", "metadata: Duplicate"]);
}

#[test]
fn decided_lead_is_no_duplicate() {
    let mut world = World::new();
    let first = world.bring(call(1)).unwrap().uid;
    world.accept(SORTER, &first, Accept::default()).unwrap();
    let second = world.bring(call(1)).unwrap().uid;
    world.decline(SORTER, &second, Decline::default()).unwrap();
    world.bring(call(1)).unwrap();
}

#[test]
fn source_uid_is_no_identity_and_a_call_without_moment_has_none() {
    let mut world = World::new();
    world.bring(call(1)).unwrap();
    world.bring(call(2)).unwrap();
    for _ in 0..2 {
        world.bring(draft(json!({"sip": {"from": "1"}}))).unwrap();
        world.bring(draft(json!({"forms": {"form_id": "1"}}))).unwrap();
    }
}

#[test]
fn tag_policy_takes_the_second_and_tags_both() {
    let mut world = World::new();
    world.layout.policies.duplicates = DuplicatePolicy::Tag;
    let first = world.bring(call(1)).unwrap();
    assert!(world.tags.is_empty());
    let second = world.bring(call(1)).unwrap();
    let third = world.bring(call(1)).unwrap();
    assert_eq!(world.tags.values().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), [DUPLICATE_TAG]);
    let tag = world.tags.values().next().unwrap().to_ref();
    for event in [&first, &second, &third] {
        assert_eq!(
            world.leads[&added(event).item.links.lead.id()].card.tags.as_slice(),
            std::slice::from_ref(&tag)
        );
    }
    assert_eq!(added(&first).duplicate_tag, None);
    assert_eq!(added(&second).duplicate_tag.as_ref(), Some(&tag));
    assert_eq!(added(&third).duplicates, [id(100), id(1_100)]);
}

#[test]
fn tag_policy_tags_within_one_batch_and_makes_the_tag_once() {
    let mut world = World::new();
    world.layout.policies.duplicates = DuplicatePolicy::Tag;
    let named = but(call(1), |draft| draft.leads[0].card.tags = vec![TagRef::by_name("a")]);
    let events = world.add(SORTER, &Add::calls(vec![named, call(1), call(1)])).unwrap();
    assert_eq!(world.tags.values().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["a", DUPLICATE_TAG]);
    assert_eq!(added(&events[1]).duplicates, [id(100)]);
    assert_eq!(added(&events[2]).duplicates, [id(100), id(1_100)]);
    assert_eq!(added(&events[2]).tags, []);
    let tags: Vec<_> = [100, 1_100, 2_100].map(|lead| world.leads[&id(lead)].card.tags.len()).into();
    assert_eq!(tags, [2, 1, 1]);
}

#[test]
fn tag_policy_tags_an_existing_lead_too() {
    let mut world = World::new();
    world.layout.policies.duplicates = DuplicatePolicy::Tag;
    let add = Add::calls(vec![with_existing_entities(call(1)), call(1)]);
    let events = world.add(SORTER, &add).unwrap();
    assert_eq!(added(&events[1]).duplicates, [id(LIVE)]);
    assert_eq!(world.leads[&id(LIVE)].card.tags, world.leads[&id(1_100)].card.tags);
}

#[test]
fn tag_policy_uses_the_tag_that_the_item_itself_makes() {
    let mut world = World::new();
    world.layout.policies.duplicates = DuplicatePolicy::Tag;
    world.bring(call(1)).unwrap();
    let named = but(call(1), |draft| draft.leads[0].card.tags = vec![TagRef::by_name(DUPLICATE_TAG)]);
    let event = world.bring(named).unwrap();
    assert_eq!(world.tags.len(), 1);
    assert_eq!(world.leads[&added(&event).item.links.lead.id()].card.tags.len(), 1);
}

// R16

#[test]
fn entities_given_by_id_are_linked_and_not_made() {
    let mut world = World::new();
    let before = world.clone();
    let event = world.bring(with_existing_entities(call(1))).unwrap();
    let added = added(&event);
    assert_eq!((&added.lead, &added.contact, &added.company), (&None, &None, &None));
    assert_eq!(added.item.links.lead, Linked::Existing(id(LIVE)));
    assert_eq!(added.item.links.lead.made(), None);
    assert_eq!(
        (&world.leads, &world.contacts, &world.companies),
        (&before.leads, &before.contacts, &before.companies)
    );
    assert_eq!(event.receipt().leads, Some(vec![id(LIVE)]));
}

#[test]
fn made_contact_joins_an_existing_company() {
    let mut world = World::new();
    let draft = but(call(1), |draft| draft.companies[0].id = Some(id(LIVE)));
    world.bring(draft).unwrap();
    assert_eq!(world.contacts[&id(100)].company, Some(id(LIVE)));
    assert_eq!(world.leads[&id(100)].company, Some(id(LIVE)));
}

#[test]
fn existing_lead_decides_the_pipeline() {
    let mut world = World::new();
    world.leads.get_mut(&id(LIVE)).unwrap().pipeline_id = id(2);
    let mut draft = with_existing_entities(call(1));
    assert_eq!(world.clone().bring(draft.clone()).unwrap().pipeline_id, id(2));
    draft.pipeline_id = Some(id(2));
    assert_eq!(world.clone().bring(draft.clone()).unwrap().pipeline_id, id(2));
    draft.pipeline_id = Some(id(1));
    let faults = refused_by(&mut world, draft, &["pipeline_id: NotSupportedChoice"]);
    assert_eq!(faults[0].detail, "the existing lead stands in pipeline 2, not in 1");
}

#[test]
fn entities_that_wait_lie_in_the_bin_or_are_not_there_cannot_be_named() {
    let mut world = World::new();
    let waiting = world.bring(call(1)).unwrap();
    let binned = world.bring(call(2)).unwrap();
    world.decline(SORTER, &binned.uid, Decline::default()).unwrap();
    assert_eq!(
        (added(&waiting).item.links.lead.id(), added(&binned).item.links.lead.id()),
        (id(100), id(1_100))
    );
    for (number, why) in
        [(100, "belongs to an incoming lead that waits"), (1_100, "lies in the bin"), (77, "is not there")]
    {
        let draft = but(call(3), |draft| {
            draft.leads[0].id = Some(id(number));
            draft.contacts[0].id = Some(id(number));
            draft.companies[0].id = Some(id(number));
        });
        let expected =
            ["leads.0.id", "contacts.0.id", "companies.0.id"].map(|at| format!("{at}: NotSupportedChoice"));
        let faults = refused_by(&mut world, draft, &expected.each_ref().map(String::as_str));
        assert_eq!(faults[2].detail, format!("{number} {why}"));
    }
}

#[test]
fn unknown_field_or_choice_is_refused_with_its_path() {
    let fields = |field: serde_json::Value, choice: serde_json::Value| {
        contact(json!({"card": {"custom_fields": [
            {"field": {"code": "PHONE"}, "values": [{"value": 1}]},
            {"field": field, "values": [{"value": 1}, {"value": [true], "choice": choice}]},
        ]}}))
    };
    let (field, choice) = ("contacts.0.custom_fields.1.field", "contacts.0.custom_fields.1.values.1.choice");
    let works = json!({"code": "WORK"});
    let faults = refused(fields(json!({"id": 9}), works.clone()), &[&format!("{field}: NotSupportedChoice")]);
    assert_eq!(faults[0].detail, "the account has no such field for this entity: 9");
    let faults =
        refused(fields(json!({"code": "phone"}), works.clone()), &[&format!("{field}: NotSupportedChoice")]);
    assert_eq!(faults[0].detail, "the account has no such field for this entity: code \"phone\"");
    // A field of leads is none of contacts.
    refused(fields(json!({"id": 2}), works.clone()), &[&format!("{field}: NotSupportedChoice")]);
    for wrong in [json!({"id": 3}), json!({"code": "HOME"})] {
        let faults = refused(fields(json!({"id": 1}), wrong), &[&format!("{choice}: NotSupportedChoice")]);
        assert_eq!(faults[0].detail, "field 1 has no such choice");
    }
    for right in [works, json!({"id": 2})] {
        World::new().bring(fields(json!({"id": 1}), right)).unwrap();
    }
}

#[test]
fn field_without_choices_keeps_any_choice() {
    let body = json!({"card": {"custom_fields": [
        {"field": {"id": 2}, "values": [{"value": "a", "choice": {"code": "ANY"}, "subtype": "city"}]},
    ]}});
    let draft = but(call(1), |draft| draft.leads = vec![serde_json::from_value(body).unwrap()]);
    let mut world = World::new();
    world.bring(draft.clone()).unwrap();
    assert_eq!(world.leads[&id(100)].card, draft.leads[0].card);
}

#[test]
fn unknown_tag_id_is_refused_and_a_new_name_makes_the_tag_once() {
    let mut world = World::new();
    world.tags.insert(id(5), Tag { id: id(5), name: "old".to_owned() });
    let tags = vec![
        TagRef::by_name("new"),
        TagRef::by_id(id(5)),
        TagRef::by_name("old"),
        TagRef::by_name("new"),
        TagRef { id: Some(id(5)), name: Some("other".to_owned()) },
    ];
    let draft = but(call(1), |draft| {
        draft.leads[0].card.tags.clone_from(&tags);
        draft.contacts[0].card.tags = vec![TagRef::by_name("new")];
        draft.companies[0].card.tags = vec![TagRef::by_name("newer")];
    });
    let event = world.bring(draft).unwrap();
    let names = |card: &Card| card.tags.iter().map(|tag| tag.name.clone().unwrap()).collect::<Vec<_>>();
    assert_eq!(names(&world.leads[&id(100)].card), ["new", "old"]);
    assert_eq!(names(&world.contacts[&id(100)].card), ["new"]);
    assert_eq!(world.leads[&id(100)].card.tags[0], world.contacts[&id(100)].card.tags[0]);
    assert_eq!(names(&world.companies[&id(100)].card), ["newer"]);
    assert_eq!(added(&event).tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["new", "newer"]);
    assert_eq!(world.tags.len(), 3);

    let draft = but(call(2), |draft| {
        draft.contacts[0].card.tags = vec![TagRef::by_name("old"), TagRef::by_id(id(6))];
    });
    let faults = refused_by(&mut world, draft, &["contacts.0.tags.1.id: NotSupportedChoice"]);
    assert_eq!(faults[0].detail, "the account has no tag 6");
}

#[test]
fn tags_that_one_item_makes_serve_the_next() {
    let mut world = World::new();
    let tagged =
        |called_at| but(call(called_at), |draft| draft.leads[0].card.tags = vec![TagRef::by_name("a")]);
    let events = world.add(SORTER, &Add::calls(vec![tagged(1), tagged(2)])).unwrap();
    assert_eq!((added(&events[0]).tags.len(), added(&events[1]).tags.len()), (1, 0));
    assert_eq!(world.leads[&id(100)].card.tags, world.leads[&id(1_100)].card.tags);
}

#[test]
fn tag_without_id_and_name_is_refused() {
    let draft = but(call(1), |draft| {
        draft.leads[0].card.tags = vec![TagRef::default(), TagRef::by_name("")];
    });
    refused(draft, &["leads.0.tags.0: FieldMissing", "leads.0.tags.1.name: FieldMissing"]);
}

// R15: limits stand in their own file.

#[test]
fn text_with_nul_is_refused_wherever_it_stands() {
    let nul = "a\0";
    let body = json!({
        "first_name": nul, "last_name": nul,
        "card": {
            "name": nul,
            "custom_fields": [{"field": {"code": "PHONE"}, "values": [{"value": {"a": [nul]}, "subtype": nul}]}],
            "tags": [{"name": nul}],
            "further": {"a\0": 1, "b": nul},
        },
    });
    refused(
        contact(body),
        &[
            "contacts.0.first_name: InvalidText",
            "contacts.0.last_name: InvalidText",
            "contacts.0.name: InvalidText",
            "contacts.0.custom_fields.0.values.0.value.a.0: InvalidText",
            "contacts.0.custom_fields.0.values.0.subtype: InvalidText",
            "contacts.0.tags.0.name: InvalidText",
            "contacts.0.a\0: InvalidText",
            "contacts.0.b: InvalidText",
        ],
    );
    let lead = json!({
        "notes": [{"kind": nul, "text": nul, "further": {"x": nul}}],
        "card": {"custom_fields": [{"field": {"id": 2}, "values": [{"choice": {"code": nul}}]}]},
    });
    let draft = but(call(1), |draft| {
        draft.source_name = Some(nul.to_owned());
        draft.source_uid = Some("a\n".to_owned());
        draft.leads = vec![serde_json::from_value(lead).unwrap()];
        draft.companies[0].card.name = Some(nul.to_owned());
    });
    refused(
        draft,
        &[
            "source_name: InvalidText",
            "source_uid: InvalidText",
            "leads.0.notes.0.kind: InvalidText",
            "leads.0.notes.0.text: InvalidText",
            "leads.0.notes.0.x: InvalidText",
            "leads.0.custom_fields.0.values.0.choice: InvalidText",
            "companies.0.name: InvalidText",
        ],
    );
}

#[test]
fn every_text_of_metadata_is_checked() {
    let nul = json!("\0");
    let texts = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), nul.clone())).collect::<Further>();
    let with = |mut metadata: Further, extra: serde_json::Value| {
        metadata.extend(extra.as_object().unwrap().clone());
        serde_json::Value::Object(metadata)
    };
    let further = json!({"x": {"y": nul}});
    let sip = texts(&["from", "phone", "link", "service_code", "call_responsible"]);
    let sip = with(sip, json!({"uniq": [nul], "call_event": {"text": nul}, "further": further}));
    let forms =
        ["form_id", "form_name", "form_page", "ip", "referer", "visitor_uid", "service_code", "form_type"];
    let forms = with(texts(&forms), json!({"further": further}));
    let client = with(texts(&["name", "avatar"]), json!({"further": further}));
    let origin = with(texts(&["chat_id", "reference", "visitor_uid"]), json!({"further": further}));
    let chats = texts(&["from", "to", "service", "last_message_text", "source_name"]);
    let chats = with(chats, json!({"client": client, "origin": origin, "further": further}));
    let from = with(texts(&["email", "name"]), json!({"further": further}));
    let mail = texts(&["subject", "thread_id", "message_id", "content_summary"]);
    let mail = with(mail, json!({"from": from, "further": further}));
    let told = |metadata: serde_json::Value| {
        // A contact that is told is not made of the author's name.
        let draft = but(draft(metadata), |draft| draft.contacts = vec![ContactDraft::default()]);
        let faults = match &draft.metadata {
            Some(Metadata::Sip(_) | Metadata::Forms(_)) => World::new().bring(draft).unwrap_err(),
            _ => match World::new().take_in(SORTER, draft).unwrap_err() {
                Refusal::Invalid(faults) => faults,
                other => panic!("{other}"),
            },
        };
        assert!(faults.iter().all(|fault| fault.code == FaultCode::InvalidText));
        let paths = faults.iter().map(|fault| fault.path.to_string().replacen("metadata.", "", 1));
        paths.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        told(json!({"sip": sip})),
        "from phone link service_code uniq.0 call_responsible call_event x.y"
    );
    assert_eq!(
        told(json!({"forms": forms})),
        "form_id form_name form_page ip referer visitor_uid service_code form_type x.y"
    );
    assert_eq!(
        told(json!({"chats": chats})),
        "from to service client.name client.avatar client.x.y origin.chat_id origin.reference origin.visitor_uid origin.x.y last_message_text source_name x.y"
    );
    assert_eq!(
        told(json!({"mail": mail})),
        "from.email from.name from.x.y subject thread_id message_id content_summary x.y"
    );
}
