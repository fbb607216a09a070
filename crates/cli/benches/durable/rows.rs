//! How rows are dealt out to commits.

/// The part of so many rows that belongs to one of so many commits.
pub(crate) fn part(rows: usize, commit: usize, commits: usize) -> std::ops::Range<usize> {
    rows * commit / commits..rows * (commit + 1) / commits
}
