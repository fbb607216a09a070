//! Every answer that is not the expected one ends in a typed error, and none in a wrong success.

use std::time::Duration;

use http::HeaderValue;
use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::{
    Accept, Add, Decline, FaultCode, Link, LinkTarget, ListQuery, PageRequest, Refusal, Right, SummaryQuery,
    Uid,
};
use incoming_leads_port::{Directory, EntityQuery, Error, ErrorKind, IncomingLeads, Operation, Outcome};

use crate::world::{answer, before, call, html};

const HAL: &str = "application/hal+json";
const PROBLEM: &str = "application/problem+json";

fn uid() -> Uid {
    Uid::new("5af9dedb").unwrap()
}

/// What each operation answers.
async fn all(leads: &HttpV4) -> Vec<(Operation, Option<Error>)> {
    let link = Link { target: LinkTarget::Lead(7.try_into().unwrap()), contact_id: None, user_id: None };
    let page = PageRequest::default();
    vec![
        (Operation::List, leads.list(&ListQuery::default()).await.err()),
        (Operation::Get, leads.get(&uid()).await.err()),
        (Operation::Add, leads.add(&Add::calls(vec![call(1), call(2)])).await.err()),
        (Operation::Accept, leads.accept(&uid(), &Accept::default()).await.err()),
        (Operation::Decline, leads.decline(&uid(), &Decline::default()).await.err()),
        (Operation::Link, leads.link(&uid(), &link).await.err()),
        (Operation::Summary, leads.summary(&SummaryQuery::default()).await.err()),
        (Operation::Directory, leads.layout().await.err()),
        (Operation::Directory, leads.contacts(&EntityQuery::listed(page)).await.err()),
    ]
}

/// Every operation fails with this kind; writes with this outcome.
#[track_caller]
fn check(answered: Vec<(Operation, Option<Error>)>, kind: ErrorKind, of_writes: Outcome) {
    for (operation, error) in answered {
        let error = error.unwrap_or_else(|| panic!("{operation:?} took it for a success"));
        let outcome = if operation.writes() { of_writes } else { Outcome::NotApplied };
        assert_eq!((error.operation(), error.kind(), error.outcome()), (operation, kind, outcome), "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.len() < 4000 && !text.contains("<html>"), "{text}");
    }
}

#[tokio::test]
async fn html_in_the_place_of_json_is_no_success() {
    check(all(&before(html(200))).await, ErrorKind::Unexpected, Outcome::Unknown);
}

#[tokio::test]
async fn successes_without_sense_are_unexpected() {
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"0",
        b"\"x\"",
        b"{\"_embedded\":5}",
        b"\xff\xfe",
        b"{\"uid\":7}",
        b"[[[[[",
    ];
    for body in bodies {
        for kind in [HAL, "application/json; charset=utf-8", ""] {
            let leads = before(answer(200, kind, body));
            for (operation, error) in all(&leads).await {
                let Some(error) = error else {
                    // PHP writes an object without anything in it as an empty list.
                    assert_ne!(body, b"{");
                    assert!(!operation.writes(), "{operation:?} took {body:?} for a success");
                    continue;
                };
                assert_eq!(error.kind(), ErrorKind::Unexpected, "{operation:?} {body:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn no_content_where_some_is_due_is_unknown() {
    let leads = before(answer(204, "", ""));
    for (operation, error) in all(&leads).await {
        match operation {
            Operation::List | Operation::Get => assert!(error.is_none(), "nothing is there"),
            Operation::Directory => {}
            _ => {
                let error = error.unwrap_or_else(|| panic!("{operation:?} took it for a success"));
                let outcome = if operation.writes() { Outcome::Unknown } else { Outcome::NotApplied };
                assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unexpected, outcome));
            }
        }
    }
    assert!(leads.layout().await.is_err(), "there is always an account");
}

#[tokio::test]
async fn the_type_of_nothing_does_not_matter() {
    let leads = before(answer(204, "text/html; charset=UTF-8", ""));
    assert!(leads.list(&ListQuery::default()).await.unwrap().items.is_empty());
    assert!(leads.get(&uid()).await.unwrap().is_none());
    let error = leads.decline(&uid(), &Decline::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unexpected, Outcome::Unknown));
}

#[tokio::test]
async fn a_whole_answer_cut_anywhere_is_never_a_success() {
    let whole = br#"{"uid":"5af9dedb","pipeline_id":3,"category":"sip","created_at":1,"_embedded":{"leads":[{"id":4}]}}"#;
    assert!(before(answer(200, HAL, *whole)).accept(&uid(), &Accept::default()).await.is_ok());
    for length in 0..whole.len() {
        let leads = before(answer(200, HAL, &whole[..length]));
        let error = leads.accept(&uid(), &Accept::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unexpected, Outcome::Unknown), "{length}");
    }
}

#[tokio::test]
async fn an_answer_about_another_uid_is_no_success() {
    let other = br#"{"uid":"aaaa","category":"sip","pipeline_id":3,"created_at":1,"metadata":{}}"#;
    let leads = before(answer(200, HAL, *other));
    assert_eq!(leads.get(&uid()).await.unwrap_err().kind(), ErrorKind::Unexpected);
    let error = leads.decline(&uid(), &Decline::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unexpected, Outcome::Unknown));
}

#[tokio::test]
async fn blocks_and_limits_are_told_from_refusals() {
    check(all(&before(html(403))).await, ErrorKind::Blocked, Outcome::NotApplied);
    check(all(&before(answer(403, "", ""))).await, ErrorKind::Blocked, Outcome::NotApplied);
    check(all(&before(answer(402, "", ""))).await, ErrorKind::Blocked, Outcome::NotApplied);
    let mut limited = html(429);
    limited.headers_mut().insert("retry-after", HeaderValue::from_static("7"));
    let answered = all(&before(limited)).await;
    for (_, error) in &answered {
        assert_eq!(error.as_ref().and_then(Error::retry_after), Some(Duration::from_secs(7)));
        assert!(error.as_ref().is_some_and(Error::is_retryable));
    }
    check(answered, ErrorKind::RateLimited, Outcome::NotApplied);
}

#[tokio::test]
async fn what_nobody_can_tell_is_unknown() {
    for status in [500, 502, 503, 504] {
        check(all(&before(html(status))).await, ErrorKind::Unavailable, Outcome::Unknown);
        let problem =
            format!(r#"{{"title":"Error","status":{status},"detail":"An unknown error occurred."}}"#);
        check(all(&before(answer(status, PROBLEM, problem))).await, ErrorKind::Unavailable, Outcome::Unknown);
    }
    check(all(&before(answer(408, "", ""))).await, ErrorKind::Timeout, Outcome::Unknown);
    check(all(&before(answer(501, "", ""))).await, ErrorKind::Unsupported, Outcome::NotApplied);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_where_to() {
    for (status, outcome) in [(301, Outcome::Unknown), (302, Outcome::Unknown), (308, Outcome::NotApplied)] {
        let mut redirect = html(status);
        let to = HeaderValue::from_static("https://evil.example/api?token=secret");
        redirect.headers_mut().insert("location", to);
        let answered = all(&before(redirect)).await;
        for (_, error) in &answered {
            let text = error.as_ref().unwrap().to_string();
            assert!(text.contains("https://evil.example/api,") && !text.contains("secret"), "{text}");
        }
        check(answered, ErrorKind::Unexpected, outcome);
    }
}

#[tokio::test]
async fn a_wrong_address_is_no_lead_that_is_not_there() {
    for status in [404, 405, 421] {
        let answered = all(&before(html(status))).await;
        assert!(
            answered.iter().all(|(_, error)| error.as_ref().unwrap().to_string().contains("base address"))
        );
        check(answered, ErrorKind::Unexpected, Outcome::NotApplied);
    }
    for body in ["", r#"{"title":"Not Found","status":404}"#] {
        let leads = before(answer(404, PROBLEM, body));
        assert_eq!(leads.get(&uid()).await.unwrap(), None);
        let error = leads.accept(&uid(), &Accept::default()).await.unwrap_err();
        assert_eq!(error.refusal(), Some(&Refusal::NotFound(uid())));
        assert_eq!(leads.list(&ListQuery::default()).await.unwrap_err().kind(), ErrorKind::Unexpected);
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_by_the_operation() {
    let forbidden = r#"{"title":"Forbidden","status":403,"detail":"no"}"#;
    let answered = all(&before(answer(403, PROBLEM, forbidden))).await;
    for (operation, error) in &answered {
        let right = match operation {
            Operation::Add => Right::Add,
            Operation::Accept | Operation::Decline => Right::Sort,
            Operation::Link => Right::Administrate,
            _ => Right::View,
        };
        assert_eq!(error.as_ref().unwrap().refusal(), Some(&Refusal::Forbidden(right)));
    }
    check(answered, ErrorKind::Forbidden, Outcome::NotApplied);
    let header = r#"{"title":"Access denied","status":403,"detail":"You need an authorization header"}"#;
    check(all(&before(answer(403, PROBLEM, header))).await, ErrorKind::Unauthorized, Outcome::NotApplied);
    check(all(&before(answer(401, "", ""))).await, ErrorKind::Unauthorized, Outcome::NotApplied);
    let lacks = r#"{"title":"Bad Request","status":400,"detail":"error 244"}"#;
    check(all(&before(answer(400, PROBLEM, lacks))).await, ErrorKind::Forbidden, Outcome::NotApplied);
}

#[tokio::test]
async fn validation_errors_point_into_what_was_sent() {
    let body = r#"{"validation-errors":[
        {"request_id":"1","errors":[
            {"code":"NotSupportedChoice","path":"_embedded.leads.0.custom_fields_values.6.values.0.value","detail":"no"},
            {"code":"Duplicate","path":"metadata","detail":"it waits","uid":"5af9"}]},
        {"request_id":"0","errors":[{"code":"FieldMissing","path":"source_name","detail":"missing"}]}],
        "title":"Bad Request","status":400,"detail":"Request validation failed"}"#;
    for status in [400, 200] {
        let leads = before(answer(status, PROBLEM, body));
        let error = leads.add(&Add::calls(vec![call(1), call(2)])).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
        let Some(Refusal::Items(items)) = error.refusal() else { panic!("{error:?}") };
        let told: Vec<_> = items
            .iter()
            .flat_map(|item| {
                item.faults.iter().map(|f| (item.index, f.code, f.path.to_string(), f.existing.clone()))
            })
            .collect();
        let expected = [
            (0, FaultCode::FieldMissing, "source_name".to_owned(), None),
            (1, FaultCode::NotSupportedChoice, "leads.0.custom_fields.6.values.0.value".to_owned(), None),
            (1, FaultCode::Duplicate, "metadata".to_owned(), Some(Uid::new("5af9").unwrap())),
        ];
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_rebuilt_is_told_in_words() {
    let of = |code: &str, request_id: &str| {
        let detail = "x".repeat(100_000);
        format!(
            r#"{{"validation-errors":[{{"request_id":"{request_id}","errors":[{{"code":"{code}","path":"data.source_name",
            "detail":"{detail}"}}]}}],"title":"Bad Request","status":400}}"#
        )
    };
    for body in [of("SomethingNew", "0"), of("FieldMissing", "9"), of("FieldMissing", "a")] {
        let error = before(answer(400, PROBLEM, body)).add(&Add::calls(vec![call(1)])).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.refusal(), error.outcome()),
            (ErrorKind::Invalid, None, Outcome::NotApplied)
        );
        let text = error.to_string();
        assert!(
            text.contains("data.source_name") && text.contains("bare array") && text.len() < 1000,
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_error_inside_of_a_success_is_an_error() {
    let inside = r#"{"title":"Error","status":500,"detail":"try again"}"#;
    for (operation, error) in all(&before(answer(200, HAL, inside))).await {
        let error = error.unwrap_or_else(|| panic!("{operation:?} took it for a success"));
        assert!(error.to_string().contains("try again"), "{operation:?}: {error}");
        assert_eq!(error.outcome() == Outcome::Unknown, operation.writes());
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_for_a_server_is_told_with_a_hint() {
    let error = before(html(413)).add(&Add::calls(vec![call(1), call(2)])).await.unwrap_err();
    assert!(error.to_string().ends_with("send fewer items at once"), "{error}");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Invalid, Outcome::NotApplied));
}

#[tokio::test]
async fn a_page_that_is_larger_than_was_asked_for_is_unexpected() {
    let items = vec![r#"{"uid":"a","category":"sip","created_at":1,"metadata":{}}"#; 60].join(",");
    let leads = before(answer(200, HAL, format!(r#"{{"_embedded":{{"unsorted":[{items}]}}}}"#)));
    assert_eq!(leads.list(&ListQuery::default()).await.unwrap_err().kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn too_many_uids_for_an_address_are_unsupported() {
    let uid = |number: usize| Uid::new(&format!("{number:060}")).unwrap();
    let mut query = ListQuery::default();
    query.filter.uids = Some((0..250).map(uid).collect());
    let leads = before(answer(204, "", ""));
    assert_eq!(leads.list(&query).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let query = SummaryQuery { uids: query.filter.uids, ..SummaryQuery::default() };
    assert_eq!(leads.summary(&query).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn an_answer_of_another_type_is_no_success_whatever_it_holds() {
    let whole = br#"{"uid":"5af9dedb","pipeline_id":3,"category":"sip","created_at":1,"_embedded":{}}"#;
    for kind in ["text/html", "text/plain; charset=utf-8", "application/octet-stream", "image/png"] {
        let leads = before(answer(200, kind, *whole));
        let error = leads.accept(&uid(), &Accept::default()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unexpected, Outcome::Unknown), "{kind}");
    }
    for kind in [HAL, "application/json;charset=UTF-8", "Application/HAL+JSON", ""] {
        assert!(before(answer(200, kind, *whole)).accept(&uid(), &Accept::default()).await.is_ok(), "{kind}");
    }
}
