//! The table of the lifecycle, for people. Every cell is what `decide` and `apply` answer on a small account.

mod rules;
mod sketch;

use self::rules::RULES;
use self::sketch::{Command, Role, STATES, Sketch};
use crate::account::{DuplicatePolicy, LinkPolicy, Policies};
use crate::entity::{LeadPatch, PartyPatch};
use crate::fault::{Fault, Refusal};
use crate::id::CustomerId;
use crate::lifecycle::change::Change;
use crate::lifecycle::event::{Event, EventKind};
use crate::lifecycle::settle::LinkTarget;
use crate::lifecycle::state::StateKind;
use crate::metadata::Category;
use crate::{limits, required};

/// The page `docs/lifecycle.md`: what becomes of an incoming lead by state, event, command and role, what a store is
/// to do, which keys are required, the limits, and the rules.
#[must_use]
pub fn markdown() -> String {
    let sections = [
        INTRODUCTION.to_owned(),
        "## States and events".to_owned(),
        STATES_AND_EVENTS.to_owned(),
        states_and_events(),
        "## Commands and roles".to_owned(),
        COMMANDS_AND_ROLES.to_owned(),
        table(header(), merged(answers(Policies::default()))),
        "Where an account tags identical incoming leads and links mails too, these rows differ:".to_owned(),
        other_policies(),
        "## What a store does".to_owned(),
        "Each event says what is to be done: in this order, all of it or nothing.".to_owned(),
        events_and_changes(),
        "## Required keys".to_owned(),
        REQUIRED_KEYS.to_owned(),
        required_keys(),
        "## Limits".to_owned(),
        "The largest values that are taken, the same on every store.".to_owned(),
        limits_table(),
        "## The rules".to_owned(),
        "\"Decided here\" means that the documents are silent or disagree.".to_owned(),
        rules_list(),
    ];
    sections.join("\n\n") + "\n"
}

const INTRODUCTION: &str = "\
# The life of an incoming lead

This page is written by `cargo xtask codegen` from the crate `incoming-leads-model`: every cell of its tables is what
the code answers. Change the code, not the page.";

const STATES_AND_EVENTS: &str = "\
An incoming lead is *absent* before it comes, then *pending*, and in the end *accepted*, *declined* or *linked*. A cell
is the state after the event. Where it says \"cannot be\", a store that meets the event is damaged: no command answers
it.";

const COMMANDS_AND_ROLES: &str = "\
A cell is the event that the command answers, or why it is refused. *Add* and *take in* bring in one that is identical
to the one whose state the row names. An administrator of another account asks in that account, where the incoming lead
is not known.";

const REQUIRED_KEYS: &str = "\
`source_name`, `source_uid` and `metadata` are required of every add. Beside them, by wire and category, the keys that
real clients were seen to send always (*observed*, the default) and those that the documents demand (*documented*):";

fn states_and_events() -> String {
    let sketch = Sketch::new(Policies::default(), false);
    let (chat, waits) = (Category::Chats, sketch.state(StateKind::Pending, Category::Chats));
    let by = |command| sketch.decide(command, chat, &waits, Role::Administrator);
    let events = [
        ("added", Ok(sketch.added(chat))),
        ("updated", by(Command::TakeIn)),
        ("accepted", by(Command::Accept)),
        ("declined", by(Command::Decline)),
        ("linked", by(Command::link_to_lead())),
    ]
    .map(|(name, event)| (name, event.expect("an administrator may do all this to a chat that waits")));
    let rows = STATES.map(|kind| {
        let after = events.iter().map(|(_, event)| match sketch.state(kind, chat).apply(event) {
            Ok(state) => name(state.kind()),
            Err(_) => "cannot be",
        });
        std::iter::once(name(kind)).chain(after).map(str::to_owned).collect()
    });
    let header = std::iter::once("state").chain(events.iter().map(|(name, _)| *name));
    table(header.map(str::to_owned).collect(), rows.to_vec())
}

fn header() -> Vec<String> {
    let columns = ["command", "category", "state"].into_iter().chain(Role::ALL.map(Role::name));
    columns.map(str::to_owned).collect()
}

fn other_policies() -> String {
    let usual = answers(Policies::default());
    let other = answers(Policies {
        duplicates: DuplicatePolicy::Tag,
        linkable: LinkPolicy::ChatsAndMail,
        ..Policies::default()
    });
    table(header(), merged(other.into_iter().filter(|row| !usual.contains(row)).collect()))
}

/// One row for each command, state and category.
fn answers(policies: Policies) -> Vec<Vec<String>> {
    let sketch = Sketch::new(policies, false);
    let mut rows = Vec::new();
    for command in Command::all() {
        for kind in STATES {
            for category in Category::ALL {
                let state = sketch.state(kind, category);
                let told = [command.name(), category.as_str(), name(kind)].map(str::to_owned);
                let answers = Role::ALL.map(|role| answer(&sketch.decide(command, category, &state, role)));
                rows.push(told.into_iter().chain(answers).collect());
            }
        }
    }
    rows
}

/// Rows that differ in their category alone, the second column, become one.
fn merged(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut merged: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let alike = |other: &&mut Vec<String>| other[0] == row[0] && other[2..] == row[2..];
        match merged.iter_mut().find(alike) {
            Some(other) => other[1] = format!("{}, {}", other[1], row[1]),
            None => merged.push(row),
        }
    }
    merged
}

fn answer(decided: &Result<Event, Refusal>) -> String {
    match decided {
        Ok(event) => told(event).to_owned(),
        Err(Refusal::Forbidden(_)) => "forbidden".to_owned(),
        Err(Refusal::NotFound(_)) => "not found".to_owned(),
        Err(Refusal::Invalid(faults)) => refused(faults),
        Err(Refusal::Items(items)) => items.iter().map(|item| refused(&item.faults)).collect(),
    }
}

fn told(event: &Event) -> &'static str {
    match &event.kind {
        EventKind::Added(added) if added.duplicate_tag.is_some() => "added, both tagged",
        EventKind::Added(_) => "added",
        EventKind::Updated(_) => "updated",
        EventKind::Accepted(_) => "accepted",
        EventKind::Declined(_) => "declined",
        EventKind::Linked(_) => "linked",
    }
}

fn refused(faults: &[Fault]) -> String {
    let faults = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.code.as_str()));
    faults.collect::<Vec<_>>().join(", ")
}

const fn name(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Absent => "absent",
        StateKind::Pending => "pending",
        StateKind::Accepted => "accepted",
        StateKind::Declined => "declined",
        StateKind::Linked => "linked",
    }
}

fn events_and_changes() -> String {
    let customer = LinkTarget::Customer(CustomerId::new(1).expect("1 is an id"));
    [
        ("a call is added", Command::Add, Category::Sip, StateKind::Absent),
        ("a call is added to an identical one and tagged", Command::Add, Category::Sip, StateKind::Pending),
        ("a chat is updated", Command::TakeIn, Category::Chats, StateKind::Pending),
        ("a call is accepted, with a note", Command::Accept, Category::Sip, StateKind::Pending),
        ("a form is declined", Command::Decline, Category::Forms, StateKind::Pending),
        ("a chat is linked to a lead", Command::link_to_lead(), Category::Chats, StateKind::Pending),
        (
            "a chat is linked to a customer and one of its contacts",
            Command::Link(customer, Some(sketch::live_contact())),
            Category::Chats,
            StateKind::Pending,
        ),
    ]
    .map(|(title, command, category, kind)| {
        let changes = [false, true].map(|names_existing| {
            let policies = Policies { duplicates: DuplicatePolicy::Tag, ..Policies::default() };
            let sketch = Sketch::new(policies, names_existing);
            let state = sketch.state(kind, category);
            let event = sketch.decide(command, category, &state, Role::Administrator);
            let changes = event.expect("an administrator may do all this").changes();
            changes.iter().map(words).collect::<Vec<_>>().join("; ")
        });
        let [made, existing] = changes;
        format!("- **{title}**\n  - entities made with it: {made}\n  - entities that were there before: {existing}")
    })
    .join("\n")
}

fn words(change: &Change) -> String {
    let party = |patch| match patch {
        PartyPatch::Reveal { .. } => "becomes visible",
        PartyPatch::Bin => "goes to the bin",
    };
    match change {
        Change::MakeTag(tag) => format!("make the tag \"{}\"", tag.name),
        Change::MakeLead(_) => "make the lead, unsorted".to_owned(),
        Change::MakeContact(_) => "make the contact, hidden".to_owned(),
        Change::MakeCompany(_) => "make the company, hidden".to_owned(),
        Change::MakeNote(note) => {
            let on = format!("{:?}", note.entity.kind()).to_lowercase();
            format!("put a note `{}` on the {on}", note.kind)
        }
        Change::PatchLead(_, LeadPatch::Accept { status_id, .. }) => match status_id {
            Some(_) => "the lead moves to its status".to_owned(),
            None => "the lead stays where it is".to_owned(),
        },
        Change::PatchLead(_, LeadPatch::Bin) => "the lead goes to the bin".to_owned(),
        Change::PatchLead(_, LeadPatch::Join { .. }) => "contact and company join the lead".to_owned(),
        Change::PatchLead(_, LeadPatch::Tag(tag)) => {
            format!("a lead gets the tag \"{}\"", tag.name.as_deref().unwrap_or_default())
        }
        Change::PatchContact(_, patch) => format!("the contact {}", party(*patch)),
        Change::PatchCompany(_, patch) => format!("the company {}", party(*patch)),
        Change::JoinCustomer(..) => "contact and company join the customer".to_owned(),
        Change::AbsorbContact { .. } => "the named contact absorbs the incoming one".to_owned(),
        Change::Stage(_) => "the incoming lead waits".to_owned(),
        Change::Restage(..) => "its last message and moment change".to_owned(),
        Change::Unstage(_) => "it waits no longer".to_owned(),
    }
}

fn required_keys() -> String {
    let mark = |is: bool| if is { "yes" } else { "" };
    let rows = required::TABLE.iter().map(|row| {
        let wire = match row.generation {
            required::Generation::V2 => "v2",
            required::Generation::V4 => "v4",
        };
        let key = format!("`{}`", row.key.path.join("."));
        [wire, row.category.as_str(), &key, mark(row.observed), mark(row.documented)]
            .map(str::to_owned)
            .to_vec()
    });
    let header = ["wire", "category", "key", "observed", "documented"];
    table(header.map(str::to_owned).to_vec(), rows.collect())
}

fn limits_table() -> String {
    let rows = limits::TABLE.iter().map(|limit| {
        let limits::Limit { what, most, unit } = limit;
        vec![(*what).to_owned(), most.to_string(), (*unit).to_owned()]
    });
    table(["what", "most", "unit"].map(str::to_owned).to_vec(), rows.collect())
}

fn rules_list() -> String {
    let rules = RULES.iter().enumerate();
    let rules = rules.map(|(at, (rule, source))| format!("- **R{}** {rule}\n  *Source: {source}.*", at + 1));
    rules.collect::<Vec<_>>().join("\n")
}

/// A table whose columns stand below each other in the source too.
fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    [line(&header), line(&rule)].into_iter().chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
