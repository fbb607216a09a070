//! Servers over memory, transports that lose answers, and transports that answer by a script.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderValue, Method, Response as HttpResponse, header::CONTENT_TYPE};
use incoming_leads_conformance::fixture::{ACCOUNT, ADMINISTRATOR, Named, SORTER, START};
use incoming_leads_http_v4::{HttpV4, HttpV4Builder};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Secret as Stored, Token};
use incoming_leads_model::{CallEvent, Card, ContactDraft, Draft, LeadDraft, Metadata, SipMetadata, UserId};
use incoming_leads_port::{Ids, ManualClock, Ports, Principal, Provision, Registry};
use incoming_leads_server::{Config, RegistryGate, Server, digest};
use incoming_leads_transport::tokens::Secret;
use incoming_leads_transport::{
    Arrival, Authorized, Request, Reqwest, Response, SendError, SendErrorKind, SimulatedTime, Transport,
};

/// A server over memory with the kit's accounts.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) memory: Memory,
}

impl World {
    pub(crate) async fn of(fixture: Named) -> Self {
        let memory = Memory::new(Arc::new(ManualClock::new(START)), Arc::new(Ids::random()));
        memory.import(fixture.fixture().lines).await.unwrap();
        for user_id in [ADMINISTRATOR, SORTER] {
            let secret = Stored::Sha256(digest(&user_id.to_string()).to_hex());
            memory.enrol(&Token::bearer(ACCOUNT, user_id, secret)).await.unwrap();
        }
        let gate = Arc::new(RegistryGate::new(Arc::new(memory.clone())));
        let server = Server::start(Config::default(), gate).await.unwrap();
        Self { server, memory }
    }

    /// The store itself, as this user sees it.
    pub(crate) async fn behind(&self, user_id: UserId) -> Ports {
        self.memory.open(Principal { account_id: ACCOUNT, user_id }).await.unwrap()
    }

    /// What goes to the server with the token of this user.
    pub(crate) fn network(&self, user_id: UserId) -> Authorized<Reqwest> {
        let network = Reqwest::builder().build().unwrap();
        Authorized::new(network, Arc::new(Secret::new(user_id.to_string())))
    }

    /// The port over a network that does to writes, in turn, what is said here; and to all others nothing.
    pub(crate) fn leads(
        &self,
        user_id: UserId,
        faults: &[Fault],
        set: impl FnOnce(HttpV4Builder) -> HttpV4Builder,
    ) -> (HttpV4, Arc<Lossy>) {
        let lossy = Arc::new(Lossy {
            inner: Box::new(self.network(user_id)),
            faults: Mutex::new(faults.iter().copied().collect()),
            writes: Mutex::new(0),
        });
        let builder = HttpV4::builder(self.server.url()).with_time(Arc::new(SimulatedTime::default()));
        (set(builder).over(Arc::clone(&lossy)).unwrap(), lossy)
    }
}

/// What happens to a write on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It takes effect, and the answer is lost.
    AnswerLost,
    /// It never arrives, and nobody can tell.
    Lost,
    /// It takes effect, and a proxy answers 502.
    BadGateway,
    /// It takes effect, and the answer is cut in the middle.
    Cut,
}

/// A transport that loses writes and their answers.
#[derive(Debug)]
pub(crate) struct Lossy {
    inner: Box<dyn Transport>,
    faults: Mutex<VecDeque<Fault>>,
    writes: Mutex<usize>,
}

impl Lossy {
    /// How many writes were sent.
    pub(crate) fn writes(&self) -> usize {
        *self.writes.lock().unwrap()
    }
}

#[async_trait]
impl Transport for Lossy {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        if request.method() == Method::GET {
            return self.inner.send(request).await;
        }
        *self.writes.lock().unwrap() += 1;
        let fault = self.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        let lost = SendError::new(SendErrorKind::Broken, Arrival::Perhaps);
        if fault == Fault::Lost {
            return Err(lost);
        }
        let mut answer = self.inner.send(request).await?;
        match fault {
            Fault::None => Ok(answer),
            Fault::AnswerLost | Fault::Lost => Err(lost),
            Fault::BadGateway => Ok(html(502)),
            Fault::Cut => {
                let half = answer.body().len() / 2;
                answer.body_mut().truncate(half);
                Ok(answer)
            }
        }
    }
}

/// A transport that gives the same answer to all.
#[derive(Debug)]
pub(crate) struct Says(pub(crate) Response);

#[async_trait]
impl Transport for Says {
    async fn send(&self, _: Request) -> Result<Response, SendError> {
        Ok(self.0.clone())
    }
}

pub(crate) fn answer(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Response {
    let mut response = HttpResponse::new(body.into());
    *response.status_mut() = status.try_into().unwrap();
    if !kind.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

pub(crate) fn html(status: u16) -> Response {
    answer(status, "text/html", "<html><head><title>nginx</title></head><body>no</body></html>")
}

/// The port before a server that gives the same answer to all, and looks for nothing.
pub(crate) fn before(response: Response) -> HttpV4 {
    let builder = HttpV4::builder("https://example.kommo.com");
    let never = incoming_leads_http_v4::Reconciliation::OFF;
    builder.with_reconciliation(never).over(Says(response)).unwrap()
}

/// A call that can be told from others by its number, with a lead and a contact.
pub(crate) fn call(number: u64) -> Draft {
    let metadata = SipMetadata {
        from: Some(number.to_string()),
        called_at: Some(START),
        call_event: Some(CallEvent::Plain),
        ..SipMetadata::default()
    };
    let card = Card { name: Some("Ann".to_owned()), ..Card::default() };
    Draft {
        source_name: Some("PBX".to_owned()),
        source_uid: Some("pbx".to_owned()),
        metadata: Some(Metadata::Sip(metadata)),
        leads: vec![LeadDraft { price: Some(5), card: card.clone(), ..LeadDraft::default() }],
        contacts: vec![ContactDraft { card, ..ContactDraft::default() }],
        ..Draft::default()
    }
}
