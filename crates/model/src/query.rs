//! Questions and their answers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{PipelineId, Uid};
use crate::item::IncomingLead;
use crate::limits::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
use crate::metadata::Category;
use crate::moment::Moment;

/// Which pending leads, in which order, which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ListQuery {
    /// Which.
    pub filter: ListFilter,
    /// In which order. Default: newest `created_at` first (R13).
    pub order: Order,
    /// Which page. Default: the first 50.
    pub page: PageRequest,
    /// Whether the answer should carry the bodies of leads, contacts and companies. Default: no.
    pub cards: Cards,
}

/// Whether an answer should carry the bodies of entities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Cards {
    /// Ids are enough.
    #[default]
    Omit,
    /// Bodies are asked for.
    Include,
}

/// Which pending leads. Conditions of different keys must all hold; of one key, any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ListFilter {
    /// These uids; `None` is all, an empty list none.
    pub uids: Option<Vec<Uid>>,
    /// These categories; `None` is all, an empty list none.
    pub categories: Option<Vec<Category>>,
    /// These pipelines; `None` is all, an empty list none.
    pub pipelines: Option<Vec<PipelineId>>,
}

impl ListFilter {
    /// Whether an item of this uid, category and pipeline is asked for.
    #[must_use]
    pub fn admits(&self, uid: &Uid, category: Category, pipeline: PipelineId) -> bool {
        self.uids.as_ref().is_none_or(|uids| uids.contains(uid))
            && self.categories.as_ref().is_none_or(|categories| categories.contains(&category))
            && self.pipelines.as_ref().is_none_or(|pipelines| pipelines.contains(&pipeline))
    }
}

/// In which order: by (key, uid); descending reverses the uid too (R13).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Order {
    /// By what.
    pub key: OrderKey,
    /// In which direction.
    pub direction: Direction,
}

/// What lists are ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OrderKey {
    /// The moment that the source gave.
    #[default]
    CreatedAt,
    /// The recorded moment of the add or of the last update.
    UpdatedAt,
}

/// In which direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    #[default]
    Descending,
}

/// A page that cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("pages count from 1 and hold 1 to {MAX_PAGE_SIZE} items")]
#[non_exhaustive]
pub struct InvalidPage;

/// Which page: numbers from 1, sizes from 1 to 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageRequest {
    number: u64,
    size: u32,
}

impl PageRequest {
    /// This page.
    ///
    /// # Errors
    /// [`InvalidPage`] when the number is 0 or the size is not 1..=500.
    pub const fn new(number: u64, size: u32) -> Result<Self, InvalidPage> {
        if number == 0 || size == 0 || size > MAX_PAGE_SIZE {
            return Err(InvalidPage);
        }
        Ok(Self { number, size })
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many items it holds at most.
    #[must_use]
    pub const fn size(self) -> u32 {
        self.size
    }

    /// How many items come before it; saturates far past any store.
    #[must_use]
    pub const fn offset(self) -> u64 {
        (self.number - 1).saturating_mul(self.size as u64)
    }

    /// The page after it; none past the last number.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.number.checked_add(1) {
            Some(number) => Some(Self { number, size: self.size }),
            None => None,
        }
    }
}

impl Default for PageRequest {
    /// The first 50.
    fn default() -> Self {
        Self { number: 1, size: DEFAULT_PAGE_SIZE }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T = IncomingLead> {
    /// What is on it, in order.
    pub items: Vec<T>,
    /// Whether a page follows. A transport that cannot tell answers [`More::Perhaps`] after a full page.
    pub more: More,
}

impl<T> Page<T> {
    /// A page with nothing on it: where a list ends.
    #[must_use]
    pub const fn empty() -> Self {
        Self { items: Vec::new(), more: More::No }
    }
}

/// Whether a page follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The page was full and the transport does not tell: ask for the next to know.
    Perhaps,
}

/// Which events a summary counts (R12).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SummaryQuery {
    /// Of these uids, decided ones too; `None` is all, an empty list none.
    pub uids: Option<Vec<Uid>>,
    /// Of these pipelines; `None` is all, an empty list none.
    pub pipelines: Option<Vec<PipelineId>>,
    /// With their own moment in this window. Default: all time.
    pub window: Window,
}

/// A window of time, closed at both ends (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(Moment, Moment)", into = "(Moment, Moment)")]
pub struct Window {
    from: Moment,
    to: Moment,
}

/// A window that ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the window ends before it begins")]
#[non_exhaustive]
pub struct InvalidWindow;

impl Window {
    /// All time.
    pub const ALL: Window = Window { from: Moment::MIN, to: Moment::MAX };

    /// From the one to the other, both included.
    ///
    /// # Errors
    /// [`InvalidWindow`] when `from` is after `to`.
    pub fn new(from: Moment, to: Moment) -> Result<Self, InvalidWindow> {
        if from > to { Err(InvalidWindow) } else { Ok(Self { from, to }) }
    }

    /// From this moment on.
    #[must_use]
    pub const fn since(from: Moment) -> Self {
        Self { from, to: Moment::MAX }
    }

    /// Its first second.
    #[must_use]
    pub const fn from(self) -> Moment {
        self.from
    }

    /// Its last second.
    #[must_use]
    pub const fn to(self) -> Moment {
        self.to
    }

    /// Whether the moment lies in it.
    #[must_use]
    pub fn contains(self, moment: Moment) -> bool {
        self.from <= moment && moment <= self.to
    }
}

impl Default for Window {
    /// All time.
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<(Moment, Moment)> for Window {
    type Error = InvalidWindow;
    fn try_from((from, to): (Moment, Moment)) -> Result<Self, InvalidWindow> {
        Self::new(from, to)
    }
}

impl From<Window> for (Moment, Moment) {
    fn from(window: Window) -> Self {
        (window.from, window.to)
    }
}
