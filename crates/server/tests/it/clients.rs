//! What real clients depend on: the rows of the list that the documents do not tell.

use incoming_leads_server::Config;
use serde_json::{Value, json};

use crate::raw::exchange;
use crate::world::{ADMINISTRATOR, World, request};

const UNSORTED: &str = "/api/v4/leads/unsorted";
const FORM: &str = "5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
const CHAT: &str = "9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0";
const CALL: &str = "400c5eb65b9fa7bbfa813cf593b49d4942f325c7c3fbbcf3acf3bee79b63";

/// A form that is like no other.
fn form(number: usize) -> Value {
    json!({
        "source_name": "s", "source_uid": "constant",
        "metadata": {"form_id": number, "form_page": "https://example.com", "form_sent_at": 1_690_000_000},
        "_embedded": {"leads": [{"name": "l"}], "contacts": [{"name": "c"}]},
    })
}

#[tokio::test]
async fn a_request_id_comes_back_as_the_same_text_else_the_place_in_the_batch() {
    let world = World::kommo().await;
    let mut batch: Vec<Value> = (0..5).map(form).collect();
    batch[1]["request_id"] = "+7 (495) <x>".into();
    batch[2]["request_id"] = 17.into();
    batch[3]["request_id"] = "".into();
    let answer = world.post(&format!("{UNSORTED}/forms"), &json!(batch)).await;
    let ids: Vec<_> =
        answer["_embedded"]["unsorted"].as_array().unwrap().iter().map(|item| &item["request_id"]).collect();
    assert_eq!(json!(ids), json!(["0", "+7 (495) <x>", "17", "", "4"]));
    assert_eq!(answer["_total_items"], 5);
}

#[tokio::test]
async fn an_empty_list_and_a_page_past_the_end_have_no_content() {
    let world = World::kommo().await;
    for target in ["?page=2", "?limit=2&page=3", "?filter[category][]=mail", "?filter[uid]=x"] {
        let answer = world.get(&format!("{UNSORTED}{target}")).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{target}");
        assert_eq!((answer.header("content-type"), answer.header("content-length")), (None, None));
    }
}

/// Who asks for page after page until there is no content comes to an end.
#[tokio::test]
async fn a_list_that_is_told_whole_has_one_page() {
    let world = World::kommo().await;
    for list in [
        "users",
        "leads/pipelines",
        "leads/pipelines/6950551/statuses",
        "leads/custom_fields",
        "contacts/custom_fields",
    ] {
        assert_eq!(world.get(&format!("/api/v4/{list}?page=1&limit=1")).await.status, 200, "{list}");
        assert_eq!(world.get(&format!("/api/v4/{list}?limit=250&page=2")).await.status, 204, "{list}");
        assert_eq!(world.get(&format!("/api/v4/{list}?page=0")).await.status, 400, "{list}");
    }
    for one in ["account", "leads/pipelines/6950551", "users/8375357"] {
        assert_eq!(world.get(&format!("/api/v4/{one}?limit=250&page=2")).await.status, 200, "{one}");
    }
}

#[tokio::test]
async fn a_list_tells_no_total_and_its_links_lead_on_where_the_client_is() {
    let world = World::kommo().await;
    let mut target = format!("{UNSORTED}?limit=1&order%5Bcreated_at%5D=asc");
    let mut seen = Vec::new();
    for page in 1.. {
        let answer = world.get(&target).await;
        let list = answer.json();
        assert_eq!((list["_page"].as_u64(), list.get("_total_items")), (Some(page), None));
        seen.push(list["_embedded"]["unsorted"][0]["uid"].as_str().unwrap().to_owned());
        let Some(next) = list["_links"]["next"]["href"].as_str() else { break };
        let rest = next.strip_prefix("http://leads.example").expect("the host that the client called");
        assert!(rest.starts_with("/api/v4/leads/unsorted?"), "{rest}");
        target = rest.to_owned();
    }
    assert_eq!(seen, [CALL, CHAT, FORM]);
}

#[tokio::test]
async fn links_name_the_host_of_the_request_with_its_port_unless_a_public_url_is_set() {
    let mut config = Config::default();
    let spoofed = request(ADMINISTRATOR, "GET", &format!("{UNSORTED}/{FORM}"), "").replace(
        "Host: leads.example",
        "Host: 127.0.0.1:8080\r\nX-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: https",
    );
    for (public_url, origin) in
        [(None, "http://127.0.0.1:8080"), (Some("https://inbox.example.com/"), "https://inbox.example.com")]
    {
        config.public_url = public_url.map(|url| url.parse().unwrap());
        let world = World::both(config.clone()).await;
        let item = exchange(world.addr(), &spoofed).await.unwrap().json();
        assert_eq!(item["_links"]["self"]["href"], format!("{origin}{UNSORTED}/{FORM}"));
        assert_eq!(
            item["_embedded"]["leads"][0]["_links"]["self"]["href"],
            format!("{origin}/api/v4/leads/236768")
        );
    }
}

/// Accept and decline say enough when they say nothing.
#[tokio::test]
async fn accept_and_decline_take_what_clients_send_for_nothing() {
    let bodies = [
        ("", ""),
        ("", "Content-Type: application/x-www-form-urlencoded\r\n"),
        ("", "Content-Type: application/json\r\n"),
        ("[]", "Content-Type: application/json\r\n"),
        ("[]", "Content-Type: application/x-www-form-urlencoded\r\n"),
        ("{}", "Content-Type: application/json; charset=UTF-8\r\n"),
        ("{}", ""),
        ("null", "Content-Type: application/json\r\n"),
        (r#"{"user_id":"8375357"}"#, "Content-Type: application/json\r\n"),
        (r#"{"user_id":0,"pipeline_id":1}"#, "Content-Type: application/hal+json\r\n"),
    ];
    for (body, kind) in bodies {
        for (method, command) in [("POST", "accept"), ("DELETE", "decline")] {
            let world = World::kommo().await;
            let target = format!("{UNSORTED}/{FORM}/{command}");
            let asked = request(ADMINISTRATOR, method, &target, body)
                .replace("Content-Type: application/json\r\n", "")
                .replace("Content-Length", &format!("{kind}Content-Length"));
            let answer = exchange(world.addr(), asked).await.unwrap();
            assert_eq!(answer.status, 200, "{command} {kind} {body}: {}", answer.text());
            let decided = answer.json();
            assert_eq!((&decided["uid"], &decided["category"]), (&json!(FORM), &json!("forms")));
            assert_eq!(
                (&decided["pipeline_id"], &decided["created_at"]),
                (&json!(6_950_551), &json!(1_686_819_152))
            );
        }
    }
}

#[tokio::test]
async fn a_chunked_body_is_a_body() {
    let world = World::kommo().await;
    let head = request(ADMINISTRATOR, "DELETE", &format!("{UNSORTED}/{FORM}/decline"), "");
    let asked =
        head.replace("Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n");
    assert_eq!(exchange(world.addr(), asked).await.unwrap().status, 200);
}

#[tokio::test]
async fn filters_are_read_in_every_form() {
    let world = World::kommo().await;
    for (query, uids) in [
        (format!("filter[uid]={FORM}"), vec![FORM]),
        (format!("filter[uid][]={FORM}"), vec![FORM]),
        (format!("filter[uid][0]={FORM}&filter[uid][7]={CALL}"), vec![FORM, CALL]),
        (format!("filter%5Buid%5D%5B0%5D={CHAT}&limit=50&page=1"), vec![CHAT]),
        ("filter[category][]=sip".to_owned(), vec![CALL]),
        ("filter[category]=forms".to_owned(), vec![FORM]),
        ("filter%5Bcategory%5D%5B0%5D=chats&filter%5Bcategory%5D%5B3%5D=sip".to_owned(), vec![CHAT, CALL]),
        ("filter[pipeline_id]=6950551".to_owned(), vec![FORM, CHAT, CALL]),
        ("filter[pipeline_id][0]=6950551&filter[category]=sip".to_owned(), vec![CALL]),
        ("order[created_at]=asc&limit=250".to_owned(), vec![CALL, CHAT, FORM]),
        ("with=anything&utm=x&category=mail".to_owned(), vec![FORM, CHAT, CALL]),
    ] {
        let list = world.get(&format!("{UNSORTED}?{query}")).await.json();
        let found: Vec<_> =
            list["_embedded"]["unsorted"].as_array().unwrap().iter().map(|item| &item["uid"]).collect();
        assert_eq!(json!(found), json!(uids), "{query}");
    }
}

/// Every combination of filters, orders and pages, beside the same done by hand on the whole list.
#[tokio::test]
async fn filters_orders_and_pages_combine() {
    let world = World::kommo().await;
    world.post(&format!("{UNSORTED}/forms"), &json!((0..6).map(form).collect::<Vec<_>>())).await;
    let all = world.get(&format!("{UNSORTED}?limit=250")).await.json();
    let all = all["_embedded"]["unsorted"].as_array().unwrap().clone();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let uids: [&[&str]; 3] = [&[], &[FORM], &[CHAT, CALL, "nothing"]];
    let categories: [&[&str]; 3] = [&[], &["forms"], &["sip", "chats", "mail"]];
    let mut asked = 0;
    for (uids, categories, pipeline, order, (page, limit)) in combinations(&uids, &categories) {
        let mut expected: Vec<(u64, String)> = all
            .iter()
            .filter(|item| uids.is_empty() || uids.contains(&item["uid"].as_str().unwrap()))
            .filter(|item| categories.is_empty() || categories.contains(&item["category"].as_str().unwrap()))
            .filter(|item| pipeline.is_none_or(|pipeline| item["pipeline_id"] == pipeline))
            .map(|item| (item["created_at"].as_u64().unwrap(), text(item, "uid")))
            .collect();
        expected.sort_unstable();
        if order != Some("asc") {
            expected.reverse();
        }
        let expected: Vec<_> =
            expected.into_iter().skip((page - 1) * limit).take(limit).map(|(_, uid)| uid).collect();
        let mut query = format!("page={page}&limit={limit}");
        query.extend(uids.iter().map(|uid| format!("&filter[uid][]={uid}")));
        query.extend(categories.iter().map(|category| format!("&filter[category][]={category}")));
        query.extend(pipeline.map(|pipeline| format!("&filter[pipeline_id]={pipeline}")));
        query.extend(order.map(|order| format!("&order[created_at]={order}")));
        let answer = world.get(&format!("{UNSORTED}?{query}")).await;
        let found: Vec<_> = match answer.status {
            204 => Vec::new(),
            _ => answer.json()["_embedded"]["unsorted"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| text(item, "uid"))
                .collect(),
        };
        assert_eq!(found, expected, "{query}");
        asked += 1;
    }
    assert_eq!(asked, 3 * 3 * 3 * 3 * 3);
}

type Combination<'a> = (&'a [&'a str], &'a [&'a str], Option<u64>, Option<&'a str>, (usize, usize));

fn combinations<'a>(uids: &'a [&'a [&'a str]], categories: &'a [&'a [&'a str]]) -> Vec<Combination<'a>> {
    let mut all = Vec::new();
    for (uids, categories) in
        uids.iter().flat_map(|uids| categories.iter().map(move |categories| (uids, categories)))
    {
        for pipeline in [None, Some(6_950_551), Some(1)] {
            for order in [None, Some("asc"), Some("desc")] {
                for page in [(1, 250), (1, 2), (2, 2)] {
                    all.push((*uids, *categories, pipeline, order, page));
                }
            }
        }
    }
    all
}

#[tokio::test]
async fn what_clients_add_to_a_detail_does_no_harm() {
    let world = World::kommo().await;
    for target in [
        format!("/{FORM}?limit=250&page=1"),
        format!("/{FORM}/"),
        format!("/{FORM}//?page=1"),
        format!("/{FORM}?filter[x]=y"),
    ] {
        let answer = world.get(&format!("{UNSORTED}{target}")).await;
        assert_eq!((answer.status, &answer.json()["uid"]), (200, &json!(FORM)), "{target}");
    }
    let with_body = world.ask(ADMINISTRATOR, "GET", &format!("{UNSORTED}/{FORM}"), "[]").await;
    assert_eq!(with_body.status, 200);
    let head = exchange_head(&world, &format!("{UNSORTED}/{FORM}")).await;
    let body = world.get(&format!("{UNSORTED}/{FORM}")).await.body.len().to_string();
    assert_eq!((head.0, head.1.as_deref()), (200, Some(body.as_str())));
    assert_eq!(exchange_head(&world, &format!("{UNSORTED}/x")).await.0, 204);
    assert_eq!(exchange_head(&world, &format!("{UNSORTED}/sip")).await.0, 405);
}

async fn exchange_head(world: &World, target: &str) -> (u16, Option<String>) {
    let mut raw = crate::raw::Raw::open(world.addr()).await;
    raw.send(request(ADMINISTRATOR, "HEAD", target, "")).await;
    let answer = raw.head_answer().await.unwrap();
    let length = answer.header("content-length").map(str::to_owned);
    // The next answer begins right after the head.
    raw.send(request(ADMINISTRATOR, "GET", &format!("{UNSORTED}/{FORM}"), "")).await;
    assert_eq!(raw.answer().await.unwrap().status, 200);
    (answer.status, length)
}

#[tokio::test]
async fn metadata_have_all_keys_and_entities_have_ids() {
    let world = World::both(Config::default()).await;
    let bare = json!([{"source_name": "s", "source_uid": "u", "metadata": {"form_id": "f"}}]);
    world.post(&format!("{UNSORTED}/forms"), &bare).await;
    let mut seen = 0;
    for token in [ADMINISTRATOR, crate::world::STRANGER] {
        let list = world.ask(token, "GET", &format!("{UNSORTED}?limit=250"), "").await.json();
        for item in list["_embedded"]["unsorted"].as_array().unwrap() {
            let keys: &[&str] = match item["category"].as_str().unwrap() {
                "sip" => &[],
                "forms" => &["form_id", "form_name", "form_page", "form_sent_at"],
                "chats" => &[
                    "from",
                    "to",
                    "received_at",
                    "service",
                    "client",
                    "origin",
                    "last_message_text",
                    "source_name",
                ],
                "mail" => &["from", "received_at", "subject", "thread_id", "message_id", "content_summary"],
                other => panic!("{other}"),
            };
            let metadata = item["metadata"].as_object().unwrap();
            assert!(keys.iter().all(|key| metadata.contains_key(*key)), "{item:#}");
            for kind in ["leads", "contacts", "companies"] {
                let entities = item["_embedded"][kind].as_array().unwrap();
                assert!(entities.iter().all(|entity| entity["id"].as_u64() > Some(0)), "{item:#}");
            }
            assert_eq!(item["_embedded"]["leads"].as_array().unwrap().len(), 1);
            seen += 1;
        }
    }
    assert_eq!(seen, 9);
}

#[tokio::test]
async fn a_summary_has_integers_also_where_nothing_is() {
    let world = World::kommo().await;
    let nothing = world.get(&format!("{UNSORTED}/summary?filter[created_at][to]=1")).await.json();
    let none = json!({"total": 0});
    let categories = json!({"sip": none, "mail": none, "forms": none, "chats": none});
    let zeros =
        json!({"total": 0, "accepted": 0, "declined": 0, "average_sort_time": 0, "categories": categories});
    assert_eq!(nothing, zeros);
    world.post(&format!("{UNSORTED}/forms"), &json!([form(1), form(2)])).await;
    let some = world.get(&format!("{UNSORTED}/summary?filter[created_at]=1690000000")).await.json();
    assert_eq!((&some["total"], &some["categories"]["forms"]["total"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn the_lead_of_an_add_can_be_used_at_once() {
    let world = World::kommo().await;
    let added = world.post(&format!("{UNSORTED}/forms"), &json!([form(1)])).await;
    let item = &added["_embedded"]["unsorted"][0];
    let href = item["_embedded"]["leads"][0]["_links"]["self"]["href"].as_str().unwrap();
    let lead = world.get(href.strip_prefix("http://leads.example").unwrap()).await;
    assert_eq!((lead.status, &lead.json()["name"]), (200, &json!("l")));
}

/// What the errors of a request name: who it is, what, where.
fn told(answer: &crate::raw::Answer) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let problem = answer.json();
    let groups = problem["validation-errors"].as_array().unwrap();
    let errors = groups.iter().flat_map(|group| {
        let errors = group["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&group["request_id"]), text(&error["code"]), text(&error["path"])))
    });
    errors.collect()
}

#[tokio::test]
async fn the_errors_of_a_batch_name_the_items_that_are_wrong_and_no_others() {
    let world = World::kommo().await;
    let mut batch: Vec<Value> = (0..250).map(form).collect();
    batch[137]["request_id"] = "mine".into();
    for place in [137, 200] {
        batch[place]["pipeline_id"] = 1.into();
    }
    let answer =
        world.ask(ADMINISTRATOR, "POST", &format!("{UNSORTED}/forms"), &json!(batch).to_string()).await;
    let wrong = |id: &str| (id.to_owned(), "NotSupportedChoice".to_owned(), "pipeline_id".to_owned());
    assert_eq!((answer.status, told(&answer)), (400, vec![wrong("mine"), wrong("200")]));
}

#[tokio::test]
async fn a_twin_is_refused_with_the_uid_that_waits_and_welcome_once_that_is_decided() {
    let world = World::kommo().await;
    let target = format!("{UNSORTED}/forms");
    let batch = json!([form(1)]);
    let first = world.post(&target, &batch).await;
    let uid = first["_embedded"]["unsorted"][0]["uid"].as_str().unwrap();
    let refused = world.ask(ADMINISTRATOR, "POST", &target, &batch.to_string()).await;
    assert_eq!(refused.status, 400);
    let error = &refused.json()["validation-errors"][0]["errors"][0];
    assert_eq!((&error["code"], &error["uid"]), (&json!("Duplicate"), &json!(uid)));
    world.post(&format!("{UNSORTED}/{uid}/accept"), &json!({})).await;
    world.post(&target, &batch).await;
}

/// The client is cut off before the answer; asking again tells whether it took effect.
#[tokio::test]
async fn an_add_whose_answer_is_lost_is_there_once() {
    let world = World::kommo().await;
    let asked = request(ADMINISTRATOR, "POST", &format!("{UNSORTED}/forms"), &json!([form(1)]).to_string());
    let mut raw = crate::raw::Raw::open(world.addr()).await;
    raw.send(&asked).await;
    drop(raw);
    let again = exchange(world.addr(), &asked).await.unwrap();
    assert!([200, 400].contains(&again.status), "{}", again.text());
    let list = world.get(&format!("{UNSORTED}?filter[category][]=forms")).await.json();
    assert_eq!(list["_embedded"]["unsorted"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn of_many_decisions_at_once_one_succeeds() {
    let world = World::kommo().await;
    let link = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}}).to_string();
    let decide = |number: usize| {
        let (method, command, body) = match number % 3 {
            0 => ("POST", "accept", ""),
            1 => ("DELETE", "decline", ""),
            _ => ("POST", "link", link.as_str()),
        };
        exchange(world.addr(), request(ADMINISTRATOR, method, &format!("{UNSORTED}/{CHAT}/{command}"), body))
    };
    let answers = futures_util::future::join_all((0..30).map(decide)).await;
    let statuses: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 404].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn json_may_be_called_by_its_relatives_or_not_at_all() {
    let world = World::kommo().await;
    let asked = request(ADMINISTRATOR, "POST", &format!("{UNSORTED}/forms"), &json!([form(1)]).to_string())
        .replace("Content-Type: application/json\r\n", "");
    assert_eq!(exchange(world.addr(), asked).await.unwrap().status, 200);
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON;charset=\"UTF-8\"",
        "application/hal+json",
    ] {
        let world = World::kommo().await;
        let body = json!([form(1)]).to_string();
        let asked = request(ADMINISTRATOR, "POST", &format!("{UNSORTED}/forms"), &body)
            .replace("Content-Type: application/json", &format!("Content-Type: {kind}"));
        assert_eq!(exchange(world.addr(), asked).await.unwrap().status, 200, "{kind}");
    }
}
