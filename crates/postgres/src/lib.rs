//! The port of incoming leads over PostgreSQL: for many processes that share one database.
//!
//! [`Postgres`] is opened by [`Options`]. What was answered is committed, and durable unless somebody asked for less.
//! Each process has a pool of connections and a few writers, each of which carries out together what has queued up.
//! Several processes on one database are as one: a lead is decided once whoever races, and what one has answered the
//! others see. Futures of this crate run on tokio.
//!
//! # Examples
//! ```no_run
//! use incoming_leads_port::Registry;
//! use incoming_leads_postgres::Options;
//!
//! # async fn example() -> incoming_leads_port::Result<()> {
//! let store = Options::default().open("postgresql://leads@db-1,db-2/leads").await?;
//! assert!(store.accounts().await?.is_empty());
//! # Ok(())
//! # }
//! ```

mod changes;
mod connection;
mod convert;
mod credentials;
mod entities;
mod error;
mod export;
mod facts;
mod gathered;
mod gathering;
mod history;
mod ids;
mod import;
mod layouts;
mod list;
mod migrations;
mod options;
mod powers;
mod provision;
mod registry;
mod retention;
mod sql;
mod store;
mod tallies;
mod writer;
mod writing;

pub use options::{Commit, Migrate, Options};
pub use provision::place;
pub use store::Postgres;
