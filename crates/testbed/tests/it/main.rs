//! The private server itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use incoming_leads_testbed::{Error, Postgres, Settings, Stop, database_of, in_ci};

/// A server, unless the machine has none.
fn server() -> Option<Postgres> {
    match Postgres::start(&Settings::default().with_fsync(false)) {
        Err(Error::Absent) if !in_ci() => None,
        started => Some(started.unwrap()),
    }
}

#[test]
fn what_was_committed_is_there_after_every_kind_of_stop() {
    let Some(mut server) = server() else { return };
    server.sql("create table t (n int)").unwrap();
    for (number, stop) in [Stop::Fast, Stop::Immediate, Stop::Kill].into_iter().enumerate() {
        server.sql(&format!("insert into t values ({number})")).unwrap();
        server.restart(stop).unwrap();
        assert_eq!(server.sql("select count(*) from t").unwrap(), (number + 1).to_string());
    }
}

#[test]
fn databases_are_apart_and_go_when_they_are_dropped() {
    let Some(server) = server() else { return };
    let (one, two) =
        (database_of(&server.tcp_url("postgres")).unwrap(), database_of(&server.url("postgres")).unwrap());
    assert_ne!(one.url(), two.url());
    let count = || server.sql("select count(*) from pg_database where datname ~ '^t[0-9]+_'").unwrap();
    assert_eq!(count(), "2");
    drop((one, two));
    assert_eq!(count(), "0");
}

#[test]
fn a_standby_refuses_writes_until_it_is_promoted() {
    let Some(mut server) = server() else { return };
    server.sql("create table t (n int)").unwrap();
    let standby = server.standby().unwrap();
    assert_eq!(standby.sql("select count(*) from t").unwrap(), "0");
    assert!(standby.sql("insert into t values (1)").unwrap_err().to_string().contains("read-only"));
    server.stop(Stop::Immediate).unwrap();
    standby.promote().unwrap();
    standby.sql("insert into t values (1)").unwrap();
}

#[test]
fn nothing_is_left_of_a_server_that_is_dropped() {
    let Some(server) = server() else { return };
    let (folder, pid) = (server.data(), server.pid().unwrap());
    drop(server);
    assert!(!folder.exists());
    // Where there is no such folder the system tells its processes in another way.
    assert!(fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).is_err());
}

#[test]
fn nothing_is_left_of_a_server_whose_owner_is_killed() {
    const OWNER: &str = "TESTBED_OWNER";
    let Some(server) = server() else { return };
    if env::var_os(OWNER).is_some() {
        // This is the owner: it tells its folder and waits for its end.
        eprintln!("\nfolder {}", server.data().parent().unwrap().display());
        thread::sleep(Duration::from_secs(600));
    }
    let mut owner = Command::new(env::current_exe().unwrap());
    owner.args(["--exact", "nothing_is_left_of_a_server_whose_owner_is_killed", "--nocapture"]);
    let mut owner = owner.env(OWNER, "1").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(owner.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    let folder = lines.find_map(|line| line.strip_prefix("folder ").map(PathBuf::from)).unwrap();
    let pid = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let process = Path::new("/proc").join(pid.lines().next().unwrap());
    owner.kill().unwrap();
    owner.wait().unwrap();
    for _ in 0..600 {
        if !folder.exists() && !process.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{} or {} is still there", folder.display(), process.display());
}
