//! What clients did and were told, by the identity of a lead: one identity is one object, on which adds, decisions and
//! reads are operations with a beginning and, where an answer came, an end.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) begun: When,
    /// None where nobody knows when, or whether, it took effect.
    pub(crate) ended: Option<When>,
    pub(crate) what: What,
    /// Who did it: for people who read a report.
    pub(crate) by: String,
}

/// A moment of a history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct When {
    /// Since the beginning of the history.
    pub(crate) nanos: u64,
    /// How long the log of the disk is, where there is one.
    pub(crate) logged: u64,
}

/// An operation and what was told of it. Uids are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// An add that took effect, is refused because of a twin, or of which nobody knows.
    Add(Option<Added>),
    /// A message of a chat: it makes a lead or updates the one that waits.
    TakeIn(Option<String>),
    /// A decision that took effect, found nothing that waits, or of which nobody knows.
    Decide { uid: String, decision: Decision, took_effect: Option<bool> },
    /// Whether the uid waits.
    Look { uid: String, waits: bool },
    /// Which uid of this identity waits.
    Find { waits: Option<String> },
    /// What the lead itself says that became of it.
    Fate { uid: String, is: Fate },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Added {
    New(String),
    Twin(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Decline,
    Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Waits,
    /// It was accepted.
    Lives,
    /// It was declined or linked.
    Binned,
}

impl What {
    /// Whether nobody knows if it took effect.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::Add(told) => told.is_none(),
            Self::TakeIn(told) => told.is_none(),
            Self::Decide { took_effect, .. } => took_effect.is_none(),
            Self::Look { .. } | Self::Find { .. } | Self::Fate { .. } => false,
        }
    }

    /// Whether it is known to have changed something.
    pub(crate) fn is_acknowledged(&self) -> bool {
        match self {
            Self::Add(told) => matches!(told, Some(Added::New(_))),
            Self::TakeIn(told) => told.is_some(),
            Self::Decide { took_effect, .. } => *took_effect == Some(true),
            Self::Look { .. } | Self::Find { .. } | Self::Fate { .. } => false,
        }
    }
}

impl Op {
    /// What was known of it when the disk had logged so much; none where nothing was, or where it changes nothing.
    pub(crate) fn as_of(&self, logged: u64) -> Option<Self> {
        if self.begun.logged > logged {
            return None;
        }
        if self.ended.is_some_and(|ended| ended.logged <= logged) {
            return Some(self.clone());
        }
        let what = match &self.what {
            What::Add(_) => What::Add(None),
            What::TakeIn(_) => What::TakeIn(None),
            What::Decide { uid, decision, .. } => {
                What::Decide { uid: uid.clone(), decision: *decision, took_effect: None }
            }
            What::Look { .. } | What::Find { .. } | What::Fate { .. } => return None,
        };
        Some(Self { ended: None, what, ..self.clone() })
    }
}

/// Histories by identity, and what no answer may be.
#[derive(Debug)]
pub(crate) struct Recorder {
    start: Instant,
    log: Option<PathBuf>,
    /// Whether an answer may say that the store is damaged.
    pub(crate) may_be_damaged: bool,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) objects: BTreeMap<String, Vec<Op>>,
    /// The lead's id by uid.
    pub(crate) leads: HashMap<String, u64>,
    /// What became of the leads that were asked for last.
    pub(crate) fates: HashMap<u64, Fate>,
    /// Batches of which nobody knows whether they took effect.
    pub(crate) unknown_batches: Vec<Vec<String>>,
    /// Answers that are wrong whatever happened.
    pub(crate) wrong: Vec<String>,
}

impl Told {
    /// The uids of this identity that anybody was told.
    pub(crate) fn uids(&self, key: &str) -> Vec<String> {
        let mut uids = Vec::new();
        for op in self.objects.get(key).into_iter().flatten() {
            if let Some(uid) = op.what.uid()
                && !uids.contains(uid)
            {
                uids.push(uid.clone());
            }
        }
        uids
    }

    /// How many operations are known to have changed something.
    pub(crate) fn acknowledged(&self) -> usize {
        self.objects.values().flatten().filter(|op| op.what.is_acknowledged()).count()
    }

    /// How many operations nobody knows of whether they did.
    pub(crate) fn unknown(&self) -> usize {
        self.objects.values().flatten().filter(|op| op.what.is_unknown()).count()
    }
}

impl What {
    /// The uid that it is about or has found.
    pub(crate) fn uid(&self) -> Option<&String> {
        match self {
            Self::Add(Some(Added::New(uid) | Added::Twin(uid)))
            | Self::TakeIn(Some(uid))
            | Self::Decide { uid, .. }
            | Self::Look { uid, .. }
            | Self::Find { waits: Some(uid) }
            | Self::Fate { uid, .. } => Some(uid),
            Self::Add(None) | Self::TakeIn(None) | Self::Find { waits: None } => None,
        }
    }
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), log: None, may_be_damaged: false, told: Mutex::default() }
    }

    /// One that notes how long the log of a disk is.
    pub(crate) fn beside(log: PathBuf) -> Self {
        Self { log: Some(log), ..Self::new() }
    }

    pub(crate) fn now(&self) -> When {
        let nanos = u64::try_from(self.start.elapsed().as_nanos());
        let logged = self.log.as_ref().map_or(0, |log| fs::metadata(log).map_or(0, |log| log.len()));
        When { nanos: nanos.expect("a history is shorter than centuries"), logged }
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Notes an operation that began then and has just ended.
    pub(crate) fn note(&self, key: &str, by: &str, begun: When, what: What) {
        let ended = (!what.is_unknown()).then(|| self.now());
        let op = Op { begun, ended, what, by: by.to_owned() };
        self.told().objects.entry(key.to_owned()).or_default().push(op);
    }

    pub(crate) fn wrong(&self, what: String) {
        self.told().wrong.push(what);
    }
}
