//! The v4 JSON wire of incoming leads: requests and responses without IO.
//!
//! One module per operation, each with both sides: `request` and `read_response` are a client's, `read_request` and
//! `response` are a server's. All are functions between the model and the types of [`http`]; nothing is sent here.
//!
//! | module | operation |
//! |---|---|
//! | [`list`] | `GET /api/v4/leads/unsorted` |
//! | [`get`] | `GET /api/v4/leads/unsorted/{uid}` |
//! | [`add`] | `POST /api/v4/leads/unsorted/sip` and `…/forms` |
//! | [`accept`] | `POST /api/v4/leads/unsorted/{uid}/accept` |
//! | [`decline`] | `DELETE /api/v4/leads/unsorted/{uid}/decline` |
//! | [`link`] | `POST /api/v4/leads/unsorted/{uid}/link` |
//! | [`summary`] | `GET /api/v4/leads/unsorted/summary` |
//! | [`entity`] | what links point to: leads, contacts, companies, customers, notes |
//! | [`account`] | the account, its users, pipelines, statuses, custom fields |
//! | [`oauth`] | `POST /oauth2/access_token`, `GET /oauth2/account/current/subdomain` (a server's side) |
//!
//! [`route`] finds the operation of a method and a path, [`query`] reads and writes query strings, [`problem`] is how
//! errors are told, [`fixtures`] are the examples of both v4 documents.
//!
//! ```
//! use http::Response;
//! use incoming_leads_model::{Accept, Uid};
//! use incoming_leads_wire_v4::{Origin, accept, route};
//!
//! // A client commands ...
//! let origin = Origin::new("https://example.kommo.com")?;
//! let uid = Uid::new("5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319")?;
//! let request = accept::request(&uid, Accept::default(), &origin);
//!
//! // ... a server finds out what is meant ...
//! let route = route::find(request.method(), request.uri().path())?;
//! assert_eq!(route, route::Route::Accept(Some(uid)));
//! assert_eq!(accept::read_request(&request)?, Accept::default());
//!
//! // ... and answers; the client reads what it was told.
//! let answer = Response::new(r#"{"uid":"5af9","category":"forms","_embedded":{"leads":[{"id":236768}]}}"#);
//! let receipt = accept::read_response(&answer)?;
//! assert_eq!(receipt.leads.map(|leads| leads[0].get()), Some(236768));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Strict and tolerant
//!
//! What a server reads is checked whole before it is decoded: one JSON document in UTF-8, at most 32 levels deep,
//! no key twice in one object. Then numbers may be texts and texts numbers, PHP's `[]` is an empty object, null is
//! absent; unknown keys of entities and metadata are kept, others ignored. What a client reads is not checked but
//! decoded at once, with the same tolerance. `docs/wire-v4.md` has all of it, with status codes.
//!
//! # What is lost
//!
//! From the model over the wire and back is the identity, but for this:
//!
//! - **Incoming lead**: `updated_at`; the bodies of its entities (only ids are told); entities without an id; customers;
//!   `call_event` of a call ("not returned in the response").
//! - **Item of an add**: the notes of its lead, which have no place; more than 251 members of a list, of which the model
//!   takes 250 at most.
//! - **Receipt**: an add tells neither category, pipeline, moment nor customers; an accept or decline neither account nor
//!   customers; a link neither account, category, pipeline nor moment.
//! - **Summary**: `linked`; a `declined` that is not told is told as 0.
//! - **Further keys**: one that has the name of a key that the wire knows; `_embedded` that is no object, or an empty one.
//! - **Metadata**: `uniq` null is not told; a call note whose text reads as a flag (`"1"`, `"0"`, `"true"`, `"false"`,
//!   `""`) is that flag.
//! - **Lead, contact, company, customer as such**: a lead's `is_unsorted`; a contact's empty first or last name; fields
//!   and choices named by code where the account defines them: they come back by id; keys for which the model has no
//!   place (`group_id`, `score` ...) when they have the value of a fresh entity.
//! - **Account**: policies. **Pipeline**: "won" and "lost" that are listed just as this crate writes them where they are
//!   not. **User**: nothing; of other servers' finer rights only view, add and edit of leads.
//!   **Custom field**: nothing.
//! - **Questions**: a filter that can match nothing is not asked at all; `cards`.

mod body;
mod convert;
mod document;
mod item;
mod json;
mod message;
mod metadata;
mod receipt;
mod write;

pub mod accept;
pub mod account;
pub mod add;
pub mod decline;
pub mod entity;
pub mod fixtures;
pub mod get;
pub mod link;
pub mod list;
pub mod oauth;
pub mod problem;
pub mod query;
pub mod route;
pub mod summary;

pub use item::fragment;
pub use message::{Failure, HAL_JSON, JSON, TooLongToAsk, no_content};
pub use problem::{ItemErrors, PROBLEM_JSON, Problem, ValidationError};
pub use receipt::unknown_uid;
pub use write::{Fragment, InvalidOrigin, Origin};
