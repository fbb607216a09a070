//! Custom fields, tags, and entities that are named by id (R16).

use incoming_leads_model::{
    Accept, Add, Category, CompanyDraft, ContactDraft, Decline, Draft, EnumRef, FaultCode, FieldId, FieldRef,
    FieldValue, FieldValues, LeadDraft, LeadId, TagId, TagRef,
};
use serde_json::json;

use crate::act::{add, company, contact, lead, links, listed, of_category, shown, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{call, card, one};
use crate::failure::{Done, Failure, faulty_items, holds, same, some, told};
use crate::fixture::{
    BINNED_CONTACT, BINNED_LEAD, COMPANY, COMPANY_FIELD, CONTACT, FIRST, FOREIGN_LEAD, LATER, LEAD_FIELD,
    MAIN, PHONE, SECOND, SECOND_LEAD, TAG, TAG_NAME, TARGET_LEAD, WORK,
};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("entities"::known_fields_are_taken, R16, "Values name a field by id or code, and a choice by id or code."),
    case!("entities"::unknown_field_is_refused, R16, "A field that the account lacks, or has elsewhere, is refused."),
    case!("entities"::unknown_choice_is_refused, R16, "A choice that the field lacks is refused."),
    case!("entities"::unknown_tag_id_is_refused, R16, "A tag id that the account lacks is refused."),
    case!("entities"::known_tags_are_found, R16, "A tag is found by its id and by its name.").with_directory(),
    case!("entities"::new_tag_names_make_tags, R16, "A new tag name makes one tag, however often it is named.")
        .with_directory(),
    case!("entities"::missing_entity_is_refused, R16, "A lead, contact or company that is not there is refused."),
    case!("entities"::binned_entity_is_refused, R16, "A lead or contact in the bin is refused."),
    case!("entities"::hidden_entity_is_refused, R16, "A lead of an incoming lead that waits is refused.")
        .with_directory(),
    case!("entities"::existing_ones_are_linked, R16, "Entities named by id are linked, and stay visible.")
        .with_directory(),
    case!("entities"::existing_lead_stays_in_place, R16, "Accepting moves an existing lead only to a named status.")
        .with_directory(),
    case!("entities"::existing_ones_are_not_binned, R16, "Declining bins no existing entity.").with_directory(),
    case!("entities"::existing_lead_decides_the_pipeline, R16, "An item waits in the pipeline of its existing lead."),
];

fn values(field: FieldRef, choice: Option<EnumRef>) -> Vec<FieldValues> {
    vec![FieldValues { field, values: vec![FieldValue { value: json!("text"), choice, subtype: None }] }]
}

fn with_lead(change: impl FnOnce(&mut LeadDraft)) -> Draft {
    let mut draft = call(1);
    draft.leads.first_mut().map(change);
    draft
}

fn with_contact(change: impl FnOnce(&mut ContactDraft)) -> Draft {
    let mut draft = call(1);
    draft.contacts.first_mut().map(change);
    draft
}

async fn refused_at(on: &Instance, draft: Draft, path: &str) -> Done {
    let before = waiting(&on.viewer, of_category(Category::Sip)).await?.len();
    let result = on.sorter.incoming.add(&one(draft)).await;
    faulty_items(&[(0, FaultCode::NotSupportedChoice, path)], result)?;
    same("how many calls wait", before, waiting(&on.viewer, of_category(Category::Sip)).await?.len())
}

async fn known_fields_are_taken(on: &Instance) -> Done {
    let mut draft = with_lead(|lead| lead.card.custom_fields = values(FieldRef::Id(LEAD_FIELD), None));
    let by_code = values(FieldRef::Code("PHONE".to_owned()), Some(EnumRef::Code("WORK".to_owned())));
    let by_id = values(FieldRef::Id(PHONE), Some(EnumRef::Id(WORK)));
    draft.contacts = vec![ContactDraft { card: card("Contact"), ..ContactDraft::default() }];
    draft.contacts.iter_mut().for_each(|contact| contact.card.custom_fields.extend(by_code.clone()));
    let receipt = add(&on.sorter, draft).await?;
    holds("the item with fields by code waits", waits(&on.viewer, &receipt.uid).await?)?;
    let draft =
        Draft { contacts: with_contact(|contact| contact.card.custom_fields = by_id).contacts, ..call(2) };
    let receipt = add(&on.sorter, draft).await?;
    holds("the item with fields by id waits", waits(&on.viewer, &receipt.uid).await?)
}

async fn unknown_field_is_refused(on: &Instance) -> Done {
    let of_lead = "leads.0.custom_fields.0.field";
    let unknown = FieldRef::Id(FieldId::new(599).expect("599 is an id"));
    for field in [unknown, FieldRef::Id(COMPANY_FIELD), FieldRef::Code("PHONE".to_owned())] {
        let draft = with_lead(|lead| lead.card.custom_fields = values(field, None));
        refused_at(on, draft, of_lead).await?;
    }
    let unknown = FieldRef::Code("NONE".to_owned());
    let draft = with_contact(|contact| contact.card.custom_fields = values(unknown, None));
    refused_at(on, draft, "contacts.0.custom_fields.0.field").await
}

async fn unknown_choice_is_refused(on: &Instance) -> Done {
    let unknown = Some(EnumRef::Code("HOME".to_owned()));
    let draft = with_contact(|contact| contact.card.custom_fields = values(FieldRef::Id(PHONE), unknown));
    refused_at(on, draft, "contacts.0.custom_fields.0.values.0.choice").await
}

async fn unknown_tag_id_is_refused(on: &Instance) -> Done {
    let unknown = TagRef::by_id(TagId::new(799).expect("799 is an id"));
    let draft = with_lead(|lead| lead.card.tags = vec![TagRef::by_id(TAG), unknown]);
    refused_at(on, draft, "leads.0.tags.1.id").await
}

async fn tags_of_lead(on: &Instance, draft: Draft) -> Result<Vec<TagRef>, Failure> {
    let receipt = add(&on.sorter, draft).await?;
    let (id, ..) = links(on, &receipt.uid).await?;
    Ok(lead(on, id).await?.card.tags)
}

async fn known_tags_are_found(on: &Instance) -> Done {
    let expected = vec![TagRef { id: Some(TAG), name: Some(TAG_NAME.to_owned()) }];
    let by_id = with_lead(|lead| lead.card.tags = vec![TagRef::by_id(TAG)]);
    same("the tags of the lead, by id", expected.clone(), tags_of_lead(on, by_id).await?)?;
    let by_name = with_lead(|lead| lead.card.tags = vec![TagRef::by_name(TAG_NAME)]);
    let by_name = Draft { leads: by_name.leads, ..call(2) };
    same("the tags of the lead, by name", expected, tags_of_lead(on, by_name).await?)
}

async fn new_tag_names_make_tags(on: &Instance) -> Done {
    let named = |number, name: &str| {
        let tag = TagRef::by_name(name);
        Draft { leads: with_lead(|lead| lead.card.tags = vec![tag]).leads, ..call(number) }
    };
    let first = tags_of_lead(on, named(1, "new")).await?;
    holds("the new tag has an id", first.iter().all(|tag| tag.id.is_some()) && first.len() == 1)?;
    same("the tags of the second lead", first.clone(), tags_of_lead(on, named(2, "new")).await?)?;
    let other = tags_of_lead(on, named(3, "newer")).await?;
    holds("another name makes another tag", other.len() == 1 && other != first)?;
    let batch = Add::calls(vec![named(4, "newest"), named(5, "newest")]);
    let receipts = on.sorter.incoming.add(&batch).await?;
    let mut tags = Vec::new();
    for receipt in &receipts {
        let (id, ..) = links(on, &receipt.uid).await?;
        tags.push(lead(on, id).await?.card.tags);
    }
    tags.dedup();
    same("how many tags one batch made of one name", 1, tags.len())
}

async fn missing_entity_is_refused(on: &Instance) -> Done {
    let missing = LeadId::new(899).expect("899 is an id");
    refused_at(on, with_lead(|lead| lead.id = Some(missing)), "leads.0.id").await?;
    refused_at(on, with_lead(|lead| lead.id = Some(FOREIGN_LEAD)), "leads.0.id").await?;
    let missing = 999_u64;
    let contact_id = missing.try_into().ok();
    refused_at(on, with_contact(|contact| contact.id = contact_id), "contacts.0.id").await?;
    let company = CompanyDraft { id: missing.try_into().ok(), ..CompanyDraft::default() };
    refused_at(on, Draft { companies: vec![company], ..call(1) }, "companies.0.id").await
}

async fn binned_entity_is_refused(on: &Instance) -> Done {
    refused_at(on, with_lead(|lead| lead.id = Some(BINNED_LEAD)), "leads.0.id").await?;
    refused_at(on, with_contact(|contact| contact.id = Some(BINNED_CONTACT)), "contacts.0.id").await
}

async fn hidden_entity_is_refused(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(2)).await?;
    let (hidden, contact, _) = links(on, &receipt.uid).await?;
    refused_at(on, with_lead(|lead| lead.id = Some(hidden)), "leads.0.id").await?;
    refused_at(on, with_contact(|draft| draft.id = Some(contact)), "contacts.0.id").await
}

/// A call whose lead, contact and company were there before.
fn of_existing() -> Draft {
    let company = CompanyDraft { id: Some(COMPANY), ..CompanyDraft::default() };
    let contact = ContactDraft { id: Some(CONTACT), ..ContactDraft::default() };
    let lead = LeadDraft { id: Some(TARGET_LEAD), ..LeadDraft::default() };
    Draft { leads: vec![lead], contacts: vec![contact], companies: vec![company], ..call(1) }
}

async fn existing_ones_are_linked(on: &Instance) -> Done {
    let receipt = add(&on.sorter, of_existing()).await?;
    told("the lead in the receipt", vec![TARGET_LEAD], receipt.leads)?;
    told("the contact in the receipt", vec![CONTACT], receipt.contacts)?;
    told("the company in the receipt", vec![COMPANY], receipt.companies)?;
    let lead = lead(on, TARGET_LEAD).await?;
    same("flag and status of the lead", (false, FIRST), (lead.is_unsorted, lead.status_id))?;
    same("whether lists show contact and company", [true, true], shown(on, CONTACT, COMPANY).await?)
}

async fn existing_lead_stays_in_place(on: &Instance) -> Done {
    let receipt = add(&on.sorter, of_existing()).await?;
    on.sorter.incoming.accept(&receipt.uid, &Accept::default()).await?;
    let accepted = lead(on, TARGET_LEAD).await?;
    same("the status of the lead", FIRST, accepted.status_id)?;
    same("the contacts of the lead", vec![CONTACT], accepted.contacts)?;
    same("the company of the lead", Some(COMPANY), accepted.company)?;
    let receipt = add(&on.sorter, of_existing()).await?;
    let accept = Accept { status_id: Some(LATER), user_id: None };
    on.sorter.incoming.accept(&receipt.uid, &accept).await?;
    same("the status that was named", LATER, lead(on, TARGET_LEAD).await?.status_id)
}

async fn existing_ones_are_not_binned(on: &Instance) -> Done {
    let receipt = add(&on.sorter, of_existing()).await?;
    on.sorter.incoming.decline(&receipt.uid, &Decline::default()).await?;
    holds("the lead is listed", lead(on, TARGET_LEAD).await?.is_listed())?;
    holds("the contact is listed", contact(on, CONTACT).await?.is_listed())?;
    holds("the company is listed", company(on, COMPANY).await?.is_listed())
}

async fn existing_lead_decides_the_pipeline(on: &Instance) -> Done {
    let of_second = with_lead(|lead| lead.id = Some(SECOND_LEAD));
    refused_at(on, Draft { pipeline_id: Some(MAIN), ..of_second.clone() }, "pipeline_id").await?;
    let receipt = add(&on.sorter, of_second).await?;
    let item = listed(&on.viewer, &receipt.uid).await?;
    told("its pipeline", SECOND, some("the item in the list", item)?.pipeline_id)
}
