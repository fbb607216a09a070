//! Every answer that is not the expected one becomes an error that says what it is.

use incoming_leads_http_v2::Reconciliation;
use incoming_leads_model::{Accept, Add, FaultCode, ListQuery, Refusal, Right};
use incoming_leads_port::{Error, ErrorKind, IncomingLeads, Outcome};

use crate::{Script, builder, call, say, uid};

async fn all(status: u16, body: &str) -> [Error; 3] {
    let over = builder().with_reconciliation(Reconciliation::OFF);
    let leads = over.over(Script::new([say(status, body)])).unwrap();
    [
        leads.add(&Add::calls(vec![call(1), call(2)])).await.unwrap_err(),
        leads.accept(&uid("u1"), &Accept::default()).await.unwrap_err(),
        leads.list(&ListQuery::default()).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn each_answer_has_its_kind_and_outcome() {
    use ErrorKind::{
        Blocked, Forbidden, Invalid, RateLimited, Timeout, Unauthorized, Unavailable, Unexpected, Unsupported,
    };
    let fail = |code: u32| format!(r#"{{"status":"fail","error":"no","error_code":{code}}}"#);
    let html = "<html>no</html>";
    for (status, body, kind, outcome) in [
        (400, fail(400), Invalid, Outcome::NotApplied),
        (400, fail(244), Forbidden, Outcome::NotApplied),
        (200, fail(244), Forbidden, Outcome::NotApplied),
        (200, fail(400), Invalid, Outcome::NotApplied),
        (200, fail(500), Unavailable, Outcome::Unknown),
        (401, fail(110), Unauthorized, Outcome::NotApplied),
        (401, String::new(), Unauthorized, Outcome::NotApplied),
        (
            200,
            r#"{"response":{"error":"no","error_code":"101"}}"#.to_owned(),
            Unauthorized,
            Outcome::NotApplied,
        ),
        (403, fail(113), Blocked, Outcome::NotApplied),
        (403, html.to_owned(), Blocked, Outcome::NotApplied),
        (402, html.to_owned(), Blocked, Outcome::NotApplied),
        (404, fail(404), Unexpected, Outcome::NotApplied),
        (404, html.to_owned(), Unexpected, Outcome::NotApplied),
        (405, fail(405), Unexpected, Outcome::NotApplied),
        (413, html.to_owned(), Invalid, Outcome::NotApplied),
        (429, html.to_owned(), RateLimited, Outcome::NotApplied),
        (501, fail(501), Unsupported, Outcome::NotApplied),
        (307, String::new(), Unexpected, Outcome::NotApplied),
        (302, String::new(), Unexpected, Outcome::Unknown),
        (408, String::new(), Timeout, Outcome::Unknown),
        (500, fail(500), Unavailable, Outcome::Unknown),
        (503, fail(503), Unavailable, Outcome::Unknown),
        (502, html.to_owned(), Unavailable, Outcome::Unknown),
        (200, html.to_owned(), Unexpected, Outcome::Unknown),
        (200, "{}".to_owned(), Unexpected, Outcome::Unknown),
    ] {
        let [add, accept, list] = all(status, &body).await;
        for error in [&add, &accept, &list] {
            assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        }
        assert_eq!((add.outcome(), accept.outcome()), (outcome, outcome), "{status} {body}");
        assert_eq!(list.outcome(), Outcome::NotApplied, "a question is never applied");
    }
}

#[tokio::test]
async fn no_content_is_an_empty_list_and_no_answer_to_a_command() {
    let leads = builder().with_reconciliation(Reconciliation::OFF).over(Script::new([say(204, "")])).unwrap();
    assert!(leads.list(&ListQuery::default()).await.unwrap().items.is_empty());
    let lost = leads.accept(&uid("u1"), &Accept::default()).await.unwrap_err();
    assert_eq!((lost.kind(), lost.outcome()), (ErrorKind::Unexpected, Outcome::Unknown));
}

#[tokio::test]
async fn created_is_a_success() {
    let (leads, _) = crate::before([say(201, r#"{"status":"success","data":["u1"]}"#)]);
    assert_eq!(leads.add(&Add::calls(vec![call(1)])).await.unwrap()[0].uid, uid("u1"));
}

#[tokio::test]
async fn refusals_are_the_models_again() {
    let [add, accept, _] = all(403, r#"{"status":"fail","error":"no","error_code":244}"#).await;
    assert_eq!(add.refusal(), Some(&Refusal::Forbidden(Right::Add)));
    assert_eq!(accept.refusal(), Some(&Refusal::Forbidden(Right::Sort)));
    let [_, accept, list] = all(404, r#"{"status":"fail","error":"no","error_code":2002}"#).await;
    assert_eq!(accept.refusal(), Some(&Refusal::NotFound(uid("u1"))));
    assert_eq!((list.kind(), list.refusal()), (ErrorKind::NotFound, None));

    let faulty = r#"{"status":"fail","error":"no","error_code":400,"faults":[
        {"code":"NotSupportedChoice","path":"add.1.pipeline_id","detail":"no"},
        {"code":"Duplicate","path":"add.0.incoming_lead_info","detail":"no","uid":"there"}]}"#;
    let [add, accept, _] = all(400, faulty).await;
    let Some(Refusal::Items(items)) = add.refusal() else { panic!("{add:?}") };
    assert_eq!((items[0].index, items[0].faults[0].code), (0, FaultCode::Duplicate));
    assert_eq!(items[0].faults[0].existing, Some(uid("there")));
    assert_eq!((items[1].index, items[1].faults[0].path.to_string()), (1, "pipeline_id".to_owned()));
    assert!(matches!(accept.refusal(), Some(Refusal::Invalid(faults)) if faults.len() == 2));

    for fault in [
        r#"{"code":"TooLong","path":"add.9.x","detail":"no"}"#,
        r#"{"code":"Odd","path":"add.0.x","detail":"no"}"#,
    ] {
        let [add, ..] =
            all(400, &format!(r#"{{"status":"fail","error":"no","error_code":400,"faults":[{fault}]}}"#))
                .await;
        assert_eq!((add.kind(), add.refusal()), (ErrorKind::Invalid, None), "{fault}");
    }
}

#[tokio::test]
async fn an_answer_about_another_uid_is_none() {
    let [_, accept, _] = all(200, r#"{"status":"success","data":{"other":{"leads":[1]}}}"#).await;
    assert_eq!((accept.kind(), accept.outcome()), (ErrorKind::Unexpected, Outcome::Unknown));
}

#[tokio::test]
async fn what_a_server_says_is_shortened() {
    let long = format!(r#"{{"status":"fail","error":"{}","error_code":400}}"#, "x".repeat(100_000));
    assert!(all(400, &long).await.iter().all(|error| error.to_string().len() < 1000));
}
