//! Ports that go to one server after the other, and the clock that these servers share.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, Add, Company, CompanyId, Contact, ContactId, Customer, CustomerId, Decline, EntityRef,
    IncomingLead, Layout, Lead, LeadId, Link, ListQuery, Moment, Note, Page, PageRequest, Receipt, Summary,
    SummaryQuery, TakeIn, Uid,
};
use incoming_leads_port::{
    Capabilities, Clock, Directory, EntityQuery, IncomingLeads, Intake, ManualClock, Ports, Result,
};

/// A clock in a file: this process sets it, others read it.
#[derive(Debug)]
pub(crate) struct FileClock {
    path: PathBuf,
    file: File,
    clock: Arc<dyn Clock>,
}

impl FileClock {
    /// Tells others the time of this clock.
    pub(crate) fn create(path: PathBuf, clock: Arc<ManualClock>) -> Self {
        let file = File::create(&path).unwrap();
        let told = Self { path, file, clock };
        told.tell();
        told
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn tell(&self) {
        self.file.write_all_at(&self.clock.now().secs().to_ne_bytes(), 0).unwrap();
    }
}

impl Drop for FileClock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The clock of another process.
#[derive(Debug)]
pub(crate) struct TheirClock(pub(crate) File);

impl Clock for TheirClock {
    fn now(&self) -> Moment {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, 0).unwrap();
        Moment::from_secs(i64::from_ne_bytes(bytes)).unwrap()
    }
}

/// The same handle before two servers.
#[derive(Debug)]
pub(crate) struct InTurn {
    ports: [Ports; 2],
    /// Behind both: what no wire has.
    store: Ports,
    next: AtomicUsize,
    clock: Arc<FileClock>,
}

impl InTurn {
    pub(crate) fn ports(ports: [Ports; 2], store: Ports, clock: Arc<FileClock>) -> Ports {
        let directory = ports[0].directory.is_some();
        let turn = Arc::new(Self { ports, store, next: AtomicUsize::new(0), clock });
        let mut all = Ports::new(turn.clone());
        all.intake = Some(turn.clone());
        if directory {
            all.directory = Some(turn);
        }
        all
    }

    fn next(&self) -> &Ports {
        self.clock.tell();
        &self.ports[self.next.fetch_add(1, Ordering::Relaxed) % 2]
    }

    fn incoming(&self) -> &dyn IncomingLeads {
        &*self.next().incoming
    }

    fn directory(&self) -> &dyn Directory {
        &**self.next().directory.as_ref().expect("it is handed out only where there is one")
    }
}

#[async_trait]
impl IncomingLeads for InTurn {
    fn capabilities(&self) -> Capabilities {
        self.ports[0].incoming.capabilities()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.incoming().list(query).await
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        self.incoming().get(uid).await
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        self.incoming().add(add).await
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.incoming().accept(uid, accept).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.incoming().decline(uid, decline).await
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.incoming().link(uid, link).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.incoming().summary(query).await
    }
}

#[async_trait]
impl Directory for InTurn {
    async fn layout(&self) -> Result<Arc<Layout>> {
        self.directory().layout().await
    }

    async fn leads(&self, query: &EntityQuery<LeadId>) -> Result<Page<Lead>> {
        self.directory().leads(query).await
    }

    async fn contacts(&self, query: &EntityQuery<ContactId>) -> Result<Page<Contact>> {
        self.directory().contacts(query).await
    }

    async fn companies(&self, query: &EntityQuery<CompanyId>) -> Result<Page<Company>> {
        self.directory().companies(query).await
    }

    async fn customers(&self, query: &EntityQuery<CustomerId>) -> Result<Page<Customer>> {
        self.directory().customers(query).await
    }

    async fn notes(&self, on: EntityRef, page: PageRequest) -> Result<Page<Note>> {
        self.directory().notes(on, page).await
    }
}

#[async_trait]
impl Intake for InTurn {
    async fn take_in(&self, item: &TakeIn) -> Result<Receipt> {
        self.store.intake.as_ref().expect("a store has an intake").take_in(item).await
    }
}
