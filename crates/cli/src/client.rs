//! `incoming-leads list, get, add-call, add-form, accept, decline, link, summary`: a person's or a script's way to any
//! server that speaks v4.

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use futures_util::TryStreamExt as _;
use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::limits::MAX_BATCH_ITEMS;
use incoming_leads_model::{
    Accept, Add, Category, Channel, ContactId, CustomerId, Decline, Direction, Draft, Generation,
    IncomingLead, LeadId, Link, LinkTarget, ListFilter, ListQuery, Metadata, Moment, Order, OrderKey,
    PageRequest, PipelineId, Receipt, StatusId, SummaryQuery, Uid, UserId, Window,
};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, IncomingLeadsExt, Outcome};
use incoming_leads_wire_v4::add;
use serde::Serialize;

use crate::{Failure, print, token};

/// Which server, and how to tell what it answers.
#[derive(Args)]
struct To {
    /// The server: of ours, or `https://NAME.kommo.com`
    #[arg(long, value_name = "URL", env = "INCOMING_LEADS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,

    /// The token; others see it in the list of processes, so better set INCOMING_LEADS_TOKEN
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// Answer in JSON, one object a line: the model's own format
    #[arg(long)]
    json: bool,
}

impl To {
    fn open(&self) -> Result<HttpV4, Failure> {
        let missing = || Failure::Usage(format!("a token is due: set {} or give --token", token::VARIABLE));
        let token = token::given(self.token.clone())?.ok_or_else(missing)?;
        let port = HttpV4::builder(&self.url).with_token(token).build();
        port.map_err(|error| Failure::Usage(format!("cannot talk to {}: {:#}", self.url, anyhow!(error))))
    }

    fn tell<T: Serialize>(&self, answers: &[T], for_people: impl FnOnce() -> String) -> Result<(), Failure> {
        let text = if self.json {
            let mut lines = String::new();
            for answer in answers {
                lines.push_str(
                    &serde_json::to_string(answer).context("the answer cannot be written as JSON")?,
                );
                lines.push('\n');
            }
            lines
        } else {
            for_people()
        };
        Ok(print(&text)?)
    }
}

/// List what waits, newest first
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    to: To,

    /// Only these categories
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    category: Vec<Named>,

    /// Only these pipelines
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = id::<PipelineId>)]
    pipeline_id: Vec<PipelineId>,

    /// Only these uids
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    uid: Vec<Uid>,

    /// Oldest first
    #[arg(long)]
    ascending: bool,

    /// By the moment of the last update instead of that of creation
    #[arg(long)]
    by_update: bool,

    /// The page, from 1
    #[arg(long, default_value_t = 1)]
    page: u64,

    /// How many on a page, 1 to 500
    #[arg(long, default_value_t = 50)]
    limit: u32,

    /// All pages from this one on
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Named {
    Sip,
    Forms,
    Chats,
    Mail,
}

impl From<Named> for Category {
    fn from(named: Named) -> Self {
        match named {
            Named::Sip => Category::Sip,
            Named::Forms => Category::Forms,
            Named::Chats => Category::Chats,
            Named::Mail => Category::Mail,
        }
    }
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { to, category, pipeline_id, uid, ascending, by_update, page, limit, all } = self;
        let page = PageRequest::new(page, limit).map_err(|error| Failure::Usage(error.to_string()))?;
        let categories = some(category).map(|named| named.into_iter().map(Category::from).collect());
        let filter = ListFilter { uids: some(uid), categories, pipelines: some(pipeline_id) };
        let direction = if ascending { Direction::Ascending } else { Direction::Descending };
        let key = if by_update { OrderKey::UpdatedAt } else { OrderKey::CreatedAt };
        let query = ListQuery { filter, order: Order { key, direction }, page, ..ListQuery::default() };
        let port = to.open()?;
        if all {
            let mut leads = port.stream(query);
            while let Some(lead) = leads.try_next().await? {
                to.tell(std::slice::from_ref(&lead), || row(&lead))?;
            }
            return Ok(());
        }
        let page = port.list(&query).await?;
        to.tell(&page.items, || page.items.iter().map(row).collect())
    }
}

/// Show one that waits
#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    to: To,

    /// Its uid
    uid: Uid,
}

impl Get {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let lead = self.to.open()?.get_or_not_found(&self.uid).await?;
        self.to.tell(std::slice::from_ref(&lead), || {
            let known = serde_json::to_string_pretty(&lead.metadata).unwrap_or_default();
            format!("{}{known}\n", row(&lead))
        })
    }
}

#[derive(Args)]
pub(crate) struct AddFrom {
    #[command(flatten)]
    to: To,

    /// Items like those of v4's add: one JSON object a line; - is standard input
    #[arg(long, value_name = "JSONL")]
    from: PathBuf,

    /// How many in a batch, 1 to 250
    #[arg(long, default_value_t = 50)]
    batch: usize,
}

impl AddFrom {
    pub(crate) async fn run(self, channel: Channel) -> Result<(), Failure> {
        let Self { to, from, batch } = self;
        if !(1..=MAX_BATCH_ITEMS).contains(&batch) {
            return Err(Failure::Usage(format!("--batch takes 1 to {MAX_BATCH_ITEMS}")));
        }
        let drafts = drafts(channel, &from)?;
        let port = to.open()?;
        for some in drafts.chunks(batch) {
            let ([(first, _), ..], [.., (last, _)]) = (some, some) else { break };
            let items = some.iter().map(|(_, draft)| draft.clone()).collect();
            let add = Add { channel, generation: Generation::V4, items };
            let receipts = port.add(&add).await.map_err(|error| {
                Failure::from(error).within(&format!("lines {first} to {last}; those before were added"))
            })?;
            to.tell(&receipts, || receipts.iter().map(|receipt| format!("{}\n", receipt.uid)).collect())?;
        }
        Ok(())
    }
}

/// Reads all items, each with its line from 1, before the first is sent: a typing error on the last line adds nothing.
fn drafts(channel: Channel, path: &Path) -> Result<Vec<(usize, Draft)>, Failure> {
    let mut text = String::new();
    match path.to_str() {
        Some("-") => io::stdin().lock().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(path).map(|read| text = read),
    }
    .with_context(|| format!("cannot read {}", path.display()))?;
    let mut drafts = Vec::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let request = http::Request::new(format!("[{line}]").into_bytes());
        let read = add::read_request(channel, &request).map_err(|problem| {
            let detail =
                problem.validation_errors.iter().flat_map(|item| &item.errors).map(ToString::to_string);
            let detail: Vec<_> = detail.collect();
            Failure::Usage(format!("{}: line {}: {}", path.display(), place + 1, detail.join("; ")))
        })?;
        drafts.extend(read.add.items.into_iter().map(|draft| (place + 1, draft)));
    }
    if drafts.is_empty() {
        return Err(Failure::Usage(format!("{} holds no item", path.display())));
    }
    Ok(drafts)
}

/// Accept: their leads go on, their contacts and companies become visible
#[derive(Args)]
pub(crate) struct AcceptThem {
    #[command(flatten)]
    to: To,

    /// Which
    #[arg(required = true)]
    uid: Vec<Uid>,

    /// Who becomes the creator; default: the user of the token
    #[arg(long, value_name = "ID", value_parser = id::<UserId>)]
    user_id: Option<UserId>,

    /// The stage they go to; default: the first after incoming leads
    #[arg(long, value_name = "ID", value_parser = id::<StatusId>)]
    status_id: Option<StatusId>,
}

impl AcceptThem {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { to, uid, user_id, status_id } = self;
        let accept = Accept { user_id, status_id };
        let port = to.open()?;
        each(&to, &uid, "accepted", async |uid| port.accept(uid, &accept).await).await
    }
}

/// Decline: they go to the bin
#[derive(Args)]
pub(crate) struct DeclineThem {
    #[command(flatten)]
    to: To,

    /// Which
    #[arg(required = true)]
    uid: Vec<Uid>,

    /// Who declines; default: the user of the token
    #[arg(long, value_name = "ID", value_parser = id::<UserId>)]
    user_id: Option<UserId>,
}

impl DeclineThem {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { to, uid, user_id } = self;
        let port = to.open()?;
        each(&to, &uid, "declined", async |uid| port.decline(uid, &Decline { user_id }).await).await
    }
}

/// Link a chat to a lead or customer that is there already
#[derive(Args)]
pub(crate) struct LinkIt {
    #[command(flatten)]
    to: To,

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
}

impl LinkIt {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { to, uid, lead, customer, contact_id, user_id } = self;
        let target = lead.map(LinkTarget::Lead).or(customer.map(LinkTarget::Customer));
        let target = target.ok_or_else(|| Failure::Usage("--lead or --customer is due".to_owned()))?;
        let link = Link { target, contact_id, user_id };
        let port = to.open()?;
        each(&to, &[uid], "linked", async |uid| port.link(uid, &link).await).await
    }
}

/// Count what came, was accepted and declined
#[derive(Args)]
pub(crate) struct Summarise {
    #[command(flatten)]
    to: To,

    /// From this moment on: Unix seconds, UTC
    #[arg(long, value_name = "SECONDS", value_parser = moment)]
    from: Option<Moment>,

    /// Up to this moment: Unix seconds, UTC
    #[arg(long, value_name = "SECONDS", value_parser = moment)]
    until: Option<Moment>,

    /// Only of these uids, decided ones too
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    uid: Vec<Uid>,

    /// Only of these pipelines
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = id::<PipelineId>)]
    pipeline_id: Vec<PipelineId>,
}

impl Summarise {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { to, from, until, uid, pipeline_id } = self;
        let window = Window::new(from.unwrap_or(Moment::MIN), until.unwrap_or(Moment::MAX));
        let window = window.map_err(|error| Failure::Usage(error.to_string()))?;
        let query = SummaryQuery { uids: some(uid), pipelines: some(pipeline_id), window };
        let summary = to.open()?.summary(&query).await?;
        to.tell(&[summary], || {
            let mut text = format!("came      {:>10}\n", summary.total);
            // Writing to a String cannot fail.
            for category in Category::ALL {
                let _ = writeln!(text, "  {:<8}{:>10}", category.as_str(), summary.category(category));
            }
            let _ = writeln!(text, "accepted  {:>10}", summary.accepted);
            if let Some(declined) = summary.declined {
                let _ = writeln!(text, "declined  {declined:>10}");
            }
            let _ = writeln!(text, "sorted in {:>10} s on average", summary.average_sort_time_secs);
            text
        })
    }
}

/// Does the same to each uid. All are tried; the last failure is the program's.
async fn each(
    to: &To,
    uids: &[Uid],
    done: &str,
    command: impl AsyncFn(&Uid) -> Result<Receipt, Error>,
) -> Result<(), Failure> {
    let mut failed = Ok(());
    for uid in uids {
        match command(uid).await {
            Ok(receipt) => to.tell(std::slice::from_ref(&receipt), || told(&receipt, done))?,
            Err(error) => {
                let before = std::mem::replace(&mut failed, Err(Failure::from(error).within(uid.as_str())));
                if let Err(failure) = before {
                    failure.tell();
                }
            }
        }
    }
    failed
}

fn told(receipt: &Receipt, done: &str) -> String {
    let mut text = format!("{} {done}", receipt.uid);
    // Writing to a String cannot fail.
    for lead in receipt.leads.iter().flatten() {
        let _ = write!(text, ", lead {lead}");
    }
    for customer in receipt.customers.iter().flatten() {
        let _ = write!(text, ", customer {customer}");
    }
    text.push('\n');
    text
}

/// Uid, category, moment, lead, and what a person knows it by.
fn row(lead: &IncomingLead) -> String {
    let id = lead.leads.iter().flatten().find_map(|lead| lead.id);
    let id = id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let what = match &lead.metadata {
        Metadata::Sip(call) => call.phone.as_deref().or(call.from.as_deref()),
        Metadata::Forms(form) => form.form_name.as_deref().or(form.form_page.as_deref()),
        Metadata::Chats(chat) => chat.last_message_text.as_deref().or(chat.client.name.as_deref()),
        Metadata::Mail(mail) => mail.subject.as_deref().or(mail.from.email.as_deref()),
    };
    let what: String = what.unwrap_or("-").chars().filter(|letter| !letter.is_control()).take(60).collect();
    format!("{}  {:<5}  {}  {id:>10}  {what}\n", lead.uid, lead.category().as_str(), lead.created_at)
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn id<I: TryFrom<u64>>(text: &str) -> Result<I, String> {
    let number = text.parse::<u64>().ok().and_then(|number| I::try_from(number).ok());
    number.ok_or_else(|| "an id is a whole number from 1 to 2^53 - 1".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    let moment = text.parse().ok().and_then(|secs| Moment::from_secs(secs).ok());
    moment.ok_or_else(|| "a moment is in Unix seconds, UTC, from 0 to 253402300799".to_owned())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match error.kind() {
            ErrorKind::Unauthorized => "; is INCOMING_LEADS_TOKEN a token of that server?",
            ErrorKind::Unavailable if error.outcome() == Outcome::NotApplied => {
                "; is a server running there?"
            }
            _ => "",
        };
        let what = anyhow!("{:#}{hint}", anyhow!(error.to_string()));
        match (error.outcome(), error.kind()) {
            (Outcome::Unknown, _) => Failure::Unknown(what),
            (
                Outcome::NotApplied,
                ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unauthorized,
            ) => Failure::Refused(what),
            (Outcome::NotApplied, _) => Failure::Failed(what),
        }
    }
}
