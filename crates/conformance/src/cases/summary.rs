//! Summaries (R12).

use incoming_leads_model::{
    Accept, Add, Category, Decline, Draft, Link, LinkTarget, Moment, Summary, SummaryQuery, Uid, Window,
};
use incoming_leads_port::ErrorKind;

use crate::act::{a_chat, add, take_in};
use crate::case::{Case, case};
use crate::drafts::{at, call, chat, form, one};
use crate::failure::{Done, Failure, fails, same, some, told};
use crate::fixture::{MAIN, SECOND, START, TARGET_LEAD, WAITING_CHATS, WAITING_MAILS};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("summary"::counts_what_came, R12, "Leads that came are counted by category, and together."),
    case!("summary"::counts_decisions, R12, "Accepted and declined leads are counted, and still count as come."),
    case!("summary"::links_stand_apart, R12, "Links are counted apart: neither accepted nor declined.")
        .where_able(|able| able.link),
    case!("summary"::links_do_not_enter_the_mean, R12, "The mean is over accepted and declined decisions only.")
        .with_clock()
        .where_able(|able| able.link),
    case!("summary"::mean_of_sort_time, R12, "The mean is from created_at to the decision, in whole seconds.")
        .with_clock(),
    case!("summary"::mean_is_never_negative, R12, "A lead from the future was sorted in no time.").with_clock(),
    case!("summary"::mean_of_nothing_is_zero, R12, "Without decisions the mean is 0."),
    case!("summary"::window_is_closed, R12, "Both ends of a window belong to it."),
    case!("summary"::scalar_is_from, R12, "A window without an end reaches to the last moment."),
    case!("summary"::decisions_count_when_made, R12, "A decision lies in the window in which it was made.")
        .with_clock(),
    case!("summary"::disjoint_windows_add_up, R12, "The counts of two windows, one after the other, add up.")
        .with_clock(),
    case!("summary"::by_uid, R12, "A filter by uids counts those only, decided ones too.")
        .where_able(|able| able.summary_by_uid),
    case!("summary"::by_uid_unsupported, R12, "Who cannot filter by uid says so.")
        .where_able(|able| !able.summary_by_uid),
    case!("summary"::by_pipeline, R12, "A filter by pipelines counts those only, decisions too.")
        .where_able(|able| able.summary_by_pipeline),
    case!("summary"::by_pipeline_unsupported, R12, "Who cannot filter by pipeline says so.")
        .where_able(|able| !able.summary_by_pipeline),
    case!("summary"::refused_adds_count_nothing, R12, "What was refused is not counted."),
    case!("summary"::updates_count_nothing, R12, "A further message of a chat is not counted.").with_intake(),
    case!("summary"::accounts_are_apart, R11, "What another account adds is not counted."),
];

/// A moment of 2020, far from what the fixture holds.
fn long_ago(secs: i64) -> Moment {
    Moment::from_secs(1_600_000_000 + secs).expect("a moment of 2020")
}

fn window(from: Moment, to: Moment) -> SummaryQuery {
    let window = Window::new(from, to).expect("the window ends after it begins");
    SummaryQuery { window, ..SummaryQuery::default() }
}

/// The window around [`long_ago`].
fn of_2020() -> SummaryQuery {
    window(long_ago(-1000), long_ago(1000))
}

async fn summary(on: &Instance, query: &SummaryQuery) -> Result<Summary, Failure> {
    let summary = on.viewer.incoming.summary(query).await?;
    same("that total is the sum of the categories", summary.categories.iter().sum(), summary.total)?;
    Ok(summary)
}

async fn total(on: &Instance, query: SummaryQuery) -> Result<u64, Failure> {
    Ok(summary(on, &query).await?.total)
}

async fn added(on: &Instance, number: u64, secs: i64) -> Result<Uid, Failure> {
    Ok(add(&on.sorter, at(call(number), long_ago(secs))).await?.uid)
}

async fn accepted(on: &Instance, draft: Draft) -> Done {
    let uid = add(&on.sorter, draft).await?.uid;
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    Ok(())
}

async fn counts_what_came(on: &Instance) -> Done {
    let drafts = [call(1), call(2), call(3)].map(|draft| at(draft, long_ago(0)));
    on.sorter.incoming.add(&Add::calls(drafts.to_vec())).await?;
    let drafts = [form(1), form(2)].map(|draft| at(draft, long_ago(0)));
    on.sorter.incoming.add(&Add::forms(drafts.to_vec())).await?;
    same("calls, forms, chats, mails", [3, 2, 0, 0], summary(on, &of_2020()).await?.categories)?;
    let expected = [3, 2, WAITING_CHATS as u64, WAITING_MAILS as u64];
    same(
        "calls, forms, chats, mails of all time",
        expected,
        summary(on, &SummaryQuery::default()).await?.categories,
    )
}

async fn counts_decisions(on: &Instance) -> Done {
    let uids =
        [added(on, 1, 0).await?, added(on, 2, 0).await?, added(on, 3, 0).await?, added(on, 4, 0).await?];
    on.sorter.incoming.accept(&uids[0], &Accept::default()).await?;
    on.sorter.incoming.accept(&uids[1], &Accept::default()).await?;
    on.sorter.incoming.decline(&uids[2], &Decline::default()).await?;
    let all = summary(on, &SummaryQuery::default()).await?;
    same("accepted", 2, all.accepted)?;
    declined(on, 1, all)?;
    same("calls that came", 4, all.category(Category::Sip))
}

/// Compares the count of declined leads, which has to be told by who says so.
fn declined(on: &Instance, expected: u64, summary: Summary) -> Done {
    let tells = on.viewer.incoming.capabilities().tells_declined;
    same("whether the declined are told", tells, summary.declined.is_some())?;
    told("declined", expected, summary.declined)
}

async fn links_stand_apart(on: &Instance) -> Done {
    let link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: None, user_id: None };
    on.administrator.incoming.link(&a_chat(on).await?, &link).await?;
    let all = summary(on, &SummaryQuery::default()).await?;
    same("accepted", 0, all.accepted)?;
    declined(on, 0, all)?;
    same(
        "whether the linked are told",
        on.viewer.incoming.capabilities().tells_linked,
        all.linked.is_some(),
    )?;
    told("linked", 1, all.linked)?;
    same("chats that came", WAITING_CHATS as u64, all.category(Category::Chats))
}

async fn links_do_not_enter_the_mean(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: None, user_id: None };
    let chat = a_chat(on).await?;
    let uid = add(&on.sorter, at(call(1), START)).await?.uid;
    clock.advance_secs(100);
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    clock.advance_secs(1000);
    on.administrator.incoming.link(&chat, &link).await?;
    same("the mean", 100, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)
}

async fn mean_of_sort_time(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let (first, second) = (add(&on.sorter, at(call(1), START)).await?, add(&on.sorter, call(2)).await?);
    let waits = add(&on.sorter, call(3)).await?;
    clock.advance_secs(100);
    on.sorter.incoming.accept(&first.uid, &Accept::default()).await?;
    clock.advance_secs(101);
    on.sorter.incoming.decline(&second.uid, &Decline::default()).await?;
    // (100 + 201) / 2, cut off.
    same("the mean of two", 150, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)?;
    clock.advance_secs(1000);
    same("the mean does not age", 150, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)?;
    on.sorter.incoming.decline(&waits.uid, &Decline::default()).await?;
    // (100 + 201 + 1201) / 3, cut off.
    same("the mean of three", 500, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)
}

async fn mean_is_never_negative(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let future = Moment::from_secs(START.secs() + 10_000).expect("a moment three hours later");
    accepted(on, at(call(1), future)).await?;
    same("the mean of one", 0, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)?;
    let uid = add(&on.sorter, at(call(2), START)).await?.uid;
    clock.advance_secs(90);
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    same("the mean of two", 45, summary(on, &SummaryQuery::default()).await?.average_sort_time_secs)
}

async fn mean_of_nothing_is_zero(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    let all = summary(on, &SummaryQuery::default()).await?;
    same("accepted and mean", (0, 0), (all.accepted, all.average_sort_time_secs))?;
    declined(on, 0, all)
}

async fn window_is_closed(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    added(on, 2, 100).await?;
    let windows = [
        ((0, 100), 2),
        ((1, 100), 1),
        ((0, 99), 1),
        ((1, 99), 0),
        ((0, 0), 1),
        ((100, 100), 1),
        ((101, 200), 0),
    ];
    for ((from, to), expected) in windows {
        let what = format!("leads between second {from} and second {to}");
        same(&what, expected, total(on, window(long_ago(from), long_ago(to))).await?)?;
    }
    Ok(())
}

async fn scalar_is_from(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    let since = |from| SummaryQuery { window: Window::since(from), ..SummaryQuery::default() };
    let waits = (WAITING_CHATS + WAITING_MAILS) as u64;
    same("leads since then", waits + 1, total(on, since(long_ago(0))).await?)?;
    same("leads since a second later", waits, total(on, since(long_ago(1))).await?)
}

async fn decisions_count_when_made(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let uid = added(on, 1, 0).await?;
    clock.advance_secs(5000);
    let decided_at = Moment::from_secs(START.secs() + 5000).expect("a moment an hour later");
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    let then = summary(on, &of_2020()).await?;
    same("came and accepted then", (1, 0, 0), (then.total, then.accepted, then.average_sort_time_secs))?;
    let now = summary(on, &window(decided_at, decided_at)).await?;
    let secs = u64::try_from(decided_at.secs() - long_ago(0).secs()).unwrap_or(0);
    same("came and accepted now", (0, 1, secs), (now.total, now.accepted, now.average_sort_time_secs))
}

async fn disjoint_windows_add_up(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    for number in 1..=6 {
        let uid = add(&on.sorter, call(number)).await?.uid;
        clock.advance_secs(7);
        match number % 3 {
            0 => drop(on.sorter.incoming.accept(&uid, &Accept::default()).await?),
            1 => drop(on.sorter.incoming.decline(&uid, &Decline::default()).await?),
            _ => {}
        }
    }
    let at = |secs| Moment::from_secs(START.secs() + secs).expect("a moment near the start");
    let whole = summary(on, &window(at(0), at(50))).await?;
    for cut in [0, 1, 7, 13, 14, 20, 21, 22, 35, 42, 49] {
        let earlier = summary(on, &window(at(0), at(cut))).await?;
        let later = summary(on, &window(at(cut + 1), at(50))).await?;
        same("total", whole.total, earlier.total + later.total)?;
        same("accepted", whole.accepted, earlier.accepted + later.accepted)?;
        same("declined", whole.declined, earlier.declined.zip(later.declined).map(|(one, two)| one + two))?;
    }
    Ok(())
}

async fn by_uid(on: &Instance) -> Done {
    let (waits, decided, other) = (added(on, 1, 0).await?, added(on, 2, 0).await?, added(on, 3, 0).await?);
    on.sorter.incoming.accept(&decided, &Accept::default()).await?;
    on.sorter.incoming.decline(&other, &Decline::default()).await?;
    let unknown = Uid::new("unknown").expect("it is a uid");
    let uids = Some(vec![waits, decided.clone(), unknown, decided]);
    let some = summary(on, &SummaryQuery { uids, ..SummaryQuery::default() }).await?;
    same("came and accepted", (2, 1), (some.total, some.accepted))?;
    declined(on, 0, some)?;
    let none = SummaryQuery { uids: Some(vec![]), ..SummaryQuery::default() };
    same("the total of none", 0, total(on, none).await?)
}

async fn by_uid_unsupported(on: &Instance) -> Done {
    let uid = added(on, 1, 0).await?;
    let query = SummaryQuery { uids: Some(vec![uid]), ..SummaryQuery::default() };
    fails(ErrorKind::Unsupported, on.viewer.incoming.summary(&query).await).map(drop)
}

async fn by_pipeline(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    accepted(on, Draft { pipeline_id: Some(SECOND), ..at(call(2), long_ago(0)) }).await?;
    accepted(on, Draft { pipeline_id: Some(SECOND), ..at(call(3), long_ago(0)) }).await?;
    let of = |pipelines| SummaryQuery { pipelines: Some(pipelines), ..SummaryQuery::default() };
    let second = summary(on, &of(vec![SECOND])).await?;
    same(
        "calls that came and were accepted in the second",
        (2, 2),
        (second.category(Category::Sip), second.accepted),
    )?;
    let main = summary(on, &of(vec![MAIN])).await?;
    same(
        "calls that came and were accepted in the main one",
        (1, 0),
        (main.category(Category::Sip), main.accepted),
    )?;
    let both = summary(on, &of(vec![SECOND, MAIN])).await?;
    same("calls of both", (3, 2), (both.category(Category::Sip), both.accepted))?;
    same("the total of none", 0, total(on, of(vec![])).await?)
}

async fn by_pipeline_unsupported(on: &Instance) -> Done {
    let query = SummaryQuery { pipelines: Some(vec![MAIN]), ..SummaryQuery::default() };
    fails(ErrorKind::Unsupported, on.viewer.incoming.summary(&query).await).map(drop)
}

async fn refused_adds_count_nothing(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    fails(ErrorKind::Invalid, on.sorter.incoming.add(&one(at(call(1), long_ago(0)))).await)?;
    let bad = Draft { source_uid: None, ..at(call(3), long_ago(0)) };
    let batch = Add::calls(vec![at(call(2), long_ago(0)), bad]);
    fails(ErrorKind::Invalid, on.sorter.incoming.add(&batch).await)?;
    same("leads that came", 1, total(on, of_2020()).await?)
}

async fn updates_count_nothing(on: &Instance) -> Done {
    for text in ["Hello?", "Anybody there?", "Hello!"] {
        take_in(&on.sorter, at(chat("chat-9", text), long_ago(0))).await?;
    }
    same("leads that came", 1, total(on, of_2020()).await?)
}

async fn accounts_are_apart(on: &Instance) -> Done {
    added(on, 1, 0).await?;
    for number in 1..=3 {
        add(&on.stranger, at(call(number), long_ago(0))).await?;
    }
    same("leads that came to us", 1, total(on, of_2020()).await?)
}
