//! `incoming-leads account`: who there is.

use std::sync::Arc;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use incoming_leads_model::{
    Account, AccountId, Layout, Pipeline, PipelineId, Policies, Rights, Status, StatusId, StatusKind, User,
    UserId,
};
use incoming_leads_port::{Clock, SystemClock};

use super::{ATTEMPTS, change, failed, next, place, put, store, table};
use crate::database::{DatabaseArgs, Role};
use crate::{Failure, print};

/// List, add and change accounts
///
/// Pipelines, custom fields and policies are changed by `export`, an editor and `import`.
#[derive(Args)]
pub(crate) struct AccountCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List all accounts
    List {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Add an account with one pipeline and its administrator; prints the account's id
    Add(Add),
    /// Change the name or the sub-domain of an account
    Change(Change),
}

#[derive(Args)]
struct Add {
    /// The sub-domain: the first label of its host name
    #[arg(long, value_name = "LABEL")]
    subdomain: String,
    /// The name
    #[arg(long)]
    name: String,
    /// The e-mail address of its administrator, which is also the login of v2
    #[arg(long, value_name = "ADDRESS")]
    admin_email: String,
    /// The name of its administrator
    #[arg(long, value_name = "NAME", default_value = "Administrator")]
    admin_name: String,
    /// The id; default: one more than the highest
    #[arg(long)]
    id: Option<u64>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
struct Change {
    /// The account: its id or its sub-domain
    account: String,
    /// The new sub-domain
    #[arg(long, value_name = "LABEL", required_unless_present = "name")]
    subdomain: Option<String>,
    /// The new name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl AccountCommand {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self.what {
            What::List { database } => list(&database).await,
            What::Add(add) => add.run().await,
            What::Change(change) => change.run().await,
        }
    }
}

async fn list(database: &DatabaseArgs) -> Result<(), Failure> {
    let accounts = store(database).await?.accounts().await.map_err(failed)?;
    let mut rows = vec![["ACCOUNT", "SUB-DOMAIN", "USERS", "NAME"].map(str::to_owned).to_vec()];
    for layout in accounts {
        let Account { id, subdomain, name, .. } = &layout.account;
        rows.push(vec![id.to_string(), subdomain.clone(), layout.users.len().to_string(), name.clone()]);
    }
    Ok(print(&table(&rows))?)
}

impl Add {
    async fn run(self) -> Result<(), Failure> {
        let store = place(&self.database)?.open(Role::Beside { makes: true }).await?;
        for _ in 0..ATTEMPTS {
            let accounts = store.accounts().await.map_err(failed)?;
            let layout = self.layout(&accounts)?;
            let (id, user_id) = (layout.account.id, layout.users.first().map(|user| user.id));
            if accounts.iter().any(|layout| layout.account.id == id) {
                return Err(anyhow!("there is an account {id} already").into());
            }
            // Where somebody else has added an account with this id meanwhile, there is another one.
            if put(&*store, id, None, layout).await? {
                user_id.iter().for_each(|id| super::aside(&format!("its administrator is user {id}")));
                return Ok(print(&format!("{id}\n"))?);
            }
        }
        Err(anyhow!("others added accounts each time; nothing was done").into())
    }

    /// The account beside those that are there.
    fn layout(&self, accounts: &[Arc<Layout>]) -> Result<Layout, Failure> {
        let free = next(accounts.iter().map(|layout| layout.account.id.get()));
        let id = AccountId::new(self.id.unwrap_or(free)).map_err(anyhow::Error::from)?;
        let user = next(accounts.iter().flat_map(|layout| &layout.users).map(|user| user.id.get()));
        let administrator = User {
            id: UserId::new(user).map_err(anyhow::Error::from)?,
            name: self.admin_name.clone(),
            email: self.admin_email.clone(),
            is_active: true,
            rights: Rights::ADMINISTRATOR,
        };
        let account = Account {
            id,
            subdomain: self.subdomain.clone(),
            name: self.name.clone(),
            created_at: SystemClock.now(),
            country: "US".to_owned(),
            currency: "USD".to_owned(),
        };
        Ok(Layout {
            account,
            pipelines: vec![sales()?],
            users: vec![administrator],
            fields: Vec::new(),
            integrations: Vec::new(),
            policies: Policies::default(),
        })
    }
}

/// A pipeline to begin with.
fn sales() -> Result<Pipeline, anyhow::Error> {
    let status = |id, name: &str, kind, color: &str| {
        let id = StatusId::new(id)?;
        let sort = u32::try_from(id.get()).unwrap_or(u32::MAX) * 10;
        anyhow::Ok(Status { id, name: name.to_owned(), sort, kind, color: color.to_owned() })
    };
    let statuses = vec![
        status(1, "Incoming leads", StatusKind::Unsorted, "#c1c1c1")?,
        status(2, "First contact", StatusKind::Ordinary, "#99ccff")?,
        status(3, "Offer made", StatusKind::Ordinary, "#ffff99")?,
    ];
    Ok(Pipeline {
        id: PipelineId::new(1)?,
        name: "Sales".to_owned(),
        sort: 1,
        is_main: true,
        is_archive: false,
        is_unsorted_on: true,
        statuses,
    })
}

impl Change {
    async fn run(self) -> Result<(), Failure> {
        let store = store(&self.database).await?;
        change(&*store, &self.account, |layout| {
            let Account { subdomain, name, .. } = &mut layout.account;
            self.subdomain.iter().for_each(|new| subdomain.clone_from(new));
            self.name.iter().for_each(|new| name.clone_from(new));
            Ok(())
        })
        .await
    }
}
