//! Versions: what a cache of ready items stands on (R13).

use incoming_leads_model::{Accept, ListFilter, ListQuery, PageRequest, Uid};
use incoming_leads_port::Versioned;

use crate::act::{add, listed, power, take_in};
use crate::case::{Case, case};
use crate::drafts::{call, chat};
use crate::failure::{Done, Failure, holds, same};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("versions"::follow_the_list, R13, "Versions name the same leads as the list, in the same order.")
        .with_versioned(),
    case!("versions"::begin_with_one, R13, "What was added has version 1.").with_versioned(),
    case!("versions"::grow_with_updates, R2, "A further message makes the next version.")
        .with_versioned()
        .with_intake(),
    case!("versions"::items_are_those_of_the_list, R13, "Items by uid are what the list tells, in the asked order.")
        .with_versioned(),
    case!("versions"::decided_items_are_left_out, R7, "Items that were decided are left out.").with_versioned(),
    case!("versions"::a_revision_stands_for_all_lists, R13, "Where a store keeps a revision, it is another after every change, and only then.")
        .with_versioned()
        .with_intake(),
    case!("versions"::foreign_items_are_left_out, R11, "Items of another account are left out.").with_versioned(),
];

fn versioned(on: &Instance) -> Result<&dyn Versioned, Failure> {
    power(&on.viewer.versioned)
}

async fn version(on: &Instance, uid: &Uid) -> Result<Option<u64>, Failure> {
    let filter = ListFilter { uids: Some(vec![uid.clone()]), ..ListFilter::default() };
    let page = versioned(on)?.versions(&ListQuery { filter, ..ListQuery::default() }).await?;
    let items = versioned(on)?.items(std::slice::from_ref(uid)).await?;
    let listed = page.items.first().map(|item| item.version);
    same("the version in the page and of the item", listed, items.first().map(|(version, _)| *version))?;
    Ok(listed)
}

async fn follow_the_list(on: &Instance) -> Done {
    for number in 1..=3 {
        add(&on.sorter, call(number)).await?;
    }
    for (number, size) in [(1, 500), (2, 3), (4, 3), (9, 3)] {
        let page = PageRequest::new(number, size).expect("it is a page");
        let query = ListQuery { page, ..ListQuery::default() };
        let listed = on.viewer.incoming.list(&query).await?;
        let versions = versioned(on)?.versions(&query).await?;
        let uids: Vec<_> = listed.items.into_iter().map(|item| item.uid).collect();
        same("the uids of the page", uids, versions.items.into_iter().map(|item| item.uid).collect())?;
        same("whether a page follows", listed.more, versions.more)?;
    }
    Ok(())
}

async fn begin_with_one(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    same("its version", Some(1), version(on, &uid).await?)
}

async fn grow_with_updates(on: &Instance) -> Done {
    for expected in 1..=3 {
        let uid = take_in(&on.sorter, chat("chat-9", &format!("message {expected}"))).await?.uid;
        same("its version", Some(expected), version(on, &uid).await?)?;
    }
    Ok(())
}

async fn a_revision_stands_for_all_lists(on: &Instance) -> Done {
    let revision = async || Ok::<_, Failure>(versioned(on)?.revision().await?);
    let Some(mut last) = revision().await? else { return Ok(()) };
    let mut seen = vec![last];
    let mut is_another = async |after: &str| {
        let next = revision().await?;
        holds(
            &format!("a revision that was never told before, after {after}"),
            next.is_some_and(|next| !seen.contains(&next)),
        )?;
        same(&format!("the revision, asked again after {after}"), next, revision().await?)?;
        last = next.unwrap_or(last);
        seen.push(last);
        Ok::<_, Failure>(())
    };
    let uid = add(&on.sorter, call(1)).await?.uid;
    is_another("an add").await?;
    for message in ["one", "two"] {
        take_in(&on.sorter, chat("chat-9", message)).await?;
        is_another("a message").await?;
    }
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    is_another("an accept").await
}

async fn items_are_those_of_the_list(on: &Instance) -> Done {
    let first = add(&on.sorter, call(1)).await?.uid;
    let second = add(&on.sorter, call(2)).await?.uid;
    for asked in [[first.clone(), second.clone()], [second, first]] {
        let items = versioned(on)?.items(&asked).await?;
        let uids: Vec<_> = items.iter().map(|(_, item)| item.uid.clone()).collect();
        same("the uids", asked.to_vec(), uids)?;
        for (_, item) in items {
            same("the item", listed(&on.viewer, &item.uid).await?, Some(item))?;
        }
    }
    Ok(())
}

async fn decided_items_are_left_out(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    same("its version", None, version(on, &uid).await?)
}

async fn foreign_items_are_left_out(on: &Instance) -> Done {
    let uid = add(&on.stranger, call(1)).await?.uid;
    holds("it is left out", version(on, &uid).await?.is_none())
}
