//! The export document: all that an account holds, one JSON object a line.
//!
//! The same document is the seed of a server. The first line is a [`Line::Header`]; an account's [`Line::Account`]
//! comes before all else of it. Lines may be spread over several rows by hand: objects just follow each other.
//! Moments are Unix seconds, UTC; ids are numbers; what is absent is not told.

use serde::{Deserialize, Serialize};

use crate::account::Layout;
use crate::draft::Draft;
use crate::entity::{Company, Contact, Customer, Lead, Note, Tag};
use crate::id::{AccountId, UserId};
use crate::item::Item;
use crate::lifecycle::Event;

/// The version of the document that this crate writes and reads.
pub const VERSION: u32 = 1;

/// One line of the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// What this is.
    Header {
        /// [`VERSION`].
        version: u32,
    },
    /// An account with its pipelines, users, fields and policies.
    Account(Box<Layout>),
    /// A token by which a user comes in.
    Token(Token),
    /// A tag.
    Tag(Of<Tag>),
    /// A customer.
    Customer(Of<Customer>),
    /// A lead.
    Lead(Of<Lead>),
    /// A contact.
    Contact(Of<Contact>),
    /// A company.
    Company(Of<Company>),
    /// A note.
    Note(Of<Note>),
    /// An incoming lead that waits, as the stage holds it.
    Item(Of<Item>),
    /// An event of the history, oldest first. It is kept, not carried out again: entities and items have lines of
    /// their own.
    Event(Event),
    /// For seeds: an incoming lead that is to come in when the document is read, of any category, by this user.
    Draft(Incoming),
}

/// Something of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Of<T> {
    /// The account.
    pub account_id: AccountId,
    /// The thing.
    pub row: T,
}

/// A token by which a user comes in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The account.
    pub account_id: AccountId,
    /// The user.
    pub user_id: UserId,
    /// The secret.
    pub secret: Secret,
}

impl std::fmt::Debug for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("account_id", &self.account_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// A secret: plain in a seed that a person writes, a digest in an export.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// The secret itself. Whoever reads the document hashes it and forgets it.
    Plain(String),
    /// Its SHA-256, as 64 lower-case hex digits.
    Sha256(String),
}

impl std::fmt::Debug for Secret {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Secret::Plain(_) => "Plain(..)",
            Secret::Sha256(_) => "Sha256(..)",
        })
    }
}

/// An incoming lead that is to come in when a seed is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// The account.
    pub account_id: AccountId,
    /// Who brings it in.
    pub user_id: UserId,
    /// What comes in.
    pub draft: Draft,
}
