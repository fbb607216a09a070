//! What a stranger may send: refused in v2's own shape, with a path, and nothing of it kept.

use std::fmt::Write as _;

use http::Request;
use incoming_leads_model::Channel;
use incoming_leads_wire_v2::{Problem, accept, add, decline};
use serde_json::{Value, json as value};

use crate::{call, form, json};

fn refused(request: &Request<Vec<u8>>) -> Problem {
    let problem = add::read_request(Channel::Sip, request).unwrap_err();
    let answer = problem.response(&call("POST", "/api/v2/incoming_leads/sip?login=a&api_key=secret"));
    assert_eq!(answer.status(), problem.status);
    let text = String::from_utf8(answer.body().clone()).unwrap();
    assert!(text.len() < 4096 && !text.contains("secret"), "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["status"], told["error"].is_string()), (&value!("fail"), true), "{text}");
    assert_eq!(Problem::read(answer.status(), answer.body()).as_ref(), Some(&problem));
    problem
}

fn fault(request: &Request<Vec<u8>>) -> (String, String) {
    let problem = refused(request);
    assert_eq!((problem.status.as_u16(), problem.code), (400, 400), "{problem}");
    (problem.faults[0].code.clone().into_owned(), problem.faults[0].path.clone())
}

fn item(item: &str) -> (String, String) {
    fault(&json(format!(r#"{{"add": [{item}]}}"#)))
}

#[test]
fn json_is_read_strictly() {
    let cases: &[(&str, &str, &str)] = &[
        ("", "InvalidJson", ""),
        ("null", "InvalidType", ""),
        ("[]", "InvalidType", ""),
        ("[{}]", "InvalidType", ""),
        ("{}", "FieldMissing", "add"),
        (r#"{"add": null}"#, "FieldMissing", "add"),
        (r#"{"add": "x"}"#, "InvalidType", "add"),
        (r#"{"add": {"source_name": "x"}}"#, "InvalidType", "add.source_name"),
        (r#"{"add": [1]}"#, "InvalidType", "add.0"),
        (r#"{"add": [{}], "add": []}"#, "DuplicateKey", "add"),
        (r#"{"add": [{"source_uid": 1, "source_uid": 1}]}"#, "DuplicateKey", "add.0.source_uid"),
        (r#"{"add": [{}]} {}"#, "InvalidJson", ""),
        (r#"{"add": [{},]}"#, "InvalidJson", ""),
        ("{'add': []}", "InvalidJson", ""),
        (r#"{"add": [NaN]}"#, "InvalidJson", ""),
        ("\u{feff}{}", "InvalidJson", ""),
        (r#"{"add": [{"source_name": "\ud800"}]}"#, "InvalidJson", ""),
        (r#"{"add": [1e400]}"#, "InvalidJson", ""),
    ];
    for (body, code, path) in cases {
        let (told, at) = fault(&json(body));
        assert_eq!(told, *code, "{body}");
        assert!(path.is_empty() || at == *path, "{body}: {at}");
    }
    assert_eq!(fault(&json(b"{\"add\":\"\xff\"}")).0, "InvalidJson");
    let deep = |levels: usize| format!(r#"{{"add":[{{"x":{}{}}}]}}"#, "[".repeat(levels), "]".repeat(levels));
    assert_eq!(fault(&json(deep(30))).0, "TooDeep");
    assert!(add::read_request(Channel::Sip, &json(deep(29))).is_ok());
    assert_eq!(fault(&json(deep(400_000))).0, "TooDeep");
    // The body, the list, the item and the list in it are values too.
    let long = |members: usize| format!(r#"{{"add":[{{"x":[{}1]}}]}}"#, "1,".repeat(members - 1));
    assert!(add::read_request(Channel::Sip, &json(long(50_000 - 4))).is_ok());
    assert_eq!(fault(&json(long(50_000 - 3))), ("TooMany".into(), "add.0.x.49996".into()));
    let long = format!(r#"{{"{}":1,"add":[1]}}"#, "k".repeat(100_000));
    assert_eq!(fault(&json(long)), ("InvalidType".into(), "add.0".into()));
}

#[test]
fn scalars_are_read_both_ways_and_no_further() {
    let good = r#"{"add":[{"source_name": 234, "pipeline_id": "41563", "created_at": 1.0, "incoming_lead_info":
        {"to": 14155551234, "from": "x", "duration": "54", "date": 1e3, "uniq": 0.5, "add_note": true}}]}"#;
    let add = add::read_request(Channel::Sip, &json(good)).unwrap();
    let told = serde_json::to_value(&add.items[0]).unwrap();
    assert_eq!((&told["source_name"], &told["pipeline_id"]), (&value!("234"), &value!(41563)));
    assert_eq!(
        (&told["metadata"]["sip"]["phone"], &told["metadata"]["sip"]["called_at"]),
        (&value!("14155551234"), &value!(1000))
    );
    for (bad, code, path) in [
        (r#"{"source_name": true}"#, "InvalidType", "add.0.source_name"),
        (r#"{"source_name": [1]}"#, "InvalidType", "add.0.source_name"),
        (r#"{"pipeline_id": 0}"#, "OutOfRange", "add.0.pipeline_id"),
        (r#"{"pipeline_id": 9007199254740992}"#, "OutOfRange", "add.0.pipeline_id"),
        (r#"{"pipeline_id": -1}"#, "InvalidType", "add.0.pipeline_id"),
        (r#"{"pipeline_id": "+1"}"#, "InvalidType", "add.0.pipeline_id"),
        (r#"{"pipeline_id": ""}"#, "InvalidType", "add.0.pipeline_id"),
        (r#"{"pipeline_id": 1.5}"#, "InvalidType", "add.0.pipeline_id"),
        (r#"{"created_at": 253402300800}"#, "OutOfRange", "add.0.created_at"),
        (r#"{"created_at": 1509483600000}"#, "OutOfRange", "add.0.created_at"),
        (r#"{"created_at": "2017-11-01"}"#, "InvalidType", "add.0.created_at"),
        (r#"{"created_at": 18446744073709551616}"#, "InvalidType", "add.0.created_at"),
        (r#"{"incoming_lead_info": "x"}"#, "InvalidType", "add.0.incoming_lead_info"),
        (r#"{"incoming_lead_info": {"duration": -1}}"#, "InvalidType", "add.0.incoming_lead_info.duration"),
        (r#"{"incoming_lead_info": {"date": "x"}}"#, "InvalidType", "add.0.incoming_lead_info.date"),
        (r#"{"incoming_lead_info": {"to": 1e300}}"#, "InvalidType", "add.0.incoming_lead_info.to"),
        (r#"{"incoming_entities": {"leads": {}}}"#, "", ""),
        (r#"{"incoming_entities": {"leads": 1}}"#, "InvalidType", "add.0.incoming_entities.leads"),
        (
            r#"{"incoming_entities": {"leads": [{"sale": "x"}]}}"#,
            "InvalidType",
            "add.0.incoming_entities.leads.0.sale",
        ),
        (
            r#"{"incoming_entities": {"leads": [{"custom_fields": [{"values": []}]}]}}"#,
            "FieldMissing",
            "add.0.incoming_entities.leads.0.custom_fields.0.id",
        ),
        (
            r#"{"incoming_entities": {"leads": [{"custom_fields": [{"id": 1, "values": [{"enum": []}]}]}]}}"#,
            "InvalidType",
            "add.0.incoming_entities.leads.0.custom_fields.0.values.0.enum",
        ),
        (
            r#"{"incoming_entities": {"leads": [{"tags": true}]}}"#,
            "InvalidType",
            "add.0.incoming_entities.leads.0.tags",
        ),
        (
            r#"{"incoming_entities": {"leads": [{"notes": "x"}]}}"#,
            "InvalidType",
            "add.0.incoming_entities.leads.0.notes",
        ),
    ] {
        match code {
            "" => assert!(
                add::read_request(Channel::Sip, &json(format!(r#"{{"add":[{bad}]}}"#))).is_ok(),
                "{bad}"
            ),
            code => assert_eq!(item(bad), (code.to_owned(), path.to_owned()), "{bad}"),
        }
    }
}

#[test]
fn all_bad_items_are_named() {
    let problem = refused(&json(r#"{"add": [{"pipeline_id": "x"}, {}, {"created_at": -1}]}"#));
    let paths: Vec<_> = problem.faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["add.0.pipeline_id", "add.2.created_at"]);
    let many = format!(r#"{{"add": [{}{{}}]}}"#, "{},".repeat(250));
    assert_eq!(fault(&json(many)), ("TooMany".into(), "add".into()));
}

#[test]
fn a_body_is_what_it_is_announced_as() {
    let with = |content_type: &str, body: &str| {
        Request::post("/").header("content-type", content_type).body(body.as_bytes().to_vec()).unwrap()
    };
    let (good_json, good_form) = (r#"{"add":[{}]}"#, "add[0][source_name]=x");
    for content_type in ["application/json", "application/json; charset=UTF-8", "application/hal+json"] {
        assert!(add::read_request(Channel::Sip, &with(content_type, good_json)).is_ok(), "{content_type}");
        let problem = refused(&with(content_type, good_form));
        assert!(problem.error.contains("looks like a form"), "{problem}");
    }
    for content_type in
        ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded;charset=utf-8"]
    {
        assert!(add::read_request(Channel::Sip, &with(content_type, good_form)).is_ok(), "{content_type}");
        let problem = refused(&with(content_type, good_json));
        assert!(problem.error.contains("looks like JSON"), "{problem}");
    }
    for content_type in
        ["text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "x", ""]
    {
        assert_eq!(refused(&with(content_type, good_json)).status.as_u16(), 415, "{content_type}");
    }
    let mut two = with("application/json", good_json);
    two.headers_mut().append("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert_eq!(refused(&two).status.as_u16(), 415);
    let mut packed = with("application/json", good_json);
    packed.headers_mut().append("content-encoding", "gzip".parse().unwrap());
    assert_eq!(refused(&packed).status.as_u16(), 415);
    for body in [good_json, good_form] {
        let unannounced = Request::post("/").body(body.as_bytes().to_vec()).unwrap();
        assert!(add::read_request(Channel::Sip, &unannounced).is_ok(), "{body}");
    }
}

fn uids(key: &str, uids: impl Iterator<Item = usize>) -> String {
    uids.fold(String::new(), |mut body, uid| {
        let _ = write!(body, "{key}[]=u{uid}&");
        body
    })
}

#[test]
fn uids_are_made_unique_and_bounded() {
    let thousands = accept::read_request(&form(uids("accept", 0..10_000))).unwrap_err();
    assert_eq!((thousands.faults[0].code.as_ref(), thousands.faults[0].path.as_str()), ("TooMany", "accept"));
    let repeated = accept::read_request(&form(uids("accept", (0..10_000).map(|n| n % 250)))).unwrap();
    assert_eq!(repeated.uids.len(), 250);
    assert_eq!(repeated.uids[249].text, "u249");
    let one_more = decline::read_request(&form(uids("decline", 0..251))).unwrap_err();
    assert_eq!(one_more.faults[0].code, "TooMany");
    let nothing = decline::read_request(&json(r#"{"decline": []}"#)).unwrap_err();
    assert_eq!(nothing.faults[0].code, "TooFew");
    assert_eq!(decline::read_request(&form("user_id=1")).unwrap_err().faults[0].path, "decline");
    let odd = accept::read_request(&json(r#"{"accept": ["", 17, "a\u0000", "17"], "user_id": 0}"#)).unwrap();
    let told: Vec<_> = odd.uids.iter().map(|named| (named.text.as_str(), named.uid.is_some())).collect();
    assert_eq!(told, [("", false), ("17", true), ("a\0", false)]);
    assert_eq!(odd.command.user_id, None);
    let single = accept::read_request(&form("accept=u1")).unwrap();
    assert_eq!(single.uids[0].text, "u1");
    for bad in [
        r#"{"accept": [["x"]]}"#,
        r#"{"accept": [null]}"#,
        r#"{"accept": {"x": "y"}}"#,
        r#"{"accept": ["x"], "user_id": "y"}"#,
    ] {
        assert_eq!(accept::read_request(&json(bad)).unwrap_err().status.as_u16(), 400, "{bad}");
    }
}
