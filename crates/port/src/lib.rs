//! The traits that a transport of incoming leads implements, and what they share: the error, what a transport can do,
//! where time and ids come from.
//!
//! Code that is written against [`IncomingLeads`] does not know whether it talks to memory, a database or HTTP.
//! Powers beyond the eight methods are traits of their own ([`Directory`], [`Intake`], [`History`], [`Versioned`],
//! [`Registry`], [`Provision`]); [`IncomingLeadsExt`] has conveniences over every port.

mod capabilities;
mod error;
mod ext;
mod incoming;
mod powers;
mod retention;
mod sources;

pub use capabilities::Capabilities;
pub use error::{Error, ErrorKind, Operation, Outcome, Result};
pub use ext::IncomingLeadsExt;
pub use incoming::IncomingLeads;
pub use incoming_leads_model::Floor;
pub use powers::{
    AccountKey, Cursor, Digest, Directory, EntityQuery, Events, History, Intake, ItemVersion, Ports,
    Principal, Provision, Registry, Versioned,
};
pub use retention::Retention;
pub use sources::{Clock, IdSource, Ids, ManualClock, SystemClock};
