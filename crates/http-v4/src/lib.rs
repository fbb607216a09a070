//! The port of incoming leads over v4 HTTP: a server of ours, or a live account.
//!
//! [`HttpV4`] is thin: the v4 wire writes requests and reads answers, a transport sends them. What it adds is what
//! neither can know alone:
//!
//! - every answer that is not the expected one becomes an error of the port with kind, outcome and a hint; a refusal
//!   becomes the model's again, with its paths;
//! - pages above 250 are put together from smaller ones, and the bodies of entities are looked up in bulk;
//! - a write of which nobody knows whether it took effect is *reconciled*: looked for with evidence, and reported as
//!   unknown where there is none. `docs/http-v4.md` has the table of what counts as evidence.
//!
//! What v4 does not tell is in [`capabilities`](incoming_leads_port::IncomingLeads::capabilities): when an item was
//! updated, and how many were linked. What it cannot say is refused as unsupported: notes that come with a lead (unless
//! [`Notes::Carry`] is chosen), and more uids in one question than an address holds.
//!
//! # Examples
//! ```
//! use incoming_leads_http_v4::HttpV4;
//! use incoming_leads_model::ListQuery;
//! use incoming_leads_port::IncomingLeads;
//!
//! # async fn waiting(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let leads = HttpV4::builder("https://example.kommo.com").with_token(token).build()?;
//! for lead in leads.list(&ListQuery::default()).await?.items {
//!     tracing::info!(uid = %lead.uid, category = %lead.category());
//! }
//! # Ok(())
//! # }
//! ```

mod builder;
mod cards;
mod client;
mod directory;
mod error;
mod exchange;
mod known;
mod notes;
mod reconcile;

pub use builder::{BuildError, HttpV4Builder, Notes};
pub use client::HttpV4;
pub use incoming_leads_wire_v4::{InvalidOrigin, Origin};
pub use reconcile::Reconciliation;
