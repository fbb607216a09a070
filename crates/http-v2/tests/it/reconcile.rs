//! What became of a write whose answer was lost: found out where v2 has evidence, else unknown.

use std::sync::Arc;

use incoming_leads_http_v2::HttpV2;
use incoming_leads_model::{Accept, Add, Category, Decline, DuplicatePolicy, ListQuery, Metadata, Refusal};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, Outcome};

use crate::{Say, Script, before, builder, call, say, uid};

const NOTHING: &str = r#"{"status":"fail","error":"no","error_code":2002}"#;

fn is_unknown(error: &Error) -> bool {
    error.outcome() == Outcome::Unknown && error.to_string().contains("nobody can tell")
}

/// A list with a call like that of `call(number)`.
fn listed(uid: &str, number: u64) -> String {
    format!(
        r#"{{"_embedded":{{"items":[{{"uid":"{uid}","category":"sip","source_name":"PBX","created_at":9,
            "incoming_lead_info":{{"from":"{number}","date":7}}}}]}}}}"#
    )
}

#[tokio::test]
async fn a_lost_decision_is_sent_again_while_it_waits() {
    let done = r#"{"status":"success","data":{"u1":{"leads":[5]}}}"#;
    let (leads, script) = before([Say::Lost, say(502, ""), say(200, done)]);
    let receipt = leads.accept(&uid("u1"), &Accept::default()).await.unwrap();
    assert_eq!((receipt.leads.unwrap()[0].get(), script.asked().len()), (5, 3));
    let (leads, _) = before([Say::Lost, say(200, r#"{"status":"success","data":{"u1":false}}"#)]);
    assert_eq!(leads.decline(&uid("u1"), &Decline::default()).await.unwrap().uid, uid("u1"));
}

#[tokio::test]
async fn a_lost_decision_on_what_waits_no_longer_stays_unknown() {
    let (leads, _) = before([Say::Lost, say(404, NOTHING)]);
    let error = leads.accept(&uid("u1"), &Accept::default()).await.unwrap_err();
    assert!(is_unknown(&error), "{error}");
    // Without a lost answer it is a plain refusal.
    let (leads, _) = before([say(404, NOTHING)]);
    let error = leads.accept(&uid("u1"), &Accept::default()).await.unwrap_err();
    let refusal = Refusal::NotFound(uid("u1"));
    assert_eq!((error.outcome(), error.refusal()), (Outcome::NotApplied, Some(&refusal)));
}

#[tokio::test]
async fn a_server_that_stays_away_leaves_it_unknown() {
    let (leads, script) = before([Say::Lost]);
    let error = leads.decline(&uid("u1"), &Decline::default()).await.unwrap_err();
    assert!(is_unknown(&error), "{error}");
    assert_eq!(script.asked().len(), 5);
}

#[tokio::test]
async fn a_lost_add_is_found_among_what_came_last() {
    let (leads, script) = before([Say::Lost, say(200, &listed("u1", 1))]);
    let receipts = leads.add(&Add::calls(vec![call(1)])).await.unwrap();
    assert_eq!((&receipts[0].uid, script.asked().len()), (&uid("u1"), 2));
}

#[tokio::test]
async fn what_was_there_before_is_not_what_was_added() {
    let (leads, _) = before([say(200, &listed("u1", 1)), Say::Lost, say(200, &listed("u1", 1))]);
    leads.list(&ListQuery::default()).await.unwrap();
    let error = leads.add(&Add::calls(vec![call(1)])).await.unwrap_err();
    assert!(is_unknown(&error), "{error}");
    let (leads, _) = before([Say::Lost, say(200, &listed("u1", 2))]);
    assert!(is_unknown(&leads.add(&Add::calls(vec![call(1)])).await.unwrap_err()));
}

#[tokio::test]
async fn an_item_without_its_moment_cannot_be_found() {
    let (leads, script) = before([Say::Lost]);
    let mut draft = call(1);
    draft.metadata = Some(Metadata::empty(Category::Sip));
    assert!(is_unknown(&leads.add(&Add::calls(vec![draft])).await.unwrap_err()));
    assert_eq!(script.asked().len(), 1);
}

fn refusing(answers: impl IntoIterator<Item = Say>) -> (HttpV2, Arc<Script>) {
    let script = Script::new(answers);
    (builder().with_duplicates(DuplicatePolicy::Refuse).over(Arc::clone(&script)).unwrap(), script)
}

#[tokio::test]
async fn where_duplicates_are_refused_it_is_sent_again() {
    let add = Add::calls(vec![call(1)]);
    let added = r#"{"status":"success","data":["u1"]}"#;
    let (leads, script) = refusing([Say::Lost, say(204, ""), say(200, added)]);
    assert_eq!(leads.add(&add).await.unwrap()[0].uid, uid("u1"));
    assert_eq!(script.asked().len(), 3);

    let fault = |code: &str, uid: &str| {
        format!(
            r#"{{"status":"fail","error":"no","error_code":400,"faults":[
                {{"code":"{code}","path":"add.0.incoming_lead_info","detail":"no","uid":"{uid}"}}]}}"#
        )
    };
    let (leads, _) = refusing([Say::Lost, say(204, ""), say(400, &fault("Duplicate", "u1"))]);
    assert_eq!(leads.add(&add).await.unwrap()[0].uid, uid("u1"));
    let two = Add::calls(vec![call(1), call(2)]);
    let (leads, _) = refusing([Say::Lost, say(204, ""), say(400, &fault("Duplicate", "u1"))]);
    assert!(is_unknown(&leads.add(&two).await.unwrap_err()));

    let (leads, _) = refusing([Say::Lost, say(204, ""), say(400, &fault("TooLong", ""))]);
    let error = leads.add(&add).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
    // Known before the add began: whoever added it, this add was refused.
    let before = [say(200, &listed("u1", 2)), Say::Lost, say(204, ""), say(400, &fault("Duplicate", "u1"))];
    let (leads, _) = refusing(before);
    leads.list(&ListQuery::default()).await.unwrap();
    assert_eq!(leads.add(&add).await.unwrap_err().outcome(), Outcome::NotApplied);
}
