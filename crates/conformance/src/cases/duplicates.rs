//! Identical pending leads (R6).

use std::collections::BTreeSet;

use incoming_leads_model::{
    Accept, Add, Category, Decline, Draft, FaultCode, FormsMetadata, Metadata, Moment, Refusal, SipMetadata,
    Uid,
};
use incoming_leads_port::ErrorKind;

use crate::act::{add, handle, lead, links, of_category, race, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{call, form, one, with_call};
use crate::failure::{Done, faulty_items, holds, same};
use crate::fixture::{Named, START};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("duplicates"::identical_call_is_refused, R6, "A second identical call is refused, naming the first."),
    case!("duplicates"::identical_form_is_refused, R6, "A second identical form is refused, naming the first."),
    case!("duplicates"::parts_of_a_call, R6, "from, phone, duration, called_at and service_code tell calls apart."),
    case!("duplicates"::parts_of_a_form, R6, "form_id, form_page and form_sent_at tell forms apart."),
    case!("duplicates"::source_is_no_identity, R6, "Another source_uid, link or pipeline makes no other call."),
    case!("duplicates"::no_moment_no_identity, R6, "A call without called_at, a form without form_sent_at is unique.")
        .where_able(|able| able.takes_partial_metadata),
    case!("duplicates"::batch_counts_against_itself, R6, "Two identical items in one batch are refused."),
    case!("duplicates"::only_pending_ones_count, R6, "What was accepted or declined may be added again."),
    case!("duplicates"::accounts_are_apart, R6, "Another account may add the same."),
    case!("duplicates"::one_of_many_adds_wins, R6, "Of many identical adds at once exactly one is taken."),
    case!("duplicates"::tagging_takes_both, R6, "By the other policy the second is taken, and both are tagged.")
        .over(Named::Lenient)
        .with_directory(),
    case!("duplicates"::tagging_takes_a_batch, R6, "By the other policy identical items of one batch are taken.")
        .over(Named::Lenient),
];

async fn identical_call_is_refused(on: &Instance) -> Done {
    refused_second(on, call(1)).await
}

async fn identical_form_is_refused(on: &Instance) -> Done {
    refused_second(on, form(1)).await
}

async fn refused_second(on: &Instance, draft: Draft) -> Done {
    let first = add(&on.sorter, draft.clone()).await?;
    refused_beside(on, draft, &first.uid).await
}

/// The draft is refused as a duplicate of this uid, which waits on, alone.
async fn refused_beside(on: &Instance, draft: Draft, first: &Uid) -> Done {
    let category = draft.metadata.as_ref().map_or(Category::Sip, Metadata::category);
    let before = waiting(&on.viewer, of_category(category)).await?.len();
    let result = on.administrator.incoming.add(&one(draft)).await;
    let error = faulty_items(&[(0, FaultCode::Duplicate, "metadata")], result)?;
    if let Some(Refusal::Items(items)) = error.refusal() {
        let existing = items.iter().flat_map(|item| &item.faults).find_map(|fault| fault.existing.as_ref());
        same("the uid that is already there", Some(first), existing)?;
    }
    holds("the first waits on", waits(&on.viewer, first).await?)?;
    same("how many wait", before, waiting(&on.viewer, of_category(category)).await?.len())
}

async fn parts_of_a_call(on: &Instance) -> Done {
    add(&on.sorter, call(1)).await?;
    let changes: [fn(&mut SipMetadata); 6] = [
        |call| call.from = Some("14155559999".to_owned()),
        |call| call.phone = Some("14155558888".to_owned()),
        |call| call.duration = Some(31),
        |call| call.called_at = Some(later()),
        |call| call.service_code = Some("other".to_owned()),
        |call| call.service_code = None,
    ];
    let is_able = on.sorter.incoming.capabilities().takes_partial_metadata;
    for change in changes.into_iter().take(if is_able { 6 } else { 5 }) {
        let receipt = add(&on.sorter, with_call(call(1), change)).await?;
        holds("the other call waits", waits(&on.viewer, &receipt.uid).await?)?;
    }
    Ok(())
}

async fn parts_of_a_form(on: &Instance) -> Done {
    add(&on.sorter, form(1)).await?;
    let changes: [fn(&mut FormsMetadata); 3] = [
        |form| form.form_id = Some("other".to_owned()),
        |form| form.form_page = Some("https://example.com/other".to_owned()),
        |form| form.form_sent_at = Some(later()),
    ];
    for change in changes {
        let receipt = add(&on.sorter, with_form(form(1), change)).await?;
        holds("the other form waits", waits(&on.viewer, &receipt.uid).await?)?;
    }
    Ok(())
}

fn later() -> Moment {
    Moment::from_secs(START.secs() + 1).expect("a second later")
}

fn with_form(draft: Draft, change: impl FnOnce(&mut FormsMetadata)) -> Draft {
    let Some(Metadata::Forms(mut form)) = draft.metadata else { return draft };
    change(&mut form);
    Draft { metadata: Some(Metadata::Forms(form)), ..draft }
}

async fn source_is_no_identity(on: &Instance) -> Done {
    let first = add(&on.sorter, call(1)).await?.uid;
    refused_beside(on, Draft { source_uid: Some("source-2".to_owned()), ..call(1) }, &first).await?;
    refused_beside(on, Draft { pipeline_id: Some(crate::fixture::SECOND), ..call(1) }, &first).await?;
    refused_beside(on, Draft { created_at: Some(later()), leads: vec![], ..call(1) }, &first).await?;
    refused_beside(on, with_call(call(1), |call| call.link = None), &first).await
}

async fn no_moment_no_identity(on: &Instance) -> Done {
    let timeless_call = with_call(call(1), |call| call.called_at = None);
    let timeless_form = with_form(form(1), |form| form.form_sent_at = None);
    for draft in [timeless_call, timeless_form] {
        let category = draft.metadata.as_ref().map_or(Category::Sip, Metadata::category);
        add(&on.sorter, draft.clone()).await?;
        add(&on.sorter, draft).await?;
        same("how many wait", 2, waiting(&on.viewer, of_category(category)).await?.len())?;
    }
    Ok(())
}

async fn batch_counts_against_itself(on: &Instance) -> Done {
    let result = on.sorter.incoming.add(&Add::calls(vec![call(1), call(2), call(1)])).await;
    faulty_items(&[(2, FaultCode::Duplicate, "metadata")], result)?;
    same("how many wait", 0, waiting(&on.viewer, of_category(Category::Sip)).await?.len())
}

async fn only_pending_ones_count(on: &Instance) -> Done {
    let first = add(&on.sorter, call(1)).await?;
    on.sorter.incoming.accept(&first.uid, &Accept::default()).await?;
    let second = add(&on.sorter, call(1)).await?;
    on.sorter.incoming.decline(&second.uid, &Decline::default()).await?;
    let third = add(&on.sorter, call(1)).await?;
    holds("a uid is not used again", first.uid != third.uid && second.uid != third.uid)?;
    refused_beside(on, call(1), &third.uid).await
}

async fn accounts_are_apart(on: &Instance) -> Done {
    let ours = add(&on.sorter, call(1)).await?;
    let theirs = add(&on.stranger, call(1)).await?;
    holds("ours waits", waits(&on.viewer, &ours.uid).await?)?;
    holds("theirs waits", waits(&on.stranger, &theirs.uid).await?)
}

async fn one_of_many_adds_wins(on: &Instance) -> Done {
    let racers = (0..8).map(|number| {
        let port = handle(if number % 2 == 0 { &on.sorter } else { &on.administrator });
        async move { port.add(&one(call(1))).await }
    });
    let won = race(ErrorKind::Invalid, racers.collect()).await?;
    same("how many of eight adds were taken", 1, won)?;
    same("how many wait", 1, waiting(&on.viewer, of_category(Category::Sip)).await?.len())
}

async fn tagging_takes_both(on: &Instance) -> Done {
    let first = add(&on.sorter, call(1)).await?;
    let second = add(&on.sorter, call(1)).await?;
    let alone = add(&on.sorter, call(2)).await?;
    for (uid, expected) in [(&first.uid, true), (&second.uid, true), (&alone.uid, false)] {
        let (id, ..) = links(on, uid).await?;
        let tags = lead(on, id).await?.card.tags;
        same(
            "whether the lead is tagged",
            expected,
            tags.iter().any(|tag| tag.name.as_deref() == Some("duplicate")),
        )?;
    }
    Ok(())
}

async fn tagging_takes_a_batch(on: &Instance) -> Done {
    let receipts = on.sorter.incoming.add(&Add::calls(vec![call(1), call(1)])).await?;
    same("the number of receipts", 2, receipts.len())?;
    let uids: BTreeSet<_> = receipts.into_iter().map(|receipt| receipt.uid).collect();
    same("the number of uids", 2, uids.len())?;
    same("how many wait", 2, waiting(&on.viewer, of_category(Category::Sip)).await?.len())
}
