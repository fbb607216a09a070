//! A durable queue in front of any port: what was submitted is neither lost nor doubled.
//!
//! [`Outbox::submit`] returns once an incoming lead is on the disk; [`Outbox::run`] sends it when it can, and
//! [`Outbox::status`] tells what became of it. What the other side refuses becomes a dead letter with the reason, to be
//! [replayed](Outbox::replay) or [dropped](Outbox::discard) by a person. While the other side cannot be reached, or
//! does not accept the credentials, everything waits.
//!
//! It sends **at least once and looks before it sends again**. After an add of which nobody knows whether it took
//! effect (no answer came, or this process died meanwhile) the lead is looked for:
//!
//! | evidence | what follows |
//! |---|---|
//! | an identical lead waits there, by identity or by all that was sent | delivered, with its uid |
//! | none waits, and the summary counts no further lead of its category in its second | it never came: sent again |
//! | the summary counts more leads of its second than wait still | it may have been sorted: dead letter |
//! | sent again, and refused as a duplicate with a uid | delivered, with that uid |
//!
//! A lead gets its `created_at` when it is submitted, so that its second is known.

mod journal;
mod outbox;
mod ticket;

pub use outbox::{Outbox, Settings};
pub use ticket::{OutboxError, Status, Ticket};
