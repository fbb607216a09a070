//! What can be set.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use incoming_leads_port::{Clock, Operation, Result, SystemClock};

use crate::store::Postgres;

/// How the store works. The default suits a server process with a database of its own.
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) migrate: Migrate,
    pub(crate) connections: usize,
    pub(crate) writers: usize,
    pub(crate) queue: usize,
    pub(crate) statement_time: Duration,
    pub(crate) lock_time: Duration,
    pub(crate) connect_time: Duration,
    pub(crate) wait: Duration,
    pub(crate) commit: Commit,
}

/// When the tables are made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migrate {
    /// Never: a database that has none of ours is refused, and one that has older ones.
    Never,
    /// Where the database has none of ours. Older ones are refused.
    WhenNew,
    /// Where there are older ones. A database that has none is refused.
    OnlyOlder,
    /// Where there are none or older ones. A program of the version before may go on beside it.
    WhenOlder,
}

/// When a change counts as committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Commit {
    /// When it is on the disk, and on the standbys that the server waits for.
    #[default]
    Durable,
    /// Before it is on the disk: the last moments may be lost with the server. For proofs that losing is noticed.
    Relaxed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            migrate: Migrate::WhenNew,
            connections: 16,
            writers: 2,
            queue: 1024,
            statement_time: Duration::from_secs(10),
            lock_time: Duration::from_secs(3),
            connect_time: Duration::from_secs(3),
            wait: Duration::from_secs(5),
            commit: Commit::Durable,
        }
    }
}

impl Options {
    /// With this clock. Default: the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// When the tables are made or changed.
    pub const fn with_migrate(mut self, migrate: Migrate) -> Self {
        self.migrate = migrate;
        self
    }

    /// With at most so many connections of this process, at least 2. Default: 16.
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(2);
        self.writers = self.writers.min(self.connections - 1);
        self
    }

    /// With so many transactions that write at the same time, each for all that has queued up; at least 1, and one
    /// less than there are connections. Default: 2.
    pub fn with_writers(mut self, writers: usize) -> Self {
        self.writers = writers.clamp(1, self.connections - 1);
        self
    }

    /// With at most so many commands that wait to be written, at least 1; further ones wait as long as one for a
    /// connection, then are told that the store is not available. Default: 1,024.
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue.max(1);
        self
    }

    /// With this bound on each statement, `statement_timeout` of the server, for whose answer is waited a second longer;
    /// on a commit with what is written, together with the bound on waiting for others. Default: 10 s.
    pub const fn with_statement_time(mut self, time: Duration) -> Self {
        self.statement_time = time;
        self
    }

    /// With this bound on waiting for another transaction, `lock_timeout` of the server. Default: 3 s.
    pub const fn with_lock_time(mut self, time: Duration) -> Self {
        self.lock_time = time;
        self
    }

    /// With this bound on making a connection to each address of a host, until it has said that it can be written to.
    /// Default: 3 s.
    pub const fn with_connect_time(mut self, time: Duration) -> Self {
        self.connect_time = time;
        self
    }

    /// With this bound on waiting for one of the connections, for room in the queue, for the answer to the question that
    /// comes with every request, and on finding out what became of a commit whose connection was lost. Default: 5 s.
    pub const fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// When a change counts as committed. Default: when it is durable, whatever the server's default is.
    pub const fn with_commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// Opens the database at this address: a URL such as `postgresql://user:password@host/database`, or keys and
    /// values as in `host=a,b dbname=leads`. Several hosts are tried in turn for the one that can be written to.
    /// `sslmode` is `disable` (the default) or `require`, which verifies the certificate and the host's name against
    /// the system's authorities, or against those in the file that `sslrootcert` names.
    ///
    /// Runs on tokio; its tasks end with the last clone of the store.
    ///
    /// # Errors
    /// [`Invalid`](incoming_leads_port::ErrorKind::Invalid) when the address is not understood, when the tables are newer than this program,
    /// or older and are not to be migrated, or not there and not to be made; [`Unavailable`](incoming_leads_port::ErrorKind::Unavailable) when the server is.
    pub async fn open(self, address: &str) -> Result<Postgres> {
        Postgres::start(self, address).await.map_err(|fault| fault.told(Operation::Open))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("migrate", &self.migrate)
            .field("connections", &self.connections)
            .field("writers", &self.writers)
            .field("queue", &self.queue)
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}
