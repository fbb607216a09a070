//! The rules, each with the sentence that a report prints and where it comes from.

use std::fmt;

/// A rule of the stage of incoming leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the rules are sixteen")]
pub enum Rule {
    /// Categories.
    R1,
    /// What can be added, and what comes in otherwise.
    R2,
    /// What an add makes, and where it waits.
    R3,
    /// What is required.
    R4,
    /// Batches.
    R5,
    /// Duplicates.
    R6,
    /// One decision, once.
    R7,
    /// Accept.
    R8,
    /// Decline.
    R9,
    /// Link.
    R10,
    /// Rights and accounts.
    R11,
    /// Summary.
    R12,
    /// Lists.
    R13,
    /// Preview.
    R14,
    /// Limits.
    R15,
    /// Custom fields, tags, entities by id.
    R16,
}

const AMOCRM: &str = "v4 amoCRM document";
const BOTH: &str = "both v4 documents";
const ALL: &str = "v2 document, both v4 documents";
const PRACTICE: &str = "what servers were seen to answer and clients to send";
const DECIDED: &str = "decided by this project, because the documents are silent or disagree";

impl Rule {
    /// All of them, in order.
    pub const ALL: [Rule; 16] = [
        Rule::R1,
        Rule::R2,
        Rule::R3,
        Rule::R4,
        Rule::R5,
        Rule::R6,
        Rule::R7,
        Rule::R8,
        Rule::R9,
        Rule::R10,
        Rule::R11,
        Rule::R12,
        Rule::R13,
        Rule::R14,
        Rule::R15,
        Rule::R16,
    ];

    /// What it says, in a sentence or two.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Rule::R1 => {
                "There are four categories: sip, forms, chats, mail; the category follows from the metadata."
            }
            Rule::R2 => {
                "The API adds only calls and forms; chats and mails come in by intake, and a chat that waits already is \
                 updated instead of doubled."
            }
            Rule::R3 => {
                "An add makes the uid and the lead, contact and company at once; they stay hidden in the pipeline's \
                 own \"unsorted\" status, and the item's pipeline decides, else the main one; an unknown or archived \
                 pipeline, or one with the stage off, is refused."
            }
            Rule::R4 => {
                "Required are source_name, source_uid and metadata; entities are optional, at most one of each kind; \
                 no further field is lost; created_at defaults to now and may lie in the past."
            }
            Rule::R5 => {
                "A batch holds 1 to 250 items and is all or nothing; errors name the item, a code and a path."
            }
            Rule::R6 => {
                "No two identical pending leads: the second is refused and the uid of the first named, or, by the \
                 other policy, both are tagged; only pending leads count, and the batch counts against itself."
            }
            Rule::R7 => {
                "From pending exactly one of accept, decline and link succeeds, once; afterwards the uid is not found \
                 by any command and any reading; a named user must be an active one of the account."
            }
            Rule::R8 => {
                "Accept makes the named user the creator, moves the lead to the named status, else to the first after \
                 unsorted, and shows contact and company; a wanted call note is put on lead and contact."
            }
            Rule::R9 => "Decline moves lead, contact and company to the bin; they are not erased.",
            Rule::R10 => {
                "Link is for chats (by the other policy mails too) and administrators, to a live lead or customer; \
                 contact and company join the target, a named contact absorbs the incoming one, the lead goes to the \
                 bin."
            }
            Rule::R11 => {
                "Viewing, adding, sorting and administrating are rights; a foreign account's uid is like an unknown \
                 one."
            }
            Rule::R12 => {
                "A summary counts the events of a window closed at both ends: leads by when they came to be, \
                 decisions by when they were made; the mean is over accepted and declined, never below 0; links \
                 stand apart."
            }
            Rule::R13 => {
                "Lists hold what waits, by (key, uid), newest first by default; descending reverses the uid too; \
                 pages count from 1."
            }
            Rule::R14 => {
                "A card's preview takes name, tags and fields from the contact, else the lead, else the company."
            }
            Rule::R15 => "Moments, numbers and texts have bounds, the same everywhere; texts hold no NUL.",
            Rule::R16 => {
                "Field values name a field of the account and one of its choices; unknown fields and tag ids are \
                 refused, new tag names make tags; an entity named by id is linked, neither hidden nor binned."
            }
        }
    }

    /// Where it comes from.
    #[must_use]
    pub const fn sources(self) -> &'static [&'static str] {
        match self {
            Rule::R1 => &[BOTH, PRACTICE],
            Rule::R2 | Rule::R11 => &[BOTH, DECIDED],
            Rule::R3 | Rule::R4 | Rule::R13 | Rule::R16 => &[ALL, PRACTICE, DECIDED],
            Rule::R5 => &[PRACTICE, DECIDED],
            Rule::R6 | Rule::R12 => &[BOTH, PRACTICE, DECIDED],
            Rule::R7 => &[ALL, DECIDED],
            Rule::R8 => &[ALL, PRACTICE],
            Rule::R9 => &["v2 document", "v4 Kommo document"],
            Rule::R10 => &[AMOCRM, "v4 Kommo document", PRACTICE],
            Rule::R14 => &["v2 document"],
            Rule::R15 => &[DECIDED],
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
