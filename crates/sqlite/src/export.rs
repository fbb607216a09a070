//! All that is held as lines of the model's document, as of one moment, a few at a time.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::stream::{self, StreamExt};
use incoming_leads_model::document::{Line, Of, VERSION};
use incoming_leads_model::{AccountId, Company, Contact, Customer, Item, Lead};
use incoming_leads_port::{Operation, Result};
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::convert::all;
use crate::entities::{self, Kept};
use crate::error::Fault;
use crate::items::read_item;
use crate::readers::Readers;
use crate::writing::Layouts;
use crate::{credentials, history, registry, writing};

/// Lines that are read at a time.
const CHUNK: u64 = 256;
/// Chunks that are read ahead.
const AHEAD: usize = 4;

type Chunk = std::result::Result<Vec<Line>, Fault>;

/// Lines of one account or of all. They are read on a thread of their own, no faster than they are taken; while they
/// are read the log of the database is not cut.
pub(crate) fn export<'a>(
    readers: Arc<Readers>,
    layouts: Arc<Layouts>,
    account: Option<AccountId>,
) -> BoxStream<'a, Result<Line>> {
    let chunks = stream::once(async move {
        let (sender, receiver) = mpsc::channel::<Chunk>(AHEAD);
        tokio::task::spawn_blocking(move || {
            let told = readers.read_here(|connection| tell(connection, &layouts, account, &sender));
            if let Err(fault) = told {
                let _ = sender.blocking_send(Err(fault));
            }
        });
        stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|chunk| (chunk, receiver)))
    });
    let lines = chunks.flatten().flat_map(|chunk| {
        stream::iter(match chunk {
            Ok(lines) => lines.into_iter().map(Ok).collect(),
            Err(fault) => vec![Err(fault.told(Operation::Provision))],
        })
    });
    lines.boxed()
}

fn tell(
    connection: &Connection,
    layouts: &Layouts,
    account: Option<AccountId>,
    sender: &mpsc::Sender<Chunk>,
) -> std::result::Result<(), Fault> {
    let accounts = registry::ids(connection)?;
    let accounts = match account {
        None => accounts,
        Some(id) if accounts.contains(&id) => vec![id],
        Some(id) => return Err(Fault::Invalid(format!("there is no account {id}"))),
    };
    let mut telling = Telling { connection, sender, is_heard: true };
    telling.send(vec![Line::Header { version: VERSION, ids: Some(writing::floor(connection)?) }]);
    for id in accounts {
        let layout = layouts.get(connection, id)?;
        telling.send(vec![Line::Account(Box::new(Arc::unwrap_or_clone(layout)))]);
        telling.account(id)?;
        if !telling.is_heard {
            break;
        }
    }
    Ok(())
}

struct Telling<'a> {
    connection: &'a Connection,
    sender: &'a mpsc::Sender<Chunk>,
    /// Whether somebody still takes the lines.
    is_heard: bool,
}

impl Telling<'_> {
    fn send(&mut self, lines: Vec<Line>) {
        self.is_heard = self.is_heard && self.sender.blocking_send(Ok(lines)).is_ok();
    }

    /// Tells rows, a chunk after the other, until there are none left: `next` reads those behind a place, with places.
    fn rows<P, T>(
        &mut self,
        from: P,
        next: impl Fn(&Connection, P) -> std::result::Result<Vec<(P, T)>, Fault>,
        line: impl Fn(T) -> Line,
    ) -> std::result::Result<(), Fault> {
        let mut place = from;
        while self.is_heard {
            let (places, rows): (Vec<P>, Vec<T>) = next(self.connection, place)?.into_iter().unzip();
            let Some(last) = places.into_iter().next_back() else { break };
            place = last;
            self.send(rows.into_iter().map(&line).collect());
        }
        Ok(())
    }

    /// All of an account but its layout. Events come before entities and items, which other stores may share with them.
    fn account(&mut self, id: AccountId) -> std::result::Result<(), Fault> {
        let tokens = |connection: &Connection, after: Vec<u8>| {
            credentials::tokens_after(connection, id, &after, CHUNK)
        };
        self.rows(Vec::new(), tokens, Line::Token)?;
        let grants =
            |connection: &Connection, after: String| credentials::grants_after(connection, id, &after, CHUNK);
        self.rows(String::new(), grants, Line::Grant)?;
        let tags = |connection: &Connection, after| {
            let tags = entities::tags_after(connection, id, after, CHUNK)?;
            Ok(tags.into_iter().map(|tag| (tag.id.get(), tag)).collect())
        };
        self.rows(0, tags, |row| Line::Tag(Of { account_id: id, row }))?;
        self.entities::<Customer>(id, Line::Customer)?;
        let notes = |connection: &Connection, after| entities::notes_after(connection, id, after, CHUNK);
        self.rows((0, 0, 0), notes, |row| Line::Note(Of { account_id: id, row }))?;
        self.rows(0, |connection, after| history::after(connection, id, after, CHUNK), Line::Event)?;
        self.entities::<Lead>(id, Line::Lead)?;
        self.entities::<Contact>(id, Line::Contact)?;
        self.entities::<Company>(id, Line::Company)?;
        let items = |connection: &Connection, after: String| items_after(connection, id, &after);
        self.rows(String::new(), items, |row| Line::Item(Of { account_id: id, row }))
    }

    fn entities<T: Kept>(
        &mut self,
        id: AccountId,
        line: impl Fn(Of<T>) -> Line,
    ) -> std::result::Result<(), Fault> {
        let rows = |connection: &Connection, after| {
            let rows = entities::after::<T>(connection, id, after, CHUNK)?;
            Ok(rows.into_iter().map(|row| (row.id().into(), row)).collect())
        };
        self.rows(0, rows, |row| line(Of { account_id: id, row }))
    }
}

/// Items behind a uid. Uids of ours grow with time, so they come in the order in which they came in.
fn items_after(
    connection: &Connection,
    account: AccountId,
    uid: &str,
) -> std::result::Result<Vec<(String, Item)>, Fault> {
    let sql = "SELECT uid, body FROM items WHERE account_id = ?1 AND uid > ?2 ORDER BY uid LIMIT ?3";
    all(connection, "items", sql, (account.get(), uid, CHUNK), |row| {
        let uid: String = row.get(0)?;
        let item = read_item(row, 1, &uid)?;
        Ok((uid, item))
    })
}
