//! `incoming-leads export`: all that is held, as lines of JSON.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use futures_util::StreamExt;

use super::{beside, failed, layout, private, rename, store};
use crate::Failure;
use crate::database::{DatabaseArgs, Store};
use crate::tell::Progress;

/// Write all that a database holds as JSON, one object a line
///
/// It is the same document that seeds are written in: `import` takes it over into any other database. Secrets stand in it
/// as digests; a file that is written can be read by its owner alone.
#[derive(Args)]
pub(crate) struct Export {
    /// The file to write; it is there when it is whole. Default: standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// One account only: its id or its sub-domain
    #[arg(long)]
    account: Option<String>,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// Lines after which the progress is told.
const STEP: usize = 1000;

impl Export {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let store = store(&self.database).await?;
        match &self.to {
            None => self.write(&*store, &mut BufWriter::new(io::stdout())).await.map(drop),
            Some(path) => {
                let part = beside(path, ".part");
                let file = private(&part).with_context(|| format!("cannot write {}", part.display()))?;
                let mut file = BufWriter::new(file);
                self.write(&*store, &mut file).await?;
                let file = file.into_inner().map_err(io::IntoInnerError::into_error);
                let synced = file.and_then(|file| file.sync_all());
                synced.with_context(|| format!("cannot write {}", part.display()))?;
                rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(())
            }
        }
    }

    async fn write(&self, store: &dyn Store, to: &mut (impl Write + Send)) -> Result<(), Failure> {
        let account = match &self.account {
            Some(name) => Some(layout(store, name).await?.account.id),
            None => None,
        };
        let progress = Progress::of(0, "lines");
        let mut lines = store.export(account);
        let mut count = 0;
        while let Some(line) = lines.next().await {
            let line = line.map_err(failed)?;
            let written = serde_json::to_writer(&mut *to, &line).map_err(io::Error::from);
            match written.and_then(|()| to.write_all(b"\n")) {
                // Whoever reads has enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                written => written.context("cannot write the export")?,
            }
            count += 1;
            if count % STEP == 0 {
                progress.more(STEP);
            }
        }
        match to.flush() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(anyhow::Error::new(error).context("cannot write the export").into())
            }
            _ => Ok(()),
        }
    }
}
