//! Strict reading of JSON: checked while it is read, so that no more is kept than is taken.

use std::borrow::Cow;
use std::fmt;

use incoming_leads_model::limits::{MAX_BODY_VALUES, MAX_JSON_DEPTH};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problem::{Fault, code};

/// Reads exactly one JSON document in valid UTF-8 without lone surrogates, without a key that stands twice in one
/// object, nested at most 32 deep, of at most 50,000 values.
///
/// # Errors
/// The first fault in reading order, with its path.
pub(crate) fn read(body: &[u8]) -> Result<Value, Fault> {
    let mut walk = Walk { path: Vec::new(), fault: None, values: 0 };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Node(&mut walk).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let Walk { path, fault, .. } = walk;
        let (code, detail) = fault.unwrap_or_else(|| (code::INVALID_JSON, syntax(body, &error)));
        Fault::new(code, dotted(&path), detail)
    })
}

fn syntax(body: &[u8], error: &serde_json::Error) -> String {
    if body.starts_with(b"\xEF\xBB\xBF") {
        "the body starts with a byte order mark; send plain UTF-8".to_owned()
    } else if body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF") {
        "the body is UTF-16; send UTF-8".to_owned()
    } else if body.is_empty() {
        "the body is empty; a JSON document is due".to_owned()
    } else if body.contains(&b'=') && !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        "the body is announced as JSON and looks like a form; send it as application/x-www-form-urlencoded"
            .to_owned()
    } else {
        format!("the body is not JSON: {error}")
    }
}

enum Step {
    Key(String),
    Index(usize),
}

/// A key in a path keeps at most this many bytes.
const KEY_SHOWN_BYTES: usize = 64;

fn dotted(path: &[Step]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => Cow::Borrowed(key.as_str()),
        Step::Index(index) => Cow::Owned(index.to_string()),
    });
    steps.collect::<Vec<_>>().join(".")
}

struct Walk {
    path: Vec<Step>,
    fault: Option<(&'static str, String)>,
    values: usize,
}

impl Walk {
    /// Notes the fault and returns an error that ends the reading; its text is never shown.
    fn stop<E: serde::de::Error>(&mut self, code: &'static str, detail: String) -> E {
        self.fault = Some((code, detail));
        E::custom("refused")
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.path.len() < MAX_JSON_DEPTH {
            return Ok(());
        }
        Err(self.stop(code::TOO_DEEP, format!("nested more than {MAX_JSON_DEPTH} deep")))
    }

    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.values += 1;
        if self.values <= MAX_BODY_VALUES {
            return Ok(());
        }
        Err(self.stop(code::TOO_MANY, format!("the body holds more than {MAX_BODY_VALUES} values")))
    }
}

/// One value of the document.
struct Node<'a>(&'a mut Walk);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(yes.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Self(walk) = self;
        walk.enter()?;
        let mut members = Vec::new();
        walk.path.push(Step::Index(0));
        while let Some(member) = list.next_element_seed(Node(walk))? {
            members.push(member);
            walk.path.pop();
            walk.path.push(Step::Index(members.len()));
        }
        walk.path.pop();
        Ok(Value::Array(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let Self(walk) = self;
        walk.enter()?;
        let mut fields = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            walk.path.push(Step::Key(key[..key.floor_char_boundary(KEY_SHOWN_BYTES)].to_owned()));
            if fields.contains_key(&key) {
                return Err(walk.stop(code::DUPLICATE_KEY, "this key stands twice in one object".to_owned()));
            }
            let value = object.next_value_seed(Node(walk))?;
            fields.insert(key, value);
            walk.path.pop();
        }
        Ok(Value::Object(fields))
    }
}
