//! The journal of requests: what was asked, what became of it, and which fault struck it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use incoming_leads_port::Digest;
use serde::Serialize;

use super::fault::Fault;

/// Bytes of a path that are kept.
const MAX_PATH_BYTES: usize = 256;
/// Hex digits of a credential's digest that are kept: enough to tell credentials apart.
const CREDENTIAL_DIGITS: usize = 16;

/// One request, as the edge of the server saw it. It holds no secret: no query, no header, no body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The place among all requests since the server was started, from 1.
    pub number: u64,
    /// When its head had come: microseconds since 1970-01-01T00:00:00Z, by this machine's clock.
    pub at_micros: u64,
    /// The method.
    pub method: String,
    /// The path, of which at most 256 bytes are kept.
    pub path: String,
    /// The first 16 hex digits of the SHA-256 of the token; none where no token was shown.
    pub credential: Option<String>,
    /// The status that went out; none where the connection was ended instead, by a fault or by the client.
    pub status: Option<u16>,
    /// The status that the routes answered; none where a fault kept the request from them, or nobody waited for their
    /// answer.
    pub carried_out: Option<u16>,
    /// Whether the routes were asked: then it may have taken effect, whatever went out.
    pub reached_routes: bool,
    /// The fault that struck it, by its [name](Fault::name).
    pub fault: Option<&'static str>,
}

/// The last requests, so many.
#[derive(Debug)]
pub(crate) struct Journal {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    next: u64,
    entries: VecDeque<JournalEntry>,
}

impl Journal {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, kept: Mutex::new(Kept { next: 1, entries: VecDeque::new() }) }
    }

    pub(super) const fn is_off(&self) -> bool {
        self.most == 0
    }

    /// A request came. What becomes of it is written down at once, so that one whose client goes away is there as well.
    pub(super) fn see(&self, method: &Method, path: &str, credential: Option<Digest>) -> Seen<'_> {
        if self.is_off() {
            return Seen { journal: self, number: 0 };
        }
        let at_micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        let credential = credential.map(|digest| {
            let mut hex = digest.to_hex();
            hex.truncate(CREDENTIAL_DIGITS);
            hex
        });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = kept.next;
        kept.next += 1;
        if kept.entries.len() == self.most {
            kept.entries.pop_front();
        }
        kept.entries.push_back(JournalEntry {
            number,
            at_micros,
            method: method.to_string(),
            path: path[..path.floor_char_boundary(MAX_PATH_BYTES)].to_owned(),
            credential,
            status: None,
            carried_out: None,
            reached_routes: false,
            fault: None,
        });
        drop(kept);
        Seen { journal: self, number }
    }

    /// What is kept of the requests after this number, oldest first, at most so many.
    pub(crate) fn after(&self, number: u64, most: usize) -> Vec<JournalEntry> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let later = kept.entries.partition_point(|entry| entry.number <= number);
        kept.entries.range(later..).take(most).cloned().collect()
    }

    /// Forgets what is kept; the numbers go on.
    pub(super) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.clear();
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut JournalEntry)) {
        if self.is_off() {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.entries.front().map_or(u64::MAX, |entry| entry.number);
        let index = number.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        // It may be forgotten already.
        if let Some(entry) = index.and_then(|index| kept.entries.get_mut(index)) {
            change(entry);
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    journal: &'a Journal,
    number: u64,
}

impl Seen<'_> {
    pub(super) fn suffers(&mut self, fault: &Fault) {
        self.journal.change(self.number, |entry| entry.fault = Some(fault.name()));
    }

    pub(super) fn reaches_routes(&mut self) {
        self.journal.change(self.number, |entry| entry.reached_routes = true);
    }

    pub(super) fn is_carried_out(&mut self, status: StatusCode) {
        self.journal.change(self.number, |entry| entry.carried_out = Some(status.as_u16()));
    }

    pub(super) fn goes_out(&mut self, status: Option<StatusCode>) {
        self.journal.change(self.number, |entry| entry.status = status.map(|status| status.as_u16()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_numbers_go_on() {
        let journal = Journal::new(2);
        for path in ["/a", "/b", "/c"] {
            journal.see(&Method::GET, path, None).goes_out(Some(StatusCode::OK));
        }
        let kept = journal.after(0, 9);
        let told: Vec<_> =
            kept.iter().map(|entry| (entry.number, entry.path.as_str(), entry.status)).collect();
        assert_eq!(told, [(2, "/b", Some(200)), (3, "/c", Some(200))]);
        assert_eq!(journal.after(2, 9).len(), 1);
        assert_eq!(journal.after(0, 1).len(), 1);
        journal.clear();
        journal.see(&Method::GET, "/d", None);
        assert_eq!(journal.after(0, 9)[0].number, 4);
    }

    #[test]
    fn what_is_forgotten_is_not_written_to() {
        let journal = Journal::new(1);
        let mut first = journal.see(&Method::GET, "/a", None);
        journal.see(&Method::GET, "/b", None);
        first.goes_out(Some(StatusCode::OK));
        assert_eq!(journal.after(0, 9)[0].status, None);
    }

    #[test]
    fn a_journal_that_is_off_keeps_nothing() {
        let journal = Journal::new(0);
        journal.see(&Method::GET, "/a", None).goes_out(Some(StatusCode::OK));
        assert!(journal.after(0, 9).is_empty());
    }

    #[test]
    fn paths_and_credentials_are_kept_short() {
        let journal = Journal::new(1);
        journal.see(&Method::GET, &"ä".repeat(1_000), Some(Digest([0xab; 32])));
        let entry = &journal.after(0, 9)[0];
        assert_eq!(entry.path.len(), MAX_PATH_BYTES);
        assert_eq!(entry.credential.as_deref(), Some("abababababababab"));
    }
}
