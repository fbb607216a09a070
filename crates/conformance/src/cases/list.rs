//! Lists: order, pages, filters (R13).

use futures_util::TryStreamExt;
use incoming_leads_model::{
    Add, Cards, Category, Direction, Draft, ListFilter, ListQuery, Moment, More, Order, OrderKey,
    PageRequest, Receipt, Uid,
};
use incoming_leads_port::{ErrorKind, IncomingLeadsExt};

use crate::act::{add, listed, of_category, of_pipeline, uids, waiting};
use crate::case::{Case, case};
use crate::drafts::{at, call, form};
use crate::failure::{Done, Failure, fails, holds, same, some, told};
use crate::fixture::{MAIN, SECOND, START, WAITING_CHATS, WAITING_MAILS};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("list"::newest_first_by_default, R13, "The newest created_at comes first unless told otherwise."),
    case!("list"::oldest_first_when_asked, R13, "Ascending, the oldest created_at comes first."),
    case!("list"::ties_by_uid, R13, "Of the same moment the smaller uid comes first; descending, the larger."),
    case!("list"::by_updated_at, R13, "By updated_at, what was recorded last comes first.")
        .with_clock()
        .where_able(|able| able.order_by_updated_at),
    case!("list"::updated_at_unsupported, R13, "Who cannot order by updated_at says so.")
        .where_able(|able| !able.order_by_updated_at),
    case!("list"::pages_cut_the_list, R13, "Pages of any size, one after the other, are the list."),
    case!("list"::page_has_its_size, R13, "A page holds no more than was asked for."),
    case!("list"::largest_page, R13, "A page of 500 is answered."),
    case!("list"::page_past_the_end, R13, "A page past the end is empty, and none follows."),
    case!("list"::says_whether_a_page_follows, R13, "A page says truly whether another follows, or that it cannot tell."),
    case!("list"::stream_ends, R13, "The stream of all pages brings each lead once, and ends."),
    case!("list"::by_category, R13, "A filter by categories brings any of them and no other."),
    case!("list"::by_pipeline, R13, "A filter by pipelines brings any of them and no other."),
    case!("list"::by_uid, R13, "A filter by uids brings those of them that wait.")
        .where_able(|able| able.list_by_uid),
    case!("list"::by_uid_unsupported, R13, "Who cannot filter by uid says so.")
        .where_able(|able| !able.list_by_uid),
    case!("list"::conditions_must_all_hold, R13, "Conditions of different keys must all hold."),
    case!("list"::empty_condition_is_none, R13, "A condition that names nothing brings nothing."),
    case!("list"::filtered_pages, R13, "Pages of a filtered list are cut after filtering."),
    case!("list"::pages_over_years, R13, "Pages are those of the whole list, whether leads lie seconds or years apart, whatever is filtered."),
    case!("list"::tells_ids, R13, "Each lead comes with account, pipeline and the ids of its entities.")
        .where_able(|able| able.tells_ids),
    case!("list"::tells_bodies, R4, "Bodies of lead, contact and company come when asked for.")
        .where_able(|able| able.tells_cards),
];

fn moment(secs_after_start: i64) -> Moment {
    Moment::from_secs(START.secs() + secs_after_start).expect("a moment near the start")
}

/// Calls that came to be at these seconds after the start, added in this order.
async fn calls(on: &Instance, secs: &[i64]) -> Result<Vec<Uid>, Failure> {
    let drafts = secs.iter().zip(1..).map(|(secs, number)| at(call(number), moment(*secs)));
    let receipts = on.sorter.incoming.add(&Add::calls(drafts.collect())).await?;
    Ok(receipts.into_iter().map(|receipt| receipt.uid).collect())
}

async fn list(on: &Instance, query: ListQuery) -> Result<Vec<Uid>, Failure> {
    Ok(uids(&on.viewer.incoming.list(&query).await?.items))
}

fn ordered(key: OrderKey, direction: Direction) -> ListQuery {
    ListQuery { order: Order { key, direction }, filter: of_category(Category::Sip), ..ListQuery::default() }
}

fn page(number: u64, size: u32) -> PageRequest {
    PageRequest::new(number, size).expect("numbers and sizes of cases are in range")
}

async fn newest_first_by_default(on: &Instance) -> Done {
    let added = calls(on, &[-30, -10, -20]).await?;
    let expected: Vec<_> = [1, 2, 0].iter().map(|index| added[*index].clone()).collect();
    let query = ListQuery { filter: of_category(Category::Sip), ..ListQuery::default() };
    same("the calls", expected, list(on, query).await?)
}

async fn oldest_first_when_asked(on: &Instance) -> Done {
    let added = calls(on, &[-30, -10, -20]).await?;
    let expected: Vec<_> = [0, 2, 1].iter().map(|index| added[*index].clone()).collect();
    same("the calls", expected, list(on, ordered(OrderKey::CreatedAt, Direction::Ascending)).await?)
}

async fn ties_by_uid(on: &Instance) -> Done {
    let mut expected = calls(on, &[-10; 7]).await?;
    expected.sort();
    let ascending = list(on, ordered(OrderKey::CreatedAt, Direction::Ascending)).await?;
    same("the calls of one moment, ascending", expected.clone(), ascending)?;
    expected.reverse();
    let descending = list(on, ordered(OrderKey::CreatedAt, Direction::Descending)).await?;
    same("the calls of one moment, descending", expected, descending)
}

async fn by_updated_at(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let mut expected = Vec::new();
    for (number, created_at) in [(1, -10), (2, -30), (3, -20)] {
        clock.advance_secs(5);
        expected.push(add(&on.sorter, at(call(number), moment(created_at))).await?.uid);
    }
    let ascending = list(on, ordered(OrderKey::UpdatedAt, Direction::Ascending)).await?;
    same("the calls as they were recorded", expected.clone(), ascending)?;
    expected.reverse();
    let descending = list(on, ordered(OrderKey::UpdatedAt, Direction::Descending)).await?;
    same("the calls, recorded last first", expected, descending)
}

async fn updated_at_unsupported(on: &Instance) -> Done {
    let query = ordered(OrderKey::UpdatedAt, Direction::Ascending);
    fails(ErrorKind::Unsupported, on.viewer.incoming.list(&query).await).map(drop)
}

async fn pages_cut_the_list(on: &Instance) -> Done {
    calls(on, &[-10, -20, -20, -20, -5, -20, -7]).await?;
    let whole = list(on, ListQuery { page: page(1, 500), ..ListQuery::default() }).await?;
    for size in [1, 2, 3, 5, 13, 14, 15] {
        let mut cut = Vec::new();
        for number in 1..=whole.len() as u64 + 1 {
            cut.extend(list(on, ListQuery { page: page(number, size), ..ListQuery::default() }).await?);
        }
        same(&format!("the pages of {size}, one after the other"), whole.clone(), cut)?;
    }
    Ok(())
}

async fn page_has_its_size(on: &Instance) -> Done {
    let waits = WAITING_CHATS + WAITING_MAILS;
    for size in 1..=waits as u32 {
        let uids = list(on, ListQuery { page: page(1, size), ..ListQuery::default() }).await?;
        same("how many a page holds", size as usize, uids.len())?;
    }
    Ok(())
}

async fn largest_page(on: &Instance) -> Done {
    let many: Vec<_> = (1..=250).map(call).collect();
    on.sorter.incoming.add(&Add::calls(many)).await?;
    on.sorter.incoming.add(&Add::forms((1..=250).map(form).collect())).await?;
    let first = on.viewer.incoming.list(&ListQuery { page: page(1, 500), ..ListQuery::default() }).await?;
    same("how many the page holds", 500, first.items.len())?;
    holds("another page follows", first.more != More::No)?;
    let second = list(on, ListQuery { page: page(2, 500), ..ListQuery::default() }).await?;
    same("how many the next page holds", WAITING_CHATS + WAITING_MAILS, second.len())?;
    let first = uids(&first.items);
    holds("no lead stands on both", second.iter().all(|uid| !first.contains(uid)))
}

async fn page_past_the_end(on: &Instance) -> Done {
    for number in [2, 1_000_000, u64::from(u32::MAX)] {
        let page = page(number, 500);
        let answer = on.viewer.incoming.list(&ListQuery { page, ..ListQuery::default() }).await?;
        same("what stands past the end", vec![], uids(&answer.items))?;
        same("whether a page follows", More::No, answer.more)?;
    }
    Ok(())
}

async fn says_whether_a_page_follows(on: &Instance) -> Done {
    let waits = (WAITING_CHATS + WAITING_MAILS) as u32;
    let tells_more = on.viewer.incoming.capabilities().tells_more;
    for size in 1..=waits + 1 {
        let answer =
            on.viewer.incoming.list(&ListQuery { page: page(1, size), ..ListQuery::default() }).await?;
        let expected = match (size < waits, size <= waits) {
            (true, _) if tells_more => vec![More::Yes],
            (true, _) => vec![More::Yes, More::Perhaps],
            (false, true) if !tells_more => vec![More::No, More::Perhaps],
            (false, _) => vec![More::No],
        };
        if !expected.contains(&answer.more) {
            let what = format!("whether a page follows the first {size} of {waits}");
            return Err(Failure::new(what, format!("one of {expected:?}"), format!("{:?}", answer.more)));
        }
    }
    Ok(())
}

async fn stream_ends(on: &Instance) -> Done {
    calls(on, &[-10; 6]).await?;
    let whole = list(on, ListQuery { page: page(1, 500), ..ListQuery::default() }).await?;
    for size in [1, 4, 13, 50] {
        let query = ListQuery { page: page(1, size), ..ListQuery::default() };
        let streamed: Vec<_> = on.viewer.incoming.stream(query).map_ok(|lead| lead.uid).try_collect().await?;
        same("what the stream brings", whole.clone(), streamed)?;
    }
    Ok(())
}

async fn by_category(on: &Instance) -> Done {
    let call = add(&on.sorter, call(1)).await?;
    let form = add(&on.sorter, form(1)).await?;
    for (category, receipt) in [(Category::Sip, &call), (Category::Forms, &form)] {
        same(
            "the only one",
            vec![receipt.uid.clone()],
            uids(&waiting(&on.viewer, of_category(category)).await?),
        )?;
    }
    let both = ListFilter { categories: Some(vec![Category::Sip, Category::Mail]), ..ListFilter::default() };
    let both = waiting(&on.viewer, both).await?;
    same("how many calls and mails wait", WAITING_MAILS + 1, both.len())?;
    holds(
        "none is a chat or form",
        both.iter().all(|one| [Category::Sip, Category::Mail].contains(&one.category())),
    )
}

async fn by_pipeline(on: &Instance) -> Done {
    let second = waiting(&on.viewer, of_pipeline(SECOND)).await?;
    same("how many wait in the second pipeline", 1, second.len())?;
    let main = waiting(&on.viewer, of_pipeline(MAIN)).await?;
    same("how many wait in the main one", WAITING_CHATS + WAITING_MAILS - 1, main.len())?;
    let both = ListFilter { pipelines: Some(vec![SECOND, MAIN]), ..ListFilter::default() };
    same("how many wait in both", WAITING_CHATS + WAITING_MAILS, waiting(&on.viewer, both).await?.len())
}

async fn by_uid(on: &Instance) -> Done {
    let added = calls(on, &[-3, -2, -1]).await?;
    let unknown = Uid::new("unknown").expect("it is a uid");
    let asked = vec![added[2].clone(), unknown, added[0].clone(), added[2].clone()];
    let filter = ListFilter { uids: Some(asked), ..ListFilter::default() };
    let expected = vec![added[0].clone(), added[2].clone()];
    same("those that wait, in the order of the list", expected, uids(&waiting(&on.viewer, filter).await?))
}

async fn by_uid_unsupported(on: &Instance) -> Done {
    let uids = Some(vec![Uid::new("unknown").expect("it is a uid")]);
    let query = ListQuery { filter: ListFilter { uids, ..ListFilter::default() }, ..ListQuery::default() };
    fails(ErrorKind::Unsupported, on.viewer.incoming.list(&query).await).map(drop)
}

async fn conditions_must_all_hold(on: &Instance) -> Done {
    let filter = |category, pipeline| ListFilter { pipelines: Some(vec![pipeline]), ..of_category(category) };
    let chats = waiting(&on.viewer, filter(Category::Chats, SECOND)).await?;
    same("how many chats wait in the second pipeline", 1, chats.len())?;
    let chats = waiting(&on.viewer, filter(Category::Chats, MAIN)).await?;
    same("how many chats wait in the main one", WAITING_CHATS - 1, chats.len())?;
    same("how many mails in the second", 0, waiting(&on.viewer, filter(Category::Mail, SECOND)).await?.len())
}

async fn empty_condition_is_none(on: &Instance) -> Done {
    let no_category = ListFilter { categories: Some(vec![]), ..ListFilter::default() };
    let no_pipeline = ListFilter { pipelines: Some(vec![]), ..ListFilter::default() };
    for filter in [no_category, no_pipeline] {
        same("what is listed", vec![], uids(&waiting(&on.viewer, filter).await?))?;
    }
    Ok(())
}

async fn filtered_pages(on: &Instance) -> Done {
    let mut expected = calls(on, &[-1, -2, -3, -4, -5]).await?;
    expected.reverse();
    let mut cut = Vec::new();
    for number in 1..=3 {
        let query = ordered(OrderKey::CreatedAt, Direction::Ascending);
        cut.extend(list(on, ListQuery { page: page(number, 2), ..query }).await?);
    }
    same("the pages of two calls", expected, cut)
}

async fn pages_over_years(on: &Instance) -> Done {
    // Two at each of three places, seconds to years apart.
    let steps = [1_i64, 47, 3_600, 200_000, 31_000_000];
    let secs: Vec<i64> =
        steps.iter().flat_map(|step| (0..6).map(move |number| -(number / 2) * step)).collect();
    let places =
        [(Category::Sip, MAIN), (Category::Sip, SECOND), (Category::Forms, MAIN), (Category::Forms, SECOND)];
    let mut known = Vec::new();
    for (place, (category, pipeline)) in (0_u64..).zip(places) {
        let drafts = secs.iter().zip(1..).map(|(secs, number)| {
            let number = place * 100 + number;
            let draft = if category == Category::Sip { call(number) } else { form(number) };
            Draft { pipeline_id: Some(pipeline), ..at(draft, moment(*secs)) }
        });
        let drafts = drafts.collect();
        let add = if category == Category::Sip { Add::calls(drafts) } else { Add::forms(drafts) };
        let receipts = on.sorter.incoming.add(&add).await?;
        known.extend(
            secs.iter().zip(receipts).map(|(secs, receipt)| (*secs, receipt.uid, category, pipeline)),
        );
    }
    known.sort();
    let filters = [
        of_category(Category::Sip),
        ListFilter { categories: Some(vec![Category::Forms, Category::Sip]), ..ListFilter::default() },
        ListFilter { categories: Some(vec![Category::Forms, Category::Sip]), ..of_pipeline(SECOND) },
        ListFilter { categories: Some(vec![Category::Forms]), ..of_pipeline(MAIN) },
    ];
    for filter in filters {
        for direction in [Direction::Ascending, Direction::Descending] {
            let admitted =
                known.iter().filter(|(_, uid, category, pipeline)| filter.admits(uid, *category, *pipeline));
            let mut expected: Vec<_> = admitted.map(|(_, uid, ..)| uid.clone()).collect();
            if direction == Direction::Descending {
                expected.reverse();
            }
            for (number, expected) in (1..).zip(expected.chunks(7)) {
                let query = ListQuery {
                    filter: filter.clone(),
                    page: page(number, 7),
                    ..ordered(OrderKey::CreatedAt, direction)
                };
                same(&format!("page {number} of {query:?}"), expected.to_vec(), list(on, query).await?)?;
            }
        }
    }
    Ok(())
}

async fn tells_ids(on: &Instance) -> Done {
    let Receipt { uid, leads, contacts, companies, .. } = add(&on.sorter, call(1)).await?;
    let item = some("the call", listed(&on.viewer, &uid).await?)?;
    same("the account", Some(on.account), item.account_id)?;
    same("the pipeline", Some(MAIN), item.pipeline_id)?;
    same("the uid of the source", Some(Some("source-1".to_owned())), item.source_uid)?;
    let ids = |ids: Option<Vec<u64>>| ids.filter(|ids| ids.len() == 1);
    let lead = ids(item.leads.map(|all| all.iter().filter_map(|one| one.id).map(u64::from).collect()));
    let contact = ids(item.contacts.map(|all| all.iter().filter_map(|one| one.id).map(u64::from).collect()));
    let company = ids(item.companies.map(|all| all.iter().filter_map(|one| one.id).map(u64::from).collect()));
    told("the id of its lead", lead, leads.map(|all| Some(all.into_iter().map(u64::from).collect())))?;
    told(
        "the id of its contact",
        contact,
        contacts.map(|all| Some(all.into_iter().map(u64::from).collect())),
    )?;
    told(
        "the id of its company",
        company,
        companies.map(|all| Some(all.into_iter().map(u64::from).collect())),
    )
}

async fn tells_bodies(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(1)).await?;
    let query =
        ListQuery { filter: of_category(Category::Sip), cards: Cards::Include, ..ListQuery::default() };
    let page = on.viewer.incoming.list(&query).await?;
    let item = some("the call", page.items.into_iter().find(|item| item.uid == receipt.uid))?;
    let lead = item.leads.into_iter().flatten().find_map(|one| one.card).and_then(|lead| lead.card.name);
    let contact = item.contacts.into_iter().flatten().find_map(|one| one.card).and_then(|one| one.card.name);
    let company = item.companies.into_iter().flatten().find_map(|one| one.card).and_then(|one| one.card.name);
    let names = ["New lead", "New contact", "New company"].map(|name| Some(name.to_owned()));
    same("the names of lead, contact and company", names, [lead, contact, company])
}
