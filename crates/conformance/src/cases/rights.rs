//! Rights, and accounts that do not see each other (R11).

use incoming_leads_model::{Accept, Decline, Link, LinkTarget, ListFilter, PageRequest, SummaryQuery, Uid};
use incoming_leads_port::{EntityQuery, ErrorKind};

use crate::act::{a_chat, add, directory, links, uids, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{call, one};
use crate::failure::{Done, fails, holds, same};
use crate::fixture::{FOREIGN_LEAD, TARGET_LEAD};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("rights"::viewer_reads, R11, "Who may view lists, asks by uid and asks for the summary."),
    case!("rights"::viewer_may_not_add, R11, "Who may only view may not add."),
    case!("rights"::viewer_may_not_sort, R11, "Who may only view may not accept or decline."),
    case!("rights"::forbidden_comes_before_missing, R11, "Who lacks the right is not told whether a uid waits."),
    case!("rights"::sorter_adds_and_sorts, R11, "Who may sort adds, accepts and declines."),
    case!("rights"::administrator_may_everything, R11, "An administrator adds, accepts and declines."),
    case!("rights"::stranger_lists_nothing_of_ours, R11, "Another account's list has nothing of ours."),
    case!("rights"::stranger_finds_nothing_of_ours, R11, "To another account our uid is like an unknown one."),
    case!("rights"::stranger_decides_nothing_of_ours, R11, "Another account's commands do not find our uid."),
    case!("rights"::stranger_counts_nothing_of_ours, R11, "Another account's summary does not count our uid.")
        .where_able(|able| able.summary_by_uid),
    case!("rights"::directories_are_apart, R11, "An account's directory has nothing of another's.").with_directory(),
];

const LINK: Link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: None, user_id: None };

async fn viewer_reads(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    holds("the viewer sees what waits", waits(&on.viewer, &uid).await?)?;
    on.viewer.incoming.summary(&SummaryQuery::default()).await?;
    Ok(())
}

async fn viewer_may_not_add(on: &Instance) -> Done {
    let before = waiting(&on.viewer, ListFilter::default()).await?.len();
    fails(ErrorKind::Forbidden, on.viewer.incoming.add(&one(call(1))).await)?;
    same("how many wait", before, waiting(&on.viewer, ListFilter::default()).await?.len())
}

async fn viewer_may_not_sort(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    fails(ErrorKind::Forbidden, on.viewer.incoming.accept(&uid, &Accept::default()).await)?;
    fails(ErrorKind::Forbidden, on.viewer.incoming.decline(&uid, &Decline::default()).await)?;
    holds("it waits on", waits(&on.viewer, &uid).await?)
}

async fn forbidden_comes_before_missing(on: &Instance) -> Done {
    let unknown = Uid::new("0123456789abcdef").expect("it is a uid");
    fails(ErrorKind::Forbidden, on.viewer.incoming.accept(&unknown, &Accept::default()).await)?;
    fails(ErrorKind::Forbidden, on.viewer.incoming.decline(&unknown, &Decline::default()).await)?;
    if on.viewer.incoming.capabilities().link {
        fails(ErrorKind::Forbidden, on.viewer.incoming.link(&unknown, &LINK).await)?;
    }
    Ok(())
}

async fn sorter_adds_and_sorts(on: &Instance) -> Done {
    adds_and_sorts(on, &on.sorter).await
}

async fn administrator_may_everything(on: &Instance) -> Done {
    adds_and_sorts(on, &on.administrator).await
}

async fn adds_and_sorts(on: &Instance, ports: &incoming_leads_port::Ports) -> Done {
    let first = add(ports, call(1)).await?.uid;
    let second = add(ports, call(2)).await?.uid;
    ports.incoming.accept(&first, &Accept::default()).await?;
    ports.incoming.decline(&second, &Decline::default()).await?;
    for uid in [first, second] {
        holds("it waits no longer", !waits(&on.viewer, &uid).await?)?;
    }
    Ok(())
}

async fn stranger_lists_nothing_of_ours(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let ours = uids(&waiting(&on.viewer, ListFilter::default()).await?);
    let theirs = uids(&waiting(&on.stranger, ListFilter::default()).await?);
    holds("ours is in our list", ours.contains(&uid))?;
    same("how many wait in the other account", 1, theirs.len())?;
    holds("no uid is in both lists", theirs.iter().all(|uid| !ours.contains(uid)))
}

async fn stranger_finds_nothing_of_ours(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    holds("the stranger does not see it", !waits(&on.stranger, &uid).await?)?;
    if on.stranger.incoming.capabilities().list_by_uid {
        let filter = ListFilter { uids: Some(vec![uid]), ..ListFilter::default() };
        same("how many the stranger lists by uid", 0, waiting(&on.stranger, filter).await?.len())?;
    }
    Ok(())
}

async fn stranger_decides_nothing_of_ours(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    fails(ErrorKind::NotFound, on.stranger.incoming.accept(&uid, &Accept::default()).await)?;
    fails(ErrorKind::NotFound, on.stranger.incoming.decline(&uid, &Decline::default()).await)?;
    if on.stranger.incoming.capabilities().link {
        let link = Link { target: LinkTarget::Lead(FOREIGN_LEAD), ..LINK };
        fails(ErrorKind::NotFound, on.stranger.incoming.link(&uid, &link).await)?;
    }
    holds("it waits on", waits(&on.viewer, &uid).await?)
}

async fn stranger_counts_nothing_of_ours(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let query = SummaryQuery { uids: Some(vec![uid]), ..SummaryQuery::default() };
    same("what we count", 1, on.viewer.incoming.summary(&query).await?.total)?;
    same("what the stranger counts", 0, on.stranger.incoming.summary(&query).await?.total)
}

async fn directories_are_apart(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let (own, ..) = links(on, &uid).await?;
    let by_id = EntityQuery::with_ids(vec![FOREIGN_LEAD]);
    same("how many leads of theirs we find", 0, directory(on)?.leads(&by_id).await?.items.len())?;
    let listed = EntityQuery::listed(PageRequest::new(1, 500).expect("500 is the largest page"));
    let ours = directory(on)?.leads(&listed).await?.items;
    holds("our list of leads has none of theirs", ours.iter().all(|lead| lead.id != FOREIGN_LEAD))?;
    holds("our list of leads has ours", ours.iter().any(|lead| lead.id == TARGET_LEAD))?;
    let Some(theirs) = &on.stranger.directory else { return Ok(()) };
    for id in [TARGET_LEAD, own] {
        // Number spaces may be per account, so that they have a lead of this number too; then it is not ours.
        let found = theirs.leads(&EntityQuery::with_ids(vec![id])).await?.items;
        holds("the lead is not ours", found.iter().all(|lead| !ours.contains(lead)))?;
    }
    Ok(())
}
