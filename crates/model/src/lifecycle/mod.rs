//! The life of an incoming lead: commands decide, events tell, states follow, changes carry it out.

mod add;
mod batch;
mod change;
mod check;
mod command;
mod event;
mod settle;
mod state;
pub mod table;

pub use self::add::{
    Add, AddFacts, AddNeeds, Arrival, Channel, DUPLICATE_TAG, LeadStanding, Minted, Standing, TakeIn, Wants,
};
pub use self::change::Change;
pub use self::command::Scene;
pub use self::event::{Accepted, Added, Declined, Event, EventKind, LinkedTo, Updated};
pub use self::settle::{Accept, Decline, Link, LinkFacts, LinkTarget};
pub use self::state::{Impossible, State, StateKind};
