//! Identifiers: newtypes that cannot be mixed up, and the opaque uid of an incoming lead.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::{MAX_SAFE_INTEGER, MAX_UID_BYTES};
use crate::moment::Moment;

/// A number that is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} is no id: an id is a whole number from 1 to {MAX_SAFE_INTEGER}")]
#[non_exhaustive]
pub struct InvalidId(pub u64);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "u64", try_from = "u64")]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The id with this number.
            ///
            /// # Errors
            /// [`InvalidId`] for 0 and for more than 2^53 - 1.
            pub const fn new(number: u64) -> Result<Self, InvalidId> {
                match NonZeroU64::new(number) {
                    Some(id) if number <= MAX_SAFE_INTEGER => Ok(Self(id)),
                    _ => Err(InvalidId(number)),
                }
            }

            /// The number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0.get()
            }
        }

        impl TryFrom<u64> for $name {
            type Error = InvalidId;
            fn try_from(number: u64) -> Result<Self, InvalidId> {
                Self::new(number)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> u64 {
                id.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// An account: one customer of the service, told apart by token and sub-domain.
    AccountId;
    /// A pipeline of an account.
    PipelineId;
    /// A stage of a pipeline. [`StatusId::WON`] and [`StatusId::LOST`] belong to every pipeline.
    StatusId;
    /// A user of an account.
    UserId;
    /// A lead (deal).
    LeadId;
    /// A contact. Contacts and companies draw from one number space. Source: v4 Kommo document, 583292/583294.
    ContactId;
    /// A company.
    CompanyId;
    /// A customer: what a chat may be linked to beside a lead.
    CustomerId;
    /// A custom field's definition.
    FieldId;
    /// One choice of a custom field.
    EnumId;
    /// A tag.
    TagId;
    /// A note on a lead, contact, company or customer.
    NoteId;
}

impl StatusId {
    /// "Closed – won", the same number in every pipeline.
    pub const WON: StatusId = StatusId(NonZeroU64::new(142).expect("142 is not 0"));
    /// "Closed – lost", the same number in every pipeline.
    pub const LOST: StatusId = StatusId(NonZeroU64::new(143).expect("143 is not 0"));
}

/// A text that is no uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a uid is a text of 1 to {MAX_UID_BYTES} bytes without control characters")]
#[non_exhaustive]
pub struct InvalidUid;

/// The uid of an incoming lead: opaque text, compared byte by byte.
///
/// Ours are 60 lower-case hex digits; those of others may be anything of 1 to 128 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Uid(Arc<str>);

impl Uid {
    /// Reads a uid.
    ///
    /// # Errors
    /// [`InvalidUid`] when the text is empty, too long or holds a control character.
    pub fn new(text: &str) -> Result<Self, InvalidUid> {
        // Lists make many of these; nearly all are ASCII, for which bytes are enough.
        let has_control = match text.is_ascii() {
            true => text.bytes().any(|byte| byte.is_ascii_control()),
            false => text.chars().any(char::is_control),
        };
        if text.is_empty() || text.len() > MAX_UID_BYTES || has_control {
            return Err(InvalidUid);
        }
        Ok(Self(text.into()))
    }

    /// Makes a uid of ours: 60 lower-case hex digits, of which the first 20 grow with the time and, within one
    /// second, with the sequence (its lowest 40 bits), and 40 are the given random ones.
    #[must_use]
    pub fn compose(now: Moment, sequence: u64, random: [u8; 20]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(60);
        // Writing to a String cannot fail.
        let _ = write!(text, "{:010x}{:010x}", now.secs(), sequence & 0xff_ffff_ffff);
        for byte in random {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Uid {
    type Error = InvalidUid;
    fn try_from(text: String) -> Result<Self, InvalidUid> {
        Self::new(&text)
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> String {
        uid.as_str().to_owned()
    }
}

impl std::str::FromStr for Uid {
    type Err = InvalidUid;
    fn from_str(text: &str) -> Result<Self, InvalidUid> {
        Self::new(text)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({})", self.0)
    }
}
