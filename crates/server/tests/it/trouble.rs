//! A port that panics, dawdles and fails; a peer that dawdles; a server that is stopped; and what the log tells of it all.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, Page, Receipt, Summary, SummaryQuery, Uid,
};
use incoming_leads_port::{Capabilities, Error, ErrorKind, IncomingLeads, Operation, Ports, Result};
use incoming_leads_server::{Config, Credentials, Denied, Gate, Host, Limits, Server, Session, SessionTable};
use serde_json::json;

use crate::raw::{Raw, exchange};
use crate::world::{ADMINISTRATOR, World, request};

const UNSORTED: &str = "/api/v4/leads/unsorted";

/// A port that does what the uid says.
#[derive(Debug)]
struct Moody;

impl Moody {
    async fn act<T>(&self, operation: Operation, uid: &Uid) -> Result<T> {
        let kind = match uid.as_str() {
            "panic" => panic!("the port panics"),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(600)).await;
                ErrorKind::NotFound
            }
            "never" => std::future::pending().await,
            "lost" => ErrorKind::Timeout,
            "away" => ErrorKind::Unavailable,
            "damaged" => ErrorKind::Damaged,
            "limited" => {
                let limited = Error::new(ErrorKind::RateLimited, operation);
                return Err(limited.with_retry_after(Duration::from_secs(9)));
            }
            _ => ErrorKind::NotFound,
        };
        Err(Error::new(kind, operation).with_detail("secret-of-the-port"))
    }
}

#[async_trait]
impl IncomingLeads for Moody {
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    async fn list(&self, _: &ListQuery) -> Result<Page> {
        Err(Error::new(ErrorKind::Unsupported, Operation::List))
    }

    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
        self.act(Operation::Get, uid).await
    }

    async fn add(&self, _: &Add) -> Result<Vec<Receipt>> {
        Err(Error::new(ErrorKind::Unavailable, Operation::Add))
    }

    async fn accept(&self, uid: &Uid, _: &Accept) -> Result<Receipt> {
        self.act(Operation::Accept, uid).await
    }

    async fn decline(&self, uid: &Uid, _: &Decline) -> Result<Receipt> {
        self.act(Operation::Decline, uid).await
    }

    async fn link(&self, uid: &Uid, _: &Link) -> Result<Receipt> {
        self.act(Operation::Link, uid).await
    }

    async fn summary(&self, _: &SummaryQuery) -> Result<Summary> {
        Err(Error::new(ErrorKind::Unsupported, Operation::Summary))
    }
}

async fn moody(limits: Limits) -> Server {
    let mut config = Config::default();
    config.limits = limits;
    let gate = SessionTable::new().with("t", Session::new(Ports::new(Arc::new(Moody))));
    Server::start(config, Arc::new(gate)).await.unwrap()
}

#[tokio::test]
async fn a_panic_is_a_500_and_nothing_more() {
    let server = moody(Limits::default()).await;
    let mut raw = Raw::open(server.addr()).await;
    for _ in 0..3 {
        raw.send(request("t", "GET", &format!("{UNSORTED}/panic"), "")).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!((answer.status, answer.content_type()), (500, "application/problem+json"));
        assert!(answer.header("x-request-id").is_some());
    }
    raw.send(request("t", "GET", &format!("{UNSORTED}/other"), "")).await;
    assert_eq!(raw.answer().await.unwrap().status, 404);
}

#[tokio::test]
async fn what_may_have_taken_effect_is_told_as_503() {
    let server = moody(Limits { request_time: Duration::from_millis(300), ..Limits::default() }).await;
    for (uid, status, retry_after) in [
        ("lost", 503, Some("1")),
        ("away", 503, Some("1")),
        ("damaged", 503, Some("1")),
        ("never", 503, Some("1")),
        ("limited", 429, Some("9")),
        ("other", 404, None),
    ] {
        let asked = request("t", "POST", &format!("{UNSORTED}/{uid}/accept"), "");
        let answer = exchange(server.addr(), asked).await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (status, retry_after), "{uid}");
        assert!(status < 500 || !answer.text().contains("secret-of-the-port"), "{}", answer.text());
    }
}

#[tokio::test]
async fn what_a_port_lacks_is_said() {
    let server = moody(Limits::default()).await;
    for target in [
        "/api/v4/leads",
        "/api/v4/account",
        "/api/v4/users",
        "/api/v4/leads/unsorted",
        "/api/v4/leads/unsorted/summary",
    ] {
        let answer = exchange(server.addr(), request("t", "GET", target, "")).await.unwrap();
        assert_eq!((answer.status, answer.content_type()), (501, "application/problem+json"), "{target}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = moody(Limits { body_time: Duration::from_millis(200), ..Limits::default() }).await;
    let mut raw = Raw::open(server.addr()).await;
    raw.send(
        request("t", "POST", &format!("{UNSORTED}/sip"), "[1]")
            .replace("[1]", "")
            .replace("Length: 3", "Length: 9"),
    )
    .await;
    let begun = Instant::now();
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, answer.content_type()), (408, "application/problem+json"));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(raw.is_closed().await);
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_finish() {
    let server = moody(Limits::default()).await;
    let (mut idle, mut busy) = (Raw::open(server.addr()).await, Raw::open(server.addr()).await);
    idle.send(request("t", "GET", &format!("{UNSORTED}/other"), "")).await;
    assert!(idle.answer().await.is_some());
    busy.send(request("t", "GET", &format!("{UNSORTED}/slow"), "")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (address, begun) = (server.addr(), Instant::now());
    let (answer, ()) = tokio::join!(busy.answer(), server.stop());
    assert!(begun.elapsed() < Duration::from_secs(5), "an idle connection was waited for");
    assert_eq!(answer.map(|answer| answer.status), Some(404));
    assert!(idle.is_closed().await && busy.is_closed().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_is_bounded() {
    let server = moody(Limits { drain_time: Duration::from_millis(200), ..Limits::default() }).await;
    let mut busy = Raw::open(server.addr()).await;
    busy.send(request("t", "GET", &format!("{UNSORTED}/never"), "")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(busy.is_closed().await);
}

#[test]
fn a_server_can_have_a_thread_of_its_own() {
    let gate = SessionTable::new().with("t", Session::new(Ports::new(Arc::new(Moody))));
    let server = Server::start_on_thread(Config::default(), Arc::new(gate)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = request("t", "GET", &format!("{UNSORTED}/other"), "");
    let answer = runtime.block_on(exchange(server.addr(), &asked));
    assert_eq!(answer.map(|answer| answer.status), Some(404));
    let address = server.addr();
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());

    let gate = SessionTable::new();
    let server = Server::start_on_thread(Config::default(), Arc::new(gate)).unwrap();
    runtime.block_on(server.stop());
}

/// A gate whose store is away.
#[derive(Debug)]
struct Away;

#[async_trait]
impl Gate for Away {
    async fn admit(&self, _: Credentials<'_>, _: &Host) -> std::result::Result<Session, Denied> {
        Err(Denied::Failed(Error::new(ErrorKind::Unavailable, Operation::Registry)))
    }

    async fn open_session(
        &self,
        _: Credentials<'_>,
        _: &Host,
        _: &str,
        _: Duration,
    ) -> std::result::Result<Session, Denied> {
        Err(Denied::Unknown)
    }

    async fn ready(&self) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, Operation::Registry))
    }
}

#[tokio::test]
async fn a_process_lives_also_when_it_is_not_ready() {
    let world = World::kommo().await;
    let server = Server::start(Config::default(), Arc::new(Away)).await.unwrap();
    let ask = |address, target: &str| exchange(address, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    for (address, target, status) in [
        (world.addr(), "/healthz", 200),
        (world.addr(), "/readyz", 200),
        (server.addr(), "/healthz", 200),
        (server.addr(), "/readyz", 503),
    ] {
        assert_eq!(ask(address, target).await.unwrap().status, status, "{target}");
    }
    let posted = exchange(world.addr(), "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    // Nobody can tell who asks, and nobody is told that his token is wrong.
    let asked = exchange(server.addr(), request("t", "GET", UNSORTED, "")).await.unwrap();
    assert_eq!(asked.status, 503);
}

/// A log in memory.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Where the log of this thread goes from now on; tests run on one thread each, servers and all.
    fn of_this_thread(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        (log, tracing::subscriber::set_default(subscriber.finish()))
    }
}

#[tokio::test]
async fn the_log_tells_each_request_and_no_secret() {
    let (log, _guard) = Log::of_this_thread(tracing::Level::TRACE);
    let world = World::kommo().await;
    let answer =
        world.get(&format!("{UNSORTED}?login=me@example.com&api_key=hush&USER_HASH=pst&page=1")).await;
    let (id, text) = (answer.header("x-request-id").unwrap(), log.text());
    assert!(text.contains(id) && text.contains("status=200") && text.contains("page=1"), "{text}");
    for secret in [ADMINISTRATOR, "hush", "pst", "me@example.com", "Bearer"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn the_log_tells_nothing_of_leads_unless_it_is_asked_to() {
    let (log, _guard) = Log::of_this_thread(tracing::Level::INFO);
    let world = World::kommo().await;
    let form =
        json!([{"source_name": "Mr Private", "source_uid": "u", "metadata": {"form_id": "Mrs Private"}}]);
    world.post(&format!("{UNSORTED}/forms"), &form).await;
    world
        .ask(ADMINISTRATOR, "POST", &format!("{UNSORTED}/forms"), &form.to_string().replace(':', ";Private"))
        .await;
    world.get(&format!("{UNSORTED}?filter[Private]=Private")).await;
    let text = log.text();
    assert_eq!(text.matches("answered").count(), 3, "{text}");
    assert!(!text.contains("Private"), "{text}");
}

#[tokio::test]
async fn a_line_in_the_log_is_one_line() {
    let (log, _guard) = Log::of_this_thread(tracing::Level::TRACE);
    let world = World::kommo().await;
    world.get(&format!("{UNSORTED}/%0d%0aINFO%20forged?a=%0aINFO+forged&\u{1b}[31m")).await;
    let forged = log.text().lines().any(|line| line.starts_with("INFO"));
    assert!(!forged && !log.text().contains('\u{1b}'), "{}", log.text());
}
