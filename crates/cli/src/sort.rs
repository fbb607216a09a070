//! `incoming-leads accept, decline, link`: sorting what waits.

use clap::Args;
use incoming_leads_model::{
    Accept, ContactId, CustomerId, Decline, LeadId, Link, LinkTarget, Receipt, StatusId, Uid, UserId,
};
use incoming_leads_port::{Error, IncomingLeads};

use crate::Failure;
use crate::ask::id;
use crate::connect::To;
use crate::tell::{Progress, Telling, told};

/// Accept: their leads go on, their contacts and companies become visible
#[derive(Args)]
pub(crate) struct AcceptThem {
    /// Which
    #[arg(required = true)]
    uid: Vec<Uid>,

    /// Who becomes the creator; default: the user of the token
    #[arg(long, value_name = "ID", value_parser = id::<UserId>)]
    user_id: Option<UserId>,

    /// The stage they go to; default: the first after incoming leads
    #[arg(long, value_name = "ID", value_parser = id::<StatusId>)]
    status_id: Option<StatusId>,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl AcceptThem {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { uid, user_id, status_id, telling, to } = self;
        let accept = Accept { user_id, status_id };
        let port = to.connection()?.ports()?.incoming;
        each(telling, &uid, "accepted", async |uid| port.accept(uid, &accept).await).await
    }
}

/// Decline: they go to the bin
#[derive(Args)]
pub(crate) struct DeclineThem {
    /// Which
    #[arg(required = true)]
    uid: Vec<Uid>,

    /// Who declines; default: the user of the token
    #[arg(long, value_name = "ID", value_parser = id::<UserId>)]
    user_id: Option<UserId>,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl DeclineThem {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { uid, user_id, telling, to } = self;
        let port = to.connection()?.ports()?.incoming;
        each(telling, &uid, "declined", async |uid| port.decline(uid, &Decline { user_id }).await).await
    }
}

/// Link a chat to a lead or customer that is there already
#[derive(Args)]
pub(crate) struct LinkIt {
    /// Which
    uid: Uid,

    /// The lead to link it to
    #[arg(long, value_name = "ID", value_parser = id::<LeadId>, required_unless_present = "customer")]
    lead: Option<LeadId>,

    /// The customer to link it to
    #[arg(long, value_name = "ID", value_parser = id::<CustomerId>, conflicts_with = "lead")]
    customer: Option<CustomerId>,

    /// The contact that absorbs the incoming one
    #[arg(long, value_name = "ID", value_parser = id::<ContactId>)]
    contact_id: Option<ContactId>,

    /// Who links; default: the user of the token
    #[arg(long, value_name = "ID", value_parser = id::<UserId>)]
    user_id: Option<UserId>,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl LinkIt {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { uid, lead, customer, contact_id, user_id, telling, to } = self;
        let target = lead.map(LinkTarget::Lead).or(customer.map(LinkTarget::Customer));
        let target = target.ok_or_else(|| Failure::Usage("--lead or --customer is due".to_owned()))?;
        let link = Link { target, contact_id, user_id };
        let port = to.connection()?.ports()?.incoming;
        each(telling, &[uid], "linked", async |uid| port.link(uid, &link).await).await
    }
}

/// Does the same to each uid. All are tried; the last failure is the program's.
async fn each(
    telling: Telling,
    uids: &[Uid],
    done: &str,
    command: impl AsyncFn(&Uid) -> Result<Receipt, Error>,
) -> Result<(), Failure> {
    let progress = if uids.len() > 1 { Progress::of(uids.len(), "sorted") } else { Progress::none() };
    let mut failed = Ok(());
    for uid in uids {
        match command(uid).await {
            Ok(receipt) => {
                telling.tell(&progress, std::slice::from_ref(&receipt), || told(&receipt, done))?;
            }
            Err(error) => {
                let before = std::mem::replace(&mut failed, Err(Failure::from(error).within(uid.as_str())));
                if let Err(failure) = before {
                    progress.aside(&failure.to_string());
                }
            }
        }
        progress.more(1);
    }
    failed
}
