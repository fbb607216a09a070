//! All that is held as lines of the model's document, as of one moment, a few at a time.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::stream::{self, StreamExt};
use incoming_leads_model::document::{Line, Of, VERSION};
use incoming_leads_model::{AccountId, Company, Contact, Customer, Event, Item, Lead, Note, Tag};
use incoming_leads_port::{Operation, Result};
use tokio::sync::mpsc;

use crate::connection::{Lease, SNAPSHOT};
use crate::convert::{Account, Listed, account, id, kind, read};
use crate::error::{self, Fault};
use crate::registry;
use crate::store::Core;
use crate::{credentials, ids};

/// Lines that are read at a time.
const CHUNK: i64 = 256;
/// Chunks that are read ahead.
const AHEAD: usize = 4;

/// Lines of one account or of all. They are read on a connection of their own, no faster than they are taken; while
/// they are read the database cannot clean up behind them.
pub(crate) fn export<'a>(core: Arc<Core>, only: Option<AccountId>) -> BoxStream<'a, Result<Line>> {
    let chunks = stream::once(async move {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            if let Err(fault) = tell(&core, only, &sender).await {
                // Whoever listened may have gone.
                drop(sender.send(Err(fault)).await);
            }
        });
        stream::unfold(receiver, async |mut receiver: mpsc::Receiver<Chunk>| {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        })
    });
    let lines = chunks.flatten().flat_map(|chunk| {
        stream::iter(match chunk {
            Ok(lines) => lines.into_iter().map(Ok).collect(),
            Err(fault) => vec![Err(fault.told(Operation::Provision))],
        })
    });
    lines.boxed()
}

type Chunk = error::Result<Vec<Line>>;

async fn tell(core: &Core, only: Option<AccountId>, sender: &mpsc::Sender<Chunk>) -> error::Result<()> {
    let lease = Lease::take(&core.pool).await?.open(SNAPSHOT).await?;
    // Whoever takes the lines may take their time.
    lease.batch("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    let done = all(core, &lease, only, sender).await;
    lease.end(done).await
}

async fn all(
    core: &Core,
    lease: &Lease,
    only: Option<AccountId>,
    sender: &mpsc::Sender<Chunk>,
) -> error::Result<()> {
    let mut accounts = registry::ids(lease).await?;
    if let Some(id) = only {
        accounts.retain(|known| *known == account(id));
        if accounts.is_empty() {
            return Err(Fault::Invalid(format!("there is no account {id}")));
        }
    }
    let mut telling = Telling { lease, sender, is_heard: true };
    telling.send(vec![Line::Header { version: VERSION, ids: Some(ids::floor(lease).await?) }]).await;
    for of in accounts {
        let layout = core.layouts.load(lease, &[of]).await?.pop();
        let (_, layout) = layout.ok_or_else(|| Fault::damaged("accounts", of, "the row is not there"))?;
        telling.send(vec![Line::Account(Box::new(Arc::unwrap_or_clone(layout)))]).await;
        telling.account(of, id("accounts", of)?).await?;
        if !telling.is_heard {
            break;
        }
    }
    Ok(())
}

struct Telling<'a> {
    lease: &'a Lease,
    sender: &'a mpsc::Sender<Chunk>,
    /// Whether somebody still takes the lines.
    is_heard: bool,
}

impl Telling<'_> {
    async fn send(&mut self, lines: Vec<Line>) {
        self.is_heard = self.is_heard && self.sender.send(Ok(lines)).await.is_ok();
    }

    /// All of an account but its layout. Events come before entities and items, which other stores may share with them.
    async fn account(&mut self, of: Account, account_id: AccountId) -> error::Result<()> {
        let lease = self.lease;
        let mut digest = Vec::new();
        while self.is_heard {
            let tokens = credentials::tokens_after(lease, of, &digest, CHUNK).await?;
            let Some((last, _)) = tokens.last() else { break };
            digest.clone_from(last);
            self.send(tokens.into_iter().map(|(_, token)| Line::Token(token)).collect()).await;
        }
        let mut grant = String::new();
        while self.is_heard {
            let grants = credentials::grants_after(lease, of, &grant, CHUNK).await?;
            let Some((last, _)) = grants.last() else { break };
            grant.clone_from(last);
            self.send(grants.into_iter().map(|(_, grant)| Line::Grant(grant)).collect()).await;
        }
        let mut after = 0_i64;
        while self.is_heard {
            let asked = "SELECT tag_id, name FROM tags WHERE account_id = $1 AND tag_id > $2 \
                         ORDER BY account_id, tag_id LIMIT $3";
            let rows = lease.query(asked, &[&of, &after, &CHUNK]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(0);
            let tags = rows.iter().map(|row| Ok(Tag { id: id("tags", row.get(0))?, name: row.get(1) }));
            let tags: error::Result<Vec<Tag>> = tags.collect();
            self.send(tags?.into_iter().map(|row| Line::Tag(Of { account_id, row })).collect()).await;
        }
        self.entities(of, account_id, |row: Of<Customer>| Line::Customer(row)).await?;
        let mut after = (0_i16, 0_i64, 0_i64);
        while self.is_heard {
            let asked = "SELECT kind, entity_id, note_id, body FROM notes WHERE account_id = $1 \
                         AND (kind, entity_id, note_id) > ($2, $3, $4) \
                         ORDER BY account_id, kind, entity_id, note_id LIMIT $5";
            let rows = lease.query(asked, &[&of, &after.0, &after.1, &after.2, &CHUNK]).await?;
            let Some(last) = rows.last() else { break };
            after = (last.get(0), last.get(1), last.get(2));
            let notes = rows.iter().map(|row| read("notes", row.get::<_, i64>(2), row.get(3)));
            let notes: error::Result<Vec<Note>> = notes.collect();
            self.send(notes?.into_iter().map(|row| Line::Note(Of { account_id, row })).collect()).await;
        }
        let mut after = 0_i64;
        while self.is_heard {
            let asked = "SELECT sequence, body FROM events WHERE account_id = $1 AND sequence > $2 \
                         ORDER BY account_id, sequence LIMIT $3";
            let rows = lease.query(asked, &[&of, &after, &CHUNK]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(0);
            let events = rows.iter().map(|row| read("events", row.get::<_, i64>(0), row.get(1)));
            let events: error::Result<Vec<Event>> = events.collect();
            self.send(events?.into_iter().map(Line::Event).collect()).await;
        }
        self.entities(of, account_id, |row: Of<Lead>| Line::Lead(row)).await?;
        self.entities(of, account_id, |row: Of<Contact>| Line::Contact(row)).await?;
        self.entities(of, account_id, |row: Of<Company>| Line::Company(row)).await?;
        // Uids of ours grow with time, so items come in the order in which they came in.
        let mut after = String::new();
        while self.is_heard {
            let asked = "SELECT uid, body FROM items WHERE account_id = $1 AND uid > $2 \
                         ORDER BY account_id, uid LIMIT $3";
            let rows = lease.query(asked, &[&of, &after, &CHUNK]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(0);
            let items = rows.iter().map(|row| read("items", row.get::<_, &str>(0), row.get(1)));
            let items: error::Result<Vec<Item>> = items.collect();
            self.send(items?.into_iter().map(|row| Line::Item(Of { account_id, row })).collect()).await;
        }
        Ok(())
    }

    async fn entities<T: Listed>(
        &mut self,
        of: Account,
        account_id: AccountId,
        line: impl Fn(Of<T>) -> Line + Send + Sync,
    ) -> error::Result<()> {
        let kind = kind(T::KIND);
        let mut after = 0_i64;
        while self.is_heard {
            let asked = "SELECT id, body FROM entities WHERE account_id = $1 AND kind = $2 AND id > $3 \
                         ORDER BY account_id, kind, id LIMIT $4";
            let rows = self.lease.query(asked, &[&of, &kind, &after, &CHUNK]).await?;
            let Some(last) = rows.last() else { break };
            after = last.get(0);
            let read = rows.iter().map(|row| read("entities", row.get::<_, i64>(0), row.get(1)));
            let read: error::Result<Vec<T>> = read.collect();
            self.send(read?.into_iter().map(|row| line(Of { account_id, row })).collect()).await;
        }
        Ok(())
    }
}
