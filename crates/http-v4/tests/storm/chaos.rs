//! Processes that share one grant and one limiter, before a server that makes trouble.
//!
//! The server lives in the parent, so its journal and its store are at hand when the processes have ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use incoming_leads_conformance::fixture::{ACCOUNT, ADMINISTRATOR, Named};
use incoming_leads_http_v4::{HttpV4, Reconciliation};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Secret as Stored};
use incoming_leads_model::{
    ChatOrigin, ChatsMetadata, Draft, DuplicatePolicy, Integration, Metadata, TakeIn, Uid,
};
use incoming_leads_port::{Ids, Principal, Provision, Registry, SystemClock};
use incoming_leads_server::{
    Config, FaultProfile, JournalEntry, OAuth as Endpoint, RegistryGate, Server, digest,
};
use incoming_leads_transport::tokens::{FileStore, Grant, OAuth, Secret, TokenSource};
use incoming_leads_transport::{
    Authorized, FileLimiter, LimitRule, Limited, Limiter, Request, Reqwest, RetryPolicy, Retrying,
    SystemTime, Transport,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::size;
use crate::truth::Truth;
use crate::work::{Told, Worker};

/// Processes.
const PROCESSES: u64 = 4;
/// Clients that work at the same time in one process, on one handle.
const CLIENTS: u64 = 4;
/// What all integrations of an account may do, as a multiple of what one may: 50 and 7 a second.
const ACCOUNT_LIMIT: (u32, u32) = (50, 7);
/// After how many calls an access token dies.
const TOKEN_DIES_AFTER: u64 = 200;
/// Entries that the journal holds: more than any run makes.
const JOURNAL: usize = 1_000_000;

const CLIENT_ID: &str = "storm";
const CLIENT_SECRET: &str = "hush";
const REDIRECT_URI: &str = "https://example.com/back";

/// What a process is told by this variable.
const WORKER: &str = "INCOMING_LEADS_STORM_WORKER";

#[derive(Debug, Serialize, Deserialize)]
struct Assignment {
    number: u64,
    url: String,
    folder: PathBuf,
    calls: u64,
    chats: Vec<String>,
    /// Requests a second that an integration may send.
    limit: u32,
    seed: u64,
}

/// If this process is one of the four, its work.
pub(crate) fn worker() -> Option<()> {
    let assignment: Assignment = serde_json::from_str(&std::env::var(WORKER).ok()?).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(work(assignment));
    let mut out = std::io::stdout().lock();
    for told in told {
        writeln!(out, "{}", serde_json::to_string(&told).unwrap()).unwrap();
    }
    Some(())
}

async fn work(Assignment { number, url, folder, calls, chats, limit, seed }: Assignment) -> Vec<Told> {
    let leads = leads(&url, &folder, limit);
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let name = format!("p{number}c{client}");
        let seed = seed + number * CLIENTS + client;
        let mut worker = Worker::new(leads.clone(), ADMINISTRATOR, &name, seed, Arc::new(SystemTime));
        let own = chats.iter().skip(client as usize).step_by(CLIENTS as usize);
        worker.chats = own.map(|uid| Uid::new(uid).unwrap()).collect();
        clients.push(tokio::spawn(async move {
            let mut told = Vec::new();
            for _ in 0..calls / CLIENTS {
                told.push(worker.call().await);
            }
            told
        }));
    }
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.unwrap());
    }
    told
}

/// The port with all its layers, on the token store and the limiters of the folder. What depends on the rate is scaled
/// as the rate is.
fn leads(url: &str, folder: &Path, limit: u32) -> HttpV4 {
    let time = Arc::new(SystemTime);
    let network = Reqwest::builder().with_max_response_bytes(4 << 20).build().unwrap();
    let store = Arc::new(FileStore::open(folder.join("grant")));
    let endpoint = format!("{url}/oauth2/access_token").parse().unwrap();
    let tokens = OAuth::new(network.clone(), endpoint, store, time.clone());
    let tokens: Arc<dyn TokenSource> =
        Arc::new(tokens.with_integration(CLIENT_ID, Secret::new(CLIENT_SECRET), REDIRECT_URI));
    let limiters = [limit, limit * ACCOUNT_LIMIT.0 / ACCOUNT_LIMIT.1].into_iter().map(|most| {
        let file = folder.join(format!("limit-{most}"));
        Arc::new(FileLimiter::new(LimitRule::per_second(most), file)) as Arc<dyn Limiter>
    });
    let limited =
        Limited::new(network, limiters.collect(), time.clone()).with_pause(Duration::from_millis(10));
    let mut retries = RetryPolicy::default();
    retries.pause = Duration::from_millis(20);
    let transport = Retrying::new(Authorized::new(limited, tokens), retries, time);
    // What the handle has forgotten is no evidence any more, and lists tell it of the leads of all four.
    let builder =
        HttpV4::builder(url).with_duplicates(DuplicatePolicy::Refuse).with_remembered_leads(100_000);
    builder
        .with_reconciliation(Reconciliation::default().with_pause(Duration::from_millis(50)))
        .over(transport)
        .unwrap()
}

/// All that goes wrong with calls: 15 % of them, and every token after a while.
fn trouble() -> FaultProfile {
    let rule = |share: f64, carry_out: bool, fault: Value| json!({"do": fault, "share": share, "carry_out": carry_out, "paths": ["/api/*"]});
    let profile = json!({
        "seed": 1,
        "token_dies_after": TOKEN_DIES_AFTER,
        "rules": [
            rule(0.05, false, json!({"answer": {"status": 429}})),
            rule(0.025, false, json!({"answer": {"status": 502}})),
            rule(0.025, true, json!({"answer": {"status": 502}})),
            rule(0.01, false, json!("reset")),
            rule(0.01, true, json!("reset")),
            rule(0.02, true, json!("cut")),
            rule(0.01, true, json!("drop")),
            // A renewal whose answer is lost is asked for again, and answered alike.
            json!({"do": "drop", "share": 0.1, "carry_out": true, "paths": ["/oauth2/*"]}),
        ],
    });
    profile.to_string().parse().unwrap()
}

/// Four processes make so many calls; what they were told, what the server saw and what is stored agree.
pub(crate) fn run() -> Result<(), String> {
    let calls = size("INCOMING_LEADS_CHAOS_CALLS", 3_000);
    // So low that the limit is felt, also on a slow machine.
    let limit = size("INCOMING_LEADS_CHAOS_LIMIT", 300) as u32;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let begun = Instant::now();
    let folder = folder();
    let (memory, server, assignments) = runtime.block_on(begin(calls, limit, &folder));
    let processes: Vec<_> = assignments.iter().map(start).collect();
    let mut told = Vec::new();
    for (child, lines) in processes {
        told.extend(finish(child, lines)?);
    }
    let report = runtime.block_on(Truth::of(&memory)).check(&told);
    let journal = server.journal();
    eprintln!("chaos: {report}; {} requests in {:.1} s", journal.len(), begun.elapsed().as_secs_f32());
    let seen = seen(&journal, limit);
    report.verdict().and(seen)
}

async fn begin(calls: u64, limit: u32, folder: &Path) -> (Memory, Server, Vec<Assignment>) {
    let memory = Memory::new(Arc::new(SystemClock), Arc::new(Ids::random()));
    let mut lines = Named::Standard.fixture().lines;
    let account = lines.iter_mut().find_map(|line| match line {
        Line::Account(layout) if layout.account.id == ACCOUNT => Some(layout),
        _ => None,
    });
    account.unwrap().integrations.push(Integration {
        client_id: CLIENT_ID.to_owned(),
        secret: Stored::Sha256(digest(CLIENT_SECRET).to_hex()),
        redirect_uri: REDIRECT_URI.to_owned(),
        name: "Storm".to_owned(),
    });
    memory.import(lines).await.unwrap();
    let principal = Principal { account_id: ACCOUNT, user_id: ADMINISTRATOR };
    let intake = memory.open(principal).await.unwrap().intake.unwrap();
    let mut chats = VecDeque::new();
    for number in 0..calls / 20 {
        chats.push_back(intake.take_in(&TakeIn::new(chat(number))).await.unwrap().uid.to_string());
    }

    let registry: Arc<dyn Registry> = Arc::new(memory.clone());
    let endpoint = Endpoint::new(Arc::clone(&registry));
    let mut config = Config::default();
    config.journal = JOURNAL;
    config.oauth = Some(endpoint.clone());
    let server = Server::start(config, Arc::new(RegistryGate::new(registry))).await.unwrap();
    let code = endpoint.give_code(principal, CLIENT_ID).await.unwrap();
    FileStore::create(folder.join("grant"), sign_in(&server.url(), &code).await).unwrap();
    server.set_faults(Some(trouble()));

    let share = chats.len() / PROCESSES as usize;
    let assignments = (0..PROCESSES).map(|number| Assignment {
        number,
        url: server.url(),
        folder: folder.to_owned(),
        calls: calls / PROCESSES,
        chats: chats.drain(..share).collect(),
        limit,
        seed: 1_000,
    });
    let assignments = assignments.collect();
    (memory, server, assignments)
}

fn chat(number: u64) -> Draft {
    let origin = ChatOrigin { chat_id: Some(format!("storm-{number}")), ..ChatOrigin::default() };
    let mut metadata = ChatsMetadata { origin, ..ChatsMetadata::default() };
    metadata.from = Some("Chris".to_owned());
    metadata.client.name = Some("Chris".to_owned());
    Draft {
        source_name: Some("Page".to_owned()),
        source_uid: Some(format!("chat-{number}")),
        metadata: Some(Metadata::Chats(metadata)),
        ..Draft::default()
    }
}

/// The first grant, for a code.
async fn sign_in(url: &str, code: &str) -> Grant {
    let body = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT_URI,
        "grant_type": "authorization_code", "code": code,
    });
    let mut request = Request::new(body.to_string().into_bytes());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("{url}/oauth2/access_token").parse().unwrap();
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let answer = Reqwest::builder().build().unwrap().send(request).await.unwrap();
    let told: Value = serde_json::from_slice(answer.body()).unwrap();
    let text = |key: &str| Secret::new(told[key].as_str().unwrap_or_else(|| panic!("no {key}: {told}")));
    Grant {
        access_token: text("access_token"),
        refresh_token: Some(text("refresh_token")),
        expires_at_secs: None,
    }
}

/// A process, and a thread that reads what it tells.
fn start(assignment: &Assignment) -> (Child, std::thread::JoinHandle<Vec<String>>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(WORKER, serde_json::to_string(assignment).unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = std::thread::spawn(move || out.lines().map(Result::unwrap).collect());
    (child, lines)
}

fn finish(mut child: Child, lines: std::thread::JoinHandle<Vec<String>>) -> Result<Vec<Told>, String> {
    let lines = lines.join().unwrap();
    let status = child.wait().unwrap();
    if !status.success() {
        return Err(format!("a process ended with {status}"));
    }
    Ok(lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What the server's journal shows: the faults in their shares, the limit kept, one renewal for each token that died.
fn seen(journal: &[JournalEntry], limit: u32) -> Result<(), String> {
    if journal.first().is_none_or(|entry| entry.number != 1) {
        return Err("the journal has forgotten its beginning".to_owned());
    }
    let (renewals, calls): (Vec<_>, Vec<_>) =
        journal.iter().partition(|entry| entry.path.starts_with("/oauth2/"));
    let mut faults = BTreeMap::new();
    calls.iter().filter_map(|entry| entry.fault).for_each(|fault| *faults.entry(fault).or_insert(0_u32) += 1);
    let most = most_in_a_second(calls.iter().map(|entry| entry.at_micros));
    let dead: BTreeSet<_> = calls
        .iter()
        .filter(|entry| entry.status == Some(401))
        .filter_map(|entry| entry.credential.as_deref())
        .collect();
    // Answers that arrived; the first of them was the sign-in's.
    let renewed = renewals.iter().filter(|entry| entry.status == Some(200)).count() - 1;
    eprintln!(
        "chaos: faults {faults:?}; at most {most} requests in a second; {} tokens died, {renewed} renewals",
        dead.len()
    );
    if most > limit as usize {
        return Err(format!("{most} requests in one second, {limit} are allowed"));
    }
    let refused = renewals.iter().find(|entry| entry.carried_out != Some(200));
    if renewed != dead.len() || refused.is_some() {
        return Err(format!("{renewed} renewals of {} tokens that died; refused: {refused:?}", dead.len()));
    }
    let all = ["answer", "cut", "drop", "reset"];
    let is_stormy = all.iter().all(|fault| faults.contains_key(fault)) && !dead.is_empty();
    if is_stormy {
        Ok(())
    } else {
        Err(format!("there was no storm: {faults:?}, {} tokens died", dead.len()))
    }
}

/// The most moments that lie within any one second.
fn most_in_a_second(moments: impl Iterator<Item = u64>) -> usize {
    let mut moments: Vec<_> = moments.collect();
    moments.sort_unstable();
    let mut last = VecDeque::new();
    let mut most = 0;
    for at in moments {
        last.push_back(at);
        while last.front().is_some_and(|first| at - first >= 1_000_000) {
            last.pop_front();
        }
        most = most.max(last.len());
    }
    most
}

/// A fresh folder for this run.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("storm-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
