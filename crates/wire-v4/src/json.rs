//! Strict reading of JSON: what a stranger sends is checked whole before anything is decoded.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::problem::{ValidationError, code};

/// Checks that `body` is exactly one JSON document, in valid UTF-8 without lone surrogates, without a key that stands
/// twice in one object, nested at most `max_depth` deep, whose numbers all have a value.
///
/// # Errors
/// The first fault in reading order, with its path.
pub(crate) fn check(body: &[u8], max_depth: usize) -> Result<(), ValidationError> {
    let mut walk = Walk { path: Vec::new(), fault: None, max_depth };
    let outcome = match std::str::from_utf8(body) {
        Ok(text) => walk.whole(serde_json::Deserializer::from_str(text)),
        Err(_) => walk.whole(serde_json::Deserializer::from_slice(body)),
    };
    let Err(error) = outcome else { return Ok(()) };
    let Walk { path, fault, .. } = walk;
    let (code, detail) = fault.unwrap_or_else(|| (code::INVALID_JSON, syntax(body, &error)));
    Err(ValidationError::new(code, dotted(&path), detail))
}

/// Reads a document. One look for UTF-8 at the whole is faster than one at each text, which bytes would take.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    }
}

/// Decodes a document; what does not fit is named by its path.
///
/// The path is only looked for when decoding failed: the way that succeeds pays nothing for it.
///
/// # Errors
/// The first thing that does not fit, with its path.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ValidationError> {
    parse(body).map_err(|error| locate::<T>(body).unwrap_or_else(|| unlocated(body, &error)))
}

/// Decodes a document from a value that was read already; what does not fit is named by its path.
pub(crate) fn decode_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, ValidationError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = dotted(&steps(error.path()));
        ValidationError::new(code::INVALID_TYPE, path, sentence(error.inner()))
    })
}

fn locate<T: DeserializeOwned>(body: &[u8]) -> Option<ValidationError> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    let unlocated = unlocated(body, error.inner());
    Some(ValidationError { path: dotted(&steps(error.path())), ..unlocated })
}

fn steps(path: &serde_path_to_error::Path) -> Vec<Segment<'_>> {
    let step = |segment| match segment {
        &serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(index)),
        serde_path_to_error::Segment::Map { key } => Some(Segment::Key(Cow::Borrowed(key.as_str()))),
        serde_path_to_error::Segment::Enum { .. } | serde_path_to_error::Segment::Unknown => None,
    };
    path.iter().filter_map(step).collect()
}

fn unlocated(body: &[u8], error: &serde_json::Error) -> ValidationError {
    if error.is_data() {
        ValidationError::new(code::INVALID_TYPE, "", sentence(error))
    } else {
        ValidationError::new(code::INVALID_JSON, "", syntax(body, error))
    }
}

/// What the error says, without line and column: the path says it better.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(sentence, _)| sentence).to_owned()
}

fn syntax(body: &[u8], error: &serde_json::Error) -> String {
    if body.starts_with(b"\xEF\xBB\xBF") {
        "the body starts with a byte order mark; send plain UTF-8".to_owned()
    } else if body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF") {
        "the body is UTF-16; send UTF-8".to_owned()
    } else if body.is_empty() {
        "the body is empty; a JSON document is due".to_owned()
    } else {
        format!("the body is not JSON: {error}")
    }
}

/// A step of a path.
#[derive(Clone, Debug)]
enum Segment<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

/// A key in a path keeps at most this many bytes: the answer to a key of a megabyte is not a megabyte.
const KEY_SHOWN_BYTES: usize = 64;

fn dotted(path: &[Segment<'_>]) -> String {
    let mut text = String::new();
    for segment in path {
        if !text.is_empty() {
            text.push('.');
        }
        match segment {
            Segment::Key(key) => text.push_str(shortened(key)),
            Segment::Index(index) => text.push_str(&index.to_string()),
        }
    }
    text
}

fn shortened(key: &str) -> &str {
    &key[..key.floor_char_boundary(KEY_SHOWN_BYTES)]
}

struct Walk<'de> {
    path: Vec<Segment<'de>>,
    fault: Option<(&'static str, String)>,
    max_depth: usize,
}

impl<'de> Walk<'de> {
    fn whole<R: serde_json::de::Read<'de>>(
        &mut self,
        mut reader: serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        Node(self).deserialize(&mut reader)?;
        reader.end()
    }

    /// Notes the fault and returns an error that ends the reading; its text is never shown.
    fn stop<E: serde::de::Error>(&mut self, code: &'static str, detail: String) -> E {
        self.fault = Some((code, detail));
        E::custom("refused")
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.path.len() < self.max_depth {
            return Ok(());
        }
        let detail = format!("nested more than {} deep", self.max_depth);
        Err(self.stop(code::TOO_DEEP, detail))
    }
}

/// One value of the document: read, checked and thrown away.
struct Node<'a, 'de>(&'a mut Walk<'de>);

impl<'de> DeserializeSeed<'de> for Node<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(walk) = self;
        walk.enter()?;
        walk.path.push(Segment::Index(0));
        let mut index = 0;
        while list.next_element_seed(Node(walk))?.is_some() {
            index += 1;
            walk.path.pop();
            walk.path.push(Segment::Index(index));
        }
        walk.path.pop();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self(walk) = self;
        walk.enter()?;
        let mut keys = Keys::default();
        while let Some(Key(key)) = object.next_key()? {
            walk.path.push(Segment::Key(key.clone()));
            if !keys.insert(key) {
                return Err(walk.stop(code::DUPLICATE_KEY, "this key stands twice in one object".to_owned()));
            }
            object.next_value_seed(Node(walk))?;
            walk.path.pop();
        }
        Ok(())
    }
}

/// A key of an object, borrowed from the input where it has no escapes.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

/// The keys of one object. Most objects have few: those are compared one by one, and only a large one is hashed.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    const FEW: usize = 16;

    /// Adds a key; false when it was there already.
    fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if self.few.contains(&key) {
            return false;
        }
        if self.few.len() < Self::FEW {
            self.few.push(key);
            return true;
        }
        self.many.insert(key)
    }
}

/// Refuses a list where an object is due, but reads the empty list as an empty object: PHP writes `[]` for both.
///
/// # Errors
/// When the list has an element.
pub(crate) fn empty_list<'de, A: SeqAccess<'de>, T: Default>(mut list: A) -> Result<T, A::Error> {
    match list.next_element::<serde::de::IgnoredAny>()? {
        None => Ok(T::default()),
        Some(_) => Err(A::Error::custom("a list was sent; an object is due")),
    }
}
