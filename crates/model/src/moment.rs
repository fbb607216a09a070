//! Moments: whole seconds, UTC.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::MAX_MOMENT_SECS;

/// A number of seconds that is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} is no moment: a moment is in Unix seconds, UTC, from 0 to {MAX_MOMENT_SECS}")]
#[non_exhaustive]
pub struct InvalidMoment(pub i64);

/// A moment: Unix seconds, UTC, from 0 (1970) to 253402300799 (the last second of the year 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct Moment(i64);

impl Moment {
    /// The earliest moment: 1970-01-01T00:00:00Z.
    pub const MIN: Moment = Moment(0);
    /// The latest moment: 9999-12-31T23:59:59Z.
    pub const MAX: Moment = Moment(MAX_MOMENT_SECS);

    /// The moment at this Unix second, UTC.
    ///
    /// # Errors
    /// [`InvalidMoment`] outside of 0..=253402300799.
    pub const fn from_secs(secs: i64) -> Result<Self, InvalidMoment> {
        if secs < 0 || secs > MAX_MOMENT_SECS { Err(InvalidMoment(secs)) } else { Ok(Self(secs)) }
    }

    /// Unix seconds, UTC.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this moment; 0 when `earlier` is later (clocks step back).
    #[must_use]
    pub fn secs_since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0).max(0).cast_unsigned()
    }

    /// The moment so many seconds later; the latest one where there is none.
    #[must_use]
    pub const fn plus_secs(self, secs: u32) -> Self {
        let later = self.0 + secs as i64;
        if later > MAX_MOMENT_SECS { Self::MAX } else { Self(later) }
    }

    /// The moment as chrono's date and time, UTC.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).expect("every moment up to the year 9999 is a date of chrono")
    }
}

impl TryFrom<i64> for Moment {
    type Error = InvalidMoment;
    fn try_from(secs: i64) -> Result<Self, InvalidMoment> {
        Self::from_secs(secs)
    }
}

impl From<Moment> for i64 {
    fn from(moment: Moment) -> i64 {
        moment.0
    }
}

impl TryFrom<DateTime<Utc>> for Moment {
    type Error = InvalidMoment;
    /// Whole seconds; a fraction is cut off.
    fn try_from(at: DateTime<Utc>) -> Result<Self, InvalidMoment> {
        Self::from_secs(at.timestamp())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}
