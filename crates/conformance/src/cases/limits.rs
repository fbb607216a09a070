//! Bounds of moments, numbers and texts (R15), at the last value that is taken and the first that is not.

use std::sync::atomic::{AtomicU64, Ordering};

use incoming_leads_model::{Accept, Category, Draft, FaultCode, ListFilter, Metadata, Moment, Uid};
use incoming_leads_port::ErrorKind;

use crate::act::{add, listed, of_category, uids, waiting};
use crate::case::{Case, case};
use crate::drafts::{at, call, one, with_call};
use crate::failure::{Done, fails, faulty_items, same, some};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("limits"::moments_reach_from_1970_to_9999, R15, "The first and the last moment are taken, and sorted."),
    case!("limits"::source_uid_has_255_bytes, R15, "A source_uid of 255 bytes is taken, one of 256 refused."),
    case!("limits"::source_name_has_255_characters, R15, "A source_name is counted in characters, not bytes."),
    case!("limits"::names_have_255_characters, R15, "A lead's name of 255 characters is taken, one of 256 refused."),
    case!("limits"::metadata_texts_have_4096_bytes, R15, "A text of metadata has 4096 bytes at most."),
    case!("limits"::prices_reach_2_to_the_53, R15, "A price of 2^53 - 1 is taken, one of 2^53 refused."),
    case!("limits"::texts_hold_no_nul, R15, "A text with a NUL is refused, wherever it stands."),
    case!("limits"::texts_hold_everything_else, R15, "Quotes, line ends, emoji and signs of any script are kept."),
    case!("limits"::uids_are_opaque, R15, "Any text can be asked for as a uid; what is unknown is not found."),
];

async fn moments_reach_from_1970_to_9999(on: &Instance) -> Done {
    let first = add(&on.sorter, at(call(1), Moment::MIN)).await?;
    let last = add(&on.sorter, at(call(2), Moment::MAX)).await?;
    let calls = waiting(&on.viewer, of_category(Category::Sip)).await?;
    same("the calls, oldest first", vec![first.uid, last.uid], uids(&calls))?;
    let moments: Vec<_> = calls.iter().map(|call| call.created_at).collect();
    same("their moments", vec![Moment::MIN, Moment::MAX], moments)
}

/// The draft is taken as long as the part is, and refused when it is one longer.
async fn bounded(on: &Instance, path: &str, most: usize, draft: fn(String) -> Draft) -> Done {
    for filling in ["x", "\u{20ac}"] {
        let add_of = |count| one(draft(filling.repeat(count)));
        // A sign of three bytes counts three where bytes are counted.
        let is_in_bytes = path != "source_name" && path != "leads.0.name";
        let count = if is_in_bytes { most / filling.len() } else { most };
        on.sorter.incoming.add(&add_of(count)).await?;
        let result = on.sorter.incoming.add(&add_of(count + 1)).await;
        faulty_items(&[(0, FaultCode::TooLong, path)], result)?;
    }
    Ok(())
}

/// A call like no other, so that many of them can be added.
fn anyone() -> Draft {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    call(NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn source_uid_has_255_bytes(on: &Instance) -> Done {
    bounded(on, "source_uid", 255, |text| Draft { source_uid: Some(text), ..anyone() }).await
}

async fn source_name_has_255_characters(on: &Instance) -> Done {
    bounded(on, "source_name", 255, |text| Draft { source_name: Some(text), ..anyone() }).await
}

fn named(text: String) -> Draft {
    let mut draft = anyone();
    draft.leads.iter_mut().for_each(|lead| lead.card.name = Some(text.clone()));
    draft
}

async fn names_have_255_characters(on: &Instance) -> Done {
    bounded(on, "leads.0.name", 255, named).await
}

async fn metadata_texts_have_4096_bytes(on: &Instance) -> Done {
    bounded(on, "metadata.link", 4096, |text| with_call(anyone(), |call| call.link = Some(text))).await
}

async fn prices_reach_2_to_the_53(on: &Instance) -> Done {
    let priced = |price| {
        let mut draft = anyone();
        draft.leads.iter_mut().for_each(|lead| lead.price = Some(price));
        one(draft)
    };
    on.sorter.incoming.add(&priced((1 << 53) - 1)).await?;
    let result = on.sorter.incoming.add(&priced(1 << 53)).await;
    faulty_items(&[(0, FaultCode::OutOfRange, "leads.0.price")], result).map(drop)
}

async fn texts_hold_no_nul(on: &Instance) -> Done {
    let nul = || "a\0b".to_owned();
    let bad = [
        ("source_name", Draft { source_name: Some(nul()), ..anyone() }),
        ("source_uid", Draft { source_uid: Some(nul()), ..anyone() }),
        ("leads.0.name", named(nul())),
        ("metadata.from", with_call(anyone(), |call| call.from = Some(nul()))),
    ];
    for (path, draft) in bad {
        let result = on.sorter.incoming.add(&one(draft)).await;
        faulty_items(&[(0, FaultCode::InvalidText, path)], result)?;
    }
    Ok(())
}

async fn texts_hold_everything_else(on: &Instance) -> Done {
    let text =
        "\"quoted\" 'text' \\ / <b>&amp;</b> \r\n\t \u{1f600} \u{202e}e\u{301} \u{fffd} %00 ; DROP TABLE --";
    let receipt = add(&on.sorter, with_call(anyone(), |call| call.link = Some(text.to_owned()))).await?;
    let item = some("the call in the list", listed(&on.viewer, &receipt.uid).await?)?;
    let Metadata::Sip(call) = item.metadata else {
        return same("its category", Category::Sip, item.metadata.category());
    };
    same("the text", Some(text.to_owned()), call.link)
}

async fn uids_are_opaque(on: &Instance) -> Done {
    let long = "f".repeat(128);
    for text in
        ["0", "summary", "sip", "../x", "a/b", "a b", "%00", "a?b=c#d", "\u{20ac}", "O'Neil", long.as_str()]
    {
        let uid = Uid::new(text).expect("the text is a uid");
        fails(ErrorKind::NotFound, on.sorter.incoming.accept(&uid, &Accept::default()).await)?;
        if on.viewer.incoming.capabilities().get {
            same("what waits with the uid", None, on.viewer.incoming.get(&uid).await?)?;
        }
        if on.viewer.incoming.capabilities().list_by_uid {
            let filter = ListFilter { uids: Some(vec![uid]), ..ListFilter::default() };
            same("how many are listed", 0, waiting(&on.viewer, filter).await?.len())?;
        }
    }
    Ok(())
}
