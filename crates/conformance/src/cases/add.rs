//! Adding calls and forms (R1-R5).

use std::collections::BTreeSet;

use incoming_leads_model::{
    Add, Cards, Category, Channel, Draft, FaultCode, FormsMetadata, ListQuery, Metadata, PageRequest,
    PipelineId, SipMetadata,
};
use incoming_leads_port::ErrorKind;
use serde_json::json;

use crate::act::{add, company, contact, lead, links, listed, of_category, shown, uids, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{at, call, chat, form, one};
use crate::failure::{Done, Failure, fails, faulty, faulty_items, holds, same, some, told};
use crate::fixture::{
    ARCHIVED, FOREIGN_PIPELINE, LATER, MAIN, MAIN_UNSORTED, Named, SECOND, START, SWITCHED_OFF,
};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("add"::call_waits, R3, "A call that was added waits in the list."),
    case!("add"::form_waits, R3, "A form that was added waits in the list."),
    case!("add"::receipt_tells_the_item, R3, "The receipt tells account, category, pipeline and created_at."),
    case!("add"::no_pipeline_is_the_main_one, R3, "An item without a pipeline waits in the main one."),
    case!("add"::named_pipeline_decides, R3, "An item waits in the pipeline that it names."),
    case!("add"::unknown_pipeline_is_refused, R3, "A pipeline that the account does not have is refused."),
    case!("add"::archived_pipeline_is_refused, R3, "An archived pipeline is refused."),
    case!("add"::switched_off_pipeline_is_refused, R3, "A pipeline with the stage switched off is refused."),
    case!("add"::lead_body_places_nothing, R3, "A pipeline or status inside the lead's body places nothing.")
        .with_directory(),
    case!("add"::hidden_until_accepted, R3, "Lead, contact and company are made at once, and hidden.")
        .with_directory(),
    case!("add"::ids_are_new, R3, "No two items share a uid, a lead, a contact or a company."),
    case!("add"::sources_are_required, R4, "source_name and source_uid are required, and an empty text is none."),
    case!("add"::metadata_are_required, R4, "Metadata are required."),
    case!("add"::entities_are_optional, R4, "Lead, contact and company may be left out."),
    case!("add"::metadata_may_be_empty, R4, "Metadata may tell nothing.")
        .where_able(|able| able.takes_partial_metadata),
    case!("add"::lacking_metadata_are_named, R4, "Who requires the metadata of the older wire names what an item lacks.")
        .where_able(|able| !able.takes_partial_metadata),
    case!("add"::one_entity_of_each_kind, R4, "Two leads, contacts or companies in one item are refused."),
    case!("add"::created_at_is_now, R4, "Without a moment an item came to be now.").with_clock(),
    case!("add"::created_at_may_be_past, R4, "An item may have come to be in the past."),
    case!("add"::further_fields_are_kept, R4, "No further field of an entity's body is lost.")
        .where_able(|able| able.tells_cards),
    case!("add"::documented_keys_are_required, R4, "By the strict policy every documented key is required.")
        .over(Named::Strict)
        .where_able(|able| able.takes_partial_metadata),
    case!("add"::complete_items_pass_strictly, R4, "By the strict policy complete items are taken.")
        .over(Named::Strict)
        .where_able(|able| able.takes_partial_metadata),
    case!("add"::call_comes_back_as_sent, R1, "The metadata of a call come back as they were sent."),
    case!("add"::form_comes_back_as_sent, R1, "The metadata of a form come back as they were sent."),
    case!("add"::chats_are_not_added, R2, "The API adds no chats."),
    case!("add"::channels_do_not_mix, R2, "A form is not taken among calls, nor a call among forms."),
    case!("add"::empty_batch_is_refused, R5, "A batch of nothing is refused."),
    case!("add"::batch_holds_250, R5, "A batch of 250 items is taken, one of 251 refused."),
    case!("add"::one_bad_item_refuses_all, R5, "One bad item among good ones, and nothing of the batch is taken."),
    case!("add"::every_bad_item_is_named, R5, "Each bad item is named by its place, with all its faults."),
    case!("add"::receipts_stand_in_order, R5, "Receipts stand in the order of the items."),
];

async fn call_waits(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(1)).await?;
    let told = some("the call in the list", listed(&on.viewer, &receipt.uid).await?)?;
    same("its category", Category::Sip, told.category())
}

async fn form_waits(on: &Instance) -> Done {
    let receipt = add(&on.sorter, form(1)).await?;
    let told = some("the form in the list", listed(&on.viewer, &receipt.uid).await?)?;
    same("its category", Category::Forms, told.category())
}

async fn receipt_tells_the_item(on: &Instance) -> Done {
    let receipt = add(&on.sorter, at(form(1), START)).await?;
    told("the account", on.account, receipt.account_id)?;
    told("the category", Category::Forms, receipt.category)?;
    told("the pipeline", MAIN, receipt.pipeline_id)?;
    told("the number of leads", 1, receipt.leads.map(|leads| leads.len()))?;
    told("the number of contacts", 1, receipt.contacts.map(|contacts| contacts.len()))?;
    told("the number of companies", 1, receipt.companies.map(|companies| companies.len()))?;
    told("created_at", START, receipt.created_at)
}

async fn no_pipeline_is_the_main_one(on: &Instance) -> Done {
    placed(on, None, MAIN).await
}

async fn named_pipeline_decides(on: &Instance) -> Done {
    placed(on, Some(SECOND), SECOND).await
}

async fn placed(on: &Instance, pipeline_id: Option<PipelineId>, expected: PipelineId) -> Done {
    let receipt = add(&on.sorter, Draft { pipeline_id, ..call(1) }).await?;
    told("the pipeline in the receipt", expected, receipt.pipeline_id)?;
    let told_lead = some("the call in the list", listed(&on.viewer, &receipt.uid).await?)?;
    told("the pipeline in the list", expected, told_lead.pipeline_id)
}

async fn unknown_pipeline_is_refused(on: &Instance) -> Done {
    misplaced(on, PipelineId::new(199).expect("199 is an id")).await?;
    misplaced(on, FOREIGN_PIPELINE).await
}

async fn archived_pipeline_is_refused(on: &Instance) -> Done {
    misplaced(on, ARCHIVED).await
}

async fn switched_off_pipeline_is_refused(on: &Instance) -> Done {
    misplaced(on, SWITCHED_OFF).await
}

async fn misplaced(on: &Instance, pipeline: PipelineId) -> Done {
    let add = one(Draft { pipeline_id: Some(pipeline), ..call(1) });
    refused_at(on, &add, FaultCode::NotSupportedChoice, "pipeline_id").await
}

/// The add of one item is refused for this reason, and nothing waits.
async fn refused_at(on: &Instance, add: &Add, code: FaultCode, path: &str) -> Done {
    faulty_items(&[(0, code, path)], on.sorter.incoming.add(add).await)?;
    nothing_came(on).await
}

async fn nothing_came(on: &Instance) -> Done {
    for category in [Category::Sip, Category::Forms] {
        same("what waits after a refusal", vec![], uids(&waiting(&on.viewer, of_category(category)).await?))?;
    }
    Ok(())
}

async fn lead_body_places_nothing(on: &Instance) -> Done {
    let mut draft = call(1);
    for lead in &mut draft.leads {
        lead.card.further.insert("pipeline_id".to_owned(), json!(SECOND));
        lead.card.further.insert("status_id".to_owned(), json!(LATER));
    }
    let receipt = add(&on.sorter, draft).await?;
    let (id, ..) = links(on, &receipt.uid).await?;
    let lead = lead(on, id).await?;
    same("pipeline and status of the lead", (MAIN, MAIN_UNSORTED), (lead.pipeline_id, lead.status_id))
}

async fn hidden_until_accepted(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(1)).await?;
    let (lead_id, contact_id, company_id) = links(on, &receipt.uid).await?;
    let lead = lead(on, lead_id).await?;
    same("status and flag of the lead", (MAIN_UNSORTED, true), (lead.status_id, lead.is_unsorted))?;
    holds("the contact is flagged", contact(on, contact_id).await?.is_unsorted)?;
    holds("the company is flagged", company(on, company_id).await?.is_unsorted)?;
    same("whether lists show contact and company", [false, false], shown(on, contact_id, company_id).await?)
}

async fn ids_are_new(on: &Instance) -> Done {
    let receipts = on.sorter.incoming.add(&Add::calls((1..=20).map(call).collect())).await?;
    fn distinct<T: Ord>(what: &str, ids: Vec<T>) -> Done {
        let count = ids.len();
        same(what, count, ids.into_iter().collect::<BTreeSet<_>>().len())
    }
    distinct("different uids", receipts.iter().map(|receipt| receipt.uid.clone()).collect())?;
    distinct(
        "different leads",
        receipts.iter().flat_map(|receipt| receipt.leads.clone()).flatten().collect(),
    )?;
    let contacts = receipts.iter().flat_map(|receipt| receipt.contacts.clone()).flatten();
    distinct("different contacts", contacts.collect())?;
    let companies = receipts.iter().flat_map(|receipt| receipt.companies.clone()).flatten();
    distinct("different companies", companies.collect())
}

async fn sources_are_required(on: &Instance) -> Done {
    for nothing in [None, Some(String::new())] {
        let nameless = Draft { source_name: nothing.clone(), ..call(1) };
        refused_at(on, &one(nameless), FaultCode::FieldMissing, "source_name").await?;
        let sourceless = Draft { source_uid: nothing, ..call(1) };
        refused_at(on, &one(sourceless), FaultCode::FieldMissing, "source_uid").await?;
    }
    Ok(())
}

async fn metadata_are_required(on: &Instance) -> Done {
    let add = Add::calls(vec![Draft { metadata: None, ..call(1) }]);
    refused_at(on, &add, FaultCode::FieldMissing, "metadata").await
}

/// The draft without a lead, a contact and a company.
fn bare(draft: Draft) -> Draft {
    Draft { leads: vec![], contacts: vec![], companies: vec![], ..draft }
}

async fn entities_are_optional(on: &Instance) -> Done {
    for draft in [call(1), form(1)] {
        let receipt = add(&on.sorter, bare(draft)).await?;
        holds("the bare item waits", waits(&on.viewer, &receipt.uid).await?)?;
    }
    Ok(())
}

async fn metadata_may_be_empty(on: &Instance) -> Done {
    for metadata in [Metadata::Sip(SipMetadata::default()), Metadata::Forms(FormsMetadata::default())] {
        let receipt = add(&on.sorter, Draft { metadata: Some(metadata), ..bare(call(1)) }).await?;
        holds("the bare item waits", waits(&on.viewer, &receipt.uid).await?)?;
    }
    Ok(())
}

async fn lacking_metadata_are_named(on: &Instance) -> Done {
    let call_keys = ["from", "phone", "called_at", "service_code"].as_slice();
    let items = [
        (Metadata::Sip(SipMetadata::default()), call_keys),
        (Metadata::Forms(FormsMetadata::default()), ["form_id", "form_page"].as_slice()),
    ];
    for (metadata, keys) in items {
        let lacking = one(Draft { metadata: Some(metadata), ..call(1) });
        let paths: Vec<_> = keys.iter().map(|key| format!("metadata.{key}")).collect();
        let expected: Vec<_> = paths.iter().map(|path| (0, FaultCode::FieldMissing, path.as_str())).collect();
        faulty_items(&expected, on.sorter.incoming.add(&lacking).await)?;
    }
    nothing_came(on).await
}

async fn one_entity_of_each_kind(on: &Instance) -> Done {
    let mut draft = call(1);
    draft.leads.extend(draft.leads.clone());
    refused_at(on, &one(draft), FaultCode::TooMany, "leads").await?;
    let mut draft = call(1);
    draft.contacts.extend(draft.contacts.clone());
    refused_at(on, &one(draft), FaultCode::TooMany, "contacts").await?;
    let mut draft = call(1);
    draft.companies.extend(draft.companies.clone());
    refused_at(on, &one(draft), FaultCode::TooMany, "companies").await
}

async fn created_at_is_now(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    clock.advance_secs(77);
    created(on, call(1), START.secs() + 77).await
}

async fn created_at_may_be_past(on: &Instance) -> Done {
    let past = incoming_leads_model::Moment::from_secs(1_500_000_000).expect("a moment of 2017");
    created(on, at(call(1), past), past.secs()).await
}

async fn created(on: &Instance, draft: Draft, expected: i64) -> Done {
    let receipt = add(&on.sorter, draft).await?;
    told("created_at in the receipt", expected, receipt.created_at.map(|at| at.secs()))?;
    let listed = some("the call in the list", listed(&on.viewer, &receipt.uid).await?)?;
    same("created_at in the list", expected, listed.created_at.secs())
}

async fn further_fields_are_kept(on: &Instance) -> Done {
    let mut draft = call(1);
    let further = json!({"utm": ["a", {"b": 1}], "loss_reason_id": null});
    for lead in &mut draft.leads {
        lead.card.further.insert("custom".to_owned(), further.clone());
    }
    let receipt = add(&on.sorter, draft).await?;
    let query = ListQuery {
        filter: of_category(Category::Sip),
        cards: Cards::Include,
        page: PageRequest::default(),
        ..ListQuery::default()
    };
    let page = on.viewer.incoming.list(&query).await?;
    let item = some("the call in the list", page.items.into_iter().find(|item| item.uid == receipt.uid))?;
    let card = item.leads.into_iter().flatten().find_map(|lead| lead.card);
    let card = some("the body of its lead", card)?;
    same("the further field of the lead", Some(&further), card.card.further.get("custom"))?;
    same("the price of the lead", Some(10), card.price)
}

async fn documented_keys_are_required(on: &Instance) -> Done {
    use FaultCode::FieldMissing;
    let telling = |metadata| Draft { metadata: Some(metadata), ..bare(call(1)) };
    let bare_call = Add::calls(vec![telling(Metadata::Sip(SipMetadata::default()))]);
    let keys = ["from", "phone", "called_at", "duration", "link", "service_code"]
        .map(|key| format!("metadata.{key}"));
    let entities = ["leads", "contacts", "companies"].map(str::to_owned);
    let expected: Vec<_> =
        keys.iter().chain(&entities).map(|path| (0, FieldMissing, path.as_str())).collect();
    faulty_items(&expected, on.sorter.incoming.add(&bare_call).await)?;
    let bare_form = Add::forms(vec![telling(Metadata::Forms(FormsMetadata::default()))]);
    let keys = ["form_id", "form_name", "form_page", "ip", "form_sent_at", "referer"];
    let keys = keys.map(|key| format!("metadata.{key}"));
    let expected: Vec<_> =
        keys.iter().chain(&entities).map(|path| (0, FieldMissing, path.as_str())).collect();
    faulty_items(&expected, on.sorter.incoming.add(&bare_form).await)?;
    nothing_came(on).await
}

async fn complete_items_pass_strictly(on: &Instance) -> Done {
    for draft in [call(1), form(1)] {
        let receipt = add(&on.sorter, draft).await?;
        holds("the complete item waits", waits(&on.viewer, &receipt.uid).await?)?;
    }
    Ok(())
}

async fn call_comes_back_as_sent(on: &Instance) -> Done {
    comes_back(on, call(1)).await
}

async fn form_comes_back_as_sent(on: &Instance) -> Done {
    comes_back(on, form(1)).await
}

async fn comes_back(on: &Instance, draft: Draft) -> Done {
    let (metadata, name) = (draft.metadata.clone(), draft.source_name.clone());
    let receipt = add(&on.sorter, draft).await?;
    let item = some("the item in the list", listed(&on.viewer, &receipt.uid).await?)?;
    same("its metadata", metadata, Some(item.metadata))?;
    told("its source", name, item.source_name)
}

async fn chats_are_not_added(on: &Instance) -> Done {
    for channel in [Channel::Sip, Channel::Forms] {
        let add = Add { channel, ..Add::calls(vec![chat("chat-9", "Hello?")]) };
        faulty_items(&[(0, FaultCode::InvalidType, "metadata")], on.sorter.incoming.add(&add).await)?;
    }
    nothing_came(on).await
}

async fn channels_do_not_mix(on: &Instance) -> Done {
    let code = FaultCode::InvalidType;
    let result = on.sorter.incoming.add(&Add::calls(vec![call(1), form(1)])).await;
    faulty_items(&[(1, code, "metadata")], result)?;
    let result = on.sorter.incoming.add(&Add::forms(vec![call(1), form(1)])).await;
    faulty_items(&[(0, code, "metadata")], result)?;
    nothing_came(on).await
}

async fn empty_batch_is_refused(on: &Instance) -> Done {
    for add in [Add::calls(vec![]), Add::forms(vec![])] {
        faulty(&[(FaultCode::TooFew, "")], on.sorter.incoming.add(&add).await)?;
    }
    Ok(())
}

async fn batch_holds_250(on: &Instance) -> Done {
    let calls = |count| Add::calls((1..=count).map(call).collect());
    faulty(&[(FaultCode::TooMany, "")], on.sorter.incoming.add(&calls(251)).await)?;
    nothing_came(on).await?;
    let receipts = on.sorter.incoming.add(&calls(250)).await?;
    same("the number of receipts", 250, receipts.len())?;
    let waits = waiting(&on.viewer, of_category(Category::Sip)).await?;
    same("the number of calls that wait", 250, waits.len())
}

async fn one_bad_item_refuses_all(on: &Instance) -> Done {
    let bad = Draft { source_uid: None, ..call(2) };
    let add = Add::calls(vec![call(1), bad, call(3)]);
    fails(ErrorKind::Invalid, on.sorter.incoming.add(&add).await)?;
    nothing_came(on).await?;
    let add = Add::calls(vec![call(1), call(3)]);
    same("receipts for the good ones alone", 2, on.sorter.incoming.add(&add).await?.len())
}

async fn every_bad_item_is_named(on: &Instance) -> Done {
    let worse = Draft { source_uid: None, pipeline_id: Some(ARCHIVED), ..call(2) };
    let bad = Draft { source_name: None, ..call(4) };
    let add = Add::calls(vec![call(1), worse, call(3), bad]);
    let expected = [
        (1, FaultCode::FieldMissing, "source_uid"),
        (1, FaultCode::NotSupportedChoice, "pipeline_id"),
        (3, FaultCode::FieldMissing, "source_name"),
    ];
    faulty_items(&expected, on.sorter.incoming.add(&add).await)?;
    nothing_came(on).await
}

async fn receipts_stand_in_order(on: &Instance) -> Done {
    let drafts: Vec<_> = [3, 1, 2].into_iter().map(call).collect();
    let receipts = on.sorter.incoming.add(&Add::calls(drafts.clone())).await?;
    same("the number of receipts", 3, receipts.len())?;
    for (draft, receipt) in drafts.into_iter().zip(receipts) {
        let item = some("the call in the list", listed(&on.viewer, &receipt.uid).await?)?;
        same("the item of the receipt", draft.metadata, Some(item.metadata))?;
    }
    Ok::<_, Failure>(())
}
