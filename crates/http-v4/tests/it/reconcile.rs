//! Writes whose answers are lost: looked for with evidence, and unknown where there is none.

use std::time::Duration;

use incoming_leads_conformance::fixture::{
    ADMINISTRATOR, CONTACT, CUSTOMER, FIRST, LATER, Named, SORTER, TARGET_LEAD,
};
use incoming_leads_http_v4::{HttpV4Builder, Reconciliation};
use incoming_leads_model::{
    Accept, Add, Category, Decline, DuplicatePolicy, LeadDraft, Link, LinkTarget, ListFilter, ListQuery,
    Metadata, Receipt, Uid,
};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, IncomingLeadsExt, Outcome};

use crate::world::{Fault, World, call};

use Fault::{AnswerLost, BadGateway, Cut, Lost, None as Arrives};

fn refuses(builder: HttpV4Builder) -> HttpV4Builder {
    builder.with_duplicates(DuplicatePolicy::Refuse)
}

fn plain(builder: HttpV4Builder) -> HttpV4Builder {
    builder
}

fn link_to(target: LinkTarget) -> Link {
    Link { target, contact_id: None, user_id: None }
}

async fn a_chat(world: &World) -> Uid {
    let filter = ListFilter { categories: Some(vec![Category::Chats]), ..ListFilter::default() };
    let query = ListQuery { filter, ..ListQuery::default() };
    world.behind(ADMINISTRATOR).await.incoming.list(&query).await.unwrap().items.swap_remove(0).uid
}

async fn calls(world: &World) -> Vec<Uid> {
    let filter = ListFilter { categories: Some(vec![Category::Sip]), ..ListFilter::default() };
    let query = ListQuery { filter, ..ListQuery::default() };
    let page = world.behind(ADMINISTRATOR).await.incoming.list(&query).await.unwrap();
    page.items.into_iter().map(|lead| lead.uid).collect()
}

/// It is answered as not found, surely without effect, because of somebody else.
#[track_caller]
fn lost_to_another(result: Result<Receipt, Error>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::NotFound, Outcome::NotApplied), "{error:?}");
}

#[track_caller]
fn stays_unknown<T: std::fmt::Debug>(result: Result<T, Error>, why: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    assert!(error.to_string().contains(why), "{error}");
}

#[tokio::test]
async fn an_add_whose_answer_is_lost_is_found_or_sent_again_and_never_doubled() {
    for set in [refuses, plain] {
        for fault in [AnswerLost, BadGateway, Cut] {
            let world = World::of(Named::Standard).await;
            let (leads, _) = world.leads(SORTER, &[fault], set);
            let receipts = leads.add(&Add::calls(vec![call(1), call(2)])).await.unwrap();
            let mut uids: Vec<_> = receipts.iter().map(|receipt| receipt.uid.clone()).collect();
            assert_eq!(receipts[0].leads.as_ref().map(Vec::len), Some(1));
            let first = leads.get(&uids[0]).await.unwrap().unwrap();
            assert!(matches!(&first.metadata, Metadata::Sip(call) if call.from.as_deref() == Some("1")));
            uids.sort();
            let mut there = calls(&world).await;
            there.sort();
            assert_eq!(there, uids, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_add_that_never_arrived_is_sent_again_only_where_duplicates_are_refused() {
    let world = World::of(Named::Standard).await;
    let (leads, lossy) = world.leads(SORTER, &[Lost, AnswerLost], refuses);
    leads.add_call(call(1)).await.unwrap();
    assert_eq!((calls(&world).await.len(), lossy.writes()), (1, 3));

    let world = World::of(Named::Lenient).await;
    let (leads, lossy) = world.leads(SORTER, &[Lost], plain);
    stays_unknown(leads.add_call(call(1)).await, "was not found among what waits");
    assert_eq!((calls(&world).await.len(), lossy.writes()), (0, 1));
}

#[tokio::test]
async fn a_lead_that_was_there_before_is_not_taken_for_what_was_added() {
    let world = World::of(Named::Standard).await;
    let (leads, _) = world.leads(SORTER, &[Arrives, Lost], refuses);
    leads.add_call(call(1)).await.unwrap();
    let error = leads.add_call(call(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));

    // Another says something else with the same identity; nobody told of it.
    let world = World::of(Named::Standard).await;
    let mut other = call(1);
    other.source_uid = Some("other".to_owned());
    world.behind(ADMINISTRATOR).await.incoming.add_call(other).await.unwrap();
    let (leads, _) = world.leads(SORTER, &[Lost], refuses);
    let error = leads.add_call(call(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
    assert_eq!(calls(&world).await.len(), 1);
}

#[tokio::test]
async fn where_duplicates_are_tagged_only_the_new_one_is_found() {
    let world = World::of(Named::Lenient).await;
    let (leads, _) = world.leads(SORTER, &[Arrives, AnswerLost], plain);
    let first = leads.add_call(call(1)).await.unwrap();
    let second = leads.add_call(call(1)).await.unwrap();
    assert_ne!(first.uid, second.uid);
    assert_eq!(calls(&world).await.len(), 2);
}

#[tokio::test]
async fn a_batch_of_which_some_was_decided_meanwhile_stays_unknown() {
    let world = World::of(Named::Standard).await;
    let behind = world.behind(ADMINISTRATOR).await.incoming;
    let receipts = behind.add(&Add::calls(vec![call(1), call(2)])).await.unwrap();
    behind.accept(&receipts[0].uid, &Accept::default()).await.unwrap();
    let (leads, _) = world.leads(SORTER, &[Lost], refuses);
    stays_unknown(leads.add(&Add::calls(vec![call(1), call(2)])).await, "some of it waits");
    assert_eq!(calls(&world).await.len(), 1);
}

#[tokio::test]
async fn a_call_without_its_moment_cannot_be_told_from_others() {
    let world = World::of(Named::Standard).await;
    let (leads, lossy) = world.leads(SORTER, &[AnswerLost], refuses);
    let mut timeless = call(1);
    if let Some(Metadata::Sip(call)) = &mut timeless.metadata {
        call.called_at = None;
    }
    stays_unknown(leads.add_call(timeless).await, "cannot be told from others");
    assert_eq!(lossy.writes(), 1);
}

#[tokio::test]
async fn what_is_refused_when_sent_again_was_refused_before() {
    let world = World::of(Named::Standard).await;
    let (leads, _) = world.leads(SORTER, &[AnswerLost], refuses);
    let error =
        leads.add_call(incoming_leads_model::Draft { source_uid: None, ..call(1) }).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
}

#[tokio::test]
async fn decisions_whose_answers_are_lost_are_ours_or_made_again() {
    for fault in [AnswerLost, BadGateway, Cut, Lost] {
        let world = World::of(Named::Standard).await;
        let faults = [Arrives, Arrives, fault, fault, fault, fault];
        let (leads, _) = world.leads(ADMINISTRATOR, &faults, plain);
        let accepted = leads.add_call(call(1)).await.unwrap();
        let declined = leads.add_call(call(2)).await.unwrap();
        let chats = [a_chat(&world).await];
        leads.get(&chats[0]).await.unwrap();

        let command = Accept { user_id: Some(SORTER), status_id: Some(LATER) };
        let receipt = leads.accept(&accepted.uid, &command).await.unwrap();
        assert_eq!((receipt.leads, receipt.uid), (accepted.leads, accepted.uid.clone()), "{fault:?}");
        leads.decline(&declined.uid, &Decline::default()).await.unwrap();
        let receipt = leads.link(&chats[0], &link_to(LinkTarget::Lead(TARGET_LEAD))).await.unwrap();
        assert_eq!(receipt.leads, Some(vec![TARGET_LEAD]), "{fault:?}");
        let receipt = leads.link(&a_chat(&world).await, &link_to(LinkTarget::Customer(CUSTOMER))).await;
        // Of this one nothing was told before; while it waits, it is told and made again.
        match fault {
            Lost => assert_eq!(receipt.unwrap().customers, Some(vec![CUSTOMER])),
            _ => stays_unknown(receipt, "before its lead was ever told of"),
        }
    }
}

#[tokio::test]
async fn a_contact_that_absorbs_is_evidence_of_a_link() {
    let world = World::of(Named::Standard).await;
    let (leads, _) = world.leads(ADMINISTRATOR, &[AnswerLost], plain);
    let chat = a_chat(&world).await;
    leads.get(&chat).await.unwrap();
    let link = Link { contact_id: Some(CONTACT), ..link_to(LinkTarget::Lead(TARGET_LEAD)) };
    assert_eq!(leads.link(&chat, &link).await.unwrap().contacts, Some(vec![CONTACT]));
}

/// What one user asks for is lost on its way, and meanwhile another has done something.
async fn meanwhile<F: Future>(
    asked: impl AsyncFnOnce(&dyn IncomingLeads, &Uid) -> Result<Receipt, Error>,
    done: impl FnOnce(std::sync::Arc<dyn IncomingLeads>, Uid) -> F,
    on: Category,
) -> Result<Receipt, Error> {
    let world = World::of(Named::Standard).await;
    let (leads, _) = world.leads(ADMINISTRATOR, &[Lost], plain);
    let behind = world.behind(if on == Category::Chats { ADMINISTRATOR } else { SORTER }).await.incoming;
    let uid = match on {
        Category::Chats => a_chat(&world).await,
        _ => behind.add_call(call(1)).await.unwrap().uid,
    };
    leads.get(&uid).await.unwrap();
    done(behind, uid.clone()).await;
    asked(&leads, &uid).await
}

#[tokio::test]
async fn another_decision_means_that_ours_was_not_made() {
    let accept = async |leads: &dyn IncomingLeads, uid: &Uid| leads.accept(uid, &Accept::default()).await;
    let decline = async |leads: &dyn IncomingLeads, uid: &Uid| leads.decline(uid, &Decline::default()).await;
    let link = async |leads: &dyn IncomingLeads, uid: &Uid| {
        leads.link(uid, &link_to(LinkTarget::Lead(TARGET_LEAD))).await
    };
    let accepted = async |by: std::sync::Arc<dyn IncomingLeads>, uid: Uid| {
        by.accept(&uid, &Accept::default()).await.unwrap();
    };
    let declined = async |by: std::sync::Arc<dyn IncomingLeads>, uid: Uid| {
        by.decline(&uid, &Decline::default()).await.unwrap();
    };
    let linked = async |by: std::sync::Arc<dyn IncomingLeads>, uid: Uid| {
        by.link(&uid, &link_to(LinkTarget::Customer(CUSTOMER))).await.unwrap();
    };
    use Category::{Chats, Sip};
    lost_to_another(meanwhile(accept, accepted, Sip).await);
    lost_to_another(meanwhile(accept, declined, Sip).await);
    lost_to_another(meanwhile(decline, accepted, Sip).await);
    lost_to_another(meanwhile(decline, declined, Sip).await);
    lost_to_another(meanwhile(decline, linked, Chats).await);
    lost_to_another(meanwhile(accept, linked, Chats).await);
    lost_to_another(meanwhile(link, accepted, Chats).await);
    lost_to_another(meanwhile(link, declined, Chats).await);
    lost_to_another(meanwhile(link, linked, Chats).await);
}

#[tokio::test]
async fn a_status_that_was_not_asked_for_leaves_it_open() {
    let accept = async |leads: &dyn IncomingLeads, uid: &Uid| {
        leads.accept(uid, &Accept { user_id: Some(SORTER), status_id: Some(FIRST) }).await
    };
    let accepted = async |by: std::sync::Arc<dyn IncomingLeads>, uid: Uid| {
        by.accept(&uid, &Accept { user_id: None, status_id: Some(LATER) }).await.unwrap();
    };
    stays_unknown(meanwhile(accept, accepted, Category::Sip).await, "changed since or by somebody else");
}

#[tokio::test]
async fn a_lead_that_was_there_before_is_no_evidence() {
    let world = World::of(Named::Standard).await;
    let (leads, _) = world.leads(ADMINISTRATOR, &[Arrives, AnswerLost], plain);
    let mut draft = call(1);
    draft.leads = vec![LeadDraft { id: Some(TARGET_LEAD), ..LeadDraft::default() }];
    let uid = leads.add_call(draft).await.unwrap().uid;
    stays_unknown(leads.accept(&uid, &Accept::default()).await, "was there before");
}

#[tokio::test]
async fn nothing_is_looked_for_when_that_is_switched_off() {
    let world = World::of(Named::Standard).await;
    let off = |builder: HttpV4Builder| builder.with_reconciliation(Reconciliation::OFF);
    let (leads, lossy) = world.leads(SORTER, &[Arrives, AnswerLost], off);
    let uid = leads.add_call(call(1)).await.unwrap().uid;
    stays_unknown(leads.accept(&uid, &Accept::default()).await, "could not be asked");
    assert_eq!(lossy.writes(), 2);
}

#[tokio::test]
async fn looking_ends_at_its_deadline() {
    let world = World::of(Named::Standard).await;
    let often = Reconciliation::default().with_rounds(1000).with_pause(Duration::from_secs(1));
    let set = |builder: HttpV4Builder| refuses(builder).with_reconciliation(often);
    let (leads, lossy) = world.leads(SORTER, &[Lost; 500], set);
    stays_unknown(leads.add_call(call(1)).await, "could not be asked");
    // Pauses of 1 + 2 + ... + 10 seconds fit into a minute.
    assert_eq!(lossy.writes(), 11);
}
