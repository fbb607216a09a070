//! What an operator does to a store: bring it up, set accounts up, carry them elsewhere. All of it works beside a
//! server that has the same database.

mod account;
mod export;
mod import;
mod integration;
mod reading;
mod token;
mod user;
mod whole;

use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use futures_util::StreamExt;
use incoming_leads_model::document::{Line, Token};
use incoming_leads_model::grant::Grant;
use incoming_leads_model::setup::{self, Unfit};
use incoming_leads_model::{AccountId, Floor, Layout, UserId};
use incoming_leads_port::{AccountKey, Error, Outcome};

use crate::database::{Database, DatabaseArgs, Role, Store};
use crate::{Failure, print};

pub(crate) use account::AccountCommand;
pub(crate) use export::Export;
pub(crate) use import::Import;
pub(crate) use integration::IntegrationCommand;
pub(crate) use token::TokenCommand;
pub(crate) use user::UserCommand;

/// Bring a database that an older program has made up to this one
///
/// A server of the version before may go on beside it.
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Migrate {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let database = place(&self.database)?;
        database.open(Role::Migrate).await?;
        Ok(print(&format!("{database} is up to date\n"))?)
    }
}

/// The database that was named, or the usual one.
fn place(args: &DatabaseArgs) -> Result<Database, Failure> {
    match args.named()? {
        Some(Database::Memory) => Err(Failure::Usage(
            "memory is gone when this program ends: name a database that lasts".to_owned(),
        )),
        Some(named) => Ok(named),
        None => Database::usual(),
    }
}

/// The store of a database that is there.
async fn store(args: &DatabaseArgs) -> Result<Arc<dyn Store>, Failure> {
    place(args)?.open(Role::Beside { makes: false }).await
}

/// The account that a person names: by its id, or by its sub-domain.
async fn layout(store: &dyn Store, name: &str) -> Result<Arc<Layout>, Failure> {
    let by_id = match name.parse::<u64>().ok().and_then(|id| AccountId::new(id).ok()) {
        Some(id) => store.account(AccountKey::Id(id)).await.map_err(failed)?,
        None => None,
    };
    let by_name = store.account(AccountKey::Subdomain(name)).await.map_err(failed)?;
    match (by_id, by_name) {
        // A document may bring such a name.
        (Some(one), Some(other)) if one.account.id != other.account.id => {
            let other = other.account.id;
            Err(anyhow!("{name} is the id of one account and the sub-domain of account {other}: change that sub-domain first")
                .into())
        }
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Err(anyhow!("there is no account {name}").into()),
    }
}

/// A user of it.
fn user_id(layout: &Layout, id: u64) -> Result<UserId, Failure> {
    let found = UserId::new(id).ok().filter(|id| layout.user(*id).is_some());
    Ok(found.with_context(|| format!("account {} has no user {id}", layout.account.id))?)
}

/// How often something is done anew because somebody else was faster.
const ATTEMPTS: usize = 20;

/// Changes an account as it is now: what somebody else changes at the same time is neither lost nor undone.
async fn change<T>(
    store: &dyn Store,
    name: &str,
    mut change: impl FnMut(&mut Layout) -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 0..ATTEMPTS {
        let old = layout(store, name).await?;
        let (id, mut new) = (old.account.id, (*old).clone());
        let answer = change(&mut new)?;
        if new == *old || put(store, id, Some(old), new).await? {
            return Ok(answer);
        }
    }
    Err(anyhow!("others changed the account {name} each time; nothing was done").into())
}

/// Puts an account in the place of what was read, if that still stands and the account is fit; whether it did.
async fn put(
    store: &dyn Store,
    id: AccountId,
    old: Option<Arc<Layout>>,
    new: Layout,
) -> Result<bool, Failure> {
    setup::check(&new, old.as_deref()).map_err(|unfit| match unfit {
        Unfit::EmailTaken(_) => Failure::Failed(unfit.into()),
        _ => Failure::Usage(unfit.to_string()),
    })?;
    let lines = vec![Line::Account(Box::new(new))];
    store.import_if(&[(id, old)], lines).await.map_err(failed)
}

/// The id after the largest. Those that a document brought from where no room is left do not count.
fn next(taken: impl Iterator<Item = u64>) -> u64 {
    taken.filter(|id| *id <= Floor::HIGHEST).max().unwrap_or_default() + 1
}

/// The tokens and grants of an account: they stand at the head of its export, of which no more is read.
async fn credentials(store: &dyn Store, account: AccountId) -> Result<(Vec<Token>, Vec<Grant>), Failure> {
    let (mut tokens, mut grants) = (Vec::new(), Vec::new());
    let mut lines = store.export(Some(account));
    while let Some(line) = lines.next().await {
        match line.map_err(failed)? {
            Line::Header { .. } | Line::Account(_) => {}
            Line::Token(token) => tokens.push(token),
            Line::Grant(grant) => grants.push(grant),
            _ => break,
        }
    }
    Ok((tokens, grants))
}

/// What a store could not do. Where the answer to a change was lost, nobody knows whether it took effect.
fn failed(error: Error) -> Failure {
    match error.outcome() {
        Outcome::NotApplied => Failure::Failed(error.into()),
        Outcome::Unknown => {
            let doubt = "nobody knows whether it took effect: look before it is done again";
            Failure::Unknown(anyhow::Error::from(error).context(doubt))
        }
    }
}

/// So many random bytes as hex digits.
fn random(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| anyhow!("the system gives no randomness: {error}"))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Says something that is no answer, so that an answer can be piped.
fn aside(text: &str) {
    // When nobody listens there is nobody left to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("incoming-leads: {text}\n").as_bytes());
}

/// Rows in columns.
fn table(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            // What a document brought must not steer a terminal.
            let cell = cell.replace(char::is_control, "\u{fffd}");
            format!("{cell:<width$}")
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
