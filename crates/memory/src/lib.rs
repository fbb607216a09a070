//! The port of incoming leads over indexed maps in memory.
//!
//! [`Memory`] is a [`Registry`](incoming_leads_port::Registry) and a [`Provision`](incoming_leads_port::Provision);
//! [`open`](incoming_leads_port::Registry::open) hands out the port and all further powers for one user of one
//! account. Clones share what they hold, and it is gone when the last of them is. Time and ids are given to
//! [`Memory::new`].
//!
//! It holds no rule: it looks facts up, lets the model decide, and carries out what the model answers. A command is
//! decided and carried out under its account's lock, so nothing comes between, and a refused one changes nothing.
//!
//! # Costs
//! Of n leads, an add, a get and a decision take O(log n); a page of k takes O(k + log n) wherever it lies, also
//! filtered by one pipeline, one category or both (several of them are merged); the summary of a window takes
//! O(log n) for each pipeline. A lead is kept as one packed record of its add, which is at once its history, its
//! item and its entities until something happens to them: see `benches`.
//!
//! # Examples
//! ```
//! use std::error::Error;
//!
//! use incoming_leads_memory::Memory;
//! use incoming_leads_model::document::Line;
//! use incoming_leads_model::{Draft, ListQuery, Metadata, SipMetadata};
//! use incoming_leads_port::{IncomingLeadsExt, Principal, Provision, Registry};
//!
//! async fn waiting(account: Line, principal: Principal) -> Result<usize, Box<dyn Error>> {
//!     let memory = Memory::default();
//!     memory.import(vec![account]).await?;
//!     let leads = memory.open(principal).await?.incoming;
//!     let metadata = Some(Metadata::Sip(SipMetadata::default()));
//!     let (source_name, source_uid) = (Some("PBX".to_owned()), Some("pbx".to_owned()));
//!     leads.add_call(Draft { source_name, source_uid, metadata, ..Draft::default() }).await?;
//!     Ok(leads.list(&ListQuery::default()).await?.items.len())
//! }
//! ```

mod credentials;
mod entities;
mod holdings;
mod import;
mod index;
mod list;
mod log;
mod packed;
mod powers;
mod provision;
mod registry;
mod stage;
mod store;
mod write;

pub use store::Memory;
