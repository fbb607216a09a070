//! Probes that add leads of their own, and decline or accept them.

use std::collections::BTreeSet;

use futures_util::future::join;
use incoming_leads_model::{
    Accept, CallEvent, Card, ContactDraft, Decline, Direction, Draft, EntityRef, FieldId, FieldRef,
    FieldValue, FieldValues, LeadId, Link, LinkTarget, ListFilter, ListQuery, Metadata, Moment, Order,
    OrderKey, PageRequest, PipelineId, Receipt, StatusId, StatusKind, SummaryQuery, UserId, Window,
};
use incoming_leads_port::{EntityQuery, ErrorKind};

use crate::failure::{Failure, same, some, told};
use crate::survey::ask::it_holds;
use crate::survey::ground::{Asked, Ground, LONG_AGO, Trouble, batch, moment, refused};
use crate::survey::{Probe, probe};

pub(super) const PROBES: &[Probe] = &[
    probe!(Bin, "add"::call_waits, R3, "A call that was added waits, with the metadata and the moment that were sent."),
    probe!(Bin, "add"::form_waits, R3, "A form that was added waits, with the metadata and the moment that were sent."),
    probe!(Bin, "add"::receipts_stand_in_order, R5, "The receipts of a batch stand in the order of its items."),
    probe!(Bin, "add"::lead_is_made_at_once, R3, "The lead is made at once, in the unsorted status of the main pipeline."),
    probe!(Bin, "add"::contact_is_hidden, R3, "The contact is made at once, and hidden while its lead waits."),
    probe!(Bin, "add"::empty_batch_is_refused, R5, "A batch without items is refused."),
    probe!(Bin, "add"::one_bad_item_refuses_all, R5, "A batch with one bad item is refused as a whole."),
    probe!(Bin, "add"::sources_are_required, R4, "source_name and source_uid are required."),
    probe!(Bin, "add"::unknown_pipeline_is_refused, R3, "A pipeline that does not exist is refused."),
    probe!(Bin, "add"::nul_is_refused, R15, "A text with a NUL is refused."),
    probe!(Bin, "add"::unknown_field_is_refused, R16, "A custom field that does not exist is refused."),
    probe!(Bin, "duplicates"::identical_call_is_refused, R6, "A call that waits already is refused, and the refusal names it."),
    probe!(Bin, "duplicates"::identical_form_is_refused, R6, "A form that waits already is refused, and the refusal names it."),
    probe!(Bin, "duplicates"::batch_counts_against_itself, R6, "A batch with the same call twice is refused."),
    probe!(Bin, "duplicates"::another_moment_is_another_call, R6, "A call of another moment is another call."),
    probe!(Bin, "duplicates"::decided_do_not_count, R6, "What was declined may be added again."),
    probe!(Bin, "list"::ties_by_uid, R13, "Leads of one second stand by uid; descending reverses the uid too."),
    probe!(Bin, "decline"::moves_to_the_bin, R9, "Decline moves the lead to the bin and does not erase it."),
    probe!(Bin, "once"::declined_is_gone, R7, "What was declined is not found by any command and any reading."),
    probe!(Bin, "once"::one_of_two_declines_wins, R7, "Of two declines at once exactly one succeeds."),
    probe!(Bin, "decline"::unknown_user_is_refused, R7, "A user who does not exist cannot be named, and the lead waits on."),
    probe!(Bin, "once"::unknown_uid_is_not_found, R7, "No command finds a uid that nobody has."),
    probe!(Bin, "link"::calls_are_not_linked, R10, "A call cannot be linked, and waits on."),
    probe!(Bin, "summary"::counts_adds_and_declines, R12, "A summary of uids counts the add and the decline, also when it is decided."),
    probe!(Bin, "summary"::decisions_count_when_made, R12, "An add counts when the lead came to be, a decision when it was made."),
    probe!(Accept, "accept"::goes_to_the_first_status, R8, "Accept moves the lead to the first status after unsorted; its id stays."),
    probe!(Accept, "accept"::shows_the_contact, R8, "Accept shows the contact."),
    probe!(Accept, "accept"::notes_the_call, R8, "A wanted call note is put on the lead."),
    probe!(Accept, "once"::accepted_is_gone, R7, "What was accepted is not found by any command and any reading."),
    probe!(Accept, "accept"::unsorted_status_is_refused, R8, "The unsorted status cannot be chosen, and the lead waits on."),
    probe!(Accept, "accept"::unknown_status_is_refused, R8, "A status that does not exist cannot be chosen, and the lead waits on."),
    probe!(Accept, "summary"::counts_accepts, R12, "A summary of uids counts the accept."),
];

/// The largest id: nothing has it.
fn nowhere<I: TryFrom<u64>>() -> I {
    let Ok(id) = I::try_from(incoming_leads_model::limits::MAX_SAFE_INTEGER) else {
        unreachable!("2^53 - 1 is an id")
    };
    id
}

fn lead_of(receipt: &Receipt) -> Result<LeadId, Trouble> {
    let id = receipt.leads.iter().flatten().next().copied();
    id.ok_or_else(|| Trouble::NotAsked("the receipt does not tell the lead".to_owned()))
}

async fn comes_back(on: &Ground, draft: Draft) -> Asked {
    let (metadata, created_at) = (draft.metadata.clone(), draft.created_at);
    let receipt = on.add_one(draft).await?;
    told("the moment in the receipt", created_at, receipt.created_at.map(Some))?;
    let lead = some("it by its uid", on.get(&receipt.uid).await?)?;
    same("its moment", created_at, Some(lead.created_at))?;
    Ok(same("its metadata", metadata, Some(lead.metadata))?)
}

async fn call_waits(on: &Ground) -> Asked {
    comes_back(on, on.call()).await
}

async fn form_waits(on: &Ground) -> Asked {
    comes_back(on, on.form()).await
}

async fn receipts_stand_in_order(on: &Ground) -> Asked {
    let drafts = [on.form(), on.form(), on.form()];
    let receipts = on.add(&batch(drafts.to_vec())).await?;
    same("how many receipts there are", drafts.len(), receipts.len())?;
    for (draft, receipt) in drafts.into_iter().zip(receipts) {
        let lead = some("it by its uid", on.get(&receipt.uid).await?)?;
        same("its metadata", draft.metadata, Some(lead.metadata))?;
    }
    Ok(())
}

async fn lead_is_made_at_once(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    let lead = on.lead(lead_of(&receipt)?).await?;
    let layout = on.look(on.directory()?.layout()).await?;
    let main = some("the main pipeline", layout.pipelines.iter().find(|pipeline| pipeline.is_main))?;
    let unsorted = main.statuses.iter().find(|status| status.kind == StatusKind::Unsorted);
    let place = (main.id, unsorted.map(|status| status.id));
    Ok(same("its pipeline and status", place, (lead.pipeline_id, Some(lead.status_id)))?)
}

async fn is_contact_shown(on: &Ground, lead: LeadId) -> Result<bool, Trouble> {
    let contacts = on.lead(lead).await?.contacts;
    if contacts.is_empty() {
        return Err(Trouble::NotAsked("the lead does not tell its contact".to_owned()));
    }
    let found = on.look(on.directory()?.contacts(&EntityQuery::with_ids(contacts))).await?.items;
    let contact = some("the contact by its id", found.first())?;
    Ok(!contact.is_unsorted)
}

async fn contact_is_hidden(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    it_holds("the contact is hidden", !is_contact_shown(on, lead_of(&receipt)?).await?)
}

async fn empty_batch_is_refused(on: &Ground) -> Asked {
    refused(ErrorKind::Invalid, on.add(&batch(Vec::new())).await).map(drop)
}

async fn one_bad_item_refuses_all(on: &Ground) -> Asked {
    let (good, bad) = (on.call(), Draft { source_uid: None, ..on.call() });
    let before = on.summary(&of_calls_long_ago()).await?.total;
    refused(ErrorKind::Invalid, on.add(&batch(vec![good.clone(), bad])).await)?;
    let after = on.summary(&of_calls_long_ago()).await?.total;
    Ok(same("how many came in the second of the batch", before, after)?)
}

/// The second in which all items of surveys came to be.
fn of_calls_long_ago() -> SummaryQuery {
    let window = Window::new(moment(LONG_AGO), moment(LONG_AGO)).expect("a moment is a window");
    SummaryQuery { window, ..SummaryQuery::default() }
}

async fn sources_are_required(on: &Ground) -> Asked {
    for draft in [Draft { source_uid: None, ..on.call() }, Draft { source_name: None, ..on.call() }] {
        refused(ErrorKind::Invalid, on.add(&batch(vec![draft])).await)?;
    }
    Ok(())
}

async fn unknown_pipeline_is_refused(on: &Ground) -> Asked {
    let draft = Draft { pipeline_id: Some(nowhere::<PipelineId>()), ..on.call() };
    refused(ErrorKind::Invalid, on.add(&batch(vec![draft])).await).map(drop)
}

async fn nul_is_refused(on: &Ground) -> Asked {
    let mut draft = on.form();
    if let Some(Metadata::Forms(form)) = &mut draft.metadata {
        form.form_name = Some("a\0b".to_owned());
    }
    refused(ErrorKind::Invalid, on.add(&batch(vec![draft])).await).map(drop)
}

async fn unknown_field_is_refused(on: &Ground) -> Asked {
    let mut draft = on.call();
    let value = FieldValue { value: "text".into(), ..FieldValue::default() };
    let unknown = FieldValues { field: FieldRef::Id(nowhere::<FieldId>()), values: vec![value] };
    let card = Card { custom_fields: vec![unknown], ..Card::default() };
    draft.contacts = vec![ContactDraft { card, ..ContactDraft::default() }];
    refused(ErrorKind::Invalid, on.add(&batch(vec![draft])).await).map(drop)
}

async fn twin_is_refused(on: &Ground, draft: Draft) -> Asked {
    let first = on.add_one(draft.clone()).await?;
    let error = refused(ErrorKind::Invalid, on.add(&batch(vec![draft])).await)?;
    // What a transport does not tell is not compared.
    let is_named = error.refusal().is_none() || error.to_string().contains(first.uid.as_str());
    it_holds("the refusal names the uid of what waits", is_named)
}

async fn identical_call_is_refused(on: &Ground) -> Asked {
    twin_is_refused(on, on.call()).await
}

async fn identical_form_is_refused(on: &Ground) -> Asked {
    twin_is_refused(on, on.form()).await
}

async fn batch_counts_against_itself(on: &Ground) -> Asked {
    let call = on.call();
    refused(ErrorKind::Invalid, on.add(&batch(vec![call.clone(), call])).await).map(drop)
}

async fn another_moment_is_another_call(on: &Ground) -> Asked {
    let first = on.call();
    let mut second = first.clone();
    if let Some(Metadata::Sip(call)) = &mut second.metadata {
        call.called_at = Some(moment(LONG_AGO + 1));
    }
    on.add_one(first).await?;
    on.add_one(second).await.map(drop)
}

async fn decided_do_not_count(on: &Ground) -> Asked {
    let call = on.call();
    let first = on.add_one(call.clone()).await?;
    on.decline(&first.uid, &Decline::default()).await?;
    let second = on.add_one(call).await?;
    it_holds("the second has a uid of its own", second.uid != first.uid)
}

async fn ties_by_uid(on: &Ground) -> Asked {
    let receipts = on.add(&batch(vec![on.call(), on.call(), on.call(), on.call()])).await?;
    let uids: BTreeSet<_> = receipts.into_iter().map(|receipt| receipt.uid).collect();
    let query = |direction| ListQuery {
        filter: ListFilter { uids: Some(uids.iter().cloned().collect()), ..ListFilter::default() },
        order: Order { key: OrderKey::CreatedAt, direction },
        page: PageRequest::default(),
        ..ListQuery::default()
    };
    let up: Vec<_> =
        on.list(&query(Direction::Ascending)).await?.items.into_iter().map(|lead| lead.uid).collect();
    same("the uids, ascending", uids.iter().cloned().collect(), up)?;
    let down: Vec<_> =
        on.list(&query(Direction::Descending)).await?.items.into_iter().map(|lead| lead.uid).collect();
    Ok(same("the uids, descending", uids.iter().rev().cloned().collect(), down)?)
}

async fn moves_to_the_bin(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    let lead = lead_of(&receipt)?;
    on.directory()?;
    on.decline(&receipt.uid, &Decline::default()).await?;
    it_holds("the lead is in the bin", on.lead(lead).await?.stamp.is_deleted)
}

/// Nothing finds it any more.
async fn is_gone(on: &Ground, receipt: &Receipt) -> Asked {
    refused(ErrorKind::NotFound, on.decline(&receipt.uid, &Decline::default()).await)?;
    refused(ErrorKind::NotFound, on.accept(&receipt.uid, &Accept::default()).await)?;
    same("what is found by its uid", None, on.get(&receipt.uid).await?.map(|lead| lead.uid))?;
    Ok(same("how often it is listed", 0, on.waiting(std::slice::from_ref(&receipt.uid)).await?.len())?)
}

async fn declined_is_gone(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    on.decline(&receipt.uid, &Decline::default()).await?;
    is_gone(on, &receipt).await
}

async fn accepted_is_gone(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    on.accept(&receipt.uid, &Accept::default()).await?;
    is_gone(on, &receipt).await
}

async fn one_of_two_declines_wins(on: &Ground) -> Asked {
    let uid = on.add_one(on.call()).await?.uid;
    let decline = Decline::default();
    let both = join(on.decline(&uid, &decline), on.decline(&uid, &decline)).await;
    let lost = match both {
        (Ok(_), lost @ Err(_)) | (lost @ Err(_), Ok(_)) => lost,
        (Ok(_), Ok(_)) => {
            return Err(Failure::new("how many succeeded", "1", "2").into());
        }
        (Err(error), Err(_)) => return Err(error.into()),
    };
    refused(ErrorKind::NotFound, lost).map(drop)
}

async fn unknown_user_is_refused(on: &Ground) -> Asked {
    let uid = on.add_one(on.call()).await?.uid;
    let decline = Decline { user_id: Some(nowhere::<UserId>()) };
    refused(ErrorKind::Invalid, on.decline(&uid, &decline).await)?;
    it_holds("it waits", on.waits(&uid).await?)
}

async fn unknown_uid_is_not_found(on: &Ground) -> Asked {
    refused(ErrorKind::NotFound, on.accept(&on.unknown(), &Accept::default()).await)?;
    refused(ErrorKind::NotFound, on.decline(&on.unknown(), &Decline::default()).await).map(drop)
}

async fn calls_are_not_linked(on: &Ground) -> Asked {
    // A target of our own: whatever happens, nothing else is touched.
    let target = lead_of(&on.add_one(on.call()).await?)?;
    let uid = on.add_one(on.call()).await?.uid;
    let link = Link { target: LinkTarget::Lead(target), contact_id: None, user_id: None };
    refused(ErrorKind::Invalid, on.link(&uid, &link).await)?;
    it_holds("it waits", on.waits(&uid).await?)
}

fn of(receipt: &Receipt, window: Window) -> SummaryQuery {
    SummaryQuery { uids: Some(vec![receipt.uid.clone()]), window, ..SummaryQuery::default() }
}

async fn counts_adds_and_declines(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    let waits = on.summary(&of(&receipt, Window::ALL)).await?;
    same("came and accepted, while it waits", (1, 0), (waits.total, waits.accepted))?;
    told("declined, while it waits", 0, waits.declined)?;
    on.decline(&receipt.uid, &Decline::default()).await?;
    let decided = on.summary(&of(&receipt, Window::ALL)).await?;
    same("came and accepted, when it is declined", (1, 0), (decided.total, decided.accepted))?;
    Ok(told("declined, when it is declined", 1, decided.declined)?)
}

async fn decisions_count_when_made(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    on.decline(&receipt.uid, &Decline::default()).await?;
    let then = Window::new(moment(LONG_AGO), moment(LONG_AGO)).expect("a moment is a window");
    let then = on.summary(&of(&receipt, then)).await?;
    same("came in its own second", 1, then.total)?;
    told("declined in its own second", 0, then.declined)?;
    let since = Window::new(moment(LONG_AGO + 1), Moment::MAX).expect("the first is before the second");
    let since = on.summary(&of(&receipt, since)).await?;
    same("came since then", 0, since.total)?;
    Ok(told("declined since then", 1, since.declined)?)
}

async fn accepted(on: &Ground, draft: Draft) -> Result<(LeadId, Receipt), Trouble> {
    on.directory()?;
    let receipt = on.add_one(draft).await?;
    let lead = lead_of(&receipt)?;
    Ok((lead, on.accept(&receipt.uid, &Accept::default()).await?))
}

async fn goes_to_the_first_status(on: &Ground) -> Asked {
    let (id, receipt) = accepted(on, on.call()).await?;
    told("the lead in the receipt", vec![id], receipt.leads)?;
    let lead = on.lead(id).await?;
    let layout = on.look(on.directory()?.layout()).await?;
    let pipeline = some("its pipeline", layout.pipeline(lead.pipeline_id))?;
    let after = pipeline.statuses.iter().filter(|status| status.kind != StatusKind::Unsorted);
    let first = some("a status", after.min_by_key(|status| (status.sort, status.id)))?;
    same("whether it is in the bin", false, lead.stamp.is_deleted)?;
    Ok(same("its status", first.id, lead.status_id)?)
}

async fn shows_the_contact(on: &Ground) -> Asked {
    let (lead, _) = accepted(on, on.call()).await?;
    it_holds("the contact is shown", is_contact_shown(on, lead).await?)
}

async fn notes_the_call(on: &Ground) -> Asked {
    let mut draft = on.call();
    if let Some(Metadata::Sip(call)) = &mut draft.metadata {
        call.call_event = Some(CallEvent::Plain);
    }
    let (lead, _) = accepted(on, draft).await?;
    let page = PageRequest::new(1, 100).expect("100 is a page's size");
    let notes = on.look(on.directory()?.notes(EntityRef::Lead(lead), page)).await?.items;
    it_holds("the lead has a call_in note", notes.iter().any(|note| note.kind == "call_in"))
}

async fn unsorted_status_is_refused(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    let status_id = on.lead(lead_of(&receipt)?).await?.status_id;
    status_is_refused(on, &receipt, status_id).await
}

async fn unknown_status_is_refused(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    status_is_refused(on, &receipt, nowhere::<StatusId>()).await
}

async fn status_is_refused(on: &Ground, receipt: &Receipt, status_id: StatusId) -> Asked {
    let accept = Accept { user_id: None, status_id: Some(status_id) };
    refused(ErrorKind::Invalid, on.accept(&receipt.uid, &accept).await)?;
    it_holds("it waits", on.waits(&receipt.uid).await?)
}

async fn counts_accepts(on: &Ground) -> Asked {
    let receipt = on.add_one(on.call()).await?;
    on.accept(&receipt.uid, &Accept::default()).await?;
    let decided = on.summary(&of(&receipt, Window::ALL)).await?;
    same("came and accepted", (1, 1), (decided.total, decided.accepted))?;
    Ok(told("declined", 0, decided.declined)?)
}
