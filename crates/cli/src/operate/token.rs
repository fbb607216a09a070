//! `incoming-leads token`: how users come in.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use incoming_leads_model::document::{Secret, Token, TokenKind};
use incoming_leads_port::{Clock, Digest, SystemClock};
use incoming_leads_server::{Credentials, digest};

use super::{aside, credentials, failed, layout, random, store, table, user_id};
use crate::database::DatabaseArgs;
use crate::{Failure, print};

/// List, add and remove tokens, and the keys of v2
///
/// Of a token only its digest is kept; what is listed are the digest's first digits.
#[derive(Args)]
pub(crate) struct TokenCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the tokens and keys of an account
    List {
        /// The account: its id or its sub-domain
        account: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Make a token or key; prints it, this one time
    Add(Add),
    /// Remove a token or key: it lets nobody in from now on
    Remove {
        /// The account: its id or its sub-domain
        account: String,
        /// The token, by the digits that the list shows
        token: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

#[derive(Args)]
struct Add {
    /// The account: its id or its sub-domain
    account: String,
    /// The id of the user who comes in with it
    user: u64,
    /// What to call it
    #[arg(long)]
    name: Option<String>,
    /// For how many days it is good; default: until it is removed
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    /// A key for v2, which goes together with the user's e-mail address, instead of a bearer token
    #[arg(long)]
    api_key: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// How many digits of a digest are shown.
const SHOWN: usize = 12;

impl TokenCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List { account, database } => list(&account, &database).await,
            What::Add(add) => add.run().await,
            What::Remove { account, token, database } => remove(&account, &token, &database).await,
        }
    }
}

async fn list(account: &str, database: &DatabaseArgs) -> Result<(), Failure> {
    let store = store(database).await?;
    let layout = layout(&*store, account).await?;
    let (tokens, _) = credentials(&*store, layout.account.id).await?;
    let mut rows = vec![["TOKEN", "KIND", "USER", "GOOD UNTIL", "NAME"].map(str::to_owned).to_vec()];
    let now = SystemClock.now();
    for token in tokens {
        let Token { user_id, kind, name, client_id, expires_at, .. } = &token;
        let end = match expires_at {
            None => "removed".to_owned(),
            Some(end) if token.is_live(now) => end.to_string(),
            Some(end) => format!("{end}, over"),
        };
        let name = name.clone().or_else(|| client_id.as_ref().map(|id| format!("of integration {id}")));
        let shown = digits(&token).unwrap_or_default()[..SHOWN].to_owned();
        rows.push(vec![shown, kind.as_str().to_owned(), user_id.to_string(), end, name.unwrap_or_default()]);
    }
    Ok(print(&table(&rows))?)
}

fn digits(token: &Token) -> Option<String> {
    Digest::try_from(token).ok().map(Digest::to_hex)
}

impl Add {
    async fn run(self) -> Result<(), Failure> {
        let store = store(&self.database).await?;
        let layout = layout(&*store, &self.account).await?;
        let user_id = user_id(&layout, self.user)?;
        let secret = random(32)?;
        let login = layout.user(user_id).map(|user| user.email.clone()).unwrap_or_default();
        let (kind, digest) = match self.api_key {
            true => (TokenKind::ApiKey, Credentials::ApiKey { login: &login, key: &secret }.digest()),
            false => (TokenKind::Bearer, digest(&secret)),
        };
        let token = Token {
            kind,
            name: self.name,
            expires_at: self.days.map(|days| SystemClock.now().plus_secs(days.saturating_mul(24 * 60 * 60))),
            ..Token::bearer(layout.account.id, user_id, Secret::Sha256(digest.to_hex()))
        };
        store.enrol(&token).await.map_err(failed)?;
        match self.api_key {
            true => aside(&format!("the key of {login}; it is not kept and cannot be shown again")),
            false => aside("the token; it is not kept and cannot be shown again"),
        }
        Ok(print(&format!("{secret}\n"))?)
    }
}

async fn remove(account: &str, shown: &str, database: &DatabaseArgs) -> Result<(), Failure> {
    let store = store(database).await?;
    let layout = layout(&*store, account).await?;
    let (tokens, _) = credentials(&*store, layout.account.id).await?;
    let shown = shown.to_ascii_lowercase();
    let named = |token: &&Token| digits(token).is_some_and(|digits| digits.starts_with(&shown));
    match tokens.iter().filter(named).collect::<Vec<_>>()[..] {
        [token] if shown.len() >= 4 => {
            let digest = Digest::try_from(token).map_err(|what| anyhow!("the token {what}"))?;
            store.forget(&digest).await.map_err(failed)?;
            // Nor does what it opened; whoever has another key opens a session anew.
            let opened = |other: &&Token| {
                token.kind == TokenKind::ApiKey
                    && other.kind == TokenKind::Session
                    && other.user_id == token.user_id
            };
            for session in tokens.iter().filter(opened) {
                let digest = Digest::try_from(session).map_err(|what| anyhow!("a session {what}"))?;
                store.forget(&digest).await.map_err(failed)?;
            }
            Ok(())
        }
        [] => Err(anyhow!("account {} has no token {shown}", layout.account.id).into()),
        _ => Err(Failure::Usage("name one token, by at least 4 digits that begin no other".to_owned())),
    }
}
