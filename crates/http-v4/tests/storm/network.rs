//! A simulated network between clients and the server's routes: partitions, delays, duplicates, lost requests and lost
//! answers, all by a seed, on tokio's paused time.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use incoming_leads_conformance::fixture::{ACCOUNT, ADMINISTRATOR, Named, SORTER, START};
use incoming_leads_http_v4::HttpV4;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Secret as Stored, Token};
use incoming_leads_model::{Category, DuplicatePolicy, ListFilter, ListQuery, Moment, Uid};
use incoming_leads_port::{Clock, Ids, Principal, Provision, Registry};
use incoming_leads_server::{Config, InProcess, RegistryGate, digest};
use incoming_leads_transport::tokens::Secret;
use incoming_leads_transport::{
    Arrival, Authorized, LimitRule, Limited, Limiter, MemoryLimiter, Request, Response, RetryPolicy,
    Retrying, SendError, SendErrorKind, Time, Transport,
};
use tokio::time::{Instant, sleep};

use crate::truth::{Report, Truth};
use crate::work::{Told, Worker};

/// Calls of each client in one run.
const CALLS: usize = 25;
/// After what time a client gives up on an answer.
const TIME_OUT: Duration = Duration::from_secs(20);
/// How long a request may stray after its client gave up.
const STRAY: Duration = Duration::from_secs(20);

/// What one run showed.
pub(crate) struct Run {
    pub(crate) report: Report,
    /// Every message and what became of it, line by line.
    pub(crate) trace: String,
}

/// Whether a client is sound, or has a bug that was put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Sound,
    /// An add that was not answered it sends again, also when it may have arrived.
    RetriesBlindly,
    /// What may have arrived it takes for what did not.
    TakesLostForRefused,
}

/// Two users work over the network of this seed, at first each on leads of its own, then also on the same.
pub(crate) fn run(seed: u64, client: Client) -> Run {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = Simulated(Instant::now());
        let memory = Memory::new(Arc::new(clock), Arc::new(Ids::sequential()));
        memory.import(Named::Standard.fixture().lines).await.unwrap();
        let gate = Arc::new(RegistryGate::new(Arc::new(memory.clone())));
        let server = InProcess::new(Config::default(), gate);
        let network = Arc::new(Network::new(seed, server));
        let shared = Arc::default();
        let mut workers = Vec::new();
        for (number, user) in [ADMINISTRATOR, SORTER].into_iter().enumerate() {
            let secret = Stored::Sha256(digest(&user.to_string()).to_hex());
            memory.enrol(&Token::bearer(ACCOUNT, user, secret)).await.unwrap();
            let seed = seed * 2 + number as u64;
            let leads = leads(&network, number, user.to_string(), client, clock, seed);
            let mut worker = Worker::new(leads, user, &format!("u{number}"), seed, Arc::new(clock));
            worker.patience = TIME_OUT + STRAY * 2;
            worker.shared = Arc::clone(&shared);
            worker.shares = 30;
            if user == ADMINISTRATOR {
                worker.chats = chats(&memory).await;
            }
            workers.push(tokio::spawn(work(worker)));
        }
        let mut told = Vec::new();
        for worker in workers {
            told.extend(worker.await.unwrap());
        }
        // What strays has arrived by then.
        sleep(TIME_OUT + STRAY * 2).await;
        let report = Truth::of(&memory).await.check(&told);
        let mut trace = std::mem::take(&mut network.state.lock().unwrap().trace);
        told.iter().for_each(|told| writeln!(trace, "{told:?}").unwrap());
        Run { report, trace }
    })
}

async fn work(mut worker: Worker) -> Vec<Told> {
    let mut told = Vec::new();
    for _ in 0..CALLS {
        told.push(worker.call().await);
    }
    told
}

fn leads(
    network: &Arc<Network>,
    number: usize,
    token: String,
    client: Client,
    clock: Simulated,
    seed: u64,
) -> HttpV4 {
    let time: Arc<dyn Time> = Arc::new(clock);
    let link = Link { network: Arc::clone(network), number, client };
    let limiter: Arc<dyn Limiter> = Arc::new(MemoryLimiter::new(LimitRule::INTEGRATION));
    let limited = Limited::new(link, vec![limiter], Arc::clone(&time));
    let authorized = Authorized::new(limited, Arc::new(Secret::new(token)));
    let transport = Retrying::new(authorized, RetryPolicy::default(), Arc::clone(&time)).with_seed(seed);
    let builder = HttpV4::builder("http://leads.example").with_time(time);
    builder.with_duplicates(DuplicatePolicy::Refuse).over(transport).unwrap()
}

async fn chats(memory: &Memory) -> Vec<Uid> {
    let principal = Principal { account_id: ACCOUNT, user_id: ADMINISTRATOR };
    let leads = memory.open(principal).await.unwrap().incoming;
    let filter = ListFilter { categories: Some(vec![Category::Chats]), ..ListFilter::default() };
    let page = leads.list(&ListQuery { filter, ..ListQuery::default() }).await.unwrap();
    page.items.into_iter().map(|lead| lead.uid).collect()
}

/// Tokio's paused time, as the port's clock and as the transport's.
#[derive(Debug, Clone, Copy)]
struct Simulated(Instant);

impl Clock for Simulated {
    fn now(&self) -> Moment {
        Moment::from_secs(START.secs() + self.0.elapsed().as_secs() as i64).unwrap()
    }
}

#[async_trait]
impl Time for Simulated {
    fn now(&self) -> Duration {
        Duration::from_secs(START.secs().unsigned_abs()) + self.0.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        sleep(wait).await;
    }
}

/// The network.
#[derive(Debug)]
struct Network {
    server: InProcess,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    messages: u64,
    trace: String,
    /// Of each client: when it is cut off from the server, from and to.
    partitions: Vec<Vec<(Duration, Duration)>>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
struct Fate {
    kind: Kind,
    there: Duration,
    back: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delivered,
    /// No connection can be made.
    Refused,
    /// It never arrives.
    Lost,
    /// It arrives, and no answer comes back.
    AnswerLost,
    /// It arrives, and the connection breaks before the answer.
    Broken,
    /// It arrives after its client gave up.
    Strays,
    /// It arrives twice.
    Doubled,
}

impl Network {
    fn new(seed: u64, server: InProcess) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let partitions = (0..2).map(|_| partitions(&mut random)).collect();
        let state = Mutex::new(State { random, messages: 0, trace: String::new(), partitions });
        Self { server, begun: Instant::now(), state }
    }

    /// The number of a new message, and its fate, which is drawn before anything else happens.
    fn begin(&self, number: usize, request: &Request) -> (u64, Fate) {
        let is_cut_off = self.is_cut_off(number);
        let mut state = self.state.lock().unwrap();
        state.messages += 1;
        let message = state.messages;
        let drawn = state.random.u8(0..100);
        let millis = |random: &mut fastrand::Rng| Duration::from_millis(random.u64(1..=80));
        let (mut there, back) = (millis(&mut state.random), millis(&mut state.random));
        let stray = TIME_OUT + Duration::from_millis(state.random.u64(0..STRAY.as_millis() as u64));
        let kind = match drawn {
            _ if is_cut_off && drawn < 50 => Kind::Refused,
            _ if is_cut_off => Kind::Lost,
            0..3 => Kind::Refused,
            3..7 => Kind::Lost,
            7..13 => Kind::AnswerLost,
            13..17 => Kind::Broken,
            17..20 => Kind::Strays,
            20..24 if may_be_doubled(request) => Kind::Doubled,
            _ => Kind::Delivered,
        };
        if kind == Kind::Strays {
            there = stray;
        }
        drop(state);
        self.note(
            message,
            format_args!(
                "{number} {} {} {:x} {kind:?}",
                request.method(),
                request.uri(),
                hash(request.body())
            ),
        );
        (message, Fate { kind, there, back })
    }

    fn is_cut_off(&self, number: usize) -> bool {
        let now = self.begun.elapsed();
        let state = self.state.lock().unwrap();
        state.partitions[number].iter().any(|(from, to)| *from <= now && now < *to)
    }

    fn note(&self, message: u64, what: std::fmt::Arguments<'_>) {
        let micros = self.begun.elapsed().as_micros();
        writeln!(self.state.lock().unwrap().trace, "{micros} #{message} {what}").unwrap();
    }

    /// The server's answer to a message that has arrived.
    async fn arrive(&self, message: u64, request: Request) -> Response {
        let answer = self.server.answer(request).await.expect("nothing goes wrong in the server");
        self.note(message, format_args!("answered {} {:x}", answer.status().as_u16(), hash(answer.body())));
        answer
    }
}

/// A call without its moment is told from its double by nobody: a network that doubles it has doubled the lead.
fn may_be_doubled(request: &Request) -> bool {
    !request.uri().path().ends_with("/sip") || String::from_utf8_lossy(request.body()).contains("called_at")
}

/// Some stretches of a few minutes, in the hours that a run takes.
fn partitions(random: &mut fastrand::Rng) -> Vec<(Duration, Duration)> {
    let mut from = Duration::ZERO;
    (0..random.usize(0..8))
        .map(|_| {
            from += Duration::from_secs(random.u64(10..600));
            let to = from + Duration::from_secs(random.u64(1..90));
            (from, to)
        })
        .collect()
}

fn hash(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    hasher.finish()
}

/// One client's end of the network.
#[derive(Debug)]
struct Link {
    network: Arc<Network>,
    number: usize,
    client: Client,
}

#[async_trait]
impl Transport for Link {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let is_add = request.uri().path().ends_with("/sip");
        let answer = self.once(request.clone()).await;
        match (self.client, answer) {
            (Client::RetriesBlindly, Err(_)) if is_add => self.once(request).await,
            (Client::TakesLostForRefused, Err(error)) => Err(SendError::new(error.kind(), Arrival::No)),
            (_, answer) => answer,
        }
    }
}

impl Link {
    async fn once(&self, request: Request) -> Result<Response, SendError> {
        let Self { network, number, .. } = self;
        let (message, Fate { kind, there, back }) = network.begin(*number, &request);
        let timed_out = Err(SendError::new(SendErrorKind::Timeout, Arrival::Perhaps));
        match kind {
            Kind::Refused => {
                sleep(there).await;
                return Err(SendError::new(SendErrorKind::Connect, Arrival::No));
            }
            Kind::Lost => {
                sleep(TIME_OUT).await;
                return timed_out;
            }
            Kind::Strays => {
                let network = Arc::clone(network);
                tokio::spawn(async move {
                    sleep(there).await;
                    network.arrive(message, request).await;
                });
                sleep(TIME_OUT).await;
                return timed_out;
            }
            Kind::Delivered | Kind::AnswerLost | Kind::Broken | Kind::Doubled => sleep(there).await,
        }
        let answer = network.arrive(message, request.clone()).await;
        if kind == Kind::Doubled {
            network.arrive(message, request).await;
        }
        sleep(back).await;
        // Whoever is cut off meanwhile does not hear the answer.
        if kind == Kind::AnswerLost || network.is_cut_off(*number) {
            sleep(TIME_OUT - there - back).await;
            return timed_out;
        }
        if kind == Kind::Broken {
            return Err(SendError::new(SendErrorKind::Broken, Arrival::Perhaps));
        }
        Ok(answer)
    }
}
