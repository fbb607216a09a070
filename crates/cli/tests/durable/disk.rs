//! A disk that is told to fail and that keeps a log of what was done to it: `disk.c`, preloaded into a server.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::server;

/// A disk under one folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    log: PathBuf,
    faults_path: PathBuf,
    faults: File,
}

/// Numbers of errors, as Linux has them.
pub(crate) const EIO: i32 = 5;
pub(crate) const ENOSPC: i32 = 28;
pub(crate) const EROFS: i32 = 30;

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Sync,
    Write,
    Open,
    Read,
    /// A sync of anything but the log.
    Copy,
}

impl Call {
    const ALL: [Self; 5] = [Self::Sync, Self::Write, Self::Open, Self::Read, Self::Copy];
}

/// Where the file that the disk reads has the numbers of calls: the error, how often it is still to come (negative is
/// for ever), and how often it has.
const ERROR: u64 = 0;
const LEFT: u64 = 5;
const FAILED: u64 = 10;
/// Whether there is room only for so many more bytes, and for how many.
const IS_SMALL: u64 = 15;
const ROOM: u64 = 16;

impl Disk {
    pub(crate) fn new() -> Self {
        let outer = server::folder();
        let (folder, log, faults_path) = (outer.join("data"), outer.join("disk"), outer.join("faults"));
        fs::create_dir(&folder).unwrap();
        fs::write(&faults_path, [0; 4096]).unwrap();
        let faults = File::options().write(true).read(true).open(&faults_path).unwrap();
        Self { folder, log, faults_path, faults }
    }

    /// The folder that lies on it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it logs what is done to it.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Puts a program on this disk; with a log of all that it does, if it is to have one.
    pub(crate) fn under<'a>(&self, command: &'a mut Command, logs: Logs) -> &'a mut Command {
        command.env("LD_PRELOAD", library()).env("DISK_FOLDER", &self.folder);
        command.env("DISK_FAULTS", &self.faults_path);
        match logs {
            Logs::All => command.env("DISK_LOG", &self.log),
            Logs::Nothing => command,
        }
    }

    /// Lets calls fail with this error from now on: so many of them, or all.
    pub(crate) fn fail(&self, call: Call, error: i32, times: Option<i32>) {
        self.set(LEFT + call as u64, times.unwrap_or(-1));
        self.set(ERROR + call as u64, error);
    }

    /// Leaves room for so many bytes more. A write that is longer than what is left of it is cut off there.
    pub(crate) fn leave(&self, bytes: i32) {
        self.set(ROOM, bytes);
        self.set(IS_SMALL, 1);
    }

    /// Nothing fails any longer, and there is room.
    pub(crate) fn heal(&self) {
        for call in Call::ALL {
            self.set(ERROR + call as u64, 0);
        }
        self.set(IS_SMALL, 0);
    }

    /// How many of these calls have failed.
    pub(crate) fn failed(&self, call: Call) -> i32 {
        let mut bytes = [0; 4];
        self.faults.read_exact_at(&mut bytes, 4 * (FAILED + call as u64)).unwrap();
        i32::from_ne_bytes(bytes)
    }

    fn set(&self, place: u64, number: i32) {
        self.faults.write_all_at(&number.to_ne_bytes(), 4 * place).unwrap();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logs {
    All,
    Nothing,
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = server::folder();
        let (source, library) = (folder.join("disk.c"), folder.join("disk.so"));
        fs::write(&source, include_str!("disk.c")).unwrap();
        let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
        compiler
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .args(["-ldl", "-pthread"]);
        assert!(compiler.status().expect("there is a C compiler").success());
        library
    })
}

/// What was done to a disk, in order.
#[derive(Debug)]
pub(crate) struct Log {
    bytes: Vec<u8>,
    pub(crate) records: Vec<Record>,
}

#[derive(Debug)]
pub(crate) struct Record {
    /// How long the log is with it.
    pub(crate) end: u64,
    /// The file's name in the folder; the folder itself is "".
    pub(crate) name: String,
    pub(crate) done: Done,
}

#[derive(Debug)]
pub(crate) enum Done {
    Create,
    Write { offset: u64, data: Range<usize> },
    Truncate { length: u64 },
    SyncBegun(u64),
    Synced(u64),
    SyncFailed(u64),
    Unlink,
    Rename { to: String },
}

impl Log {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let mut records = Vec::new();
        let (mut rest, mut at) = (bytes.as_slice(), 0);
        while let Some((record, length)) = Record::read(rest, at) {
            records.push(record);
            at += length;
            rest = &bytes[at..];
        }
        Self { bytes, records }
    }

    pub(crate) fn data(&self, range: &Range<usize>) -> &[u8] {
        &self.bytes[range.clone()]
    }
}

impl Record {
    /// The first record of these bytes, which begin there; none where it is not whole: the program was killed.
    fn read(bytes: &[u8], at: usize) -> Option<(Self, usize)> {
        let word = |from: usize| Some(u32::from_ne_bytes(bytes.get(from..from + 4)?.try_into().ok()?));
        let long = |from: usize| Some(u64::from_ne_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
        let (kind, name, offset, length, sync) = (word(0)?, word(4)?, long(8)?, long(16)?, long(24)?);
        let from = 32 + usize::try_from(name).ok()?;
        let to = from + usize::try_from(length).ok()?;
        let text = |range| Some(String::from_utf8_lossy(bytes.get(range)?).into_owned());
        let name = text(32..from)?;
        bytes.get(from..to)?;
        let done = match kind {
            1 => Done::Create,
            2 => Done::Write { offset, data: at + from..at + to },
            3 => Done::Truncate { length: offset },
            4 => Done::SyncBegun(sync),
            5 => Done::Synced(sync),
            6 => Done::SyncFailed(sync),
            7 => Done::Unlink,
            8 => Done::Rename { to: text(from..to)? },
            kind => panic!("the log has a record of kind {kind}"),
        };
        Some((Self { end: (at + to) as u64, name, done }, to))
    }
}
