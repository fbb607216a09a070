//! One decision, once, whoever races (R7).

use incoming_leads_model::{Accept, Decline, Link, LinkTarget, ListFilter, Receipt, Uid};
use incoming_leads_port::{Error, ErrorKind};

use crate::act::{a_chat, add, handle, race, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::call;
use crate::failure::{Done, fails, holds, same};
use crate::fixture::TARGET_LEAD;
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("once"::accepted_is_accepted_once, R7, "What was accepted is not found by a second accept or a decline."),
    case!("once"::declined_is_declined_once, R7, "What was declined is not found by a second decline or an accept."),
    case!("once"::linked_is_linked_once, R7, "What was linked is not found by accept, decline or a second link.")
        .where_able(|able| able.link),
    case!("once"::decided_is_not_linked, R7, "What was accepted or declined is not found by a link.")
        .where_able(|able| able.link),
    case!("once"::decided_is_not_read, R7, "What was decided is in no list and not found by uid."),
    case!("once"::decided_is_not_found_by_uids, R7, "What was decided is in no list of named uids.")
        .where_able(|able| able.list_by_uid),
    case!("once"::unknown_uid_is_not_found, R7, "An unknown uid is not found by any command."),
    case!("once"::missing_comes_before_faults, R7, "A decided uid is not found, however wrong the command is."),
    case!("once"::one_of_many_accepts_wins, R7, "Of many accepts at once exactly one succeeds."),
    case!("once"::one_of_many_declines_wins, R7, "Of many declines at once exactly one succeeds."),
    case!("once"::accept_or_decline_wins, R7, "Of accepts and declines at once exactly one succeeds."),
    case!("once"::accept_decline_or_link_wins, R7, "Of accepts, declines and links at once exactly one succeeds.")
        .where_able(|able| able.link),
];

const LINK: Link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: None, user_id: None };

#[derive(Debug, Clone, Copy)]
enum Decision {
    Accept,
    Decline,
    Link,
}

use Decision as D;

async fn decide(on: &Instance, uid: &Uid, decision: Decision) -> Result<Receipt, Error> {
    match decision {
        D::Accept => on.sorter.incoming.accept(uid, &Accept::default()).await,
        D::Decline => on.sorter.incoming.decline(uid, &Decline::default()).await,
        D::Link => on.administrator.incoming.link(uid, &LINK).await,
    }
}

/// The first decision succeeds, each of the others finds nothing.
async fn then_not_found(on: &Instance, uid: &Uid, first: Decision, others: &[Decision]) -> Done {
    decide(on, uid, first).await?;
    for other in others {
        fails(ErrorKind::NotFound, decide(on, uid, *other).await)?;
    }
    holds("it waits no longer", !waits(&on.viewer, uid).await?)
}

async fn accepted_is_accepted_once(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    then_not_found(on, &uid, D::Accept, &[D::Accept, D::Decline, D::Accept]).await
}

async fn declined_is_declined_once(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    then_not_found(on, &uid, D::Decline, &[D::Decline, D::Accept, D::Decline]).await
}

async fn linked_is_linked_once(on: &Instance) -> Done {
    then_not_found(on, &a_chat(on).await?, D::Link, &[D::Link, D::Accept, D::Decline]).await
}

async fn decided_is_not_linked(on: &Instance) -> Done {
    then_not_found(on, &a_chat(on).await?, D::Accept, &[D::Link]).await?;
    then_not_found(on, &a_chat(on).await?, D::Decline, &[D::Link]).await
}

async fn decided_is_not_read(on: &Instance) -> Done {
    for (number, decision) in [(1, D::Accept), (2, D::Decline)] {
        let uid = add(&on.sorter, call(number)).await?.uid;
        holds("it waits before", waits(&on.viewer, &uid).await?)?;
        decide(on, &uid, decision).await?;
        for ports in [&on.administrator, &on.sorter, &on.viewer] {
            holds("it waits no longer", !waits(ports, &uid).await?)?;
        }
    }
    Ok(())
}

async fn decided_is_not_found_by_uids(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    decide(on, &uid, D::Accept).await?;
    let filter = ListFilter { uids: Some(vec![uid]), ..ListFilter::default() };
    same("how many are listed", 0, waiting(&on.viewer, filter).await?.len())
}

async fn unknown_uid_is_not_found(on: &Instance) -> Done {
    let uid = Uid::new("0123456789abcdef").expect("it is a uid");
    fails(ErrorKind::NotFound, decide(on, &uid, D::Accept).await)?;
    fails(ErrorKind::NotFound, decide(on, &uid, D::Decline).await)?;
    if on.administrator.incoming.capabilities().link {
        fails(ErrorKind::NotFound, decide(on, &uid, D::Link).await)?;
    }
    Ok(())
}

async fn missing_comes_before_faults(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    decide(on, &uid, D::Accept).await?;
    let user_id = 99.try_into().ok();
    let status_id = 1999.try_into().ok();
    fails(ErrorKind::NotFound, on.sorter.incoming.accept(&uid, &Accept { user_id, status_id }).await)?;
    fails(ErrorKind::NotFound, on.sorter.incoming.decline(&uid, &Decline { user_id }).await).map(drop)
}

/// Twelve at once, in turn of these decisions: exactly one wins.
async fn one_wins(on: &Instance, uid: &Uid, decisions: &[Decision]) -> Done {
    let racers = decisions.iter().copied().cycle().take(12).map(|decision| {
        let (sorter, administrator, uid) = (handle(&on.sorter), handle(&on.administrator), uid.clone());
        async move {
            match decision {
                D::Accept => sorter.accept(&uid, &Accept::default()).await,
                D::Decline => sorter.decline(&uid, &Decline::default()).await,
                D::Link => administrator.link(&uid, &LINK).await,
            }
        }
    });
    same("how many of twelve succeeded", 1, race(ErrorKind::NotFound, racers.collect()).await?)?;
    holds("it waits no longer", !waits(&on.viewer, uid).await?)
}

async fn one_of_many_accepts_wins(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    one_wins(on, &uid, &[D::Accept]).await
}

async fn one_of_many_declines_wins(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    one_wins(on, &uid, &[D::Decline]).await
}

async fn accept_or_decline_wins(on: &Instance) -> Done {
    for number in 1..=5 {
        let uid = add(&on.sorter, call(number)).await?.uid;
        one_wins(on, &uid, &[D::Accept, D::Decline]).await?;
    }
    Ok(())
}

async fn accept_decline_or_link_wins(on: &Instance) -> Done {
    for _ in 0..3 {
        let uid = a_chat(on).await?;
        one_wins(on, &uid, &[D::Link, D::Accept, D::Decline]).await?;
    }
    Ok(())
}
