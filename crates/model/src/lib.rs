//! What an incoming lead is, every rule about it, every question and answer of the port. Pure: no IO, no clock, no
//! randomness; moments and ids come in as arguments.
//!
//! *Incoming Leads* is the stage of a sales pipeline in which calls, form requests, chats and mails wait until
//! somebody accepts, declines or links each of them. This crate decides what becomes of them, as data:
//!
//! - a command ([`Add`], [`TakeIn`], [`Accept`], [`Decline`], [`Link`]) **decides** on a [`Scene`] and facts, and
//!   answers an [`Event`] or a [`Refusal`];
//! - an event's [`changes`](Event::changes) say what a store is to do, and a [`State`] **applies** it;
//! - a [`Tally`] is a fold over events, a [`Summary`] is made of a tally.
//!
//! serde on these types is the project's own export format: snake_case, described by the types themselves, and
//! versioned in [`document`]. It is never a wire.

#![warn(clippy::wildcard_enum_match_arm)]
#![expect(
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "a new field or state must break every adapter and wire, so that none forgets it"
)]

pub mod account;
pub mod document;
pub mod draft;
pub mod entity;
pub mod fault;
pub mod id;
pub mod identity;
pub mod item;
pub mod lifecycle;
pub mod limits;
pub mod metadata;
pub mod moment;
pub mod paging;
pub mod preview;
pub mod query;
pub mod required;
pub mod tally;
pub mod window;

pub use account::{
    Account, Choice, DuplicatePolicy, EntityKind, Field, Layout, LinkPolicy, Pipeline, Policies,
    RequiredPolicy, Right, Rights, Status, StatusKind, User,
};
pub use draft::{
    Card, CompanyDraft, ContactDraft, Draft, EnumRef, FieldRef, FieldValue, FieldValues, LeadDraft,
    NoteDraft, TagRef,
};
pub use entity::{Company, Contact, Customer, EntityRef, Lead, LeadPatch, Note, PartyPatch, Stamp, Tag};
pub use fault::{Fault, FaultCode, ItemFaults, Path, Refusal, Segment};
pub use id::{
    AccountId, CompanyId, ContactId, CustomerId, EnumId, FieldId, LeadId, NoteId, PipelineId, StatusId,
    TagId, Uid, UserId,
};
pub use identity::Identity;
pub use item::{Entity, IncomingLead, Item, Linked, Links, Receipt};
pub use lifecycle::{
    Accept, Add, AddFacts, AddNeeds, Change, Channel, Decline, Event, EventKind, Impossible, LeadStanding,
    Link, LinkFacts, LinkTarget, Minted, Scene, Standing, State, StateKind, TakeIn, Wants,
};
pub use metadata::{
    CallEvent, Category, ChatClient, ChatOrigin, ChatsMetadata, FormsMetadata, Further, MailAuthor,
    MailMetadata, Metadata, SipMetadata,
};
pub use moment::Moment;
pub use preview::{Preview, preview};
pub use query::{
    Cards, Direction, ListFilter, ListQuery, More, Order, OrderKey, Page, PageRequest, SummaryQuery, Window,
};
pub use required::Generation;
pub use tally::{Summary, Tally};
