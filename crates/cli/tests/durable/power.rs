//! Loss of power: a server works on a disk that logs, and at any point of the log the power may have gone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use incoming_leads_model::{EventKind, LeadId, ListQuery, Metadata, PageRequest, SummaryQuery};
use incoming_leads_port::{Cursor, EntityQuery, ErrorKind, Ports, Registry};
use incoming_leads_sqlite::Options;
use tokio::runtime::Runtime;

use crate::checker;
use crate::child::{self, COMMITS};
use crate::crash::{wait_for, work};
use crate::disk::{Call, Disk, Done, EIO, Log, Logs, Record};
use crate::hand::{TOKEN, principal};
use crate::history::{Fate, Op, Recorder, What, When};
use crate::http::{Client, PATIENCE};
use crate::random::Random;
use crate::replay::{Replay, Syncs};
use crate::server::{self, Server};

/// The file of the database.
const FILE: &str = "leads.sqlite";

/// Some work of a server, and all that its disk did meanwhile.
pub(crate) struct Recording {
    recorder: Recorder,
    log: Log,
    /// The records before this are of no interest.
    from: usize,
}

/// What happened to the disk while it was worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// Now and then a sync fails.
    Syncs,
}

/// What states of the disk had to say.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) states: usize,
    /// Changes that were acknowledged, over all states.
    pub(crate) acknowledged: usize,
    pub(crate) violations: Vec<String>,
}

/// Lets a server work on a disk, in sessions that end well or by a kill.
pub(crate) fn record(sessions: usize, trouble: Trouble, seed: u64) -> Recording {
    let disk = Disk::new();
    let recorder = Recorder::beside(disk.log().to_owned());
    let mut random = Random::new(seed);
    let database = format!("sqlite:{}", disk.folder().join(FILE).display());
    for session in 0..sessions {
        let mut command = server::serve(&database);
        let server = Server::start(disk.under(&mut command, Logs::All));
        let (enough, begun) = (recorder.told().acknowledged() + 60, std::time::Instant::now());
        work(&[server.address], &recorder, &mut random, || {
            while recorder.told().acknowledged() < enough && begun.elapsed() < PATIENCE {
                if trouble == Trouble::Syncs {
                    disk.fail(Call::Sync, EIO, Some(1));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            disk.heal();
        });
        if session % 2 == 0 {
            server.stop();
        } else {
            server.kill();
        }
    }
    Recording { log: Log::read(disk.log()), recorder, from: 0 }
}

/// Lets a server work until it copies its log, of which a reader keeps it half-way; then the reader goes, and the sync
/// of the rest fails. It goes on, and so does the next server.
pub(crate) fn record_failed_copy() -> Recording {
    let disk = Disk::new();
    let recorder = Recorder::beside(disk.log().to_owned());
    let mut random = Random::new(0);
    let path = disk.folder().join(FILE);
    let database = format!("sqlite:{}", path.display());
    let serve = || Server::start(disk.under(&mut server::serve(&database), Logs::All));
    let more = |changes| {
        let enough = recorder.told().acknowledged() + changes;
        wait_for(&recorder, enough);
    };
    let server = serve();
    let mut logged = 0;
    work(&[server.address], &recorder, &mut random, || {
        more(20);
        let reader = rusqlite::Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT 1 FROM store").unwrap();
        let mut client = Client::new(server.address, TOKEN);
        for number in 0.. {
            let length = fs::metadata(path.with_extension("sqlite-wal")).unwrap().len();
            if length > LONG_LOG {
                break;
            }
            assert_eq!(client.must("POST", SIP, &ballast(number)).status, 200);
        }
        more(5);
        disk.fail(Call::Copy, EIO, Some(1));
        drop(reader);
        logged = fs::metadata(disk.log()).unwrap().len();
        more(60);
        assert_eq!(disk.failed(Call::Copy), 1);
    });
    server.kill();
    let server = serve();
    work(&[server.address], &recorder, &mut random, || more(60));
    server.stop();
    let log = Log::read(disk.log());
    let from = log.records.iter().take_while(|record| record.end < logged).count();
    Recording { log, recorder, from }
}

/// More than what the store lets its log grow to before it copies it, in bytes.
const LONG_LOG: u64 = 10_500 * 4_120;
const SIP: &str = "/api/v4/leads/unsorted/sip";

/// A batch of leads that take some room.
fn ballast(number: u32) -> String {
    let from = "1".repeat(4_000);
    let call = |item: u32| {
        format!(
            r#"{{"source_name":"PBX","source_uid":"pbx","metadata":{{"from":"{from}","phone":"{number}.{item}","called_at":1751360811,"duration":54,"service_code":"pbx"}}}}"#
        )
    };
    format!("[{}]", (0..100).map(call).collect::<Vec<_>>().join(","))
}

/// Loses the power at so many points, and looks at what is left each time.
pub(crate) fn lose_power(recording: &Recording, states: usize, syncs: Syncs, seed: u64) -> Found {
    let Recording { recorder, log, from } = recording;
    let mut random = Random::new(seed);
    let mut points: Vec<_> = (0..states).map(|_| from + random.below(log.records.len() - from) + 1).collect();
    points.sort_unstable();
    let folder = Scratch::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut replay, mut at) = (Replay::new(syncs), 0);
    let mut found = Found::default();
    for point in points {
        for record in &log.records[at..point] {
            replay.step(log, record, &mut random);
        }
        at = point;
        let files = replay.lose_power(&mut random);
        let logged = log.records[point - 1].end;
        let history = as_of(recorder, logged);
        found.states += 1;
        found.acknowledged += history.values().flatten().filter(|op| op.what.is_acknowledged()).count();
        folder.fill(&files);
        let wrong = look(&runtime, &folder.0.join(FILE), history, recorder);
        found.violations.extend(wrong.into_iter().map(|what| format!("after record {point}: {what}")));
        if syncs == Syncs::Kept && !found.violations.is_empty() {
            break;
        }
    }
    found
}

/// Whether a disk whose syncs are ignored is that of `synchronous=OFF`: SQLite must write the same there, in the same
/// order, and sync nothing.
pub(crate) fn off_differs_in_syncs_alone() -> Result<(), String> {
    let [(full, full_syncs), (off, off_syncs)] = ["FULL", "OFF"].map(|synchronous| {
        let disk = Disk::new();
        let mut command = child::commit_rows(&disk.folder().join(FILE), synchronous);
        assert!(disk.under(&mut command, Logs::All).status().unwrap().success());
        let (mut changes, mut syncs) = (Vec::new(), 0);
        // An empty file becomes one that has a log before SQLite is told how to be synchronous.
        let is_logged =
            |record: &Record| record.name.ends_with("-wal") && matches!(record.done, Done::Write { .. });
        let records = Log::read(disk.log()).records.into_iter().skip_while(|record| !is_logged(record));
        for Record { name, done, .. } in records {
            match done {
                // What is written differs: a log has numbers of chance in it.
                Done::Write { offset, data } => {
                    changes.push(format!("{name}: {} bytes at {offset}", data.len()))
                }
                Done::Synced(_) => syncs += 1,
                Done::SyncBegun(_) | Done::SyncFailed(_) => {}
                Done::Create | Done::Truncate { .. } | Done::Unlink | Done::Rename { .. } => {
                    changes.push(format!("{name}: {done:?}"))
                }
            }
        }
        (changes, syncs)
    });
    if full != off {
        return Err(format!("not the same is written: {full:#?} {off:#?}"));
    }
    if full_syncs < COMMITS || off_syncs > 0 {
        return Err(format!("{COMMITS} commits are {full_syncs} syncs with FULL and {off_syncs} with OFF"));
    }
    Ok(())
}

/// What had begun when so much was logged, and what was told of it by then.
fn as_of(recorder: &Recorder, logged: u64) -> BTreeMap<String, Vec<Op>> {
    let told = recorder.told();
    let objects = told
        .objects
        .iter()
        .map(|(key, ops)| (key.clone(), ops.iter().filter_map(|op| op.as_of(logged)).collect::<Vec<_>>()));
    objects.filter(|(_, ops)| !ops.is_empty()).collect()
}

/// Opens a file and says what is wrong with it.
fn look(
    runtime: &Runtime,
    file: &Path,
    mut history: BTreeMap<String, Vec<Op>>,
    recorder: &Recorder,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let stored = runtime.block_on(async {
        let store = Options::default().open(file).map_err(|error| format!("it does not open: {error}"))?;
        match store.open(principal()).await {
            Ok(ports) => Stored::read(&ports).await.map_err(|error| format!("it cannot be read: {error}")),
            Err(error) if error.kind() == ErrorKind::Unauthorized => Ok(Stored::default()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        }
    });
    let stored = match stored {
        Ok(stored) => stored,
        Err(error) => return vec![error],
    };
    wrong.extend(stored.wrong.iter().cloned());
    let after = When { nanos: u64::MAX - 1, logged: u64::MAX };
    let told = recorder.told();
    for (key, ops) in &mut history {
        let read = |what| Op { begun: after, ended: Some(after), what, by: "power".to_owned() };
        ops.push(read(What::Find { waits: stored.waiting.get(key).map(|(uid, _)| uid.clone()) }));
        for uid in told.uids(key) {
            let lead = told.leads.get(&uid).copied();
            if let Some(is) = lead.and_then(|lead| stored.fates.get(&lead)) {
                ops.push(read(What::Fate { uid, is: *is }));
            }
        }
        if let Some(violation) = checker::violation(ops) {
            wrong.push(format!("{key}: {violation}"));
        }
    }
    wrong.extend(integrity(file));
    wrong
}

/// What SQLite itself says of the file.
fn integrity(file: &Path) -> Option<String> {
    let told = rusqlite::Connection::open(file).and_then(|connection| {
        connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    });
    match told {
        Ok(text) if text == "ok" => None,
        other => Some(format!("integrity_check says {other:?}")),
    }
}

/// What a store holds of the administrator's account.
#[derive(Debug, Default)]
struct Stored {
    /// Uid and lead by key.
    waiting: BTreeMap<String, (String, u64)>,
    fates: BTreeMap<u64, Fate>,
    /// What does not fit together.
    wrong: Vec<String>,
}

impl Stored {
    async fn read(ports: &Ports) -> incoming_leads_port::Result<Self> {
        let mut stored = Self::default();
        let mut waiting = 0_u64;
        let mut query = ListQuery { page: PageRequest::new(1, 500).unwrap(), ..ListQuery::default() };
        loop {
            let page = ports.incoming.list(&query).await?;
            if page.items.is_empty() {
                break;
            }
            waiting += page.items.len() as u64;
            for item in page.items {
                let Metadata::Sip(call) = &item.metadata else { continue };
                let lead = item.leads.iter().flatten().find_map(|lead| lead.id).map_or(0, LeadId::get);
                let key = call.phone.clone().unwrap_or_default();
                if let Some((other, _)) = stored.waiting.insert(key.clone(), (item.uid.to_string(), lead))
                    && key.contains('-')
                {
                    stored.wrong.push(format!("{key} waits twice: {other} and {}", item.uid));
                }
            }
            query.page = query.page.next().unwrap();
        }
        stored.read_history(ports, waiting).await?;
        Ok(stored)
    }

    /// What happened, which says what became of each lead; the counts must agree with it.
    async fn read_history(&mut self, ports: &Ports, waiting: u64) -> incoming_leads_port::Result<()> {
        let history = ports.history.as_ref().expect("a store has a history");
        let mut cursor: Option<Cursor> = None;
        let (mut leads, mut decided) = (BTreeMap::new(), BTreeMap::<_, u32>::new());
        let (mut accepted, mut declined) = (0, 0);
        loop {
            let events = history.events(cursor.as_ref(), 1000).await?;
            if events.events.is_empty() {
                break;
            }
            for event in events.events {
                match event.kind {
                    EventKind::Added(added) => {
                        let lead = added.lead.map_or(0, |lead| lead.id.get());
                        if leads.insert(event.uid.clone(), lead).is_some() {
                            self.wrong.push(format!("{} was added twice", event.uid));
                        }
                        continue;
                    }
                    EventKind::Updated(_) => continue,
                    EventKind::Accepted(_) => accepted += 1,
                    EventKind::Declined(_) => declined += 1,
                    EventKind::Linked(_) => {}
                }
                *decided.entry(event.uid).or_default() += 1;
            }
            cursor = Some(events.next);
        }
        let twice = decided.iter().filter(|(_, count)| **count > 1);
        self.wrong.extend(twice.map(|(uid, count)| format!("{uid} was decided {count} times")));
        let summary = ports.incoming.summary(&SummaryQuery::default()).await?;
        let counted = (leads.len() as u64, accepted, Some(declined));
        let told = (summary.total, summary.accepted, summary.declined);
        if told != counted {
            self.wrong.push(format!("the summary says {told:?}, the history {counted:?}"));
        }
        if waiting + decided.len() as u64 != leads.len() as u64 {
            self.wrong.push(format!(
                "{waiting} wait, {} are decided, {} were added",
                decided.len(),
                leads.len()
            ));
        }
        self.read_fates(ports, leads.into_values().filter(|lead| *lead > 0).collect()).await
    }

    async fn read_fates(&mut self, ports: &Ports, leads: Vec<u64>) -> incoming_leads_port::Result<()> {
        let directory = ports.directory.as_ref().expect("a store has a directory");
        for some in leads.chunks(500) {
            let ids = some.iter().map(|lead| LeadId::new(*lead).unwrap()).collect();
            for lead in directory.leads(&EntityQuery::with_ids(ids)).await?.items {
                let fate = match (lead.stamp.is_deleted, lead.is_unsorted) {
                    (true, _) => Fate::Binned,
                    (false, true) => Fate::Waits,
                    (false, false) => Fate::Lives,
                };
                self.fates.insert(lead.id.get(), fate);
            }
        }
        Ok(())
    }
}

/// A folder for one state after the other, in memory where the system has a place for that.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("incoming-leads-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = if memory.is_dir() { memory.join(name) } else { server::folder() };
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn fill(&self, files: &BTreeMap<String, Vec<u8>>) {
        for file in fs::read_dir(&self.0).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        for (name, bytes) in files {
            fs::write(self.0.join(name), bytes).unwrap();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
