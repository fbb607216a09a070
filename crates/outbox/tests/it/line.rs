//! A store in memory behind a line that fails, and an outbox in front of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line as Row;
use incoming_leads_model::{
    Accept, Account, AccountId, Add, Channel, Decline, Draft, IncomingLead, Layout, Link, ListQuery,
    Metadata, Moment, Page, Pipeline, PipelineId, Policies, Receipt, Rights, SipMetadata, Status, StatusId,
    StatusKind, Summary, SummaryQuery, Uid, User, UserId,
};
use incoming_leads_outbox::{Outbox, Settings, Ticket};
use incoming_leads_port::{
    Capabilities, Error, ErrorKind, Ids, IncomingLeads, ManualClock, Operation, Principal, Provision,
    Registry, Result,
};

/// What becomes of the next add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It takes effect and the answer is lost.
    LostAnswer,
    /// It does not arrive, and nobody can tell.
    LostRequest,
    /// It surely does not arrive.
    Unavailable,
    /// The credentials are not accepted.
    Unauthorized,
    /// It takes effect and is accepted by somebody before the answer is lost.
    LostAndSorted,
    /// It takes effect and the answer never comes.
    Hangs,
}

/// What happens while somebody turns from the first page of a list to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Another call comes in.
    Arrival,
    /// The newest is declined.
    Decline,
}

/// A port that hands on to another and fails by a list, first fault first.
#[derive(Debug)]
pub(crate) struct Line {
    inner: Arc<dyn IncomingLeads>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) adds: Mutex<usize>,
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
}

#[async_trait]
impl IncomingLeads for Line {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        let page = self.inner.list(query).await?;
        let meanwhile = self.meanwhile.lock().unwrap().take();
        match meanwhile {
            None => {}
            Some(Meanwhile::Arrival) => {
                self.inner.add(&Add::calls(vec![call(1_000)])).await?;
            }
            Some(Meanwhile::Decline) => {
                self.inner.decline(&page.items[0].uid, &Decline::default()).await?;
            }
        }
        Ok(page)
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        self.inner.get(uid).await
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        *self.adds.lock().unwrap() += 1;
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            if faults.is_empty() { None } else { Some(faults.remove(0)) }
        };
        let lost = || Error::new(ErrorKind::Timeout, Operation::Add);
        match fault {
            None => self.inner.add(add).await,
            Some(Fault::LostAnswer) => self.inner.add(add).await.and(Err(lost())),
            Some(Fault::LostRequest) => Err(lost()),
            Some(Fault::Unavailable) => Err(Error::new(ErrorKind::RateLimited, Operation::Add)),
            Some(Fault::Unauthorized) => Err(Error::new(ErrorKind::Unauthorized, Operation::Add)),
            Some(Fault::LostAndSorted) => {
                for receipt in self.inner.add(add).await? {
                    self.inner.accept(&receipt.uid, &Accept::default()).await?;
                }
                Err(lost())
            }
            Some(Fault::Hangs) => {
                self.inner.add(add).await?;
                std::future::pending().await
            }
        }
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        self.inner.accept(uid, accept).await
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        self.inner.decline(uid, decline).await
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.inner.link(uid, link).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.inner.summary(query).await
    }
}

/// An account of one user and one pipeline, a line to it, and a file.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) line: Arc<Line>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) path: PathBuf,
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Moment::from_secs(1_700_000_000).unwrap()));
        let memory = Memory::new(clock.clone(), Arc::new(Ids::sequential()));
        memory
            .import(vec![Row::Header { version: 1, ids: None }, Row::Account(Box::new(layout()))])
            .await
            .unwrap();
        let principal =
            Principal { account_id: AccountId::new(1).unwrap(), user_id: UserId::new(2).unwrap() };
        let inner = memory.open(principal).await.unwrap().incoming;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outbox-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        let line = Arc::new(Line {
            inner,
            faults: Mutex::default(),
            adds: Mutex::default(),
            meanwhile: Mutex::default(),
        });
        Self { line, clock, path }
    }

    pub(crate) fn fails(&self, faults: &[Fault]) {
        self.line.faults.lock().unwrap().extend(faults);
    }

    pub(crate) fn open(&self) -> Outbox {
        self.open_with(Settings::default())
    }

    pub(crate) fn open_with(&self, settings: Settings) -> Outbox {
        Outbox::open(&self.path, self.line.clone(), self.clock.clone(), settings).unwrap()
    }

    /// How many leads ever came to be.
    pub(crate) async fn created(&self) -> u64 {
        self.line.summary(&SummaryQuery::default()).await.unwrap().total
    }
}

fn layout() -> Layout {
    let status = |id, sort, kind| Status {
        id: StatusId::new(id).unwrap(),
        name: format!("{id}"),
        sort,
        kind,
        color: "#c1c1c1".to_owned(),
    };
    let pipeline = Pipeline {
        id: PipelineId::new(3).unwrap(),
        name: "Sales".to_owned(),
        sort: 1,
        is_main: true,
        is_archive: false,
        is_unsorted_on: true,
        statuses: vec![status(10, 10, StatusKind::Unsorted), status(11, 20, StatusKind::Ordinary)],
    };
    let user = User {
        id: UserId::new(2).unwrap(),
        name: "Joe".to_owned(),
        email: "joe@example.com".to_owned(),
        is_active: true,
        rights: Rights::ADMINISTRATOR,
    };
    let account = Account {
        id: AccountId::new(1).unwrap(),
        subdomain: "example".to_owned(),
        name: "Example".to_owned(),
        created_at: Moment::MIN,
        country: "US".to_owned(),
        currency: "USD".to_owned(),
    };
    Layout {
        account,
        pipelines: vec![pipeline],
        users: vec![user],
        fields: Vec::new(),
        integrations: Vec::new(),
        policies: Policies::default(),
    }
}

/// A call that has an identity.
pub(crate) fn call(number: i64) -> Draft {
    let called_at = Moment::from_secs(1_600_000_000 + number).ok();
    draft(SipMetadata { called_at, phone: Some(number.to_string()), ..SipMetadata::default() })
}

/// A call that has none, told apart from others by its phone only.
pub(crate) fn call_without_identity(number: i64) -> Draft {
    draft(SipMetadata { phone: Some(number.to_string()), ..SipMetadata::default() })
}

fn draft(metadata: SipMetadata) -> Draft {
    Draft {
        source_name: Some("PBX".to_owned()),
        source_uid: Some("pbx".to_owned()),
        metadata: Some(Metadata::Sip(metadata)),
        ..Draft::default()
    }
}

pub(crate) fn submit(outbox: &Outbox, draft: Draft) -> Ticket {
    outbox.submit(Channel::Sip, draft).unwrap()
}
