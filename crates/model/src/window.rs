//! Buckets of time: what lets a store answer the summary of any window, exact to the second, from few tallies.
//!
//! Level 0 has buckets of one second, level 1 of 64, level 2 of 64^2 ... up to [`LEVELS`] levels, of which the last
//! has a single bucket that holds all time.
//!
//! The same buckets over counts of what waits lead to any page of a list: see [`Descent`].

use std::ops::RangeInclusive;

use crate::moment::Moment;
use crate::query::{Direction, Window};

/// How many levels there are: 64^7 seconds hold every moment up to the year 9999.
pub const LEVELS: u8 = 8;
/// How many buckets of one level make one of the next.
pub const FAN: u64 = 1 << BITS;
const BITS: u32 = 6;

/// A bucket: the seconds `index * 64^level ..= (index + 1) * 64^level - 1`, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// Its level, from 0.
    pub level: u8,
    /// Its place in the level, from 0.
    pub index: u64,
}

impl Bucket {
    /// Its first second, Unix, UTC.
    #[must_use]
    pub const fn first_sec(self) -> u64 {
        self.index << (BITS * self.level as u32)
    }

    /// Its last second, Unix, UTC.
    #[must_use]
    pub const fn last_sec(self) -> u64 {
        self.first_sec() + (1 << (BITS * self.level as u32)) - 1
    }
}

/// Buckets of one level that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// Their level, from 0.
    pub level: u8,
    /// The place of the first in the level.
    pub first: u64,
    /// The place of the last in the level; it belongs to the run.
    pub last: u64,
}

impl Run {
    /// Its buckets, in order.
    pub fn buckets(self) -> impl Iterator<Item = Bucket> {
        let Self { level, first, last } = self;
        (first..=last).map(move |index| Bucket { level, index })
    }
}

/// The buckets that hold a moment, one a level, finest first: what an event's tally is added to.
pub fn buckets_of(moment: Moment) -> impl Iterator<Item = Bucket> {
    let sec = moment.secs().cast_unsigned();
    (0..LEVELS).map(move |level| Bucket { level, index: sec >> (BITS * u32::from(level)) })
}

/// The fewest buckets that hold exactly this window, as runs, in no promised order: at most two runs a level, and less
/// than 64 buckets a run.
#[must_use]
pub fn cover(window: Window) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut low = window.from().secs().cast_unsigned();
    // The end is open from here on. All time ends with the last bucket's last second, past the year 9999.
    let mut high = if window.to() == Moment::MAX {
        1 << (BITS * u32::from(LEVELS - 1))
    } else {
        window.to().secs().cast_unsigned() + 1
    };
    for level in 0..LEVELS {
        // What does not fill buckets of the next level stays in this one, at both ends.
        let first = low.next_multiple_of(FAN).min(high);
        let last = (high - high % FAN).max(first);
        let ends = [(low, first), (last, high)].into_iter().filter(|(from, to)| from < to);
        runs.extend(ends.map(|(from, to)| Run { level, first: from, last: to - 1 }));
        (low, high) = (first / FAN, last / FAN);
    }
    runs
}

/// The levels on which stores count what waits: buckets of a minute (64 s) to half a year (64^4 s).
pub const GUIDE_LEVELS: RangeInclusive<u8> = 1..=4;

/// The buckets of a moment on which what waits is counted, finest first.
pub fn guides_of(moment: Moment) -> impl Iterator<Item = Bucket> {
    buckets_of(moment).filter(|bucket| GUIDE_LEVELS.contains(&bucket.level))
}

/// The way to the place where a page begins: from coarse counts to fine ones, each a few dozen numbers, to a moment
/// from which few items are left to skip.
///
/// ```
/// use incoming_leads_model::window::{Descent, Start, Step};
/// use incoming_leads_model::{Direction, Moment};
/// # fn counts(run: incoming_leads_model::window::Run) -> Vec<(u64, u64)> {
/// #     if run.level == 1 { vec![(0, 5), (1, 3)] } else { vec![(0, 8)] }
/// # }
///
/// let mut descent = Descent::new(Direction::Descending, 4);
/// let start = loop {
///     // What the store has counted: pairs of a bucket's place and how many wait in it.
///     match descent.step(counts(descent.run())) {
///         None => break None, // the list is not that long
///         Some(Step::Down(next)) => descent = next,
///         Some(Step::Found(start)) => break Some(start),
///     }
/// };
/// assert_eq!(start, Some(Start { bound: Moment::from_secs(63)?, skip: 1 }));
/// # Ok::<_, incoming_leads_model::moment::InvalidMoment>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descent {
    direction: Direction,
    run: Run,
    skip: u64,
}

/// One step of a [`Descent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Finer counts are needed.
    Down(Descent),
    /// The place is found.
    Found(Start),
}

/// Where to begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The first moment to read in the list's direction; what lies before it comes on earlier pages.
    pub bound: Moment,
    /// How many items to skip from there.
    pub skip: u64,
}

impl Descent {
    /// The way to the item before which so many come, in a list of this direction.
    #[must_use]
    pub const fn new(direction: Direction, offset: u64) -> Self {
        let level = *GUIDE_LEVELS.end();
        let run = Run { level, first: 0, last: Moment::MAX.secs().cast_unsigned() >> (BITS * level as u32) };
        Self { direction, run, skip: offset }
    }

    /// The buckets whose counts are needed.
    #[must_use]
    pub const fn run(&self) -> Run {
        self.run
    }

    /// Goes on with the counts of those buckets, in any order; buckets that are left out count nothing. `None` when
    /// fewer items wait than are to be skipped.
    pub fn step(self, counts: impl IntoIterator<Item = (u64, u64)>) -> Option<Step> {
        let mut counts: Vec<(u64, u64)> = counts.into_iter().collect();
        counts.sort_unstable();
        if self.direction == Direction::Descending {
            counts.reverse();
        }
        let mut skip = self.skip;
        let (index, _) = counts.into_iter().find(|(_, count)| match skip.checked_sub(*count) {
            Some(rest) => {
                skip = rest;
                false
            }
            None => true,
        })?;
        let level = self.run.level;
        if level > *GUIDE_LEVELS.start() {
            let run = Run { level: level - 1, first: index * FAN, last: index * FAN + FAN - 1 };
            return Some(Step::Down(Self { run, skip, ..self }));
        }
        let bucket = Bucket { level, index };
        let bound = match self.direction {
            Direction::Ascending => bucket.first_sec(),
            Direction::Descending => bucket.last_sec(),
        };
        let bound = i64::try_from(bound).ok().and_then(|secs| Moment::from_secs(secs).ok());
        Some(Step::Found(Start { bound: bound.unwrap_or(Moment::MAX), skip }))
    }
}
