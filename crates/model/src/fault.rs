//! Faults and refusals: what was wrong, where, and what would be right.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::Right;
use crate::id::Uid;

/// Why a command or question was not carried out. Nothing of it took effect.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The caller lacks a right (R11).
    #[error("the right to {} is missing", right_name(*.0))]
    Forbidden(Right),
    /// No incoming lead with this uid waits in the account: unknown, of another account, or decided already (R7, R11).
    #[error("no incoming lead with the uid {0} waits here")]
    NotFound(Uid),
    /// The command itself is wrong.
    #[error("{}", list(.0))]
    Invalid(Vec<Fault>),
    /// Items of an add are wrong; nothing of the batch was taken (R5).
    #[error("{} of the items are refused, the first, number {}: {}", .0.len(), first_index(.0), first_fault(.0))]
    Items(Vec<ItemFaults>),
}

const fn right_name(right: Right) -> &'static str {
    match right {
        Right::View => "view incoming leads",
        Right::Add => "add incoming leads",
        Right::Sort => "accept and decline incoming leads",
        Right::Administrate => "administrate",
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn first_index(items: &[ItemFaults]) -> usize {
    items.first().map_or(0, |item| item.index)
}

fn first_fault(items: &[ItemFaults]) -> String {
    items.first().map_or_else(String::new, |item| list(&item.faults))
}

/// What is wrong with one item of an add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemFaults {
    /// The item's place in the batch, from 0.
    pub index: usize,
    /// All that is wrong with it.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What kind of thing.
    pub code: FaultCode,
    /// Where; the empty path is the whole item or command.
    pub path: Path,
    /// A sentence that says what would be right.
    pub detail: Cow<'static, str>,
    /// The uid that is already there, of a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<Uid>,
}

impl Fault {
    /// A fault at a path.
    #[must_use]
    pub fn new(code: FaultCode, path: Path, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, path, detail: detail.into(), existing: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.path, self.detail)
        }
    }
}

/// The kinds of fault. The first three are names that the real service was seen to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FaultCode {
    /// Something required is not there.
    FieldMissing,
    /// A value of the wrong type.
    InvalidType,
    /// A value that names nothing that exists or may be chosen here.
    NotSupportedChoice,
    /// An identical pending lead exists (R6).
    Duplicate,
    /// A number or moment outside of its range.
    OutOfRange,
    /// A text that is too long or a body that is too large.
    TooLong,
    /// A list with too many members.
    TooMany,
    /// A list with too few members.
    TooFew,
    /// A text with characters that are not taken.
    InvalidText,
}

impl FaultCode {
    /// All of them.
    pub const ALL: [FaultCode; 9] = [
        FaultCode::FieldMissing,
        FaultCode::InvalidType,
        FaultCode::NotSupportedChoice,
        FaultCode::Duplicate,
        FaultCode::OutOfRange,
        FaultCode::TooLong,
        FaultCode::TooMany,
        FaultCode::TooFew,
        FaultCode::InvalidText,
    ];

    /// The kind of this name, as the wires write it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// The name on the wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FaultCode::FieldMissing => "FieldMissing",
            FaultCode::InvalidType => "InvalidType",
            FaultCode::NotSupportedChoice => "NotSupportedChoice",
            FaultCode::Duplicate => "Duplicate",
            FaultCode::OutOfRange => "OutOfRange",
            FaultCode::TooLong => "TooLong",
            FaultCode::TooMany => "TooMany",
            FaultCode::TooFew => "TooFew",
            FaultCode::InvalidText => "InvalidText",
        }
    }
}

/// Where something is wrong, in the model's own vocabulary; wires translate it into theirs.
///
/// The first segment is a key of [`Draft`](crate::Draft) (`source_name`, `pipeline_id`, `metadata`, `leads`,
/// `contacts`, `companies` ...) or of a command (`user_id`, `status_id`, `target`, `contact_id`) or, where it cannot be linked, its
/// `category`; below an entity
/// stand `id`, `name`, `price`, `custom_fields`, `tags`, `notes` or, for what is in no table, the further key itself.
/// Below `custom_fields.N`: `field`, `values.N.value`, `values.N.choice`. Below `tags.N`: `id`, `name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// A key of an object.
    Key(Cow<'static, str>),
    /// A place in a list, from 0.
    Index(usize),
}

impl Path {
    /// The whole item or command.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A key at the top.
    #[must_use]
    pub fn of(key: impl Into<Cow<'static, str>>) -> Self {
        Self::root().key(key)
    }

    /// One step further down, into an object.
    #[must_use]
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// One step further down, into a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<&'static str> for Path {
    fn from_iter<I: IntoIterator<Item = &'static str>>(keys: I) -> Self {
        keys.into_iter().map(|key| Segment::Key(key.into())).collect()
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for Path {
    /// Dotted: `leads.0.custom_fields.2.field`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.0.iter().map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Index(index) => index.to_string().into(),
        });
        f.write_str(&steps.collect::<Vec<_>>().join("."))
    }
}
