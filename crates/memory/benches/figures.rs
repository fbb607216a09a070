//! What a lead costs in bytes, and how times grow with the store: figures and ratios of one run.
//!
//! Each time is the median of many calls. `cargo xtask bench` collects the lines that begin with `figure:` and `ratio:`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

mod common;

use std::hint::black_box;
use std::time::Instant;

use common::{START, STEP_SECS, Store, moment, now, pipeline};
use incoming_leads_model::{
    Accept, Cards, Category, Direction, ListFilter, ListQuery, Order, OrderKey, PageRequest, SummaryQuery,
    Uid, Window,
};

const LEADS: u64 = 1_000_000;
const PAGE: u32 = 50;

fn main() {
    bytes_per_lead();
    let sizes = [10_000, 100_000, LEADS];
    let times = sizes.map(|count| Times::of(Store::of_all(count), count));
    for (count, times) in sizes.iter().zip(&times) {
        times.print(*count);
    }
    let [small, _, large] = times;
    ratio("deepest page of 10^6 / first page", large.deepest_page / large.first_page, 1.5);
    ratio("deepest page of one category / first page", large.deepest_of_category / large.first_page, 1.5);
    ratio("deepest page of one pipeline / first page", large.deepest_of_pipeline / large.first_page, 1.5);
    ratio(
        "deepest page of two pipelines and two categories / first page",
        large.deepest_of_union / large.first_page,
        3.0,
    );
    ratio("first page of 10^6 / of 10^4", large.first_page / small.first_page, 2.0);
    ratio("get of 10^6 / of 10^4", large.get / small.get, 4.0);
    ratio("add to 10^6 / to 10^4", large.add / small.add, 4.0);
    ratio("accept of 10^6 / of 10^4", large.accept / small.accept, 4.0);
    ratio("summary of 10^6 / of 10^4", large.summary / small.summary, 4.0);
}

fn bytes_per_lead() {
    let before = resident_bytes();
    let store = Store::of_calls(LEADS);
    let bytes = (resident_bytes() - before) / LEADS;
    println!("figure: memory bytes per lead at 10^6 = {bytes} B (aim <= 700)");
    drop(store);
}

/// Resident memory of this process. Linux tells it in pages.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells the resident size");
    let pages = statm.split_whitespace().nth(1).expect("the second number is the resident size");
    pages.parse::<u64>().expect("it is a number") * 4096
}

/// Microseconds.
struct Times {
    first_page: f64,
    deepest_page: f64,
    deepest_of_category: f64,
    deepest_of_pipeline: f64,
    deepest_of_union: f64,
    page_with_cards: f64,
    get: f64,
    add: f64,
    accept: f64,
    summary: f64,
}

impl Times {
    fn of(mut store: Store, count: u64) -> Self {
        let leads = store.ports.incoming.clone();
        let list = |query: &ListQuery| median(200, || now(leads.list(query)));
        let first = query(ListFilter::default(), 0);
        let of = |categories: Option<Vec<Category>>, pipelines: Option<Vec<u64>>, count: u64| {
            let pipelines = pipelines.map(|indices| indices.into_iter().map(pipeline).collect());
            list(&query(ListFilter { uids: None, categories, pipelines }, count))
        };
        let first_page = list(&first);
        let deepest_page = of(None, None, count);
        let deepest_of_category = of(Some(vec![Category::Forms]), None, count / 5);
        let deepest_of_pipeline = of(None, Some(vec![3]), count / 6);
        let union = Some(vec![Category::Sip, Category::Forms]);
        let deepest_of_union = of(union, Some(vec![1, 3]), count / 4);
        let page_with_cards = list(&ListQuery { cards: Cards::Include, ..first });
        let uids = uids(&store, count);
        let mut next = uids.iter().cycle();
        let get = median(1000, || now(leads.get(next.next().expect("a cycle has no end"))));
        let end = START + count as i64 * i64::from(STEP_SECS);
        let window = Window::new(moment(START + 1000), moment(end - 1000)).expect("it ends after it begins");
        let summary = SummaryQuery { window, ..SummaryQuery::default() };
        let summary = median(1000, || now(leads.summary(&summary)));
        let add = median(1000, || store.add_call());
        let mut next = uids.iter();
        let accept =
            median(uids.len(), || now(leads.accept(next.next().expect("each once"), &Accept::default())));
        Self {
            first_page,
            deepest_page,
            deepest_of_category,
            deepest_of_pipeline,
            deepest_of_union,
            page_with_cards,
            get,
            add,
            accept,
            summary,
        }
    }

    fn print(&self, count: u64) {
        let Self {
            first_page,
            deepest_page,
            deepest_of_category,
            deepest_of_pipeline,
            deepest_of_union,
            page_with_cards,
            get,
            add,
            accept,
            summary,
        } = self;
        let rows = [
            ("first page of 50", first_page),
            ("deepest page of 50", deepest_page),
            ("deepest page of one category", deepest_of_category),
            ("deepest page of one pipeline", deepest_of_pipeline),
            ("deepest page of two pipelines and two categories", deepest_of_union),
            ("first page of 50 with cards", page_with_cards),
            ("get", get),
            ("add of one call", add),
            ("accept", accept),
            ("summary of a window", summary),
        ];
        for (name, micros) in rows {
            println!("figure: memory {name}, {count} leads = {micros:.1} us");
        }
    }
}

/// The last page that a list of so many has.
fn query(filter: ListFilter, count: u64) -> ListQuery {
    let number = (count / u64::from(PAGE)).max(1);
    ListQuery {
        filter,
        order: Order { key: OrderKey::CreatedAt, direction: Direction::Descending },
        page: PageRequest::new(number, PAGE).expect("it is a page"),
        cards: Cards::Omit,
    }
}

/// A thousand uids from all over the store.
fn uids(store: &Store, count: u64) -> Vec<Uid> {
    let pages = (0..1000).map(|step| {
        let page = PageRequest::new(1 + step * count / 1000, 1).expect("it is a page");
        let query = ListQuery { page, ..ListQuery::default() };
        now(store.ports.incoming.list(&query)).items.remove(0).uid
    });
    pages.collect()
}

/// The median time of a call in microseconds.
fn median<T>(calls: usize, mut call: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..calls)
        .map(|_| {
            let start = Instant::now();
            black_box(call());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[calls / 2]
}

fn ratio(name: &str, ratio: f64, aim: f64) {
    println!("ratio: memory {name} = {ratio:.2} (aim <= {aim})");
}
