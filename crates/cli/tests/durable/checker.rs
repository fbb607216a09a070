//! Whether a history of one identity can be put in an order in which each operation answers what it did, no operation
//! stands before one that had ended when it began, and what nobody knows of happened at any later moment or never.
//!
//! The object is small: at most one lead waits, and each lead is decided once.
//!
//! Source: Wing and Gong, "Testing and verifying concurrent objects" (1993), with the memory of Lowe, "Testing for
//! linearizability" (2017).

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::history::{Added, Decision, Fate, Op, What, When};

/// More operations on one identity than this cannot be checked.
const MOST: usize = 128;

/// What is stored of one identity. Uids are numbers: places in the list of those that the history names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct State {
    waits: Waits,
    accepted: u128,
    binned: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Waits {
    #[default]
    Nothing,
    /// A lead whose add was never answered, so that its uid is not known yet.
    Nameless,
    Uid(u8),
}

/// Says why a history cannot be put in order; nothing where it can.
pub(crate) fn violation(ops: &[Op]) -> Option<String> {
    assert!(ops.len() <= MOST, "{} operations on one identity are too many to check", ops.len());
    let uids = Uids::of(ops);
    let mut seen = HashSet::new();
    let (mut best, mut stack) = (0_u128, vec![(0_u128, State::default())]);
    let known: u128 =
        ops.iter().enumerate().filter(|(_, op)| op.ended.is_some()).map(|(at, _)| 1 << at).sum();
    while let Some((done, state)) = stack.pop() {
        if done & known == known {
            return None;
        }
        if (done & known).count_ones() > (best & known).count_ones() {
            best = done;
        }
        let left = || ops.iter().enumerate().filter(move |(at, _)| done >> at & 1 == 0);
        let first_end =
            left().filter_map(|(_, op)| op.ended).map(|ended| ended.nanos).min().unwrap_or(u64::MAX);
        for (at, op) in left().filter(|(_, op)| op.begun.nanos <= first_end) {
            if let Some(state) = uids.step(state, &op.what) {
                let next = (done | 1 << at, state);
                if seen.insert(next) {
                    stack.push(next);
                }
            }
        }
    }
    Some(report(ops, best, &uids))
}

/// The uids of a history, and which of them an answered add has made.
struct Uids {
    all: Vec<String>,
    made: u128,
}

impl Uids {
    fn of(ops: &[Op]) -> Self {
        let mut uids = Self { all: Vec::new(), made: 0 };
        for uid in ops.iter().filter_map(|op| op.what.uid()) {
            if !uids.all.contains(uid) {
                uids.all.push(uid.clone());
            }
        }
        for op in ops {
            if let What::Add(Some(Added::New(uid))) = &op.what {
                uids.made |= 1 << uids.number(uid);
            }
        }
        uids
    }

    fn number(&self, uid: &str) -> u8 {
        let at = self.all.iter().position(|one| one == uid).expect("all were collected");
        u8::try_from(at).expect("there are no more uids than operations")
    }

    /// The state with this uid waiting; none where it does not wait. A nameless lead may turn out to be it.
    fn named(&self, state: State, uid: u8) -> Option<State> {
        let is_free = (self.made | state.accepted | state.binned) >> uid & 1 == 0;
        match state.waits {
            Waits::Uid(waits) if waits == uid => Some(state),
            Waits::Nameless if is_free => Some(State { waits: Waits::Uid(uid), ..state }),
            Waits::Nothing | Waits::Nameless | Waits::Uid(_) => None,
        }
    }

    /// What the operation makes of a state; none where it would have answered something else.
    fn step(&self, state: State, what: &What) -> Option<State> {
        let waits_not = |uid: &str| (state.waits != Waits::Uid(self.number(uid))).then_some(state);
        match what {
            What::Add(Some(Added::New(uid))) => self.add(state, uid),
            What::Add(Some(Added::Twin(uid))) => self.named(state, self.number(uid)),
            What::TakeIn(Some(uid)) => self.named(state, self.number(uid)).or_else(|| self.add(state, uid)),
            What::Add(None) | What::TakeIn(None) => {
                (state.waits == Waits::Nothing).then_some(State { waits: Waits::Nameless, ..state })
            }
            What::Decide { uid, decision, took_effect: Some(true) | None } => {
                let uid = self.number(uid);
                let state = State { waits: Waits::Nothing, ..self.named(state, uid)? };
                Some(match decision {
                    Decision::Accept => State { accepted: state.accepted | 1 << uid, ..state },
                    Decision::Decline | Decision::Link => State { binned: state.binned | 1 << uid, ..state },
                })
            }
            What::Decide { uid, took_effect: Some(false), .. } | What::Look { uid, waits: false } => {
                waits_not(uid)
            }
            What::Look { uid, waits: true } | What::Fate { uid, is: Fate::Waits } => {
                self.named(state, self.number(uid))
            }
            What::Find { waits: Some(uid) } => self.named(state, self.number(uid)),
            What::Find { waits: None } => (state.waits == Waits::Nothing).then_some(state),
            What::Fate { uid, is: Fate::Lives } => {
                (state.accepted >> self.number(uid) & 1 == 1).then_some(state)
            }
            What::Fate { uid, is: Fate::Binned } => {
                (state.binned >> self.number(uid) & 1 == 1).then_some(state)
            }
        }
    }

    /// A lead that was not there before.
    fn add(&self, state: State, uid: &str) -> Option<State> {
        let uid = self.number(uid);
        let is_new = (state.accepted | state.binned) >> uid & 1 == 0;
        (is_new && state.waits == Waits::Nothing).then_some(State { waits: Waits::Uid(uid), ..state })
    }
}

/// The history in words, with a mark at what could not be put in order.
fn report(ops: &[Op], done: u128, uids: &Uids) -> String {
    let mut text = "no order explains all answers; > marks what is left over of the best one\n".to_owned();
    let mut sorted: Vec<_> = ops.iter().enumerate().collect();
    sorted.sort_by_key(|(_, op)| op.begun);
    for (at, Op { begun, ended, what, by }) in sorted {
        let mark = if done >> at & 1 == 1 || ended.is_none() { ' ' } else { '>' };
        let millis = |when: When| when.nanos as f64 / 1e6;
        let end = ended.map_or("never".to_owned(), |ended| format!("{:.3}", millis(ended)));
        let mut what = format!("{what:?}");
        for (number, uid) in uids.all.iter().enumerate() {
            what = what.replace(&format!("{uid:?}"), &format!("U{}", number + 1));
        }
        let _ = writeln!(text, "{mark} {:>10.3} .. {end:>10} ms  {by:<8} {what}", millis(*begun));
    }
    text
}

/// What the checker must say of small histories.
pub(crate) fn judges_small_histories() {
    use Decision::{Accept, Decline};
    let uid = || "u".to_owned();
    let decide = |decision, took_effect| What::Decide { uid: uid(), decision, took_effect };
    let new = || What::Add(Some(Added::New(uid())));
    let look = |waits| What::Look { uid: uid(), waits };
    let fate = |is| What::Fate { uid: uid(), is };
    check(
        "one after the other",
        true,
        [(0, 1, new()), (2, 3, decide(Accept, Some(true))), (4, 5, look(false))],
    );
    check(
        "accepted twice",
        false,
        [(0, 1, new()), (2, 4, decide(Accept, Some(true))), (3, 5, decide(Accept, Some(true)))],
    );
    check(
        "refused before it was decided",
        false,
        [(0, 1, new()), (2, 3, decide(Decline, Some(false))), (4, 5, decide(Accept, Some(true)))],
    );
    check(
        "refused while it was decided",
        true,
        [(0, 1, new()), (2, 6, decide(Decline, Some(false))), (4, 5, decide(Accept, Some(true)))],
    );
    check("read late", false, [(0, 1, new()), (2, 3, decide(Accept, Some(true))), (4, 5, look(true))]);
    check("lost", false, [(0, 1, new()), (2, 3, What::Find { waits: None })]);
    check(
        "an unknown that took effect",
        true,
        [
            (0, 1, new()),
            (2, 0, decide(Accept, None)),
            (4, 5, look(true)),
            (6, 7, decide(Decline, Some(false))),
            (8, 9, fate(Fate::Lives)),
        ],
    );
    check(
        "an unknown that never did",
        true,
        [(0, 1, new()), (2, 0, decide(Accept, None)), (4, 5, fate(Fate::Waits))],
    );
    check(
        "an unknown that was both",
        false,
        [(0, 1, new()), (2, 0, decide(Accept, None)), (4, 5, look(false)), (6, 7, fate(Fate::Binned))],
    );
    check(
        "a nameless lead is found",
        true,
        [(0, 0, What::Add(None)), (2, 3, look(true)), (4, 5, new())].map(|(begun, ended, what)| match what {
            What::Add(Some(Added::New(uid))) => (begun, ended, What::Add(Some(Added::Twin(uid)))),
            other => (begun, ended, other),
        }),
    );
    check("a twin of nothing", false, [(0, 1, What::Add(Some(Added::Twin(uid()))))]);
    check("two wait", false, [(0, 1, new()), (2, 3, What::Add(Some(Added::New("v".to_owned()))))]);
    check("a chat is updated", true, [(0, 1, What::TakeIn(Some(uid()))), (2, 3, What::TakeIn(Some(uid())))]);
    check(
        "a chat is not updated",
        false,
        [(0, 1, What::TakeIn(Some(uid()))), (2, 3, What::TakeIn(Some("v".to_owned())))],
    );
}

/// Of operations with their beginnings and ends; an end of 0 is none.
#[track_caller]
fn check<const N: usize>(name: &str, is_fine: bool, ops: [(u64, u64, What); N]) {
    let at = |nanos| When { nanos, logged: 0 };
    let ops = ops.map(|(begun, ended, what)| Op {
        begun: at(begun),
        ended: (ended > 0).then(|| at(ended)),
        what,
        by: String::new(),
    });
    let found = violation(&ops);
    assert_eq!(found.is_none(), is_fine, "{name}: {found:?}");
}
