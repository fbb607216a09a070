//! Who asks.

use std::time::Duration;

use http::{Request, Response};
use incoming_leads_model::{Account, Moment, UserId};
use incoming_leads_wire_v2::sign_in::{self, ApiKey, Credentials, Secret};

use crate::{json, origin};

fn key(login: &str, api_key: &str) -> ApiKey {
    ApiKey { login: login.to_owned(), api_key: Secret::new(api_key) }
}

fn found(request: &Request<Vec<u8>>) -> Option<Credentials> {
    sign_in::credentials(request).unwrap()
}

fn request(uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Vec<u8>> {
    let request =
        headers.iter().fold(Request::post(uri), |request, (name, value)| request.header(*name, *value));
    request.body(body.as_bytes().to_vec()).unwrap()
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn credentials_are_found_wherever_clients_put_them() {
    let pair = Some(Credentials::Key(key("ann@example.com", "k+1")));
    assert_eq!(found(&request("/x?api_key=k%2B1&login=ann%40example.com", &[], "")), pair);
    assert_eq!(found(&request("/x?USER_LOGIN=ann@example.com&USER_HASH=k%2b1", &[], "")), pair);
    assert_eq!(found(&request("/x", &[FORM], "add[0][x]=1&login=ann@example.com&api_key=k%2B1")), pair);
    let session = Some(Credentials::Session(Secret::new("s1")));
    assert_eq!(found(&request("/x", &[("cookie", "a=b; session_id=s1; c")], "")), session);
    let bearer = Some(Credentials::Bearer(Secret::new("t1")));
    assert_eq!(found(&request("/x?login=a&api_key=b", &[("authorization", "bearer t1")], "")), bearer);
    assert_eq!(
        found(&request("/x", &[("cookie", "session_id=")], r#"{"login": "a", "api_key": "b"}"#)),
        None
    );
    assert_eq!(found(&request("/x", &[FORM], r#"{"login=a&api_key=b"}"#)), None);
}

#[test]
fn halves_and_doubles_are_refused() {
    for (uri, headers) in [
        ("/x?login=a", [FORM].as_slice()),
        ("/x?api_key=a", &[]),
        ("/x?login=a&login=b&api_key=c", &[]),
        ("/x", &[("authorization", "Basic eDp5")]),
        ("/x", &[("authorization", "Bearer ")]),
        ("/x", &[("authorization", "Bearer a"), ("authorization", "Bearer b")]),
    ] {
        let problem = sign_in::credentials(&request(uri, headers, "")).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code), (401, 110), "{uri}");
    }
}

#[test]
fn secrets_do_not_show() {
    let shown =
        format!("{:?} {:?}", Credentials::Key(key("ann", "hush")), Credentials::Bearer(Secret::new("hush")));
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn signing_in_gives_a_session() {
    let account: Account =
        serde_json::from_str(r#"{"id": 1, "subdomain": "example", "name": "Example", "created_at": 0}"#)
            .unwrap();
    let asked = sign_in::request(&key("ann@example.com", "k&1"), &origin());
    assert_eq!(asked.uri().path_and_query().unwrap(), "/private/api/auth.php?type=json");
    assert_eq!(sign_in::read_request(&asked).unwrap(), key("ann@example.com", "k&1"));
    let json = json(r#"{"USER_LOGIN": "a", "USER_HASH": "b"}"#);
    assert_eq!(sign_in::read_request(&json).unwrap(), key("a", "b"));
    assert_eq!(
        sign_in::read_request(&request("/?USER_LOGIN=a&USER_HASH=b", &[], "")).unwrap(),
        key("a", "b")
    );
    assert_eq!(
        sign_in::read_request(&request("/", &[FORM], "USER_LOGIN=a")).unwrap_err().status.as_u16(),
        400
    );

    let now = Moment::from_secs(7).unwrap();
    let answer = sign_in::response(
        Some((&account, UserId::new(3).unwrap())),
        &Secret::new("s1"),
        Duration::from_secs(900),
        now,
    );
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert_eq!(cookie, "session_id=s1; Path=/; Max-Age=900; HttpOnly; SameSite=Lax");
    assert!(!String::from_utf8_lossy(answer.body()).contains("s1\""));
    assert_eq!(sign_in::read_response(&answer).unwrap(), Secret::new("s1"));
    let refused = sign_in::refused(now);
    assert_eq!(refused.status().as_u16(), 401);
    assert!(sign_in::read_response(&refused).is_err());
    assert!(sign_in::read_response(&Response::new(r#"{"response":{"auth":true}}"#)).is_err());
}

#[test]
fn credentials_are_put_on_and_found_again() {
    for credentials in [
        Credentials::Key(key("ann+1@example.com", "a&b=c")),
        Credentials::Session(Secret::new("s1")),
        Credentials::Bearer(Secret::new("t1")),
    ] {
        for uri in ["https://example.amocrm.com/x", "https://example.amocrm.com/x?page=2"] {
            let mut asked = request(uri, &[], "");
            credentials.put_on(&mut asked);
            assert_eq!(found(&asked).as_ref(), Some(&credentials));
            assert!(asked.uri().query().is_none_or(|query| uri.contains('?') == query.contains("page=2")));
        }
    }
}
