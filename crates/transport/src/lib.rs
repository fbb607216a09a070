//! How HTTP leaves the house.
//!
//! [`Transport`] sends one request. [`Reqwest`] does so over the network; around any transport fit layers that can be
//! used apart:
//!
//! - [`Authorized`] puts an access token on each request, and renews it once when it dies, in one process or many;
//! - [`Limited`] keeps to requests per second, waits when it is told to, and stops hammering when it is blocked;
//! - [`Retrying`] sends again what surely did no harm;
//! - [`Deadline`] ends a call in time, whatever it waits for;
//! - [`Traced`] puts a span around it;
//! - [`Recorder`] remembers the last exchanges as `curl` commands without secrets.
//!
//! The usual order, outermost first: `Traced<Deadline<Retrying<Authorized<Limited<Recorder<Reqwest>>>>>>`: every attempt
//! is limited, and all of them together end in time.
//!
//! The crate knows nothing of incoming leads.

mod authorized;
mod deadline;
mod error;
mod limited;
mod limiter;
mod network;
mod recorder;
mod redact;
mod retrying;
mod time;
pub mod tokens;
mod traced;
mod transport;

pub use authorized::Authorized;
pub use deadline::Deadline;
pub use error::{Arrival, SendError, SendErrorKind};
pub use limited::{Limited, retry_after};
pub use limiter::{FileLimiter, LimitRule, Limiter, LimiterError, MemoryLimiter, Turn};
pub use network::{Reqwest, ReqwestBuilder};
pub use recorder::{Exchange, Recorder};
pub use redact::curl;
pub use retrying::{RetryPolicy, Retrying};
pub use time::{SimulatedTime, SystemTime, Time};
pub use traced::{RouteName, Traced};
pub use transport::{Request, Response, Transport};
