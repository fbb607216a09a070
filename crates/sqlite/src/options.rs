//! How a store is opened.

use std::path::Path;
use std::sync::Arc;

use incoming_leads_port::{Clock, IdSource, Ids, Operation, Result, SystemClock};

use crate::backup::{make, regular};
use crate::error::{Fault, why};
use crate::lock::{Opened, ServerLock};
use crate::migrations;
use crate::store::Sqlite;

/// How a store is opened: [`Options::open`].
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    migrate: Migrate,
    is_server: bool,
    pub(crate) readers: usize,
    pub(crate) queue: usize,
}

/// When the tables are made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migrate {
    /// Never: a file without tables is refused, and an older one.
    Never,
    /// Never; but an older file is taken as it is. Good for copying it, and for nothing else.
    AsItIs,
    /// Where the file is new. An older one is refused.
    WhenNew,
    /// Where it is older. A file without tables is refused.
    OnlyOlder,
    /// Where it is new or older. A program of the version before may go on beside it.
    WhenOlder,
}

impl Default for Options {
    /// The system's clock, ids that nobody can guess, tables made where the file is new, no server's lock; 8 readers,
    /// 1,024 changes that wait to be written.
    fn default() -> Self {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(Ids::random()));
        Self { clock, ids, migrate: Migrate::WhenNew, is_server: false, readers: 8, queue: 1024 }
    }
}

impl Options {
    /// With this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// With this source of ids.
    #[must_use]
    pub fn with_ids(self, ids: Arc<dyn IdSource>) -> Self {
        Self { ids, ..self }
    }

    /// When the tables are made or changed.
    #[must_use]
    pub fn with_migrate(self, migrate: Migrate) -> Self {
        Self { migrate, ..self }
    }

    /// As the one server of the file: while it is open no other can be opened so. Without, the store works beside a
    /// server, each seeing at once what the other has committed.
    #[must_use]
    pub fn as_server(self) -> Self {
        Self { is_server: true, ..self }
    }

    /// With so many readers at the same time, at least one. Default: 8.
    #[must_use]
    pub fn with_readers(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// Opens the file, or makes it where there is none and [`Migrate`] says so.
    ///
    /// # Errors
    /// [`Invalid`](incoming_leads_port::ErrorKind::Invalid) when another server has it, when it has a second name (a hard
    /// link), when it is newer than this program or older and is not to be migrated, when it is no database of ours;
    /// [`Unavailable`](incoming_leads_port::ErrorKind::Unavailable) when it cannot be opened, or is being replaced.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Sqlite> {
        let path = path.as_ref();
        let told = |fault: Fault| match fault {
            Fault::Database(error) => {
                let detail = format!("cannot open {}: {}", path.display(), why(&error));
                Fault::Database(error).told(Operation::Open).with_detail(detail)
            }
            other => other.told(Operation::Open),
        };
        regular(path).map_err(told)?;
        // The file is made first, so that it has one lock by whatever name it is called.
        if matches!(self.migrate, Migrate::WhenNew | Migrate::WhenOlder) {
            make(path).map_err(told)?;
        }
        let path = path
            .canonicalize()
            .map_err(|error| told(Fault::File(format!("cannot open {}: {error}", path.display()))))?;
        let opened = Opened::share(&path).map_err(told)?;
        let lock = self.is_server.then(|| ServerLock::take(&path)).transpose().map_err(told)?;
        migrations::bring_up(&path, self.migrate).map_err(told)?;
        Sqlite::start(self, path, lock, opened).map_err(told)
    }
}
