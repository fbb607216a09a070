//! kill -9: every ticket that was told is in the file.
//!
//! The test runs itself again as a child that submits leads and tells their tickets, and kills it.

use std::error::Error;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use incoming_leads_memory::Memory;
use incoming_leads_model::document::Line;
use incoming_leads_model::{Channel, Draft, UserId};
use incoming_leads_outbox::{Outbox, Settings, Status, Ticket};
use incoming_leads_port::{Principal, Provision, Registry, SystemClock};

const KILLS: usize = 20;
const ACCOUNT: &str = r#"{"account":{"account":{"id":1,"subdomain":"a","name":"A","created_at":0},
    "users":[{"id":2,"name":"J","email":"j@example.com","rights":{"view":true,"add":true}}]}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--child") {
        let path = arguments.next().ok_or("the child needs a path")?;
        return child(Path::new(&path));
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let mut told = 0;
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--child")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
        let mut tickets: Vec<u64> = Vec::new();
        // Each round kills at another place.
        while tickets.len() < 5 + 3 * round {
            tickets.push(lines.next().ok_or("the child ended early")??.parse()?);
        }
        child.kill()?;
        child.wait()?;
        // What it told before it died counts, too; a number that was cut off does not end its line.
        tickets.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<u64>().ok()));
        let outbox = open(&path)?;
        for ticket in &tickets {
            if outbox.status(Ticket::from_number(*ticket)) != Some(Status::Waiting) {
                return Err(format!("ticket {ticket} was told and is lost, in round {round}").into());
            }
        }
        told += tickets.len();
    }
    std::fs::remove_file(&path)?;
    writeln!(
        std::io::stdout(),
        "{KILLS} kills, {told} tickets told, 0 lost\n\ntest result: ok. 1 passed; 0 failed"
    )?;
    Ok(())
}

/// Submits for ever, and tells each ticket once it has it.
fn child(path: &Path) -> Result<(), Box<dyn Error>> {
    let outbox = open(path)?;
    loop {
        let ticket =
            outbox.submit(Channel::Sip, Draft { source_name: Some("x".repeat(200)), ..Draft::default() })?;
        writeln!(std::io::stdout(), "{ticket}")?;
    }
}

fn open(path: &Path) -> Result<Outbox, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let memory = Memory::default();
    runtime.block_on(memory.import(vec![serde_json::from_str::<Line>(ACCOUNT)?]))?;
    let account_id = incoming_leads_model::AccountId::new(1)?;
    let ports = runtime.block_on(memory.open(Principal { account_id, user_id: UserId::new(2)? }))?;
    Ok(Outbox::open(path, ports.incoming, Arc::new(SystemClock), Settings::default())?)
}
