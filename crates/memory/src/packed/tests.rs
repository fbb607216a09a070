use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Thing {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kinds: Vec<Kind>,
    pair: (u8, bool),
    any: Value,
}

impl Default for Thing {
    fn default() -> Self {
        Self { name: String::new(), at: None, kinds: vec![], pair: (0, false), any: Value::Null }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    Text(String),
    Fields { low: u64, high: Option<f64> },
    Two(u64, i64),
}

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: &T) -> usize {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    let len = bytes.len();
    write(&"behind", &mut bytes);
    let mut input = &bytes[..];
    assert_eq!(&read::<T>(&mut input), value);
    assert_eq!(read::<String>(&mut input), "behind");
    assert!(input.is_empty());
    let mut input = &bytes[..];
    read::<IgnoredAny>(&mut input);
    assert_eq!(read::<String>(&mut input), "behind");
    len
}

#[test]
fn structs_and_variants_read_back() {
    check(&Thing::default());
    check(&Thing {
        name: "thing".into(),
        at: Some(-5),
        kinds: vec![
            Kind::Plain,
            Kind::Text("a".into()),
            Kind::Fields { low: 1, high: Some(0.5) },
            Kind::Fields { low: u64::MAX, high: None },
            Kind::Two(3, i64::MIN),
        ],
        pair: (255, true),
        any: json!({"a": [1, -1, 1.5, null, true, "x", {"b": {}}], "c": "0a"}),
    });
    check(&BTreeMap::from([("a".to_owned(), Some('x')), ("b".to_owned(), None)]));
}

#[test]
fn numbers_read_back_at_every_width() {
    for power in 0..64 {
        for number in [(1_u64 << power) - 1, 1 << power, (1 << power) + 1] {
            check(&number);
            check(&number.cast_signed());
            check(&number.cast_signed().wrapping_neg());
        }
    }
    (0..300_u64).for_each(|number| {
        assert_eq!(check(&number), if number < 28 { 1 } else { 2 + usize::from(number > 255) })
    });
}

#[test]
fn hex_digits_take_half_their_length() {
    assert_eq!(check(&"0123456789abcdef".repeat(4)), 2 + 32);
    for no_hex in ["", "a", "abc", "ABCD", "0x12", "абвг"] {
        assert_eq!(check(&no_hex.to_owned()), 1 + no_hex.len());
    }
}

#[test]
fn names_of_fields_take_no_room() {
    assert_eq!(check(&Thing { name: "x".into(), ..Thing::default() }), 1 + 2 + 3 + 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        "[0-9a-f]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec(("\\PC{0,8}", inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn packed_texts_are_ordered_as_texts(one in "[0-9a-fA-G]{0,5}", other in "[0-9a-fA-G]{0,5}") {
        let packed = [&one, &other].map(|text| {
            let mut bytes = Vec::new();
            write(text, &mut bytes);
            bytes
        });
        prop_assert_eq!(Text::next(&packed[0]).cmp(&Text::next(&packed[1])), one.cmp(&other));
    }

    #[test]
    fn any_json_reads_back(value in any_json()) {
        check(&value);
    }
}
