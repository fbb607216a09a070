//! `incoming-leads import`: an export taken over, piece by piece.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use incoming_leads_model::document::{self, Line};
use incoming_leads_model::{AccountId, Floor, Layout};
use incoming_leads_port::{AccountKey, Outcome};
use incoming_leads_server::digest;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::reading::{Batch, at, read};
use super::whole::{Whole, beside};
use super::{aside, failed, place};
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

    /// Lines of one piece; long ones make shorter pieces
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
    /// The id of the store: names and addresses may come to mean another one.
    database: String,
    /// Where the document goes on, in bytes.
    offset: u64,
}

/// Bytes by which a document is known again.
const BEGINNING: u64 = 4 << 10;

impl Import {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let database = place(&self.database)?;
        let mut source = Source::open(&self.document, self.checkpoint.clone())?;
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
        let (send, mut pieces) = mpsc::channel(1);
        let (from, begin, size) = (source.reader.take(), source.begin, self.batch as usize);
        let from = from.context("the document is read once")?;
        let reading = tokio::task::spawn_blocking(move || {
            if let Err(error) = read(from, begin, size, |batch| send.blocking_send(Ok(batch)).is_ok()) {
                // When nobody waits for more, why there is no more is not asked.
                let _ = send.blocking_send(Err(error));
            }
        });
        let mut next = pieces.recv().await;
        if begin == 0 {
            // No database is made for what is no document.
            next = next.transpose()?.map(Ok);
        }
        // What was begun is in a database that is there.
        let opened = database.open(Role::Beside { makes: begin == 0 }).await;
        let store = opened.map_err(|failure| source.within(failure))?;
        source.goes_into(store.id().await.map_err(failed)?)?;
        // That there is no place for it must not be found when much has been taken over.
        source.reached(begin)?;
        let mut logins = logins(&*store).await?;
        if begin > 0 {
            aside(&format!("going on at byte {begin}; remove the checkpoint to begin anew"));
        }
        let progress = match &source.checkpoint {
            Some((_, Checkpoint { length, offset, .. })) => Progress::of_bytes(*length, *offset),
            None => Progress::of(0, "bytes"),
        };
        let mut taken = 0;
        while let Some(piece) = next {
            let Batch { mut lines, first, end } = piece?;
            if let (Some(Line::Header { ids, .. }), Some(found)) = (lines.first_mut(), found.take()) {
                *ids = Some(found);
            }
            for (number, line) in (first..).zip(&mut lines) {
                let at = || at(number, begin);
                if matches!(line, Line::Draft(_)) {
                    return Err(anyhow!("{}: a draft is for seeds, which `serve --seed` reads", at()).into());
                }
                hash(line, &mut logins).with_context(at)?;
            }
            // The store would not say which line it is.
            let fits = document::check(&lines, &known(&*store, &lines).await?);
            fits.map_err(|misfit| anyhow!("{}: {}", at(first + misfit.line as u64, begin), misfit.what))?;
            let count = lines.len();
            let place = || format!("the {count} lines that end at byte {end}");
            store.import(lines).await.map_err(|error| match error.outcome() {
                Outcome::NotApplied => anyhow!("{}: {}", place(), reason(&error)).into(),
                // Nothing counts twice, so that going on settles it.
                Outcome::Unknown => failed(error).within(&place()),
            })?;
            source.reached(end)?;
            progress.at(end);
            taken += count;
            next = pieces.recv().await;
        }
        reading.await.context("the thread that reads the document broke off")?;
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
    for layout in store.accounts().await.map_err(failed)? {
        let id = layout.account.id;
        logins.extend(layout.users.iter().map(|user| ((id, user.id), user.email.clone())));
    }
    Ok(logins)
}

/// The accounts of these lines that the store has.
async fn known(store: &dyn Store, lines: &[Line]) -> Result<BTreeMap<AccountId, Arc<Layout>>, Failure> {
    let mut known = BTreeMap::new();
    for id in document::accounts(lines) {
        known.extend(store.account(AccountKey::Id(id)).await.map_err(failed)?.map(|layout| (id, layout)));
    }
    Ok(known)
}

/// The document, and how far it was taken over.
struct Source {
    reader: Option<Box<dyn Read + Send>>,
    begin: u64,
    /// Where to write how far it is; none for what cannot be gone on with.
    checkpoint: Option<(PathBuf, Checkpoint)>,
}

impl Source {
    fn open(document: &Path, checkpoint: Option<PathBuf>) -> Result<Self> {
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
        let fresh = Checkpoint { length: kind.len(), beginning, database: String::new(), offset: 0 };
        // One that was written before anything was taken over binds nobody.
        let known = match Checkpoint::read(&path)?.filter(|kept| kept.offset > 0) {
            None => fresh,
            Some(kept) if (kept.length, &kept.beginning) == (fresh.length, &fresh.beginning) => kept,
            Some(_) => return Err(other(&path, "document")),
        };
        file.seek(SeekFrom::Start(known.offset)).with_context(cannot)?;
        let begin = known.offset;
        Ok(Self { reader: Some(Box::new(file)), begin, checkpoint: Some((path, known)) })
    }

    /// It goes into the store of this id, and goes on in no other.
    fn goes_into(&mut self, id: String) -> Result<()> {
        match &mut self.checkpoint {
            Some((path, known)) if self.begin > 0 && known.database != id => Err(other(path, "database")),
            Some((_, known)) => {
                known.database = id;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Why the database of a checkpoint cannot be used.
    fn within(&self, failure: Failure) -> Failure {
        match &self.checkpoint {
            Some((path, _)) if self.begin > 0 => {
                let path = path.display();
                failure.within(&format!("the import was begun, as {path} says; remove it to begin anew"))
            }
            _ => failure,
        }
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

/// What is wrong with a checkpoint that is not of this import.
fn other(path: &Path, what: &str) -> anyhow::Error {
    anyhow!("the checkpoint {} is of another {what}; remove it to begin anew", path.display())
}

impl Checkpoint {
    fn read(path: &Path) -> Result<Option<Self>> {
        let shown = path.display();
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read the checkpoint {shown}"))?,
        };
        let kept = serde_json::from_slice(&text);
        kept.map(Some).with_context(|| {
            format!(
                "{shown} is no checkpoint or a damaged one; name another file with --checkpoint to begin anew, which counts nothing twice"
            )
        })
    }

    /// Beside and then in its place: it is never half written.
    fn write(&self, path: &Path) -> Result<()> {
        let cannot =
            || format!("cannot write the checkpoint {}; --checkpoint names another place", path.display());
        let mut file = Whole::begin(path).with_context(cannot)?;
        let written = file.write_all(&serde_json::to_vec(self)?);
        written.and_then(|()| file.finish()).with_context(cannot)
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
