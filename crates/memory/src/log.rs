//! The log: every event of an account in the order in which it was recorded, packed, never changed.
//!
//! It is the history, and what it says of an add is also where the item, its lead, contact and company are read from
//! as long as nothing has happened to them.

use std::hash::{BuildHasher, RandomState};

use incoming_leads_model::lifecycle::Added;
use incoming_leads_model::{
    AccountId, Event, EventKind, Item, LeadId, Moment, Note, Tag, TagRef, Uid, UserId,
};
use serde::de::DeserializeOwned;

use crate::packed::{self, Text};

/// Bytes of a segment; a record that is longer has a segment of its own. Segments that are full never move.
const SEGMENT: usize = 1 << 20;

/// How many events lie between two milestones: as many are passed over at most to find one by its number.
const STRIDE: u64 = 64;

/// The first byte of a record: what follows it.
mod tag {
    /// The parts of an event that something was added.
    pub(super) const ADDED: u8 = 0;
    /// An item whose add is not in the log: it came with an import.
    pub(super) const ITEM: u8 = 1;
    /// The position of the previous event of the same uid, and any other event.
    pub(super) const LATER: u8 = 2;
    /// Any other event of a uid that the log did not know.
    pub(super) const FIRST: u8 = 3;
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64);

impl Position {
    const fn new(segment: usize, offset: usize) -> Self {
        Self((segment as u64) << 32 | offset as u64)
    }

    const fn segment(self) -> usize {
        (self.0 >> 32) as usize
    }

    const fn offset(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

/// What an add made, beside the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Lead,
    Contact,
    Company,
}

impl Part {
    pub(crate) const ALL: [Part; 3] = [Part::Lead, Part::Contact, Part::Company];
}

/// The log of one account.
#[derive(Debug)]
pub(crate) struct Log {
    account_id: AccountId,
    segments: Vec<Vec<u8>>,
    /// How many events there are.
    events: u64,
    /// Where every [`STRIDE`]th event lies.
    milestones: Vec<Position>,
    /// What cursors of this log have in common with those of no other.
    nonce: u64,
    scratch: Vec<u8>,
}

/// What of an add's event does not follow from its item.
type Rest = (Moment, UserId, UserId, Vec<Note>, Vec<Tag>, Option<TagRef>, Vec<LeadId>);

impl Clone for Log {
    /// With the room at the end of its segments.
    fn clone(&self) -> Self {
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let mut copy = Vec::with_capacity(segment.capacity());
            copy.extend_from_slice(segment);
            segments.push(copy);
        }
        let Self { account_id, segments: _, events, milestones, nonce, scratch: _ } = self;
        Self {
            account_id: *account_id,
            segments,
            events: *events,
            milestones: milestones.clone(),
            nonce: *nonce,
            scratch: Vec::new(),
        }
    }
}

impl Log {
    pub(crate) fn new(account_id: AccountId) -> Self {
        let nonce = RandomState::new().hash_one(account_id);
        Self {
            account_id,
            segments: Vec::new(),
            events: 0,
            milestones: Vec::new(),
            nonce,
            scratch: Vec::new(),
        }
    }

    /// Writes an event, and after which event of the same uid it comes.
    pub(crate) fn append(&mut self, event: &Event, previous: Option<Position>) -> Position {
        let mut out = std::mem::take(&mut self.scratch);
        match (&event.kind, previous) {
            (EventKind::Added(added), _) => {
                let Added { item, lead, contact, company, notes, tags, duplicate_tag, duplicates } = &**added;
                let Event {
                    account_id: _,
                    uid: _,
                    category: _,
                    pipeline_id: _,
                    created_at: _,
                    recorded_at,
                    by,
                    on_behalf_of,
                    kind: _,
                } = event;
                out.push(tag::ADDED);
                packed::write(item, &mut out);
                packed::write(lead, &mut out);
                packed::write(contact, &mut out);
                packed::write(company, &mut out);
                let rest = (recorded_at, by, on_behalf_of, notes, tags, duplicate_tag, duplicates);
                packed::write(&rest, &mut out);
            }
            (_, Some(previous)) => {
                out.push(tag::LATER);
                packed::write(&previous.0, &mut out);
                packed::write(event, &mut out);
            }
            (_, None) => {
                out.push(tag::FIRST);
                packed::write(event, &mut out);
            }
        }
        let at = self.push(out);
        if self.events.is_multiple_of(STRIDE) {
            self.milestones.push(at);
        }
        self.events += 1;
        at
    }

    /// Writes an item whose add is not known.
    pub(crate) fn append_item(&mut self, item: &Item) -> Position {
        let mut out = std::mem::take(&mut self.scratch);
        out.push(tag::ITEM);
        packed::write(item, &mut out);
        self.push(out)
    }

    /// The uid that a record is about, as it lies there.
    pub(crate) fn uid(&self, at: Position) -> Text<'_> {
        Text::next(self.uid_bytes(at))
    }

    /// The uid that a record is about.
    pub(crate) fn whole_uid(&self, at: Position) -> Uid {
        packed::read(&mut self.uid_bytes(at))
    }

    fn uid_bytes(&self, at: Position) -> &[u8] {
        let (tag, mut bytes) = self.record(at);
        match tag {
            tag::ADDED | tag::ITEM => packed::enter(&mut bytes),
            _ => {
                if tag == tag::LATER {
                    packed::skip(&mut bytes);
                }
                packed::enter(&mut bytes);
                // The event's account.
                packed::skip(&mut bytes);
            }
        }
        bytes
    }

    /// The item as it came in, if this is the record of that.
    pub(crate) fn item(&self, at: Position) -> Option<Item> {
        let (tag, mut bytes) = self.record(at);
        matches!(tag, tag::ADDED | tag::ITEM).then(|| packed::read(&mut bytes))
    }

    /// An entity as it was made, if this is the record of that.
    pub(crate) fn part<T: DeserializeOwned>(&self, at: Position, part: Part) -> Option<T> {
        let (tag, mut bytes) = self.record(at);
        if tag != tag::ADDED {
            return None;
        }
        let before = match part {
            Part::Lead => 1,
            Part::Contact => 2,
            Part::Company => 3,
        };
        (0..before).for_each(|_| packed::skip(&mut bytes));
        packed::read(&mut bytes)
    }

    /// The event of this record, unless it is a bare item.
    pub(crate) fn event(&self, at: Position) -> Option<Event> {
        self.read(at).0
    }

    /// The record before this one of the same uid.
    pub(crate) fn previous(&self, at: Position) -> Option<Position> {
        let (tag, mut bytes) = self.record(at);
        (tag == tag::LATER).then(|| Position(packed::read(&mut bytes)))
    }

    /// The place behind so many events, as text.
    pub(crate) fn cursor(&self, number: u64) -> String {
        format!("{:016x}-{number}", self.nonce)
    }

    /// Behind how many events a place lies, if it is a place of this log.
    pub(crate) fn number_of(&self, cursor: &str) -> Option<u64> {
        let number = cursor.rsplit_once('-')?.1.parse().ok()?;
        (number <= self.events && self.cursor(number) == cursor).then_some(number)
    }

    /// The events from this number on, oldest first.
    pub(crate) fn events_from(&self, number: u64) -> impl Iterator<Item = Event> {
        let milestone = usize::try_from(number / STRIDE).ok().and_then(|place| self.milestones.get(place));
        let mut next = milestone.copied();
        let mut passed_over = number % STRIDE;
        std::iter::from_fn(move || {
            loop {
                let at = self.settle(next?)?;
                if passed_over > 0 && self.is_event(at) {
                    passed_over -= 1;
                    next = Some(self.pass(at));
                    continue;
                }
                let (event, behind) = self.read(at);
                next = Some(behind);
                if event.is_some() {
                    return event;
                }
            }
        })
    }

    /// The record at this position, which may be the end of a full segment; none at the end of the log.
    fn settle(&self, at: Position) -> Option<Position> {
        let inside = |at: &Position| {
            self.segments.get(at.segment()).is_some_and(|segment| at.offset() < segment.len())
        };
        [at, Position::new(at.segment() + 1, 0)].into_iter().find(inside)
    }

    fn is_event(&self, at: Position) -> bool {
        self.record(at).0 != tag::ITEM
    }

    /// The position behind a record.
    fn pass(&self, at: Position) -> Position {
        let (tag, bytes) = self.record(at);
        let values = match tag {
            tag::ADDED => 5,
            tag::LATER => 2,
            _ => 1,
        };
        let mut input = bytes;
        (0..values).for_each(|_| packed::skip(&mut input));
        Position::new(at.segment(), at.offset() + 1 + bytes.len() - input.len())
    }

    fn record(&self, at: Position) -> (u8, &[u8]) {
        let record = &self.segments[at.segment()][at.offset()..];
        (record[0], &record[1..])
    }

    /// The event, and the position behind it.
    fn read(&self, at: Position) -> (Option<Event>, Position) {
        let (tag, bytes) = self.record(at);
        let mut input = bytes;
        let event = match tag {
            tag::ADDED => Some(self.read_added(&mut input)),
            tag::ITEM => return (None, self.pass(at)),
            _ => {
                if tag == tag::LATER {
                    packed::skip(&mut input);
                }
                Some(packed::read(&mut input))
            }
        };
        (event, Position::new(at.segment(), at.offset() + 1 + bytes.len() - input.len()))
    }

    fn read_added(&self, input: &mut &[u8]) -> Event {
        let item: Item = packed::read(input);
        let (lead, contact, company) = (packed::read(input), packed::read(input), packed::read(input));
        let rest: Rest = packed::read(input);
        let (recorded_at, by, on_behalf_of, notes, tags, duplicate_tag, duplicates) = rest;
        Event {
            account_id: self.account_id,
            uid: item.uid.clone(),
            category: item.category(),
            pipeline_id: item.pipeline_id,
            created_at: item.created_at,
            recorded_at,
            by,
            on_behalf_of,
            kind: EventKind::Added(Box::new(Added {
                item,
                lead,
                contact,
                company,
                notes,
                tags,
                duplicate_tag,
                duplicates,
            })),
        }
    }

    fn push(&mut self, mut record: Vec<u8>) -> Position {
        let fits = |segment: &Vec<u8>| segment.len() + record.len() <= segment.capacity();
        if !self.segments.last().is_some_and(fits) {
            self.segments.push(Vec::with_capacity(SEGMENT.max(record.len())));
        }
        let number = self.segments.len() - 1;
        let segment = &mut self.segments[number];
        let at = Position::new(number, segment.len());
        segment.extend_from_slice(&record);
        record.clear();
        self.scratch = record;
        at
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_model::lifecycle::Updated;
    use incoming_leads_model::{Category, Linked, Links};

    use super::*;

    fn message(bytes: usize) -> Event {
        let id = UserId::new(1).unwrap();
        let links = Links { lead: Linked::Made(LeadId::new(1).unwrap()), contact: None, company: None };
        Event {
            account_id: AccountId::new(1).unwrap(),
            uid: Uid::new("a chat").unwrap(),
            category: Category::Chats,
            pipeline_id: incoming_leads_model::PipelineId::new(1).unwrap(),
            created_at: Moment::MIN,
            recorded_at: Moment::MAX,
            by: id,
            on_behalf_of: id,
            kind: EventKind::Updated(Updated {
                last_message_text: Some("x".repeat(bytes)),
                received_at: None,
                links,
            }),
        }
    }

    #[test]
    fn events_are_read_across_segments_from_any_number_on() {
        let mut log = Log::new(AccountId::new(1).unwrap());
        let events: Vec<Event> = (0..150)
            .map(|number| message(if number == 70 { 3 * SEGMENT } else { 50_000 + number }))
            .collect();
        let mut previous = None;
        for event in &events {
            previous = Some(log.append(event, previous));
        }
        assert!(log.segments.len() > 7);
        assert!(log.segments.iter().all(|segment| segment.len() <= segment.capacity()));
        let copy = log.clone();
        for number in [0, 1, 20, 21, 63, 64, 69, 70, 71, 128, 149] {
            assert!(log.events_from(number).eq(events[number as usize..].iter().cloned()), "from {number}");
        }
        assert_eq!(copy.events_from(150).count(), 0);
        assert_eq!(copy.events_from(u64::MAX).count(), 0);
        let back: Vec<Event> = std::iter::successors(previous, |at| copy.previous(*at))
            .map(|at| copy.event(at).unwrap())
            .collect();
        assert!(back.iter().rev().eq(&events));
    }
}
