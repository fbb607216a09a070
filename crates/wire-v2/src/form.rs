//! `application/x-www-form-urlencoded` as PHP writes it: nested brackets in names, raw or encoded.
//!
//! What is read is bounded before it is kept: depth, number of values, indices. A list is what has only indices for
//! keys (`[]`, `[0]`, `[7]`); gaps mean nothing. PHP itself would forgive brackets that do not match, a scalar and a
//! list under one name, a name given twice; here they are refused, as a key that stands twice in JSON is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use incoming_leads_model::limits::{MAX_BODY_VALUES, MAX_FORM_DEPTH};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::problem::{Fault, code};

/// The largest index that is one: with more it is a name like any other, and no list has names.
pub(crate) const MAX_INDEX: u32 = MAX_BODY_VALUES as u32;
/// A key in a path keeps at most this many bytes.
const KEY_SHOWN_BYTES: usize = 64;

/// Reads the pairs whose name begins with one of `known`; all of them where `known` is empty.
pub(crate) fn read(text: &[u8], known: &[&str]) -> Result<Map<String, Value>, Fault> {
    let mut tree = Tree::default();
    for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = split(pair);
        let name = unescape(name)?;
        let base = name.split('[').next().unwrap_or_default();
        if known.is_empty() || known.contains(&base) {
            let name = Name::parse(&name)?;
            let value =
                unescape(value).map_err(|fault| Fault { path: name.dotted(name.keys.len()), ..fault })?;
            tree.insert(&name, value.into_owned())?;
        }
    }
    Ok(tree.root.into_iter().map(|(key, node)| (key.into_text(), node.into_value())).collect())
}

/// The value of the one pair with this plain name; none where it is not there, more than once, or not well-formed.
pub(crate) fn scalar(text: &[u8], wanted: &str) -> Option<String> {
    let mut found = None;
    for pair in text.split(|byte| *byte == b'&') {
        let (name, value) = split(pair);
        if decode(name).as_deref() == Some(wanted) && found.replace(decode(value)?.into_owned()).is_some() {
            return None;
        }
    }
    found
}

/// Writes as PHP's `http_build_query` does: null and empty lists are left out, true is 1 and false 0.
pub(crate) fn write(fields: &Map<String, Value>) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in fields {
        write_value(&mut text, &utf8_percent_encode(key, ESCAPED).to_string(), value);
    }
    // A space becomes a plus last: what was a plus is escaped by then.
    text.replace("%20", "+").into_bytes()
}

fn write_value(text: &mut String, name: &str, value: &Value) {
    let scalar = match value {
        Value::Null => return,
        Value::Bool(yes) => Cow::Borrowed(if *yes { "1" } else { "0" }),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Array(members) => {
            for (index, member) in members.iter().enumerate() {
                write_value(text, &format!("{name}%5B{index}%5D"), member);
            }
            return;
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                write_value(text, &format!("{name}%5B{}%5D", utf8_percent_encode(key, ESCAPED)), field);
            }
            return;
        }
    };
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str(name);
    text.push('=');
    text.extend(utf8_percent_encode(&scalar, ESCAPED));
}

/// What PHP's `urlencode` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, b""),
    }
}

fn unescape(text: &[u8]) -> Result<Cow<'_, str>, Fault> {
    decode(text).ok_or_else(|| {
        let detail = "a % that is not followed by two hex digits, or bytes that are not UTF-8";
        Fault::new(
            code::INVALID_FORM,
            shown(&String::from_utf8_lossy(&text[..text.len().min(KEY_SHOWN_BYTES)])),
            detail,
        )
    })
}

/// Decodes percent escapes and plus signs; none when an escape is malformed or the bytes are not UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<Cow<'_, str>> {
    let hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    if !text.iter().enumerate().all(|(at, byte)| *byte != b'%' || hex(at + 1) && hex(at + 2)) {
        return None;
    }
    if !text.contains(&b'+') {
        return percent_decode(text).decode_utf8().ok();
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}

fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEY_SHOWN_BYTES)]
}

/// `add[0][name]`: the base `add` and the keys `0` and `name`.
struct Name<'a> {
    base: &'a str,
    keys: Vec<&'a str>,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Result<Self, Fault> {
        let (base, mut rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
        let mut parsed = Self { base, keys: Vec::new() };
        let unbalanced = |parsed: &Self| {
            let detail = "the brackets of this name do not match; write them as in add[0][source_name]=...";
            Fault::new(code::INVALID_FORM, parsed.dotted(parsed.keys.len()), detail)
        };
        if base.is_empty() || base.contains(']') {
            return Err(unbalanced(&parsed));
        }
        while !rest.is_empty() {
            let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((key, after)) = inner.filter(|(key, _)| !key.contains('[')) else {
                return Err(unbalanced(&parsed));
            };
            if parsed.keys.len() == MAX_FORM_DEPTH {
                let detail = format!("brackets nested more than {MAX_FORM_DEPTH} deep");
                return Err(Fault::new(code::TOO_DEEP, parsed.dotted(parsed.keys.len()), detail));
            }
            parsed.keys.push(key);
            rest = after;
        }
        Ok(parsed)
    }

    /// The path of the first so many keys.
    fn dotted(&self, keys: usize) -> String {
        let mut path = shown(self.base).to_owned();
        for key in &self.keys[..keys] {
            path.push('.');
            path.push_str(shown(key));
        }
        path
    }
}

/// A key of a list or an object. Indices stand before names, in their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Index(u32),
    Name(String),
}

impl Key {
    fn into_text(self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Name(name) => name,
        }
    }
}

/// Reads an index as PHP does: digits without a zero before them, and no hostile number.
pub(crate) fn index(key: &str) -> Option<u32> {
    let is_canonical = key == "0" || !key.starts_with('0') && key.bytes().all(|byte| byte.is_ascii_digit());
    key.parse().ok().filter(|index| is_canonical && *index <= MAX_INDEX)
}

enum Node {
    Text(String),
    Branch(BTreeMap<Key, Node>),
}

impl Node {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Branch(branch) if branch.keys().all(|key| matches!(key, Key::Index(_))) => {
                Value::Array(branch.into_values().map(Node::into_value).collect())
            }
            Self::Branch(branch) => {
                let fields = branch.into_iter().map(|(key, node)| (key.into_text(), node.into_value()));
                Value::Object(fields.collect())
            }
        }
    }
}

#[derive(Default)]
struct Tree {
    root: BTreeMap<Key, Node>,
    values: usize,
}

impl Tree {
    fn insert(&mut self, name: &Name<'_>, value: String) -> Result<(), Fault> {
        let mut branch = &mut self.root;
        let mut key = Key::Name(name.base.to_owned());
        for (depth, next) in name.keys.iter().enumerate() {
            let next = next_key(next, || name.dotted(depth + 1));
            let node = match branch.entry(key) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => {
                    count(&mut self.values, || name.dotted(depth))?;
                    free.insert(Node::Branch(BTreeMap::new()))
                }
            };
            let Node::Branch(below) = node else {
                let detail = "a value and a list under one name";
                return Err(Fault::new(code::INVALID_TYPE, name.dotted(depth), detail));
            };
            key = next(below)?;
            branch = below;
        }
        count(&mut self.values, || name.dotted(name.keys.len()))?;
        let path = || name.dotted(name.keys.len());
        // A published client writes one of its values twice in every call; the same text twice means one thing.
        if matches!(branch.get(&key), Some(Node::Text(before)) if *before == value) {
            return Ok(());
        }
        match branch.insert(key, Node::Text(value)) {
            None => Ok(()),
            Some(Node::Text(_)) => {
                Err(Fault::new(code::DUPLICATE_KEY, path(), "given more than once; give it once"))
            }
            Some(Node::Branch(_)) => {
                Err(Fault::new(code::INVALID_TYPE, path(), "a value and a list under one name"))
            }
        }
    }
}

/// The key that a text in brackets means among these: `[]` is the one after the last.
fn next_key<'a>(
    text: &'a str,
    path: impl Fn() -> String + 'a,
) -> impl FnOnce(&BTreeMap<Key, Node>) -> Result<Key, Fault> + 'a {
    move |among| {
        if !text.is_empty() {
            return Ok(index(text).map_or_else(|| Key::Name(text.to_owned()), Key::Index));
        }
        let last = among.range(..=Key::Index(u32::MAX)).next_back();
        match last {
            Some((Key::Index(MAX_INDEX..), _)) => {
                Err(Fault::new(code::TOO_MANY, path(), format!("no index is above {MAX_INDEX}")))
            }
            Some((Key::Index(last), _)) => Ok(Key::Index(last + 1)),
            _ => Ok(Key::Index(0)),
        }
    }
}

fn count(values: &mut usize, path: impl Fn() -> String) -> Result<(), Fault> {
    *values += 1;
    if *values <= MAX_BODY_VALUES {
        return Ok(());
    }
    let detail = format!("the body holds more than {MAX_BODY_VALUES} values");
    Err(Fault::new(code::TOO_MANY, path(), detail))
}
