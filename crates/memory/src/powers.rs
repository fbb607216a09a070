//! The directory, intake, history and versions of an account.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityRef, IncomingLead, Layout, Lead,
    LeadId, ListQuery, More, Note, Page, PageRequest, Receipt, TakeIn, Uid,
};
use incoming_leads_port::{
    Cursor, Directory, EntityQuery, Error, ErrorKind, Events, History, Intake, ItemVersion, Operation,
    Result, Versioned,
};

use crate::entities::Kept;
use crate::holdings::Holdings;
use crate::store::Handle;
use crate::{list, write};

/// Events of one answer, at most.
const MAX_EVENTS: u32 = 1000;

#[async_trait]
impl Directory for Handle {
    async fn layout(&self) -> Result<Arc<Layout>> {
        self.read(Operation::Directory, |holdings| holdings.layout.clone())
    }

    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        query.check()?;
        self.read(Operation::Directory, |holdings| entities(holdings, query))
    }

    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>> {
        query.check()?;
        self.read(Operation::Directory, |holdings| entities(holdings, query))
    }

    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>> {
        query.check()?;
        self.read(Operation::Directory, |holdings| entities(holdings, query))
    }

    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>> {
        query.check()?;
        self.read(Operation::Directory, |holdings| entities(holdings, query))
    }

    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>> {
        self.read(Operation::Directory, |holdings| cut(holdings.entities.notes(on), page))
    }
}

#[async_trait]
impl Intake for Handle {
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt> {
        self.settle(Operation::TakeIn, |holdings, scene, ids| write::take_in(holdings, scene, ids, item))
    }
}

#[async_trait]
impl History for Handle {
    async fn events(&self, after: Option<&Cursor>, most: u32) -> Result<Events> {
        let answer = self.read(Operation::History, |holdings| {
            let log = holdings.stage.log();
            let number = match after {
                Some(cursor) => log.number_of(cursor.as_str())?,
                None => 0,
            };
            let most = most.clamp(1, MAX_EVENTS) as usize;
            let events: Vec<_> = log.events_from(number).take(most).collect();
            let next = Cursor::new(log.cursor(number + events.len() as u64));
            Some(Events { events, next })
        })?;
        answer.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, Operation::History)
                .with_detail("the cursor is none of this store's")
        })
    }
}

#[async_trait]
impl Versioned for Handle {
    async fn revision(&self) -> Result<Option<u64>> {
        self.read(Operation::List, |holdings| Some(holdings.revision))
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        self.read(Operation::List, |holdings| list::versions(holdings, query))
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        self.read(Operation::Get, |holdings| {
            uids.iter().filter_map(|uid| list::item(holdings, uid)).collect()
        })
    }
}

fn entities<T: Kept>(holdings: &Holdings, query: &EntityQuery<T::Id>) -> Page<T>
where
    T::Id: Ord + TryFrom<u64>,
{
    match &query.ids {
        Some(ids) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            cut(ids.into_iter().filter_map(|id| holdings.read(id)), query.page)
        }
        None => {
            let (ids, more) = T::kind(&holdings.entities).page(query.page.offset(), query.page.size());
            let items = ids.into_iter().filter_map(|id| holdings.read(T::Id::try_from(id).ok()?));
            Page { items: items.collect(), more: if more { More::Yes } else { More::No } }
        }
    }
}

/// A page of what is there in order.
fn cut<T>(all: impl Iterator<Item = T>, page: PageRequest) -> Page<T> {
    let mut rest = all.skip(usize::try_from(page.offset()).unwrap_or(usize::MAX));
    let items = rest.by_ref().take(page.size() as usize).collect();
    Page { items, more: if rest.next().is_some() { More::Yes } else { More::No } }
}
