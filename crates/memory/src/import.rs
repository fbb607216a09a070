//! Taking lines of the model's document over, all or none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use incoming_leads_model::document::{Incoming, Line, Of, Secret, Token, VERSION};
use incoming_leads_model::lifecycle::Added;
use incoming_leads_model::{AccountId, Event, EventKind, Item, Layout, Linked, Links, Note, Scene, Uid};
use incoming_leads_port::{Digest, Error, ErrorKind, Floor, Operation, Principal, Result};

use crate::holdings::Holdings;
use crate::store::{Accounts, Memory, lock};
use crate::write;

const OPERATION: Operation = Operation::Provision;

/// Takes the lines over. Readers see each account as it was before or as it is after.
pub(crate) fn import(memory: &Memory, lines: Vec<Line>) -> Result<()> {
    let mut accounts = memory.shared.accounts_mut(OPERATION)?;
    let mut credentials = lock(memory.shared.credentials.write(), OPERATION)?;
    let tokens = check(&accounts, &lines)?;
    let floor = floor(&lines);
    if !floor.leaves_room() {
        return Err(invalid(format!(
            "an id is above {}, so that no room is left for new ones",
            Floor::HIGHEST
        )));
    }
    memory.shared.ids.raise(floor);

    let named: BTreeSet<AccountId> = lines.iter().filter_map(account_of).collect();
    let locks: Vec<(AccountId, Arc<RwLock<Holdings>>)> =
        named.into_iter().filter_map(|id| Some((id, accounts.get(&id)?.clone()))).collect();
    let mut guards = BTreeMap::new();
    for (id, account) in &locks {
        guards.insert(*id, lock(account.write(), OPERATION)?);
    }
    let mut work = Work { guards, fresh: BTreeMap::new(), known: HashMap::new() };
    // After the check only a draft can still be refused; then nothing may have happened to what is shared.
    if lines.iter().any(|line| matches!(line, Line::Draft(_))) {
        work.fresh = work.guards.iter().map(|(id, holdings)| (*id, Holdings::clone(holdings))).collect();
    }
    for line in lines {
        work.take(memory, line)?;
    }
    for (id, holdings) in work.fresh {
        match work.guards.get_mut(&id) {
            Some(guard) => **guard = holdings,
            None => {
                accounts.insert(id, Arc::new(RwLock::new(holdings)));
            }
        }
    }
    work.guards.values_mut().for_each(|holdings| holdings.touch());
    credentials.principals.extend(tokens);
    Ok(())
}

/// The accounts that lines are about.
struct Work<'a> {
    /// Those that are there.
    guards: BTreeMap<AccountId, RwLockWriteGuard<'a, Holdings>>,
    /// Those that are new, and copies of those that are there when lines may yet be refused.
    fresh: BTreeMap<AccountId, Holdings>,
    /// Events that were known before, of uids that lines told of, as far as no line has repeated them yet.
    known: HashMap<(AccountId, Uid), Vec<Event>>,
}

impl Work<'_> {
    fn of(&mut self, id: AccountId) -> Result<&mut Holdings> {
        let holdings = self.fresh.get_mut(&id).or_else(|| self.guards.get_mut(&id).map(|guard| &mut **guard));
        holdings.ok_or_else(|| untold(id))
    }

    fn take(&mut self, memory: &Memory, line: Line) -> Result<()> {
        match line {
            Line::Header { version: _ } | Line::Token(_) => {}
            Line::Account(layout) => match self.of(layout.account.id) {
                Ok(holdings) => holdings.layout = Arc::from(layout),
                Err(_) => {
                    self.fresh.insert(layout.account.id, Holdings::new(Arc::from(layout)));
                }
            },
            Line::Tag(Of { account_id, row }) => self.of(account_id)?.entities.write_tag(row),
            Line::Customer(Of { account_id, row }) => self.of(account_id)?.write(&row),
            Line::Lead(Of { account_id, row }) => self.of(account_id)?.write(&row),
            Line::Contact(Of { account_id, row }) => self.of(account_id)?.write(&row),
            Line::Company(Of { account_id, row }) => self.of(account_id)?.write(&row),
            Line::Note(Of { account_id, row }) => self.of(account_id)?.entities.write_note(&row),
            Line::Item(Of { account_id, row }) => self.of(account_id)?.restore(&row),
            Line::Event(event) => self.remember(&event)?,
            Line::Draft(Incoming { account_id, user_id, draft }) => {
                let holdings = self.of(account_id)?;
                let layout = holdings.layout.clone();
                let scene = Scene { caller: user_id, layout: &layout, now: memory.shared.clock.now() };
                let events = write::seed(holdings, scene, &*memory.shared.ids, draft);
                let events = events.map_err(|refusal| Error::refused(OPERATION, refusal))?;
                events.iter().for_each(|event| holdings.apply(event));
            }
        }
        Ok(())
    }
}

impl Work<'_> {
    /// Writes an event down, unless it was known before this call: the same document may be taken over twice, and
    /// what happened once is not to count twice. Within a call each counts: two messages of a second may be alike.
    fn remember(&mut self, event: &Event) -> Result<()> {
        let key = (event.account_id, event.uid.clone());
        if !self.known.contains_key(&key) {
            let known = self.of(event.account_id)?.stage.events_of(&event.uid).collect();
            self.known.insert(key.clone(), known);
        }
        let known = self.known.entry(key).or_default();
        match known.iter().position(|known| known == event) {
            Some(place) => {
                known.swap_remove(place);
            }
            None => {
                self.of(event.account_id)?.stage.record(event);
            }
        }
        Ok(())
    }
}

impl Holdings {
    /// Puts an item on the stage whose entities have lines of their own.
    fn restore(&mut self, item: &Item) {
        let slot = self.stage.stage(item);
        let Links { lead, contact, company } = item.links;
        if let Some(lead) = lead.made() {
            self.share::<incoming_leads_model::Lead>(lead, slot);
        }
        if let Some(contact) = contact.and_then(Linked::made) {
            self.share::<incoming_leads_model::Contact>(contact, slot);
        }
        if let Some(company) = company.and_then(Linked::made) {
            self.share::<incoming_leads_model::Company>(company, slot);
        }
    }
}

/// Finds everything that is wrong with the lines themselves, before anything is done; the tokens in them.
fn check(accounts: &Accounts, lines: &[Line]) -> Result<Vec<(Digest, Principal)>> {
    let mut told: BTreeMap<AccountId, &Layout> = BTreeMap::new();
    let mut tokens = Vec::new();
    for line in lines {
        match line {
            Line::Header { version: VERSION } => {}
            Line::Header { version } => {
                return Err(invalid(format!("the document is of version {version}, {VERSION} is read")));
            }
            Line::Account(layout) => {
                told.insert(layout.account.id, layout);
            }
            Line::Token(token) => {
                let has_user = |layout: &Layout| layout.user(token.user_id).is_some();
                let known = match (told.get(&token.account_id), accounts.get(&token.account_id)) {
                    (Some(layout), _) => has_user(layout),
                    (None, Some(account)) => has_user(&lock(account.read(), OPERATION)?.layout),
                    (None, None) => return Err(untold(token.account_id)),
                };
                tokens.push(self::token(token, known)?);
            }
            Line::Event(event) if !is_whole(event) => {
                return Err(invalid(format!("the event that added {} contradicts its item", event.uid)));
            }
            Line::Tag(_)
            | Line::Customer(_)
            | Line::Lead(_)
            | Line::Contact(_)
            | Line::Company(_)
            | Line::Note(_)
            | Line::Item(_)
            | Line::Event(_)
            | Line::Draft(_) => {
                if let Some(id) =
                    account_of(line).filter(|id| !told.contains_key(id) && !accounts.contains_key(id))
                {
                    return Err(untold(id));
                }
            }
        }
    }
    Ok(tokens)
}

fn token(token: &Token, known: bool) -> Result<(Digest, Principal)> {
    let Token { account_id, user_id, secret } = token;
    let digest = match secret {
        Secret::Sha256(digits) => Digest::from_hex(digits),
        Secret::Plain(_) => return Err(invalid("a token is plain; whoever reads the document hashes it")),
    };
    match digest {
        _ if !known => {
            Err(invalid(format!("a token is of user {user_id}, whom account {account_id} does not have")))
        }
        None => Err(invalid("the digest of a token is not 64 hex digits")),
        Some(digest) => Ok((digest, Principal { account_id: *account_id, user_id: *user_id })),
    }
}

/// Whether an event says the same as the item in it: the log keeps it once.
fn is_whole(event: &Event) -> bool {
    match &event.kind {
        EventKind::Added(added) => {
            let item = &added.item;
            (&item.uid, item.category(), item.pipeline_id, item.created_at)
                == (&event.uid, event.category, event.pipeline_id, event.created_at)
        }
        EventKind::Updated(_) | EventKind::Accepted(_) | EventKind::Declined(_) | EventKind::Linked(_) => {
            true
        }
    }
}

fn account_of(line: &Line) -> Option<AccountId> {
    match line {
        Line::Header { .. } => None,
        Line::Account(layout) => Some(layout.account.id),
        Line::Token(token) => Some(token.account_id),
        Line::Tag(of) => Some(of.account_id),
        Line::Customer(of) => Some(of.account_id),
        Line::Lead(of) => Some(of.account_id),
        Line::Contact(of) => Some(of.account_id),
        Line::Company(of) => Some(of.account_id),
        Line::Note(of) => Some(of.account_id),
        Line::Item(of) => Some(of.account_id),
        Line::Event(event) => Some(event.account_id),
        Line::Draft(incoming) => Some(incoming.account_id),
    }
}

/// The largest ids that the lines bring.
fn floor(lines: &[Line]) -> Floor {
    let mut floor = Floor::default();
    let notes = |floor: &mut Floor, notes: &[Note]| {
        floor.notes = notes.iter().map(|note| note.id.get()).fold(floor.notes, u64::max);
    };
    for line in lines {
        match line {
            Line::Tag(Of { row, .. }) => floor.tags = floor.tags.max(row.id.get()),
            Line::Lead(Of { row, .. }) => floor.leads = floor.leads.max(row.id.get()),
            Line::Contact(Of { row, .. }) => floor.parties = floor.parties.max(row.id.get()),
            Line::Company(Of { row, .. }) => floor.parties = floor.parties.max(row.id.get()),
            Line::Note(Of { row, .. }) => notes(&mut floor, std::slice::from_ref(row)),
            Line::Item(Of { row, .. }) => raise(&mut floor, &row.links),
            Line::Event(event) => match &event.kind {
                EventKind::Added(added) => {
                    let Added { item, notes: written, tags, .. } = &**added;
                    raise(&mut floor, &item.links);
                    notes(&mut floor, written);
                    floor.tags = tags.iter().map(|tag| tag.id.get()).fold(floor.tags, u64::max);
                }
                EventKind::Accepted(accepted) => notes(&mut floor, &accepted.notes),
                EventKind::Updated(_) | EventKind::Declined(_) | EventKind::Linked(_) => {}
            },
            Line::Header { .. } | Line::Account(_) | Line::Token(_) | Line::Customer(_) | Line::Draft(_) => {}
        }
    }
    floor
}

fn raise(floor: &mut Floor, links: &Links) {
    let Links { lead, contact, company } = links;
    floor.leads = floor.leads.max(lead.id().get());
    floor.parties = floor.parties.max(contact.map_or(0, |contact| contact.id().get()));
    floor.parties = floor.parties.max(company.map_or(0, |company| company.id().get()));
}

fn untold(id: AccountId) -> Error {
    invalid(format!("a line is of account {id}, of which no line told before"))
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, OPERATION).with_detail(detail)
}
