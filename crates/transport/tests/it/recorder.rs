//! What is shown of a request.

use http::{Method, StatusCode};
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
    *shown.body_mut() = b"client_secret=s3cret".to_vec();
    assert!(!curl(&shown).contains("s3cret"));
}
