//! Tickets and what becomes of them.

use std::fmt;

use incoming_leads_model::Uid;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Names one submitted lead; unique within its outbox, growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub(crate) u64);

impl Ticket {
    /// The ticket of this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a submitted lead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is on the disk and will be sent.
    Waiting,
    /// The other side has it, under this uid.
    Delivered(Uid),
    /// It was not delivered and will not be by itself; this is why.
    Dead(String),
}

/// An outbox that could not do what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The file cannot be read or written. What [`submit`](crate::Outbox::submit) did not return is not promised.
    #[error("the file of the outbox could not be used")]
    File(#[source] std::io::Error),
    /// Another process has the file open.
    #[error("the file of the outbox is in use by another process")]
    InUse,
    /// The file holds a line in its middle that is none of an outbox.
    #[error("line {line} of the outbox's file is damaged")]
    Damaged {
        /// The line, from 1.
        line: usize,
    },
    /// There is no dead letter with this ticket.
    #[error("ticket {0} is no dead letter")]
    NoDeadLetter(Ticket),
    /// As many leads wait or are dead as it holds.
    #[error("the outbox holds {0} leads, dead letters included, and takes no more")]
    Full(usize),
}
