//! `incoming-leads import`: an export taken over, piece by piece.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use incoming_leads_model::Floor;
use incoming_leads_model::document::{Line, VERSION};
use incoming_leads_server::digest;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::export::beside;
use super::reading::{Batch, read};
use super::{aside, place};
use crate::Failure;
use crate::database::{DatabaseArgs, Role, Store};
use crate::seed::{Logins, hash, reason};
use crate::tell::Progress;

/// Take over what `export` wrote, into a database that may be new
///
/// It is taken over in pieces, each whole or not at all. When it is cut, the same command goes on behind the last piece:
/// a checkpoint beside the document says where. What is there already is replaced and counts once.
#[derive(Args)]
pub(crate) struct Import {
    /// The document; `-` is standard input, which cannot be gone on with
    #[arg(value_name = "FILE")]
    document: PathBuf,

    /// Where to keep how far it is; default: beside the document, with `.checkpoint` behind its name
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// Lines of one piece
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Checkpoint {
    /// The length of the document in bytes.
    length: u64,
    /// The SHA-256 of its beginning.
    beginning: String,
    /// The database.
    database: String,
    /// Where the document goes on, in bytes.
    offset: u64,
}

/// Bytes by which a document is known again.
const BEGINNING: u64 = 4 << 10;

impl Import {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let database = place(&self.database)?;
        let mut source = Source::open(&self.document, self.checkpoint.clone(), database.to_string())?;
        let store = database.open(Role::Beside { makes: true }).await?;
        let mut logins = logins(&*store).await?;
        if source.begin > 0 {
            aside(&format!("going on at byte {}; remove the checkpoint to begin anew", source.begin));
        }
        // Ids that a later piece brings must not be given to what somebody adds between two pieces. Documents tell them at
        // their beginning; those of before do not, and what can be read twice is.
        let mut found = match (&source.checkpoint, source.begin) {
            (Some(_), 0) => {
                let (document, size) = (self.document.clone(), self.batch as usize);
                tokio::task::spawn_blocking(move || untold_ids(&document, size))
                    .await
                    .context("the thread that reads the document broke off")??
            }
            _ => None,
        };
        // Two pieces wait at most: one is read while another is written.
        let (send, mut pieces) = mpsc::channel::<Batch>(1);
        let (from, begin, size) = (source.reader.take(), source.begin, self.batch as usize);
        let from = from.context("the document is read once")?;
        let reading = tokio::task::spawn_blocking(move || {
            read(from, begin, size, |batch| send.blocking_send(batch).is_ok())
        });
        let progress = Progress::of(0, "lines");
        let (mut is_first, mut taken) = (begin == 0, 0);
        while let Some(Batch { mut lines, end }) = pieces.recv().await {
            if std::mem::take(&mut is_first)
                && !matches!(lines.first(), Some(Line::Header { version: VERSION, .. }))
            {
                return Err(
                    anyhow!(r#"a document begins with {{"header": {{"version": {VERSION}}}}}"#).into()
                );
            }
            if let (Some(Line::Header { ids, .. }), Some(found)) = (lines.first_mut(), found.take()) {
                *ids = Some(found);
            }
            for line in &mut lines {
                if matches!(line, Line::Draft(_)) {
                    return Err(anyhow!("a draft is for seeds, which `serve --seed` reads").into());
                }
                hash(line, &mut logins)?;
            }
            let count = lines.len();
            let place = || format!("the {count} lines that end at byte {end}");
            store.import(lines).await.map_err(|error| anyhow!("{}: {}", place(), reason(&error)))?;
            source.reached(end)?;
            progress.more(count);
            taken += count;
        }
        reading.await.context("the thread that reads the document broke off")??;
        source.done();
        drop(progress);
        aside(&format!("{taken} lines were taken over"));
        Ok(())
    }
}

/// The largest ids of a document whose header does not tell them.
fn untold_ids(document: &Path, size: usize) -> Result<Option<Floor>> {
    let file = File::open(document).with_context(|| format!("cannot read {}", document.display()))?;
    let mut floor = Some(Floor::default());
    read(file, 0, size, |batch| {
        if matches!(batch.lines.first(), Some(Line::Header { ids: Some(_), .. })) {
            floor = None;
        }
        if let Some(floor) = &mut floor {
            batch.lines.iter().for_each(|line| floor.raise(line));
        }
        floor.is_some()
    })?;
    Ok(floor)
}

/// The e-mail addresses of the users that are there: keys of v2 belong to them.
async fn logins(store: &dyn Store) -> Result<Logins, Failure> {
    let mut logins = HashMap::new();
    for layout in store.accounts().await.map_err(anyhow::Error::from)? {
        let id = layout.account.id;
        logins.extend(layout.users.iter().map(|user| ((id, user.id), user.email.clone())));
    }
    Ok(logins)
}

/// The document, and how far it was taken over.
struct Source {
    reader: Option<Box<dyn Read + Send>>,
    begin: u64,
    /// Where to write how far it is; none for what cannot be gone on with.
    checkpoint: Option<(PathBuf, Checkpoint)>,
}

impl Source {
    fn open(document: &Path, checkpoint: Option<PathBuf>, database: String) -> Result<Self> {
        if document == Path::new("-") {
            return Ok(Self { reader: Some(Box::new(io::stdin())), begin: 0, checkpoint: None });
        }
        let cannot = || format!("cannot read {}", document.display());
        let mut file = File::open(document).with_context(cannot)?;
        let kind = file.metadata().with_context(cannot)?;
        if !kind.is_file() {
            return Ok(Self { reader: Some(Box::new(file)), begin: 0, checkpoint: None });
        }
        let mut beginning = Vec::new();
        (&mut file).take(BEGINNING).read_to_end(&mut beginning).with_context(cannot)?;
        let beginning = digest(&String::from_utf8_lossy(&beginning)).to_hex();
        let path = checkpoint.unwrap_or_else(|| beside(document, ".checkpoint"));
        let fresh = Checkpoint { length: kind.len(), beginning, database, offset: 0 };
        let offset = match Checkpoint::read(&path)? {
            None => 0,
            Some(kept) if (Checkpoint { offset: 0, ..kept.clone() }) == fresh => kept.offset,
            Some(_) => {
                let path = path.display();
                return Err(anyhow!(
                    "the checkpoint {path} is of another document or database; remove it to begin anew"
                ));
            }
        };
        file.seek(SeekFrom::Start(offset)).with_context(cannot)?;
        let checkpoint = Some((path, Checkpoint { offset, ..fresh }));
        Ok(Self { reader: Some(Box::new(file)), begin: offset, checkpoint })
    }

    /// All before this byte has been taken over.
    fn reached(&mut self, offset: u64) -> Result<()> {
        match &mut self.checkpoint {
            None => Ok(()),
            Some((path, checkpoint)) => {
                checkpoint.offset = offset;
                checkpoint.write(path)
            }
        }
    }

    /// All has been taken over: the next time begins anew.
    fn done(self) {
        if let Some((path, _)) = self.checkpoint
            && let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            aside(&format!("cannot remove {}: {error}", path.display()));
        }
    }
}

impl Checkpoint {
    fn read(path: &Path) -> Result<Option<Self>> {
        let cannot = || format!("cannot read the checkpoint {}", path.display());
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(Some(serde_json::from_slice(&read.with_context(cannot)?).with_context(cannot)?)),
        }
    }

    /// Beside and then in its place: it is never half written.
    fn write(&self, path: &Path) -> Result<()> {
        let cannot = || format!("cannot write the checkpoint {}", path.display());
        let part = beside(path, ".part");
        fs::write(&part, serde_json::to_vec(self)?).with_context(cannot)?;
        fs::rename(&part, path).with_context(cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_looked_for_where_the_header_does_not_tell_them() {
        let found = |header: &str| {
            let tags = (1..=5).map(|id| {
                format!(r#"{{"tag": {{"account_id": 1, "row": {{"id": {id}, "name": "t{id}"}}}}}}"#)
            });
            let lines: Vec<String> = std::iter::once(header.to_owned()).chain(tags).collect();
            let folder = tempfile::tempdir().expect("a folder can be made");
            let document = folder.path().join("document");
            fs::write(&document, lines.join("\n")).expect("it can be written");
            untold_ids(&document, 2).expect("the document is sound")
        };
        let floor = Floor { tags: 5, ..Floor::default() };
        assert_eq!(found(r#"{"header": {"version": 1}}"#), Some(floor));
        assert_eq!(found(r#"{"header": {"version": 1, "ids": {"leads": 9}}}"#), None);
    }
}
