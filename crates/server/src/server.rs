//! The running server: where it listens, how it is started and how it ends.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use http::HeaderValue;
use incoming_leads_port::Digest;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::app::App;
use crate::edge::{Edge, FaultProfile, JournalEntry};
use crate::gate::Gate;
use crate::net::{self, Stage};
use crate::oauth::OAuth;
use crate::routes::Routes;
use crate::shell::Shell;
use crate::tls::Tls;
use crate::{Limits, PublicUrl, RateLimit};

/// How a server is set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The host names that are served, each whole (`leads.example.com`) or for one label more (`*.example.com`); requests to
    /// another name are answered 421. Default: none, which means any name.
    pub names: Vec<String>,
    /// What TLS is spoken with. Default: none, which is plain HTTP.
    pub tls: Option<Tls>,
    /// What links in answers begin with. Default: none, which means the host that the request names.
    pub public_url: Option<PublicUrl>,
    /// Whether the routes for the intake of chats and mails are open. Default: closed.
    pub intake: bool,
    /// How often somebody may ask. Default: none, which means as often as they like.
    pub rate_limit: Option<RateLimit>,
    /// What gives tokens to integrations. Default: nothing, and there are no such routes.
    pub oauth: Option<OAuth>,
    /// What goes wrong on purpose, for tests of clients. Default: nothing.
    pub faults: Option<FaultProfile>,
    /// How many of the last requests the journal keeps. Default: 0, none.
    pub journal: usize,
    /// The SHA-256 ([`digest`](crate::digest)) of the token that opens the control route, at which faults are set and the
    /// journal is read while the server runs. Default: none, which keeps it closed.
    pub control: Option<Digest>,
    /// The limits of the HTTP layer.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            names: Vec::new(),
            tls: None,
            public_url: None,
            intake: false,
            oauth: None,
            rate_limit: None,
            faults: None,
            journal: 0,
            control: None,
            limits: Limits::default(),
        }
    }
}

/// A running server. Dropping it ends it at once; [`stop`](Self::stop) lets it finish what is under way.
#[derive(Debug)]
pub struct Server {
    edge: Arc<Edge>,
    address: SocketAddr,
    is_tls: bool,
    stage: watch::Sender<Stage>,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on the runtime that this is called on.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start(config: Config, gate: Arc<dyn Gate>) -> io::Result<Self> {
        let app = App::new(&config, gate);
        Self::start_routes(config, Routes::App(app)).await
    }

    /// Starts a server on a runtime and a thread of its own: for programs and tests that have no runtime.
    ///
    /// # Errors
    /// When it cannot listen on the address, or there is no thread to be had.
    pub fn start_on_thread(config: Config, gate: Arc<dyn Gate>) -> io::Result<Self> {
        on_own_thread(move || Self::start(config, gate))
    }

    /// A server that answers every request with the same bytes, through the same accept loop and the same checks:
    /// the yardstick of the benchmarks.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub async fn start_constant(
        config: Config,
        content_type: HeaderValue,
        body: Vec<u8>,
    ) -> io::Result<Self> {
        let constant = Routes::Constant { content_type, body: body.into() };
        Self::start_routes(config, constant).await
    }

    /// Starts on a runtime that is there.
    async fn start_routes(config: Config, routes: Routes) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let (stage, receiver) = watch::channel(Stage::Serving);
        let (end, ended) = oneshot::channel();
        let (acceptor, is_tls) = (config.tls.as_ref().map(Tls::acceptor), config.tls.is_some());
        let limits = Arc::new(config.limits);
        let edge = Arc::new(Edge::new(config.faults, config.journal, config.control));
        let shell = Shell::new(routes, Arc::clone(&edge), Arc::clone(&limits));
        tokio::spawn(async move {
            net::serve(
                listener,
                acceptor,
                limits,
                move |request| Arc::clone(&shell).answer(request),
                receiver,
            )
            .await;
            // Nobody may be waiting for it.
            let _ = end.send(());
        });
        Ok(Self { edge, address, is_tls, stage, ended, thread: None })
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", scheme(self.is_tls), self.address)
    }

    /// The last requests, oldest first, as many as [`Config::journal`] keeps.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.edge.journal.after(0, usize::MAX)
    }

    /// From now on this goes wrong on purpose; none ends it.
    pub fn set_faults(&self, faults: Option<FaultProfile>) {
        self.edge.faults.set(faults);
    }

    /// Accepts nothing more, answers what is under way (at most for [`Limits::drain_time`]), and ends.
    pub async fn stop(mut self) {
        self.stage.send_if_modified(|stage| {
            let serving = *stage == Stage::Serving;
            if serving {
                *stage = Stage::Draining;
            }
            serving
        });
        // An error means that it has ended already.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stage.send_replace(Stage::Ended);
        if let Some(thread) = self.thread.take() {
            // It ends at once; a panic in it has been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// What a URL of the server begins with.
pub(crate) const fn scheme(is_tls: bool) -> &'static str {
    if is_tls { "https" } else { "http" }
}

/// Runs what starts a server on a runtime of its own, on a thread of its own, until the server has ended.
fn on_own_thread<F>(start: impl FnOnce() -> F + Send + 'static) -> io::Result<Server>
where
    F: Future<Output = io::Result<Server>>,
{
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("incoming-leads-server".to_owned()).spawn(move || {
        let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
        {
            Ok(runtime) => runtime,
            Err(error) => return send.send(Err(error)).unwrap_or(()),
        };
        runtime.block_on(async {
            match start().await {
                Ok(mut server) => {
                    let (end, ended) = oneshot::channel();
                    let inner = std::mem::replace(&mut server.ended, ended);
                    if send.send(Ok(server)).is_ok() {
                        let _ = inner.await;
                        let _ = end.send(());
                    }
                }
                Err(error) => send.send(Err(error)).unwrap_or(()),
            }
        });
        runtime.shutdown_background();
    })?;
    let started =
        receive.recv().map_err(|_| io::Error::other("the server's thread ended before it began"))?;
    let mut server = started?;
    server.thread = Some(thread);
    Ok(server)
}
