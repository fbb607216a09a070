//! A short binary form of the model's own export format, in which records are kept.
//!
//! The model's types say through serde what they hold; JSON would repeat every field's name in each of a million
//! records. Here a struct is a set of bits (which of its fields are there) and the values of those; a number is as
//! short as it can be; and a text of lower-case hex digits, such as a uid, takes half its length. All else is tagged
//! the way CBOR does it, since a custom field's value may be any JSON.
//!
//! The form never leaves the process, so it has no version and trusts what it reads.
//! It holds for types whose fields are written and read in one order, and not for `flatten` or `untagged`.

mod de;
mod ser;

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// The upper three bits of the byte before each value; the lower five hold its number, or say how long that is.
mod kind {
    pub(super) const UNSIGNED: u8 = 0;
    /// -1 - number.
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const TEXT: u8 = 2;
    /// Lower-case hex digits; the number counts the bytes they make.
    pub(super) const HEX: u8 = 3;
    pub(super) const SEQUENCE: u8 = 4;
    /// The number counts pairs. A variant with a payload is a pair of its index and the payload.
    pub(super) const MAP: u8 = 5;
    /// The number's bits tell which fields are there.
    pub(super) const STRUCT: u8 = 6;
    /// One of the numbers below.
    pub(super) const OTHER: u8 = 7;

    pub(super) const NULL: u64 = 0;
    pub(super) const FALSE: u64 = 1;
    pub(super) const TRUE: u64 = 2;
    /// Eight bytes follow.
    pub(super) const FLOAT: u64 = 3;
}

/// Numbers up to this one lie in the kind's own byte; above, the byte says that 1, 2, 4 or 8 bytes follow.
const SHORT: u8 = 27;

/// What a type cannot be kept as, or a record that does not read back: a defect of the program.
#[derive(Debug)]
pub(crate) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Appends the packed form of a value of the model.
pub(crate) fn write(value: &impl Serialize, out: &mut Vec<u8>) {
    value.serialize(ser::Writer { out }).expect("the model's types have a packed form, which the tests show");
}

/// Reads one value and moves the input behind it.
pub(crate) fn read<T: DeserializeOwned>(input: &mut &[u8]) -> T {
    let mut reader = de::Reader { input };
    let value = T::deserialize(&mut reader).expect("what was packed by this process reads back");
    *input = reader.input;
    value
}

/// Moves the input behind one value.
pub(crate) fn skip(input: &mut &[u8]) {
    read::<IgnoredAny>(input);
}

/// Moves the input to the first field of the struct that comes next.
pub(crate) fn enter(input: &mut &[u8]) {
    let mut reader = de::Reader { input };
    reader.head_of(kind::STRUCT).expect("what was packed by this process reads back");
    *input = reader.input;
}

/// A packed text as it lies there, ordered as texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Text<'a> {
    /// Lower-case hex digits, two a byte.
    Hex(&'a [u8]),
    /// Any other.
    Plain(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The text that comes next.
    pub(crate) fn next(input: &'a [u8]) -> Self {
        let mut reader = de::Reader { input };
        reader.raw_text().expect("a text that was packed by this process reads back")
    }

    fn letters(self) -> impl Iterator<Item = u8> {
        let (hex, plain): (&[u8], &[u8]) = match self {
            Text::Hex(bytes) => (bytes, &[]),
            Text::Plain(bytes) => (&[], bytes),
        };
        hex.iter().flat_map(|byte| de::digits(*byte)).chain(plain.iter().copied())
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // The digits are in order, so pairs of them are.
            (Text::Hex(one), Text::Hex(other)) | (Text::Plain(one), Text::Plain(other)) => one.cmp(other),
            (Text::Hex(_), Text::Plain(_)) | (Text::Plain(_), Text::Hex(_)) => {
                self.letters().cmp(other.letters())
            }
        }
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
