//! `incoming-leads add-call, add-form`: leads of a file, in batches, each answered by its line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_model::limits::{MAX_BATCH_ITEMS, MAX_BODY_BYTES};
use incoming_leads_model::{Add, Channel, Draft, Generation, ItemFaults, Receipt, Refusal};
use incoming_leads_port::{Error, IncomingLeads, Outcome};
use incoming_leads_wire_v4::add;
use serde::Serialize;

use crate::Failure;
use crate::connect::To;
use crate::tell::{Progress, Telling};

/// Batches are taken whole or not at all. Each line is answered by one: its uid, or what is wrong with it. A file is
/// read once before anything is sent, so that a typing error on its last line adds nothing; standard input is sent as it
/// comes.
#[derive(Args)]
pub(crate) struct AddFrom {
    /// Items like those of v4's add: one JSON object a line; - is standard input
    #[arg(long, value_name = "JSONL")]
    from: PathBuf,

    /// How many in a batch, 1 to 250
    #[arg(long, default_value_t = 50)]
    batch: usize,

    /// Leave out what is refused, and add the others of its batch
    #[arg(long)]
    skip_refused: bool,

    /// Begin with this line, from 1: where an earlier run ended
    #[arg(long, value_name = "LINE", default_value_t = 1)]
    first_line: usize,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

/// What became of a line.
#[derive(Serialize)]
struct Answer {
    line: usize,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Added(Box<Receipt>),
    Refused(ItemFaults),
}

/// A batch on its way: items, each with its line.
type Batch = Vec<(usize, Draft)>;

struct Adding {
    port: Arc<dyn IncomingLeads>,
    channel: Channel,
    telling: Telling,
    progress: Progress,
    skip_refused: bool,
    refused: usize,
}

impl AddFrom {
    pub(crate) async fn run(self, channel: Channel) -> Result<(), Failure> {
        let Self { from, batch, skip_refused, first_line, telling, to } = self;
        if !(1..=MAX_BATCH_ITEMS).contains(&batch) {
            return Err(Failure::Usage(format!("--batch takes 1 to {MAX_BATCH_ITEMS}")));
        }
        let is_input = from.to_str() == Some("-");
        let open = || Items::open(channel, &from, first_line);
        let count = if is_input { 0 } else { open()?.try_fold(0, |count, item| item.map(|_| count + 1))? };
        let (port, progress) = (to.connection()?.ports()?.incoming, Progress::of(count, "added"));
        let mut adding = Adding { port, channel, telling, progress, skip_refused, refused: 0 };
        let (mut items, mut is_empty) = (open()?, true);
        loop {
            let (mut some, mut broken) = (Batch::new(), None);
            items.taken = 0;
            while some.len() < batch && items.taken < MAX_BODY_BYTES / 2 && broken.is_none() {
                match items.next() {
                    Some(Ok(item)) => some.push(item),
                    Some(Err(failure)) => broken = Some(failure),
                    None => break,
                }
            }
            let is_end = some.is_empty();
            is_empty &= is_end;
            if !is_end {
                adding.send(some).await?;
            }
            match broken {
                Some(failure) => return Err(failure),
                None if is_end => break,
                None => {}
            }
        }
        match adding.refused {
            _ if is_empty => Err(Failure::Usage(format!("{} holds no item", from.display()))),
            0 => Ok(()),
            count => Err(Failure::Refused(anyhow!("{count} lines were refused, all others were added"))),
        }
    }
}

impl Adding {
    /// Sends a batch, and once more what is left of it when items of it are refused and may be left out.
    async fn send(&mut self, mut batch: Batch) -> Result<(), Failure> {
        while let ([(first, _), ..], [.., (last, _)]) = (&batch[..], &batch[..]) {
            let (first, last) = (*first, *last);
            let items = batch.iter().map(|(_, draft)| draft.clone()).collect();
            let error = match self
                .port
                .add(&Add { channel: self.channel, generation: Generation::V4, items })
                .await
            {
                Ok(receipts) => return self.added(&batch, receipts),
                Err(error) => error,
            };
            let faults = faults(&error);
            self.refused(&batch, &faults)?;
            if !self.skip_refused || faults.is_empty() {
                return Err(ended(error, first, last));
            }
            let mut place = 0;
            batch.retain(|_| {
                place += 1;
                !faults.iter().any(|item| item.index == place - 1)
            });
        }
        Ok(())
    }

    fn added(&self, batch: &Batch, receipts: Vec<Receipt>) -> Result<(), Failure> {
        self.progress.more(batch.len());
        let added = batch.iter().zip(receipts);
        let answers =
            added.map(|((line, _), receipt)| Answer { line: *line, what: What::Added(Box::new(receipt)) });
        self.tell(answers.collect())
    }

    fn refused(&mut self, batch: &Batch, faults: &[ItemFaults]) -> Result<(), Failure> {
        self.refused += faults.len();
        self.progress.more(faults.len());
        let answers = faults.iter().filter_map(|item| {
            let (line, _) = batch.get(item.index)?;
            Some(Answer { line: *line, what: What::Refused(item.clone()) })
        });
        self.tell(answers.collect())
    }

    fn tell(&self, answers: Vec<Answer>) -> Result<(), Failure> {
        self.telling.tell(&self.progress, &answers, || answers.iter().map(Answer::for_people).collect())?;
        Ok(())
    }
}

impl Answer {
    fn for_people(&self) -> String {
        let line = self.line;
        match &self.what {
            What::Added(receipt) => format!("{} line {line}\n", receipt.uid),
            What::Refused(item) => {
                let faults: Vec<_> = item.faults.iter().map(ToString::to_string).collect();
                format!("refused line {line}: {}\n", faults.join("; "))
            }
        }
    }
}

/// The items that were refused.
fn faults(error: &Error) -> Vec<ItemFaults> {
    match error.refusal() {
        Some(Refusal::Items(items)) if error.outcome() == Outcome::NotApplied => items.clone(),
        _ => Vec::new(),
    }
}

/// Why it ends with this batch, and how to go on.
fn ended(error: Error, first: usize, last: usize) -> Failure {
    let how = match error.outcome() {
        Outcome::NotApplied => {
            format!(
                "lines {first} to {last} were not added, those before were; go on with --first-line {first}"
            )
        }
        Outcome::Unknown => format!(
            "nobody knows whether lines {first} to {last} were added, those before were; look with list, then go on \
             with --first-line"
        ),
    };
    Failure::from(error).within(&how)
}

/// The items of a file, each with its line from 1, one at a time.
struct Items<'a> {
    channel: Channel,
    path: &'a Path,
    reader: Box<dyn BufRead + Send>,
    line: usize,
    first_line: usize,
    /// Bytes that were read since somebody set it to 0.
    taken: usize,
}

impl<'a> Items<'a> {
    fn open(channel: Channel, path: &'a Path, first_line: usize) -> Result<Self, Failure> {
        let reader: Box<dyn BufRead + Send> = match path.to_str() {
            Some("-") => Box::new(BufReader::new(io::stdin())),
            _ => {
                let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
                Box::new(BufReader::new(file))
            }
        };
        Ok(Self { channel, path, reader, line: 0, first_line, taken: 0 })
    }

    fn item(&self, text: &[u8]) -> Result<Draft, Failure> {
        let wrong =
            |what: &str| Failure::Usage(format!("{}: line {}: {what}", self.path.display(), self.line));
        let request = http::Request::new([b"[", text, b"]"].concat());
        let read = add::read_request(self.channel, &request).map_err(|problem| {
            let errors = problem.validation_errors.iter().flat_map(|item| &item.errors);
            let detail: Vec<_> = errors.map(ToString::to_string).collect();
            wrong(&detail.join("; "))
        })?;
        let mut items = read.add.items.into_iter();
        match (items.next(), items.next()) {
            (Some(draft), None) => Ok(draft),
            _ => Err(wrong("one JSON object is due")),
        }
    }
}

impl Iterator for Items<'_> {
    type Item = Result<(usize, Draft), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = Vec::new();
            self.line += 1;
            let most = MAX_BODY_BYTES as u64;
            let read = self.reader.by_ref().take(most).read_until(b'\n', &mut text);
            match read.with_context(|| format!("cannot read {}", self.path.display())) {
                Ok(0) => return None,
                Ok(read) if read as u64 == most && text.last() != Some(&b'\n') => {
                    let place = format!("{}: line {}", self.path.display(), self.line);
                    return Some(Err(Failure::Usage(format!("{place} is longer than {most} bytes"))));
                }
                Ok(_) if self.line < self.first_line || text.trim_ascii().is_empty() => {}
                Ok(read) => {
                    self.taken += read;
                    return Some(self.item(text.trim_ascii()).map(|draft| (self.line, draft)));
                }
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
