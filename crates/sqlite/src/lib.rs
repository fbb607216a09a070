//! The port of incoming leads over one SQLite file: a lead inbox that one program serves.
//!
//! [`Sqlite`] is opened by [`Options`]. What was answered is on the disk: the file is in WAL mode with
//! `synchronous=FULL`, and an answer waits for the commit. One thread writes and commits together what has queued up;
//! readers stand beside it and never wait for it. Futures of this crate run on tokio.
//!
//! # Examples
//! ```
//! use incoming_leads_port::{Provision, Registry};
//! use incoming_leads_sqlite::Options;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> incoming_leads_port::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("leads.sqlite");
//! let store = Options::default().open(&path)?;
//! assert!(store.accounts().await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod backup;
mod changes;
mod connection;
mod convert;
mod credentials;
mod entities;
mod error;
mod export;
mod facts;
mod history;
mod import;
mod items;
mod list;
mod lock;
mod log;
mod migrations;
mod options;
mod place;
mod powers;
mod provision;
mod readers;
mod registry;
mod retention;
mod store;
mod tallies;
mod writer;
mod writing;

pub use backup::restore;
pub use options::{Migrate, Options};
pub use store::Sqlite;
