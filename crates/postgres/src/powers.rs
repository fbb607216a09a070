//! The directory, intake, history and versions of an account.

use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    Arrival, Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityRef, IncomingLead, Layout,
    Lead, LeadId, ListQuery, Note, Page, PageRequest, Receipt, TakeIn, Uid,
};
use incoming_leads_port::{
    Cursor, Directory, EntityQuery, Events, History, Intake, ItemVersion, Operation, Result, Versioned,
};

use crate::store::Handle;
use crate::writer::Command;
use crate::{entities, history, list};

#[async_trait]
impl Directory for Handle {
    async fn layout(&self) -> Result<Arc<Layout>> {
        let account = self.viewed().await.map_err(|fault| fault.told(Operation::Directory))?;
        Ok(account.layout)
    }

    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        let of = self.account();
        self.ask(Operation::Directory, move |lease| async move { entities::page(&lease, of, query).await })
            .await
    }

    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>> {
        let of = self.account();
        self.ask(Operation::Directory, move |lease| async move { entities::page(&lease, of, query).await })
            .await
    }

    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>> {
        let of = self.account();
        self.ask(Operation::Directory, move |lease| async move { entities::page(&lease, of, query).await })
            .await
    }

    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>> {
        let of = self.account();
        self.ask(Operation::Directory, move |lease| async move { entities::page(&lease, of, query).await })
            .await
    }

    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>> {
        let of = self.account();
        self.ask(
            Operation::Directory,
            move |lease| async move { entities::notes(&lease, of, on, page).await },
        )
        .await
    }
}

#[async_trait]
impl Intake for Handle {
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt> {
        let arrival = Arrival::TakeIn(Box::new(item.clone()));
        self.settle(Operation::TakeIn, Command::Arrive(arrival)).await
    }
}

#[async_trait]
impl History for Handle {
    async fn events(&self, after: Option<&Cursor>, most: u32) -> Result<Events> {
        let (of, store) = (self.account(), &self.core.store_id);
        self.ask(Operation::History, move |lease| async move {
            history::events(&lease, store, of, after, most).await
        })
        .await
    }
}

#[async_trait]
impl Versioned for Handle {
    async fn revision(&self) -> Result<Option<u64>> {
        let account = self.viewed().await.map_err(|fault| fault.told(Operation::List))?;
        Ok(account.revision)
    }

    async fn versions(&self, query: &ListQuery) -> Result<Page<ItemVersion>> {
        let of = self.account();
        self.ask(Operation::List, move |lease| async move { list::versions(lease, of, query).await }).await
    }

    async fn items(&self, uids: &[Uid]) -> Result<Vec<(u64, IncomingLead)>> {
        self.ask(Operation::Get, move |lease| async move { list::items(&lease, self.account_id, uids).await })
            .await
    }
}
