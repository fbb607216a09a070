//! What really happened, from the history of the store, and what clients were told, held against it.

use std::collections::HashMap;
use std::fmt;

use incoming_leads_conformance::fixture::{ACCOUNT, ADMINISTRATOR};
use incoming_leads_memory::Memory;
use incoming_leads_model::{Event, EventKind};
use incoming_leads_port::{Principal, Registry};

use crate::work::{Call, Fate, Told, Verdict};

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// The uids of what came in, by mark.
    added: HashMap<String, Vec<String>>,
    /// What became of uids, and by whom.
    decided: HashMap<String, Vec<(Fate, u64)>>,
}

/// What clients were told, held against the truth.
#[derive(Debug, Default)]
pub(crate) struct Report {
    calls: usize,
    done: usize,
    not_applied: usize,
    /// Unknown because nothing can tell.
    without_evidence: usize,
    /// Unknown because the server could not be asked in time.
    not_asked: usize,
    /// Leads that were told to be there and are not.
    lost: usize,
    /// Leads that are there more than once.
    doubled: usize,
    /// Everything that was told and is not so, in sentences.
    pub(crate) wrong: Vec<String>,
}

impl Truth {
    pub(crate) async fn of(memory: &Memory) -> Self {
        let principal = Principal { account_id: ACCOUNT, user_id: ADMINISTRATOR };
        let history = memory.open(principal).await.unwrap().history.unwrap();
        let mut truth = Self::default();
        let mut after = None;
        loop {
            let told = history.events(after.as_ref(), 1_000).await.unwrap();
            if told.events.is_empty() {
                return truth;
            }
            told.events.into_iter().for_each(|event| truth.happened(event));
            after = Some(told.next);
        }
    }

    fn happened(&mut self, event: Event) {
        let fate = match event.kind {
            EventKind::Added(added) => {
                let mark = added.item.source_uid.unwrap_or_default();
                self.added.entry(mark).or_default().push(event.uid.to_string());
                return;
            }
            EventKind::Updated(_) => return,
            EventKind::Accepted(_) => Fate::Accepted,
            EventKind::Declined(_) => Fate::Declined,
            EventKind::Linked(_) => Fate::Linked,
        };
        self.decided.entry(event.uid.to_string()).or_default().push((fate, event.by.get()));
    }

    /// Holds what was told against it.
    pub(crate) fn check<'a>(&self, all: impl IntoIterator<Item = &'a Told>) -> Report {
        let mut report = Report::default();
        for told in all {
            report.calls += 1;
            match &told.verdict {
                Verdict::Done(_) => report.done += 1,
                Verdict::NotApplied(_) => report.not_applied += 1,
                Verdict::Unknown(why) if why.contains("could not be asked") => report.not_asked += 1,
                Verdict::Unknown(_) => report.without_evidence += 1,
                Verdict::Wrong(_) => {}
            }
            if let Err(what) = self.hold(told, &mut report) {
                report.wrong.push(format!("{what}: {told:?}"));
            }
        }
        report
    }

    fn hold(&self, told: &Told, report: &mut Report) -> Result<(), String> {
        match (&told.call, &told.verdict) {
            (_, Verdict::Wrong(what)) => Err(what.clone()),
            (Call::Ask, Verdict::Unknown(_)) => Err("a question has no effect to be unknown".to_owned()),
            (Call::Ask, _) => Ok(()),
            (Call::Add { marks, has_moment }, verdict) => {
                for (index, mark) in marks.iter().enumerate() {
                    let there = self.added.get(mark).map_or(&[][..], Vec::as_slice);
                    if there.len() > 1 {
                        report.doubled += 1;
                        return Err(format!("{mark} is there {} times", there.len()));
                    }
                    match (verdict, there) {
                        (Verdict::Done(uids), [uid]) if uids.get(index) == Some(uid) => {}
                        (Verdict::Done(_), [uid]) => return Err(format!("{mark} is {uid}")),
                        (Verdict::Done(_), _) => {
                            report.lost += 1;
                            return Err(format!("{mark} is lost"));
                        }
                        (Verdict::NotApplied(_), [_, ..]) => return Err(format!("{mark} is there")),
                        _ => {}
                    }
                }
                let may_stay_open = ["could not be asked", "cannot be told from others"];
                held_open(verdict, &may_stay_open[..if *has_moment { 1 } else { 2 }])
            }
            (Call::Decide { uid, fate, is_own }, verdict) => {
                let decisions = self.decided.get(uid).map_or(&[][..], Vec::as_slice);
                if decisions.len() > 1 {
                    return Err(format!("it was decided more than once: {decisions:?}"));
                }
                let is_ours = decisions.contains(&(*fate, told.user));
                match verdict {
                    Verdict::Done(uids) if !is_ours || uids[..] != [uid.clone()] => {
                        Err(format!("what became of it is {decisions:?}"))
                    }
                    Verdict::NotApplied(_) if is_ours => Err("it was done".to_owned()),
                    verdict if *is_own => held_open(verdict, &["could not be asked"]),
                    verdict => held_open(verdict, &["nobody can tell"]),
                }
            }
        }
    }
}

/// What is unknown must be so for one of these reasons.
fn held_open(verdict: &Verdict, reasons: &[&str]) -> Result<(), String> {
    match verdict {
        Verdict::Unknown(why) if !reasons.iter().any(|reason| why.contains(reason)) => {
            Err("there was evidence".to_owned())
        }
        _ => Ok(()),
    }
}

impl Report {
    pub(crate) fn merge(&mut self, other: Report) {
        let Report { calls, done, not_applied, without_evidence, not_asked, lost, doubled, wrong } = other;
        self.calls += calls;
        self.done += done;
        self.not_applied += not_applied;
        self.without_evidence += without_evidence;
        self.not_asked += not_asked;
        self.lost += lost;
        self.doubled += doubled;
        self.wrong.extend(wrong);
    }

    /// Whether all that was told is so, and enough was done for that to mean something.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let first: Vec<_> = self.wrong.iter().take(5).map(String::as_str).collect();
        if !first.is_empty() {
            return Err(format!("{self}\n{}", first.join("\n")));
        }
        // Where next to nothing succeeds, nothing was tried.
        let is_enough = self.calls > 0 && self.done * 10 > self.calls * 7;
        if is_enough { Ok(()) } else { Err(format!("too little was done: {self}")) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { calls, done, not_applied, without_evidence, not_asked, lost, doubled, wrong } = self;
        let share = |count: &usize| *count as f64 * 100.0 / (*calls).max(1) as f64;
        write!(
            f,
            "{calls} calls: {done} done, {not_applied} not applied, unknown {without_evidence} without evidence ({:.3} %) \
             and {not_asked} for want of an answer ({:.3} %); {lost} lost, {doubled} doubled, {} wrong verdicts",
            share(without_evidence),
            share(not_asked),
            wrong.len()
        )
    }
}
