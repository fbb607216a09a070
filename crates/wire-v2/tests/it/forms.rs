//! Forms as PHP writes them, and as it would not.

use incoming_leads_model::{Add, Channel, Draft, Metadata, SipMetadata};
use incoming_leads_wire_v2::{Encoding, add};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::{form, json, origin, random};

/// What an add says of its one item, told as JSON: the shortest way to look at a form.
fn item(body: &str) -> Value {
    let add = add::read_request(Channel::Sip, &form(body)).unwrap();
    serde_json::to_value(&add.items[0]).unwrap()
}

fn refused(body: &str) -> (String, String) {
    let problem = add::read_request(Channel::Sip, &form(body)).unwrap_err();
    assert_eq!(problem.status.as_u16(), 400);
    (problem.faults[0].code.clone().into_owned(), problem.faults[0].path.clone())
}

#[test]
fn brackets_may_be_raw_or_encoded() {
    let raw = item("add[0][source_name]=a+b%21&add[0][incoming_lead_info][to]=7");
    let encoded = item("add%5B0%5D%5Bsource_name%5D=a%20b!&add%5b0%5d[incoming_lead_info]%5Bto]=7");
    assert_eq!((raw["source_name"].as_str(), &raw), (Some("a b!"), &encoded));
}

#[test]
fn indices_may_gap_and_be_left_out() {
    let body = "add[7][source_name]=second&add[2][source_name]=first&add[][source_name]=third";
    let add = add::read_request(Channel::Sip, &form(body)).unwrap();
    let names: Vec<_> = add.items.iter().map(|item| item.source_name.as_deref().unwrap()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let gaps = r#"{"add": {"2": {"source_name": "first"}, "10": {"source_name": "second"}}}"#;
    assert_eq!(
        add::read_request(Channel::Sip, &json(gaps)).unwrap().items[1].source_name.as_deref(),
        Some("second")
    );
}

#[test]
fn every_scalar_is_a_text() {
    let item = item(
        "add[0][pipeline_id]=41563&add[0][incoming_lead_info][duration]=54&add[0][incoming_lead_info][add_note]=1",
    );
    assert_eq!(item["pipeline_id"], 41563);
    assert_eq!(item["metadata"]["sip"]["duration"], 54);
    assert_eq!(item["metadata"]["sip"]["call_event"], "plain");
}

#[test]
fn hostile_indices_are_no_indices() {
    assert_eq!(refused("add[4294967295][x]=1"), ("InvalidType".into(), "add.4294967295".into()));
    assert_eq!(refused("add[50001][x]=1"), ("InvalidType".into(), "add.50001".into()));
    assert_eq!(refused("add[-1][x]=1"), ("InvalidType".into(), "add.-1".into()));
    assert_eq!(refused("add[007][x]=1").1, "add.007");
    assert_eq!(refused("add[50000][x]=1&add[][x]=2"), ("TooMany".into(), "add.".into()));
    assert!(item("add[50000][source_name]=x").is_object());
}

#[test]
fn depth_is_bounded() {
    let deep = |levels: usize| format!("add[0][incoming_lead_info]{}=1", "[x]".repeat(levels - 2));
    assert!(item(&deep(16))["metadata"]["sip"]["further"]["x"].is_object());
    assert_eq!(refused(&deep(17)).0, "TooDeep");
    assert_eq!(refused(&format!("add{}=1", "[0]".repeat(15_000))).0, "TooDeep");
    assert_eq!(refused(&"[".repeat(15_000)).0, "InvalidForm");
}

#[test]
fn values_are_bounded() {
    let many =
        |count: usize| (0..count).map(|n| format!("x[{n}]=&")).collect::<String>() + "add[0][source_name]=a";
    // The list x, the list add, its item and the name are values too.
    assert!(item(&many(50_000 - 4)).is_object());
    assert_eq!(refused(&many(50_000 - 3)).0, "TooMany");
}

#[test]
fn a_name_means_one_thing() {
    assert_eq!(refused("add=1&add[0][x]=1"), ("InvalidType".into(), "add".into()));
    assert_eq!(refused("add[0][x]=1&add=1"), ("InvalidType".into(), "add".into()));
    assert_eq!(refused("add[0][source_name]=1&add[0][source_name]=2").0, "DuplicateKey");
    assert_eq!(refused("add[0]=1&add[0][source_name]=2"), ("InvalidType".into(), "add.0".into()));
}

#[test]
fn the_same_value_given_twice_is_one() {
    let once = "add[0][source_name]=1&add[0][incoming_lead_info][duration]=5";
    let twice = format!("{once}&add[0][incoming_lead_info][duration]=5");
    assert_eq!(item(&twice), item(once));
    assert_eq!(refused(&twice.replacen("=5", "=6", 1)).1, "add.0.incoming_lead_info.duration");
}

#[test]
fn brackets_must_match() {
    for name in ["add[0", "add0]", "add[0]x", "add[0]]", "add[[0]]", "[0]", "=x", "add[0][x][", "%5Badd"] {
        assert_eq!(refused(&format!("{name}=1")).0, "InvalidForm", "{name}");
    }
}

#[test]
fn escapes_must_be_sound() {
    for body in ["add[0][x]=%zz", "add[0][x]=%f", "add[0][x]=%ff", "add[0][%]=1", "%ed%a0%80=1"] {
        assert_eq!(refused(body).0, "InvalidForm", "{body}");
    }
    assert_eq!(refused("add[0][source_name]=%c3%28").1, "add.0.source_name");
}

/// As `http_build_query` does with null, true and false and empty lists.
#[test]
fn what_a_form_cannot_carry() {
    let sent = r#"{"add": [{"source_name": "a", "incoming_lead_info": {"none": null, "yes": true, "no": false, "empty": [], "some": {"5": "x"}}}]}"#;
    let add = add::read_request(Channel::Sip, &json(sent)).unwrap();
    let built = add::request(&add, Encoding::Form, &origin());
    let read = serde_json::to_value(&add::read_request(Channel::Sip, &built).unwrap().items[0]).unwrap();
    let expected = serde_json::json!({"yes": "1", "no": "0", "some": ["x"]});
    assert_eq!(read["metadata"]["sip"]["further"], expected);
}

/// What a form carries, told as JSON: texts, lists without names, nothing empty, nothing that looks like an index.
fn carried(value: Value) -> Option<Value> {
    let scalar = |text: String| Some(Value::from(text));
    match value {
        Value::Null => None,
        Value::Bool(yes) => scalar(u8::from(yes).to_string()),
        Value::Number(number) => scalar(number.to_string()),
        Value::String(text) => scalar(text),
        Value::Array(members) => {
            let members: Vec<_> = members.into_iter().filter_map(carried).collect();
            (!members.is_empty()).then_some(Value::Array(members))
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().filter_map(|(key, value)| Some((key, carried(value)?)));
            let fields: Map<_, _> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
    }
}

/// With keys that are no brackets and no indices, which are PHP's own.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(members) => members.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            let plain_key = |key: String| format!("k{}", key.replace(['[', ']'], ""));
            Value::Object(fields.into_iter().map(|(key, value)| (plain_key(key), plain(value))).collect())
        }
        scalar => scalar,
    }
}

proptest! {
    /// What is written is read again, whatever is in it.
    #[test]
    fn written_forms_come_back(fields in random::map(random::value())) {
        let fields = plain(Value::Object(fields));
        let call = SipMetadata {
            further: [("x".to_owned(), fields.clone())].into_iter().collect(),
            ..SipMetadata::default()
        };
        let item = Draft { metadata: Some(Metadata::Sip(call)), source_name: Some("x".to_owned()), ..Draft::default() };
        let sent = add::request(&Add::calls(vec![item]), Encoding::Form, &origin());
        let read = serde_json::to_value(&add::read_request(Channel::Sip, &sent).unwrap().items[0]).unwrap();
        prop_assert_eq!(&read["metadata"]["sip"]["further"]["x"], &carried(fields).unwrap_or_default());
    }
}
