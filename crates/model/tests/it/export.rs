//! The export format: what is written and read again is the same.

use std::fmt::Debug;

use incoming_leads_model::document::{Line, Secret, Token};
use incoming_leads_model::*;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::arbitrary;
use crate::world::*;

#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_kind_of_line_survives(line in arbitrary::line()) {
        survives(&line);
    }

    #[test]
    fn what_a_transport_tells_survives(told in arbitrary::incoming_lead()) {
        survives(&told);
    }

    #[test]
    fn tallies_survive(created in any::<[u64; 4]>(), counts in any::<[u64; 3]>(), sort_secs in any::<u128>()) {
        let [accepted, declined, linked] = counts;
        survives(&Tally { created, accepted, declined, linked, sort_secs });
    }
}

#[test]
fn commands_states_and_answers_survive() {
    let mut world = World::new();
    let uids = ["1", "2", "3", "4"].map(|chat_id| world.take_in(SORTER, chat(chat_id)).unwrap().uid);
    let link = Link {
        target: LinkTarget::Customer(id(LIVE)),
        contact_id: Some(id(LIVE)),
        user_id: Some(id(SORTER)),
    };
    let accept = Accept { user_id: Some(id(SORTER)), status_id: Some(id(30)) };
    let decline = Decline { user_id: Some(id(SORTER)) };
    survives(&world.link(ADMINISTRATOR, &uids[0], link).unwrap().receipt());
    survives(&world.accept(SORTER, &uids[1], accept).unwrap());
    survives(&world.decline(SORTER, &uids[2], decline).unwrap());
    for uid in &uids {
        survives(world.state(uid));
    }
    survives(&State::Absent);
    survives(&world.summary(Window::ALL));
    survives(&Window::new(at(1), at(2)).unwrap());
    survives(&World::minted(1, Add::calls(vec![call(1)]).wants()[0]));
    survives(&accept);
    survives(&decline);
    survives(&link);
    survives(&Add { generation: Generation::V2, ..Add::forms(vec![form(1)]) });
    survives(&TakeIn::new(chat("1")));
    survives(&Identity::of(&Metadata::Mail(MailMetadata::default())));
    survives(&Fault::new(FaultCode::Duplicate, Path::of("leads").index(0), "why"));
    survives(&[Right::View, Right::Add, Right::Sort, Right::Administrate]);
}

#[test]
fn codes_of_faults_are_written_as_the_wires_name_them() {
    for code in FaultCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        assert_eq!(FaultCode::from_name(code.as_str()), Some(code));
    }
    assert_eq!(FaultCode::from_name("Duplicates"), None);
}

#[test]
fn entity_has_the_kind_of_its_id() {
    assert_eq!(EntityRef::Lead(id(1)).kind(), EntityKind::Lead);
    assert_eq!(EntityRef::Contact(id(1)).kind(), EntityKind::Contact);
    assert_eq!(EntityRef::Company(id(1)).kind(), EntityKind::Company);
    assert_eq!(EntityRef::Customer(id(1)).kind(), EntityKind::Customer);
}

fn lines() -> Vec<Line> {
    let mut world = World::new();
    let uid = world.bring(call(1)).unwrap().uid;
    fn of<T: Clone>(row: &T) -> document::Of<T> {
        document::Of { account_id: id(7), row: row.clone() }
    }
    let mut live = world.leads[&id(LIVE)].clone();
    live.stamp.is_deleted = true;
    vec![
        Line::Header { version: document::VERSION, ids: None },
        Line::Header {
            version: document::VERSION,
            ids: Some(Floor { leads: 100, parties: 200, notes: 0, tags: 9 }),
        },
        Line::Lead(of(&live)),
        Line::Lead(of(&world.leads[&id(100)])),
        Line::Contact(of(&world.contacts[&id(LIVE)])),
        Line::Contact(of(&world.contacts[&id(100)])),
        Line::Company(of(&world.companies[&id(100)])),
        Line::Item(of(&world.stage[&uid])),
        Line::Event(world.decline(SORTER, &uid, Decline::default()).unwrap()),
    ]
}

#[test]
fn document_is_as_people_write_it() {
    let lines = lines().into_iter().map(|line| serde_json::to_string(&line).unwrap());
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// A value with one more field in each struct: the model's variants have one key, its structs more.
fn with_more(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: serde_json::Map<_, _> =
                map.into_iter().map(|(key, value)| (key, with_more(value))).collect();
            if map.len() > 1 {
                map.insert("later".to_owned(), json!({"a": [1, null]}));
            }
            Value::Object(map)
        }
        Value::Array(values) => values.into_iter().map(with_more).collect(),
        scalar => scalar,
    }
}

#[test]
fn a_body_of_a_newer_program_is_read_and_a_document_of_one_is_not() {
    for line in lines() {
        let more = with_more(serde_json::to_value(&line).unwrap()).to_string();
        assert_eq!(stored::read::<Line>(&more).unwrap(), line, "{more}");
        if more.contains("later") {
            let refused = serde_json::from_str::<Line>(&more).unwrap_err().to_string();
            assert!(refused.contains("unknown field `later`"), "{refused}");
        }
    }
}

#[test]
fn a_body_that_says_something_wrong_is_wrong_whatever_it_has_beside() {
    for body in
        [r#"{"id": 1}"#, r#"{"id": 0, "name": "n", "later": 1}"#, r#"{"id": 1, "name": "n""#, "[]", "7"]
    {
        assert!(stored::read::<Tag>(body).is_err(), "{body}");
    }
    for body in [r#"{"later": {"made": 1}}"#, r#"{"made": 1, "existing": 1}"#, r#""made""#] {
        assert!(stored::read::<Linked<LeadId>>(body).is_err(), "{body}");
    }
}

#[test]
fn what_a_seed_leaves_out_has_defaults() {
    let layout = json!({
        "account": {"id": 1, "subdomain": "a", "name": "A", "created_at": 0},
        "pipelines": [{"id": 1, "name": "P", "statuses": [{"id": 2, "name": "S", "sort": 1}]}],
        "users": [{"id": 1, "name": "U", "email": "u@example.com", "rights": {"view": true}}],
        "fields": [{"id": 1, "entity": "lead", "name": "F"}],
    });
    let layout: Layout = serde_json::from_value(layout).unwrap();
    assert_eq!((layout.account.country.as_str(), layout.account.currency.as_str()), ("US", "USD"));
    let pipeline = &layout.pipelines[0];
    assert_eq!((pipeline.is_main, pipeline.is_archive, pipeline.is_unsorted_on), (false, false, true));
    assert_eq!(
        (pipeline.statuses[0].kind, pipeline.statuses[0].color.as_str()),
        (StatusKind::Ordinary, "#fffeb2")
    );
    assert!(layout.users[0].is_active);
    assert_eq!(layout.users[0].rights, Rights::VIEWER);
    assert_eq!(layout.fields[0].field_type, "text");
    assert_eq!(layout.policies, Policies::default());
    assert_eq!(
        (layout.policies.duplicates, layout.policies.linkable, layout.policies.required),
        (DuplicatePolicy::Refuse, LinkPolicy::Chats, RequiredPolicy::Observed)
    );
}

#[test]
fn what_no_document_has_is_refused() {
    for wrong in [
        json!({"header": {"version": 1, "more": 1}}),
        json!({"token": {"account_id": 0, "user_id": 1, "secret": {"plain": "a"}}}),
        json!({"draft": {"account_id": 1, "user_id": 1, "draft": {"created_at": -1}}}),
        json!({"event": {"uid": ""}}),
        json!({"something": {}}),
    ] {
        assert!(serde_json::from_value::<Line>(wrong.clone()).is_err(), "{wrong}");
    }
    assert!(serde_json::from_value::<Window>(json!([2, 1])).is_err());
    assert!(serde_json::from_value::<Uid>(json!("a\n")).is_err());
}

#[test]
fn secrets_are_not_told_by_debug() {
    for secret in [Secret::Plain("hunter2".to_owned()), Secret::Sha256("hunter2".to_owned())] {
        let token = Token::bearer(id(1), id(2), secret);
        let told = format!("{token:?} {:?}", token.secret);
        assert!(!told.contains("hunter2"));
        assert!(
            told.starts_with("Token { account_id: AccountId(1), user_id: UserId(2), kind: Bearer, .. }"),
            "{told}"
        );
        let kind = if matches!(token.secret, Secret::Plain(_)) { "Plain(..)" } else { "Sha256(..)" };
        assert!(told.ends_with(kind));
    }
}
