//! The store's times by number of leads.

mod common;

use std::time::Duration;

use common::{START, STEP_SECS, Store, moment, pipeline};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use incoming_leads_model::{Add, Category, ListFilter, ListQuery, PageRequest, SummaryQuery, Window};

const SIZES: [u64; 2] = [10_000, 100_000];
const PAGE: u32 = 50;

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("sqlite");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for count in SIZES {
        let mut store = Store::of_all(count);
        let leads = store.ports.incoming.clone();
        let of = |categories, pipelines| ListFilter { uids: None, categories, pipelines };
        let pages = [
            ("first page", of(None, None), 0),
            ("deepest page", of(None, None), count),
            ("deepest page of a category", of(Some(vec![Category::Forms]), None), count / 5),
            ("deepest page of a pipeline", of(None, Some(vec![pipeline(2)])), count / 6),
        ];
        for (name, filter, before) in pages {
            let page = PageRequest::new((before / u64::from(PAGE)).max(1), PAGE).expect("it is a page");
            let query = ListQuery { filter, page, ..ListQuery::default() };
            group.bench_function(BenchmarkId::new(name, count), |b| b.iter(|| store.now(leads.list(&query))));
        }
        let end = START + count.cast_signed() * i64::from(STEP_SECS);
        let window = Window::new(moment(START + 1000), moment(end - 1000)).expect("it ends after it begins");
        let query = SummaryQuery { window, ..SummaryQuery::default() };
        group.bench_function(BenchmarkId::new("summary", count), |b| {
            b.iter(|| store.now(leads.summary(&query)))
        });
        group.bench_function(BenchmarkId::new("add alone", count), |b| {
            b.iter(|| {
                // The next call: others are forms and chats.
                let call = std::iter::repeat_with(|| store.draft())
                    .find(|draft| draft.metadata.as_ref().map(|told| told.category()) == Some(Category::Sip));
                store.now(leads.add(&Add::calls(call.into_iter().collect())))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
