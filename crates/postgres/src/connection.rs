//! Connections: the address, TLS, the pool, and what every session is told first.

use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::future::{BoxFuture, join_all};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row, SimpleQueryMessage, SimpleQueryRow};
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

/// The pool for this address. It connects when a connection is first asked for.
pub(crate) fn pool(address: &str, options: &Options) -> Result<Pool> {
    let (config, tls) = parse(address, options)?;
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls {
        None => Manager::from_config(config, NoTls, manager_config),
        Some(tls) => Manager::from_config(config, tls, manager_config),
    };
    let greeting = greeting(options);
    let pool = Pool::builder(manager)
        .max_size(options.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(options.wait))
        // Each host has a bound of its own; this one is for all of them and for the greeting.
        .create_timeout(Some(options.connect_time * 4))
        .recycle_timeout(Some(options.wait))
        .post_create(Hook::async_fn(move |client, _| {
            let greeting = greeting.clone();
            Box::pin(async move { client.batch_execute(&greeting).await.map_err(HookError::Backend) })
        }))
        .build();
    pool.map_err(|error| Fault::Address(error.to_string()))
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
/// one must not find itself in somebody's transaction.
pub(crate) struct Lease {
    object: Option<Object>,
    is_clean: bool,
}

impl Lease {
    pub(crate) async fn take(pool: &Pool) -> Result<Self> {
        Ok(Self { object: Some(pool.get().await?), is_clean: true })
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
        match timeout(COMMIT_TIME, self.batch(COMMIT)).await {
            Ok(Ok(())) => {
                self.finish();
                done
            }
            Ok(Err(Fault::Database(error))) => Err(Fault::of_commit(error)),
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(Fault::Lost(None)),
        }
    }

    /// Ends a transaction in which something went wrong, without a trace. Where that does not work either, the
    /// connection is closed.
    pub(crate) async fn abandon(mut self) {
        self.is_clean = self.batch("ROLLBACK").await.is_ok();
    }

    /// The transaction has ended.
    pub(crate) fn finish(mut self) {
        self.is_clean = true;
    }

    fn object(&self) -> &Object {
        self.object.as_ref().expect("it is taken only on drop")
    }

    /// The rows of a question. The statement is prepared once for each connection.
    pub(crate) async fn query(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.object().prepare_cached(sql).await?;
        Ok(self.object().query(&statement, params).await?)
    }

    /// At most one row.
    pub(crate) async fn query_opt(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        let statement = self.object().prepare_cached(sql).await?;
        Ok(self.object().query_opt(&statement, params).await?)
    }

    /// How many rows it changed.
    pub(crate) async fn execute(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.object().prepare_cached(sql).await?;
        Ok(self.object().execute(&statement, params).await?)
    }

    /// Statements without parameters.
    pub(crate) async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.object().batch_execute(sql).await?)
    }

    /// Sends all statements without waiting for answers in between, then answers theirs, in order.
    pub(crate) async fn pipeline(&self, steps: &[Step<'_>]) -> Result<Vec<Answer>> {
        let mut statements = Vec::with_capacity(steps.len());
        for step in steps {
            statements.push(match step {
                Step::Plain(_) => None,
                Step::Prepared(sql, _) => Some(self.object().prepare_cached(sql).await?),
            });
        }
        let sent = steps.iter().zip(&statements).map(|(step, statement)| {
            let future: BoxFuture<'_, _> = match (step, statement) {
                (Step::Prepared(_, params), Some(statement)) => {
                    Box::pin(async move { self.object().query(statement, params).await.map(Answered::Rows) })
                }
                (Step::Plain(sql), _) | (Step::Prepared(sql, _), None) => {
                    Box::pin(async move { self.object().simple_query(sql).await.map(Answered::Texts) })
                }
            };
            future
        });
        // They are first polled, and so sent, in this order.
        Ok(ordered(sent.collect()).await)
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

/// Polls all once in order, then waits for all.
async fn ordered<T>(futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    // Beyond some thirty, `join_all` makes no promise about the order.
    debug_assert!(futures.len() <= 30);
    join_all(futures).await
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if !self.is_clean || object.is_closed() {
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
