//! The server without a network.

use std::sync::Arc;

use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;

use crate::Config;
use crate::app::App;
use crate::body::Incoming;
use crate::edge::{Edge, FaultProfile, JournalEntry};
use crate::gate::Gate;
use crate::routes::Routes;
use crate::shell::Shell;

/// A server without a network: requests in, answers out, in this process. For tests that simulate the network, or want
/// none. Clones share everything.
///
/// ```
/// # use std::sync::Arc;
/// use incoming_leads_server::{Config, InProcess, SessionTable};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let server = InProcess::new(Config::default(), Arc::new(SessionTable::new()));
/// let request = http::Request::get("http://leads.example/healthz").body(Vec::new()).unwrap();
/// assert_eq!(server.answer(request).await.unwrap().body(), b"alive\n");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct InProcess {
    shell: Arc<Shell>,
    edge: Arc<Edge>,
}

impl InProcess {
    /// The server as it is set up here; what is said of a network counts nothing.
    pub fn new(config: Config, gate: Arc<dyn Gate>) -> Self {
        let app = App::new(&config, gate);
        let edge = Arc::new(Edge::new(config.faults, config.journal, config.control));
        let shell = Shell::new(Routes::App(app), Arc::clone(&edge), Arc::new(config.limits));
        Self { shell, edge }
    }

    /// The answer to a request; none where a fault would have ended the connection before the answer was whole.
    pub async fn answer(&self, mut request: Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let (Some(host), false) = (host, request.headers().contains_key(header::HOST)) {
            request.headers_mut().insert(header::HOST, host);
        }
        let ready = request.map(|body| Incoming::Ready(Full::new(Bytes::from(body))));
        let (head, body) = Arc::clone(&self.shell).answer(ready).await.ok()?.into_parts();
        let Ok(body) = body.whole()?.collect().await;
        Some(Response::from_parts(head, body.to_bytes().into()))
    }

    /// The last requests, as [`Server::journal`](crate::Server::journal) tells them.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.edge.journal.after(0, usize::MAX)
    }

    /// From now on this goes wrong on purpose; none ends it.
    pub fn set_faults(&self, faults: Option<FaultProfile>) {
        self.edge.faults.set(faults);
    }
}
