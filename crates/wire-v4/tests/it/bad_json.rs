//! Bodies that are refused, each with its code and path; and what is taken although it looks odd.

use http::Request;
use incoming_leads_model::lifecycle::Channel;
use incoming_leads_wire_v4::{Problem, accept, add, decline, link};

use crate::json;

/// Where and what: (request_id, code, path) of every error.
fn told(problem: &Problem) -> Vec<(String, String, String)> {
    assert_eq!(problem.status.as_u16(), 400, "{problem}");
    let groups = problem.validation_errors.iter();
    let errors = groups.flat_map(|group| {
        group.errors.iter().map(|error| {
            assert!(!error.detail.is_empty() && error.detail.len() < 320, "{error:?}");
            (group.request_id.clone(), error.code.to_string(), error.path.clone())
        })
    });
    errors.collect()
}

fn added(body: impl AsRef<[u8]>) -> Vec<(String, String, String)> {
    let body = body.as_ref();
    match add::read_request(Channel::Sip, &json(body)) {
        Ok(read) => panic!("{} was taken: {read:?}", String::from_utf8_lossy(&body[..body.len().min(200)])),
        Err(problem) => told(&problem),
    }
}

fn one(body: impl AsRef<[u8]>, request_id: &str, code: &str, path: &str) {
    let shown = String::from_utf8_lossy(&body.as_ref()[..body.as_ref().len().min(200)]).into_owned();
    assert_eq!(added(body), [(request_id.to_owned(), code.to_owned(), path.to_owned())], "{shown}");
}

#[test]
fn what_is_no_json_is_refused() {
    let cases: &[&[u8]] = &[
        b"",
        b"   ",
        b"[",
        b"[{}",
        b"[{}]x",
        b"[{}][{}]",
        b"[{},]",
        b"[{\"source_name\":1,}]",
        b"[{'source_name':1}]",
        b"[{source_name:1}]",
        b"[/* */]",
        b"[NaN]",
        b"[Infinity]",
        b"[-]",
        b"[01]",
        b"[1.]",
        b"[+1]",
        b"[1e400]",
        b"[tru]",
        b"\xEF\xBB\xBF[{}]",
        b"\xFF\xFE[\0]\0",
        b"\xFE\xFF\0[\0]",
        b"[\"\xff\"]",
        b"[\"\xc0\xaf\"]",
        b"[\"\xed\xa0\x80\"]",
        b"[\"\xf5\x80\x80\x80\"]",
        b"[\"\\ud800\"]",
        b"[\"\\udc00\\ud800\"]",
        b"[\"\\ud800x\"]",
        b"[\"\x01\"]",
        b"[\"\n\"]",
        b"[\"\\x\"]",
        b"[\"\\u12g4\"]",
    ];
    for body in cases {
        let errors = added(body);
        assert_eq!(errors.len(), 1, "{}", String::from_utf8_lossy(body));
        assert_eq!(errors[0].1, "InvalidJson", "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn what_is_no_json_deep_inside_is_named_by_its_place() {
    one(br#"[{},{"metadata":{"phone":"\ud800"}}]"#, "1", "InvalidJson", "metadata.phone");
    one(b"[{},{\"unknown\":[1,\"\xff\"]}]", "1", "InvalidJson", "unknown.1");
}

#[test]
fn a_key_that_stands_twice_is_refused_wherever_it_is() {
    one(r#"[{"source_uid":"a","source_uid":"b"}]"#, "0", "DuplicateKey", "source_uid");
    one(r#"[{},{"metadata":{"phone":1,"phone":1}}]"#, "1", "DuplicateKey", "metadata.phone");
    one(r#"[{"unknown":[{"a":{"b":1,"b":2}}]}]"#, "0", "DuplicateKey", "unknown.0.a.b");
    one(r#"[{"source_uid":1,"source\u005fuid":2}]"#, "0", "DuplicateKey", "source_uid");
    let many: String = (0..100_000).map(|n| format!("\"k{n}\":0,")).collect();
    one(format!(r#"[{{{many}"k7":1}}]"#), "0", "DuplicateKey", "k7");
    one(format!(r#"[{{{many}"k77777":1}}]"#), "0", "DuplicateKey", "k77777");
}

#[test]
fn more_than_32_levels_are_refused() {
    let nested =
        |depth: usize| format!(r#"[{{"unknown":{}{}}}]"#, "[".repeat(depth - 2), "]".repeat(depth - 2));
    assert!(add::read_request(Channel::Sip, &json(nested(31))).is_ok());
    assert!(add::read_request(Channel::Sip, &json(nested(32))).is_ok());
    let errors = added(nested(33));
    assert_eq!((errors[0].0.as_str(), errors[0].1.as_str()), ("0", "TooDeep"));
    for bomb in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(1_000_000),
        format!("{}{}", "[".repeat(128), "]".repeat(128)),
    ] {
        assert_eq!(added(bomb)[0].1, "TooDeep");
    }
}

#[test]
fn a_body_that_is_no_list_is_refused() {
    for body in ["null", "{}", "1", "\"x\"", "true", r#"{"source_name":"n","metadata":{}}"#] {
        one(body, "0", "InvalidType", "");
    }
    let single = add::read_request(Channel::Sip, &json(r#"{"source_name":"n"}"#)).unwrap_err();
    assert!(single.to_string().contains("as in [{"), "{single}");
}

#[test]
fn a_list_inside_of_an_object_is_answered_as_the_real_server_does() {
    let missing = |path: &str| ("0".to_owned(), "FieldMissing".to_owned(), path.to_owned());
    let expected = [missing("data.source_name"), missing("data.source_uid"), missing("data.metadata")];
    assert_eq!(added(r#"{"data":[{"source_name":"n"}]}"#), expected);
    let many: String = (0..1000).map(|n| format!("\"k{n}\":0,")).collect();
    assert_eq!(added(format!(r#"{{{many}"z":1}}"#)).len(), 30);
}

#[test]
fn an_empty_list_is_for_the_model_to_judge() {
    assert_eq!(add::read_request(Channel::Sip, &json("[]")).unwrap().add.items.len(), 0);
}

#[test]
fn more_than_250_items_are_refused_however_many_and_whatever_they_are() {
    let items = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    for count in [249, 250] {
        assert_eq!(
            add::read_request(Channel::Sip, &json(items("{}", count))).unwrap().add.items.len(),
            count
        );
    }
    for body in [items("{}", 251), items("{}", 300_000), items("1", 300_000)] {
        one(body, "0", "TooMany", "");
    }
}

#[test]
fn long_lists_inside_of_an_item_are_cut_where_the_model_refuses_them_anyway() {
    let tags = vec!["{}"; 100_000].join(",");
    let body = format!(r#"[{{"_embedded":{{"leads":[{{"_embedded":{{"tags":[{tags}]}}}}]}}}}]"#);
    let read = add::read_request(Channel::Sip, &json(body)).unwrap();
    assert_eq!(read.add.items[0].leads[0].card.tags.len(), 251);
}

#[test]
fn wrong_types_are_named_by_their_path() {
    let cases = [
        (r#"["a",1]"#, ""),
        (r#"[[1]]"#, ""),
        (r#"[null]"#, ""),
        (r#"[{"source_name":true}]"#, "source_name"),
        (r#"[{"source_name":{}}]"#, "source_name"),
        (r#"[{"source_uid":[]}]"#, "source_uid"),
        (r#"[{"request_id":["1"]}]"#, "request_id"),
        (r#"[{"request_id":true}]"#, "request_id"),
        (r#"[{"pipeline_id":"x"}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":1.5}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":-1}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":18446744073709551616}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":""}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":"+1"}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":" 1"}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":"1.0"}]"#, "pipeline_id"),
        (r#"[{"pipeline_id":true}]"#, "pipeline_id"),
        (r#"[{"created_at":-5}]"#, "created_at"),
        (r#"[{"created_at":"2020-01-01"}]"#, "created_at"),
        (r#"[{"created_at":1e-400}]"#, ""),
        (r#"[{"metadata":"x"}]"#, "metadata"),
        (r#"[{"metadata":[1]}]"#, "metadata"),
        (r#"[{"metadata":{"duration":-1}}]"#, "metadata.duration"),
        (r#"[{"metadata":{"duration":"5s"}}]"#, "metadata.duration"),
        (r#"[{"metadata":{"phone":{}}}]"#, "metadata.phone"),
        (r#"[{"metadata":{"phone":false}}]"#, "metadata.phone"),
        (r#"[{"metadata":{"phone":100000000000000000000}}]"#, "metadata.phone"),
        (r#"[{"_embedded":[1]}]"#, "_embedded"),
        (r#"[{"_embedded":{"leads":{"name":"x"}}}]"#, "_embedded.leads"),
        (r#"[{"_embedded":{"leads":["x"]}}]"#, "_embedded.leads.0"),
        (r#"[{"_embedded":{"leads":[{"price":"1.5"}]}}]"#, "_embedded.leads.0.price"),
        (
            r#"[{"_embedded":{"leads":[{"custom_fields_values":{}}]}}]"#,
            "_embedded.leads.0.custom_fields_values",
        ),
        (
            r#"[{"_embedded":{"contacts":[{"custom_fields_values":[{"field_id":1,"values":[7]}]}]}}]"#,
            "_embedded.contacts.0.custom_fields_values.0.values.0",
        ),
        (
            r#"[{"_embedded":{"companies":[{"_embedded":{"tags":["x"]}}]}}]"#,
            "_embedded.companies.0._embedded.tags.0",
        ),
    ];
    for (body, path) in cases {
        if body.contains("1e-400") {
            assert!(add::read_request(Channel::Sip, &json(body)).is_ok(), "it is 0 in every reader");
        } else if body == r#"["a",1]"# {
            let errors = added(body);
            assert_eq!(errors.iter().map(|error| error.0.as_str()).collect::<Vec<_>>(), ["0", "1"]);
        } else {
            one(body, "0", "InvalidType", path);
        }
    }
}

#[test]
fn numbers_out_of_range_are_named_by_their_path() {
    let cases = [
        (r#"[{"pipeline_id":0}]"#, "OutOfRange", "pipeline_id"),
        (r#"[{"created_at":253402300800}]"#, "OutOfRange", "created_at"),
        (r#"[{"created_at":1510261200000}]"#, "OutOfRange", "created_at"),
        (r#"[{"metadata":{"called_at":"253402300800"}}]"#, "OutOfRange", "metadata.called_at"),
        (r#"[{"_embedded":{"leads":[{"id":0}]}}]"#, "OutOfRange", "_embedded.leads.0.id"),
        (
            r#"[{"_embedded":{"leads":[{"_embedded":{"tags":[{},{"id":0}]}}]}}]"#,
            "OutOfRange",
            "_embedded.leads.0._embedded.tags.1.id",
        ),
        (
            r#"[{"_embedded":{"contacts":[{"custom_fields_values":[{}]}]}}]"#,
            "FieldMissing",
            "_embedded.contacts.0.custom_fields_values.0.field_id",
        ),
    ];
    for (body, code, path) in cases {
        one(body, "0", code, path);
    }
    assert!(add::read_request(Channel::Sip, &json(r#"[{"created_at":253402300799}]"#)).is_ok());
}

#[test]
fn every_bad_item_of_a_batch_is_named_by_its_request_id() {
    let body = r#"[{"request_id":"a"},{"request_id":"b","pipeline_id":"x"},{"pipeline_id":0},{"request_id":7,"metadata":1}]"#;
    let expected = [
        ("b", "InvalidType", "pipeline_id"),
        ("2", "OutOfRange", "pipeline_id"),
        ("7", "InvalidType", "metadata"),
    ];
    let expected = expected.map(|(id, code, path)| (id.to_owned(), code.to_owned(), path.to_owned()));
    assert_eq!(added(body), expected);
}

#[test]
fn long_texts_are_not_sent_back_whole() {
    let text = "ы".repeat(300_000);
    let body = format!(r#"[{{"pipeline_id":"{text}","{text}":{{"a":1}}}}]"#);
    let problem = add::read_request(Channel::Sip, &json(body)).unwrap_err();
    assert!(problem.to_json().len() < 1000, "{}", problem.to_json().len());
    let body = format!(r#"[{{"{text}":{{"a":1,"a":1}}}}]"#);
    let problem = add::read_request(Channel::Sip, &json(body)).unwrap_err();
    assert!(problem.to_json().len() < 1000, "{}", problem.to_json().len());
}

#[test]
fn odd_keys_and_characters_are_taken() {
    let body = r#"[{"__proto__":1,"constructor":{},"":null,"metadata":{"from":"\u0000\u202e\uFEFF\u2028","phone":"e\u0301"}}]"#;
    let read = add::read_request(Channel::Sip, &json(body)).unwrap();
    let Some(incoming_leads_model::Metadata::Sip(call)) = &read.add.items[0].metadata else { panic!() };
    assert_eq!(
        call.from.as_deref(),
        Some("\0\u{202e}\u{feff}\u{2028}"),
        "the model refuses NUL, not the wire"
    );
    assert_eq!(call.phone.as_deref(), Some("e\u{301}"));
}

#[test]
fn bodies_are_announced_as_json_in_utf_8() {
    let status = |types: &[&str], body: &str| {
        let mut request = Request::new(body.as_bytes().to_vec());
        for content_type in types {
            request.headers_mut().append("content-type", content_type.parse().unwrap());
        }
        (
            add::read_request(Channel::Sip, &request).map_or_else(|problem| problem.status.as_u16(), |_| 200),
            link::read_request(&request).map_or_else(|problem| problem.status.as_u16(), |_| 200),
        )
    };
    for good in [
        &["application/json"][..],
        &["application/json; charset=utf-8"],
        &["Application/JSON;charset=\"UTF-8\""],
        &["application/hal+json"],
        &["application/vnd.api+json; x=y"],
        &[],
        &["application/json", "application/json"],
    ] {
        assert_eq!(status(good, "[{}]"), (200, 400), "{good:?}");
    }
    for bad in [
        &["text/plain"][..],
        &["application/x-www-form-urlencoded"],
        &["multipart/form-data; boundary=x"],
        &["application/json; charset=utf-16"],
        &["application/json", "text/plain"],
        &["application/xml"],
        &[""],
    ] {
        assert_eq!(status(bad, "[{}]"), (415, 415), "{bad:?}");
    }
    let mut packed = json("[{}]");
    packed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(add::read_request(Channel::Sip, &packed).unwrap_err().status.as_u16(), 415);
    let mut form = Request::new(b"user_id=5".to_vec());
    form.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert_eq!(accept::read_request(&form).unwrap_err().status.as_u16(), 415);
}

#[test]
fn bad_commands_are_refused_with_code_and_path() {
    let cases = [
        (r#"{"user_id":"x"}"#, "InvalidType", "user_id"),
        (r#"{"user_id":-1}"#, "InvalidType", "user_id"),
        (r#"{"user_id":1.5}"#, "InvalidType", "user_id"),
        (r#"{"user_id":9007199254740992}"#, "OutOfRange", "user_id"),
        (r#"{"user_id":[]}"#, "InvalidType", "user_id"),
        (r#"{"user_id":1,"user_id":1}"#, "DuplicateKey", "user_id"),
        ("[1]", "InvalidType", ""),
        ("[{}]", "InvalidType", ""),
        ("\"text\"", "InvalidType", ""),
        ("text", "InvalidJson", ""),
        ("{", "InvalidJson", ""),
    ];
    for (body, code, path) in cases {
        let expected = [("0".to_owned(), code.to_owned(), path.to_owned())];
        assert_eq!(told(&accept::read_request(&json(body)).unwrap_err()), expected, "{body}");
        assert_eq!(told(&decline::read_request(&json(body)).unwrap_err()), expected, "{body}");
    }
    let status = told(&accept::read_request(&json(r#"{"status_id":0}"#)).unwrap_err());
    assert_eq!(status, [("0".to_owned(), "OutOfRange".to_owned(), "status_id".to_owned())]);
}

#[test]
fn bad_links_are_refused_with_code_and_path() {
    let cases = [
        ("", "InvalidJson", ""),
        ("null", "InvalidType", ""),
        ("[]", "FieldMissing", "link"),
        ("{}", "FieldMissing", "link"),
        (r#"{"link":null}"#, "FieldMissing", "link"),
        (r#"{"link":[]}"#, "FieldMissing", "link.entity_id"),
        (r#"{"link":{"entity_id":5}}"#, "FieldMissing", "link.entity_type"),
        (r#"{"link":{"entity_type":"leads"}}"#, "FieldMissing", "link.entity_id"),
        (r#"{"link":{"entity_id":5,"entity_type":"lead"}}"#, "NotSupportedChoice", "link.entity_type"),
        (r#"{"link":{"entity_id":5,"entity_type":"contacts"}}"#, "NotSupportedChoice", "link.entity_type"),
        (r#"{"link":{"entity_id":0,"entity_type":"leads"}}"#, "OutOfRange", "link.entity_id"),
        (r#"{"link":{"entity_id":"x","entity_type":"leads"}}"#, "InvalidType", "link.entity_id"),
        (
            r#"{"link":{"entity_id":5,"entity_type":"leads","metadata":{"contact_id":0}}}"#,
            "OutOfRange",
            "link.metadata.contact_id",
        ),
        (r#"{"link":{"entity_id":5,"entity_type":"leads"},"user_id":-1}"#, "InvalidType", "user_id"),
    ];
    for (body, code, path) in cases {
        let expected = [("0".to_owned(), code.to_owned(), path.to_owned())];
        assert_eq!(told(&link::read_request(&json(body)).unwrap_err()), expected, "{body}");
    }
}

#[test]
fn whole_numbers_that_are_too_large_are_out_of_range() {
    one(r#"[{"pipeline_id":9007199254740992}]"#, "0", "OutOfRange", "pipeline_id");
    one(r#"[{"created_at":9007199254740992}]"#, "0", "OutOfRange", "created_at");
    // A price and a duration are judged by the model.
    let body =
        r#"[{"metadata":{"duration":9007199254740992},"_embedded":{"leads":[{"price":9007199254740992}]}}]"#;
    let read = add::read_request(Channel::Sip, &json(body)).unwrap();
    assert_eq!(read.add.items[0].leads[0].price, Some(1 << 53));
}
