//! Sessions that were opened in this process: bounded in number and time.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use incoming_leads_port::Digest;

/// Open sessions of one process, at most.
const MOST: usize = 10_000;

/// Sessions, each by the digest of its id, with the digest of what was shown to open it.
#[derive(Debug)]
pub(super) struct Sessions {
    shown: HashMap<Digest, Digest>,
    /// The oldest first.
    ends: VecDeque<(Instant, Digest)>,
    most: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { shown: HashMap::new(), ends: VecDeque::new(), most: MOST }
    }
}

impl Sessions {
    /// Opens a session for so long; answers those that ended by that.
    pub(super) fn open(&mut self, session: Digest, shown: Digest, life: Duration) -> Vec<Digest> {
        let now = Instant::now();
        self.shown.insert(session, shown);
        self.ends.push_back((now + life, session));
        self.trim(now)
    }

    /// What was shown to open this session, as long as it is open.
    pub(super) fn shown(&mut self, session: &Digest) -> Option<Digest> {
        self.trim(Instant::now());
        self.shown.get(session).copied()
    }

    /// Forgets the sessions that are over, and the oldest while there are too many.
    fn trim(&mut self, now: Instant) -> Vec<Digest> {
        let mut ended = Vec::new();
        while let Some((end, session)) = self.ends.front().copied() {
            if end > now && self.ends.len() <= self.most {
                break;
            }
            self.shown.remove(&session);
            self.ends.pop_front();
            ended.push(session);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::digest;

    const LIFE: Duration = Duration::from_secs(60);

    #[test]
    fn one_too_many_ends_the_oldest() {
        let mut sessions = Sessions { most: 2, ..Sessions::default() };
        let [a, b, c, shown] = ["a", "b", "c", "shown"].map(digest);
        assert!(sessions.open(a, shown, LIFE).is_empty() && sessions.open(b, shown, LIFE).is_empty());
        assert_eq!(sessions.open(c, shown, LIFE), [a]);
        assert_eq!([a, b, c].map(|session| sessions.shown(&session)), [None, Some(shown), Some(shown)]);
        assert_eq!((sessions.shown.len(), sessions.ends.len()), (2, 2));
    }

    #[test]
    fn a_session_ends_by_itself() {
        let mut sessions = Sessions::default();
        sessions.open(digest("a"), digest("shown"), Duration::ZERO);
        assert_eq!(sessions.shown(&digest("a")), None);
        assert!(sessions.ends.is_empty());
    }
}
