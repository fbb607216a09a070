//! How far ids are given out: what lies above is free.

use serde::{Deserialize, Serialize};

use crate::document::{Line, Of};
use crate::entity::Note;
use crate::item::Links;
use crate::lifecycle::{Added, EventKind};
use crate::limits::MAX_SAFE_INTEGER;

/// The largest ids that are known to be taken; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Floor {
    /// Of leads.
    pub leads: u64,
    /// Of contacts and companies, which share one number space.
    pub parties: u64,
    /// Of notes.
    pub notes: u64,
    /// Of tags.
    pub tags: u64,
}

impl Floor {
    /// The largest ids that lines bring.
    #[must_use]
    pub fn of(lines: &[Line]) -> Self {
        let mut floor = Self::default();
        lines.iter().for_each(|line| floor.raise(line));
        floor
    }

    /// The largest floor that leaves room: 2^40 ids lie above it. A store refuses to import larger ids.
    pub const HIGHEST: u64 = MAX_SAFE_INTEGER - (1 << 40);

    /// Whether ids can still be made above it.
    #[must_use]
    pub fn leaves_room(self) -> bool {
        let Self { leads, parties, notes, tags } = self;
        [leads, parties, notes, tags].into_iter().all(|largest| largest <= Self::HIGHEST)
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            leads: self.leads.max(other.leads),
            parties: self.parties.max(other.parties),
            notes: self.notes.max(other.notes),
            tags: self.tags.max(other.tags),
        }
    }

    /// Raises it to the ids that a line brings.
    pub fn raise(&mut self, line: &Line) {
        match line {
            Line::Header { version: _, ids } => *self = self.max(ids.unwrap_or_default()),
            Line::Tag(Of { row, .. }) => self.tags = self.tags.max(row.id.get()),
            Line::Lead(Of { row, .. }) => self.leads = self.leads.max(row.id.get()),
            Line::Contact(Of { row, .. }) => self.parties = self.parties.max(row.id.get()),
            Line::Company(Of { row, .. }) => self.parties = self.parties.max(row.id.get()),
            Line::Note(Of { row, .. }) => self.raise_notes(std::slice::from_ref(row)),
            Line::Item(Of { row, .. }) => self.raise_links(&row.links),
            Line::Event(event) => match &event.kind {
                EventKind::Added(added) => {
                    let Added { item, notes, tags, .. } = &**added;
                    self.raise_links(&item.links);
                    self.raise_notes(notes);
                    self.tags = tags.iter().map(|tag| tag.id.get()).fold(self.tags, u64::max);
                }
                EventKind::Accepted(accepted) => self.raise_notes(&accepted.notes),
                EventKind::Updated(_) | EventKind::Declined(_) | EventKind::Linked(_) => {}
            },
            Line::Account(_) | Line::Token(_) | Line::Grant(_) | Line::Customer(_) | Line::Draft(_) => {}
        }
    }

    fn raise_notes(&mut self, notes: &[Note]) {
        self.notes = notes.iter().map(|note| note.id.get()).fold(self.notes, u64::max);
    }

    fn raise_links(&mut self, links: &Links) {
        let Links { lead, contact, company } = links;
        self.leads = self.leads.max(lead.id().get());
        self.parties = self.parties.max(contact.map_or(0, |contact| contact.id().get()));
        self.parties = self.parties.max(company.map_or(0, |company| company.id().get()));
    }
}
