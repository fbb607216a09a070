//! Whether an answer has the shape that the documents show: every key of the example, of a type that either document shows.

use std::collections::{BTreeMap, BTreeSet};

use incoming_leads_wire_v4::fixtures::{self, Direction, Fixture};
use serde_json::Value;

/// The types that the documents show, by place.
#[derive(Debug)]
pub(crate) struct Shapes(BTreeMap<String, BTreeSet<&'static str>>);

/// What only the tables of the documents say: the examples show null or, by a slip, a number.
const BY_TABLE: [(&str, &str); 4] = [
    ("<chats>.metadata.last_message_text", "string"),
    ("<chats>.metadata.client.name", "string"),
    ("<chats>.metadata.client.avatar", "string"),
    ("<chats>.metadata.origin.ref", "string"),
];

impl Shapes {
    /// The shapes of all answers that both documents print.
    pub(crate) fn of_both_documents() -> Self {
        let mut shapes = Self(BTreeMap::new());
        for fixture in fixtures::ALL.iter().filter(|fixture| fixture.direction == Direction::Response) {
            shapes.learn(&place(fixture), &serde_json::from_str(fixture.json).unwrap());
        }
        for (place, kind) in BY_TABLE {
            shapes.0.entry(place.to_owned()).or_default().insert(kind);
        }
        shapes
    }

    fn learn(&mut self, place: &str, value: &Value) {
        self.0.entry(place.to_owned()).or_default().insert(kind(value));
        match value {
            Value::Object(members) => {
                let base = base(place, value);
                for (key, member) in members {
                    self.learn(&format!("{base}.{key}"), member);
                }
            }
            Value::Array(elements) => {
                elements.iter().for_each(|element| self.learn(&format!("{place}[]"), element))
            }
            _ => {}
        }
    }

    /// What is missing in `answer`, or of a type that no document shows, beside the example.
    pub(crate) fn faults(&self, example: &Fixture, answer: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.compare(&place(example), &serde_json::from_str(example.json).unwrap(), answer, &mut faults);
        faults
    }

    fn compare(&self, place: &str, example: &Value, answer: &Value, faults: &mut Vec<String>) {
        if !self.0.get(place).is_some_and(|kinds| kinds.contains(kind(answer))) {
            faults.push(format!("{place} is {}, shown is {:?}", kind(answer), self.0.get(place)));
        }
        match (example, answer) {
            (Value::Object(example_members), Value::Object(members)) => {
                let base = base(place, example);
                for (key, shown) in example_members {
                    match members.get(key) {
                        Some(member) => self.compare(&format!("{base}.{key}"), shown, member, faults),
                        None => faults.push(format!("{place} has no {key}")),
                    }
                }
            }
            (Value::Array(shown), Value::Array(elements)) => {
                if elements.len() < shown.len() {
                    faults.push(format!(
                        "{place} has {} elements, shown are {}",
                        elements.len(),
                        shown.len()
                    ));
                }
                for (shown, element) in shown.iter().zip(elements) {
                    self.compare(&format!("{place}[]"), shown, element, faults);
                }
            }
            _ => {}
        }
    }
}

fn place(fixture: &Fixture) -> String {
    format!("{:?}", fixture.operation)
}

/// An item is the same thing wherever it is shown, but another one in each category.
fn base(place: &str, value: &Value) -> String {
    match (value.get("category").and_then(Value::as_str), value.get("metadata")) {
        (Some(category), Some(_)) => format!("<{category}>"),
        _ => place.to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "fraction",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_wire_v4::fixtures::{Document, Operation};

    use super::*;

    fn faults_of(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let example = fixtures::find(Document::Kommo, Operation::List, Direction::Response).unwrap();
        let mut answer = serde_json::from_str(example.json).unwrap();
        change(&mut answer);
        Shapes::of_both_documents().faults(example, &answer)
    }

    #[test]
    fn an_example_has_its_own_shape() {
        assert_eq!(faults_of(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn a_missing_key_and_a_type_that_nobody_shows_are_seen() {
        let missing = faults_of(|answer| {
            let item = &mut answer["_embedded"]["unsorted"][1];
            item["metadata"]["origin"].as_object_mut().unwrap().remove("ref");
        });
        assert_eq!(missing, ["<chats>.metadata.origin has no ref"]);
        let mistyped = faults_of(|answer| answer["_embedded"]["unsorted"][2]["created_at"] = "1".into());
        assert_eq!(mistyped.len(), 1, "{mistyped:?}");
        let fewer = faults_of(|answer| {
            answer["_embedded"]["unsorted"][2]["_embedded"]["companies"] = Value::Array(Vec::new());
        });
        assert_eq!(fewer.len(), 1, "{fewer:?}");
    }

    #[test]
    fn a_type_of_the_other_document_is_fine() {
        let other = faults_of(|answer| {
            answer["_embedded"]["unsorted"][2]["metadata"]["phone"] = 14_155_551_234_u64.into()
        });
        assert_eq!(other, Vec::<String>::new());
    }
}
