//! Where time and ids come from: both are injected, so that tests own them.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use incoming_leads_model::{CompanyId, ContactId, Floor, LeadId, Minted, Moment, NoteId, TagId, Uid, Wants};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, in whole seconds, UTC.
    fn now(&self) -> Moment;
}

/// The system's clock. Held to the moments that the model knows.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no state")]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        i64::try_from(secs).ok().and_then(|secs| Moment::from_secs(secs).ok()).unwrap_or(Moment::MAX)
    }
}

/// A clock that stands still until it is set: for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this moment.
    #[must_use]
    pub const fn new(now: Moment) -> Self {
        Self(AtomicI64::new(now.secs()))
    }

    /// Sets it; also back.
    pub fn set(&self, now: Moment) {
        self.0.store(now.secs(), Ordering::SeqCst);
    }

    /// Moves it on, at most to the last moment.
    pub fn advance_secs(&self, secs: u32) {
        let now = self.now().secs().saturating_add(i64::from(secs));
        self.set(Moment::from_secs(now).unwrap_or(Moment::MAX));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_secs(self.0.load(Ordering::SeqCst)).unwrap_or(Moment::MIN)
    }
}

/// Makes ids before a command is decided. Every id is made once; gaps do not matter.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// The ids of one item that wants so many notes and tags beside its own.
    fn mint(&self, now: Moment, wants: Wants) -> Minted;

    /// A note id.
    fn note(&self) -> NoteId;

    /// Makes sure that all ids to come lie above these.
    fn raise(&self, above: Floor);

    /// The largest ids that were made, or above which they are to lie.
    fn taken(&self) -> Floor;
}

/// Counters and a keyed random function: the [`IdSource`] of one process.
pub struct Ids {
    leads: AtomicU64,
    parties: AtomicU64,
    notes: AtomicU64,
    tags: AtomicU64,
    sequence: AtomicU64,
    random: Box<dyn Fn(u64) -> [u8; 20] + Send + Sync>,
}

impl Ids {
    /// Ids whose random part nobody can guess: keyed by the system's randomness.
    #[must_use]
    pub fn random() -> Self {
        let keys = [RandomState::new(), RandomState::new(), RandomState::new()];
        Self::with_random(move |sequence| {
            let mut bytes = [0; 20];
            for (chunk, key) in bytes.chunks_mut(8).zip(&keys) {
                let hash = key.hash_one((sequence, SystemTime::now())).to_le_bytes();
                chunk.copy_from_slice(&hash[..chunk.len()]);
            }
            bytes
        })
    }

    /// The same ids in every run: for tests.
    #[must_use]
    pub fn sequential() -> Self {
        Self::with_random(|sequence| {
            let mut bytes = [0; 20];
            bytes[12..].copy_from_slice(&sequence.to_be_bytes());
            bytes
        })
    }

    fn with_random(random: impl Fn(u64) -> [u8; 20] + Send + Sync + 'static) -> Self {
        let counter = || AtomicU64::new(1);
        let (leads, parties, notes, tags, sequence) = (counter(), counter(), counter(), counter(), counter());
        Self { leads, parties, notes, tags, sequence, random: Box::new(random) }
    }
}

fn next<I: TryFrom<u64>>(counter: &AtomicU64) -> I {
    let number = counter.fetch_add(1, Ordering::Relaxed);
    // At a million ids a second 2^53 last for 285 years.
    let Ok(id) = I::try_from(number) else { unreachable!("ids are used up") };
    id
}

impl IdSource for Ids {
    fn mint(&self, now: Moment, wants: Wants) -> Minted {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let company: CompanyId = next(&self.parties);
        let contact: ContactId = next(&self.parties);
        let lead: LeadId = next(&self.leads);
        Minted {
            uid: Uid::compose(now, sequence, (self.random)(sequence)),
            lead,
            contact,
            company,
            notes: (0..wants.notes).map(|_| self.note()).collect(),
            tags: (0..wants.tags).map(|_| next::<TagId>(&self.tags)).collect(),
        }
    }

    fn note(&self) -> NoteId {
        next(&self.notes)
    }

    fn raise(&self, above: Floor) {
        let Floor { leads, parties, notes, tags } = above;
        self.leads.fetch_max(leads + 1, Ordering::Relaxed);
        self.parties.fetch_max(parties + 1, Ordering::Relaxed);
        self.notes.fetch_max(notes + 1, Ordering::Relaxed);
        self.tags.fetch_max(tags + 1, Ordering::Relaxed);
    }

    fn taken(&self) -> Floor {
        let taken = |next: &AtomicU64| next.load(Ordering::Relaxed) - 1;
        Floor {
            leads: taken(&self.leads),
            parties: taken(&self.parties),
            notes: taken(&self.notes),
            tags: taken(&self.tags),
        }
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids")
            .field("leads", &self.leads)
            .field("parties", &self.parties)
            .finish_non_exhaustive()
    }
}
