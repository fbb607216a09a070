//! Since when which incoming leads are known: a bounded memory, and so the evidence of what came later.

use std::sync::atomic::{AtomicU64, Ordering};

use incoming_leads_model::Uid;
use quick_cache::sync::Cache;

/// A moment in the life of this memory: later ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// The memory.
#[derive(Debug)]
pub(crate) struct Known {
    since: Cache<Uid, Mark>,
    next: AtomicU64,
}

impl Known {
    pub(crate) fn new(most: usize) -> Self {
        Self { since: Cache::new(most), next: AtomicU64::new(0) }
    }

    /// Whatever is told from here on is told after this mark.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// An answer told of it.
    pub(crate) fn told(&self, uid: &Uid) {
        if self.since.get(uid).is_none() {
            self.since.insert(uid.clone(), self.mark());
        }
    }

    /// Whether it was told of only after the mark, so that it may have come after it.
    pub(crate) fn is_newer(&self, uid: &Uid, mark: Mark) -> bool {
        self.since.get(uid).is_none_or(|since| since > mark)
    }
}
