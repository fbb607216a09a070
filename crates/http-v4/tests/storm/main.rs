//! Clients in a storm: over a simulated network, and as processes before a server that makes trouble. Whatever they are
//! told is held against what really happened.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chaos;
mod network;
mod truth;
mod work;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use network::Client;
use truth::Report;

fn main() -> ExitCode {
    if chaos::worker().is_some() {
        return ExitCode::SUCCESS;
    }
    let trials = vec![
        Trial::test("chaos::four_processes_lose_nothing_and_double_nothing", || Ok(chaos::run()?)),
        Trial::test("network::what_is_told_is_so", || seeds(Client::Sound)?.verdict().map_err(Failed::from)),
        Trial::test("network::the_same_seed_is_the_same_trace", the_same_seed),
        Trial::test("network::a_client_that_retries_blindly_is_caught", || caught(Client::RetriesBlindly)),
        Trial::test("network::a_client_that_takes_lost_for_refused_is_caught", || {
            caught(Client::TakesLostForRefused)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// How many, where the environment says nothing else.
fn size(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{variable} is no number: {number}")),
        Err(_) => usual,
    }
}

/// The reports of all seeds as one; the first seed that shows a wrong verdict is named.
fn seeds(client: Client) -> Result<Report, Failed> {
    let seeds = size("INCOMING_LEADS_NETWORK_SEEDS", 50);
    let mut all = Report::default();
    for seed in 1..=seeds {
        let report = network::run(seed, client).report;
        if let Some(wrong) = report.wrong.first() {
            return Err(format!("seed {seed}: {wrong}").into());
        }
        all.merge(report);
    }
    eprintln!("{seeds} seeds: {all}");
    Ok(all)
}

fn the_same_seed() -> Result<(), Failed> {
    let mut traces = std::collections::HashSet::new();
    let count = size("INCOMING_LEADS_NETWORK_SEEDS", 50).div_ceil(10);
    for seed in 1..=count {
        let [first, second] = [(); 2].map(|()| network::run(seed, Client::Sound).trace);
        let differs = first.lines().zip(second.lines()).find(|(first, second)| first != second);
        if let Some((first, second)) = differs {
            return Err(format!("seed {seed}: first {first}\nthen {second}").into());
        }
        if first.len() != second.len() || first.lines().count() < 50 {
            return Err(format!("seed {seed}: traces of {} and {} bytes", first.len(), second.len()).into());
        }
        traces.insert(first);
    }
    if traces.len() as u64 == count { Ok(()) } else { Err("other seeds are the same trace".into()) }
}

/// A bug that was put into the client shows within some seeds.
fn caught(client: Client) -> Result<(), Failed> {
    match seeds(client) {
        Err(error) => {
            eprintln!("{client:?}: {error:?}");
            Ok(())
        }
        Ok(report) => Err(format!("nobody noticed: {report}").into()),
    }
}
