//! The export document: all that an account holds, one JSON object a line.
//!
//! The same document is the seed of a server. The first line is a [`Line::Header`]; an account's [`Line::Account`]
//! comes before all else of it. Lines may be spread over several rows by hand: objects just follow each other.
//! Moments are Unix seconds, UTC; ids are numbers; what is absent is not told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::Layout;
use crate::draft::Draft;
use crate::entity::{Company, Contact, Customer, Lead, Note, Tag};
use crate::floor::Floor;
use crate::grant::Grant;
use crate::id::{AccountId, TagId, UserId};
use crate::item::Item;
use crate::lifecycle::{Event, EventKind};
use crate::limits::{MAX_NAME_CHARS, MAX_VERSION};
use crate::moment::Moment;

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
        /// Ids up to these are taken in the document, or were where it comes from. A store raises its own to them before
        /// it takes anything over: whoever adds something between two pieces of an import gets ids that no later piece
        /// brings. A seed needs none, as it is taken over at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ids: Option<Floor>,
    },
    /// An account with its pipelines, users, fields and policies.
    Account(Box<Layout>),
    /// A token, key or session by which a user comes in.
    Token(Token),
    /// What a user allowed an integration.
    Grant(Grant),
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

/// A token, key or session by which a user comes in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The account.
    pub account_id: AccountId,
    /// The user.
    pub user_id: UserId,
    /// What it is. Default: a bearer token.
    #[serde(default, skip_serializing_if = "TokenKind::is_bearer")]
    pub kind: TokenKind,
    /// The secret. The digest of each kind is made in a way of its own, so that none passes for another kind.
    pub secret: Secret,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The integration that it was given to; none for one that a person keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// From when on (UTC) it lets nobody in; none is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

impl Token {
    /// A bearer token that lives until it is forgotten.
    #[must_use]
    pub const fn bearer(account_id: AccountId, user_id: UserId, secret: Secret) -> Self {
        let kind = TokenKind::Bearer;
        Self { account_id, user_id, kind, secret, name: None, client_id: None, expires_at: None }
    }

    /// Whether it lets anybody in at this moment.
    #[must_use]
    pub fn is_live(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl std::fmt::Debug for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("account_id", &self.account_id)
            .field("user_id", &self.user_id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What somebody shows to come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// `Authorization: Bearer`, long-lived or an integration's for a day.
    #[default]
    Bearer,
    /// The key that v2 takes together with the user's e-mail address.
    ApiKey,
    /// The cookie of a v2 session.
    Session,
}

impl TokenKind {
    /// Its name, as the document has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey => "api_key",
            Self::Session => "session",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    const fn is_bearer(&self) -> bool {
        matches!(self, Self::Bearer)
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

impl Secret {
    /// The digest, if this is one of 64 hex digits.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn sha256(&self) -> Result<&str, &'static str> {
        match self {
            Self::Plain(_) => Err("is plain; whoever reads the document hashes it"),
            Self::Sha256(digits)
                if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                Ok(digits)
            }
            Self::Sha256(_) => Err("has a digest that is not 64 hex digits"),
        }
    }
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

impl Line {
    /// The account that it is of; none for the header.
    #[must_use]
    pub fn account_id(&self) -> Option<AccountId> {
        match self {
            Self::Header { .. } => None,
            Self::Account(layout) => Some(layout.account.id),
            Self::Token(token) => Some(token.account_id),
            Self::Grant(grant) => Some(grant.account_id),
            Self::Tag(of) => Some(of.account_id),
            Self::Customer(of) => Some(of.account_id),
            Self::Lead(of) => Some(of.account_id),
            Self::Contact(of) => Some(of.account_id),
            Self::Company(of) => Some(of.account_id),
            Self::Note(of) => Some(of.account_id),
            Self::Item(of) => Some(of.account_id),
            Self::Event(event) => Some(event.account_id),
            Self::Draft(incoming) => Some(incoming.account_id),
        }
    }
}

/// A line that no store takes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct Misfit {
    /// Which line, counted from 0.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// The accounts that lines are of: what a store looks up before it [`check`]s them.
#[must_use]
pub fn accounts(lines: &[Line]) -> BTreeSet<AccountId> {
    lines.iter().filter_map(Line::account_id).collect()
}

/// Finds the first line that cannot be taken over, whatever is stored: `known` has those of [`accounts`] that a store
/// holds. That no two accounts have one sub-domain, and whether a draft comes in, only the store can tell.
///
/// # Errors
/// [`Misfit`] for a document of another version, a line of an account that was not told before, a token or grant of a
/// user, or of an integration, that its account does not have, a secret that is no digest, an integration told twice,
/// an event that contradicts its item, a tag, sub-domain, grant or version that is outside of the
/// [limits](crate::limits), two tags of one name, an account that is another one than the one of its id that is held.
pub fn check(lines: &[Line], known: &BTreeMap<AccountId, Arc<Layout>>) -> Result<(), Misfit> {
    let mut told: BTreeMap<AccountId, &Layout> = known.iter().map(|(id, layout)| (*id, &**layout)).collect();
    let mut tags: BTreeMap<(AccountId, &str), TagId> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate() {
        let fits = match (line, line.account_id()) {
            (Line::Account(layout), _) => {
                let before = told.insert(layout.account.id, layout);
                is_same(layout, before).and_then(|()| fits_account(layout))
            }
            (_, Some(id)) => match told.get(&id) {
                Some(layout) => fits(line, layout).and_then(|()| {
                    if let Line::Tag(Of { row, .. }) = line
                        && let Some(other) = tags.insert((id, &row.name), row.id)
                        && other != row.id
                    {
                        let Tag { id, name } = row;
                        return Err(format!(
                            "tag.row.name: {name} is that of tag {other}, and so not of tag {id}"
                        ));
                    }
                    Ok(())
                }),
                None => Err(format!("a line is of account {id}, of which no line told before")),
            },
            (Line::Header { version, .. }, None) if *version != VERSION => {
                Err(format!("the document is of version {version}, {VERSION} is read"))
            }
            (_, None) => Ok(()),
        };
        fits.map_err(|what| Misfit { line: number, what })?;
    }
    Ok(())
}

/// Every store that begins gives its first account the same id; what two of one id do not share is the moment at which
/// they were made.
fn is_same(layout: &Layout, before: Option<&Layout>) -> Result<(), String> {
    let Some(Layout { account: here, .. }) = before else { return Ok(()) };
    let Layout { account, .. } = layout;
    if here.created_at == account.created_at {
        return Ok(());
    }
    Err(format!(
        "account {} here is {}, made {}; that of the document is {}, made {}: it goes into a store that has no account {}",
        here.id, here.subdomain, here.created_at, account.subdomain, account.created_at, account.id
    ))
}

fn fits_account(layout: &Layout) -> Result<(), String> {
    let Layout { account, .. } = layout;
    fits_index(&account.subdomain)
        .map_err(|what| format!("account.account.subdomain: that of account {} {what}", account.id))?;
    let mut seen = BTreeSet::new();
    for integration in &layout.integrations {
        let id = &integration.client_id;
        integration.secret.sha256().map_err(|what| format!("the secret of integration {id} {what}"))?;
        if !seen.insert(id) {
            return Err(format!("integration {id} is told twice"));
        }
    }
    Ok(())
}

/// Whether every store can look something up by this text.
fn fits_index(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("has the character NUL (U+0000), which is not taken".to_owned());
    }
    match text.chars().count() {
        0..=MAX_NAME_CHARS => Ok(()),
        chars => Err(format!("has {chars} characters, at most {MAX_NAME_CHARS} are taken")),
    }
}

fn fits(line: &Line, layout: &Layout) -> Result<(), String> {
    let account = layout.account.id;
    let has_user = |what: &str, user: UserId| match layout.user(user) {
        Some(_) => Ok(()),
        None => Err(format!("a {what} is of user {user}, whom account {account} does not have")),
    };
    match line {
        Line::Token(token) => {
            has_user("token", token.user_id)?;
            token.secret.sha256().map(|_| ()).map_err(|what| format!("a token {what}"))
        }
        Line::Grant(grant) => {
            has_user("grant", grant.user_id)?;
            if layout.integration(&grant.client_id).is_none() {
                let id = &grant.client_id;
                return Err(format!("a grant is of integration {id}, which account {account} does not have"));
            }
            let of = grant.user_id;
            fits_index(&grant.id).map_err(|what| format!("grant.id: that of a grant of user {of} {what}"))?;
            let spent = grant.spent.iter().map(|spent| &spent.secret);
            let mut digests = std::iter::once(&grant.secret).chain(spent).map(Secret::sha256);
            digests.try_for_each(|digest| digest.map(|_| ())).map_err(|what| format!("a grant {what}"))
        }
        Line::Tag(Of { row, .. }) => {
            fits_index(&row.name).map_err(|what| format!("tag.row.name: that of tag {} {what}", row.id))
        }
        Line::Item(Of { row, .. }) if !(1..=MAX_VERSION).contains(&row.version) => Err(format!(
            "item.row.version: that of {} is {}, from 1 to {MAX_VERSION} are taken",
            row.uid, row.version
        )),
        Line::Event(event) if !is_whole(event) => {
            Err(format!("the event that added {} contradicts its item", event.uid))
        }
        Line::Header { .. }
        | Line::Account(_)
        | Line::Customer(_)
        | Line::Lead(_)
        | Line::Contact(_)
        | Line::Company(_)
        | Line::Note(_)
        | Line::Item(_)
        | Line::Event(_)
        | Line::Draft(_) => Ok(()),
    }
}

/// Whether an event says the same as the item in it: a store may keep it once.
fn is_whole(event: &Event) -> bool {
    match &event.kind {
        EventKind::Added(added) => {
            let item = &added.item;
            (&item.uid, item.category(), item.pipeline_id, item.created_at)
                == (&event.uid, event.category, event.pipeline_id, event.created_at)
        }
        EventKind::Updated(_) | EventKind::Accepted(_) | EventKind::Declined(_) | EventKind::Linked(_) => {
            true
        }
    }
}
