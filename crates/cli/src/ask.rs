//! `incoming-leads list, get, summary`: what waits at a server, and what became of it.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use futures_util::TryStreamExt as _;
use incoming_leads_model::{
    Category, Direction, ListFilter, ListQuery, Moment, Order, OrderKey, PageRequest, PipelineId,
    SummaryQuery, Uid, Window,
};
use incoming_leads_port::{IncomingLeads, IncomingLeadsExt};

use crate::Failure;
use crate::connect::To;
use crate::tell::{Progress, Telling, row};

/// Which leads.
#[derive(Args)]
pub(crate) struct Which {
    /// Only these categories
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    category: Vec<Named>,

    /// Only these pipelines
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = id::<PipelineId>)]
    pipeline_id: Vec<PipelineId>,
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

impl Which {
    pub(crate) fn filter(self) -> ListFilter {
        let categories = some(self.category).map(|named| named.into_iter().map(Category::from).collect());
        ListFilter { uids: None, categories, pipelines: some(self.pipeline_id) }
    }
}

/// List what waits, newest first
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    which: Which,

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

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { which, uid, ascending, by_update, page, limit, all, telling, to } = self;
        let page = PageRequest::new(page, limit).map_err(|error| Failure::Usage(error.to_string()))?;
        let filter = ListFilter { uids: some(uid), ..which.filter() };
        let direction = if ascending { Direction::Ascending } else { Direction::Descending };
        let key = if by_update { OrderKey::UpdatedAt } else { OrderKey::CreatedAt };
        let query = ListQuery { filter, order: Order { key, direction }, page, ..ListQuery::default() };
        let port = to.connection()?.ports()?.incoming;
        if all {
            let progress = Progress::of(0, "listed");
            let mut leads = port.stream(query);
            while let Some(lead) = leads.try_next().await? {
                telling.tell(&progress, std::slice::from_ref(&lead), || row(&lead))?;
                progress.more(1);
            }
            return Ok(());
        }
        let page = port.list(&query).await?;
        telling.tell(&Progress::none(), &page.items, || page.items.iter().map(row).collect())?;
        Ok(())
    }
}

/// Show one that waits
#[derive(Args)]
pub(crate) struct Get {
    /// Its uid
    uid: Uid,

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl Get {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let lead = self.to.connection()?.ports()?.incoming.get_or_not_found(&self.uid).await?;
        self.telling.tell(&Progress::none(), std::slice::from_ref(&lead), || {
            let known = serde_json::to_string_pretty(&lead.metadata).unwrap_or_default();
            format!("{}{known}\n", row(&lead))
        })?;
        Ok(())
    }
}

/// Count what came, was accepted and declined
#[derive(Args)]
pub(crate) struct Summarise {
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

    #[command(flatten)]
    telling: Telling,

    #[command(flatten)]
    to: To,
}

impl Summarise {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Self { from, until, uid, pipeline_id, telling, to } = self;
        let window = Window::new(from.unwrap_or(Moment::MIN), until.unwrap_or(Moment::MAX));
        let window = window.map_err(|error| Failure::Usage(error.to_string()))?;
        let query = SummaryQuery { uids: some(uid), pipelines: some(pipeline_id), window };
        let summary = to.connection()?.ports()?.incoming.summary(&query).await?;
        telling.tell(&Progress::none(), &[summary], || {
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
        })?;
        Ok(())
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

/// Reads an id of the command line.
pub(crate) fn id<I: TryFrom<u64>>(text: &str) -> Result<I, String> {
    let number = text.parse::<u64>().ok().and_then(|number| I::try_from(number).ok());
    number.ok_or_else(|| "an id is a whole number from 1 to 2^53 - 1".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    let moment = text.parse().ok().and_then(|secs| Moment::from_secs(secs).ok());
    moment.ok_or_else(|| "a moment is in Unix seconds, UTC, from 0 to 253402300799".to_owned())
}
