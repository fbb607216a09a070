//! Ordered lists that know their ranks, and sums over windows: what pages and summaries are read from.

pub(crate) mod tree;
pub(crate) mod union;
pub(crate) mod windows;
