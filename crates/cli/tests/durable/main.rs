//! What was acknowledged stays: histories of many clients before servers that race, are killed, lose their power or
//! their disk.
//!
//! A program of its own, because some of its tests need it as another process. The sizes are those of a short run; the
//! environment makes them larger.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]
#![expect(clippy::print_stdout, reason = "the figures of a run are told to whoever runs it")]

mod checker;
mod child;
mod crash;
mod disk;
mod faults;
mod hand;
mod history;
mod http;
mod linear;
mod planted;
mod power;
mod random;
mod replay;
mod server;
mod stages;
mod trouble;
mod watch;

use std::net::SocketAddr;
use std::process::ExitCode;

use child::Promise;
use crash::Toll;
use incoming_leads_testbed::Settings;
use libtest_mimic::{Arguments, Failed, Trial};
use planted::Bug;
use power::Trouble;
use replay::Syncs;
use server::{Server, serve};
use stages::{Killed, Spared, Stopped};
use watch::BACK;

fn main() -> ExitCode {
    if let Some(code) = child::run() {
        return code;
    }
    let mut trials = vec![
        Trial::test("checker::judges_small_histories", || {
            checker::judges_small_histories();
            Ok(())
        }),
        planted("linear::a_read_then_write_accept_is_found", Bug::ReadThenWrite),
        planted("linear::a_lost_update_is_found", Bug::LostUpdate),
        planted("linear::a_stale_read_is_found", Bug::StaleRead),
        planted("linear::a_blind_add_is_found", Bug::BlindAdd),
        planted("linear::an_early_acknowledgement_is_found", Bug::AcknowledgedEarly),
        Trial::test("linear::a_silent_server_is_no_proof", || {
            let server = planted::serve(Bug::Silent);
            let verdict = linear::histories(&[server.addr()], 10, 1);
            match (verdict.violation.as_ref(), says_enough(&verdict)) {
                (None, Err(_)) => Ok(()),
                _ => Err(format!("{verdict:?} passes for a proof").into()),
            }
        }),
        Trial::test("linear::memory", || linear("memory", &[Server::start(&mut serve("memory"))])),
        Trial::test("linear::sqlite", || linear("SQLite", &[Server::start(&mut serve(&server::sqlite()))])),
        Trial::test("linear::postgres_behind_two_servers", || {
            let Some(postgres) = stages::postgres(&Settings::default().with_fsync(false)) else {
                return Ok(());
            };
            let start = || Server::start(&mut serve(&postgres.url("postgres")));
            linear("PostgreSQL", &[start(), start()])
        }),
        Trial::test("kill::what_is_not_killed_keeps_all", || {
            must_keep("no kills", crash::crashes(&mut Spared(Server::start(&mut serve("memory"))), 2, 1))
        }),
        Trial::test("kill::what_is_only_in_memory_is_missed", || {
            must_lose(crash::crashes(&mut Killed::new(|| serve("memory")), 1, 1))
        }),
        Trial::test("kill::what_is_acknowledged_before_the_commit_is_missed", || {
            let database = server::sqlite();
            must_lose(crash::crashes(
                &mut Killed::new(|| child::serve(Promise::AnswersWait, &database)),
                20,
                1,
            ))
        }),
        Trial::test("kill::sqlite", || {
            let database = server::sqlite();
            let mut stage = Killed::new(|| serve(&database));
            must_keep("kills", crash::crashes(&mut stage, size("INCOMING_LEADS_KILLS", 50), 1))
        }),
        Trial::test("stop::postgres_at_once", || {
            let Some(mut stage) = Stopped::new(&Settings::default(), 2, serve) else {
                return Ok(());
            };
            must_keep("stops", crash::crashes(&mut stage, size("INCOMING_LEADS_STOPS", 10), 1))
        }),
        Trial::test("stop::what_postgres_commits_later_is_missed", || {
            // Postgres writes what was committed now and then.
            let settings = Settings::default().with("wal_writer_delay", "10000");
            let serve = |database: &str| child::serve(Promise::CommitsAreDurable, database);
            let Some(mut stage) = Stopped::new(&settings, 1, serve) else { return Ok(()) };
            must_lose(crash::crashes(&mut stage, 10, 1))
        }),
        Trial::test("power::sqlite", || power(Trouble::None, 4, 2)),
        Trial::test("power::sqlite_after_syncs_that_failed", || power(Trouble::Syncs, 2, 4)),
        Trial::test("power::sqlite_after_a_copy_of_the_log_that_failed", || {
            lose_power(&power::record_failed_copy(), 25, "a copy that failed", 0)
        }),
        Trial::test("power::without_syncs_sqlite_writes_the_same", || {
            power::off_differs_in_syncs_alone().map_err(Failed::from)
        }),
        Trial::test("power::what_is_not_synced_is_missed", || {
            let recording = power::record(2, Trouble::None, 1);
            let found = power::lose_power(&recording, 50, Syncs::Ignored, 1);
            let lost = found.violations.iter().filter(|what| what.contains("no order explains")).count();
            if lost == 0 { Err(format!("{found:?} misses nothing").into()) } else { Ok(()) }
        }),
    ];
    trials.extend(trouble::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A number that the environment may say.
fn size(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text:?}")),
        Err(_) => default,
    }
}

/// Histories before these servers, all of which must have an order.
fn linear(database: &str, servers: &[Server]) -> Result<(), Failed> {
    let servers: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
    let count = size("INCOMING_LEADS_HISTORIES", 200);
    let verdict = linear::histories(&servers, count, 1);
    let linear::Made { operations, adds, decisions } = verdict.made;
    println!(
        "figure: {database}, {} servers: {} histories of {operations} operations, {adds} adds and {decisions} decisions acknowledged",
        servers.len(),
        verdict.histories
    );
    says_enough(&verdict)?;
    verdict.violation.map_or(Ok(()), |violation| Err(violation.into()))
}

/// Histories in which nothing is acknowledged always have an order. About seven adds and four decisions are in each.
fn says_enough(verdict: &linear::Verdict) -> Result<(), Failed> {
    let linear::Verdict { histories, made: linear::Made { adds, decisions, .. }, violation } = verdict;
    if violation.is_none() && (*adds < 2 * histories || decisions < histories) {
        return Err(format!(
            "{adds} adds and {decisions} decisions in {histories} histories are too few to prove anything"
        )
        .into());
    }
    Ok(())
}

/// A server that is wrong on purpose must be found out within a hundred histories.
fn planted(name: &str, bug: Bug) -> Trial {
    Trial::test(name, move || {
        let server = planted::serve(bug);
        let verdict = linear::histories(&[server.addr()], 100, 1);
        eprintln!("{bug:?}: {} histories", verdict.histories);
        match verdict.violation {
            Some(_) => Ok(()),
            None => Err(format!("{bug:?} is not found in {} histories", verdict.histories).into()),
        }
    })
}

/// Nothing that was acknowledged may be missing, and the service must be back in time.
fn must_keep(what: &str, toll: Toll) -> Result<(), Failed> {
    let Toll { crashes, acknowledged, unknown, violations, back_after } = toll;
    println!(
        "figure: {what}: {crashes}, {acknowledged} changes acknowledged, {unknown} unknown, {} violations, back after at most {back_after:?}",
        violations.len()
    );
    match violations.first() {
        None if back_after > BACK => Err(format!("it came back after {back_after:?}").into()),
        None => Ok(()),
        Some(violation) => Err(violation.into()),
    }
}

/// A control: where nothing is found missing, nothing is looked for.
fn must_lose(toll: Toll) -> Result<(), Failed> {
    match toll.violations.len() {
        0 => Err(format!("{toll:?} found nothing").into()),
        count => {
            eprintln!("crash {}: {count} violations, as there should be", toll.crashes);
            Ok(())
        }
    }
}

/// Loses the power in so many recordings of so many sessions.
fn power(trouble: Trouble, recordings: usize, sessions: usize) -> Result<(), Failed> {
    let states = size("INCOMING_LEADS_STATES", 1_000) / recordings;
    for seed in 0..recordings as u64 {
        lose_power(&power::record(sessions, trouble, seed), states, &format!("{trouble:?}"), seed)?;
    }
    Ok(())
}

fn lose_power(recording: &power::Recording, states: usize, what: &str, seed: u64) -> Result<(), Failed> {
    let power::Found { states, acknowledged, violations } =
        power::lose_power(recording, states, Syncs::Kept, seed);
    println!(
        "figure: {what}, recording {seed}: {states} states with {acknowledged} acknowledged changes, {} violations",
        violations.len()
    );
    violations.first().map_or(Ok(()), |violation| Err(format!("seed {seed}: {violation}").into()))
}
