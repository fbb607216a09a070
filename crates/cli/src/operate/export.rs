//! `incoming-leads export`: all that is held, as lines of JSON.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use futures_util::StreamExt;

use super::whole::Whole;
use super::{failed, layout, store};
use crate::Failure;
use crate::database::{DatabaseArgs, Store};
use crate::tell::Progress;

/// Write all that a database holds as JSON, one object a line
///
/// It is the same document that seeds are written in: `import` takes it over into any other database. Secrets stand in it
/// as digests; a file that is written can be read by its owner alone.
#[derive(Args)]
pub(crate) struct Export {
    /// The file to write; it is there when it is whole, and a pipe or device is written to. Default: standard output
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
                let cannot = || format!("cannot write {}", path.display());
                let is_file = match path.metadata() {
                    Err(error) if error.kind() == ErrorKind::NotFound => true,
                    found => found.with_context(cannot)?.is_file(),
                };
                // Whoever named a pipe or a device reads from there.
                if !is_file {
                    let file = File::options().write(true).open(path).with_context(cannot)?;
                    return self.write(&*store, &mut BufWriter::new(file)).await;
                }
                let mut file = BufWriter::new(Whole::begin(path).with_context(cannot)?);
                self.write(&*store, &mut file).await?;
                let file = file.into_inner().map_err(io::IntoInnerError::into_error);
                Ok(file.and_then(Whole::finish).with_context(cannot)?)
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
