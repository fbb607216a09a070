//! A document read piece by piece, so that it may be of any length.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use anyhow::{Result, anyhow};
use incoming_leads_model::Moment;
use incoming_leads_model::document::{Line, VERSION};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::seed::{one, place};

/// Bytes of one object. The longest lines are accounts with many fields.
const MAX_OBJECT_BYTES: usize = 64 << 20;

/// Bytes after which a batch is full, however few lines they are: what it takes of memory goes with them.
const FULL: usize = 4 << 20;
/// A run of events of one second stays together up to so many times a batch's lines, and its bytes.
const MOST_LINES: usize = 20;
const MOST_BYTES: usize = 4;

/// Lines that are taken over together.
pub(super) struct Batch {
    /// In order.
    pub(super) lines: Vec<Line>,
    /// Which object the first of them is, from 1, counted from where the reading began.
    pub(super) first: u64,
    /// Where the document goes on behind them, in bytes.
    pub(super) end: u64,
}

/// Reads a document from here on, and hands out about `size` lines at a time, until `take` has enough. Where this is its
/// beginning it has to have a header.
///
/// Events of one second stay together: two of them may be alike, and a store tells those that it has from those that are
/// new by how many there are in one call.
pub(super) fn read(from: impl Read, begin: u64, size: usize, take: impl FnMut(Batch) -> bool) -> Result<()> {
    read_objects(from, begin, size, MAX_OBJECT_BYTES, take)
}

fn read_objects(
    from: impl Read,
    begin: u64,
    size: usize,
    most: usize,
    mut take: impl FnMut(Batch) -> bool,
) -> Result<()> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    if begin == 0 && from.fill_buf().is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes())) {
        return Err(anyhow!("the document begins with a byte order mark: save it without"));
    }
    let left = Rc::new(Cell::new(most));
    let bounded = Bounded { from, left: Rc::clone(&left) };
    let mut objects = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, bounded))
        .into_iter::<Box<RawValue>>();
    let (mut lines, mut bytes, mut number, mut end) = (Vec::new(), 0, 0_u64, begin);
    let mut has_header = begin > 0;
    while let Some(object) = objects.next() {
        number += 1;
        let at = || at(number, begin);
        let object = object.map_err(|error| anyhow!("{}: {}", at(), syntax(&error)))?;
        if !has_header {
            not_newer(object.get())?;
        }
        let (line, _) = one(object.get()).map_err(|fault| anyhow!("{}, {}", at(), place(&fault)))?;
        has_header |= matches!(line, Line::Header { version: VERSION, .. });
        if !has_header {
            break;
        }
        left.set(most);
        let goes_on = lines.len() < size * MOST_LINES
            && bytes < FULL * MOST_BYTES
            && moment(&line).is_some()
            && lines.last().and_then(moment) == moment(&line);
        if (lines.len() >= size || bytes >= FULL) && !goes_on {
            bytes = 0;
            let first = number - lines.len() as u64;
            let batch = Batch { lines: std::mem::take(&mut lines), first, end };
            if !take(batch) {
                return Ok(());
            }
        }
        end = begin + objects.byte_offset() as u64;
        bytes += object.get().len();
        lines.push(line);
    }
    if !has_header {
        return Err(anyhow!(r#"a document begins with {{"header": {{"version": {VERSION}}}}}"#));
    }
    if !lines.is_empty() {
        let first = number + 1 - lines.len() as u64;
        take(Batch { lines, first, end });
    }
    Ok(())
}

/// What an object is called, by its number and by where the reading began.
pub(super) fn at(number: u64, begin: u64) -> String {
    if begin == 0 { format!("object {number}") } else { format!("object {number} from byte {begin} on") }
}

/// Refuses the header of a later version, whatever else it tells.
fn not_newer(object: &str) -> Result<()> {
    let header = serde_json::from_str::<Value>(object).ok();
    match header.and_then(|header| header.pointer("/header/version")?.as_u64()) {
        Some(version) if version > u64::from(VERSION) => Err(anyhow!(
            "the document is of version {version}, which a newer program writes; this one reads version {VERSION}"
        )),
        _ => Ok(()),
    }
}

/// When an event was recorded.
fn moment(line: &Line) -> Option<Moment> {
    match line {
        Line::Event(event) => Some(event.recorded_at),
        _ => None,
    }
}

/// What is wrong with text that is no JSON; what was read is not repeated.
fn syntax(error: &serde_json::Error) -> String {
    match error.io_error_kind() {
        Some(kind) => format!("cannot be read: {kind}"),
        None if error.is_eof() => "the document ends in the middle of it".to_owned(),
        None => format!("no JSON in row {}, column {}", error.line(), error.column()),
    }
}

/// A reader that ends with an error where an object is longer than any line.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let left = self.left.get().checked_sub(read);
        self.left.set(left.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"header": {"version": 1}}"#;

    fn tag(id: u64) -> String {
        format!("\n{{\"tag\": {{\"account_id\": 1,\n \"row\": {{\"id\": {id}, \"name\": \"n\"}}}}}}")
    }

    fn event(uid: &str, secs: i64) -> String {
        format!(
            r#" {{"event": {{"account_id": 1, "uid": "{uid}", "category": "sip", "pipeline_id": 1, "created_at": 1, "recorded_at": {secs}, "by": 1, "on_behalf_of": 1, "kind": {{"declined": {{"links": {{"lead": {{"made": 1}}}}}}}}}}}}"#
        )
    }

    fn batches(text: &str, begin: u64, size: usize) -> Vec<(usize, u64)> {
        let mut told = Vec::new();
        read(&text.as_bytes()[begin as usize..], begin, size, |batch| {
            told.push((batch.lines.len(), batch.end));
            true
        })
        .expect("the document is sound");
        told
    }

    #[test]
    fn a_document_goes_on_behind_any_batch() {
        let text: String = std::iter::once(HEADER.to_owned()).chain((1..=6).map(tag)).collect();
        let whole = batches(&text, 0, 3);
        assert_eq!(whole.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(whole[2].1, text.len() as u64);
        assert_eq!(batches(&text, whole[0].1, 3), whole[1..]);
    }

    #[test]
    fn long_lines_fill_a_batch_before_many_do() {
        let long = |id: u64| tag(id).replace("\"n\"", &format!("\"{}\"", "n".repeat(FULL / 3)));
        let text: String = (1..=7).map(long).collect();
        assert_eq!(
            batches(&format!("{HEADER}{text}"), HEADER.len() as u64, 100)
                .iter()
                .map(|(count, _)| *count)
                .collect::<Vec<_>>(),
            [3, 3, 1]
        );
    }

    #[test]
    fn events_of_one_second_stay_together_within_reason() {
        let text: String = (0..7).map(|number| event(&number.to_string(), i64::from(number > 4))).collect();
        let counts = |text: &str, size| {
            batches(&format!("{HEADER}{text}"), HEADER.len() as u64, size)
                .iter()
                .map(|(count, _)| *count)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&text, 2), [5, 2]);
        let many: String = (0..2 * MOST_LINES + 1).map(|number| event(&number.to_string(), 1)).collect();
        assert_eq!(counts(&many, 1), [MOST_LINES, MOST_LINES, 1]);
    }

    #[test]
    fn what_is_wrong_is_named_without_what_it_says() {
        let wrong = |text: &str| read(text.as_bytes(), 0, 9, |_| true).expect_err("it is wrong").to_string();
        assert_eq!(wrong(&format!("{HEADER} {{\"tag\"")), "object 2: the document ends in the middle of it");
        assert_eq!(wrong(&format!("{HEADER} hush")), "object 2: no JSON in row 1, column 28");
        let token = wrong(&format!("{HEADER} {{\"token\": \"hush\"}}"));
        assert!(token.starts_with("object 2, row 1, column ") && !token.contains("hush"), "{token}");
    }

    #[test]
    fn the_first_line_of_a_batch_is_known() {
        let text: String = std::iter::once(HEADER.to_owned()).chain((1..=6).map(tag)).collect();
        let mut firsts = Vec::new();
        read(text.as_bytes(), 0, 3, |batch| {
            firsts.push(batch.first);
            true
        })
        .expect("the document is sound");
        assert_eq!(firsts, [1, 4, 7]);
    }

    #[test]
    fn what_does_not_begin_as_a_document_is_none() {
        let wrong = |text: &str| read(text.as_bytes(), 0, 9, |_| true).expect_err("it is none").to_string();
        let form = r#"a document begins with {"header": {"version": 1}}"#;
        for text in ["", " \n ", &tag(1), r#"{"header": {"version": 0}}"#] {
            assert_eq!(wrong(text), form, "{text}");
        }
        let newer = "the document is of version 2, which a newer program writes; this one reads version 1";
        for text in [r#"{"header": {"version": 2}}"#, r#"{"header": {"version": 2, "more": []}, "x": 1}"#] {
            assert_eq!(wrong(text), newer);
        }
        let mark = "the document begins with a byte order mark: save it without";
        assert_eq!(wrong(&format!("\u{feff}{HEADER}")), mark);
    }

    #[test]
    fn an_object_without_end_is_given_up() {
        let endless = io::Read::chain(&b"{\"tag\": \""[..], io::repeat(b'a'));
        let told = read_objects(endless, 0, 9, 1 << 20, |_| true).expect_err("it has no end").to_string();
        assert!(told.starts_with("object 1: cannot be read: "), "{told}");
    }
}
