//! What is shown of a request.

use http::{HeaderValue, Method, StatusCode};
use incoming_leads_transport::{Arrival, Recorder, SendErrorKind, Transport, curl};

use crate::script::{Script, error, request, status};

#[tokio::test]
async fn the_last_exchanges_are_remembered() {
    let mut answers = vec![Err(error(SendErrorKind::Timeout, Arrival::Perhaps)), Ok(status(StatusCode::OK))];
    let script = Script::new(move |_| answers.pop().unwrap_or(Ok(status(StatusCode::NOT_FOUND))));
    let recorder = Recorder::new(script, 2);
    assert_eq!(recorder.last(), None);
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let _ = recorder.send(request(method)).await;
    }
    let outcomes: Vec<_> = recorder.exchanges().into_iter().map(|exchange| exchange.outcome).collect();
    assert_eq!(outcomes, [Err(SendErrorKind::Timeout), Ok(StatusCode::NOT_FOUND)]);
    assert_eq!(recorder.last().unwrap().curl, "curl -X DELETE 'https://example.kommo.com/api/v4/leads'");
}

#[test]
fn curl_shows_all_but_secrets() {
    let mut shown = request(Method::POST);
    *shown.uri_mut() =
        "https://me:pass@example.kommo.com/api?filter[uid]=it&login=joe@example.com&api_key=s3cret&x"
            .parse()
            .unwrap();
    shown.headers_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
    shown.headers_mut().insert("x-refresh-token", "s3cret".parse().unwrap());
    shown.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *shown.body_mut() = b"[{\"name\":\"it's\"}]".to_vec();
    assert_eq!(
        curl(&shown),
        "curl -X POST 'https://example.kommo.com/api?filter[uid]=it&login=***&api_key=***&x' \
         -H 'authorization: ***' -H 'x-refresh-token: ***' -H 'content-type: application/json' \
         --data '[{\"name\":\"it'\\''s\"}]'"
    );
    for body in ["client_secret=s3cret", "a=b&USER_HASH=s3cret", r#"{"Client_Secret" : "s3cret"}"#] {
        *shown.body_mut() = body.into();
        assert!(!curl(&shown).contains("s3cret"), "{body}");
    }
}

#[test]
fn secrets_are_known_however_they_are_spelt_and_nothing_else_is_hidden() {
    let mut shown = request(Method::GET);
    *shown.uri_mut() =
        "https://example.kommo.com/api?filter%5Buid%5D=it&Token=s3cret&api%5Fkey=s3cret".parse().unwrap();
    let mut value: HeaderValue = "s3cret".parse().unwrap();
    value.set_sensitive(true);
    shown.headers_mut().insert("x-session", value);
    *shown.body_mut() = br#"[{"metadata":{"service_code":"a-code"}}]"#.to_vec();
    let shown = curl(&shown);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("filter%5Buid%5D=it") && shown.contains("a-code"), "{shown}");
}
