//! Servers that are wrong on purpose: a checker that does not find them finds nothing.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Secret};
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, Metadata, Page, Receipt, Summary, SummaryQuery, Uid,
};
use incoming_leads_port::{
    Capabilities, Error, ErrorKind, IncomingLeads, Operation, Ports, Provision, Registry, Result,
};
use incoming_leads_server::{Config, Credentials, Denied, Gate, Host, RegistryGate, Server, Session, digest};

/// How a server is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Accept reads whether the lead waits and then writes, whatever has happened in between.
    ReadThenWrite,
    /// Of two decisions at the same moment, one overwrites what the other has written.
    LostUpdate,
    /// Whether a lead waits is told from a memory of some milliseconds.
    StaleRead,
    /// Whether a twin waits is read, and then the add is written, whatever has happened in between.
    BlindAdd,
    /// Decisions are acknowledged before they are carried out.
    AcknowledgedEarly,
    /// Nobody is ever told anything: 503.
    Silent,
}

/// How long the moment is in which such a server can be caught.
const MOMENT: Duration = Duration::from_millis(2);

/// Serves the demo's account from memory, wrongly.
pub(crate) fn serve(bug: Bug) -> Server {
    let memory = Memory::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(memory.import(seed())).unwrap();
    start(Arc::new(memory), Some(bug))
}

/// Serves what a store holds, wrongly if it is to be.
pub(crate) fn start(registry: Arc<dyn Registry>, bug: Option<Bug>) -> Server {
    let mut config = Config::default();
    config.intake = true;
    config.limits.connections_per_peer = config.limits.connections;
    let right = RegistryGate::new(registry);
    let gate: Arc<dyn Gate> = match bug {
        None => Arc::new(right),
        Some(bug) => Arc::new(WrongGate { right, bug, shared: Arc::default() }),
    };
    Server::start_on_thread(config, gate).unwrap()
}

/// The account of the demo.
pub(crate) fn seed() -> Vec<Line> {
    let text = include_str!("../../demo/example.seed");
    let lines = serde_json::Deserializer::from_str(text).into_iter::<Line>().map(std::result::Result::unwrap);
    lines
        .map(|mut line| {
            if let Line::Token(token) = &mut line
                && let Secret::Plain(plain) = &token.secret
            {
                token.secret = Secret::Sha256(digest(plain).to_hex());
            }
            if let Line::Account(layout) = &mut line {
                layout.integrations.clear();
            }
            line
        })
        .collect()
}

#[derive(Debug)]
struct WrongGate {
    right: RegistryGate,
    bug: Bug,
    shared: Arc<Shared>,
}

/// What all handles of a wrong server know.
#[derive(Debug, Default)]
struct Shared {
    deciding: AtomicUsize,
    seen: Mutex<HashMap<Uid, (Instant, Option<IncomingLead>)>>,
    added: Mutex<HashSet<String>>,
}

#[async_trait]
impl Gate for WrongGate {
    async fn admit(&self, credentials: Credentials<'_>, host: &Host) -> std::result::Result<Session, Denied> {
        if self.bug == Bug::Silent {
            return Err(Denied::Failed(Error::new(ErrorKind::Unavailable, Operation::Open)));
        }
        let mut session = self.right.admit(credentials, host).await?;
        let right = session.ports.incoming.clone();
        let wrong = Ports::new(Arc::new(Wrong { right, bug: self.bug, shared: self.shared.clone() }));
        let right = std::mem::replace(&mut session.ports, wrong);
        (session.ports.directory, session.ports.intake) = (right.directory, right.intake);
        Ok(session)
    }

    async fn open_session(
        &self,
        credentials: Credentials<'_>,
        host: &Host,
        id: &str,
        life: Duration,
    ) -> std::result::Result<Session, Denied> {
        self.right.open_session(credentials, host, id, life).await
    }

    async fn ready(&self) -> std::result::Result<(), Error> {
        self.right.ready().await
    }
}

#[derive(Debug)]
struct Wrong {
    right: Arc<dyn IncomingLeads>,
    bug: Bug,
    shared: Arc<Shared>,
}

#[async_trait]
impl IncomingLeads for Wrong {
    fn capabilities(&self) -> Capabilities {
        self.right.capabilities()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.right.list(query).await
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        if self.bug != Bug::StaleRead {
            return self.right.get(uid).await;
        }
        let seen = self.shared.seen.lock().unwrap().get(uid).cloned();
        match seen {
            Some((when, lead)) if when.elapsed() < 25 * MOMENT => Ok(lead),
            _ => {
                let lead = self.right.get(uid).await?;
                self.shared.seen.lock().unwrap().insert(uid.clone(), (Instant::now(), lead.clone()));
                Ok(lead)
            }
        }
    }

    async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
        if self.bug != Bug::BlindAdd {
            return self.right.add(add).await;
        }
        let key = add.items.first().and_then(|draft| match &draft.metadata {
            Some(Metadata::Sip(call)) => call.phone.clone(),
            _ => None,
        });
        let key = key.unwrap_or_default();
        let is_known = self.shared.added.lock().unwrap().contains(&key);
        tokio::time::sleep(MOMENT).await;
        let mut added = self.right.add(add).await;
        if added.is_err() && !is_known {
            // A call without its moment has no twin.
            let mut add = add.clone();
            for draft in &mut add.items {
                if let Some(Metadata::Sip(call)) = &mut draft.metadata {
                    call.called_at = None;
                }
            }
            added = self.right.add(&add).await;
        }
        self.shared.added.lock().unwrap().insert(key);
        added
    }

    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
        let waits = self.right.get(uid).await?;
        let Some(waits) = waits else {
            return self.right.accept(uid, accept).await;
        };
        match self.bug {
            Bug::ReadThenWrite => {
                tokio::time::sleep(MOMENT).await;
                match self.right.accept(uid, accept).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(receipt(&waits)),
                    told => told,
                }
            }
            Bug::AcknowledgedEarly => {
                let (right, uid, accept) = (self.right.clone(), uid.clone(), *accept);
                tokio::spawn(async move {
                    tokio::time::sleep(MOMENT).await;
                    right.accept(&uid, &accept).await
                });
                Ok(receipt(&waits))
            }
            Bug::LostUpdate => self.overwritten(&waits, self.right.accept(uid, accept)).await,
            Bug::StaleRead | Bug::BlindAdd | Bug::Silent => self.right.accept(uid, accept).await,
        }
    }

    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
        match self.right.get(uid).await? {
            Some(waits) if self.bug == Bug::LostUpdate => {
                self.overwritten(&waits, self.right.decline(uid, decline)).await
            }
            _ => self.right.decline(uid, decline).await,
        }
    }

    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
        self.right.link(uid, link).await
    }

    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.right.summary(query).await
    }
}

impl Wrong {
    /// Carries a decision out, but for one that comes while another is under way: that one is only acknowledged.
    async fn overwritten(
        &self,
        waits: &IncomingLead,
        decision: impl Future<Output = Result<Receipt>> + Send,
    ) -> Result<Receipt> {
        let others = self.shared.deciding.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(MOMENT).await;
        let told = if others == 0 { decision.await } else { Ok(receipt(waits)) };
        self.shared.deciding.fetch_sub(1, Ordering::SeqCst);
        told
    }
}

/// What whoever decides on this lead is told.
fn receipt(lead: &IncomingLead) -> Receipt {
    let mut receipt = Receipt::of(lead.uid.clone());
    receipt.category = Some(lead.metadata.category());
    (receipt.pipeline_id, receipt.created_at) = (lead.pipeline_id, Some(lead.created_at));
    receipt
}
