//! The port of incoming leads over v2 HTTP: an old installation, or a server of ours.
//!
//! [`HttpV2`] is thin: the v2 wire writes requests and reads answers, a transport sends them. What it adds is what
//! neither can know alone: every answer that is not the expected one becomes an error of the port with kind, outcome and
//! a hint, a session is opened and opened again, and a write of which nobody knows whether it took effect is looked for,
//! as far as v2 has evidence. `docs/http-v2.md` has the tables.
//!
//! v2 is the smaller wire. What it cannot do is in
//! [`capabilities`](incoming_leads_port::IncomingLeads::capabilities) and refused as unsupported: to get one lead by uid,
//! to link, to filter lists by uid, to filter summaries at all. What it does not tell stays untold: ids, pipeline and
//! source in lists, how many were declined, whether a page follows a full one.
//!
//! # Examples
//! ```
//! use incoming_leads_http_v2::HttpV2;
//! use incoming_leads_model::ListQuery;
//! use incoming_leads_port::IncomingLeads;
//!
//! # async fn waiting(key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let leads = HttpV2::builder("https://example.amocrm.com").with_api_key("ann@example.com", key).build()?;
//! for lead in leads.list(&ListQuery::default()).await?.items {
//!     tracing::info!(uid = %lead.uid, category = %lead.category());
//! }
//! # Ok(())
//! # }
//! ```

mod builder;
mod client;
mod error;
mod exchange;
mod known;
mod reconcile;
mod signed;

pub use builder::{BuildError, HttpV2Builder};
pub use client::HttpV2;
pub use incoming_leads_wire_v2::{Encoding, InvalidOrigin, Origin};
pub use reconcile::Reconciliation;
