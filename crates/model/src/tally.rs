//! Tallies and the summary made of them (R12).

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::lifecycle::{Event, EventKind};
use crate::metadata::Category;

/// Counts of events: a commutative monoid, so that tallies of disjoint windows add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tally {
    /// Leads created, by [`Category::index`].
    pub created: [u64; 4],
    /// Leads accepted.
    pub accepted: u64,
    /// Leads declined.
    pub declined: u64,
    /// Leads linked; they do not enter the mean.
    pub linked: u64,
    /// Seconds from creation to decision, summed over the accepted and the declined.
    pub sort_secs: u128,
}

impl Tally {
    /// What one event adds. It belongs to the event's own moment ([`Event::moment`]).
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let mut tally = Tally::default();
        match event.kind {
            EventKind::Added(_) => tally.created[event.category.index()] = 1,
            EventKind::Updated(_) => {}
            EventKind::Accepted(_) => {
                tally.accepted = 1;
                tally.sort_secs = u128::from(event.recorded_at.secs_since(event.created_at));
            }
            EventKind::Declined(_) => {
                tally.declined = 1;
                tally.sort_secs = u128::from(event.recorded_at.secs_since(event.created_at));
            }
            EventKind::Linked(_) => tally.linked = 1,
        }
        tally
    }

    /// As numbers that a database can add up, column by column: the four categories, accepted, declined, linked, and
    /// the seconds in two parts, of which the first counts 2^32. Numbers past the end of `i64` saturate.
    #[must_use]
    pub fn to_columns(self) -> [i64; 9] {
        let Tally { created: [sip, forms, chats, mail], accepted, declined, linked, sort_secs } = self;
        let counts = [sip, forms, chats, mail, accepted, declined, linked].map(u128::from);
        let [sip, forms, chats, mail, accepted, declined, linked] = counts;
        [sip, forms, chats, mail, accepted, declined, linked, sort_secs >> 32, sort_secs & LOW]
            .map(|number| i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Of the numbers of [`Tally::to_columns`] or of sums of them, column by column; `None` when one is negative.
    #[must_use]
    pub fn from_columns(columns: [i64; 9]) -> Option<Self> {
        let mut numbers = [0; 9];
        for (number, column) in numbers.iter_mut().zip(columns) {
            *number = u64::try_from(column).ok()?;
        }
        let [sip, forms, chats, mail, accepted, declined, linked, high, low] = numbers;
        let created = [sip, forms, chats, mail];
        let sort_secs = (u128::from(high) << 32) + u128::from(low);
        Some(Tally { created, accepted, declined, linked, sort_secs })
    }
}

/// The lower part of the seconds.
const LOW: u128 = u32::MAX as u128;

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Tally { created, accepted, declined, linked, sort_secs } = other;
        for (own, other) in self.created.iter_mut().zip(created) {
            *own += other;
        }
        self.accepted += accepted;
        self.declined += declined;
        self.linked += linked;
        self.sort_secs += sort_secs;
    }
}

impl Add for Tally {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Tally::default(), Add::add)
    }
}

/// The answer to a summary question. Source: "Incoming leads summary information" of both v4 documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Leads created in the window: the sum of `categories`.
    pub total: u64,
    /// Leads created in the window, by [`Category::index`].
    pub categories: [u64; 4],
    /// Decisions to accept that were made in the window.
    pub accepted: u64,
    /// Decisions to decline that were made in the window; v2 does not tell.
    pub declined: Option<u64>,
    /// Decisions to link that were made in the window; no wire tells.
    pub linked: Option<u64>,
    /// Mean of (decision - created_at, not below 0) over the accepted and the declined, in whole seconds; 0 without any.
    pub average_sort_time_secs: u64,
}

impl Summary {
    /// Leads of this category that were created in the window.
    #[must_use]
    pub const fn category(&self, category: Category) -> u64 {
        self.categories[category.index()]
    }
}

impl From<Tally> for Summary {
    fn from(tally: Tally) -> Self {
        let decisions = u128::from(tally.accepted) + u128::from(tally.declined);
        let mean = tally.sort_secs.checked_div(decisions).unwrap_or(0);
        Self {
            total: tally.created.iter().sum(),
            categories: tally.created,
            accepted: tally.accepted,
            declined: Some(tally.declined),
            linked: Some(tally.linked),
            average_sort_time_secs: u64::try_from(mean).unwrap_or(u64::MAX),
        }
    }
}
