//! What durability costs over HTTP: adds of many clients beside the same rows inserted without any of our code, and
//! lists beside the store in memory and beside bytes that are always the same.
//!
//! Everything runs on one machine, so clients and servers share its processors; ratios compare takes that follow each
//! other.
#![expect(clippy::print_stdout, reason = "what a benchmark prints is its result")]

#[path = "../../../server/benches/http/load.rs"]
mod load;
mod postgres;
mod rows;
mod sqlite;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use incoming_leads_testbed::{Error, HOW_TO_INSTALL, Postgres, Settings};
use load::{Rate, measure};
use subject::{Constant, Server};

/// Clients that add at the same time.
const ADDING: usize = 64;
/// Clients that list at the same time: some, and as many as add.
const LISTING: [usize; 2] = [8, ADDING];
/// Length of a take.
const TAKE: Duration = Duration::from_secs(2);
/// Takes of each pair.
const ROUNDS: usize = 3;
/// Leads that wait when lists are asked for.
const WAITING: usize = 2_000;

fn main() {
    if subject::constant() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("incoming-leads-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a folder for temporary files");
    adds_to_sqlite(folder.join("adds.sqlite"), folder.join("raw.sqlite"));
    lists("SQLite", &format!("sqlite:{}", folder.join("lists.sqlite").display()));
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    match Postgres::start(&Settings::default()) {
        Ok(postgres) => on_postgres(&postgres),
        Err(Error::Absent) => println!("skipped: there is no PostgreSQL on this machine; {HOW_TO_INSTALL}"),
        Err(error) => panic!("{error}"),
    }
}

fn on_postgres(postgres: &Postgres) {
    let url = postgres.url("postgres");
    let rounds = (0..ROUNDS).map(|round| {
        let server = Server::start(&url);
        let over_http = adds(&server, round);
        drop(server);
        (over_http, postgres::insert_again(&url, ADDING))
    });
    tell_adds("PostgreSQL", "raw UNNEST inserts", rounds.collect());
    lists("PostgreSQL", &url);
}

/// Adds over HTTP, and what they stored inserted again as it is.
fn adds_to_sqlite(own: PathBuf, raw: PathBuf) {
    let database = format!("sqlite:{}", own.display());
    let rounds = (0..ROUNDS).map(|round| {
        let server = Server::start(&database);
        let over_http = adds(&server, round);
        drop(server);
        (over_http, sqlite::insert_again(&own, &raw, ADDING))
    });
    tell_adds("SQLite", "raw group commits", rounds.collect());
}

/// Prints what rounds of adds over HTTP and of the yardstick have measured.
fn tell_adds(name: &str, yardstick: &str, rounds: Vec<(f64, f64)>) {
    for (over_http, raw) in &rounds {
        println!("{name}: {over_http:.0} adds/s over HTTP, {raw:.0} {yardstick}");
    }
    let of = |value: fn(&(f64, f64)) -> f64| median(rounds.iter().map(value).collect());
    let ratio = of(|(over_http, raw)| over_http / raw);
    println!("ratio: durable adds, {ADDING} clients, {name} / {yardstick} = {ratio:.2} (aim 0.8)");
    println!("figure: durable adds, {ADDING} clients, {name} = {:.0} per s", of(|(over_http, _)| *over_http));
}

/// Adds per second.
fn adds(server: &Server, round: usize) -> f64 {
    let host = server.address;
    let request = move |number| subject::add(host, &format!("{round}-{number}"));
    measure(server.id(), server.address, TAKE, ADDING, request).per_second
}

/// A page that was asked for before, over HTTP.
fn lists(name: &str, database: &str) {
    let [own, memory] = [database, "memory"].map(Server::start);
    for server in [&own, &memory] {
        subject::fill(server.address, WAITING);
    }
    let host = own.address;
    let page = load::fetch(host, &subject::list(host));
    let constant = Constant::start(&page);
    let targets = [(own.id(), own.address), (memory.id(), memory.address), (constant.id(), constant.address)];
    for clients in LISTING {
        let rounds: Vec<[Rate; 3]> = (0..ROUNDS)
            .map(|_| {
                targets
                    .map(|(id, address)| measure(id, address, TAKE, clients, move |_| subject::list(address)))
            })
            .collect();
        let of = |value: fn(&[Rate; 3]) -> f64| median(rounds.iter().map(value).collect());
        let subject = format!("list of 250 over HTTP, {clients} clients, {name}");
        let beside = |what: &str, ratio: f64| println!("ratio: {subject} / {what} = {ratio:.2} (aim 0.8)");
        beside("memory", of(|[own, memory, _]| own.per_second / memory.per_second));
        beside("constant bytes", of(|[own, _, constant]| own.per_second / constant.per_second));
        beside(
            "constant bytes, per CPU second",
            of(|[own, _, constant]| own.per_cpu_second / constant.per_cpu_second),
        );
        println!("figure: {subject} = {:.0} per s", of(|[own, ..]| own.per_second));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
