//! Faults of the disk under an SQLite server, and what else can be wrong with its file.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use incoming_leads_testbed::{Postgres, Settings, Stop};
use libtest_mimic::{Failed, Trial};

use crate::disk::{Call, Disk, EIO, ENOSPC, EROFS, Logs};
use crate::faults::{self, Passage};
use crate::history::Recorder;
use crate::server::{self, Server, serve};
use crate::stages;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = FAULTS.iter().map(|fault| Trial::test(fault.0, || passes(fault))).collect();
    trials.extend([
        Trial::test("fault::the_lock_is_held_by_another_process", lock_is_held),
        Trial::test("fault::the_disk_is_really_full", disk_is_full),
        Trial::test("fault::a_second_server_is_refused", second_server),
        Trial::test("fault::a_file_that_cannot_be_written_is_told_at_the_start", read_only_at_the_start),
    ]);
    trials.extend(POSTGRES.iter().map(|(name, come, go)| Trial::test(*name, || postgres(*come, *go))));
    trials
}

/// Which call fails, how, and how often; none is as long as the fault lasts.
type Fault = (&'static str, Call, i32, Option<i32>);

const FAULTS: &[Fault] = &[
    ("fault::a_sync_fails_once", Call::Sync, EIO, Some(1)),
    ("fault::syncs_fail_for_a_while", Call::Sync, EIO, None),
    ("fault::a_write_fails_once", Call::Write, EIO, Some(1)),
    ("fault::writes_fail_for_a_while", Call::Write, EIO, None),
    ("fault::the_disk_is_full_for_a_while", Call::Write, ENOSPC, None),
    ("fault::the_disk_is_read_only_for_a_while", Call::Write, EROFS, None),
    ("fault::files_cannot_be_opened_for_a_while", Call::Open, EROFS, None),
    ("fault::reads_fail_for_a_while", Call::Read, EIO, None),
];

/// The injected fault comes and goes.
fn passes(fault: &Fault) -> Result<(), Failed> {
    let (_, call, error, times) = *fault;
    // SQLite takes a read that fails for a sign of damage: 500, and nothing took effect.
    let mut recorder = Recorder::new();
    recorder.may_be_damaged = call == Call::Read;
    let disk = Disk::new();
    let database = format!("sqlite:{}", disk.folder().join("leads.sqlite").display());
    let start = || Server::start(disk.under(&mut serve(&database), Logs::Nothing));
    told(faults::pass(recorder, &start, &mut || disk.fail(call, error, times), &mut || disk.heal()))?;
    // Files are opened at need, and what is in the cache need not be read.
    if disk.failed() == 0 && matches!(call, Call::Sync | Call::Write) {
        return Err("no call has failed".into());
    }
    eprintln!("{} calls have failed", disk.failed());
    Ok(())
}

/// Another program writes, and takes its time.
fn lock_is_held() -> Result<(), Failed> {
    let database = server::sqlite();
    let other = rusqlite::Connection::open(database.trim_start_matches("sqlite:")).unwrap();
    let start = || Server::start(&mut serve(&database));
    let hold = || other.execute_batch("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
    told(faults::pass(Recorder::new(), &start, &mut { hold }, &mut || {
        other.execute_batch("ROLLBACK").unwrap()
    }))
}

/// A small file system that is filled up by something else.
fn disk_is_full() -> Result<(), Failed> {
    let Some(small) = Small::new() else {
        eprintln!("skipped: a file system may not be mounted here");
        return Ok(());
    };
    let database = format!("sqlite:{}", small.0.join("leads.sqlite").display());
    let start = || Server::start(&mut serve(&database));
    let ballast = small.0.join("ballast");
    let fill = || {
        // As much as there is room for.
        let _ = fs::write(&ballast, vec![1; 64 << 20]);
    };
    told(faults::pass(Recorder::new(), &start, &mut { fill }, &mut || fs::remove_file(&ballast).unwrap()))
}

/// A file system of 16 MB.
struct Small(PathBuf);

impl Small {
    fn new() -> Option<Self> {
        let folder = server::folder();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(&folder)
            .stderr(std::process::Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What the PostgreSQL of these tests has.
const CONNECTIONS: usize = 30;

/// How PostgreSQL gets into trouble and out of it.
type Step = fn(&mut Postgres);

const POSTGRES: &[(&str, Step, Step)] = &[
    ("fault::postgres_stops_for_a_while", |it| it.stop(Stop::Fast).unwrap(), |it| it.resume().unwrap()),
    ("fault::postgres_is_killed", |it| it.stop(Stop::Kill).unwrap(), |it| it.resume().unwrap()),
    ("fault::postgres_ends_every_session", end_sessions, |_| {}),
    (
        "fault::postgres_is_read_only_for_a_while",
        |it| set(it, "default_transaction_read_only = on"),
        |it| set(it, "default_transaction_read_only = off"),
    ),
    ("fault::postgres_has_no_connection_left", take_connections, |_| {}),
    ("fault::postgres_waits_for_a_lock", hold_locks, |_| {}),
];

/// A fault of PostgreSQL comes and goes.
fn postgres(come: Step, go: Step) -> Result<(), Failed> {
    let settings = Settings::default().with_fsync(false).with("max_connections", &CONNECTIONS.to_string());
    let Some(postgres) = stages::postgres(&settings) else { return Ok(()) };
    let database = postgres.url("postgres");
    let start = || Server::start(&mut serve(&database));
    let postgres = RefCell::new(postgres);
    let (mut come, mut go) = (|| come(&mut postgres.borrow_mut()), || go(&mut postgres.borrow_mut()));
    told(faults::pass(Recorder::new(), &start, &mut come, &mut go))
}

fn set(postgres: &mut Postgres, parameter: &str) {
    postgres.sql(&format!("alter system set {parameter}")).unwrap();
    postgres.sql("select pg_reload_conf()").unwrap();
}

const END_SESSIONS: &str =
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'incoming-leads'";

/// Now and then, for a while.
fn end_sessions(postgres: &mut Postgres) {
    for _ in 0..5 {
        postgres.sql(END_SESSIONS).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The server's sessions end, and others take every connection that there is.
fn take_connections(postgres: &mut Postgres) {
    let (postgres, begun) = (&*postgres, Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| postgres.sql(&format!("select pg_sleep(0.5); {END_SESSIONS}; select pg_sleep(1)")));
        for _ in 0..CONNECTIONS {
            // Whoever finds none tries again.
            scope.spawn(|| {
                while begun.elapsed() < Duration::from_secs(1) {
                    let _ = postgres.sql("select pg_sleep(1)");
                }
            });
        }
    });
}

/// Every table is locked, for longer than anybody waits.
fn hold_locks(postgres: &mut Postgres) {
    postgres
        .sql(
            "do $$ declare t text; begin \
               for t in select format('%I.%I', schemaname, tablename) from pg_tables \
                 where schemaname not in ('pg_catalog', 'information_schema') loop \
                 execute 'lock table ' || t || ' in access exclusive mode'; \
               end loop; perform pg_sleep(4); end $$",
        )
        .unwrap();
}

fn second_server() -> Result<(), Failed> {
    let database = server::sqlite();
    let first = Server::start(&mut serve(&database));
    match Server::try_start(&mut serve(&database)) {
        Ok(_) => Err("two servers serve one file".into()),
        Err(words) if words.contains("another server") => {
            drop(first);
            // The lock goes with the process, however it ends.
            Server::try_start(&mut serve(&database)).map(drop).map_err(Failed::from)
        }
        Err(words) => Err(format!("it does not say why: {words}").into()),
    }
}

fn read_only_at_the_start() -> Result<(), Failed> {
    let disk = Disk::new();
    let path = disk.folder().join("leads.sqlite");
    let database = format!("sqlite:{}", path.display());
    drop(Server::start(disk.under(&mut serve(&database), Logs::Nothing)));
    disk.fail(Call::Open, EROFS, None);
    match Server::try_start(disk.under(&mut serve(&database), Logs::Nothing)) {
        Ok(_) => Err("it serves what it cannot write".into()),
        Err(words) if names(&words, &path) => Ok(()),
        Err(words) => Err(format!("it does not say which file cannot be written: {words}").into()),
    }
}

fn names(words: &str, path: &Path) -> bool {
    words.contains(&path.display().to_string())
}

fn told(passage: Result<Passage, String>) -> Result<(), Failed> {
    let Passage { acknowledged, unknown, back_after, last_words } = passage?;
    assert!(back_after < Duration::from_secs(5));
    let how = last_words.map_or_else(|| "back".to_owned(), |words| format!("started again, it said {words}"));
    eprintln!("{acknowledged} changes acknowledged, {unknown} unknown, {how} after {back_after:?}");
    Ok(())
}
