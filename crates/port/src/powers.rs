//! Further powers of a transport, each a trait of its own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::document::{Line, Token};
use incoming_leads_model::grant::Grant;
use incoming_leads_model::limits::MAX_PAGE_SIZE;
use incoming_leads_model::{
    AccountId, Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityRef, Event, IncomingLead,
    Layout, Lead, LeadId, ListQuery, Note, Page, PageRequest, Receipt, TakeIn, Uid, UserId,
};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::incoming::IncomingLeads;

/// To look up what incoming leads point to. Asks for the right to view.
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// The account with its pipelines, users, fields and policies.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn layout(&self) -> Result<Arc<Layout>>;

    /// Leads.
    ///
    /// # Errors
    /// Those of [`EntityQuery::check`]; see [`IncomingLeads`]. The same holds for the others.
    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>>;

    /// Contacts.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>>;

    /// Companies.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>>;

    /// Customers.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>>;

    /// Notes on an entity, by id ascending.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>>;
}

/// Which entities, by id ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityQuery<I> {
    /// These, also where lists would not show them: hidden while their lead waits, or in the bin. `None` is all that
    /// lists show (`is_listed` of each entity).
    pub ids: Option<Vec<I>>,
    /// Which page.
    pub page: PageRequest,
}

impl<I> EntityQuery<I> {
    /// A page of all that lists show.
    #[must_use]
    pub const fn listed(page: PageRequest) -> Self {
        Self { ids: None, page }
    }

    /// Those with these ids, as far as they exist, at most [`MAX_PAGE_SIZE`].
    #[must_use]
    pub fn with_ids(ids: Vec<I>) -> Self {
        let page = PageRequest::new(1, MAX_PAGE_SIZE);
        Self { ids: Some(ids), page: page.expect("the largest page is a page") }
    }

    /// What every store asks of a query before it answers it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when more are named than [`MAX_PAGE_SIZE`].
    pub fn check(&self) -> Result<()> {
        let named = self.ids.as_ref().map_or(0, Vec::len);
        if named <= MAX_PAGE_SIZE as usize {
            return Ok(());
        }
        let detail = format!("{named} entities are named, at most {MAX_PAGE_SIZE} can be");
        Err(Error::new(ErrorKind::Invalid, Operation::Directory).with_detail(detail))
    }
}

/// To take chats and mails in, as built-in integrations do (R2). Asks for the right to add.
#[async_trait]
pub trait Intake: fmt::Debug + Send + Sync + 'static {
    /// Takes one in. A chat that waits already is updated: the receipt has its uid.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) with its faults.
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt>;
}

/// To read what happened. Asks for the right to view.
#[async_trait]
pub trait History: fmt::Debug + Send + Sync + 'static {
    /// Events after the cursor, oldest first, at most `most` (held to 1..=1000). Misses no event that is committed
    /// late. Without a cursor from the oldest that is kept.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a cursor that is none of this store's.
    async fn events(&self, after: Option<&Cursor>, most: u32) -> Result<Events>;
}

/// A place in the history: opaque text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor that a store wrote.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A stretch of the history.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "every store makes it")]
pub struct Events {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// Where to go on, also when nothing has happened yet.
    pub next: Cursor,
}

/// To know what a page holds without reading it: what a cache needs. Asks for the right to view.
#[async_trait]
pub trait Versioned: fmt::Debug + Send + Sync + 'static {
    /// A number that stands for all that lists of this account answer: another one after every change, never the
    /// same again. `None` where the store keeps none, and [`versions`](Versioned::versions) has to be asked.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn revision(&self) -> Result<Option<u64>>;

    /// Uid and version of what [`IncomingLeads::list`] would answer.
    ///
    /// # Errors
    /// See [`IncomingLeads::list`].
    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>>;

    /// Leads by uid with their versions, without bodies of entities, in the order asked for; those that do not wait
    /// any longer are left out. They are of a later moment than the versions that were asked for before: where one is
    /// missing or has another version, what is put together is no page that ever was.
    ///
    /// # Errors
    /// See [`IncomingLeads`].
    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>>;
}

/// An item and its version: 1 when it was added, one more for each update. A uid is never used again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "every store makes it")]
pub struct ItemVersion {
    /// Its uid.
    pub uid: Uid,
    /// Its version.
    pub version: u64,
}

/// To know who may come in, and to open an account for them.
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// The token, key or session with this digest, whether it is live or not.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    async fn token(&self, digest: &Digest) -> Result<Option<Token>>;

    /// Keeps a token, key or session, in the place of one with the same digest. Some of what has expired by the
    /// store's own clock is forgotten with each call, at least two where there are so many: then what is kept is bounded
    /// by what is live.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when its account or user does not exist, or its secret is no digest.
    async fn enrol(&self, token: &Token) -> Result<()>;

    /// Forgets the token, key or session with this digest; answers whether there was one.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    async fn forget(&self, digest: &Digest) -> Result<bool>;

    /// The grant with this id, whether its token is live or not.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    async fn grant(&self, id: &str) -> Result<Option<Grant>>;

    /// Puts `new` in the place of `expected` as the grant with this id, if just that is what stands there; `None` is no
    /// grant. Answers whether it did. What makes a token single-use. Forgets what has expired as
    /// [`enrol`](Registry::enrol) does.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the account or user of `new` does not exist, or its id is not `id`.
    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool>;

    /// An account, with all that is known of it.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>>;

    /// The accounts that are served, with all that is known of them, by id.
    ///
    /// # Errors
    /// The kinds that say that the store could not be used.
    async fn accounts(&self) -> Result<Vec<Arc<Layout>>>;

    /// The handles of this account for this user; rights are asked at each call.
    ///
    /// # Errors
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) when there is no such account or active user.
    async fn open(&self, principal: Principal) -> Result<Ports>;

    /// What comes with every request, in one step: the token, key or session with this digest, whether it is live or
    /// not, and the handles of its user. `None` when there is no such token.
    ///
    /// The handles are for one request: what they tell first of the account's layout, or of its revision, may be as of
    /// this call.
    ///
    /// # Errors
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) when the token's user is not active any more.
    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>>;
}

/// What an account is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store looks up by each")]
pub enum AccountKey<'a> {
    /// Its id.
    Id(AccountId),
    /// Its sub-domain, in letters of either case.
    Subdomain(&'a str),
}

/// The SHA-256 of a token, key or session id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "every store makes it")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Digest {
    /// Not the digest: logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl TryFrom<&Token> for Digest {
    type Error = &'static str;

    /// The digest of a token; what is wrong with its secret where it is none.
    fn try_from(token: &Token) -> std::result::Result<Self, &'static str> {
        let digits = token.secret.sha256()?;
        Self::from_hex(digits).ok_or("has a digest that is not 64 hex digits")
    }
}

/// Who comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "every store makes it")]
pub struct Principal {
    /// The account.
    pub account_id: AccountId,
    /// The user.
    pub user_id: UserId,
}

/// The handles of one account for one user. What is `None` the transport does not have.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The port.
    pub incoming: Arc<dyn IncomingLeads>,
    /// What incoming leads point to.
    pub directory: Option<Arc<dyn Directory>>,
    /// Chats and mails.
    pub intake: Option<Arc<dyn Intake>>,
    /// What happened.
    pub history: Option<Arc<dyn History>>,
    /// What a cache needs.
    pub versioned: Option<Arc<dyn Versioned>>,
}

impl Ports {
    /// The port alone.
    pub fn new(incoming: Arc<dyn IncomingLeads>) -> Self {
        Self { incoming, directory: None, intake: None, history: None, versioned: None }
    }

    /// One handle that has every power.
    pub fn all<T: IncomingLeads + Directory + Intake + History + Versioned>(handle: Arc<T>) -> Self {
        Self {
            incoming: handle.clone(),
            directory: Some(handle.clone()),
            intake: Some(handle.clone()),
            history: Some(handle.clone()),
            versioned: Some(handle),
        }
    }
}

/// To set accounts up, and to carry them from one store to another.
#[async_trait]
pub trait Provision: fmt::Debug + Send + Sync + 'static {
    /// Takes lines of the model's document over, in order; all of one call or none. Accounts, tags and entities that
    /// are there already are replaced; drafts come in through the model's rules; new ids stay above all that came.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a document of another version, a plain secret (its reader hashes
    /// it), a line of an account that was not told before and whatever else
    /// [`check`](incoming_leads_model::document::check) finds, the sub-domain of another account, an id that leaves no
    /// room above it ([`Floor::HIGHEST`](crate::Floor::HIGHEST)), or a draft that is refused.
    async fn import(&self, lines: Vec<Line>) -> Result<()>;

    /// The same, if each of these accounts has just the layout that is expected of it; `None` is that there is no such
    /// account. Answers whether they were taken over. Nothing comes between the look and the import: of several who have
    /// read the same, and change it or add it at once, one is told so, and the others read anew.
    ///
    /// # Errors
    /// Those of [`import`](Provision::import).
    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool>;

    /// All that is held, of one account or of all, as lines of the model's document: [`Provision::import`] of them
    /// into an empty store makes one that answers the same. After the header each account tells its layout, then its
    /// tokens, then its grants, then the rest.
    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>>;
}
