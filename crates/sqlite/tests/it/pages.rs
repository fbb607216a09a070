//! Pages by way of counts are the pages of the whole list, wherever they lie and whatever is filtered.

use std::collections::BTreeSet;

use incoming_leads_model::{
    Accept, Add, Category, Decline, Direction, IncomingLead, ListFilter, ListQuery, More, Order, OrderKey,
    PageRequest, PipelineId,
};

use crate::world::{START, World, call, chat, form};

/// Leads over seconds, minutes, days and decades, several in one second, some of them gone again.
async fn lived_in() -> World {
    let world = World::new().await;
    let scatter = |number: i64| number.wrapping_mul(2_654_435_761).rem_euclid(1 << 30);
    for number in 0..300_i64 {
        let width = [1, 60, 5_000, 300_000, 100_000_000][usize::try_from(number % 5).unwrap()];
        let created_at = START - scatter(number) % (width + 1);
        // More than 16 pipelines, and most of it in two of them.
        let pipeline = if number % 3 == 0 {
            10 + scatter(number).unsigned_abs() % 22
        } else {
            10 + number.unsigned_abs() % 2
        };
        world.clock.advance_secs(u32::try_from(scatter(number) % 100).unwrap());
        match number % 4 {
            0 => drop(
                world
                    .ports
                    .intake
                    .as_ref()
                    .unwrap()
                    .take_in(&chat(number / 8, created_at, pipeline))
                    .await
                    .unwrap(),
            ),
            1 => drop(
                world
                    .ports
                    .incoming
                    .add(&Add::forms(vec![form(number, created_at, pipeline)]))
                    .await
                    .unwrap(),
            ),
            _ => drop(world.add(call(number, created_at, pipeline)).await),
        }
    }
    for (place, uid) in world.uids().await.into_iter().enumerate() {
        match place % 7 {
            0 => drop(world.ports.incoming.accept(&uid, &Accept::default()).await.unwrap()),
            3 => drop(world.ports.incoming.decline(&uid, &Decline::default()).await.unwrap()),
            _ => {}
        }
    }
    world
}

fn sorted(all: &[IncomingLead], filter: &ListFilter, order: Order) -> Vec<IncomingLead> {
    let admits = |lead: &&IncomingLead| filter.admits(&lead.uid, lead.category(), lead.pipeline_id.unwrap());
    let mut all: Vec<_> = all.iter().filter(admits).cloned().collect();
    all.sort_by_key(|lead| {
        let moment = match order.key {
            OrderKey::CreatedAt => lead.created_at,
            OrderKey::UpdatedAt => lead.updated_at.unwrap(),
        };
        (moment, lead.uid.clone())
    });
    if order.direction == Direction::Descending {
        all.reverse();
    }
    all
}

#[tokio::test]
async fn every_page_is_that_of_the_whole_list() {
    let world = lived_in().await;
    let all = world.waiting().await;
    assert!(all.len() > 150);
    let pipelines =
        |numbers: &[u64]| Some(numbers.iter().map(|number| PipelineId::new(*number).unwrap()).collect());
    let of = |categories: Option<Vec<Category>>, pipelines| ListFilter { uids: None, categories, pipelines };
    let many: Vec<u64> = (10..30).collect();
    let filters = [
        of(None, None),
        of(Some(vec![Category::Chats]), None),
        of(Some(vec![Category::Chats, Category::Forms, Category::Chats]), None),
        of(Some(Category::ALL.to_vec()), None),
        of(None, pipelines(&[11])),
        of(None, pipelines(&[31, 10, 12, 10])),
        of(None, pipelines(&many)),
        of(Some(vec![Category::Sip]), pipelines(&[10, 11])),
        of(Some(vec![Category::Sip, Category::Forms]), pipelines(&many)),
        of(Some(vec![Category::Mail]), None),
        of(Some(vec![]), None),
        of(None, pipelines(&[])),
        of(None, pipelines(&[999])),
        ListFilter {
            uids: Some(all.iter().step_by(3).map(|lead| lead.uid.clone()).take(40).collect()),
            ..of(Some(vec![Category::Sip, Category::Chats]), None)
        },
    ];
    for filter in filters {
        for key in [OrderKey::CreatedAt, OrderKey::UpdatedAt] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let order = Order { key, direction };
                let expected = sorted(&all, &filter, order);
                for size in [7_u32, 50] {
                    for (index, page) in expected.chunks(size as usize).chain([&[][..]]).enumerate() {
                        let page_request = PageRequest::new(index as u64 + 1, size).unwrap();
                        let query = ListQuery {
                            filter: filter.clone(),
                            order,
                            page: page_request,
                            ..ListQuery::default()
                        };
                        let answer = world.ports.incoming.list(&query).await.unwrap();
                        assert_eq!(answer.items, page, "{query:?}");
                        let follows = (index + 1) * (size as usize) < expected.len();
                        assert_eq!(answer.more, if follows { More::Yes } else { More::No }, "{query:?}");
                        let versions =
                            world.ports.versioned.as_ref().unwrap().versions(&query).await.unwrap();
                        let uids: Vec<_> = versions.items.into_iter().map(|item| item.uid).collect();
                        assert_eq!(uids, page.iter().map(|lead| lead.uid.clone()).collect::<Vec<_>>());
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn counts_of_what_waits_are_those_of_the_rows_and_none_is_left_over() {
    let world = lived_in().await;
    let connection = world.raw();
    // Each bucket of each level, counted anew from the rows.
    let mut expected: BTreeSet<(i64, u64, u32, i64, [i64; 4])> = BTreeSet::new();
    for (key, column) in ["created_at", "updated_at"].into_iter().enumerate() {
        for level in 1..=4_u32 {
            for of in ["pipeline_id", "0"] {
                let sql = format!(
                    "SELECT {of}, {column} / {width}, SUM(category = 0), SUM(category = 1), SUM(category = 2), SUM(category = 3)
                     FROM items GROUP BY 1, 2", width = 64_i64.pow(level));
                let mut statement = connection.prepare(&sql).unwrap();
                let mut rows = statement.query([]).unwrap();
                while let Some(row) = rows.next().unwrap() {
                    let counts = [2, 3, 4, 5].map(|column| row.get::<_, i64>(column).unwrap());
                    expected.insert((
                        key as i64,
                        row.get::<_, i64>(0).unwrap().unsigned_abs(),
                        level,
                        row.get(1).unwrap(),
                        counts,
                    ));
                }
            }
        }
    }
    let mut statement = connection
        .prepare("SELECT order_key, pipeline_id, level, bucket, sip, forms, chats, mail FROM guides")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next().unwrap() {
        let counts = [4, 5, 6, 7].map(|column| row.get::<_, i64>(column).unwrap());
        found.insert((
            row.get(0).unwrap(),
            row.get::<_, i64>(1).unwrap().unsigned_abs(),
            row.get(2).unwrap(),
            row.get(3).unwrap(),
            counts,
        ));
    }
    assert_eq!(found, expected);
}
