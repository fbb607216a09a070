//! Buckets of time: what lets a store answer the summary of any window, exact to the second, from few tallies.
//!
//! Level 0 has buckets of one second, level 1 of 64, level 2 of 64^2 ... up to [`LEVELS`] levels, of which the last
//! has a single bucket that holds all time.

use crate::moment::Moment;
use crate::query::Window;

/// How many levels there are: 64^7 seconds hold every moment up to the year 9999.
pub const LEVELS: u8 = 8;
/// How many buckets of one level make one of the next.
const FAN: u64 = 1 << BITS;
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

/// The buckets that hold a moment, one a level, finest first: what an event's tally is added to.
pub fn buckets_of(moment: Moment) -> impl Iterator<Item = Bucket> {
    let sec = moment.secs().cast_unsigned();
    (0..LEVELS).map(move |level| Bucket { level, index: sec >> (BITS * u32::from(level)) })
}

/// The fewest buckets that hold exactly this window, in no promised order: a few hundred at most.
#[must_use]
pub fn cover(window: Window) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    let mut low = window.from().secs().cast_unsigned();
    // The end is open from here on. All time ends with the last bucket's last second, past the year 9999.
    let mut high = if window.to() == Moment::MAX {
        1 << (BITS * u32::from(LEVELS - 1))
    } else {
        window.to().secs().cast_unsigned() + 1
    };
    for level in 0..LEVELS {
        let bucket = |index| Bucket { level, index };
        // What does not fill buckets of the next level stays in this one, at both ends.
        let first = low.next_multiple_of(FAN).min(high);
        let last = (high - high % FAN).max(first);
        buckets.extend((low..first).chain(last..high).map(bucket));
        (low, high) = (first / FAN, last / FAN);
    }
    buckets
}
