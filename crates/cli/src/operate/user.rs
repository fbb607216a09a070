//! `incoming-leads user`: who may do what.

use clap::{Args, Subcommand};
use incoming_leads_model::{Right, Rights, User, UserId};

use super::{change, failed, layout, next, store, table, user_id};
use crate::database::DatabaseArgs;
use crate::{Failure, print};

/// List, add and change the users of an account
///
/// A user who has left is switched off and not removed: what they did names them.
#[derive(Args)]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the users of an account
    List {
        /// The account: its id or its sub-domain
        account: String,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Add a user; prints their id
    Add(Add),
    /// Change a user
    Change(Change),
}

#[derive(Args)]
struct Add {
    /// The account: its id or its sub-domain
    account: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// Their e-mail address, which is also the login of v2
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// What they may do: some of view, add, sort, administrate
    #[arg(long, value_name = "RIGHT,...", value_parser = rights, default_value = "view,add,sort")]
    rights: Rights,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
struct Change {
    /// The account: its id or its sub-domain
    account: String,
    /// The user's id
    user: u64,
    /// Their new name
    #[arg(long)]
    name: Option<String>,
    /// Their new e-mail address; their keys for v2 belong to the old one and are worth nothing then
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// What they may do from now on: some of view, add, sort, administrate
    #[arg(long, value_name = "RIGHT,...", value_parser = rights)]
    rights: Option<Rights>,
    /// Let nobody in as this user any more
    #[arg(long, conflicts_with = "activate")]
    deactivate: bool,
    /// Let them in again
    #[arg(long)]
    activate: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn rights(text: &str) -> Result<Rights, String> {
    let mut rights = Rights::NONE;
    for name in text.split(',') {
        let right = match name.trim() {
            "view" => &mut rights.view,
            "add" => &mut rights.add,
            "sort" => &mut rights.sort,
            "administrate" => &mut rights.administrate,
            _ => return Err("rights are some of view, add, sort, administrate".to_owned()),
        };
        *right = true;
    }
    Ok(rights)
}

impl UserCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List { account, database } => list(&account, &database).await,
            What::Add(add) => add.run().await,
            What::Change(change) => change.run().await,
        }
    }
}

async fn list(account: &str, database: &DatabaseArgs) -> Result<(), Failure> {
    let store = store(database).await?;
    let layout = layout(&*store, account).await?;
    let mut rows = vec![["USER", "STATE", "RIGHTS", "E-MAIL", "NAME"].map(str::to_owned).to_vec()];
    for User { id, name, email, is_active, rights } in &layout.users {
        let all = [
            (Right::View, "view"),
            (Right::Add, "add"),
            (Right::Sort, "sort"),
            (Right::Administrate, "administrate"),
        ];
        let held: Vec<_> =
            all.iter().filter(|(right, _)| rights.permit(*right)).map(|(_, name)| *name).collect();
        let state = if *is_active { "active" } else { "off" };
        rows.push(vec![id.to_string(), state.to_owned(), held.join(","), email.clone(), name.clone()]);
    }
    Ok(print(&table(&rows))?)
}

impl Add {
    async fn run(self) -> Result<(), Failure> {
        let store = store(&self.database).await?;
        let accounts = store.accounts().await.map_err(failed)?;
        let elsewhere = next(accounts.iter().flat_map(|layout| &layout.users).map(|user| user.id.get()));
        let Self { name, email, rights, .. } = &self;
        let id = change(&*store, &self.account, |layout| {
            let id = next(layout.users.iter().map(|user| user.id.get())).max(elsewhere);
            let id = UserId::new(id).map_err(anyhow::Error::from)?;
            let (name, email) = (name.clone(), email.clone());
            layout.users.push(User { id, name, email, is_active: true, rights: *rights });
            Ok(id)
        });
        Ok(print(&format!("{}\n", id.await?))?)
    }
}

impl Change {
    async fn run(self) -> Result<(), Failure> {
        let store = store(&self.database).await?;
        change(&*store, &self.account, |layout| {
            let id = user_id(layout, self.user)?;
            for user in layout.users.iter_mut().filter(|user| user.id == id) {
                self.name.iter().for_each(|new| user.name.clone_from(new));
                self.email.iter().for_each(|new| user.email.clone_from(new));
                user.rights = self.rights.unwrap_or(user.rights);
                user.is_active = (user.is_active || self.activate) && !self.deactivate;
            }
            Ok(())
        })
        .await
    }
}
