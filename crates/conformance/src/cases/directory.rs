//! The directory: what incoming leads point to (R3, R9).

use incoming_leads_model::{Accept, CallEvent, EntityRef, Lead, LeadDraft, NoteDraft, PageRequest, TagRef};
use incoming_leads_port::{EntityQuery, ErrorKind};
use serde_json::json;

use crate::act::{add, contact, directory, lead, links};
use crate::case::{Case, case};
use crate::drafts::{call, with_call};
use crate::failure::{Done, Failure, fails, holds, same, some};
use crate::fixture::{
    ADMINISTRATOR, ARCHIVED, BINNED_CONTACT, BINNED_CUSTOMER, BINNED_LEAD, COMPANY, CONTACT, CUSTOMER,
    INACTIVE, MAIN, MAIN_UNSORTED, SECOND, SECOND_LEAD, SORTER, SWITCHED_OFF, TARGET_LEAD, VIEWER,
};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("directory"::layout_tells_the_account, R11, "The layout has the account's own pipelines and users.")
        .with_directory(),
    case!("directory"::bin_is_not_listed, R9, "What lies in the bin is in no list, and found by its id.")
        .with_directory(),
    case!("directory"::leads_stand_by_id, R3, "Leads stand by id, ascending, and their pages cut the list.")
        .with_directory(),
    case!("directory"::missing_ids_are_left_out, R16, "Of named ids those that exist are answered, each once.")
        .with_directory(),
    case!("directory"::more_than_500_ids_are_refused, R15, "Of entities 500 can be named at once, and not one more.")
        .with_directory(),
    case!("directory"::waiting_leads_are_listed, R3, "A lead that waits is listed, in its unsorted status.")
        .with_directory(),
    case!("directory"::notes_come_with_leads, R4, "Notes that came with a lead are on it, by id ascending.")
        .with_directory(),
    case!("directory"::entities_hold_what_was_sent, R4, "Lead and contact hold name, price, tags and further fields.")
        .with_directory(),
];

fn page(number: u64, size: u32) -> PageRequest {
    PageRequest::new(number, size).expect("numbers and sizes of cases are in range")
}

async fn listed_leads(on: &Instance, page: PageRequest) -> Result<Vec<Lead>, Failure> {
    Ok(directory(on)?.leads(&EntityQuery::listed(page)).await?.items)
}

async fn layout_tells_the_account(on: &Instance) -> Done {
    let layout = directory(on)?.layout().await?;
    same("the account", on.account, layout.account.id)?;
    let mut pipelines: Vec<_> = layout.pipelines.iter().map(|pipeline| pipeline.id).collect();
    pipelines.sort();
    same("the pipelines", vec![MAIN, SECOND, ARCHIVED, SWITCHED_OFF], pipelines)?;
    let mut users: Vec<_> = layout.users.iter().map(|user| user.id).collect();
    users.sort();
    same("the users", vec![ADMINISTRATOR, SORTER, VIEWER, INACTIVE], users)
}

async fn bin_is_not_listed(on: &Instance) -> Done {
    let directory = directory(on)?;
    let leads = listed_leads(on, page(1, 500)).await?;
    holds("no lead of the list is in the bin", leads.iter().all(|lead| !lead.stamp.is_deleted))?;
    let found = directory.leads(&EntityQuery::with_ids(vec![BINNED_LEAD])).await?.items;
    same("the lead by its id", vec![true], found.iter().map(|lead| lead.stamp.is_deleted).collect())?;
    let contacts = directory.contacts(&EntityQuery::listed(page(1, 500))).await?.items;
    same("the contacts of the list", vec![CONTACT], contacts.iter().map(|one| one.id).collect())?;
    let found = directory.contacts(&EntityQuery::with_ids(vec![BINNED_CONTACT])).await?.items;
    same("the contact by its id", vec![true], found.iter().map(|one| one.stamp.is_deleted).collect())?;
    let companies = directory.companies(&EntityQuery::listed(page(1, 500))).await?.items;
    same("the companies of the list", vec![COMPANY], companies.iter().map(|one| one.id).collect())?;
    let customers = directory.customers(&EntityQuery::listed(page(1, 500))).await?.items;
    same("the customers of the list", vec![CUSTOMER], customers.iter().map(|one| one.id).collect())?;
    let found = directory.customers(&EntityQuery::with_ids(vec![BINNED_CUSTOMER])).await?.items;
    same("the customer by its id", vec![true], found.iter().map(|one| one.stamp.is_deleted).collect())
}

async fn leads_stand_by_id(on: &Instance) -> Done {
    for number in 1..=4 {
        add(&on.sorter, call(number)).await?;
    }
    let whole: Vec<_> = listed_leads(on, page(1, 500)).await?.iter().map(|lead| lead.id).collect();
    holds("the ids ascend", whole.is_sorted())?;
    for size in [1, 3, 5] {
        let mut cut = Vec::new();
        for number in 1..=whole.len() as u64 + 1 {
            cut.extend(listed_leads(on, page(number, size)).await?.iter().map(|lead| lead.id));
        }
        same("the pages, one after the other", whole.clone(), cut)?;
    }
    Ok(())
}

async fn missing_ids_are_left_out(on: &Instance) -> Done {
    let missing = 899.try_into().ok();
    let ids =
        [Some(SECOND_LEAD), missing, Some(TARGET_LEAD), Some(SECOND_LEAD)].into_iter().flatten().collect();
    let found = directory(on)?.leads(&EntityQuery::with_ids(ids)).await?.items;
    same("the leads", vec![TARGET_LEAD, SECOND_LEAD], found.iter().map(|lead| lead.id).collect())
}

async fn more_than_500_ids_are_refused(on: &Instance) -> Done {
    fn first<I: TryFrom<u64>>(count: u64) -> EntityQuery<I> {
        EntityQuery::with_ids((1..=count).filter_map(|id| I::try_from(id).ok()).collect())
    }
    let directory = directory(on)?;
    same("the leads below 501", 0, directory.leads(&first(500)).await?.items.len())?;
    fails(ErrorKind::Invalid, directory.leads(&first(501)).await)?;
    fails(ErrorKind::Invalid, directory.contacts(&first(501)).await)?;
    fails(ErrorKind::Invalid, directory.companies(&first(501)).await)?;
    fails(ErrorKind::Invalid, directory.customers(&first(501)).await).map(drop)
}

async fn waiting_leads_are_listed(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(1)).await?;
    let (id, ..) = links(on, &receipt.uid).await?;
    let leads = listed_leads(on, page(1, 500)).await?;
    let waits = some("the lead in the list", leads.iter().find(|lead| lead.id == id))?;
    same("its status and flag", (MAIN_UNSORTED, true), (waits.status_id, waits.is_unsorted))
}

async fn notes_come_with_leads(on: &Instance) -> Done {
    let note = |text: &str| NoteDraft { text: Some(text.to_owned()), ..NoteDraft::default() };
    let mut draft = with_call(call(1), |call| call.call_event = Some(CallEvent::Plain));
    draft.leads.iter_mut().for_each(|lead| lead.notes = vec![note("first"), note("second")]);
    let receipt = add(&on.sorter, draft).await?;
    let (id, ..) = links(on, &receipt.uid).await?;
    let kinds = ["common", "common", "call_in"];
    let notes = directory(on)?.notes(EntityRef::Lead(id), page(1, 10)).await?.items;
    same(
        "the kinds of notes before",
        kinds[..2].to_vec(),
        notes.iter().map(|note| note.kind.as_str()).collect(),
    )?;
    let texts: Vec<_> = notes.iter().map(|note| note.params.get("text").cloned()).collect();
    same("their texts", vec![Some(json!("first")), Some(json!("second"))], texts)?;
    on.sorter.incoming.accept(&receipt.uid, &Accept::default()).await?;
    let notes = directory(on)?.notes(EntityRef::Lead(id), page(1, 10)).await?.items;
    same("the kinds of notes after", kinds.to_vec(), notes.iter().map(|note| note.kind.as_str()).collect())?;
    holds("the ids ascend", notes.iter().map(|note| note.id).is_sorted())?;
    let last = directory(on)?.notes(EntityRef::Lead(id), page(2, 2)).await?.items;
    same("the last page of two", kinds[2..].to_vec(), last.iter().map(|note| note.kind.as_str()).collect())
}

async fn entities_hold_what_was_sent(on: &Instance) -> Done {
    let mut draft = call(1);
    draft.leads = vec![LeadDraft { price: Some(7), ..draft.leads.remove(0) }];
    draft.leads.iter_mut().for_each(|lead| {
        lead.card.tags = vec![TagRef::by_name("new")];
        lead.card.further.insert("utm".to_owned(), json!({"source": "page"}));
    });
    draft.contacts.iter_mut().for_each(|contact| contact.first_name = Some("Kim".to_owned()));
    let receipt = add(&on.sorter, draft).await?;
    let (lead_id, contact_id, _) = links(on, &receipt.uid).await?;
    let lead = lead(on, lead_id).await?;
    same("the name of the lead", Some("New lead".to_owned()), lead.card.name)?;
    same("the price", 7, lead.price)?;
    same("the tags", vec![Some("new".to_owned())], lead.card.tags.into_iter().map(|tag| tag.name).collect())?;
    same("the further field", Some(&json!({"source": "page"})), lead.card.further.get("utm"))?;
    same("the contacts of the lead", vec![contact_id], lead.contacts)?;
    let contact = contact(on, contact_id).await?;
    same("the first name of the contact", Some("Kim".to_owned()), contact.first_name)
}
