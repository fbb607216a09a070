//! Taking lines of the model's document over, all or none.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use incoming_leads_model::document::{self, Incoming, Line, Of};
use incoming_leads_model::{AccountId, Arrival, Event, Item, Layout, Moment, Uid};
use incoming_leads_port::Floor;

use crate::convert::{body, execute, one};
use crate::error::Fault;
use crate::writing::Writing;
use crate::{changes, credentials, entities, history, items};

/// Takes the lines over.
pub(crate) fn import(writing: &mut Writing<'_>, now: Moment, lines: &[Line]) -> Result<(), Fault> {
    let mut known = BTreeMap::new();
    for id in document::accounts(lines) {
        known.extend(writing.layout(id)?.map(|layout| (id, layout)));
    }
    document::check(lines, &known).map_err(|misfit| Fault::Invalid(misfit.what))?;
    let floor = Floor::of(lines);
    if !floor.leaves_room() {
        let highest = Floor::HIGHEST;
        return Err(Fault::Invalid(format!(
            "an id is above {highest}, so that no room is left for new ones"
        )));
    }
    writing.raise(floor);
    let mut known = Known::default();
    lines.iter().try_for_each(|line| take(writing, now, &mut known, line))?;
    unique_subdomains(writing, lines)?;
    document::accounts(lines).into_iter().try_for_each(|id| writing.touch(id))
}

/// Events that were known before, of uids that lines told of, as far as no line has repeated them yet.
#[derive(Default)]
struct Known(HashMap<(AccountId, Uid), Vec<Event>>);

fn take(writing: &mut Writing<'_>, now: Moment, known: &mut Known, line: &Line) -> Result<(), Fault> {
    let connection = writing.connection;
    match line {
        Line::Header { .. } => Ok(()),
        Line::Account(layout) => write_layout(writing, layout),
        Line::Token(token) => credentials::keep(connection, token),
        Line::Grant(grant) => credentials::keep_grant(connection, grant),
        Line::Tag(Of { account_id, row }) => entities::write_tag(connection, *account_id, row),
        Line::Customer(Of { account_id, row }) => entities::restore(connection, *account_id, row),
        Line::Lead(Of { account_id, row }) => entities::restore(connection, *account_id, row),
        Line::Contact(Of { account_id, row }) => entities::restore(connection, *account_id, row),
        Line::Company(Of { account_id, row }) => entities::restore(connection, *account_id, row),
        Line::Note(Of { account_id, row }) => entities::write_note(connection, *account_id, row),
        Line::Item(Of { account_id, row }) => restore(writing, *account_id, row),
        Line::Event(event) => known.remember(writing, event),
        Line::Draft(Incoming { account_id, user_id, draft }) => {
            let arrival = Arrival::from(draft.clone());
            let decide = |writing: &mut Writing<'_>, scene: incoming_leads_model::Scene<'_>| {
                writing.arrive(scene, *account_id, &arrival)
            };
            writing.carry_out(*account_id, *user_id, now, decide).map(drop)
        }
    }
}

fn write_layout(writing: &Writing<'_>, layout: &Layout) -> Result<(), Fault> {
    let sql = "INSERT INTO accounts (account_id, subdomain, version, layout) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (account_id) DO UPDATE SET subdomain = excluded.subdomain,
                   version = excluded.version, layout = excluded.layout";
    // A number by which readers know that they have read this very layout.
    let version = RandomState::new().hash_one(std::time::SystemTime::now()).cast_signed();
    let (id, subdomain) = (layout.account.id.get(), layout.account.subdomain.to_ascii_lowercase());
    execute(writing.connection, sql, (id, subdomain, version, body(layout))).map(drop)
}

/// No two accounts have one sub-domain.
fn unique_subdomains(writing: &Writing<'_>, lines: &[Line]) -> Result<(), Fault> {
    let sql = "SELECT account_id FROM accounts WHERE subdomain = ?1 AND account_id <> ?2";
    for line in lines {
        if let Line::Account(layout) = line {
            let (id, subdomain) = (layout.account.id, layout.account.subdomain.to_ascii_lowercase());
            let now = "SELECT 1 FROM accounts WHERE subdomain = ?1 AND account_id = ?2";
            if !crate::convert::exists(writing.connection, now, (&subdomain, id.get()))? {
                // A later line has given it another.
                continue;
            }
            let other = one(writing.connection, "accounts", sql, (&subdomain, id.get()), |row| {
                Ok(row.get::<_, u64>(0)?)
            })?;
            if let Some(other) = other {
                return Err(Fault::Invalid(format!(
                    "the sub-domain {subdomain} of account {id} is that of account {other}"
                )));
            }
        }
    }
    Ok(())
}

/// Puts an item on the stage whose entities have lines of their own. What is restored was decided long ago: it stands
/// beside whatever is identical.
fn restore(writing: &mut Writing<'_>, account: AccountId, item: &Item) -> Result<(), Fault> {
    let waits = items::find(writing.connection, account, &item.uid)?;
    let is_settled = history::of_uid(writing.connection, account, &item.uid)?.iter().any(Event::settles);
    let Some(item) = item.restored(waits.as_ref(), is_settled) else { return Ok(()) };
    items::unstage(writing, account, &item.uid)?;
    items::stage(writing, account, &item, item.uid.as_str())
}

impl Known {
    /// Writes an event down, unless it was known before this call: the same document may be taken over twice, and
    /// what happened once is not to count twice. Within a call each counts: two messages of a second may be alike.
    fn remember(&mut self, writing: &mut Writing<'_>, event: &Event) -> Result<(), Fault> {
        let key = (event.account_id, event.uid.clone());
        if !self.0.contains_key(&key) {
            let known = history::of_uid(writing.connection, event.account_id, &event.uid)?;
            self.0.insert(key.clone(), known);
        }
        let known = self.0.entry(key).or_default();
        match known.iter().position(|known| known == event) {
            Some(place) => {
                known.swap_remove(place);
                Ok(())
            }
            None => {
                changes::record(writing, event)?;
                // It was decided where the document comes from.
                if event.settles() {
                    items::unstage(writing, event.account_id, &event.uid)?;
                }
                Ok(())
            }
        }
    }
}
