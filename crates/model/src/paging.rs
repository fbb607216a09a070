//! Cutting pages of the port into smaller pages of an upstream.

use crate::query::PageRequest;

/// One upstream page of which a part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The upstream page.
    pub page: PageRequest,
    /// Items at its beginning that are not wanted.
    pub skip: u32,
    /// Items after them that are wanted.
    pub take: u32,
}

impl Slice {
    /// What comes after it: the rest of its page, or the page behind it. `None` behind the last page that there can be.
    #[must_use]
    pub fn following(self) -> Option<Self> {
        let wanted = self.skip + self.take;
        if wanted < self.page.size() {
            return Some(Self { page: self.page, skip: wanted, take: self.page.size() - wanted });
        }
        let page = self.page.next()?;
        Some(Self { page, skip: 0, take: page.size() })
    }
}

/// The upstream pages of at most `most` items that together hold exactly the wanted page, in order.
///
/// A page that is small enough is asked for as it is. `most` is held to 1..=500.
#[must_use]
pub fn split(wanted: PageRequest, most: u32) -> Vec<Slice> {
    let most = most.clamp(1, crate::limits::MAX_PAGE_SIZE);
    if wanted.size() <= most {
        return vec![Slice { page: wanted, skip: 0, take: wanted.size() }];
    }
    let start = wanted.offset();
    let end = start.saturating_add(u64::from(wanted.size()));
    let pages = start / u64::from(most)..end.div_ceil(u64::from(most));
    let slices = pages.map(|before| {
        let page =
            PageRequest::new(before + 1, most).expect("the number is above 0 and the size was held to it");
        let first = start.max(page.offset());
        let last = end.min(page.offset().saturating_add(u64::from(most)));
        // Both are at most `most`, which is a u32.
        Slice { page, skip: (first - page.offset()) as u32, take: (last - first) as u32 }
    });
    slices.collect()
}
