//! Writing objects of the wire.

use incoming_leads_model::{Further, Moment};
use serde_json::{Map, Value};

/// The fields of an object.
#[derive(Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    /// The field, or nothing at all.
    pub(crate) fn put_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// The field; where nothing is known a server tells null and a client sends nothing.
    pub(crate) fn told(&mut self, key: &str, value: Option<impl Into<Value>>, side: Side) {
        match (value, side) {
            (Some(value), _) => self.put(key, value),
            (None, Side::Told) => self.put(key, Value::Null),
            (None, Side::Sent) => {}
        }
    }

    /// The list, or nothing at all where it has no members.
    pub(crate) fn put_list<T>(&mut self, key: &str, members: &[T], write: impl Fn(&T) -> Value) {
        if !members.is_empty() {
            self.put(key, members.iter().map(write).collect::<Vec<_>>());
        }
    }

    /// Keys that came from outside, but for those that are there already and those that have a meaning here.
    pub(crate) fn further(&mut self, further: &Further, known: &[&str]) {
        for (key, value) in further {
            if !known.contains(&key.as_str()) && !self.0.contains_key(key) {
                self.0.insert(key.clone(), value.clone());
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

/// A moment as Unix seconds, UTC.
pub(crate) fn secs(moment: Moment) -> Value {
    moment.secs().into()
}

/// Who writes: a client what it sends, or a server what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Sent,
    Told,
}
