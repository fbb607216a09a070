//! How times grow with the database, and what a durable add costs beside plain UNNEST inserts: figures and ratios of one run.
//!
//! Each time is the median of many calls. `cargo xtask bench` collects the lines that begin with `figure:` and `ratio:`.
//! `INCOMING_LEADS_BENCH_LEADS` is another size than 10^6.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{START, STEP_SECS, Store, draft, moment, pipeline, raw};
use incoming_leads_model::{
    Accept, Add, Category, Draft, ListFilter, ListQuery, PageRequest, SummaryQuery, Uid, Window,
};
use incoming_leads_testbed::{Error, HOW_TO_INSTALL, Postgres as Server, Settings};

const SMALL: u64 = 10_000;
const LARGE: u64 = 1_000_000;
const PAGE: u32 = 250;
/// Callers that add at the same time.
const CALLERS: u64 = 64;
/// Adds of each.
const ADDS: u64 = 100;

fn main() {
    if let Err(Error::Absent) = Server::start(&Settings::default()) {
        eprintln!("skipped: there is no PostgreSQL on this machine; {HOW_TO_INSTALL}");
        return;
    }
    let large = std::env::var("INCOMING_LEADS_BENCH_LEADS").ok().and_then(|count| count.parse().ok());
    durable_adds();
    for count in [SMALL, large.unwrap_or(LARGE)] {
        let begun = Instant::now();
        let store = Store::of_all(count);
        figure(
            &format!("filled with {count} leads, of a lead"),
            begun.elapsed() / u32::try_from(count).expect("a size"),
        );
        pages(&store, count);
        commands(&store, count);
    }
}

fn pages(store: &Store, count: u64) {
    let incoming = store.ports.incoming.clone();
    let list = |filter: &ListFilter, number: u64| {
        let page = PageRequest::new(number.max(1), PAGE).expect("it is a page");
        let query = ListQuery { filter: filter.clone(), page, ..ListQuery::default() };
        assert!(!store.now(incoming.list(&query)).items.is_empty(), "the list is not that long: {query:?}");
        median(100, || store.now(incoming.list(&query)))
    };
    let of = |categories: Option<Vec<Category>>, pipelines: Option<Vec<u64>>| ListFilter {
        uids: None,
        categories,
        pipelines: pipelines.map(|indices| indices.into_iter().map(pipeline).collect()),
    };
    let page = u64::from(PAGE);
    let first = list(&ListFilter::default(), 1);
    figure(&format!("first page of {PAGE}, {count} leads"), first);
    let rows = [
        ("deepest page", of(None, None), count / page),
        ("deepest page of one category", of(Some(vec![Category::Chats]), None), count / 10 / page),
        (
            "deepest page of two categories",
            of(Some(vec![Category::Chats, Category::Forms]), None),
            count * 3 / 10 / page,
        ),
        ("deepest page of one pipeline", of(None, Some(vec![3])), count / 6 / page),
        (
            "deepest page of one pipeline and category",
            of(Some(vec![Category::Forms]), Some(vec![3])),
            count / 30 / page,
        ),
    ];
    for (name, filter, number) in rows {
        let (first_of, deepest) = (list(&filter, 1), list(&filter, number));
        figure(&format!("{name}, {count} leads"), deepest);
        println!(
            "ratio: postgres {name} / its first page, {count} leads = {:.2} (aim <= 1.5)",
            per(deepest, first_of)
        );
    }
    let end = START + count.cast_signed() * i64::from(STEP_SECS);
    for (name, from, to) in [
        ("all but its ends", START + 1000, end - 1000),
        ("a day", end / 2 + START / 2, end / 2 + START / 2 + 86_400),
        ("the last third", START + (end - START) / 3 * 2 + 17, end),
    ] {
        let window = Window::new(moment(from), moment(to)).expect("it ends after it begins");
        let query = SummaryQuery { window, ..SummaryQuery::default() };
        let time = median(200, || store.now(incoming.summary(&query)));
        figure(&format!("summary of {name} (aim 2 ms), {count} leads"), time);
    }
}

fn commands(store: &Store, count: u64) {
    let incoming = store.ports.incoming.clone();
    let uids: Vec<Uid> = (0..200)
        .map(|step| {
            let page = PageRequest::new(1 + step * count / 200, 1).expect("it is a page");
            let query = ListQuery { page, ..ListQuery::default() };
            store.now(incoming.list(&query)).items.remove(0).uid
        })
        .collect();
    let mut next = uids.iter().cycle();
    let get = median(1000, || store.now(incoming.get(next.next().expect("a cycle has no end"))));
    figure(&format!("get, {count} leads"), get);
    let mut next = uids.iter();
    let accept =
        median(200, || store.now(incoming.accept(next.next().expect("each once"), &Accept::default())));
    figure(&format!("accept alone, {count} leads"), accept);
}

/// Adds of many callers beside the same rows that PostgreSQL is given as they are, in groups of the same size.
fn durable_adds() {
    let store = Store::default();
    let total = CALLERS * ADDS;
    // Once before, so that statements are prepared and tables are not empty on either side.
    add_from_all(&store, 0);
    let begun = Instant::now();
    add_from_all(&store, total);
    let ours = begun.elapsed();
    let raw = store.runtime.block_on(raw::insert_again(&store.server, CALLERS, total));
    let rate = |time: Duration| total as f64 / time.as_secs_f64();
    println!("figure: postgres durable adds of {CALLERS} callers = {:.0} /s", rate(ours));
    println!("figure: postgres alone, the same rows, {CALLERS} leads a commit = {:.0} /s", rate(raw));
    println!(
        "ratio: postgres durable adds / the same rows by UNNEST alone = {:.2} (aim 0.8)",
        per(raw, ours)
    );
}

fn add_from_all(store: &Store, from: u64) {
    store.runtime.block_on(async {
        let callers = (0..CALLERS).map(|caller| {
            let incoming = store.ports.incoming.clone();
            tokio::spawn(async move {
                for number in 0..ADDS {
                    // Calls alone, each unlike the others, that come to be when they come in.
                    let call = draft((from + caller * ADDS + number) * 10 + 5);
                    let call = Draft { created_at: None, ..call };
                    incoming.add(&Add::calls(vec![call])).await.expect("it is no twin");
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("no caller breaks off");
        }
    });
}

/// The median time of a call.
fn median<T>(calls: usize, mut call: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..calls)
        .map(|_| {
            let start = Instant::now();
            black_box(call());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[calls / 2]
}

fn figure(name: &str, time: Duration) {
    println!("figure: postgres {name} = {:.1} us", time.as_secs_f64() * 1e6);
}

fn per(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
