//! A connection that is lost during a commit: what is told is what is true.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use incoming_leads_model::{Accept, Add, Decline, ListFilter, ListQuery};
use incoming_leads_port::Outcome;
use incoming_leads_port::{ErrorKind, IncomingLeads, Ports};
use incoming_leads_postgres::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::faults::server;
use crate::world::{add, administrator, form, furnish};

/// Hands everything on, until it is told to break off at a commit of events.
const HONEST: u8 = 0;
/// The commit arrives, its answer does not.
const SWALLOW_ANSWER: u8 = 1;
/// The commit does not arrive.
const SWALLOW_COMMIT: u8 = 2;
/// The commit arrives, its answer does not, and from then on nobody gets through.
const SWALLOW_ANSWER_AND_CLOSE: u8 = 3;
const CLOSED: u8 = 4;

/// Stands between the store and its server.
struct Proxy {
    port: u16,
    mode: Arc<AtomicU8>,
}

impl Proxy {
    async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, mode) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU8::new(HONEST)));
        let modes = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if modes.load(Ordering::SeqCst) == CLOSED {
                    continue;
                }
                let upstream = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(hand_on(client, upstream, modes.clone()));
            }
        });
        Self { port, mode }
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    fn mode(&self) -> u8 {
        self.mode.load(Ordering::SeqCst)
    }
}

async fn hand_on(mut client: TcpStream, mut upstream: TcpStream, mode: Arc<AtomicU8>) {
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // What is sent together with the commit of a group: its rows come before it.
    let mut writes = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                let bytes = &from_client[..count];
                writes |= contains(bytes, b"\"recorded_at\"");
                let is_commit = writes && contains(bytes, b"COMMIT");
                let now = mode.load(Ordering::SeqCst);
                if is_commit && now == SWALLOW_COMMIT {
                    mode.store(HONEST, Ordering::SeqCst);
                    return;
                }
                if upstream.write_all(bytes).await.is_err() {
                    return;
                }
                if is_commit && [SWALLOW_ANSWER, SWALLOW_ANSWER_AND_CLOSE].contains(&now) {
                    mode.store(if now == SWALLOW_ANSWER { HONEST } else { CLOSED }, Ordering::SeqCst);
                    // The server is left to its work, as if a router had died.
                    drop(client);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    return;
                }
                if contains(bytes, b"COMMIT") {
                    writes = false;
                }
            }
            read = upstream.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&from_server[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

async fn how_many_wait(ports: &Ports) -> usize {
    ports.incoming.list(&ListQuery::default()).await.unwrap().items.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_became_of_a_commit_without_an_answer_is_found_out() {
    let Some(server) = server() else { return };
    let proxy = Proxy::start(server.port()).await;
    let direct = Options::default().open(&server.url("postgres")).await.unwrap();
    furnish(&direct).await;
    let direct = administrator(&direct).await;
    let address = server.tcp_url("postgres").replace(&server.port().to_string(), &proxy.port.to_string());
    let store = Options::default().with_wait(Duration::from_secs(2)).open(&address).await.unwrap();
    let ports = administrator(&store).await;

    for mode in [SWALLOW_ANSWER, SWALLOW_COMMIT] {
        let before = how_many_wait(&direct).await;
        proxy.set(mode);
        let added = add(&*ports.incoming).await;
        assert_eq!(proxy.mode(), HONEST, "it was broken off");
        assert!(direct.incoming.get(&added.uid).await.unwrap().is_some());
        assert_eq!(how_many_wait(&direct).await, before + 1, "once");
        proxy.set(mode);
        ports.incoming.accept(&added.uid, &Accept::default()).await.unwrap();
        assert_eq!(proxy.mode(), HONEST, "it was broken off");
        let again = direct.incoming.decline(&added.uid, &Decline::default()).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
    }

    // Nobody can be asked.
    let draft = form();
    let filter = ListFilter::default();
    let before = how_many_wait(&direct).await;
    proxy.set(SWALLOW_ANSWER_AND_CLOSE);
    let unknown = ports.incoming.add(&Add::forms(vec![draft.clone()])).await.unwrap_err();
    assert_eq!(
        (unknown.kind(), unknown.outcome()),
        (ErrorKind::Unavailable, Outcome::Unknown),
        "{unknown:?}"
    );
    assert!(unknown.retry_after().is_some());
    assert_eq!(how_many_wait(&direct).await, before + 1, "it had arrived");
    proxy.set(HONEST);
    // Whoever tries again is told that it is there.
    let twin = ports.incoming.add(&Add::forms(vec![draft])).await.unwrap_err();
    assert_eq!((twin.kind(), twin.outcome()), (ErrorKind::Invalid, Outcome::NotApplied), "{twin:?}");
    let listed = ports.incoming.list(&ListQuery { filter, ..ListQuery::default() }).await.unwrap();
    assert_eq!(listed.items.len(), before + 1);
}
