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

/// The upstream pages of at most `most` items that together hold exactly the wanted page, in order.
///
/// A page that is small enough is asked for as it is. `most` is held to 1..=500.
#[must_use]
pub fn split(wanted: PageRequest, most: u32) -> Vec<Slice> {
    let most = most.clamp(1, crate::limits::MAX_PAGE_SIZE);
    if wanted.size() <= most {
        return vec![Slice { page: wanted, skip: 0, take: wanted.size() }];
    }
    let mut at = wanted.offset();
    let end = at.saturating_add(u64::from(wanted.size()));
    let mut slices = Vec::new();
    while at < end {
        let (number, skip) = (at / u64::from(most) + 1, at % u64::from(most));
        let take = (u64::from(most) - skip).min(end - at);
        let Ok(page) = PageRequest::new(number, most) else { break };
        // Both are at most `most`, which is a u32.
        slices.push(Slice { page, skip: skip as u32, take: take as u32 });
        at += take;
    }
    slices
}
