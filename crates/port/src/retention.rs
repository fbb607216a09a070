//! How long a store keeps what nobody works with any longer.

use incoming_leads_model::Moment;

/// How long a store keeps what nobody works with any longer. Default: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Days that the events of an incoming lead that was decided are kept after the last of them was recorded; those of
    /// one that waits are kept as long as it waits.
    /// Summaries go on counting what is gone, but for those of single uids.
    pub events_days: Option<u32>,
    /// Days that a lead, contact, company or customer lies in the bin, as a declined lead does, before it is gone with
    /// its notes.
    pub settled_days: Option<u32>,
}

impl Retention {
    /// With events kept for so many days.
    #[must_use]
    pub const fn with_events_days(self, days: u32) -> Self {
        Self { events_days: Some(days), ..self }
    }

    /// With what lies in the bin kept for so many days.
    #[must_use]
    pub const fn with_settled_days(self, days: u32) -> Self {
        Self { settled_days: Some(days), ..self }
    }

    /// Events of a lead of which the last was recorded before this moment are to go.
    #[must_use]
    pub fn events_before(self, now: Moment) -> Option<Moment> {
        self.events_days.map(|days| earlier(now, days))
    }

    /// What was put in the bin before this moment is to go.
    #[must_use]
    pub fn settled_before(self, now: Moment) -> Option<Moment> {
        self.settled_days.map(|days| earlier(now, days))
    }
}

fn earlier(now: Moment, days: u32) -> Moment {
    Moment::from_secs(now.secs() - i64::from(days) * 86_400).unwrap_or(Moment::MIN)
}
