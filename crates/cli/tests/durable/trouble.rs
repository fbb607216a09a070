//! Faults of the disk under an SQLite server, and what else can be wrong with its file.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use incoming_leads_testbed::{Postgres, Settings, Stop, in_ci};
use libtest_mimic::{Failed, Trial};

use crate::disk::{Call, Disk, EIO, ENOSPC, EROFS, Logs};
use crate::faults::{self, Passage};
use crate::history::Recorder;
use crate::http::PATIENCE;
use crate::server::{self, Server, serve};
use crate::stages;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = FAULTS.iter().map(|fault| Trial::test(fault.0, || passes(fault))).collect();
    trials.extend([
        Trial::test("fault::the_lock_is_held_by_another_process", lock_is_held),
        Trial::test("fault::the_disk_fills_up", disk_fills_up),
        Trial::test("fault::the_disk_is_really_full", disk_is_full),
        Trial::test("fault::a_second_server_is_refused", second_server),
        Trial::test("fault::a_file_that_cannot_be_written_is_told_at_the_start", read_only_at_the_start),
        Trial::test("fault::a_log_that_cannot_be_copied_is_told_at_the_start", not_copied_at_the_start),
    ]);
    trials.extend(POSTGRES.iter().map(|(name, come, go)| Trial::test(*name, || postgres(*come, *go))));
    trials
}

/// Which calls fail, how, and how often; none is as long as the fault lasts.
type Fault = (&'static str, &'static [(Call, i32, Option<i32>)]);

const FAULTS: &[Fault] = &[
    ("fault::a_sync_fails_once", &[(Call::Sync, EIO, Some(1))]),
    ("fault::syncs_fail_for_a_while", &[(Call::Sync, EIO, None)]),
    ("fault::a_write_fails_once", &[(Call::Write, EIO, Some(1))]),
    ("fault::writes_fail_for_a_while", &[(Call::Write, EIO, None)]),
    ("fault::the_disk_is_full_for_a_while", &[(Call::Write, ENOSPC, None)]),
    ("fault::the_disk_is_read_only_for_a_while", &[(Call::Write, EROFS, None)]),
    // What is open stays so until something fails.
    ("fault::files_cannot_be_opened_for_a_while", &[(Call::Open, EROFS, None), (Call::Sync, EIO, Some(1))]),
    ("fault::reads_fail_for_a_while", &[(Call::Read, EIO, None)]),
];

/// The injected fault comes and goes.
fn passes(fault: &Fault) -> Result<(), Failed> {
    let (_, calls) = *fault;
    // SQLite takes a read that fails for a sign of damage: 500, and nothing took effect.
    let mut recorder = Recorder::new();
    recorder.may_be_damaged = calls.iter().any(|(call, ..)| *call == Call::Read);
    let disk = Disk::new();
    let database = format!("sqlite:{}", disk.folder().join("leads.sqlite").display());
    let start = || Server::start(disk.under(&mut serve(&database), Logs::Nothing));
    let mut come = || calls.iter().for_each(|(call, error, times)| disk.fail(*call, *error, *times));
    told(faults::pass(recorder, &start, &mut come, &mut || disk.heal()))?;
    calls.iter().try_for_each(|(call, ..)| has_struck(&disk, *call))
}

/// A fault that meets nobody proves nothing.
fn has_struck(disk: &Disk, call: Call) -> Result<(), Failed> {
    match disk.failed(call) {
        0 => Err(format!("no {call:?} has failed").into()),
        count => {
            eprintln!("{count} times {call:?} has failed");
            Ok(())
        }
    }
}

/// Room for so many bytes more, the last write of which is cut off; then there is room again.
fn disk_fills_up() -> Result<(), Failed> {
    let disk = Disk::new();
    let database = format!("sqlite:{}", disk.folder().join("leads.sqlite").display());
    let start = || Server::start(disk.under(&mut serve(&database), Logs::Nothing));
    // No multiple of a page.
    told(faults::pass(Recorder::new(), &start, &mut || disk.leave(100_001), &mut || disk.heal()))?;
    has_struck(&disk, Call::Write)
}

/// Another program writes, and takes its time.
fn lock_is_held() -> Result<(), Failed> {
    let database = server::sqlite();
    let other = rusqlite::Connection::open(database.trim_start_matches("sqlite:")).unwrap();
    let start = || Server::start(&mut serve(&database));
    let hold = || {
        // Whoever writes all the time leaves little room for another.
        let begun = Instant::now();
        while other.execute_batch("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE").is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server lets nobody else write");
            std::thread::sleep(Duration::from_micros(200));
        }
        // Longer than anybody waits.
        std::thread::sleep(Duration::from_secs(5));
    };
    let told = told(faults::pass(Recorder::new(), &start, &mut { hold }, &mut || {
        other.execute_batch("ROLLBACK").unwrap()
    }))?;
    was_noticed(told)
}

/// Somebody was told that nobody knows.
fn was_noticed(unknown: usize) -> Result<(), Failed> {
    if unknown == 0 { Err("the fault has met nobody".into()) } else { Ok(()) }
}

/// A small file system that is filled up by something else.
fn disk_is_full() -> Result<(), Failed> {
    let Some(small) = Small::new() else {
        let why = "a file system cannot be mounted here, neither by this user nor by `sudo -n mount`";
        if in_ci() {
            return Err(format!("{why}, and in CI nothing is skipped").into());
        }
        eprintln!("SKIPPED: a disk that is really full; {why}");
        return Ok(());
    };
    let database = format!("sqlite:{}", small.folder.join("leads.sqlite").display());
    let start = || Server::start(&mut serve(&database));
    let ballast = small.folder.join("ballast");
    let fill = || {
        // As much as there is room for.
        let _ = fs::write(&ballast, vec![1; 128 << 20]);
    };
    let empty = || fs::remove_file(&ballast).unwrap();
    was_noticed(told(faults::pass(Recorder::new(), &start, &mut { fill }, &mut { empty }))?)
}

/// A file system of 64 MB, which is more than the log of a database grows to before it is copied.
struct Small {
    folder: PathBuf,
    /// Nothing, or what makes an ordinary user the one who may.
    before: &'static [&'static str],
}

impl Small {
    fn new() -> Option<Self> {
        let folder = server::folder();
        let ways: [&[&str]; 2] = [&[], &["sudo", "-n"]];
        let before = ways.into_iter().find(|before| {
            let mut mount = as_one_who_may(before, "mount");
            mount.args(["-t", "tmpfs", "-o", "size=64m,mode=1777", "tmpfs"]).arg(&folder);
            mount.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
        });
        before.map(|before| Self { folder, before })
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = as_one_who_may(self.before, "umount").arg("-l").arg(&self.folder).status();
    }
}

/// A program, with these words before it.
fn as_one_who_may(before: &[&str], program: &str) -> Command {
    let mut words = before.iter().chain([&program]);
    let mut command = Command::new(words.next().expect("the program is one"));
    command.args(words);
    command
}

/// What the PostgreSQL of these tests has.
const CONNECTIONS: usize = 30;

/// How PostgreSQL gets into trouble, and how many sessions that is known to have ended.
type Come = fn(&mut Postgres) -> usize;
/// How it gets out of it.
type Go = fn(&mut Postgres);

const POSTGRES: &[(&str, Come, Go)] = &[
    ("fault::postgres_stops_for_a_while", |it| stop(it, Stop::Fast), |it| it.resume().unwrap()),
    ("fault::postgres_is_killed", |it| stop(it, Stop::Kill), |it| it.resume().unwrap()),
    ("fault::postgres_ends_every_session", end_sessions, |_| {}),
    (
        "fault::postgres_is_read_only_for_a_while",
        |it| set(it, "default_transaction_read_only = on"),
        |it| _ = set(it, "default_transaction_read_only = off"),
    ),
    ("fault::postgres_has_no_connection_left", take_connections, |_| {}),
    ("fault::postgres_waits_for_a_lock", hold_locks, |_| {}),
];

/// A fault of PostgreSQL comes and goes. Clients have to be told of it, but for sessions that end: the store may find out
/// by itself what became of each.
fn postgres(come: Come, go: Go) -> Result<(), Failed> {
    let settings = Settings::default().with_fsync(false).with("max_connections", &CONNECTIONS.to_string());
    let Some(postgres) = stages::postgres(&settings) else { return Ok(()) };
    let database = postgres.url("postgres");
    let start = || Server::start(&mut serve(&database));
    let postgres = RefCell::new(postgres);
    let mut ended = 0;
    let mut come = || ended = come(&mut postgres.borrow_mut());
    let unknown =
        told(faults::pass(Recorder::new(), &start, &mut come, &mut || go(&mut postgres.borrow_mut())))?;
    was_noticed(unknown + ended)
}

fn stop(postgres: &mut Postgres, stop: Stop) -> usize {
    postgres.stop(stop).unwrap();
    0
}

fn set(postgres: &mut Postgres, parameter: &str) -> usize {
    postgres.sql(&format!("alter system set {parameter}")).unwrap();
    postgres.sql("select pg_reload_conf()").unwrap();
    0
}

/// Now and then, for a while.
fn end_sessions(postgres: &mut Postgres) -> usize {
    let end = "select count(*) filter (where pg_terminate_backend(pid)) from pg_stat_activity \
               where application_name = 'incoming-leads'";
    let ends = (0..5).map(|_| {
        let ended: usize = postgres.sql(end).unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        ended
    });
    ends.sum()
}

/// Others take every connection that there is, for longer than anybody waits; the servers' sessions end, also those
/// that come in between.
fn take_connections(postgres: &mut Postgres) -> usize {
    let (postgres, begun) = (&*postgres, Instant::now());
    let ends = "do $$ begin for n in 1..60 loop \
                  perform pg_stat_clear_snapshot(); perform pg_sleep(0.1); \
                  perform pg_terminate_backend(pid) from pg_stat_activity \
                    where application_name = 'incoming-leads'; \
                end loop; end $$";
    let ending =
        "select count(*) from pg_stat_activity where query like 'do $$%' and pid <> pg_backend_pid()";
    std::thread::scope(|scope| {
        scope.spawn(|| postgres.sql(ends).unwrap());
        // It needs a connection itself, while there still is one.
        while postgres.sql(ending).unwrap() == "0" {
            assert!(begun.elapsed() < Duration::from_secs(5), "nobody ends the servers' sessions");
        }
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            // Whoever finds none tries again.
            scope.spawn(move || {
                while begun.elapsed() < Duration::from_secs(5) {
                    let _ = postgres.sql("select pg_sleep(6)");
                }
            });
        }
    });
    0
}

/// Every table is locked, for longer than anybody waits.
fn hold_locks(postgres: &mut Postgres) -> usize {
    postgres
        .sql(
            "do $$ declare t text; begin \
               for t in select format('%I.%I', schemaname, tablename) from pg_tables \
                 where schemaname not in ('pg_catalog', 'information_schema') loop \
                 execute 'lock table ' || t || ' in access exclusive mode'; \
               end loop; perform pg_sleep(4); end $$",
        )
        .unwrap();
    0
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

fn not_copied_at_the_start() -> Result<(), Failed> {
    let disk = Disk::new();
    let path = disk.folder().join("leads.sqlite");
    let database = format!("sqlite:{}", path.display());
    Server::start(disk.under(&mut serve(&database), Logs::Nothing)).kill();
    disk.fail(Call::Copy, EIO, None);
    match Server::try_start(disk.under(&mut serve(&database), Logs::Nothing)) {
        Ok(_) => return Err("it writes behind what may not be on the disk".into()),
        Err(words) if names(&words, &path) && words.contains("disk I/O error") => {}
        Err(words) => return Err(format!("it does not say what fails: {words}").into()),
    }
    disk.heal();
    Server::try_start(disk.under(&mut serve(&database), Logs::Nothing)).map(drop).map_err(Failed::from)
}

fn names(words: &str, path: &Path) -> bool {
    words.contains(&path.display().to_string())
}

/// Tells how it went; how many changes nobody knows of.
fn told(passage: Result<Passage, String>) -> Result<usize, Failed> {
    let Passage { acknowledged, unknown, back_after, last_words } = passage?;
    let how = last_words.map_or_else(|| "back".to_owned(), |words| format!("started again, it said {words}"));
    eprintln!("{acknowledged} changes acknowledged, {unknown} unknown, {how} after {back_after:?}");
    Ok(unknown)
}
