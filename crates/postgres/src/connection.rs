//! Connections: the address, TLS, the pool, and what every session is told first.

use std::future::{self, Future};
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{
    ConfigConnectImpl, Connect, Hook, HookError, Manager, ManagerConfig, Object, RecyclingMethod, Runtime,
};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::lookup_host;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, SimpleQueryMessage, SimpleQueryRow, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Fault, Result};
use crate::options::{Commit, Options};

/// A transaction in which the client says nothing holds others up; its server may have gone without a word.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// Begins a transaction in which everything is seen as of one moment.
pub(crate) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Commits. A statement's bound that ends while the server waits for a standby would make it a success that is on no
/// standby; so the bound is ours, and what it ends is unknown.
pub(crate) const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";
/// How long a commit may take that is waited for by itself.
const COMMIT_TIME: Duration = Duration::from_secs(10);
/// After what silence a peer is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// Where a server listens of which nothing else is said.
const PORT: u16 = 5432;
/// How much longer than its own bound on a statement the server may take to say so. Its kernel may be well and answer
/// every probe while its processes stand still, so nothing but this ends the wait for them.
const GRACE: Duration = Duration::from_secs(1);

/// The connections of a store.
pub(crate) struct Pool {
    connections: deadpool_postgres::Pool,
    /// How long is waited for an answer.
    time: Duration,
}

impl Pool {
    /// Closes connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        self.connections.retain(|_, _| false);
    }
}

/// The pool for this address. It connects when a connection is first asked for.
pub(crate) fn pool(address: &str, options: &Options) -> Result<Pool> {
    let (config, tls) = parse(address, options)?;
    let connect: Box<dyn Connect> = match tls {
        None => Box::new(ConfigConnectImpl { tls: NoTls }),
        Some(tls) => Box::new(ConfigConnectImpl { tls }),
    };
    let time = config.get_connect_timeout().copied().unwrap_or(options.connect_time);
    let hosts = Hosts { connect, time, last: AtomicUsize::new(0) };
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, hosts, manager_config);
    let greeting = greeting(options);
    let pool = deadpool_postgres::Pool::builder(manager)
        .max_size(options.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.wait))
        .recycle_timeout(Some(options.wait))
        .post_create(Hook::async_fn(move |client, _| {
            let greeting = greeting.clone();
            Box::pin(async move {
                match timeout(time, client.batch_execute(&greeting)).await {
                    Ok(greeted) => greeted.map_err(HookError::Backend),
                    Err(_) => Err(HookError::message("no answer came to the greeting")),
                }
            })
        }))
        .build();
    let connections = pool.map_err(|error| Fault::Address(error.to_string()))?;
    Ok(Pool { connections, time: options.statement_time + GRACE })
}

/// Connects to one host after the other, the one that was reached last first. The library bounds only the connect of the
/// socket: a host that takes it and says nothing would keep the others from being tried.
struct Hosts {
    connect: Box<dyn Connect>,
    /// How long each address may take, until it has said that it can be written to.
    time: Duration,
    last: AtomicUsize,
}

impl Connect for Hosts {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Connected> {
        let config = config.clone();
        Box::pin(async move {
            let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
            let count = match hosts.max(addresses) {
                count if ![0, count].contains(&hosts) || ![0, count].contains(&addresses) => 0,
                count if ![0, 1, count].contains(&config.get_ports().len()) => 0,
                count => count,
            };
            let last = self.last.load(Ordering::Relaxed);
            let mut failed = None;
            for number in (0..count).map(|offset| (last + offset) % count) {
                for one in alone(&config, number, self.time).await {
                    // What the library itself would say; its name is hidden.
                    let silent = |_| Err(tokio_postgres::Error::__private_api_timeout());
                    match timeout(self.time, self.connect.connect(&one)).await.unwrap_or_else(silent) {
                        Ok(connected) => {
                            self.last.store(number, Ordering::Relaxed);
                            return Ok(connected);
                        }
                        Err(error) => failed = Some(error),
                    }
                }
            }
            match failed {
                Some(error) => Err(error),
                // The library says what the address lacks.
                None => self.connect.connect(&config).await,
            }
        })
    }
}

type Connected = std::result::Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

/// The address of one host only, once for each of the addresses that its name has.
async fn alone(config: &Config, number: usize, time: Duration) -> Vec<Config> {
    let mut alone = Config::new();
    let ports = config.get_ports();
    let port = ports.get(number).or(ports.first()).copied();
    if let Some(port) = port {
        alone.port(port);
    }
    let host = config.get_hosts().get(number);
    match host {
        Some(Host::Tcp(name)) => alone.host(name),
        #[cfg(unix)]
        Some(Host::Unix(path)) => alone.host_path(path),
        None => &mut alone,
    };
    config.get_user().map(|user| alone.user(user));
    config.get_password().map(|password| alone.password(password));
    config.get_dbname().map(|name| alone.dbname(name));
    config.get_options().map(|options| alone.options(options));
    config.get_application_name().map(|name| alone.application_name(name));
    config.get_connect_timeout().map(|time| alone.connect_timeout(*time));
    config.get_tcp_user_timeout().map(|time| alone.tcp_user_timeout(*time));
    config.get_keepalives_interval().map(|interval| alone.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| alone.keepalives_retries(retries));
    alone
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    let addresses: Vec<IpAddr> = match (config.get_hostaddrs().get(number), host) {
        (Some(address), _) => vec![*address],
        (None, Some(Host::Tcp(name))) => {
            match timeout(time, lookup_host((&**name, port.unwrap_or(PORT)))).await {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    if addresses.is_empty() {
        return vec![alone];
    }
    let at = |address| {
        let mut at = alone.clone();
        at.hostaddr(address);
        at
    };
    addresses.into_iter().map(at).collect()
}

/// What every session is told. All questions of this crate are answered along an index, in its order; a plan that was
/// made while a table was empty must not read the whole of it later, nor sort it. So there is one plan for all values, which
/// need not be made anew for each. (For the same reason lists of keys are joined as lateral sub-queries with `OFFSET 0` or
/// a lock, which are carried out key by key.)
fn greeting(options: &Options) -> String {
    let mut greeting = format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET default_transaction_isolation = 'read committed'; SET enable_seqscan = off; SET enable_hashjoin = off; \
         SET enable_mergejoin = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off; \
         SET plan_cache_mode = force_generic_plan; ",
        options.statement_time.as_millis(),
        options.lock_time.as_millis(),
        IDLE_IN_TRANSACTION.as_millis(),
    );
    greeting += match options.commit {
        // Stronger settings of the server stay.
        Commit::Durable => {
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        }
        Commit::Relaxed => "SET synchronous_commit = off",
    };
    greeting
}

fn parse(address: &str, options: &Options) -> Result<(Config, Option<MakeRustlsConnect>)> {
    let (address, roots) = take_root_file(address);
    let address = address.replace("sslmode=verify-full", "sslmode=require");
    let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
        // The address has a password in it; the reason has only the place.
        Fault::Address(
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
        )
    })?;
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config.keepalives_idle(KEEPALIVE).keepalives_interval(Duration::from_secs(1)).keepalives_retries(3);
    config.tcp_user_timeout(options.statement_time + KEEPALIVE);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.connect_time);
    }
    if config.get_application_name().is_none() {
        config.application_name("incoming-leads");
    }
    let tls = match config.get_ssl_mode() {
        // What libpq does when nothing is said gives no security; whoever wants it says so.
        SslMode::Prefer if !address.contains("sslmode=") => None,
        SslMode::Disable => None,
        SslMode::Require => Some(tls(roots)?),
        _ => return Err(Fault::Address("sslmode is disable or require".to_owned())),
    };
    if tls.is_none() {
        config.ssl_mode(SslMode::Disable);
    }
    Ok((config, tls))
}

/// Hosts and database of an address that is understood.
pub(crate) fn place(address: &str) -> Option<String> {
    let (address, _) = take_root_file(address);
    let config: Config = address.replace("sslmode=verify-full", "sslmode=require").parse().ok()?;
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().zip(0..).map(|(host, number)| {
        let host = match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        // One port may be that of all hosts.
        match ports.get(number).or(ports.first().filter(|_| ports.len() == 1)) {
            None | Some(5432) => host,
            Some(port) => format!("{host}:{port}"),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    Some(format!("postgres://{hosts}/{}", config.get_dbname().unwrap_or_default()))
}

/// The address without `sslrootcert`, which the library does not know, and the file that it names.
fn take_root_file(address: &str) -> (String, Option<PathBuf>) {
    const KEY: &str = "sslrootcert=";
    let Some(start) = address.find(KEY) else { return (address.to_owned(), None) };
    let rest = &address[start + KEY.len()..];
    let end = rest.find(['&', ' ']).unwrap_or(rest.len());
    let file = rest[..end].replace("%2F", "/").replace("%2f", "/");
    let after = rest[end..].trim_start_matches(['&', ' ']);
    let before =
        if after.is_empty() { address[..start].trim_end_matches(['&', '?', ' ']) } else { &address[..start] };
    (format!("{before}{after}"), Some(PathBuf::from(file)))
}

fn tls(roots: Option<PathBuf>) -> Result<MakeRustlsConnect> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(&file)
                .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
                .map_err(|error| Fault::Certificates(format!("{}: {error}", file.display())))?;
            store.add_parsable_certificates(certificates);
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(Fault::Certificates("there is no authority to trust".to_owned()));
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::Certificates(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// One connection, taken out of the pool for one piece of work. What is not finished in order is closed: the next
/// one must not find itself in somebody's transaction, nor wait for what somebody was not answered.
pub(crate) struct Lease {
    object: Option<Object>,
    is_clean: bool,
    /// How long is waited for each answer, and for those of statements without parameters.
    time: Duration,
    batch_time: Duration,
    /// Answers that are due.
    due: AtomicUsize,
}

impl Lease {
    pub(crate) async fn take(pool: &Pool) -> Result<Self> {
        let object = Some(pool.connections.get().await?);
        let time = pool.time;
        Ok(Self { object, is_clean: true, time, batch_time: time, due: AtomicUsize::new(0) })
    }

    /// With this bound on the wait for each answer to a question.
    pub(crate) const fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// For migrations: they switch the server's bounds off and take as long as they take, by statements without
    /// parameters. The connection is not used again.
    pub(crate) fn for_migrations(mut self) -> Self {
        self.begin();
        self.batch_time = Duration::MAX;
        self
    }

    /// From now on the connection is in a transaction.
    pub(crate) const fn begin(&mut self) {
        self.is_clean = false;
    }

    /// Begins a transaction.
    pub(crate) async fn open(mut self, begin: &str) -> Result<Self> {
        self.begin();
        self.batch(begin).await?;
        Ok(self)
    }

    /// Ends a transaction: with a commit where the work was done, without a trace where it was not.
    pub(crate) async fn end<T>(self, done: Result<T>) -> Result<T> {
        if done.is_err() {
            self.abandon().await;
            return done;
        }
        match self.answer(COMMIT_TIME, self.object().batch_execute(COMMIT)).await {
            Ok(()) => {
                self.finish();
                done
            }
            Err(Fault::Database(error)) => Err(Fault::of_commit(error)),
            Err(Fault::Silent) => Err(Fault::Lost(None)),
            Err(fault) => Err(fault),
        }
    }

    /// Ends a transaction in which something went wrong, without a trace. Where that does not work either, the
    /// connection is closed.
    pub(crate) async fn abandon(mut self) {
        self.is_clean = !self.is_due() && self.batch("ROLLBACK").await.is_ok();
    }

    /// The transaction has ended.
    pub(crate) fn finish(mut self) {
        self.is_clean = true;
    }

    fn object(&self) -> &Object {
        self.object.as_ref().expect("it is taken only on drop")
    }

    fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed) > 0
    }

    /// The answer, if it comes in this time. Whoever does not wait for it leaves it due.
    async fn answer<T>(
        &self,
        time: Duration,
        question: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        self.due.fetch_add(1, Ordering::Relaxed);
        let answer = timeout(time, question).await.map_err(|_| Fault::Silent)?;
        self.due.fetch_sub(1, Ordering::Relaxed);
        Ok(answer?)
    }

    async fn prepare(&self, time: Duration, sql: &str) -> Result<Statement> {
        self.answer(time, self.object().prepare_cached(sql)).await
    }

    /// The rows of a question. The statement is prepared once for each connection.
    pub(crate) async fn query(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.prepare(self.time, sql).await?;
        self.answer(self.time, self.object().query(&statement, params)).await
    }

    /// At most one row.
    pub(crate) async fn query_opt(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        let statement = self.prepare(self.time, sql).await?;
        self.answer(self.time, self.object().query_opt(&statement, params)).await
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.prepare(self.time, sql).await?;
        self.answer(self.time, self.object().execute(&statement, params)).await
    }

    /// Statements without parameters.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        self.answer(self.batch_time, self.object().batch_execute(sql)).await
    }

    /// Sends all statements without waiting for answers in between, then answers theirs, in order. Where they end with
    /// a commit, whoever sends it bounds the wait and finds out what became of it.
    pub(crate) async fn pipeline(&self, steps: &[Step<'_>]) -> Result<Vec<Answer>> {
        let time = match steps.last() {
            Some(Step::Plain(COMMIT)) => Duration::MAX,
            _ => self.time,
        };
        let mut statements = Vec::with_capacity(steps.len());
        for step in steps {
            statements.push(match step {
                Step::Plain(_) => None,
                Step::Prepared(sql, _) => Some(self.prepare(time, sql).await?),
            });
        }
        let sent = steps.iter().zip(&statements).map(|(step, statement)| {
            let future: BoxFuture<'_, Answer> = match (step, statement) {
                (Step::Prepared(_, params), Some(statement)) => {
                    Box::pin(async move { self.object().query(statement, params).await.map(Answered::Rows) })
                }
                (Step::Plain(sql), _) | (Step::Prepared(sql, _), None) => {
                    Box::pin(async move { self.object().simple_query(sql).await.map(Answered::Texts) })
                }
            };
            maybe_done(future)
        });
        let mut sent: Vec<MaybeDone<_>> = sent.collect();
        self.due.fetch_add(1, Ordering::Relaxed);
        // They are first polled, and so sent, in this order.
        future::poll_fn(|context| {
            for step in &mut sent {
                let _ = step.poll_unpin(context);
            }
            Poll::Ready(())
        })
        .await;
        let mut answers = Vec::with_capacity(steps.len());
        for step in &mut sent {
            timeout(time, &mut *step).await.map_err(|_| Fault::Silent)?;
            answers.push(Pin::new(step).take_output().expect("it is done, and taken once"));
        }
        self.due.fetch_sub(1, Ordering::Relaxed);
        Ok(answers)
    }
}

/// One step of a pipeline.
pub(crate) enum Step<'a> {
    /// Statements without parameters, which are sent as they are.
    Plain(&'static str),
    Prepared(&'a str, Vec<&'a (dyn ToSql + Sync)>),
}

/// What a step was answered.
pub(crate) enum Answered {
    Rows(Vec<Row>),
    Texts(Vec<SimpleQueryMessage>),
}

/// The same, or why there was no answer.
pub(crate) type Answer = std::result::Result<Answered, tokio_postgres::Error>;

impl Answered {
    /// The rows of a statement with parameters.
    pub(crate) fn rows(self) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows,
            Self::Texts(_) => Vec::new(),
        }
    }

    /// The first row of statements without parameters.
    pub(crate) fn text(self) -> Option<SimpleQueryRow> {
        match self {
            Self::Rows(_) => None,
            Self::Texts(texts) => texts.into_iter().find_map(|text| match text {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            }),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if !self.is_clean || self.is_due() || object.is_closed() {
            drop(Object::take(object));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_authorities_is_taken_out_of_the_address() {
        for (address, rest, file) in [
            ("postgresql://h/d", "postgresql://h/d", None),
            ("postgresql://h/d?sslrootcert=%2Fa%2Fb.pem", "postgresql://h/d", Some("/a/b.pem")),
            (
                "postgresql://h/d?sslrootcert=/a&sslmode=require",
                "postgresql://h/d?sslmode=require",
                Some("/a"),
            ),
            ("host=h sslrootcert=/a dbname=d", "host=h dbname=d", Some("/a")),
        ] {
            assert_eq!(take_root_file(address), (rest.to_owned(), file.map(PathBuf::from)), "{address}");
        }
    }

    #[test]
    fn a_place_is_told_without_what_is_secret() {
        for (address, told) in [
            ("postgresql://u:secret@h/d", "postgres://h/d"),
            ("postgres://u:secret@a:1,b:5432/d?sslmode=verify-full&sslrootcert=/c", "postgres://a:1,b/d"),
            ("host=a,b port=7 dbname=d user=u password=secret", "postgres://a:7,b:7/d"),
            ("postgresql://u:secret@/d?host=/run/x&port=6", "postgres:///run/x:6/d"),
            ("postgresql://secret@h", "postgres://h/"),
        ] {
            assert_eq!(place(address).as_deref(), Some(told), "{address}");
        }
        assert_eq!(place("postgresql://u:secret@h:port/d"), None);
    }

    #[tokio::test]
    async fn one_of_the_hosts_has_all_that_is_said_of_them() {
        let said = "user=u password=p dbname=d options=-ca=b sslmode=require sslnegotiation=direct connect_timeout=7 \
                    tcp_user_timeout=8 keepalives=0 channel_binding=require load_balance_hosts=random \
                    application_name=n";
        let of = |hosts: &str| parse(&format!("{hosts} {said}"), &Options::default()).unwrap().0;
        let several = of("host=a,/run/x,c hostaddr=127.0.0.1,127.0.0.2,127.0.0.3 port=1,2,3");
        let only = async |number| alone(&several, number, Duration::ZERO).await;
        assert_eq!(only(0).await, [of("host=a hostaddr=127.0.0.1 port=1")]);
        assert_eq!(only(1).await, [of("host=/run/x hostaddr=127.0.0.2 port=2")]);
        assert_eq!(only(2).await, [of("host=c hostaddr=127.0.0.3 port=3")]);
        // What was not looked up in time is left to the library.
        assert_eq!(alone(&of("host=a,b port=5"), 1, Duration::ZERO).await, [of("host=b port=5")]);
    }

    #[test]
    fn encryption_that_would_be_given_up_quietly_is_refused() {
        let options = Options::default();
        for mode in ["prefer", "allow", "verify-ca"] {
            let address = format!("postgresql://h/d?sslmode={mode}");
            assert!(matches!(parse(&address, &options), Err(Fault::Address(_))), "{mode}");
        }
        assert!(parse("postgresql://h/d", &options).unwrap().1.is_none());
    }

    #[test]
    fn an_address_that_is_not_understood_does_not_show_its_password() {
        let Err(Fault::Address(why)) = parse("postgresql://u:secret@h:port/d", &Options::default()) else {
            panic!("it was understood")
        };
        assert!(!why.contains("secret"), "{why}");
    }
}
