//! Accepting (R8).

use incoming_leads_model::{
    Accept, CallEvent, Category, Draft, EntityRef, FaultCode, Moment, PageRequest, Receipt, StatusId, Uid,
    UserId,
};
use serde_json::json;

use crate::act::{a_waiting, add, company, contact, directory, lead, links, shown, waits};
use crate::case::{Case, case};
use crate::drafts::{at, call, with_call};
use crate::failure::{Done, Failure, faulty, holds, same, told};
use crate::fixture::{
    ADMINISTRATOR, FIRST, INACTIVE, LATER, MAIN, MAIN_UNSORTED, SECOND, SECOND_FIRST, SORTER, START,
    STRANGER, VIEWER,
};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("accept"::leaves_the_stage, R7, "What was accepted waits no longer, of whatever category it is."),
    case!("accept"::default_status, R8, "The lead moves to the first status after unsorted, by its place.")
        .with_directory(),
    case!("accept"::default_status_of_its_pipeline, R8, "The default is a status of the lead's own pipeline.")
        .with_directory(),
    case!("accept"::named_status, R8, "The lead moves to the status that is named.").with_directory(),
    case!("accept"::won_and_lost_are_everywhere, R8, "142 and 143 belong to every pipeline, and close the lead.")
        .with_directory(),
    case!("accept"::unsorted_is_no_status, R8, "Nobody can accept into the unsorted status."),
    case!("accept"::foreign_status_is_refused, R8, "A status of another pipeline, or of none, is refused."),
    case!("accept"::caller_becomes_the_creator, R8, "Without a named user the caller becomes the creator.")
        .with_directory(),
    case!("accept"::named_user_becomes_the_creator, R8, "The named user becomes the creator of all three.")
        .with_directory(),
    case!("accept"::any_active_user_can_be_named, R7, "Who may sort names any active user, also one who may not."),
    case!("accept"::other_users_are_refused, R7, "An unknown, inactive or foreign user is refused."),
    case!("accept"::all_faults_are_told, R8, "User and status are both named when both are wrong."),
    case!("accept"::entities_become_visible, R8, "Lead, contact and company become visible.").with_directory(),
    case!("accept"::lead_keeps_its_id, R8, "The lead of the receipt is the one that the add made.")
        .with_directory(),
    case!("accept"::receipt_tells_creation, R8, "The receipt tells when the lead came to be, not the decision."),
    case!("accept"::wanted_call_note, R8, "A wanted note of a call is put on the lead and the contact.")
        .with_directory(),
    case!("accept"::unwanted_call_note, R8, "Without the wish there is no note.").with_directory(),
];

async fn leaves_the_stage(on: &Instance) -> Done {
    let call = add(&on.sorter, call(1)).await?.uid;
    let (chat, mail) = (a_waiting(on, Category::Chats).await?, a_waiting(on, Category::Mail).await?);
    for uid in [call, chat, mail] {
        let receipt = on.sorter.incoming.accept(&uid, &Accept::default()).await?;
        same("the uid of the receipt", &uid, &receipt.uid)?;
        holds("it waits no longer", !waits(&on.viewer, &uid).await?)?;
    }
    Ok(())
}

const fn to(status_id: StatusId) -> Accept {
    Accept { user_id: None, status_id: Some(status_id) }
}

/// Accepts a new call of this draft, and answers where its lead went.
async fn status_after(on: &Instance, draft: Draft, accept: Accept) -> Result<StatusId, Failure> {
    let receipt = add(&on.sorter, draft).await?;
    let (id, ..) = links(on, &receipt.uid).await?;
    on.sorter.incoming.accept(&receipt.uid, &accept).await?;
    Ok(lead(on, id).await?.status_id)
}

async fn default_status(on: &Instance) -> Done {
    same("the status of the lead", FIRST, status_after(on, call(1), Accept::default()).await?)
}

async fn default_status_of_its_pipeline(on: &Instance) -> Done {
    let draft = Draft { pipeline_id: Some(SECOND), ..call(1) };
    same("the status of the lead", SECOND_FIRST, status_after(on, draft, Accept::default()).await?)
}

async fn named_status(on: &Instance) -> Done {
    same("the status of the lead", LATER, status_after(on, call(1), to(LATER)).await?)
}

async fn won_and_lost_are_everywhere(on: &Instance) -> Done {
    for (pipeline, number) in [(MAIN, 1), (SECOND, 2)] {
        for (status, step) in [(StatusId::WON, 0), (StatusId::LOST, 10)] {
            let receipt =
                add(&on.sorter, Draft { pipeline_id: Some(pipeline), ..call(number + step) }).await?;
            let (id, ..) = links(on, &receipt.uid).await?;
            on.sorter.incoming.accept(&receipt.uid, &to(status)).await?;
            let lead = lead(on, id).await?;
            same("the status of the lead", status, lead.status_id)?;
            holds("the lead is closed", lead.closed_at.is_some())?;
        }
    }
    Ok(())
}

/// The accept is refused for these faults, and the lead waits on.
async fn refused(on: &Instance, uid: &Uid, accept: Accept, faults: &[(FaultCode, &str)]) -> Done {
    faulty(faults, on.sorter.incoming.accept(uid, &accept).await)?;
    holds("it waits on", waits(&on.viewer, uid).await?)
}

async fn unsorted_is_no_status(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    refused(on, &uid, to(MAIN_UNSORTED), &[(FaultCode::NotSupportedChoice, "status_id")]).await
}

async fn foreign_status_is_refused(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let unknown = StatusId::new(1999).expect("1999 is an id");
    for status in [SECOND_FIRST, unknown] {
        refused(on, &uid, to(status), &[(FaultCode::NotSupportedChoice, "status_id")]).await?;
    }
    Ok(())
}

/// Accepts a new call as the sorter, and compares who made its lead, contact and company.
async fn created_by(on: &Instance, user_id: Option<UserId>, expected: UserId) -> Done {
    let receipt = add(&on.administrator, call(1)).await?;
    let (lead_id, contact_id, company_id) = links(on, &receipt.uid).await?;
    on.sorter.incoming.accept(&receipt.uid, &Accept { user_id, status_id: None }).await?;
    same("the creator of the lead", Some(expected), lead(on, lead_id).await?.stamp.created_by)?;
    same("the creator of the contact", Some(expected), contact(on, contact_id).await?.stamp.created_by)?;
    same("the creator of the company", Some(expected), company(on, company_id).await?.stamp.created_by)
}

async fn caller_becomes_the_creator(on: &Instance) -> Done {
    created_by(on, None, SORTER).await
}

async fn named_user_becomes_the_creator(on: &Instance) -> Done {
    created_by(on, Some(VIEWER), VIEWER).await
}

async fn any_active_user_can_be_named(on: &Instance) -> Done {
    for (user, number) in [(ADMINISTRATOR, 1), (SORTER, 2), (VIEWER, 3)] {
        let uid = add(&on.sorter, call(number)).await?.uid;
        let accept = Accept { user_id: Some(user), status_id: None };
        on.sorter.incoming.accept(&uid, &accept).await?;
        holds("it waits no longer", !waits(&on.viewer, &uid).await?)?;
    }
    Ok(())
}

async fn other_users_are_refused(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let unknown = UserId::new(99).expect("99 is an id");
    for user in [unknown, INACTIVE, STRANGER] {
        let accept = Accept { user_id: Some(user), status_id: None };
        refused(on, &uid, accept, &[(FaultCode::NotSupportedChoice, "user_id")]).await?;
    }
    Ok(())
}

async fn all_faults_are_told(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let accept = Accept { user_id: Some(INACTIVE), status_id: Some(MAIN_UNSORTED) };
    let code = FaultCode::NotSupportedChoice;
    refused(on, &uid, accept, &[(code, "user_id"), (code, "status_id")]).await
}

async fn entities_become_visible(on: &Instance) -> Done {
    let receipt = add(&on.sorter, call(1)).await?;
    let (lead_id, contact_id, company_id) = links(on, &receipt.uid).await?;
    on.sorter.incoming.accept(&receipt.uid, &Accept::default()).await?;
    holds("the lead is flagged no longer", !lead(on, lead_id).await?.is_unsorted)?;
    same("whether lists show contact and company", [true, true], shown(on, contact_id, company_id).await?)
}

async fn lead_keeps_its_id(on: &Instance) -> Done {
    let added = add(&on.sorter, call(1)).await?;
    let (id, ..) = links(on, &added.uid).await?;
    let Receipt { leads, .. } = on.sorter.incoming.accept(&added.uid, &Accept::default()).await?;
    told("the lead of the receipt", vec![id], leads)
}

async fn receipt_tells_creation(on: &Instance) -> Done {
    let past = Moment::from_secs(1_500_000_000).expect("a moment of 2017");
    let uid = add(&on.sorter, at(call(1), past)).await?.uid;
    let receipt = on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    told("created_at", past, receipt.created_at)?;
    told("the account", on.account, receipt.account_id)?;
    told("the category", Category::Sip, receipt.category)?;
    told("the pipeline", MAIN, receipt.pipeline_id)
}

async fn wanted_call_note(on: &Instance) -> Done {
    let draft = with_call(call(1), |call| call.call_event = Some(CallEvent::Text("Call back".to_owned())));
    let notes = notes_after(on, draft).await?;
    same("the kinds of notes", vec!["call_in"; 2], notes.iter().map(|note| note.kind.as_str()).collect())?;
    for note in &notes {
        same("the text of the note", Some(&json!("Call back")), note.params.get("text"))?;
        same("who wrote it", Some(SORTER), note.created_by)?;
        same("the length of the call", Some(&json!(30)), note.params.get("duration"))?;
    }
    Ok(())
}

async fn unwanted_call_note(on: &Instance) -> Done {
    for (number, wish) in [(1, None), (2, Some(CallEvent::Unwanted))] {
        let draft = with_call(call(number), |call| call.call_event = wish);
        same("the number of notes", 0, notes_after(on, draft).await?.len())?;
    }
    Ok(())
}

/// The notes on lead and contact of a call that was added and accepted.
async fn notes_after(on: &Instance, draft: Draft) -> Result<Vec<incoming_leads_model::Note>, Failure> {
    let uid = add(&on.sorter, at(draft, START)).await?.uid;
    let (lead, contact, _) = links(on, &uid).await?;
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    let page = PageRequest::default();
    let mut notes = directory(on)?.notes(EntityRef::Lead(lead), page).await?.items;
    let of_contact = directory(on)?.notes(EntityRef::Contact(contact), page).await?.items;
    let mut ids: Vec<_> = notes.iter().chain(&of_contact).map(|note| note.id).collect();
    ids.sort();
    ids.dedup();
    same("that each note has an id of its own", notes.len() + of_contact.len(), ids.len())?;
    notes.extend(of_contact);
    Ok(notes)
}
