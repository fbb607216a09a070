//! Hidden until accepted, moved to the bin, linked: as the read routes show it.

use incoming_leads_server::Config;
use serde_json::{Value, json};

use crate::world::{ADMINISTRATOR, KOMMO, World};

const UNSORTED: &str = "/api/v4/leads/unsorted";
const CHAT: &str = "9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0";
const CALL: &str = "400c5eb65b9fa7bbfa813cf593b49d4942f325c7c3fbbcf3acf3bee79b63";

/// The ids that a list shows.
async fn listed(world: &World, kind: &str) -> Vec<u64> {
    let answer = world.get(&format!("/api/v4/{kind}")).await;
    if answer.status == 204 {
        return Vec::new();
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    list["_embedded"][kind].as_array().unwrap().iter().map(|entity| entity["id"].as_u64().unwrap()).collect()
}

async fn entity(world: &World, kind: &str, id: u64) -> Value {
    let answer = world.get(&format!("/api/v4/{kind}/{id}")).await;
    assert_eq!(answer.status, 200, "{kind} {id}: {}", answer.text());
    answer.json()
}

async fn is_gone(world: &World, uid: &str) {
    assert_eq!(world.get(&format!("{UNSORTED}/{uid}")).await.status, 204);
    for (method, command) in [("POST", "accept"), ("DELETE", "decline"), ("POST", "link")] {
        let link = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}}).to_string();
        let body = if command == "link" { link.as_str() } else { "" };
        let answer = world.ask(ADMINISTRATOR, method, &format!("{UNSORTED}/{uid}/{command}"), body).await;
        assert_eq!(answer.status, 404, "{command} after the decision");
    }
}

#[tokio::test]
async fn contact_and_company_are_hidden_until_their_lead_is_accepted() {
    let world = World::kommo().await;
    assert_eq!(listed(&world, "contacts").await, Vec::<u64>::new());
    assert_eq!(listed(&world, "companies").await, Vec::<u64>::new());
    let lead = entity(&world, "leads", 236_724).await;
    assert_eq!((&lead["status_id"], &lead["pipeline_id"]), (&json!(58_141_803), &json!(6_950_551)));
    assert_eq!(entity(&world, "contacts", 583_294).await["is_unsorted"], true);

    world.post(&format!("{UNSORTED}/{CALL}/accept"), &json!({"status_id": 58_141_811})).await;
    assert_eq!(listed(&world, "contacts").await, [583_294]);
    assert_eq!(listed(&world, "companies").await, [583_292]);
    let lead = entity(&world, "leads", 236_724).await;
    assert_eq!((&lead["status_id"], &lead["created_by"]), (&json!(58_141_811), &json!(8_375_357)));
    let contact = entity(&world, "contacts", 583_294).await;
    assert_eq!((&contact["is_unsorted"], &contact["is_deleted"]), (&json!(false), &json!(false)));
    is_gone(&world, CALL).await;
}

#[tokio::test]
async fn what_is_declined_lies_in_the_bin() {
    let world = World::kommo().await;
    let target = format!("{UNSORTED}/{CALL}/decline");
    assert_eq!(world.ask(ADMINISTRATOR, "DELETE", &target, "").await.status, 200);
    assert_eq!(listed(&world, "contacts").await, Vec::<u64>::new());
    assert!(!listed(&world, "leads").await.contains(&236_724));
    for (kind, id) in [("leads", 236_724), ("contacts", 583_294), ("companies", 583_292)] {
        assert_eq!(entity(&world, kind, id).await["is_deleted"], true, "{kind}");
    }
    is_gone(&world, CALL).await;
    let summary = world.get(&format!("{UNSORTED}/summary")).await.json();
    assert_eq!((&summary["declined"], &summary["accepted"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_linked_chat_joins_the_lead_and_its_own_goes_to_the_bin() {
    let world = World::kommo().await;
    let link = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}, "user_id": 0});
    world.post(&format!("{UNSORTED}/{CHAT}/link"), &link).await;
    assert_eq!(listed(&world, "contacts").await, [583_308]);
    assert_eq!(entity(&world, "leads", 236_738).await["is_deleted"], true);
    assert_eq!(entity(&world, "leads", 152_464).await["is_deleted"], false);
    is_gone(&world, CHAT).await;
}

#[tokio::test]
async fn a_chat_can_be_linked_to_a_customer() {
    let world = World::kommo().await;
    let link = json!({"link": {"entity_id": 900_001, "entity_type": "customers"}});
    let linked = world.post(&format!("{UNSORTED}/{CHAT}/link"), &link).await;
    assert_eq!(linked["_embedded"]["customers"][0]["id"], 900_001);
    assert_eq!(listed(&world, "customers").await, [900_001]);
    assert_eq!(listed(&world, "contacts").await, [583_308]);
}

#[tokio::test]
async fn a_call_event_becomes_a_note_on_the_lead() {
    let world = World::kommo().await;
    let call = json!([{
        "source_name": "s", "source_uid": "u",
        "metadata": {"from": "a", "phone": 14_155_551_234_u64, "called_at": 1_510_261_200, "duration": 7, "is_call_event_needed": true},
        "_embedded": {"contacts": [{"name": "c"}]},
    }]);
    let added = world.post(&format!("{UNSORTED}/sip"), &call).await;
    let item = &added["_embedded"]["unsorted"][0];
    let lead = item["_embedded"]["leads"][0]["id"].as_u64().unwrap();
    assert_eq!(world.get(&format!("/api/v4/leads/{lead}/notes")).await.status, 204);
    world.post(&format!("{UNSORTED}/{}/accept", item["uid"].as_str().unwrap()), &json!({})).await;
    let notes = world.get(&format!("/api/v4/leads/{lead}/notes")).await.json();
    let note = &notes["_embedded"]["notes"][0];
    assert_eq!((&note["note_type"], &note["params"]["duration"]), (&json!("call_in"), &json!(7)));
    let id = note["id"].as_u64().unwrap();
    assert_eq!(&world.get(&format!("/api/v4/leads/{lead}/notes/{id}")).await.json(), note);
    assert_eq!(world.get(&format!("/api/v4/leads/{lead}/notes/{}", id + 100)).await.status, 204);
    assert_eq!(
        world.get(&format!("/api/v4/leads/152464/notes/{id}")).await.status,
        204,
        "a note of another lead"
    );
}

#[tokio::test]
async fn every_link_of_an_answer_leads_somewhere() {
    let world = World::kommo().await;
    let mut links = Vec::new();
    for target in [
        UNSORTED,
        "/api/v4/leads",
        "/api/v4/leads/pipelines",
        "/api/v4/users",
        "/api/v4/account",
        "/api/v4/leads/custom_fields",
        "/api/v4/customers",
    ] {
        let answer = world.get(target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        collect_links(&answer.json(), &mut links);
    }
    links.sort_unstable();
    links.dedup();
    assert!(links.len() > 15, "{links:?}");
    for link in links {
        let target = link.strip_prefix("http://leads.example").unwrap_or_else(|| panic!("{link}"));
        assert_eq!(world.get(target).await.status, 200, "{link}");
    }
}

fn collect_links(value: &Value, links: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(link) if key == "href" => links.push(link.to_owned()),
                    _ => collect_links(member, links),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_links(element, links)),
        _ => {}
    }
}

#[tokio::test]
async fn chats_and_mails_come_in_only_where_the_intake_is_open() {
    let chat = json!({
        "source_name": "Live chat", "source_uid": "s",
        "metadata": {"from": "Ann", "to": "page", "received_at": 1_690_000_000, "service": "telegram",
            "client": {"name": "Ann"}, "origin": {"chat_id": "c-7"}, "last_message_text": "Hello", "source_name": "Telegram"},
    });
    let mail = json!({
        "source_name": "Post", "source_uid": "s",
        "metadata": {"from": {"email": "a@example.com", "name": "A"}, "received_at": 1_690_000_000, "subject": "S",
            "thread_id": 1, "message_id": 2, "content_summary": "Text"},
    });
    let closed = World::kommo().await;
    for kind in ["chats", "mail"] {
        let answer =
            closed.ask(ADMINISTRATOR, "POST", &format!("{UNSORTED}/{kind}"), &chat.to_string()).await;
        assert_eq!(answer.status, 404, "{kind}");
    }
    let mut config = Config::default();
    config.intake = true;
    let open = World::of(&[KOMMO], config).await;
    let first = open.post(&format!("{UNSORTED}/chats"), &chat).await;
    open.post(&format!("{UNSORTED}/mail"), &mail).await;
    let uid = first["_embedded"]["unsorted"][0]["uid"].as_str().unwrap();
    let mut further = chat;
    further["metadata"]["last_message_text"] = "Are you there?".into();
    let second = open.post(&format!("{UNSORTED}/chats"), &further).await;
    assert_eq!(second["_embedded"]["unsorted"][0]["uid"], uid);
    let item = open.get(&format!("{UNSORTED}/{uid}")).await.json();
    assert_eq!(item["metadata"]["last_message_text"], "Are you there?");
    let viewer = open.ask(crate::world::VIEWER, "POST", &format!("{UNSORTED}/mail"), &mail.to_string()).await;
    assert_eq!(viewer.status, 403);
}

#[tokio::test]
async fn entities_are_told_by_id_also_while_they_are_hidden() {
    let world = World::kommo().await;
    let asked = "/api/v4/contacts?limit=250&filter[id][]=583294&filter[id][]=1";
    let answer = world.get(asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let contacts = &answer.json()["_embedded"]["contacts"];
    assert_eq!((contacts.as_array().unwrap().len(), &contacts[0]["id"]), (1, &json!(583_294)));
    assert_eq!(world.get("/api/v4/leads?filter[id]=1").await.status, 204);
    assert_eq!(world.get("/api/v4/leads?filter[id]=x").await.status, 400);
}

#[tokio::test]
async fn texts_that_only_look_alike_are_different_and_come_back_byte_for_byte() {
    let world = World::kommo().await;
    let twins = ["caf\u{e9}", "cafe\u{301}", "ABC", "abc", "x", " x", "x ", "\u{1f469}\u{200d}\u{1f4bb}"];
    let item = |text: &&str| {
        let metadata = json!({"form_id": text, "form_page": "p", "form_sent_at": 1_700_000_000});
        json!({"source_name": "s", "source_uid": text, "metadata": metadata})
    };
    let forms = Value::Array(twins.iter().map(item).collect());
    // One identity among them would be refused as the duplicate of another.
    let added = world.post(&format!("{UNSORTED}/forms"), &forms).await;
    for (place, text) in twins.into_iter().enumerate() {
        let uid = added["_embedded"]["unsorted"][place]["uid"].as_str().unwrap();
        let read = world.get(&format!("{UNSORTED}/{uid}")).await.json();
        assert_eq!((&read["source_uid"], &read["metadata"]["form_id"]), (&json!(text), &json!(text)));
    }
}
