//! Further powers of a handle: what leads point to, chats and mails, what happened, what a cache needs.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    AccountId, Arrival, Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityRef,
    IncomingLead, Layout, Lead, LeadId, ListQuery, More, Note, Page, PageRequest, Receipt, Right, TakeIn,
    Uid,
};
use incoming_leads_port::{
    Cursor, Directory, EntityQuery, Events, History, Intake, ItemVersion, Operation, Result, Versioned,
};
use rusqlite::Connection;

use crate::entities::{self, Kept};
use crate::error::Fault;
use crate::store::{Handle, only};
use crate::{history, list, writing};

#[async_trait]
impl Directory for Handle {
    async fn layout(&self) -> Result<Arc<Layout>> {
        let layouts = self.shared.layouts.clone();
        self.read(Operation::Directory, move |connection, account| layouts.get(connection, account)).await
    }

    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        self.entities(query).await
    }

    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>> {
        self.entities(query).await
    }

    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>> {
        self.entities(query).await
    }

    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>> {
        self.entities(query).await
    }

    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>> {
        let notes = move |connection: &Connection, account| {
            let most = u64::from(page.size()) + 1;
            Ok(cut(entities::notes(connection, account, on, page.offset(), most)?, page))
        };
        self.read(Operation::Directory, notes).await
    }
}

impl Handle {
    async fn entities<T: Kept>(&self, query: &EntityQuery<T::Id>) -> Result<Page<T>> {
        query.check()?;
        let EntityQuery { ids, page, .. } = query.clone();
        let found = move |connection: &Connection, account| match ids {
            Some(ids) => named(connection, account, ids, page),
            None => {
                let most = u64::from(page.size()) + 1;
                Ok(cut(entities::listed(connection, account, page.offset(), most)?, page))
            }
        };
        self.read(Operation::Directory, found).await
    }
}

/// A page of those with these ids.
fn named<T: Kept>(
    connection: &Connection,
    account: AccountId,
    mut ids: Vec<T::Id>,
    page: PageRequest,
) -> std::result::Result<Page<T>, Fault> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::new();
    for id in ids {
        found.extend(entities::find(connection, account, id)?);
    }
    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    Ok(cut(found.into_iter().skip(offset).collect(), page))
}

/// A page of rows of which one too many was read.
fn cut<T>(mut rows: Vec<T>, page: PageRequest) -> Page<T> {
    let size = page.size() as usize;
    let more = if rows.len() > size { More::Yes } else { More::No };
    rows.truncate(size);
    Page { items: rows, more }
}

#[async_trait]
impl Intake for Handle {
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt> {
        let arrival = Arrival::TakeIn(Box::new(item.clone()));
        only(Operation::TakeIn, self.arrive(Operation::TakeIn, arrival).await?)
    }
}

#[async_trait]
impl History for Handle {
    async fn events(&self, after: Option<&Cursor>, most: u32) -> Result<Events> {
        let after = after.cloned();
        let events = move |connection: &Connection, account| {
            history::events(connection, account, after.as_ref(), most)
        };
        self.read(Operation::History, events).await
    }
}

#[async_trait]
impl Versioned for Handle {
    async fn revision(&self) -> Result<Option<u64>> {
        let seen = match self.seen() {
            Some(seen) => Ok(seen),
            None => self.shared.readers.read_here(|connection| {
                let layout = self.shared.layouts.get(connection, self.account)?;
                Ok((layout, writing::marks(connection, self.account)?.0))
            }),
        };
        let told = |fault: Fault| fault.told(Operation::List);
        let (layout, revision) = seen.map_err(told)?;
        layout.authorize(self.user, Right::View).map_err(|refusal| told(refusal.into()))?;
        Ok(Some(revision))
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        let query = query.clone();
        self.read(Operation::List, move |connection, account| list::versions(connection, account, &query))
            .await
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        let uids = uids.to_vec();
        let items = move |connection: &Connection, account| {
            let mut found = Vec::with_capacity(uids.len());
            for uid in &uids {
                found.extend(list::item(connection, account, uid)?);
            }
            Ok(found)
        };
        self.read(Operation::Get, items).await
    }
}
