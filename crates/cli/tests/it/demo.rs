//! `serve --demo`: what it prints can be pasted, and its users may do what is said of them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::program::{Serving, program};
use crate::shell::{Paster, sh};

/// The eight calls that a demo prints.
fn calls(demo: &mut Serving) -> Vec<String> {
    let invitation = demo.invitation();
    let calls = invitation.lines().filter(|line| line.starts_with("curl ") && line.contains("/api/v4/"));
    let calls: Vec<_> = calls.map(str::to_owned).collect();
    assert_eq!(calls.len(), 8, "{invitation}");
    calls
}

#[track_caller]
fn succeeds(paster: Paster, call: &str) -> Value {
    let (status, body) = paster.paste(call);
    assert_eq!(status, 200, "{paster:?}: {call}\n{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn every_printed_call_succeeds_in_order_and_again_after_each_start() {
    for paster in Paster::all() {
        for _ in 0..2 {
            let mut demo = Serving::start(&["--demo"]);
            let answers: Vec<_> = calls(&mut demo).iter().map(|call| succeeds(paster, call)).collect();
            let [list, get, call, form, .., summary] = &answers[..] else { panic!("eight answers") };
            assert_eq!(list["_embedded"]["unsorted"].as_array().unwrap().len(), 3);
            assert_eq!(get["category"], "mail");
            assert_eq!((&call["_total_items"], &form["_total_items"]), (&Value::from(1), &Value::from(1)));
            assert_eq!((&summary["accepted"], &summary["declined"]), (&Value::from(1), &Value::from(1)));
        }
    }
}

#[test]
fn what_the_printed_calls_add_is_of_this_moment() {
    let mut demo = Serving::start(&["--demo"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for (call, key) in calls(&mut demo)[2..4].iter().zip(["called_at", "form_sent_at"]) {
        let added = succeeds(Paster::Own, call);
        let uid = added["_embedded"]["unsorted"][0]["uid"].as_str().unwrap();
        let lead = demo.get(&format!("/api/v4/leads/unsorted/{uid}"));
        let told = &lead["metadata"][key];
        let told = told.as_u64().or_else(|| told.as_str()?.parse().ok()).unwrap();
        assert!(now.abs_diff(told) < 600 && lead["created_at"] == told, "{lead}");
    }
}

#[test]
fn every_printed_call_succeeds_in_reverse_order_and_where_all_documented_keys_are_due() {
    for paster in Paster::all() {
        let mut demo = Serving::start(&["--demo", "--strict"]);
        for call in calls(&mut demo).iter().rev() {
            succeeds(paster, call);
        }
    }
}

#[test]
fn the_printed_intake_takes_a_chat_in_and_then_updates_it() {
    let mut demo = Serving::start(&["--demo"]);
    let invitation = demo.invitation();
    let intake = invitation.lines().find(|line| line.starts_with("INCOMING_LEADS_TOKEN=")).unwrap();
    let uid = sh(intake);
    assert_eq!(sh(&intake.replace("Are you open today?", "Hello?")), uid);
    let lead = demo.get(&format!("/api/v4/leads/unsorted/{}", uid.trim_end()));
    assert_eq!(lead["metadata"]["last_message_text"], "Hello?");
    assert_eq!(lead["metadata"]["origin"]["chat_id"], "demo-1");
}

#[test]
fn strict_refuses_what_lacks_a_documented_key() {
    let call = r#"[{"source_name":"s","source_uid":"u","metadata":{"from":"a","phone":"b","called_at":1,"duration":2,"service_code":"c"},"_embedded":{"leads":[{}],"contacts":[{}],"companies":[{}]}}]"#;
    let target = "/api/v4/leads/unsorted/sip";
    assert_eq!(Serving::start(&["--demo"]).ask("demo", "POST", target, call).0, 200);
    let (status, body) = Serving::start(&["--demo", "--strict"]).ask("demo", "POST", target, call);
    assert_eq!(status, 400);
    let problem: Value = serde_json::from_str(&body).unwrap();
    let error = &problem["validation-errors"][0]["errors"][0];
    assert_eq!(
        (&error["code"], &error["path"]),
        (&Value::from("FieldMissing"), &Value::from("metadata.link"))
    );
}

#[test]
fn a_token_of_the_environment_is_the_only_one() {
    let mut command = program(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    only_token_is(
        &mut Serving::spawn(command.env("INCOMING_LEADS_TOKEN", "from-the-environment")),
        "from-the-environment",
    );
    let mut command = program(&["serve", "--demo", "--listen", "127.0.0.1:0", "--token", "from-the-line"]);
    only_token_is(&mut Serving::spawn(command.env("INCOMING_LEADS_TOKEN", "other")), "from-the-line");
}

#[test]
fn the_printed_calls_of_v2_succeed() {
    for paster in Paster::all() {
        let mut demo = Serving::start(&["--demo"]);
        let invitation = demo.invitation();
        assert!(invitation.contains("login    admin@example.com\n  api_key  demo-key\n"), "{invitation}");
        let calls: Vec<_> = invitation.lines().filter(|line| line.contains("/api/v2/")).collect();
        let [list, add] = calls[..] else { panic!("two calls of v2: {invitation}") };
        assert_eq!(succeeds(paster, add)["status"], "success");
        let list = succeeds(paster, list);
        assert_eq!(list["_embedded"]["items"].as_array().unwrap().len(), 3);
        assert_eq!(list["_embedded"]["items"][0]["incoming_entities"]["leads"][0]["tags"], "MT, services");
    }
}

#[track_caller]
fn only_token_is(demo: &mut Serving, token: &str) {
    let calls = calls(demo);
    assert!(calls.iter().all(|call| call.contains(&format!("Bearer {token}'"))));
    succeeds(Paster::Own, &calls[0]);
    for other in ["demo", "demo-sorter", "demo-viewer", "other"] {
        assert_eq!(demo.ask(other, "GET", "/api/v4/leads/unsorted", "").0, 401, "{other}");
    }
}

#[test]
fn the_second_user_may_sort_but_not_link_and_the_third_may_only_look() {
    let demo = Serving::start(&["--demo"]);
    let (chat, form) = (demo.waiting("chats"), demo.waiting("forms"));
    let link = r#"{"link":{"entity_id":152464,"entity_type":"leads"}}"#;
    let (link_it, accept_it) =
        (format!("/api/v4/leads/unsorted/{chat}/link"), format!("/api/v4/leads/unsorted/{form}/accept"));
    for (token, list, linked, accepted) in
        [("demo-viewer", 200, 403, 403), ("demo-sorter", 200, 403, 200), ("demo", 200, 200, 404)]
    {
        assert_eq!(demo.ask(token, "GET", "/api/v4/leads/unsorted", "").0, list, "{token}");
        assert_eq!(demo.ask(token, "POST", &link_it, link).0, linked, "{token}");
        assert_eq!(demo.ask(token, "POST", &accept_it, "").0, accepted, "{token}");
    }
}

#[test]
fn a_chat_may_be_linked_to_the_customer() {
    let demo = Serving::start(&["--demo"]);
    let target = format!("/api/v4/leads/unsorted/{}/link", demo.waiting("chats"));
    let link = r#"{"link":{"entity_id":700101,"entity_type":"customers","metadata":{"contact_id":583092}}}"#;
    let (status, body) = demo.ask("demo", "POST", &target, link);
    assert_eq!(status, 200, "{body}");
}

#[test]
fn an_integration_gets_a_token_for_the_printed_code() {
    for paster in Paster::all() {
        let mut demo = Serving::start(&["--demo"]);
        let invitation = demo.invitation();
        let call = invitation.lines().find(|line| line.contains("/oauth2/access_token")).unwrap();
        let tokens = succeeds(paster, call);
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(demo.ask(access, "GET", "/api/v4/account", "").0, 200);
        let code = invitation.lines().find_map(|line| line.trim().strip_prefix("code ")).unwrap().trim();
        assert!(call.contains(code));
    }
}
