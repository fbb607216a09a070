//! What may be on a disk after the power is lost: all that was synced, and of the rest anything, down to single sectors.

use std::collections::BTreeMap;

use crate::disk::{Done, Log, Record};
use crate::random::Random;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// Whether syncs do what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syncs {
    /// They do.
    Kept,
    /// They do nothing, as with `synchronous=OFF`; what is written reaches the disk by itself some time later.
    Ignored,
}

/// How many records what is written stays off the disk, where syncs are ignored.
const WRITE_BACK: usize = 400;

/// A disk while its log is read.
#[derive(Debug)]
pub(crate) struct Replay {
    syncs: Syncs,
    files: Vec<Content>,
    /// Names as the program sees them.
    names: BTreeMap<String, usize>,
    /// Names as they are on the disk, and changes that may be.
    kept_names: BTreeMap<String, usize>,
    loose_names: Vec<(usize, Rename)>,
    /// The number of the record at which a sync began, by the sync's own.
    begun: BTreeMap<u64, usize>,
    at: usize,
}

/// A file.
#[derive(Debug, Default)]
struct Content {
    kept: Vec<u8>,
    /// What may be on the disk, by the number of its record.
    loose: Vec<(usize, Change)>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug, Clone)]
enum Rename {
    Put(String, usize),
    Remove(String),
}

impl Replay {
    pub(crate) fn new(syncs: Syncs) -> Self {
        Self {
            syncs,
            files: Vec::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            loose_names: Vec::new(),
            begun: BTreeMap::new(),
            at: 0,
        }
    }

    /// Goes one record on. After a sync that failed, what it was for has reached the disk or never will: the system does
    /// not try again.
    pub(crate) fn step(&mut self, log: &Log, record: &Record, random: &mut Random) {
        let Record { name, done, .. } = record;
        self.at += 1;
        match done {
            Done::Create => {
                self.files.push(Content::default());
                self.rename(Rename::Put(name.clone(), self.files.len() - 1));
            }
            Done::Unlink => self.rename(Rename::Remove(name.clone())),
            Done::Rename { to } => {
                let file = self.names[name];
                self.rename(Rename::Remove(name.clone()));
                self.rename(Rename::Put(to.clone(), file));
            }
            Done::Write { offset, data } => {
                let offset = usize::try_from(*offset).unwrap();
                self.change(name, Change::Write { offset, data: log.data(data).to_vec() });
            }
            Done::Truncate { length } => {
                self.change(name, Change::Truncate(usize::try_from(*length).unwrap()))
            }
            Done::SyncBegun(sync) => {
                self.begun.insert(*sync, self.at);
            }
            Done::Synced(sync) => {
                let before = self.begun.remove(sync).expect("a sync begins before it ends");
                match (self.syncs, self.names.get(name)) {
                    (Syncs::Ignored, _) => {}
                    (Syncs::Kept, Some(file)) => self.files[*file].keep(before, |_| true),
                    (Syncs::Kept, None) if name.is_empty() => self.keep_names(before),
                    // It has no name any more.
                    (Syncs::Kept, None) => {}
                }
            }
            Done::SyncFailed(sync) => {
                let before = self.begun.remove(sync).expect("a sync begins before it ends");
                if let Some(file) = self.names.get(name) {
                    self.files[*file].keep(before, |_| random.below(2) == 0);
                }
            }
        }
        if self.syncs == Syncs::Ignored && self.at.is_multiple_of(WRITE_BACK) {
            let before = self.at.saturating_sub(WRITE_BACK);
            self.files.iter_mut().for_each(|file| file.keep(before, |_| true));
            self.keep_names(before);
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        // One that has no name any more is gone with the program.
        if let Some(file) = self.names.get(name) {
            self.files[*file].loose.push((self.at, change));
        }
    }

    fn rename(&mut self, rename: Rename) {
        rename.apply(&mut self.names);
        self.loose_names.push((self.at, rename));
    }

    fn keep_names(&mut self, before: usize) {
        let count = self.loose_names.iter().take_while(|(at, _)| *at < before).count();
        for (_, rename) in self.loose_names.drain(..count) {
            rename.apply(&mut self.kept_names);
        }
    }

    /// The files after a loss of power now.
    pub(crate) fn lose_power(&self, random: &mut Random) -> BTreeMap<String, Vec<u8>> {
        let mut names = self.kept_names.clone();
        let count = random.below(self.loose_names.len() + 1);
        self.loose_names[..count].iter().for_each(|(_, rename)| rename.apply(&mut names));
        let fate = *random.one_of(&[Loss::All, Loss::Nothing, Loss::Some, Loss::Torn, Loss::Tail]);
        names.into_iter().map(|(name, file)| (name, self.files[file].after(fate, random))).collect()
    }
}

/// What becomes of that which was not synced.
#[derive(Debug, Clone, Copy)]
enum Loss {
    All,
    Nothing,
    /// Any of it, whole.
    Some,
    /// Any sectors of it.
    Torn,
    /// All after one of them, which is torn.
    Tail,
}

impl Content {
    /// What was changed before this record, and is on the disk, is there for good; the rest is gone.
    fn keep(&mut self, before: usize, mut is_kept: impl FnMut(usize) -> bool) {
        let count = self.loose.iter().take_while(|(at, _)| *at < before).count();
        for (at, change) in self.loose.drain(..count) {
            if is_kept(at) {
                change.apply(&mut self.kept);
            }
        }
    }

    fn after(&self, loss: Loss, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        let tail = random.below(self.loose.len() + 1);
        for (place, (_, change)) in self.loose.iter().enumerate() {
            match loss {
                Loss::All => {}
                Loss::Nothing => change.apply(&mut bytes),
                Loss::Some => {
                    if random.below(2) == 0 {
                        change.apply(&mut bytes);
                    }
                }
                Loss::Torn => change.tear(&mut bytes, random),
                Loss::Tail if place < tail => change.apply(&mut bytes),
                Loss::Tail if place == tail => change.tear(&mut bytes, random),
                Loss::Tail => {}
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => put(bytes, *offset, data),
            Self::Truncate(length) => bytes.resize(*length, 0),
        }
    }

    /// Does some sectors of it.
    fn tear(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        match self {
            Self::Write { offset, data } => {
                let mut from = 0;
                while from < data.len() {
                    let to = data.len().min(from + SECTOR - (offset + from) % SECTOR);
                    if random.below(2) == 0 {
                        put(bytes, offset + from, &data[from..to]);
                    }
                    from = to;
                }
            }
            Self::Truncate(_) if random.below(2) == 0 => self.apply(bytes),
            Self::Truncate(_) => {}
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(data);
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Put(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}
