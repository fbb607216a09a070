//! The table, by area.

mod accept;
mod add;
mod decline;
mod directory;
mod duplicates;
mod entities;
mod get;
mod history;
mod intake;
mod limits;
mod link;
mod list;
mod once;
mod registry;
mod rights;
mod summary;
mod transfer;
mod versions;

use crate::case::Case;

const AREAS: &[&[Case]] = &[
    add::CASES,
    duplicates::CASES,
    entities::CASES,
    limits::CASES,
    intake::CASES,
    list::CASES,
    get::CASES,
    accept::CASES,
    decline::CASES,
    link::CASES,
    once::CASES,
    directory::CASES,
    rights::CASES,
    summary::CASES,
    history::CASES,
    versions::CASES,
    transfer::CASES,
    registry::CASES,
];

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    AREAS.iter().copied().flatten()
}
