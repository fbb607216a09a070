//! Probes that only read.

use std::collections::HashMap;

use incoming_leads_model::{
    Cards, Category, Direction, ListFilter, ListQuery, Moment, Order, OrderKey, Page, PageRequest, Pipeline,
    StatusKind, Summary, SummaryQuery, Window,
};
use incoming_leads_port::EntityQuery;

use crate::failure::{Failure, holds, same};
use crate::survey::ground::{Asked, Ground, Trouble};
use crate::survey::{Probe, probe};

pub(super) const PROBES: &[Probe] = &[
    probe!(Read, "access"::nobody_is_let_in, R11, "Without credentials that are known nobody reads anything."),
    probe!(Read, "list"::newest_first, R13, "A list stands by creation and uid, the latest first."),
    probe!(Read, "list"::oldest_first_when_asked, R13, "Ascending, a list stands by creation and uid, the earliest first."),
    probe!(Read, "list"::pages_cut_the_list, R13, "Pages count from 1 and cut the list without gaps."),
    probe!(Read, "list"::past_the_end_is_nothing, R13, "A page past the end is empty."),
    probe!(Read, "list"::by_category, R1, "A list of a category has leads of that category only."),
    probe!(Read, "list"::unknown_uids_are_nowhere, R13, "A list of an unknown uid is empty."),
    probe!(Read, "get"::unknown_uid_is_nothing, R7, "Nothing is found for an unknown uid."),
    probe!(Read, "layout"::stages_are_told, R3, "One pipeline is the main one, and each with the stage on has one unsorted status."),
    probe!(Read, "layout"::what_waits_is_unsorted, R3, "The leads of what waits sit in an unsorted status and are not in the bin."),
    probe!(Read, "summary"::nothing_happened_at_first, R12, "A window in which nothing happened counts nothing, and its mean is 0."),
    probe!(Read, "summary"::total_is_that_of_categories, R12, "The total is the sum of the categories."),
    probe!(Read, "summary"::disjoint_windows_add_up, R12, "Windows are closed at both ends, and disjoint ones add up."),
];

fn page(number: u64, size: u32) -> PageRequest {
    PageRequest::new(number, size).expect("numbers and sizes of probes are in range")
}

async fn listed(on: &Ground, direction: Direction, page: PageRequest) -> Result<Page, Trouble> {
    let order = Order { key: OrderKey::CreatedAt, direction };
    Ok(on.list(&ListQuery { filter: ListFilter::default(), order, page, cards: Cards::Omit }).await?)
}

async fn nobody_is_let_in(on: &Ground) -> Asked {
    on.list_as_nobody().await.map(drop)
}

async fn newest_first(on: &Ground) -> Asked {
    let listed = listed(on, Direction::Descending, page(1, 250)).await?;
    let keys: Vec<_> = listed.items.iter().map(|lead| (lead.created_at, lead.uid.as_str())).collect();
    let wrong = keys.windows(2).find(|pair| pair[0] < pair[1]);
    Ok(same("two neighbours in the wrong order", None, wrong)?)
}

async fn oldest_first_when_asked(on: &Ground) -> Asked {
    let listed = listed(on, Direction::Ascending, page(1, 250)).await?;
    let keys: Vec<_> = listed.items.iter().map(|lead| (lead.created_at, lead.uid.as_str())).collect();
    let wrong = keys.windows(2).find(|pair| pair[0] > pair[1]);
    Ok(same("two neighbours in the wrong order", None, wrong)?)
}

async fn pages_cut_the_list(on: &Ground) -> Asked {
    let uids = |page: Page| page.items.into_iter().map(|lead| lead.uid).collect::<Vec<_>>();
    let mut differs = None;
    // Others may sort meanwhile.
    for _ in 0..3 {
        let whole = uids(listed(on, Direction::Ascending, page(1, 6)).await?);
        let mut cut = Vec::new();
        for number in 1..=3 {
            cut.extend(uids(listed(on, Direction::Ascending, page(number, 2)).await?));
        }
        same("more than six leads on a page of six", None, whole.get(6))?;
        match same("three pages of two", whole, cut) {
            Ok(()) => return Ok(()),
            Err(failure) => differs = Some(failure),
        }
    }
    Err(differs.map_or_else(|| Trouble::NotAsked("no try".to_owned()), Trouble::Drift))
}

async fn past_the_end_is_nothing(on: &Ground) -> Asked {
    let listed = listed(on, Direction::Descending, page(1_000_000, 250)).await?;
    Ok(same("the leads of the millionth page", 0, listed.items.len())?)
}

async fn by_category(on: &Ground) -> Asked {
    for category in Category::ALL {
        let filter = ListFilter { categories: Some(vec![category]), ..ListFilter::default() };
        let listed = on.list(&ListQuery { filter, page: page(1, 50), ..ListQuery::default() }).await?;
        let other = listed.items.iter().map(|lead| lead.category()).find(|other| *other != category);
        same(&format!("another category in the list of {}", category.as_str()), None, other)?;
    }
    Ok(())
}

async fn unknown_uids_are_nowhere(on: &Ground) -> Asked {
    Ok(same("the leads of the list", 0, on.waiting(&[on.unknown()]).await?.len())?)
}

async fn unknown_uid_is_nothing(on: &Ground) -> Asked {
    let got = on.get(&on.unknown()).await?;
    Ok(same("what was found", None, got.map(|lead| lead.uid))?)
}

async fn stages_are_told(on: &Ground) -> Asked {
    let layout = on.look(on.directory()?.layout()).await?;
    same("the main pipelines", 1, layout.pipelines.iter().filter(|pipeline| pipeline.is_main).count())?;
    let with_stage =
        layout.pipelines.iter().filter(|pipeline| pipeline.is_unsorted_on && !pipeline.is_archive);
    for Pipeline { id, statuses, .. } in with_stage {
        let unsorted = statuses.iter().filter(|status| status.kind == StatusKind::Unsorted).count();
        same(&format!("the unsorted statuses of pipeline {id}"), 1, unsorted)?;
    }
    Ok(())
}

async fn what_waits_is_unsorted(on: &Ground) -> Asked {
    let directory = on.directory()?;
    let layout = on.look(directory.layout()).await?;
    let unsorted: HashMap<_, _> = layout
        .pipelines
        .iter()
        .flat_map(|pipeline| &pipeline.statuses)
        .map(|status| (status.id, status.kind == StatusKind::Unsorted))
        .collect();
    let waiting = listed(on, Direction::Ascending, page(1, 50)).await?.items;
    let ids: Vec<_> =
        waiting.iter().flat_map(|lead| lead.leads.iter().flatten()).filter_map(|lead| lead.id).collect();
    if ids.is_empty() {
        return Err(Trouble::NotAsked("nothing waits whose lead is told".to_owned()));
    }
    let leads = on.look(directory.leads(&EntityQuery::with_ids(ids))).await?.items;
    // Somebody may have decided it meanwhile.
    let still = on.waiting(&waiting.iter().map(|lead| lead.uid.clone()).collect::<Vec<_>>()).await?;
    let still: Vec<_> =
        still.iter().flat_map(|lead| lead.leads.iter().flatten()).filter_map(|lead| lead.id).collect();
    let wrong = leads
        .iter()
        .filter(|lead| still.contains(&lead.id))
        .find(|lead| lead.stamp.is_deleted || !unsorted.get(&lead.status_id).copied().unwrap_or_default());
    Ok(same(
        "a lead that waits, its status, and whether it is in the bin",
        None,
        wrong.map(|lead| (lead.id, lead.status_id, lead.stamp.is_deleted)),
    )?)
}

fn counts(summary: &Summary) -> [u64; 4] {
    let Summary { total, accepted, declined, average_sort_time_secs, .. } = summary;
    [*total, *accepted, declined.unwrap_or_default(), *average_sort_time_secs]
}

async fn nothing_happened_at_first(on: &Ground) -> Asked {
    let window = Window::new(Moment::MIN, Moment::MIN).expect("a moment is a window");
    let summary = on.summary(&SummaryQuery { window, ..SummaryQuery::default() }).await?;
    Ok(same("total, accepted, declined and mean of 1970-01-01T00:00:00Z", [0; 4], counts(&summary))?)
}

async fn total_is_that_of_categories(on: &Ground) -> Asked {
    let summary = on.summary(&SummaryQuery::default()).await?;
    let sum = Category::ALL.into_iter().map(|category| summary.category(category)).sum();
    Ok(same("the total", summary.total, sum)?)
}

async fn disjoint_windows_add_up(on: &Ground) -> Asked {
    let waiting = listed(on, Direction::Descending, page(1, 50)).await?.items;
    let middle = waiting.get(waiting.len() / 2).map_or(Moment::MIN, |lead| lead.created_at);
    let next = Moment::from_secs(middle.secs() + 1).unwrap_or(Moment::MAX);
    let of = |from, to| SummaryQuery {
        window: Window::new(from, to).expect("the first is before the second"),
        ..SummaryQuery::default()
    };
    let sums = |summary: Summary| {
        let [total, accepted, declined, _] = counts(&summary);
        [total, accepted, declined]
    };
    for _ in 0..3 {
        let before = sums(on.summary(&of(Moment::MIN, Moment::MAX)).await?);
        let earlier = sums(on.summary(&of(Moment::MIN, middle)).await?);
        let later = sums(on.summary(&of(next, Moment::MAX)).await?);
        let after = sums(on.summary(&of(Moment::MIN, Moment::MAX)).await?);
        if before == after {
            let both = [0, 1, 2].map(|place| earlier[place] + later[place]);
            return Ok(same("total, accepted and declined of both windows", before, both)?);
        }
    }
    Err(Trouble::NotAsked("others are sorting all the time".to_owned()))
}

/// Something holds, or it is drift.
pub(super) fn it_holds(what: &str, it: bool) -> Asked {
    holds(what, it).map_err(|failure: Failure| failure.into())
}
