//! `incoming-leads integration`: the clients of OAuth.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use incoming_leads_model::Integration;
use incoming_leads_model::document::Secret;
use incoming_leads_port::{Digest, Principal};
use incoming_leads_server::{OAuth, digest};

use super::{ATTEMPTS, aside, change, credentials, failed, layout, random, store, table, user_id};
use crate::database::{DatabaseArgs, Store};
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
                let code = OAuth::new(store).give_code(principal, &client).await.map_err(failed)?;
                Ok(print(&format!("{code}\n"))?)
            }
            What::Remove { account, client, database } => {
                remove(&*store(&database).await?, &account, &client).await
            }
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
    let (client_id, secret) = (uuid(&random(16)?), random(32)?);
    let hashed = Secret::Sha256(digest(&secret).to_hex());
    let integration = Integration { client_id: client_id.clone(), secret: hashed, redirect_uri, name };
    change(&*store, account, |layout| {
        layout.integrations.push(integration.clone());
        Ok(())
    })
    .await?;
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

pub(super) async fn remove(store: &dyn Store, account: &str, client: &str) -> Result<(), Failure> {
    // First of all nobody comes by it to anything new: a refresh token is worth nothing without its integration.
    let (id, mut is_known) = change(store, account, |layout| {
        let count = layout.integrations.len();
        layout.integrations.retain(|integration| integration.client_id != client);
        Ok((layout.account.id, layout.integrations.len() < count))
    })
    .await?;
    // A refresh that began before may put something in the place of what was found: it is looked for until there is
    // nothing. So is what a call that was cut short has left.
    for _ in 0..ATTEMPTS {
        let (tokens, grants) = credentials(store, id).await?;
        let grants: Vec<_> = grants.iter().filter(|grant| grant.client_id == client).collect();
        let tokens: Vec<_> =
            tokens.iter().filter(|token| token.client_id.as_deref() == Some(client)).collect();
        if grants.is_empty() && tokens.is_empty() {
            return match is_known {
                true => Ok(()),
                false => Err(anyhow!("account {id} has no integration {client}").into()),
            };
        }
        is_known = true;
        for grant in grants {
            store.swap(&grant.id, Some(grant), None).await.map_err(failed)?;
        }
        for token in tokens {
            let digest = Digest::try_from(token).map_err(|what| anyhow!("a token {what}"))?;
            store.forget(&digest).await.map_err(failed)?;
        }
    }
    Err(anyhow!(
        "integration {client} is removed, but others gave it new tokens each time; remove it once more"
    )
    .into())
}
