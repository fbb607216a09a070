//! Login and key, sessions, tokens.

use std::sync::{Arc, Mutex};

use incoming_leads_http_v2::{BuildError, HttpV2};
use incoming_leads_model::ListQuery;
use incoming_leads_port::{ErrorKind, IncomingLeads};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that keeps what is asked, and answers each request by its number and text.
async fn server(
    answer: impl Fn(usize, &str) -> String + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut text, mut bytes) = (String::new(), [0; 4096]);
            while !is_whole(&text) {
                let count = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            let number = kept.lock().unwrap().len();
            let answer = answer(number, &text);
            kept.lock().unwrap().push(text);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

fn http(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

const REFUSED: &str = r#"{"response":{"auth":false,"error":"no","error_code":110}}"#;

#[tokio::test]
async fn a_key_is_in_the_query_and_a_token_in_the_head() {
    let (url, asked) = server(|_, _| "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned()).await;
    let keyed = HttpV2::builder(&url).with_api_key("ann+1@example.com", "k&1").build().unwrap();
    keyed.list(&ListQuery::default()).await.unwrap();
    let bearing = HttpV2::builder(&url).with_token("t1").build().unwrap();
    bearing.list(&ListQuery::default()).await.unwrap();
    let asked = asked.lock().unwrap();
    let first_line = asked[0].lines().next().unwrap();
    assert!(first_line.ends_with("&api_key=k%261&login=ann%2B1%40example.com HTTP/1.1"), "{first_line}");
    assert!(asked[1].contains("Bearer t1"), "{}", asked[1]);
    assert!(!format!("{keyed:?}").contains("k&1"));
}

#[tokio::test]
async fn a_session_is_opened_once_and_again_when_it_dies() {
    let (url, asked) = server(|number, text| {
        if text.starts_with("POST /private/api/auth.php") {
            let cookie = format!("set-cookie: session_id=s{number}; Path=/\r\n");
            http("200 OK", &cookie, r#"{"response":{"auth":true}}"#)
        } else if text.contains("session_id=s0") && number > 2 {
            http("401 Unauthorized", "", REFUSED)
        } else {
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_owned()
        }
    })
    .await;
    let builder = HttpV2::builder(&url).with_session("ann@example.com", "k1");
    let leads = builder.with_limiters(vec![]).build().unwrap();
    for _ in 0..4 {
        leads.list(&ListQuery::default()).await.unwrap();
    }
    let asked = asked.lock().unwrap();
    let signs: Vec<_> = (0..asked.len()).filter(|at| asked[*at].starts_with("POST /private")).collect();
    assert_eq!((signs.as_slice(), asked.len()), ([0, 4].as_slice(), 7));
    assert!(asked[0].ends_with("USER_HASH=k1&USER_LOGIN=ann%40example.com"), "{}", asked[0]);
    assert!(asked[5].contains("session_id=s4") && !asked[5].contains("k1"), "{}", asked[5]);
}

#[tokio::test]
async fn a_refused_sign_in_is_unauthorized() {
    let (url, asked) = server(|_, _| http("401 Unauthorized", "", REFUSED)).await;
    let leads = HttpV2::builder(&url).with_session("ann@example.com", "k1").build().unwrap();
    let error = leads.list(&ListQuery::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unauthorized, false), "{error}");
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_set_up_is_told() {
    assert!(matches!(HttpV2::builder("example").with_token("t").build(), Err(BuildError::BaseUrl(_))));
    assert!(matches!(HttpV2::builder("http://example.com").build(), Err(BuildError::NoCredentials)));
}
