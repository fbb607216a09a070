//! The file: one JSON object a line, appended and synced; what is settled is left out when it is written anew.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use incoming_leads_model::{Channel, Draft, Uid};
use serde::{Deserialize, Serialize};

use crate::ticket::{OutboxError, Ticket};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Record {
    /// A lead was submitted.
    Submitted { ticket: Ticket, channel: Channel, draft: Box<Draft> },
    /// They are about to be sent: from here on they may be there.
    Sending { tickets: Vec<Ticket> },
    /// The other side has it.
    Delivered { ticket: Ticket, uid: Uid },
    /// It will not be delivered by itself.
    Dead { ticket: Ticket, reason: String },
    /// A person wants it sent again; it surely is not there.
    Replayed { ticket: Ticket },
    /// A person wants it forgotten.
    Discarded { ticket: Ticket },
    /// What tells this outbox from every other: random text, from when its file was made.
    Named { name: String },
    /// No ticket up to this number is given out again.
    Numbered { ticket: Ticket },
}

/// An open file, locked against other processes.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held for as long as the journal is open; a file of its own, since the journal's is replaced.
    _lock: File,
    /// How much of the file is good.
    length: u64,
    /// Whether half a line may stand behind that.
    is_torn: bool,
}

impl Journal {
    /// Opens or makes the file and reads what it holds. An unfinished last line, of a process that died, is cut off.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Record>), OutboxError> {
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(beside(path, ".lock"));
        let lock = lock.map_err(OutboxError::File)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OutboxError::InUse),
            Err(TryLockError::Error(error)) => return Err(OutboxError::File(error)),
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(OutboxError::File)?;
        let (records, length) = read(&mut file)?;
        file.set_len(length).and_then(|()| file.sync_all()).map_err(OutboxError::File)?;
        sync_folder(path).map_err(OutboxError::File)?;
        let journal = Self { path: path.to_owned(), file, _lock: lock, length, is_torn: false };
        Ok((journal, records))
    }

    /// Appends records; when this returns they survive a loss of power. What fails leaves the file as it was.
    pub(crate) fn append(&mut self, records: &[Record]) -> std::io::Result<()> {
        let lines = lines(records)?;
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        let written = self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(&lines));
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // Half a line must not stand before the next one: it is cut off now, or before anything else is written, or
            // when the file is opened again.
            self.is_torn = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Puts a new file with just these records in the place of the old one.
    pub(crate) fn rewrite(&mut self, records: &[Record]) -> std::io::Result<()> {
        let new = beside(&self.path, ".new");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&new)?;
        let lines = lines(records)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        // From here on the new file is the journal, whatever becomes of the folder: the old one has no name any more.
        self.file = file;
        self.length = lines.len() as u64;
        self.is_torn = false;
        sync_folder(&self.path)
    }
}

fn lines(records: &[Record]) -> std::io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// All whole lines and how many bytes they take.
fn read(file: &mut File) -> Result<(Vec<Record>, u64), OutboxError> {
    let mut reader = BufReader::new(file);
    let (mut records, mut length, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(OutboxError::File)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok((records, length));
        }
        let damaged = |_| OutboxError::Damaged { line: records.len() + 1 };
        records.push(serde_json::from_slice(&line).map_err(damaged)?);
        length += read as u64;
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A lead in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Letter {
    pub(crate) channel: Channel,
    pub(crate) draft: Box<Draft>,
    /// Whether it was about to be sent at least once.
    pub(crate) sent: bool,
    /// Whether it may be there already: it was sent and no answer came, or a process died with it.
    pub(crate) doubtful: bool,
}

/// What the records add up to.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) waiting: BTreeMap<Ticket, Letter>,
    pub(crate) dead: BTreeMap<Ticket, (Letter, String)>,
    /// The latest deliveries, for whoever asks.
    pub(crate) delivered: BTreeMap<Ticket, Uid>,
    pub(crate) last: u64,
    /// None of a file that is being made, or was made by an earlier version.
    pub(crate) name: Option<String>,
}

/// How many deliveries are remembered.
pub(crate) const REMEMBERED: usize = 100_000;

impl State {
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Submitted { ticket, channel, draft } => {
                self.last = self.last.max(ticket.0);
                self.waiting.insert(ticket, Letter { channel, draft, sent: false, doubtful: false });
            }
            Record::Sending { tickets } => {
                for ticket in tickets {
                    if let Some(letter) = self.waiting.get_mut(&ticket) {
                        letter.sent = true;
                    }
                }
            }
            Record::Delivered { ticket, uid } => {
                self.waiting.remove(&ticket);
                self.last = self.last.max(ticket.0);
                self.delivered.insert(ticket, uid);
                while self.delivered.len() > REMEMBERED {
                    self.delivered.pop_first();
                }
            }
            Record::Dead { ticket, reason } => {
                if let Some(letter) = self.waiting.remove(&ticket) {
                    self.dead.insert(ticket, (letter, reason));
                }
            }
            Record::Replayed { ticket } => {
                if let Some((letter, _)) = self.dead.remove(&ticket) {
                    self.waiting.insert(ticket, Letter { sent: false, doubtful: false, ..letter });
                }
            }
            Record::Discarded { ticket } => {
                self.dead.remove(&ticket);
            }
            Record::Named { name } => self.name = Some(name),
            Record::Numbered { ticket } => self.last = self.last.max(ticket.0),
        }
    }

    /// The fewest records that add up to the same.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = vec![Record::Numbered { ticket: Ticket(self.last) }];
        records.extend(self.name.clone().map(|name| Record::Named { name }));
        records.extend(
            self.delivered
                .iter()
                .map(|(ticket, uid)| Record::Delivered { ticket: *ticket, uid: uid.clone() }),
        );
        let submitted = |ticket: &Ticket, letter: &Letter| Record::Submitted {
            ticket: *ticket,
            channel: letter.channel,
            draft: letter.draft.clone(),
        };
        for (ticket, (letter, reason)) in &self.dead {
            records.push(submitted(ticket, letter));
            records.push(Record::Dead { ticket: *ticket, reason: reason.clone() });
        }
        records.extend(self.waiting.iter().map(|(ticket, letter)| submitted(ticket, letter)));
        let sent = self.waiting.iter().filter(|(_, letter)| letter.sent).map(|(ticket, _)| *ticket);
        records.push(Record::Sending { tickets: sent.collect() });
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_that_could_not_be_cut_off_is_cut_off_before_the_next() {
        let path = std::env::temp_dir().join(format!("incoming-leads-torn-{}.jsonl", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let numbered = |number| Record::Numbered { ticket: Ticket(number) };
        let (mut journal, _) = Journal::open(&path).expect("the folder can be written");
        journal.append(&[numbered(1)]).expect("the file can be written");
        // Neither writing nor cutting off succeeds on a file that is only read.
        let good = std::mem::replace(&mut journal.file, File::open(&path).expect("it is there"));
        journal.append(&[numbered(2)]).expect_err("the file is only read");
        let mut half = OpenOptions::new().append(true).open(&path).expect("it is there");
        half.write_all(&b"x".repeat(200)).expect("the file can be written");
        journal.append(&[numbered(3)]).expect_err("the file is only read");
        journal.file = good;
        journal.append(&[numbered(4)]).expect("the file can be written");
        drop(journal);
        let (_, records) = Journal::open(&path).expect("no line is damaged");
        assert_eq!(records, [numbered(1), numbered(4)]);
        std::fs::remove_file(&path).expect("it is there");
    }
}
