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
//! ```
//! use incoming_leads_model::{Accept, Change, NoteId, Scene, StateKind, Summary, Tally};
//! # use incoming_leads_model::{Layout, Moment, State, Uid, UserId};
//! # let layout: Layout = serde_json::from_str(r#"{
//! #     "account": {"id": 1, "subdomain": "example", "name": "Example", "created_at": 0},
//! #     "pipelines": [{"id": 1, "name": "Sales", "statuses": [{"id": 2, "name": "First contact", "sort": 1}]}],
//! #     "users": [{"id": 1, "name": "Ann", "email": "ann@example.com", "rights": {"sort": true}}]
//! # }"#)?;
//! # let state: State = serde_json::from_str(r#"{"pending": {
//! #     "uid": "1", "pipeline_id": 1, "created_at": 0, "updated_at": 0, "version": 1,
//! #     "metadata": {"sip": {"from": "1"}}, "links": {"lead": {"made": 1}}
//! # }}"#)?;
//! # let (uid, caller, now) = (Uid::new("1")?, UserId::new(1)?, Moment::from_secs(60)?);
//! # let notes = [NoteId::new(1)?, NoteId::new(2)?];
//!
//! let scene = Scene { caller, layout: &layout, now };
//! let event = Accept::default().decide(scene, &uid, &state, notes)?; // else a refusal that says why not
//! assert_eq!(event.changes().last(), Some(&Change::Unstage(uid))); // what a store is to do
//! assert_eq!(state.apply(&event)?.kind(), StateKind::Accepted);
//! assert_eq!(Summary::from(Tally::of(&event)).average_sort_time_secs, 60);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
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
mod floor;
pub mod grant;
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
pub mod setup;
pub mod stored;
pub mod tally;
pub mod window;

pub use account::{
    Account, Choice, DuplicatePolicy, EntityKind, Field, Integration, Layout, LinkPolicy, Pipeline, Policies,
    RequiredPolicy, Right, Rights, Status, StatusKind, User,
};
pub use draft::{
    Card, CompanyDraft, ContactDraft, Draft, EnumRef, FieldRef, FieldValue, FieldValues, LeadDraft,
    NoteDraft, TagRef,
};
pub use entity::{Company, Contact, Customer, EntityRef, Lead, LeadPatch, Note, PartyPatch, Stamp, Tag};
pub use fault::{Fault, FaultCode, ItemFaults, Path, Refusal, Segment};
pub use floor::Floor;
pub use id::{
    AccountId, CompanyId, ContactId, CustomerId, EnumId, FieldId, LeadId, NoteId, PipelineId, StatusId,
    TagId, Uid, UserId,
};
pub use identity::Identity;
pub use item::{Entity, IncomingLead, Item, Linked, Links, Receipt};
pub use lifecycle::{
    Accept, Add, AddFacts, AddNeeds, Arrival, Change, Channel, Decline, Event, EventKind, Impossible,
    LeadStanding, Link, LinkFacts, LinkTarget, Minted, Scene, Standing, State, StateKind, TakeIn, Wants,
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
