//! Taking lines of the model's document over, all or none.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use incoming_leads_model::document::{self, Incoming, Line, Of};
use incoming_leads_model::{AccountId, Event, Item, Layout, Linked, Links, Scene, Uid};
use incoming_leads_port::{Error, ErrorKind, Floor, Operation, Result};

use crate::credentials::Credentials;
use crate::entities::Kept;
use crate::holdings::Holdings;
use crate::store::{Accounts, Memory, lock};
use crate::write;

const OPERATION: Operation = Operation::Provision;

/// Takes the lines over, if accounts are as expected; whether they were. Readers see each account as it was before or as
/// it is after.
pub(crate) fn import(
    memory: &Memory,
    expected: &[(AccountId, Option<Arc<Layout>>)],
    lines: Vec<Line>,
) -> Result<bool> {
    let mut accounts = memory.shared.accounts_mut(OPERATION)?;
    for (id, layout) in expected {
        let account = accounts.get(id).map(|account| lock(account.read(), OPERATION)).transpose()?;
        if account.map(|holdings| holdings.layout.clone()) != *layout {
            return Ok(false);
        }
    }
    let mut credentials = lock(memory.shared.credentials.write(), OPERATION)?;
    let subdomains = check(&accounts, &credentials, &lines)?;
    let floor = Floor::of(&lines);
    if !floor.leaves_room() {
        return Err(invalid(format!(
            "an id is above {}, so that no room is left for new ones",
            Floor::HIGHEST
        )));
    }
    memory.shared.ids.raise(floor);

    let locks: Vec<(AccountId, Arc<RwLock<Holdings>>)> = document::accounts(&lines)
        .into_iter()
        .filter_map(|id| Some((id, accounts.get(&id)?.clone())))
        .collect();
    let mut guards = BTreeMap::new();
    for (id, account) in &locks {
        guards.insert(*id, lock(account.write(), OPERATION)?);
    }
    let mut work = Work { guards, fresh: BTreeMap::new(), known: HashMap::new() };
    // After the check only a draft can still be refused; then nothing may have happened to what is shared.
    if lines.iter().any(|line| matches!(line, Line::Draft(_))) {
        work.fresh = work.guards.iter().map(|(id, holdings)| (*id, Holdings::clone(holdings))).collect();
    }
    let (mut tokens, mut grants) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Token(token) => tokens.push(token),
            Line::Grant(grant) => grants.push(grant),
            line => work.take(memory, line)?,
        }
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
    credentials.subdomains = subdomains;
    for token in tokens {
        credentials.keep(token).expect("the check has seen its digest");
    }
    grants.into_iter().for_each(|grant| credentials.keep_grant(grant));
    Ok(true)
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
            Line::Header { .. } | Line::Token(_) | Line::Grant(_) => {}
            Line::Account(layout) => match self.of(layout.account.id) {
                Ok(holdings) => holdings.layout = Arc::from(layout),
                Err(_) => {
                    self.fresh.insert(layout.account.id, Holdings::new(Arc::from(layout)));
                }
            },
            Line::Tag(Of { account_id, row }) => self.of(account_id)?.entities.write_tag(row),
            Line::Customer(Of { account_id, row }) => self.of(account_id)?.replace(&row),
            Line::Lead(Of { account_id, row }) => self.of(account_id)?.replace(&row),
            Line::Contact(Of { account_id, row }) => self.of(account_id)?.replace(&row),
            Line::Company(Of { account_id, row }) => self.of(account_id)?.replace(&row),
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
                let stage = &mut self.of(event.account_id)?.stage;
                stage.record(event);
                // It was decided where the document comes from.
                if event.settles() {
                    stage.unstage(&event.uid);
                }
            }
        }
        Ok(())
    }
}

impl Holdings {
    /// Keeps an entity of a document, unless the one of this id has changed since the document was written.
    fn replace<T: Kept>(&mut self, entity: &T) {
        if !self.read::<T>(entity.id()).is_some_and(|own| own.is_later_than(entity)) {
            self.write(entity);
        }
    }

    /// Puts an item on the stage whose entities have lines of their own.
    fn restore(&mut self, item: &Item) {
        let waits = match self.stage.slot(&item.uid).filter(|slot| self.stage.is_pending(*slot)) {
            Some(slot) => self.stage.item(slot),
            None => None,
        };
        let is_settled = self.stage.events_of(&item.uid).any(|event| event.settles());
        let Some(item) = item.restored(waits.as_ref(), is_settled) else { return };
        let slot = self.stage.stage(&item);
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

/// Finds everything that is wrong with the lines themselves, before anything is done; the sub-domains as they are then.
fn check(
    accounts: &Accounts,
    credentials: &Credentials,
    lines: &[Line],
) -> Result<HashMap<String, AccountId>> {
    let mut known = BTreeMap::new();
    for id in document::accounts(lines) {
        if let Some(account) = accounts.get(&id) {
            known.insert(id, lock(account.read(), OPERATION)?.layout.clone());
        }
    }
    document::check(lines, &known).map_err(|misfit| invalid(misfit.what))?;
    let mut told = BTreeMap::new();
    for line in lines {
        if let Line::Account(layout) = line {
            told.insert(layout.account.id, layout.account.subdomain.to_ascii_lowercase());
        }
    }
    let mut subdomains = credentials.subdomains.clone();
    subdomains.retain(|_, id| !told.contains_key(id));
    for (id, subdomain) in told {
        if let Some(other) = subdomains.insert(subdomain.clone(), id) {
            return Err(invalid(format!(
                "the sub-domain {subdomain} of account {id} is that of account {other}"
            )));
        }
    }
    Ok(subdomains)
}

fn untold(id: AccountId) -> Error {
    invalid(format!("a line is of account {id}, of which no line told before"))
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, OPERATION).with_detail(detail)
}
