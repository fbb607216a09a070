//! Who comes in by v2, and by what.

use incoming_leads_server::{Config, Limits, RegistryGate, Server};

use super::{LEADS, LOGIN, ask, signed};
use crate::raw::{Answer, Request, exchange};
use crate::world::{ADMINISTRATOR, KEY, KOMMO, World};

const SIGN_IN: &str = "/private/api/auth.php?type=json";

async fn sign_in(world: &World, login: &str, key: &str) -> Answer {
    let body = format!("USER_LOGIN={login}&USER_HASH={key}");
    let request = Request::new("POST", SIGN_IN).body(body);
    ask(world, request.with("Content-Type", "application/x-www-form-urlencoded")).await
}

fn list() -> Request {
    Request::new("GET", LEADS)
}

/// What a cookie jar sends back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn login_and_key_come_in_by_query_form_json_and_session_and_a_token_as_well() {
    let world = World::kommo().await;
    let signed_in = sign_in(&world, "Administrator@Example.com", KEY).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let rows = [
        Request::new("GET", signed(LOGIN, "")),
        Request::new("GET", signed(LOGIN, "/")),
        Request::new("GET", format!("{LEADS}?USER_LOGIN={LOGIN}&USER_HASH={KEY}")),
        list().with("Cookie", format!("a=b; {}; c=d", cookie(&signed_in))),
        list().with("Authorization", format!("Bearer {ADMINISTRATOR}")),
    ];
    for request in rows {
        assert_eq!(ask(&world, request.clone()).await.status, 200, "{request:?}");
    }
    let body = format!("login={LOGIN}&api_key={KEY}&decline[]=nobody");
    let decline = Request::new("POST", format!("{LEADS}/decline")).body(body);
    let form = decline.clone().with("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(ask(&world, form).await.json()["errors"]["nobody"]["error_code"], 2002);
    let body = format!(r#"{{"login": "{LOGIN}", "api_key": "{KEY}", "decline": ["nobody"]}}"#);
    assert_eq!(ask(&world, decline.with_body(&body)).await.status, 401, "a pair in JSON is none");
}

#[tokio::test]
async fn whoever_is_not_known_is_told_so_in_v2_words() {
    let world = World::kommo().await;
    let rows = [
        list(),
        Request::new("GET", format!("{LEADS}?login={LOGIN}&api_key=guessed")),
        Request::new("GET", format!("{LEADS}?login=other@example.com&api_key={KEY}")),
        Request::new("GET", format!("{LEADS}?login={LOGIN}")),
        Request::new("GET", format!("{LEADS}?api_key={KEY}")),
        Request::new("GET", signed("gone@example.com", "")),
        list().with("Cookie", "session_id=guessed"),
        list().with("Authorization", "Bearer guessed"),
        list().with("Authorization", format!("Bearer {KEY}")),
        list().with("Authorization", "Basic YTpi"),
        Request::new("GET", signed(LOGIN, "")).with("Authorization", "Bearer guessed"),
    ];
    for request in rows {
        let answer = ask(&world, request.clone()).await;
        assert_eq!(answer.status, 401, "{request:?}: {}", answer.text());
        let told = answer.json();
        assert_eq!((&told["status"], &told["error_code"]), (&"fail".into(), &110.into()), "{told}");
        assert!(answer.header("www-authenticate").is_some() && answer.header("runtime-timestamp").is_some());
        assert!(!answer.text().contains(KEY), "{}", answer.text());
    }
}

#[tokio::test]
async fn sign_in_answers_as_the_vendor_and_its_cookie_is_guarded() {
    let world = World::kommo().await;
    let answer = sign_in(&world, LOGIN, KEY).await;
    let told = answer.json();
    assert_eq!(told["response"]["auth"], true);
    assert_eq!(told["response"]["accounts"][0]["subdomain"], "example");
    assert_eq!(told["response"]["user"]["id"], 8_375_357);
    assert!(told["response"]["server_time"].is_i64());
    let cookie = answer.header("set-cookie").unwrap();
    for attribute in ["session_id=", "HttpOnly", "SameSite=Lax", "Max-Age=900", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let wrong = sign_in(&world, LOGIN, "guessed").await;
    assert_eq!((wrong.status, &wrong.json()["response"]["auth"]), (401, &false.into()));
    assert!(wrong.header("set-cookie").is_none());
}

#[tokio::test]
async fn a_session_ends() {
    let mut config = Config::default();
    config.limits = Limits { session_time: std::time::Duration::ZERO, ..Limits::default() };
    let world = World::of(&[KOMMO], config).await;
    let jar = cookie(&sign_in(&world, LOGIN, KEY).await);
    assert_eq!(ask(&world, list().with("Cookie", jar)).await.status, 401);
}

#[tokio::test]
async fn a_session_is_good_at_every_server_over_the_same_registry_and_nothing_else() {
    let world = World::kommo().await;
    let jar = cookie(&sign_in(&world, LOGIN, KEY).await);
    let gate = std::sync::Arc::new(RegistryGate::new(std::sync::Arc::new(world.memory.clone())));
    let second = Server::start(Config::default(), gate).await.unwrap();
    let answer = exchange(second.addr(), list().with("Cookie", jar.clone()).bytes()).await.unwrap();
    assert_eq!(answer.status, 200);
    let id = jar.split_once('=').unwrap().1;
    let answer = ask(&world, list().with("Authorization", format!("Bearer {id}"))).await;
    assert_eq!(answer.status, 401, "a session is no token");
}

#[tokio::test]
async fn rights_are_asked_on_every_operation() {
    let world = World::kommo().await;
    let uid = super::FORM;
    let add = "add[0][source_name]=s&add[0][source_uid]=u&add[0][created_at]=1510261200\
        &add[0][incoming_lead_info][form_id]=1&add[0][incoming_lead_info][form_page]=p";
    let rows = [
        ("viewer@example.com", [200, 200, 403, 403, 403]),
        ("nobody@example.com", [403, 403, 403, 403, 403]),
        ("sorter@example.com", [200, 200, 200, 200, 404]),
    ];
    for (login, expected) in rows {
        let post = |target: &str, body: &str| {
            let request = Request::new("POST", signed(login, target)).body(body);
            request.with("Content-Type", "application/x-www-form-urlencoded")
        };
        let requests = [
            Request::new("GET", signed(login, "")),
            Request::new("GET", signed(login, "/summary/")),
            post("/form", add),
            post("/accept/", &format!("accept[]={uid}")),
            post("/decline", &format!("decline[]={uid}")),
        ];
        for (request, status) in requests.into_iter().zip(expected) {
            let target = request.target.clone();
            let answer = ask(&world, request).await;
            assert_eq!(answer.status, status, "{login} {target}: {}", answer.text());
            if status == 403 {
                assert!(answer.text().contains(r#""error_code":244"#), "{}", answer.text());
            }
        }
    }
}
