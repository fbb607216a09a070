//! The history: the list of events (R7, R11).

use incoming_leads_model::{Accept, Add, Decline, Event, EventKind, Uid};
use incoming_leads_port::{Cursor, ErrorKind, History};

use crate::act::{add, power, take_in};
use crate::case::{Case, case};
use crate::drafts::{call, chat, one};
use crate::failure::{Done, Failure, fails, holds, same};
use crate::fixture::{SORTER, VIEWER};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("history"::events_stand_in_order, R7, "Adds and decisions stand in the history in their order.")
        .with_history(),
    case!("history"::cursor_goes_on, R7, "After a cursor come just the events that follow it, in pieces of any size.")
        .with_history(),
    case!("history"::pieces_are_bounded, R7, "Asked for no event the history answers one, asked for any number at most 1000.")
        .with_history(),
    case!("history"::both_users_are_recorded, R7, "Who asked and who was named are both recorded.").with_history(),
    case!("history"::updates_are_events, R2, "A further message of a chat is an event.").with_history().with_intake(),
    case!("history"::refusals_leave_no_trace, R5, "What was refused leaves no event.").with_history(),
    case!("history"::accounts_are_apart, R11, "The history has the account's own events only.").with_history(),
    case!("history"::unknown_cursor_is_refused, R11, "A cursor that is none of the store's is refused.")
        .with_history(),
];

fn history(on: &Instance) -> Result<&dyn History, Failure> {
    power(&on.viewer.history)
}

/// Where the history stands now.
async fn end(on: &Instance) -> Result<Cursor, Failure> {
    let mut cursor = None;
    loop {
        let stretch = history(on)?.events(cursor.as_ref(), 1000).await?;
        if stretch.events.is_empty() {
            return Ok(stretch.next);
        }
        cursor = Some(stretch.next);
    }
}

async fn since(on: &Instance, cursor: &Cursor) -> Result<Vec<Event>, Failure> {
    Ok(history(on)?.events(Some(cursor), 1000).await?.events)
}

fn told(events: &[Event]) -> Vec<(&'static str, Uid)> {
    let name = |kind: &EventKind| match kind {
        EventKind::Added(_) => "added",
        EventKind::Updated(_) => "updated",
        EventKind::Accepted(_) => "accepted",
        EventKind::Declined(_) => "declined",
        EventKind::Linked(_) => "linked",
    };
    events.iter().map(|event| (name(&event.kind), event.uid.clone())).collect()
}

async fn three_steps(on: &Instance) -> Result<Vec<(&'static str, Uid)>, Failure> {
    let first = add(&on.sorter, call(1)).await?.uid;
    on.sorter.incoming.accept(&first, &Accept::default()).await?;
    let second = add(&on.sorter, call(2)).await?.uid;
    on.sorter.incoming.decline(&second, &Decline::default()).await?;
    let (one, two) = (first.clone(), second.clone());
    Ok(vec![("added", one), ("accepted", first), ("added", two), ("declined", second)])
}

async fn events_stand_in_order(on: &Instance) -> Done {
    let cursor = end(on).await?;
    let expected = three_steps(on).await?;
    let events = since(on, &cursor).await?;
    same("the events", expected, told(&events))?;
    holds("each is of the account", events.iter().all(|event| event.account_id == on.account))
}

async fn cursor_goes_on(on: &Instance) -> Done {
    let start = end(on).await?;
    let expected = three_steps(on).await?;
    for most in [1, 2, 3] {
        let (mut cursor, mut events) = (start.clone(), Vec::new());
        loop {
            let stretch = history(on)?.events(Some(&cursor), most).await?;
            holds("no more than was asked for", stretch.events.len() <= most as usize)?;
            if stretch.events.is_empty() {
                break;
            }
            cursor = stretch.next;
            events.extend(told(&stretch.events));
        }
        same("the events, piece by piece", expected.clone(), events)?;
    }
    Ok(())
}

async fn pieces_are_bounded(on: &Instance) -> Done {
    let start = end(on).await?;
    for first in [0, 250, 500, 750, 1000] {
        on.sorter.incoming.add(&Add::calls((first..first + 250).map(call).collect())).await?;
    }
    let count = async |most| Ok::<_, Failure>(history(on)?.events(Some(&start), most).await?.events.len());
    same("events, asked for none", 1, count(0).await?)?;
    same("events, asked for all", 1000, count(u32::MAX).await?)
}

async fn both_users_are_recorded(on: &Instance) -> Done {
    let cursor = end(on).await?;
    let uid = add(&on.sorter, call(1)).await?.uid;
    on.sorter.incoming.accept(&uid, &Accept { user_id: Some(VIEWER), status_id: None }).await?;
    let users: Vec<_> =
        since(on, &cursor).await?.iter().map(|event| (event.by, event.on_behalf_of)).collect();
    same("who asked and who was named", vec![(SORTER, SORTER), (SORTER, VIEWER)], users)
}

async fn updates_are_events(on: &Instance) -> Done {
    let cursor = end(on).await?;
    let uid = take_in(&on.sorter, chat("chat-9", "Hello?")).await?.uid;
    take_in(&on.sorter, chat("chat-9", "Anybody there?")).await?;
    same("the events", vec![("added", uid.clone()), ("updated", uid)], told(&since(on, &cursor).await?))
}

async fn refusals_leave_no_trace(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    let cursor = end(on).await?;
    fails(ErrorKind::NotFound, on.sorter.incoming.accept(&uid, &Accept::default()).await)?;
    fails(ErrorKind::Forbidden, on.viewer.incoming.add(&one(call(2))).await)?;
    same("the events", vec![], told(&since(on, &cursor).await?))
}

async fn accounts_are_apart(on: &Instance) -> Done {
    let cursor = end(on).await?;
    add(&on.stranger, call(1)).await?;
    let uid = add(&on.sorter, call(1)).await?.uid;
    same("the events", vec![("added", uid)], told(&since(on, &cursor).await?))
}

async fn unknown_cursor_is_refused(on: &Instance) -> Done {
    for text in ["", "nonsense", "-1", "18446744073709551616"] {
        fails(ErrorKind::Invalid, history(on)?.events(Some(&Cursor::new(text)), 10).await)?;
    }
    Ok(())
}
