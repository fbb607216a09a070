//! A morning at the stage of incoming leads: a call comes in, what waits is listed, the call is accepted, and the day
//! is counted. The program does not know its transport: `leads` chooses it, in one line.
//!
//! `cargo run -p incoming-leads-http-v4 --example morning` runs it in memory. With the address of an account in
//! `INCOMING_LEADS_URL` and a token in `INCOMING_LEADS_TOKEN` it runs over HTTP; there it adds a call and accepts it.
#![expect(clippy::print_stdout, reason = "it is a program for people")]

use std::env;
use std::error::Error;
use std::sync::Arc;

use incoming_leads_http_v4::HttpV4;
use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line;
use incoming_leads_model::{Accept, Draft, ListQuery, Metadata, Moment, SipMetadata, SummaryQuery};
use incoming_leads_port::{
    Clock, IncomingLeads, IncomingLeadsExt, Principal, Provision, Registry, SystemClock,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// An account of its own, for when nothing else is there.
const ACCOUNT: &str = r#"{"account": {
    "account": {"id": 1, "subdomain": "example", "name": "Example", "created_at": 1700000000},
    "pipelines": [{"id": 2, "name": "Sales", "is_main": true, "statuses": [
        {"id": 3, "name": "Incoming leads", "sort": 10, "kind": "unsorted"},
        {"id": 4, "name": "First contact", "sort": 20}]}],
    "users": [{"id": 5, "name": "Ann", "email": "ann@example.com", "rights": {"administrate": true}}]}}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let url = env::var("INCOMING_LEADS_URL").ok();
    // The one line that chooses the transport.
    let leads = if let Some(url) = url { over_http(&url)? } else { in_memory().await? };
    println!("{}", morning(&*leads, SystemClock.now()).await?);
    Ok(())
}

fn over_http(url: &str) -> Result<Arc<dyn IncomingLeads>> {
    Ok(Arc::new(HttpV4::builder(url).with_token(env::var("INCOMING_LEADS_TOKEN")?).build()?))
}

async fn in_memory() -> Result<Arc<dyn IncomingLeads>> {
    let memory = Memory::default();
    let account: Line = serde_json::from_str(ACCOUNT)?;
    memory.import(vec![account]).await?;
    Ok(memory.open(Principal { account_id: 1.try_into()?, user_id: 5.try_into()? }).await?.incoming)
}

/// What a person does in the morning, and what there is to tell of it.
pub(crate) async fn morning(leads: &dyn IncomingLeads, called_at: Moment) -> Result<String> {
    let call = SipMetadata {
        from: Some("14155551234".to_owned()),
        called_at: Some(called_at),
        duration: Some(54),
        ..SipMetadata::default()
    };
    let receipt = leads
        .add_call(Draft {
            source_name: Some("PBX".to_owned()),
            source_uid: Some("pbx".to_owned()),
            metadata: Some(Metadata::Sip(call)),
            ..Draft::default()
        })
        .await?;
    let waiting = leads.list(&ListQuery::default()).await?.items;
    let place = waiting.iter().position(|lead| lead.uid == receipt.uid);
    let accepted = leads.accept(&receipt.uid, &Accept::default()).await?;
    let counts = leads.summary(&SummaryQuery::default()).await?;
    Ok(format!(
        "{} waited, ours at place {:?}; of category {:?} it became {} lead; {} accepted of {} in all",
        waiting.len(),
        place,
        accepted.category,
        accepted.leads.map_or(0, |leads| leads.len()),
        counts.accepted,
        counts.total,
    ))
}
