//! What happened in any window of time, read from sums kept in a tree (R12).

use std::collections::BTreeMap;

use incoming_leads_model::{Moment, PipelineId, Tally, Window};

use super::tree::{Sum, Tree};

/// The tallies of all events of an account, by pipeline and moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Windows {
    pipelines: BTreeMap<PipelineId, Tree<Told, Tally>>,
}

impl Windows {
    /// Adds what one event counts for.
    pub(crate) fn add(&mut self, pipeline: PipelineId, at: Moment, tally: Tally) {
        if tally != Tally::default() {
            let told = Told::new(at, tally);
            self.pipelines.entry(pipeline).or_default().insert(told, |other| other.at.cmp(&told.at));
        }
    }

    /// The tally of a window, of these pipelines or all: O(log n) for each pipeline.
    pub(crate) fn tally(&self, pipelines: Option<&[PipelineId]>, window: Window) -> Tally {
        let (from, to) = (window.from().secs(), window.to().secs());
        self.pipelines
            .iter()
            .filter(|(id, _)| pipelines.is_none_or(|pipelines| pipelines.contains(id)))
            .map(|(_, tree)| tree.between(|told| told.secs() >= from, |told| told.secs() > to))
            .sum()
    }
}

/// What one event counts for, and when, in 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// Seconds and, in the lowest three bits, which count is one.
    at: u64,
    sort_secs: u64,
}

impl Told {
    fn new(at: Moment, tally: Tally) -> Self {
        let sort_secs = u64::try_from(tally.sort_secs).expect("two moments are less than 2^38 seconds apart");
        (0..7)
            .map(|which| Told { at: at.secs().cast_unsigned() << 3 | which, sort_secs })
            .find(|told| told.tally() == tally)
            .expect("an event counts for one lead, created or decided")
    }

    fn secs(&self) -> i64 {
        (self.at >> 3).cast_signed()
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.add_to(&mut tally);
        tally
    }

    fn add_to(&self, tally: &mut Tally) {
        let count = match self.at & 7 {
            4 => &mut tally.accepted,
            5 => &mut tally.declined,
            6 => &mut tally.linked,
            category => &mut tally.created[category as usize & 3],
        };
        *count += 1;
        tally.sort_secs += u128::from(self.sort_secs);
    }
}

impl Sum<Told> for Tally {
    fn of(entries: &[Told]) -> Self {
        let mut tally = Tally::default();
        entries.iter().for_each(|told| told.add_to(&mut tally));
        tally
    }

    fn merge(&mut self, other: &Self) {
        *self += *other;
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_model::Category;
    use proptest::prelude::*;

    use super::*;

    fn any_tally() -> impl Strategy<Value = Tally> {
        (0..7_usize, 0..1_000_000_u64).prop_map(|(which, secs)| {
            let mut tally = Tally::default();
            match which {
                4 => tally.accepted = 1,
                5 => tally.declined = 1,
                6 => tally.linked = 1,
                category => tally.created[Category::ALL[category].index()] = 1,
            }
            tally.sort_secs = u128::from(secs);
            tally
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_window_counts_what_lies_in_it(
            events in proptest::collection::vec((1..4_u64, 0..500_i64, any_tally()), 0..1_500),
            bounds in (0..520_i64, 0..520_i64),
            chosen in proptest::option::of(proptest::collection::vec(1..5_u64, 0..4)),
        ) {
            let pipeline = |id| PipelineId::new(id).unwrap();
            let moment = |secs| Moment::from_secs(secs).unwrap();
            let mut windows = Windows::default();
            for (id, at, tally) in &events {
                windows.add(pipeline(*id), moment(*at), *tally);
            }
            let (from, to) = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
            let ids: Option<Vec<PipelineId>> =
                chosen.as_ref().map(|ids| ids.iter().copied().map(pipeline).collect());
            let tally = windows.tally(ids.as_deref(), Window::new(moment(from), moment(to)).unwrap());
            let expected: Tally = events
                .iter()
                .filter(|(id, at, _)| (from..=to).contains(at) && chosen.as_ref().is_none_or(|ids| ids.contains(id)))
                .map(|(_, _, tally)| *tally)
                .sum();
            prop_assert_eq!(tally, expected);
        }
    }
}
