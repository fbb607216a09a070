//! Answers as v2 clients rely on them.

use serde_json::{Value, json};

use super::{CALL, CHAT, FORM, LEADS, LOGIN, ask, form, get};
use crate::raw::{Raw, Request};
use crate::world::{KEY, World};

#[tokio::test]
async fn a_list_carries_bodies_a_link_without_credentials_and_the_moment() {
    let world = World::kommo().await;
    let answer = ask(&world, get("/?page_size=15&secret=x")).await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/hal+json"));
    assert!(answer.header("runtime-timestamp").unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    let told = answer.json();
    let href = told["_links"]["self"]["href"].as_str().unwrap();
    assert_eq!(href, format!("{LEADS}/?page_size=15&login=***&api_key=***"));
    assert_eq!(told["_links"]["self"]["method"], "get");
    assert!(!answer.text().contains(KEY) && !answer.text().contains(LOGIN));
    let items = told["_embedded"]["items"].as_array().unwrap();
    let of = |uid: &str| items.iter().find(|item| item["uid"] == uid).unwrap();
    assert_eq!((&of(FORM)["category"], &of(CHAT)["category"]), (&"form".into(), &"chat".into()));
    assert_eq!(of(CALL)["incoming_entities"]["contacts"][0]["name"], "Incoming contact");
    assert!(of(CALL).get("pipeline_id").is_none() && of(CALL).get("source_uid").is_none());
}

#[tokio::test]
async fn an_empty_list_and_a_page_past_the_end_are_204() {
    let world = World::kommo().await;
    for target in ["?page=9", "?categories[]=mail", "?pipeline_id=1"] {
        let answer = ask(&world, get(target)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{target}: {}", answer.text());
    }
}

#[tokio::test]
async fn no_success_is_ever_201() {
    let world = World::kommo().await;
    let add = "add[0][source_name]=s&add[0][source_uid]=u&add[0][incoming_lead_info][to]=1\
        &add[0][incoming_lead_info][from]=2&add[0][incoming_lead_info][date_call]=1510261200\
        &add[0][incoming_lead_info][service_code]=c";
    let answer = ask(&world, form("/sip", add)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    let uid = told["data"][0].as_str().unwrap();
    assert_eq!((&told["status"], uid.len()), (&"success".into(), 60));
    let answer = ask(&world, form("/accept/", format!("accept[0]={uid}"))).await;
    let told = answer.json();
    assert_eq!((answer.status, &told["status"]), (200, &"success".into()), "{told}");
    assert!(told["data"][uid]["leads"][0].is_u64() && told["data"][uid]["companies"] == json!([]), "{told}");
    let answer = ask(&world, form("/decline", format!("decline[]={CHAT}&user_id=0"))).await;
    assert_eq!((answer.status, &answer.json()["data"]), (200, &json!({ CHAT: false })));
}

#[tokio::test]
async fn each_uid_has_an_outcome_of_its_own() {
    let world = World::kommo().await;
    let uids = [FORM, "nobody", FORM, "\u{1}", CALL];
    let body = serde_json::to_string(&json!({"accept": uids, "user_id": "8375361"})).unwrap();
    let answer = ask(&world, super::json("/accept", body)).await;
    let told = answer.json();
    assert_eq!((answer.status, &told["status"]), (200, &"success".into()), "{told}");
    let data = told["data"].as_object().unwrap();
    assert_eq!(data.keys().collect::<Vec<_>>(), [CALL, FORM]);
    let errors = told["errors"].as_object().unwrap();
    assert_eq!(errors.len(), 2, "{told}");
    assert!(errors.values().all(|error| error["error_code"] == 2002), "{told}");
    // A second time nothing waits any more.
    let answer = ask(&world, form("/accept", format!("accept[]={FORM}&accept[]={CALL}"))).await;
    assert_eq!((answer.status, &answer.json()["status"]), (404, &"fail".into()));
}

#[tokio::test]
async fn a_status_of_another_pipeline_is_refused_for_its_uid() {
    let world = World::kommo().await;
    let answer = ask(&world, form("/accept", format!("accept[]={FORM}&status_id=58141907"))).await;
    let told = answer.json();
    assert_eq!((answer.status, &told["faults"][0]["path"]), (400, &"status_id".into()), "{told}");
}

#[tokio::test]
async fn a_summary_is_flat_and_counts() {
    let world = World::kommo().await;
    ask(&world, form("/accept", format!("accept[]={FORM}"))).await;
    for target in ["/summary/", "/summary?data[filter][date][from]=1600000000"] {
        let told = ask(&world, get(target)).await.json();
        for key in ["sip", "form", "chat", "mail", "total", "avg_time", "accepted"] {
            assert!(told[key].is_u64(), "{key}: {told}");
        }
        assert_eq!(told["accepted"], 1);
    }
}

#[tokio::test]
async fn bodies_may_be_chunked_and_have_no_length() {
    let world = World::kommo().await;
    let body = format!("decline[]={FORM}");
    let head = Request::new("POST", super::signed(LOGIN, "/decline"))
        .with("Content-Type", "application/x-www-form-urlencoded")
        .with("Transfer-Encoding", "chunked");
    let mut raw = Raw::open(world.addr()).await;
    raw.send(head.bytes()).await;
    let (one, two) = body.split_at(13);
    raw.send(format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len())).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!((answer.status, &answer.json()["data"]), (200, &json!({ FORM: Value::Bool(false) })));
}
