//! The store's times by number of leads.

mod common;

use common::{START, STEP_SECS, Store, moment, now, pipeline, scatter};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use incoming_leads_model::{Accept, Category, ListFilter, ListQuery, PageRequest, SummaryQuery, Uid, Window};
use std::time::Duration;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const PAGE: u32 = 50;

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("memory");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for count in SIZES {
        let mut store = Store::of_all(count);
        let leads = store.ports.incoming.clone();
        let pages = [
            ("first page", ListFilter::default(), 0),
            ("deepest page", ListFilter::default(), count),
            (
                "deepest page of a category",
                ListFilter { categories: Some(vec![Category::Forms]), ..ListFilter::default() },
                count / 5,
            ),
            (
                "deepest page of a pipeline",
                ListFilter { pipelines: Some(vec![pipeline(2)]), ..ListFilter::default() },
                count / 6,
            ),
        ];
        for (name, filter, before) in pages {
            let page = PageRequest::new((before / u64::from(PAGE)).max(1), PAGE).expect("it is a page");
            let query = ListQuery { filter, page, ..ListQuery::default() };
            group.bench_function(BenchmarkId::new(name, count), |b| b.iter(|| now(leads.list(&query))));
        }
        let end = START + count as i64 * i64::from(STEP_SECS);
        let window = Window::new(moment(START + 1000), moment(end - 1000)).expect("it ends after it begins");
        let query = SummaryQuery { window, ..SummaryQuery::default() };
        group.bench_function(BenchmarkId::new("summary", count), |b| b.iter(|| now(leads.summary(&query))));
        group.bench_function(BenchmarkId::new("add", count), |b| b.iter(|| store.add_call()));
        let mut place = 0;
        group.bench_function(BenchmarkId::new("accept", count), |b| {
            b.iter_batched(
                || {
                    place += 1;
                    waiting(&store, u64::from(scatter(place)) % (count / 2))
                },
                |uid| now(leads.accept(&uid, &Accept::default())),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn waiting(store: &Store, place: u64) -> Uid {
    let page = PageRequest::new(1 + place, 1).expect("it is a page");
    now(store.ports.incoming.list(&ListQuery { page, ..ListQuery::default() })).items.remove(0).uid
}

criterion_group!(benches, store);
criterion_main!(benches);
