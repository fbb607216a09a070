//! What decisions need to know: collected for a whole group of commands and read in one go.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use incoming_leads_model::{
    AddFacts, AddNeeds, DuplicatePolicy, EntityRef, Identity, Item, Layout, Lead, LeadStanding, Link,
    LinkFacts, LinkTarget, Standing, State, Tag, Uid,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::connection::{Lease, Step};
use crate::convert::{Account, Entity, EntityKey, digest, id, key_of, number, read};
use crate::error::{Fault, Result};
use crate::ids::{Block, Taking, Wanted};
use crate::layouts::Layouts;

/// What is to be read.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) accounts: BTreeSet<Account>,
    /// What commands are about.
    pub(crate) uids: BTreeSet<(Account, String)>,
    identities: BTreeSet<(Account, Vec<u8>)>,
    entities: BTreeSet<(Account, EntityKey)>,
    tag_ids: BTreeSet<(Account, i64)>,
    tag_names: BTreeSet<(Account, String)>,
    /// Identities of which the second is tagged and no index keeps them apart: whoever brings one in waits for others.
    locks: BTreeSet<i64>,
}

impl Needs {
    pub(crate) fn arrival(&mut self, account: Account, needs: &AddNeeds, layout: Option<&Layout>) {
        for identity in &needs.identities {
            let digest = digest(identity);
            if layout.is_some_and(|layout| layout.policies.duplicates == DuplicatePolicy::Tag) {
                self.locks.insert(lock_of(account, &digest));
            }
            self.identities.insert((account, digest));
        }
        self.entities.extend(named(needs).map(|key| (account, key)));
        self.tag_ids.extend(needs.tag_ids.iter().map(|id| (account, number(*id))));
        self.tag_names.extend(needs.tag_names.iter().map(|name| (account, name.clone())));
    }

    pub(crate) fn link(&mut self, account: Account, link: &Link) {
        self.entities.extend(linked(link).map(|key| (account, key)));
    }
}

/// Entities that an arrival names.
pub(crate) fn named(needs: &AddNeeds) -> impl Iterator<Item = EntityKey> {
    let leads = needs.leads.iter().map(|id| key_of(EntityRef::Lead(*id)));
    let contacts = needs.contacts.iter().map(|id| key_of(EntityRef::Contact(*id)));
    leads.chain(contacts).chain(needs.companies.iter().map(|id| key_of(EntityRef::Company(*id))))
}

/// Entities that a link names.
pub(crate) fn linked(link: &Link) -> impl Iterator<Item = EntityKey> {
    let target = match link.target {
        LinkTarget::Lead(id) => EntityRef::Lead(id),
        LinkTarget::Customer(id) => EntityRef::Customer(id),
    };
    [Some(target), link.contact_id.map(EntityRef::Contact)].into_iter().flatten().map(key_of)
}

fn lock_of(account: Account, digest: &[u8]) -> i64 {
    let first = digest.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first) ^ account
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The number of the transaction in which all this was read.
    pub(crate) transaction: String,
    /// The process of the server that carries it out.
    pub(crate) process: i32,
    pub(crate) layouts: HashMap<Account, Arc<Layout>>,
    pending: HashMap<(Account, Uid), Item>,
    twins: HashMap<(Account, Vec<u8>), Vec<Item>>,
    entities: HashMap<(Account, EntityKey), Entity>,
    tags: Vec<(Account, Tag)>,
}

/// Whether a transaction is still to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opening {
    Begin,
    Begun,
}

/// Begins a transaction, unless it has begun, and reads what is needed. What commands are about is locked until its
/// end. The numbers that are taken for it come along.
pub(crate) async fn read_all(
    lease: &mut Lease,
    opening: Opening,
    wanted: Wanted,
    needs: &Needs,
    layouts: &Layouts,
) -> Result<(Facts, Block)> {
    lease.begin();
    let accounts: Vec<Account> = needs.accounts.iter().copied().collect();
    let locks: Vec<i64> = needs.locks.iter().copied().collect();
    let uids = columns(&needs.uids);
    let identities = columns(&needs.identities);
    let tag_ids = columns(&needs.tag_ids);
    let tag_names = columns(&needs.tag_names);
    let entities = entity_columns(&needs.entities);
    let taking = Taking::new(opening, wanted);
    let mut steps: Vec<Step<'_>> = taking.iter().map(Taking::step).collect();
    steps.extend([
        Step::Plain(match opening {
            Opening::Begin => "BEGIN; SELECT pg_current_xact_id(), pg_backend_pid()",
            Opening::Begun => "SELECT pg_current_xact_id(), pg_backend_pid()",
        }),
        Step::Prepared(
            "SELECT account_id, version FROM accounts WHERE account_id = ANY($1)",
            vec![&accounts],
        ),
    ]);
    let questions: [(Kind, bool, &'static str, Vec<&(dyn ToSql + Sync)>); 6] = [
        (
            Kind::Lock,
            locks.is_empty(),
            "SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k",
            vec![&locks],
        ),
        (
            Kind::Pending,
            needs.uids.is_empty(),
            "SELECT i.account_id, i.uid, i.body FROM unnest($1::bigint[], $2::text[]) AS n (account_id, uid) \
         CROSS JOIN LATERAL (SELECT account_id, uid, body FROM items \
             WHERE account_id = n.account_id AND uid = n.uid FOR UPDATE) AS i",
            vec![&uids.0, &uids.1],
        ),
        (
            Kind::Twin,
            needs.identities.is_empty(),
            "SELECT i.account_id, i.uid, i.body FROM unnest($1::bigint[], $2::bytea[]) AS n (account_id, identity) \
         CROSS JOIN LATERAL (SELECT account_id, uid, body FROM items \
             WHERE account_id = n.account_id AND identity = n.identity ORDER BY arrival FOR UPDATE) AS i",
            vec![&identities.0, &identities.1],
        ),
        (
            Kind::Entity,
            needs.entities.is_empty(),
            "SELECT e.account_id, e.kind, e.id, e.body \
         FROM unnest($1::bigint[], $2::smallint[], $3::bigint[]) AS n (account_id, kind, id) \
         CROSS JOIN LATERAL (SELECT account_id, kind, id, body FROM entities \
             WHERE account_id = n.account_id AND kind = n.kind AND id = n.id OFFSET 0) AS e",
            vec![&entities.0, &entities.1, &entities.2],
        ),
        (
            Kind::Tag,
            needs.tag_ids.is_empty(),
            "SELECT t.account_id, t.tag_id, t.name FROM unnest($1::bigint[], $2::bigint[]) AS n (account_id, tag_id) \
         CROSS JOIN LATERAL (SELECT account_id, tag_id, name FROM tags \
             WHERE account_id = n.account_id AND tag_id = n.tag_id OFFSET 0) AS t",
            vec![&tag_ids.0, &tag_ids.1],
        ),
        (
            Kind::Tag,
            needs.tag_names.is_empty(),
            "SELECT t.account_id, t.tag_id, t.name FROM unnest($1::bigint[], $2::text[]) AS n (account_id, name) \
         CROSS JOIN LATERAL (SELECT account_id, tag_id, name FROM tags \
             WHERE account_id = n.account_id AND name = n.name OFFSET 0) AS t",
            vec![&tag_names.0, &tag_names.1],
        ),
    ];
    let mut kinds = Vec::new();
    for (kind, is_empty, sql, params) in questions {
        if !is_empty {
            kinds.push(kind);
            steps.push(Step::Prepared(sql, params));
        }
    }

    let mut answers = lease.pipeline(&steps).await?.into_iter();
    let mut facts = Facts::default();
    let mut next = || answers.next().expect("each step is answered").map_err(Fault::from);
    let block = taking.map(|taking| taking.block(&next()?.rows())).transpose()?.unwrap_or_default();
    let row = next()?.text().expect("a question without a table has a row");
    row.get(0).unwrap_or_default().clone_into(&mut facts.transaction);
    facts.process = row.get(1).and_then(|process| process.parse().ok()).unwrap_or_default();
    for row in next()?.rows() {
        let (account, version): (Account, i64) = (row.get(0), row.get(1));
        match layouts.known(account) {
            Some((known, layout)) if known == version => facts.layouts.insert(account, layout),
            // The policy may be another one, and with it the locks that are to be taken.
            _ => {
                layouts.load(lease, &[account]).await?;
                return Err(Fault::Stale);
            }
        };
    }
    for kind in kinds {
        for row in next()?.rows() {
            facts.take(kind, &row)?;
        }
    }
    Ok((facts, block))
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Lock,
    Pending,
    Twin,
    Entity,
    Tag,
}

impl Facts {
    fn take(&mut self, kind: Kind, row: &Row) -> Result<()> {
        if matches!(kind, Kind::Lock) {
            return Ok(());
        }
        let account: Account = row.get(0);
        match kind {
            Kind::Lock => {}
            Kind::Pending => {
                let item = item(account, row)?;
                self.pending.insert((account, item.uid.clone()), item);
            }
            Kind::Twin => {
                let item = item(account, row)?;
                let identity = crate::convert::identity(&item);
                let identity = identity.ok_or_else(|| {
                    Fault::damaged("items", format!("account {account}, {}", item.uid), "it has no identity")
                })?;
                self.twins.entry((account, identity)).or_default().push(item);
            }
            Kind::Entity => {
                let key = (row.get(1), row.get(2));
                self.entities.insert((account, key), Entity::read(account, key, row.get(3))?);
            }
            Kind::Tag => {
                let tag = Tag { id: id("tags", row.get(1))?, name: row.get(2) };
                if !self.tags.iter().any(|(of, known)| *of == account && known.id == tag.id) {
                    self.tags.push((account, tag));
                }
            }
        }
        Ok(())
    }

    /// Where the incoming lead of this uid stands. What was decided is as absent as what never came: the model refuses
    /// both alike.
    pub(crate) fn state(&self, account: Account, uid: &Uid) -> State {
        let item = self.pending.get(&(account, uid.clone()));
        item.map_or(State::Absent, |item| State::Pending(Box::new(item.clone())))
    }

    /// What waits under this uid, however it was come across.
    pub(crate) fn item(&self, account: Account, uid: &Uid) -> Option<&Item> {
        let pending = self.pending.get(&(account, uid.clone()));
        pending.or_else(|| {
            let twins = self.twins.iter().filter(|((of, _), _)| *of == account).flat_map(|(_, items)| items);
            twins.into_iter().find(|item| item.uid == *uid)
        })
    }

    pub(crate) fn add(&self, account: Account, needs: AddNeeds) -> AddFacts {
        let twins = needs.identities.into_iter().filter_map(|identity| {
            let found = self.twins.get(&(account, digest(&identity)))?;
            // Digests may be alike; texts are looked at.
            let same = found.iter().filter(|item| Identity::of(&item.metadata).as_ref() == Some(&identity));
            let items: Vec<Item> = same.cloned().collect();
            (!items.is_empty()).then_some((identity, items))
        });
        let entity = |entity| self.entities.get(&(account, key_of(entity)));
        let leads = needs.leads.into_iter().filter_map(|id| match entity(EntityRef::Lead(id))? {
            Entity::Lead(lead) => {
                Some((id, LeadStanding { standing: standing_of_lead(lead), pipeline_id: lead.pipeline_id }))
            }
            Entity::Contact(_) | Entity::Company(_) | Entity::Customer(_) => None,
        });
        let standing = |of| entity(of).map(standing);
        let contacts = needs.contacts.into_iter();
        let contacts = contacts.filter_map(|id| Some((id, standing(EntityRef::Contact(id))?)));
        let companies = needs.companies.into_iter();
        let companies = companies.filter_map(|id| Some((id, standing(EntityRef::Company(id))?)));
        let is_named = |tag: &Tag| needs.tag_ids.contains(&tag.id) || needs.tag_names.contains(&tag.name);
        let tags = self.tags.iter().filter(|(of, tag)| *of == account && is_named(tag));
        let mut tags: Vec<Tag> = tags.map(|(_, tag)| tag.clone()).collect();
        tags.sort_by_key(|tag| tag.id);
        AddFacts {
            twins: twins.collect(),
            leads: leads.collect(),
            contacts: contacts.collect(),
            companies: companies.collect(),
            tags,
        }
    }

    pub(crate) fn link(&self, account: Account, uid: &Uid, link: &Link) -> LinkFacts {
        let entity = |key| self.entities.get(&(account, key)).map(standing);
        let mut named = linked(link);
        let target = named.next().and_then(entity);
        let contact = named.next().and_then(entity);
        LinkFacts { state: self.state(account, uid), target, contact }
    }
}

fn item(account: Account, row: &Row) -> Result<Item> {
    let uid: &str = row.get(1);
    read("items", format!("account {account}, {uid}"), row.get(2))
}

fn standing_of_lead(lead: &Lead) -> Standing {
    Standing::of(lead.is_unsorted, lead.stamp.is_deleted)
}

fn standing(entity: &Entity) -> Standing {
    match entity {
        Entity::Lead(lead) => standing_of_lead(lead),
        Entity::Contact(contact) => Standing::of(contact.is_unsorted, contact.stamp.is_deleted),
        Entity::Company(company) => Standing::of(company.is_unsorted, company.stamp.is_deleted),
        Entity::Customer(customer) => Standing::of(false, customer.stamp.is_deleted),
    }
}

fn columns<T: Clone>(pairs: &BTreeSet<(Account, T)>) -> (Vec<Account>, Vec<T>) {
    pairs.iter().cloned().unzip()
}

pub(crate) fn entity_columns<'a>(
    keys: impl IntoIterator<Item = &'a (Account, EntityKey)>,
) -> (Vec<Account>, Vec<i16>, Vec<i64>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (account, (kind, id)) in keys {
        columns.0.push(*account);
        columns.1.push(*kind);
        columns.2.push(*id);
    }
    columns
}
