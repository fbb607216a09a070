//! What was acknowledged stays: histories of many clients before servers that race, are killed, lose their power or
//! their disk.
//!
//! A program of its own, because some of its tests need it as another process. The sizes are those of a run that is short;
//! the environment makes them larger.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where anything unexpected happens")]

mod checker;
mod crash;
mod hand;
mod history;
mod http;
mod linear;
mod planted;
mod random;
mod server;
mod stages;

use std::net::SocketAddr;
use std::process::ExitCode;

use crash::Toll;
use libtest_mimic::{Arguments, Failed, Trial};
use planted::Bug;
use server::Server;
use stages::{Killed, Spared};

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("checker::judges_small_histories", || {
            checker::judges_small_histories();
            Ok(())
        }),
        Trial::test("linear::memory", || {
            let server = Server::start(&mut server::serve(&[]));
            linear(&[server.address], size("INCOMING_LEADS_HISTORIES", 100))
        }),
        planted("linear::a_read_then_write_accept_is_found", Bug::ReadThenWrite),
        planted("linear::a_lost_update_is_found", Bug::LostUpdate),
        planted("linear::a_stale_read_is_found", Bug::StaleRead),
        planted("linear::a_blind_add_is_found", Bug::BlindAdd),
        planted("linear::an_early_acknowledgement_is_found", Bug::AcknowledgedEarly),
        Trial::test("kill::what_is_not_killed_keeps_all", || {
            must_keep(crash::crashes(&mut Spared(Server::start(&mut server::serve(&[]))), 2, 1))
        }),
        Trial::test("kill::what_is_only_in_memory_is_missed", || {
            must_lose(crash::crashes(&mut Killed::new(|| server::serve(&[])), 1, 1))
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Nothing that was acknowledged may be missing.
fn must_keep(toll: Toll) -> Result<(), Failed> {
    let Toll { crashes, acknowledged, unknown, violations, back_after } = toll;
    eprintln!(
        "{crashes} crashes, {acknowledged} changes acknowledged, {unknown} unknown, {} violations, back after at most {back_after:?}",
        violations.len()
    );
    match violations.first() {
        None => Ok(()),
        Some(violation) => Err(violation.into()),
    }
}

/// A control: where nothing is found missing, nothing is looked for.
fn must_lose(toll: Toll) -> Result<(), Failed> {
    match toll.violations.len() {
        0 => Err(format!("{toll:?} found nothing").into()),
        count => {
            eprintln!("{count} violations were found, as they should: {}", toll.violations[0]);
            Ok(())
        }
    }
}

/// A number that the environment may say.
fn size(variable: &str, default: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is a whole number, not {text:?}")),
        Err(_) => default,
    }
}

/// So many histories before these servers, all of which must have an order.
fn linear(servers: &[SocketAddr], histories: usize) -> Result<(), Failed> {
    let linear::Verdict { histories, operations, violation } = linear::histories(servers, histories, 1);
    eprintln!("{histories} histories of {operations} operations");
    violation.map_or(Ok(()), |violation| Err(violation.into()))
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
