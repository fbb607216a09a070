//! Shapes that break naive typed decoders, and what else is tolerated.

use http::{Response, StatusCode};
use incoming_leads_model::lifecycle::Channel;
use incoming_leads_model::{
    CallEvent, Category, ChatsMetadata, Draft, IncomingLead, Link, Metadata, Moment, More, SipMetadata,
};
use incoming_leads_wire_v4::{Failure, accept, account, add, decline, entity, get, link, list, summary};
use serde_json::{Value, json};

use crate::{json as request, ok};

fn item(change: impl FnOnce(&mut Value)) -> IncomingLead {
    let mut item = json!({
        "uid": "a1", "source_uid": "s", "source_name": "n", "category": "sip", "pipeline_id": 1, "created_at": 5,
        "metadata": {}, "account_id": 3, "_links": {"self": {"href": "LINK"}},
        "_embedded": {"contacts": [{"id": 7, "_links": {}}], "leads": [{"id": 8}], "companies": []}
    });
    change(&mut item);
    get::read_response(&ok(item.to_string())).unwrap().unwrap()
}

fn call(metadata: Value) -> SipMetadata {
    match item(|item| item["metadata"] = metadata).metadata {
        Metadata::Sip(call) => call,
        other => panic!("{other:?}"),
    }
}

fn draft(channel: Channel, item: &Value) -> Draft {
    let mut read = add::read_request(channel, &request(json!([item]).to_string())).unwrap();
    read.add.items.remove(0)
}

fn sent_call(metadata: &Value) -> SipMetadata {
    match draft(Channel::Sip, &json!({"metadata": metadata})).metadata {
        Some(Metadata::Sip(call)) => call,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sources_may_be_null_or_untold() {
    let null = item(|item| item["source_uid"] = Value::Null);
    assert_eq!((null.source_uid, null.source_name), (Some(None), Some(Some("n".to_owned()))));
    let untold = item(|item| drop(item.as_object_mut().unwrap().remove("source_uid")));
    assert_eq!(untold.source_uid, None);
}

#[test]
fn a_phone_may_be_a_number_or_a_text() {
    for phone in [json!(14_155_551_234_u64), json!("14155551234"), json!(14_155_551_234.0)] {
        assert_eq!(call(json!({"phone": phone})).phone.as_deref(), Some("14155551234"));
        assert_eq!(sent_call(&json!({"phone": phone})).phone.as_deref(), Some("14155551234"));
    }
    assert_eq!(call(json!({"from": -5, "phone": 1.5})).from.as_deref(), Some("-5"));
}

#[test]
fn whole_numbers_may_be_texts_and_be_written_with_a_fraction_of_zero() {
    for duration in [json!("54"), json!(54), json!(54.0), json!(5.4e1), json!("054")] {
        assert_eq!(sent_call(&json!({"duration": duration})).duration, Some(54), "{duration}");
    }
    assert_eq!(call(json!({"duration": "0"})).duration, Some(0));
    assert_eq!(sent_call(&json!({"duration": -0.0})).duration, Some(0));
    assert_eq!(
        sent_call(&json!({"called_at": "1510261200"})).called_at,
        Moment::from_secs(1_510_261_200).ok()
    );
}

#[test]
fn a_chat_may_have_a_number_for_a_text_and_no_client() {
    let chat = item(|item| {
        item["category"] = json!("chats");
        item["metadata"] =
            json!({"from": "", "client": {"name": null}, "origin": [], "last_message_text": 1686818940});
    });
    let Metadata::Chats(ChatsMetadata { from, client, last_message_text, .. }) = chat.metadata else {
        panic!()
    };
    assert_eq!(from.as_deref(), Some(""));
    assert_eq!(client.name, None);
    assert_eq!(last_message_text.as_deref(), Some("1686818940"));
}

#[test]
fn the_category_picks_the_metadata_wherever_it_stands() {
    for metadata in ["[]", "null", "{}"] {
        let body = format!(r#"{{"metadata":{metadata},"uid":"a","created_at":1,"category":"mail"}}"#);
        let read = get::read_response(&ok(body)).unwrap().unwrap();
        assert_eq!(read.metadata, Metadata::empty(Category::Mail), "{metadata}");
    }
    let body = r#"{"metadata":{"from":{"email":"a@b"},"x":1},"uid":"a","created_at":1,"category":"mail"}"#;
    let Metadata::Mail(mail) = get::read_response(&ok(body)).unwrap().unwrap().metadata else { panic!() };
    assert_eq!(mail.from.email.as_deref(), Some("a@b"));
    assert_eq!(mail.further["x"], json!(1));
    let read = get::read_response(&ok(r#"{"uid":"a","created_at":1,"category":"chats"}"#)).unwrap().unwrap();
    assert_eq!(read.metadata, Metadata::empty(Category::Chats));
}

#[test]
fn mails_have_an_author_that_is_an_object_or_a_text() {
    for (from, email) in [(json!({"email": "a@b", "name": "A"}), "a@b"), (json!("a@b"), "a@b")] {
        let mail = item(|item| {
            item["category"] = json!("mail");
            item["metadata"] = json!({"from": from, "thread_id": "0012", "message_id": 77});
        });
        let Metadata::Mail(mail) = mail.metadata else { panic!() };
        assert_eq!(mail.from.email.as_deref(), Some(email));
        assert_eq!((mail.thread_id.as_deref(), mail.message_id.as_deref()), (Some("0012"), Some("77")));
    }
}

#[test]
fn a_code_of_a_call_may_be_anything() {
    for uniq in [json!("u"), json!(["u", 1]), json!(0.25)] {
        assert_eq!(sent_call(&json!({"uniq": uniq})).uniq, Some(uniq));
    }
    assert_eq!(sent_call(&json!({"uniq": null})).uniq, None);
}

#[test]
fn a_call_note_may_be_wished_for_in_many_ways() {
    for (flag, wish) in [
        (json!(true), CallEvent::Plain),
        (json!(1), CallEvent::Plain),
        (json!("1"), CallEvent::Plain),
        (json!("call back"), CallEvent::Text("call back".to_owned())),
        (json!(false), CallEvent::Unwanted),
    ] {
        assert_eq!(sent_call(&json!({"is_call_event_needed": flag})).call_event, Some(wish), "{flag}");
    }
}

#[test]
fn stubs_may_lack_kinds_and_have_more_keys() {
    let lead =
        item(|item| item["_embedded"] = json!({"leads": [{"id": "8", "is_deleted": false, "name": null}]}));
    assert_eq!(lead.leads.unwrap()[0].id.unwrap().get(), 8);
    assert_eq!((lead.contacts, lead.companies), (None, None));
    let none = item(|item| item["_embedded"] = json!([]));
    assert_eq!(none.leads, None);
}

#[test]
fn unknown_keys_are_ignored_or_kept() {
    let lead = item(|item| {
        item["new"] = json!({"deep": [[[[1]]]]});
        item["metadata"]["new"] = json!([1, {"a": null}]);
    });
    let Metadata::Sip(call) = lead.metadata else { panic!() };
    assert_eq!(Value::Object(call.further), json!({"new": [1, {"a": null}]}));
    let draft = draft(
        Channel::Forms,
        &json!({
            "source_name": "n", "unknown": 1, "metadata": {"form_type": 1, "utm": "x"},
            "_embedded": {"lead": {}, "leads": [{
                "request_id": "9", "status_id": 142, "price": "5000", "name": 234, "responsible_user_id": 0,
                "_embedded": {"tags": [{"id": "5"}], "source": {"type": "widget"}}
            }]}
        }),
    );
    let lead = &draft.leads[0];
    assert_eq!((lead.price, lead.card.name.as_deref()), (Some(5000), Some("234")));
    assert_eq!(lead.card.responsible_user_id, None);
    assert_eq!(lead.card.tags[0].id.unwrap().get(), 5);
    let kept = json!({"request_id": "9", "status_id": 142, "_embedded": {"source": {"type": "widget"}}});
    assert_eq!(Value::Object(lead.card.further.clone()), kept);
    let Some(Metadata::Forms(form)) = &draft.metadata else { panic!() };
    assert_eq!((form.form_type.as_deref(), &form.further["utm"]), (Some("1"), &json!("x")));
}

#[test]
fn empty_objects_may_be_empty_lists() {
    let item = json!({"metadata": [], "_embedded": {"leads": [[]], "contacts": [{"_embedded": [], "custom_fields_values": []}]}});
    let draft = draft(Channel::Sip, &item);
    assert_eq!((draft.leads.len(), draft.contacts.len()), (1, 1));
    assert_eq!(draft.contacts[0], incoming_leads_model::ContactDraft::default());
}

#[test]
fn an_item_may_say_next_to_nothing() {
    assert_eq!(draft(Channel::Sip, &json!({})), Draft::default());
    assert_eq!(draft(Channel::Sip, &json!([])), Draft::default());
    let null = json!({
        "source_name": null, "source_uid": null, "pipeline_id": null, "created_at": null, "metadata": null,
        "_embedded": null, "request_id": null
    });
    assert_eq!(draft(Channel::Forms, &null), Draft::default());
    let empty = draft(Channel::Forms, &json!({"metadata": [], "_embedded": []}));
    assert_eq!(empty.metadata, Some(Metadata::empty(Category::Forms)));
}

#[test]
fn request_ids_are_echoed_as_the_same_text() {
    let body =
        json!([{"request_id": "123"}, {}, {"request_id": 7}, {"request_id": null}, {"request_id": ""}]);
    let read = add::read_request(Channel::Sip, &request(body.to_string())).unwrap();
    assert_eq!(read.request_ids, ["123", "1", "7", "3", ""]);
}

#[test]
fn commands_may_say_nothing_in_any_type() {
    for body in ["", " \n", "[]", "{}", "null", " [] "] {
        for content_type in
            [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("text/plain")]
        {
            let mut request = http::Request::new(body.as_bytes().to_vec());
            if let Some(content_type) = content_type {
                request.headers_mut().insert("content-type", content_type.parse().unwrap());
            }
            assert_eq!(
                accept::read_request(&request).unwrap(),
                incoming_leads_model::Accept::default(),
                "{body}"
            );
            assert_eq!(
                decline::read_request(&request).unwrap(),
                incoming_leads_model::Decline::default(),
                "{body}"
            );
        }
    }
}

#[test]
fn commands_take_ids_as_texts_and_0_for_the_caller() {
    let read =
        accept::read_request(&request(r#"{"user_id":"12","status_id":"142","pipeline_id":"x"}"#)).unwrap();
    assert_eq!((read.user_id.unwrap().get(), read.status_id.unwrap().get()), (12, 142));
    assert_eq!(accept::read_request(&request(r#"{"user_id":0}"#)).unwrap().user_id, None);
    assert_eq!(decline::read_request(&request(r#"{"user_id":"0"}"#)).unwrap().user_id, None);
    let body = r#"{"link":{"entity_id":"5","entity_type":"customers","metadata":[]},"user_id":0}"#;
    let Link { target, contact_id, user_id } = link::read_request(&request(body)).unwrap();
    assert_eq!((target.to_string().as_str(), contact_id, user_id), ("customer 5", None, None));
}

#[test]
fn a_list_may_be_a_204_or_an_empty_list() {
    let nothing = Response::builder().status(204).body(Vec::new()).unwrap();
    assert_eq!(list::read_response(&nothing).unwrap().items, []);
    assert_eq!(get::read_response(&nothing).unwrap(), None);
    let empty = list::read_response(&ok(r#"{"_links":{"self":{}},"_embedded":{"unsorted":[]}}"#)).unwrap();
    assert_eq!((empty.items.len(), empty.more), (0, More::No));
    assert!(
        matches!(list::read_response(&ok("{}")), Err(Failure::Unreadable(error)) if error.path == "_embedded")
    );
}

#[test]
fn another_page_follows_where_there_is_a_next_link() {
    let page = |links: &str| {
        list::read_response(&ok(format!(r#"{{{links}"_embedded":{{"unsorted":[]}}}}"#))).unwrap().more
    };
    assert_eq!(page(r#""_links":{"self":{"href":"x"},"next":{"href":"y"}},"#), More::Yes);
    assert_eq!(page(r#""_links":{"self":{"href":"x"}},"#), More::No);
    assert_eq!(page(""), More::Perhaps);
}

#[test]
fn a_summary_may_lack_categories_and_count_barely() {
    let read = |categories: &str| {
        let body = format!(
            r#"{{"total":2,"accepted":"0","declined":0,"average_sort_time":null,"categories":{categories}}}"#
        );
        summary::read_response(&ok(body)).unwrap()
    };
    assert_eq!(read(r#"{"forms":2}"#).category(Category::Forms), 2);
    assert_eq!(read(r#"{"forms":{"total":"2"},"new":{"total":1}}"#).category(Category::Forms), 2);
    assert_eq!(read("[]").categories, [0; 4]);
    assert_eq!(read("null").average_sort_time_secs, 0);
}

#[test]
fn answers_to_adds_are_put_in_order() {
    let answer = |ids: &str| {
        let mut ids = ids.split(',');
        let mut item = |uid: &str| json!({"uid": uid, "request_id": ids.next().unwrap()});
        ok(json!({"_embedded": {"unsorted": [item("a"), item("b")]}}).to_string())
    };
    let uids = |ids: &str| -> Vec<String> {
        add::read_response(2, &answer(ids)).unwrap().iter().map(|receipt| receipt.uid.to_string()).collect()
    };
    assert_eq!(uids("1,0"), ["b", "a"]);
    assert_eq!(uids("0,1"), ["a", "b"]);
    assert_eq!(uids("x,0"), ["a", "b"]);
    assert!(matches!(add::read_response(3, &answer("0,1")), Err(Failure::Unreadable(_))));
}

#[test]
fn pipelines_may_have_null_names_and_two_stages_of_incoming_leads() {
    let body = json!({"_embedded": {"pipelines": [{
        "id": 1, "name": null, "is_unsorted_on": false,
        "_embedded": {"statuses": [{"id": 2, "name": "u", "type": 1}, {"id": 3, "name": null, "type": "1"}]}
    }]}});
    let read = account::read_pipelines(&ok(body.to_string())).unwrap();
    assert_eq!((read[0].name.as_str(), read[0].is_unsorted_on, read[0].statuses.len()), ("", false, 2));
    assert_eq!(read[0].unsorted_status().unwrap().id.get(), 2);
}

#[test]
fn an_entity_of_the_system_was_made_by_nobody() {
    let body = json!({
        "id": 5, "name": "", "price": "7", "status_id": 142, "pipeline_id": 1, "created_by": 0, "updated_by": 0,
        "created_at": 1, "updated_at": 2, "closed_at": null, "custom_fields_values": null, "score": 9,
        "loss_reason_id": null, "_embedded": {"tags": [], "companies": [{"id": 4}], "loss_reason": []}
    });
    let lead = entity::read_lead(&ok(body.to_string())).unwrap().unwrap();
    assert_eq!((lead.stamp.created_by, lead.price, lead.company.unwrap().get()), (None, 7, 4));
    assert_eq!(Value::Object(lead.card.further), json!({"score": 9, "_embedded": {"loss_reason": []}}));
}

#[test]
fn refusals_without_a_document_are_told_by_their_status() {
    for (status, body) in [(429, "<html>"), (502, ""), (403, "[]"), (401, "{}"), (400, "null")] {
        let response = Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(list::read_response(&response), Err(Failure::Status(status)));
        assert_eq!(accept::read_response(&response), Err(Failure::Status(status)));
    }
    let accepted = Response::builder().status(202).body(Vec::new()).unwrap();
    assert!(matches!(accept::read_response(&accepted), Err(Failure::Unreadable(_))));
    let nothing = Response::builder().status(204).body(Vec::new()).unwrap();
    assert_eq!(decline::read_response(&nothing), Err(Failure::Status(StatusCode::NO_CONTENT)));
}

#[test]
fn unreadable_answers_name_the_place() {
    let cases = [
        (r#"{"_embedded":{"unsorted":[{"uid":"a","category":"fax"}]}}"#, "_embedded.unsorted.0.category"),
        (
            r#"{"_embedded":{"unsorted":[{"uid":"a","category":"sip","metadata":{"phone":[]}}]}}"#,
            "_embedded.unsorted.0.metadata.phone",
        ),
        (r#"{"_embedded":{"unsorted":{"a":1}}}"#, "_embedded.unsorted"),
        (r#"{"_embedded":{"unsorted":[{"uid":5}]}}"#, "_embedded.unsorted.0.uid"),
        (r#"{"_embedded":"#, "_embedded"),
    ];
    for (body, path) in cases {
        match list::read_response(&ok(body)) {
            Err(Failure::Unreadable(error)) => assert_eq!(error.path, path, "{body}: {}", error.detail),
            other => panic!("{body}: {other:?}"),
        }
    }
}
