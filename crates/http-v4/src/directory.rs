//! What incoming leads point to, as far as v4 tells it.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{try_join3, try_join4};
use http::Response;
use incoming_leads_model::limits::MAX_PAGE_SIZE_V4;
use incoming_leads_model::paging::split;
use incoming_leads_model::{
    Company, CompanyId, Contact, ContactId, Customer, CustomerId, EntityKind, EntityRef, Field, Layout, Lead,
    LeadId, More, Note, Page, PageRequest, Pipeline, PipelineId, Policies, StatusId, UserId,
};
use incoming_leads_port::{Directory, EntityQuery, ErrorKind, Operation, Result};
use incoming_leads_wire_v4::{Failure, account, entity};

use crate::client::{HttpV4, Parts};
use crate::error::Sent;

/// How long pipelines are kept: they say which leads wait.
const PIPELINES_AGE: Duration = Duration::from_secs(60);

/// The stages of incoming leads of an account's pipelines.
pub(crate) type Pipelines = HashSet<(PipelineId, StatusId)>;

/// One kind of entity, as v4 tells it.
pub(crate) trait OnV4: Sized + Send {
    const KIND: EntityKind;
    type Id: Copy + Ord + Send + Sync + Into<u64>;

    fn id(&self) -> Self::Id;
    fn reference(id: Self::Id) -> EntityRef;
    fn read(response: &Response<Vec<u8>>) -> ResultOf<Option<Self>>;
    fn read_list(response: &Response<Vec<u8>>) -> ResultOf<Page<Self>>;
}

type ResultOf<T> = std::result::Result<T, Failure>;

macro_rules! on_v4 {
    ($Entity:ident, $Id:ident, $Kind:ident, $read:ident, $read_list:ident) => {
        impl OnV4 for $Entity {
            const KIND: EntityKind = EntityKind::$Kind;
            type Id = $Id;

            fn id(&self) -> $Id {
                self.id
            }

            fn reference(id: $Id) -> EntityRef {
                EntityRef::$Kind(id)
            }

            fn read(response: &Response<Vec<u8>>) -> ResultOf<Option<Self>> {
                entity::$read(response)
            }

            fn read_list(response: &Response<Vec<u8>>) -> ResultOf<Page<Self>> {
                entity::$read_list(response)
            }
        }
    };
}

on_v4!(Lead, LeadId, Lead, read_lead, read_leads);
on_v4!(Contact, ContactId, Contact, read_contact, read_contacts);
on_v4!(Company, CompanyId, Company, read_company, read_companies);
on_v4!(Customer, CustomerId, Customer, read_customer, read_customers);

impl HttpV4 {
    async fn look<T>(
        &self,
        request: http::Request<Vec<u8>>,
        read: impl FnOnce(&Response<Vec<u8>>) -> ResultOf<T> + Send,
    ) -> Result<T> {
        self.inner.exchange.ask(Operation::Directory, Sent::Question, request, read).await
    }

    /// One entity by id.
    pub(crate) async fn one<E: OnV4>(&self, id: E::Id) -> Result<Option<E>> {
        let request = entity::request(E::reference(id), self.origin());
        match self.inner.exchange.ask(Operation::Directory, Sent::Entity, request, E::read).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            asked => asked,
        }
    }

    /// Entities by id, as many at once as an address holds, by id ascending.
    pub(crate) async fn by_ids<E: OnV4>(&self, ids: Vec<E::Id>) -> Result<Vec<E>> {
        let ids: Vec<E::Id> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(MAX_PAGE_SIZE_V4 as usize) {
            if let [id] = some {
                found.extend(self.one::<E>(*id).await?);
                continue;
            }
            let numbers = some.iter().map(|id| (*id).into());
            let request = entity::ids_request(E::KIND, numbers, self.origin())
                .expect("250 numbers are shorter than the longest address");
            let page = self.look(request, E::read_list).await?;
            // A server that does not know the filter tells of anything.
            found.extend(page.items.into_iter().filter(|entity| some.binary_search(&entity.id()).is_ok()));
        }
        found.sort_by_key(E::id);
        found.dedup_by_key(|entity| entity.id());
        Ok(found)
    }

    async fn entities<E: OnV4>(&self, query: &EntityQuery<E::Id>) -> Result<Page<E>> {
        query.check()?;
        let page = match &query.ids {
            Some(ids) => cut(self.by_ids(ids.clone()).await?, query.page),
            None => self.listed(query.page).await?,
        };
        Ok(page)
    }

    async fn listed<E: OnV4>(&self, page: PageRequest) -> Result<Page<E>> {
        let slices = split(page, MAX_PAGE_SIZE_V4);
        let mut parts = Parts::of(&slices);
        for slice in slices {
            let request = entity::list_request(E::KIND, slice.page, self.origin());
            let told = self.look(request, E::read_list).await?;
            if parts.take(Operation::Directory, slice, told)? {
                break;
            }
        }
        Ok(parts.page)
    }

    /// The stages of incoming leads, as they were a minute ago at most.
    pub(crate) async fn pipelines(&self) -> Result<Arc<Pipelines>> {
        let now = self.inner.time.now();
        {
            let kept = self.inner.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, pipelines)) = &*kept
                && now.saturating_sub(*since) < PIPELINES_AGE
            {
                return Ok(Arc::clone(pipelines));
            }
        }
        let told = self.look(account::pipelines_request(self.origin()), account::read_pipelines).await?;
        Ok(self.keep_pipelines(&told))
    }

    fn keep_pipelines(&self, told: &[Pipeline]) -> Arc<Pipelines> {
        let stages = told.iter().filter_map(|pipeline| Some((pipeline.id, pipeline.unsorted_status()?.id)));
        let pipelines = Arc::new(stages.collect::<Pipelines>());
        let mut kept = self.inner.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((self.inner.time.now(), Arc::clone(&pipelines)));
        pipelines
    }

    /// Whose token it is.
    pub(crate) async fn caller(&self) -> Result<UserId> {
        if let Some(caller) = *self.inner.caller.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(caller);
        }
        let (_, caller) = self.look(account::account_request(self.origin()), account::read_account).await?;
        *self.inner.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller);
        Ok(caller)
    }

    async fn fields(&self, kind: EntityKind) -> Result<Vec<Field>> {
        let request = account::fields_request(kind, self.origin());
        self.look(request, |response| account::read_fields(kind, response)).await
    }
}

/// A page of what is there in order.
fn cut<T>(all: Vec<T>, page: PageRequest) -> Page<T> {
    let mut rest = all.into_iter().skip(usize::try_from(page.offset()).unwrap_or(usize::MAX));
    let items = rest.by_ref().take(page.size() as usize).collect();
    Page { items, more: if rest.next().is_some() { More::Yes } else { More::No } }
}

#[async_trait]
impl Directory for HttpV4 {
    /// Policies are not told by v4, so they are the defaults; of users and of fields of a kind the first 250 are told.
    async fn layout(&self) -> Result<Arc<Layout>> {
        let origin = self.origin();
        let whole = try_join3(
            self.look(account::account_request(origin), account::read_account),
            self.look(account::pipelines_request(origin), account::read_pipelines),
            self.look(account::users_request(origin), account::read_users),
        );
        let fields = try_join4(
            self.fields(EntityKind::Lead),
            self.fields(EntityKind::Contact),
            self.fields(EntityKind::Company),
            self.fields(EntityKind::Customer),
        );
        let (((account, _), pipelines, users), (lead, contact, company, customer)) =
            futures_util::future::try_join(whole, fields).await?;
        self.keep_pipelines(&pipelines);
        let fields = [lead, contact, company, customer].into_iter().flatten().collect();
        Ok(Arc::new(Layout {
            account,
            pipelines,
            users,
            fields,
            integrations: Vec::new(),
            policies: Policies::default(),
        }))
    }

    /// A lead waits when it stands in the stage of incoming leads of its pipeline: v4 has no flag for it.
    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        let mut page: Page<Lead> = self.entities(query).await?;
        if !page.items.is_empty() {
            let pipelines = self.pipelines().await?;
            for lead in &mut page.items {
                let stage = (lead.pipeline_id, lead.status_id);
                lead.is_unsorted = !lead.stamp.is_deleted && pipelines.contains(&stage);
            }
        }
        Ok(page)
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
        let slices = split(page, MAX_PAGE_SIZE_V4);
        let mut parts = Parts::of(&slices);
        for slice in slices {
            let request = entity::notes_request(on, slice.page, self.origin());
            let told = self.look(request, |response| entity::read_notes(on, response)).await?;
            if parts.take(Operation::Directory, slice, told)? {
                break;
            }
        }
        Ok(parts.page)
    }
}
