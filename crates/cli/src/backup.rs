//! `incoming-leads backup` and `restore`: copies of an SQLite file.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::database::{self, DatabaseArgs, Role};
use crate::{Failure, print};

/// Copy the SQLite file with all its leads, beside a server that goes on
#[derive(Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    database: DatabaseArgs,

    /// The copy; there must be no such file yet
    file: PathBuf,
}

/// Put a copy in the place of the SQLite file; what was there is kept beside it under another name
///
/// Neither a server nor another command may have the file open. Whoever follows the history has to begin anew.
#[derive(Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    database: DatabaseArgs,

    /// The copy
    file: PathBuf,
}

impl Backup {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let database = self.database.or_usual()?;
        let path = database.file()?.to_owned();
        let shown = path.display().to_string();
        let opened = tokio::task::spawn_blocking(move || database::sqlite(&path, Role::Copy)).await;
        let opened = opened.context("the thread that opens the database broke off")?;
        let store = opened.with_context(|| format!("cannot use the database {shown}"))?;
        store.backup(&self.file).await.with_context(|| format!("cannot copy {shown}"))?;
        Ok(print(&format!("copied {shown} to {}\n", self.file.display()))?)
    }
}

impl Restore {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let database = self.database.or_usual()?;
        let (path, file) = (database.file()?.to_owned(), self.file);
        let shown = path.display().to_string();
        let restored =
            tokio::task::spawn_blocking(move || incoming_leads_sqlite::restore(&file, &path)).await;
        let restored = restored.context("the thread that copies broke off")?;
        let kept = restored.with_context(|| format!("cannot restore {shown}"))?;
        let kept = kept.map(|kept| format!("; what was there is {}", kept.display())).unwrap_or_default();
        Ok(print(&format!("restored {shown}{kept}\n"))?)
    }
}
