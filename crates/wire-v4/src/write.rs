//! Writing JSON once: a writer that appends to one buffer, and ready-made fragments with holes where the host goes.

use std::fmt;

use serde_json::{Map, Value};

/// Where links lead: scheme and host of the server, such as `https://example.kommo.com` or `http://127.0.0.1:8080`.
///
/// A client strips its own base address from a link by text, so this must be what the client itself called.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin(Box<str>);

/// A text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOrigin;

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is http:// or https://, a host and perhaps a port, and nothing after it")
    }
}

impl std::error::Error for InvalidOrigin {}

impl Origin {
    /// Reads an origin; one slash at its end is taken off.
    ///
    /// # Errors
    /// [`InvalidOrigin`] when it is not scheme and host, or holds anything but letters, digits and `.-_:[]`.
    pub fn new(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let host =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(InvalidOrigin)?;
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(sound) { Err(InvalidOrigin) } else { Ok(Self(text.into())) }
    }

    /// For documents without links.
    pub(crate) fn none() -> Self {
        Self("".into())
    }

    /// The text, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0)
    }
}

/// A piece of JSON that names no host: bytes with holes where the origin goes, for a cache of ready items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    bytes: Box<[u8]>,
    /// Offsets into `bytes`, rising.
    holes: Box<[u32]>,
}

impl Fragment {
    /// Writes a fragment.
    pub(crate) fn of(write: impl FnOnce(&mut Writer<'_>)) -> Self {
        let (mut bytes, mut holes) = (Vec::with_capacity(1024), Vec::with_capacity(4));
        write(&mut Writer { out: &mut bytes, links: Links::Holes(&mut holes) });
        Self { bytes: bytes.into(), holes: holes.into() }
    }

    /// Appends the fragment to `out` with `origin` in each hole.
    pub(crate) fn append(&self, origin: &Origin, out: &mut Vec<u8>) {
        let mut from = 0;
        for &hole in &self.holes {
            let to = hole as usize;
            out.extend_from_slice(&self.bytes[from..to]);
            out.extend_from_slice(origin.0.as_bytes());
            from = to;
        }
        out.extend_from_slice(&self.bytes[from..]);
    }

    /// Bytes that the fragment has once its holes are filled.
    pub(crate) fn filled_bytes(&self, origin: &Origin) -> usize {
        self.bytes.len() + self.holes.len() * origin.0.len() + 1
    }

    /// Bytes that the fragment takes in memory, apart from its own struct.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.holes.len() * size_of::<u32>()
    }
}

enum Links<'a> {
    Origin(&'a Origin),
    Holes(&'a mut Vec<u32>),
}

/// Appends JSON to a buffer. Commas need no state: one is due unless the last byte opens an object or a list.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    links: Links<'a>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, origin: &'a Origin) -> Self {
        Self { out, links: Links::Origin(origin) }
    }

    /// An object with what `fields` writes.
    pub(crate) fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fields(self);
        self.out.push(b'}');
    }

    /// A list with one element for each thing.
    pub(crate) fn list<T>(
        &mut self,
        things: impl IntoIterator<Item = T>,
        mut element: impl FnMut(&mut Self, T),
    ) {
        self.out.push(b'[');
        for thing in things {
            self.comma();
            element(self, thing);
        }
        self.out.push(b']');
    }

    /// A key of ours, which needs no escapes; its value is written next.
    pub(crate) fn key(&mut self, key: &'static str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A key of ours and its value.
    pub(crate) fn field(&mut self, key: &'static str, value: impl Put) {
        self.key(key);
        value.put(self);
    }

    /// A key of ours and its value, or nothing at all.
    pub(crate) fn field_if_some(&mut self, key: &'static str, value: Option<impl Put>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }

    /// A key of ours and what `write` makes of its value, or nothing at all.
    pub(crate) fn key_if_some<T>(
        &mut self,
        key: &'static str,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T),
    ) {
        if let Some(value) = value {
            self.key(key);
            write(self, value);
        }
    }

    /// Keys that came from outside, but for those that have a meaning here: no key stands twice.
    pub(crate) fn further(&mut self, further: &Map<String, Value>, known: &[&str]) {
        for (key, value) in further.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            self.comma();
            key.as_str().put(self);
            self.out.push(b':');
            value.put(self);
        }
    }

    /// `"_links":{"self":{"href":…}}`, the path written by `path` after the origin.
    pub(crate) fn self_link(&mut self, path: impl FnOnce(&mut Vec<u8>)) {
        self.key("_links");
        self.object(|w| w.link("self", path));
    }

    /// `"self":{"href":…}` inside of `_links`.
    pub(crate) fn link(&mut self, relation: &'static str, path: impl FnOnce(&mut Vec<u8>)) {
        self.key(relation);
        self.out.extend_from_slice(b"{\"href\":\"");
        match &mut self.links {
            Links::Origin(origin) => self.out.extend_from_slice(origin.0.as_bytes()),
            Links::Holes(holes) => {
                holes.push(
                    u32::try_from(self.out.len()).expect("an item is far below 4 GiB: its texts are bounded"),
                );
            }
        }
        path(self.out);
        self.out.extend_from_slice(b"\"}");
    }

    /// Null, as one element or after a key.
    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// A value written by somebody else, as one element or after a key.
    pub(crate) fn raw(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(self.out);
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }
}

/// A value that the writer can write.
pub(crate) trait Put {
    fn put(self, writer: &mut Writer<'_>);
}

impl Put for &str {
    fn put(self, writer: &mut Writer<'_>) {
        serde_json::to_writer(&mut *writer.out, self).expect("a buffer takes every text");
    }
}

impl Put for &String {
    fn put(self, writer: &mut Writer<'_>) {
        self.as_str().put(writer);
    }
}

impl Put for &Value {
    fn put(self, writer: &mut Writer<'_>) {
        serde_json::to_writer(&mut *writer.out, self).expect("a buffer takes every value");
    }
}

impl Put for u64 {
    fn put(self, writer: &mut Writer<'_>) {
        writer.out.extend_from_slice(itoa::Buffer::new().format(self).as_bytes());
    }
}

impl Put for bool {
    fn put(self, writer: &mut Writer<'_>) {
        writer.out.extend_from_slice(if self { b"true" } else { b"false" });
    }
}

impl<T: Put> Put for Option<T> {
    fn put(self, writer: &mut Writer<'_>) {
        match self {
            Some(value) => value.put(writer),
            None => writer.out.extend_from_slice(b"null"),
        }
    }
}

/// A number written as text: `duration` and `form_sent_at` of answers. Source: both v4 documents' examples.
pub(crate) struct Quoted(pub(crate) u64);

impl Put for Quoted {
    fn put(self, writer: &mut Writer<'_>) {
        writer.out.push(b'"');
        self.0.put(writer);
        writer.out.push(b'"');
    }
}

/// Appends a number to a path.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
