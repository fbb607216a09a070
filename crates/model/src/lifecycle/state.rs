//! States, and the exhaustive state × event table.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fault::Refusal;
use crate::id::{StatusId, Uid, UserId};
use crate::item::Item;
use crate::lifecycle::event::{Event, EventKind};
use crate::lifecycle::settle::LinkTarget;
use crate::moment::Moment;

/// Where an incoming lead stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing with this uid ever came.
    #[default]
    Absent,
    /// It waits.
    Pending(Box<Item>),
    /// It was accepted.
    Accepted {
        /// When (UTC).
        at: Moment,
        /// By whom.
        by: UserId,
        /// Where its lead went; none is an existing lead that stayed.
        status_id: Option<StatusId>,
    },
    /// It was declined.
    Declined {
        /// When (UTC).
        at: Moment,
        /// By whom.
        by: UserId,
    },
    /// It was linked.
    Linked {
        /// When (UTC).
        at: Moment,
        /// By whom.
        by: UserId,
        /// To what.
        target: LinkTarget,
    },
}

/// The states without what is true only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKind {
    /// Nothing with this uid ever came.
    Absent,
    /// It waits.
    Pending,
    /// It was accepted.
    Accepted,
    /// It was declined.
    Declined,
    /// It was linked.
    Linked,
}

/// An event that cannot happen in a state: a store that meets it is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an incoming lead that is {state:?} cannot be {event}")]
#[non_exhaustive]
pub struct Impossible {
    /// The state.
    pub state: StateKind,
    /// What was to happen: `added`, `updated`, `accepted`, `declined`, `linked`.
    pub event: &'static str,
}

impl State {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> StateKind {
        match self {
            State::Absent => StateKind::Absent,
            State::Pending(_) => StateKind::Pending,
            State::Accepted { .. } => StateKind::Accepted,
            State::Declined { .. } => StateKind::Declined,
            State::Linked { .. } => StateKind::Linked,
        }
    }

    /// The state after the event.
    ///
    /// # Errors
    /// [`Impossible`] when the event cannot happen here; nothing that `decide` answered for this state is.
    pub fn apply(self, event: &Event) -> Result<State, Impossible> {
        let kind = self.kind();
        let impossible = |event| Err(Impossible { state: kind, event });
        match self {
            State::Absent => match &event.kind {
                EventKind::Added(added) => Ok(State::Pending(Box::new(added.item.clone()))),
                EventKind::Updated(_) => impossible("updated"),
                EventKind::Accepted(_) => impossible("accepted"),
                EventKind::Declined(_) => impossible("declined"),
                EventKind::Linked(_) => impossible("linked"),
            },
            State::Pending(mut item) => match &event.kind {
                EventKind::Added(_) => impossible("added"),
                EventKind::Updated(updated) => {
                    item.update(updated, event.recorded_at);
                    Ok(State::Pending(item))
                }
                EventKind::Accepted(accepted) => {
                    Ok(State::Accepted { at: event.recorded_at, by: event.by, status_id: accepted.status_id })
                }
                EventKind::Declined(_) => Ok(State::Declined { at: event.recorded_at, by: event.by }),
                EventKind::Linked(linked) => {
                    Ok(State::Linked { at: event.recorded_at, by: event.by, target: linked.target })
                }
            },
            State::Accepted { .. } | State::Declined { .. } | State::Linked { .. } => match &event.kind {
                EventKind::Added(_) => impossible("added"),
                EventKind::Updated(_) => impossible("updated"),
                EventKind::Accepted(_) => impossible("accepted"),
                EventKind::Declined(_) => impossible("declined"),
                EventKind::Linked(_) => impossible("linked"),
            },
        }
    }

    /// The item that waits; whatever does not is not found (R7).
    pub(super) fn pending(&self, uid: &Uid) -> Result<&Item, Refusal> {
        match self {
            State::Pending(item) => Ok(item),
            State::Absent | State::Accepted { .. } | State::Declined { .. } | State::Linked { .. } => {
                Err(Refusal::NotFound(uid.clone()))
            }
        }
    }
}
