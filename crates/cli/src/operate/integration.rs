//! `incoming-leads integration`: the clients of OAuth.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use incoming_leads_model::Integration;
use incoming_leads_model::document::Secret;
use incoming_leads_port::{Digest, Principal};
use incoming_leads_server::{OAuth, digest};

use super::{aside, credentials, layout, random, replace, store, table, user_id};
use crate::database::DatabaseArgs;
use crate::{Failure, print};

/// List, add and remove the integrations of an account, and give them codes
#[derive(Args)]
pub(crate) struct IntegrationCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the integrations of an account
    List {
        /// The account: its id or its sub-domain
        account: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Add an integration; prints its id and, this one time, its secret
    Add {
        /// The account: its id or its sub-domain
        account: String,
        /// What to call it
        #[arg(long)]
        name: String,
        /// Where it sends users back to
        #[arg(long, value_name = "URL")]
        redirect_uri: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Make a code, good for 20 minutes and once, by which an integration acts for a user; prints it
    Code {
        /// The account: its id or its sub-domain
        account: String,
        /// The integration
        #[arg(value_name = "CLIENT_ID")]
        client: String,
        /// The id of the user
        user: u64,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Remove an integration, with all that it was allowed
    Remove {
        /// The account: its id or its sub-domain
        account: String,
        /// The integration
        #[arg(value_name = "CLIENT_ID")]
        client: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

impl IntegrationCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List { account, database } => list(&account, &database).await,
            What::Add { account, name, redirect_uri, database } => {
                add(&account, name, redirect_uri, &database).await
            }
            What::Code { account, client, user, database } => {
                let store = store(&database).await?;
                let layout = layout(&*store, &account).await?;
                let principal = Principal { account_id: layout.account.id, user_id: user_id(&layout, user)? };
                let code =
                    OAuth::new(store).give_code(principal, &client).await.map_err(anyhow::Error::from)?;
                Ok(print(&format!("{code}\n"))?)
            }
            What::Remove { account, client, database } => remove(&account, &client, &database).await,
        }
    }
}

async fn list(account: &str, database: &DatabaseArgs) -> Result<(), Failure> {
    let store = store(database).await?;
    let layout = layout(&*store, account).await?;
    let mut rows = vec![["CLIENT_ID", "REDIRECT_URI", "NAME"].map(str::to_owned).to_vec()];
    for Integration { client_id, redirect_uri, name, secret: _ } in &layout.integrations {
        rows.push(vec![client_id.clone(), redirect_uri.clone(), name.clone()]);
    }
    Ok(print(&table(&rows))?)
}

async fn add(
    account: &str,
    name: String,
    redirect_uri: String,
    database: &DatabaseArgs,
) -> Result<(), Failure> {
    let store = store(database).await?;
    let mut changed = (*layout(&*store, account).await?).clone();
    let (client_id, secret) = (uuid(&random(16)?), random(32)?);
    let hashed = Secret::Sha256(digest(&secret).to_hex());
    changed.integrations.push(Integration {
        client_id: client_id.clone(),
        secret: hashed,
        redirect_uri,
        name,
    });
    replace(&*store, changed).await?;
    aside("the secret is not kept and cannot be shown again");
    Ok(print(&format!("client_id {client_id}\nclient_secret {secret}\n"))?)
}

/// A random UUID (version 4) of 32 hex digits.
fn uuid(digits: &str) -> String {
    let variant = ["8", "9", "a", "b"][usize::from(digits.as_bytes()[16] % 4)];
    let [one, two, three, four, five] =
        [&digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..]];
    format!("{one}-{two}-4{three}-{variant}{four}-{five}")
}

async fn remove(account: &str, client: &str, database: &DatabaseArgs) -> Result<(), Failure> {
    let store = store(database).await?;
    let mut changed = (*layout(&*store, account).await?).clone();
    let id = changed.account.id;
    if changed.integration(client).is_none() {
        return Err(anyhow!("account {id} has no integration {client}").into());
    }
    // What it was allowed goes first: whatever happens in between, it gets nothing new.
    let (tokens, grants) = credentials(&*store, id).await?;
    for grant in grants.iter().filter(|grant| grant.client_id == client) {
        store.swap(&grant.id, Some(grant), None).await.map_err(anyhow::Error::from)?;
    }
    for token in tokens.iter().filter(|token| token.client_id.as_deref() == Some(client)) {
        let digest = Digest::try_from(token).map_err(|what| anyhow!("a token {what}"))?;
        store.forget(&digest).await.map_err(anyhow::Error::from)?;
    }
    changed.integrations.retain(|integration| integration.client_id != client);
    replace(&*store, changed).await
}
