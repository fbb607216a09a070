//! The HTTP server of incoming leads: both wires over any port.
//!
//! A [`Server`] listens; a [`Gate`] says who asks and hands out the port's handles; everything else is translation: no rule
//! about incoming leads lives here.

mod app;
mod body;
mod cache;
mod edge;
mod failure;
mod gate;
mod host;
mod in_process;
mod limits;
mod net;
mod oauth;
mod rate;
mod routes;
mod server;
mod shell;
mod tls;
mod v2;
mod v4;

pub use edge::{Fault, FaultProfile, InvalidFaultProfile, JournalEntry};
pub use gate::{Credentials, Denied, Gate, Host, RegistryGate, Session, SessionTable, digest};
pub use host::{InvalidPublicUrl, PublicUrl};
pub use in_process::InProcess;
pub use limits::Limits;
pub use oauth::OAuth;
pub use rate::RateLimit;
pub use server::{Config, Server};
pub use tls::{InvalidTls, Tls};

/// The examples of the project's README, as doc tests of the crate that knows all they use.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
