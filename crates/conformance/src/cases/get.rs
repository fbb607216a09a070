//! Asking by uid (R7, R11).

use incoming_leads_model::{Category, Uid};
use incoming_leads_port::{ErrorKind, IncomingLeadsExt};

use crate::act::{a_waiting, add};
use crate::case::{Case, case};
use crate::drafts::{at, call, form};
use crate::failure::{Done, fails, same, some, told};
use crate::fixture::{MAIN, START};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("get"::tells_what_was_added, R3, "What was added is told by uid, with the ids of its entities.")
        .where_able(|able| able.get),
    case!("get"::every_category_is_found, R1, "A lead of each category is found by uid.")
        .where_able(|able| able.get),
    case!("get"::unknown_uid_is_nothing, R7, "Of an unknown uid nothing is told.")
        .where_able(|able| able.get),
    case!("get"::unsupported, R7, "Who cannot ask by uid says so.").where_able(|able| !able.get),
];

async fn tells_what_was_added(on: &Instance) -> Done {
    let draft = at(form(1), START);
    let receipt = add(&on.sorter, draft.clone()).await?;
    let got = some("the form", on.viewer.incoming.get(&receipt.uid).await?)?;
    same("the uid", &receipt.uid, &got.uid)?;
    same("created_at", START, got.created_at)?;
    same("the metadata", draft.metadata, Some(got.metadata))?;
    told("the account", on.account, got.account_id)?;
    told("the pipeline", MAIN, got.pipeline_id)?;
    told("the name of the source", draft.source_name, got.source_name)?;
    told("the uid of the source", draft.source_uid, got.source_uid)?;
    let lead = some("its lead", got.leads.into_iter().flatten().next())?;
    let lead = some("the id of its lead", lead.id)?;
    told("the lead of the receipt", vec![lead], receipt.leads)?;
    let contact = some("its contact", got.contacts.into_iter().flatten().next())?;
    let contact = some("the id of its contact", contact.id)?;
    told("the contact of the receipt", vec![contact], receipt.contacts)?;
    let company = some("its company", got.companies.into_iter().flatten().next())?;
    let company = some("the id of its company", company.id)?;
    told("the company of the receipt", vec![company], receipt.companies)
}

async fn every_category_is_found(on: &Instance) -> Done {
    let call = add(&on.sorter, call(1)).await?.uid;
    let form = add(&on.sorter, form(1)).await?.uid;
    let (chat, mail) = (a_waiting(on, Category::Chats).await?, a_waiting(on, Category::Mail).await?);
    for (uid, category) in [call, form, chat, mail].iter().zip(Category::ALL) {
        same("the category", category, on.viewer.incoming.get_or_not_found(uid).await?.category())?;
    }
    Ok(())
}

fn unknown() -> Uid {
    Uid::new("0123456789abcdef").expect("it is a uid")
}

async fn unknown_uid_is_nothing(on: &Instance) -> Done {
    same("what is told", None, on.viewer.incoming.get(&unknown()).await?)
}

async fn unsupported(on: &Instance) -> Done {
    fails(ErrorKind::Unsupported, on.viewer.incoming.get(&unknown()).await).map(drop)
}
