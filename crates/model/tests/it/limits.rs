//! Every row of the table of limits at n-1, n and n+1.

use incoming_leads_model::limits::{self, TABLE};
use incoming_leads_model::*;
use serde_json::{Value, json};

use crate::setup::{changed, integration};
use crate::world::*;

/// What becomes of this many.
type Try = fn(u64) -> Result<(), String>;

/// What the model itself enforces. A further row of the table fails the test below until it stands here or there.
const HERE: &[(&str, Try)] = &[
    ("id, price, whole number", |n| LeadId::new(n).map(drop).map_err(|invalid| invalid.to_string())),
    ("id, price, whole number", |n| added(|draft| draft.leads[0].price = Some(n))),
    ("id, price, whole number", |n| added(sip(json!({"duration": n})))),
    ("id, price, whole number", |n| added(sip(json!({"uniq": {"deep": [n]}})))),
    ("moment", |n| Moment::try_from(n as i64).map(drop).map_err(|invalid| invalid.to_string())),
    ("items of an add", |n| {
        let add = Add::calls((0..n as i64).map(call).collect());
        World::new().add(SORTER, &add).map(drop).map_err(|refusal| refusal.to_string())
    }),
    ("page of the port and of v2", |n| {
        PageRequest::new(1, n as u32).map(drop).map_err(|invalid| invalid.to_string())
    }),
    ("depth of JSON", |n| {
        let deep = (0..n).fold(json!(1), |value, _| json!([value]));
        added(move |draft| draft.leads[0].card.further = object(json!({"x": deep})))
    }),
    ("depth of JSON", |n| {
        let deep = (0..n).fold(json!(1), |value, _| json!({"x": value}));
        added(sip(json!({"uniq": deep})))
    }),
    ("uid", |n| Uid::new(&text(n)).map(drop).map_err(|invalid| invalid.to_string())),
    ("source_uid", |n| added(|draft| draft.source_uid = Some(text(n)))),
    ("source_name, name of an entity or tag", |n| added(|draft| draft.source_name = Some(wide(n)))),
    ("source_name, name of an entity or tag", |n| added(|draft| draft.leads[0].card.name = Some(wide(n)))),
    ("source_name, name of an entity or tag", |n| {
        added(|draft| draft.contacts[0].first_name = Some(wide(n)))
    }),
    ("source_name, name of an entity or tag", |n| {
        added(|draft| draft.companies[0].card.tags = vec![TagRef::by_name(wide(n))])
    }),
    ("source_name, name of an entity or tag", |n| set_up(|layout| layout.account.name = wide(n))),
    ("source_name, name of an entity or tag", |n| set_up(|layout| layout.users[0].name = wide(n))),
    ("sub-domain", |n| set_up(|layout| layout.account.subdomain = text(n))),
    ("e-mail address of a user", |n| set_up(|layout| layout.users[0].email = format!("a@{}", text(n - 2)))),
    ("redirect URI", |n| set_up(integration(&format!("https://{}", text(n - 8))))),
    ("text inside metadata", |n| added(sip(json!({"from": text(n)})))),
    ("text inside metadata", |n| added(sip(json!({"further": {"x": [text(n)]}})))),
    ("metadata", |n| {
        // Keys count too: three texts of the largest size, and a fourth with its key and what a value weighs.
        let most = limits::MAX_METADATA_TEXT_BYTES as u64;
        let rest = n - 3 * most - 1 - limits::VALUE_BYTES as u64;
        added(sip(
            json!({"from": text(most), "phone": text(most), "link": text(most), "further": {"x": text(rest)}}),
        ))
    }),
    ("metadata", |n| {
        // Values without a text count too: a list of numbers, and the rest in its key.
        let rest = n - 3_501 * limits::VALUE_BYTES as u64;
        added(sip(json!({"further": {text(rest): vec![0; 3_500]}})))
    }),
    ("custom fields of an entity", |n| {
        let field = FieldValues { field: FieldRef::Id(id(2)), values: vec![] };
        added(|draft| draft.leads[0].card.custom_fields = vec![field; n as usize])
    }),
    ("values of a custom field", |n| {
        let values =
            FieldValues { field: FieldRef::Id(id(2)), values: vec![FieldValue::default(); n as usize] };
        added(|draft| draft.leads[0].card.custom_fields = vec![values])
    }),
    ("tags of an entity", |n| {
        added(|draft| {
            draft.contacts[0].card.tags = (0..n).map(|tag| TagRef::by_name(tag.to_string())).collect()
        })
    }),
    ("notes that come with a lead", |n| {
        added(|draft| draft.leads[0].notes = vec![NoteDraft::default(); n as usize])
    }),
    ("body of an entity", |n| {
        let further = object(json!({"x": [text(n - 1 - 2 * limits::VALUE_BYTES as u64)]}));
        added(|draft| draft.leads[0].card = Card { further, ..Card::default() })
    }),
    ("body of an entity", |n| {
        added(|draft| {
            draft.companies[0].card =
                Card { further: object(json!({text(n - limits::VALUE_BYTES as u64): 1})), ..Card::default() }
        })
    }),
];

/// What wires, the server and the check of a document enforce.
const ELSEWHERE: &[&str] = &[
    "uids or ids named in one request",
    "page of v4",
    "depth of brackets",
    "values of a v2 body",
    "body",
    "version of an item in a document",
];

fn text(bytes: u64) -> String {
    "a".repeat(bytes as usize)
}

/// A name is counted in characters, not bytes.
fn wide(characters: u64) -> String {
    "ä".repeat(characters as usize)
}

fn object(value: Value) -> Further {
    serde_json::from_value(value).unwrap()
}

fn sip(metadata: Value) -> impl FnOnce(&mut Draft) {
    move |draft| draft.metadata = Some(serde_json::from_value(json!({"sip": metadata})).unwrap())
}

fn set_up(change: impl FnOnce(&mut Layout)) -> Result<(), String> {
    changed(change).map_err(|unfit| unfit.to_string())
}

fn added(change: impl FnOnce(&mut Draft)) -> Result<(), String> {
    let mut draft = call(1);
    change(&mut draft);
    World::new().bring(draft).map(drop).map_err(|faults| {
        faults
            .iter()
            .map(|fault| format!("{}: {}", fault.path, fault.code.as_str()))
            .collect::<Vec<_>>()
            .join(", ")
    })
}

#[test]
fn each_limit_is_taken_and_one_more_is_refused() {
    for (what, attempt) in HERE {
        let most = TABLE.iter().find(|limit| limit.what == *what).unwrap().most;
        for taken in [most - 1, most] {
            assert_eq!(attempt(taken), Ok(()), "{what}: {taken}");
        }
        assert!(attempt(most + 1).is_err(), "{what}: {}", most + 1);
    }
}

#[test]
fn refusals_tell_the_limit() {
    let told: Vec<_> = HERE
        .iter()
        .map(|(what, attempt)| {
            let most = TABLE.iter().find(|limit| limit.what == *what).unwrap().most;
            format!("{what}: {}", attempt(most + 1).unwrap_err())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn each_row_of_the_table_is_enforced_here_or_elsewhere() {
    for limit in TABLE {
        let here = HERE.iter().any(|(what, _)| limit.what == *what);
        assert_ne!(here, ELSEWHERE.contains(&limit.what), "{}", limit.what);
    }
    assert_eq!(TABLE.iter().filter(|limit| ELSEWHERE.contains(&limit.what)).count(), ELSEWHERE.len());
}

#[test]
fn nothing_is_no_id_and_no_batch() {
    assert_eq!(
        LeadId::new(0).unwrap_err().to_string(),
        "0 is no id: an id is a whole number from 1 to 9007199254740991"
    );
    assert_eq!(LeadId::try_from(1).unwrap().get(), 1);
    assert_eq!(u64::from(LeadId::new(7).unwrap()), 7);
    let refusal = World::new().add(SORTER, &Add::forms(vec![])).unwrap_err();
    assert_eq!(refusal.to_string(), "the batch is empty: send 1 to 250 items");
    assert!(matches!(refusal, Refusal::Invalid(faults) if faults[0].code == FaultCode::TooFew));
}

#[test]
fn number_that_not_every_reader_holds_is_refused_in_either_direction() {
    let taken =
        |number: Value| added(move |draft| draft.leads[0].card.further = object(json!({"x": number})));
    for number in [json!(-9_007_199_254_740_991_i64), json!(0.5), json!(1e15), json!(null), json!(true)] {
        assert_eq!(taken(number), Ok(()));
    }
    for number in [json!(-9_007_199_254_740_992_i64), json!(u64::MAX), json!(1e300)] {
        assert_eq!(taken(number), Err("leads.0.x: OutOfRange".to_owned()));
    }
}

#[test]
fn moments_are_whole_seconds_from_1970_to_9999() {
    assert!(Moment::from_secs(-1).is_err());
    assert_eq!(Moment::from_secs(0).unwrap(), Moment::MIN);
    assert_eq!(Moment::from_secs(limits::MAX_MOMENT_SECS).unwrap(), Moment::MAX);
    let invalid = Moment::from_secs(-1).unwrap_err();
    assert_eq!(
        invalid.to_string(),
        "-1 is no moment: a moment is in Unix seconds, UTC, from 0 to 253402300799"
    );
    assert_eq!(Moment::MIN.to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Moment::MAX.to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(Moment::try_from(Moment::MAX.to_datetime()), Ok(Moment::MAX));
    assert_eq!(i64::from(at(7)), 7);
    assert_eq!((at(7).secs_since(at(5)), at(5).secs_since(at(7))), (2, 0));
}
