//! What a server answers, and what a client makes of answers that nobody printed.

use http::{Response, StatusCode};
use incoming_leads_model::{
    Fault as ModelFault, FaultCode, ItemFaults, Path, Receipt, Refusal, Right, Segment, Uid,
};
use incoming_leads_wire_v2::problem::error_code;
use incoming_leads_wire_v2::sort::overall;
use incoming_leads_wire_v2::{Call, Failure, Problem, Sorted, accept, add, decline, list, summary};
use serde_json::{Value, json};

use crate::{call, ok};

fn uid(text: &str) -> Uid {
    Uid::new(text).unwrap()
}

fn here() -> Call {
    call("POST", "/api/v2/incoming_leads/accept")
}

fn body(answer: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn done(text: &str) -> Sorted {
    Sorted::new(text, Ok(Receipt::of(uid(text))))
}

fn not(text: &str, status: u16) -> Sorted {
    Sorted::new(text, Err(Problem::new(StatusCode::from_u16(status).unwrap(), "no")))
}

#[test]
fn the_table_of_whole_calls() {
    for (outcomes, status) in [
        (vec![done("a")], 200),
        (vec![done("a"), not("b", 404)], 200),
        (vec![done("a"), not("b", 404), not("c", 400), not("d", 501)], 200),
        (vec![not("b", 503), done("a")], 503),
        (vec![done("a"), not("b", 404), not("c", 500)], 503),
        (vec![not("a", 501), not("b", 501)], 501),
        (vec![not("a", 429), not("b", 503)], 503),
        (vec![not("a", 404)], 404),
        (vec![not("a", 404), not("b", 404)], 404),
        (vec![not("a", 403), not("b", 403)], 403),
        (vec![not("a", 404), not("b", 403)], 400),
        (vec![not("a", 404), not("b", 503)], 503),
        (vec![not("a", 500), not("b", 503)], 503),
    ] {
        assert_eq!(overall(&outcomes).as_u16(), status, "{outcomes:?}");
        let answer = decline::response(&outcomes, &here());
        let word = if status == 200 { "success" } else { "fail" };
        let told = body(&answer);
        assert_eq!((answer.status().as_u16(), &told["status"]), (status, &json!(word)));
        assert_eq!(
            told.get("data").is_some(),
            outcomes.iter().any(|sorted| sorted.outcome.is_ok()),
            "{told}"
        );
    }
}

#[test]
fn each_uid_has_its_outcome() {
    let receipt = Receipt { leads: Some(vec![serde_json::from_str("7").unwrap()]), ..Receipt::of(uid("a")) };
    let outcomes =
        [Sorted::new("a", Ok(receipt)), Sorted::new("b", Err(Problem::unknown_uid("b"))), not("c", 403)];
    let told = body(&accept::response(&outcomes, &here()));
    assert_eq!(told["data"], json!({"a": {"companies": [], "leads": [7], "contacts": []}}));
    assert_eq!(
        (&told["errors"]["b"]["error_code"], &told["errors"]["c"]["error_code"]),
        (&json!(2002), &json!(244))
    );
    assert_eq!((&told["error"], told["errors"].as_object().unwrap().len()), (&Value::Null, 2));
    let failed = body(&accept::response(&outcomes[1..2], &here()));
    assert_eq!((&failed["error_code"], &failed["data"]), (&json!(2002), &Value::Null));
}

#[test]
fn every_answer_has_type_moment_and_a_link_without_secrets() {
    let address = "/api/v2/incoming_leads/?login=a%40b.c&api_key=k1&USER_HASH=k2&api%5Fkey=k3&page=2&categories%5B%5D=sip&token=k4&k5";
    let call = call("GET", address);
    let empty = incoming_leads_model::Page::empty();
    let nothing = list::response(&empty, &call).unwrap();
    assert_eq!((nothing.status().as_u16(), nothing.body().len()), (204, 0));
    let answers = [
        nothing,
        add::response(&[], &call),
        Problem::unauthorized().response(&call),
        decline::response(&[done("a")], &call),
    ];
    for answer in &answers {
        assert_eq!(answer.headers()["runtime-timestamp"], "1508320306");
        if answer.status() != 204 {
            assert_eq!(answer.headers()["content-type"], "application/hal+json");
            let href = "/api/v2/incoming_leads/?login=***&api_key=***&USER_HASH=***&api%5Fkey=***&page=2&categories%5B%5D=sip";
            assert_eq!(body(answer)["_links"]["self"], json!({"href": href, "method": "get"}));
        }
    }
}

#[test]
fn the_table_of_codes() {
    for (status, code) in
        [(401, 110), (403, 244), (404, 404), (400, 400), (405, 405), (415, 415), (429, 429), (503, 503)]
    {
        assert_eq!(error_code::of(StatusCode::from_u16(status).unwrap()), code);
    }
    assert_eq!(Problem::unknown_uid("x").code, 2002);
    assert_eq!(Problem::method_not_allowed("POST").response(&here()).headers()["allow"], "POST");
}

#[test]
fn refusals_keep_their_faults() {
    assert_eq!(Problem::refusal(&Refusal::Forbidden(Right::Sort)).code, 244);
    assert_eq!(Problem::refusal(&Refusal::NotFound(uid("x"))).status, StatusCode::NOT_FOUND);
    let path = |steps: &[Segment]| steps.iter().cloned().collect::<Path>();
    let (key, index) = (|name: &'static str| Segment::Key(name.into()), Segment::Index);
    let places = [
        (path(&[key("source_name")]), "add.3.source_name"),
        (path(&[key("metadata"), key("phone")]), "add.3.incoming_lead_info.to"),
        (path(&[key("metadata"), key("called_at")]), "add.3.incoming_lead_info.date_call"),
        (path(&[key("metadata"), key("origin"), key("reference")]), "add.3.incoming_lead_info.origin.ref"),
        (
            path(&[key("leads"), index(0), key("custom_fields"), index(2), key("field")]),
            "add.3.incoming_entities.leads.0.custom_fields.2.id",
        ),
        (
            path(&[
                key("contacts"),
                index(0),
                key("custom_fields"),
                index(2),
                key("values"),
                index(1),
                key("choice"),
            ]),
            "add.3.incoming_entities.contacts.0.custom_fields.2.values.1.enum",
        ),
        (
            path(&[key("leads"), index(0), key("notes"), index(1), key("kind")]),
            "add.3.incoming_entities.leads.0.notes.1.note_type",
        ),
        (
            path(&[key("leads"), index(0), key("tags"), index(1), key("id")]),
            "add.3.incoming_entities.leads.0.tags.1.id",
        ),
        (Path::root(), "add.3"),
    ];
    for (path, written) in places {
        let mut fault = ModelFault::new(FaultCode::Duplicate, path, "no");
        fault.existing = Some(uid("there"));
        let items = vec![ItemFaults { index: 3, faults: vec![fault.clone()] }];
        let problem = Problem::refusal(&Refusal::Items(items));
        assert_eq!(problem.faults[0].path, written);
        let answer = problem.response(&here());
        let read = Problem::read(answer.status(), answer.body()).unwrap();
        assert_eq!(read.faults[0].to_model(), Some((Some(3), fault)));
    }
    let fault = ModelFault::new(FaultCode::NotSupportedChoice, Path::of("status_id"), "no");
    let problem = Problem::refusal(&Refusal::Invalid(vec![fault.clone()]));
    assert_eq!(problem.faults[0].to_model(), Some((None, fault)));
}

/// Successes and failures in the shapes that were seen.
#[test]
fn clients_take_what_servers_say() {
    let add = |status: u16, body: &str| {
        add::read_response(1, &Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
    };
    for data in [r#"["u1"]"#, r#"{"0": "u1"}"#, r#""u1""#] {
        for status in [200, 201] {
            assert_eq!(add(status, &format!(r#"{{"data": {data}}}"#)).unwrap(), [Receipt::of(uid("u1"))]);
        }
    }
    assert_eq!(add(204, ""), Err(Failure::Status(StatusCode::NO_CONTENT)));
    for unreadable in [
        r#"{"status": "success"}"#,
        r#"{"data": []}"#,
        r#"{"data": ["a", "b"]}"#,
        r#"{"data": [null]}"#,
        "",
        "[]",
        "<html>",
    ] {
        assert!(matches!(add(200, unreadable), Err(Failure::Unreadable(_))), "{unreadable}");
    }
    let failures = [
        (200, r#"{"status":"fail","error":"no","error_code":"244"}"#, 244),
        (200, r#"{"response":{"error":"no","error_code":110}}"#, 110),
        (400, r#"{"title":"Error","status":400,"detail":"no"}"#, 400),
        (403, r#"{"error":"no"}"#, 244),
    ];
    for (status, body, code) in failures {
        let Err(Failure::Problem(problem)) = add(status, body) else { panic!("{body}") };
        assert_eq!((problem.code, problem.error.as_str()), (code, "no"));
    }
    assert_eq!(add(502, "<html>"), Err(Failure::Status(StatusCode::BAD_GATEWAY)));
}

#[test]
fn a_yes_without_ids_is_a_yes() {
    let u = uid("u1");
    let receipt = accept::read_response(&u, &ok(r#"{"data": {"u1": true}}"#)).unwrap();
    assert_eq!(receipt, Receipt::of(u.clone()));
    let some = accept::read_response(&u, &ok(r#"{"data": {"u1": {"leads": ["7"]}}}"#)).unwrap();
    assert_eq!((some.leads.map(|ids| ids[0].get()), some.contacts), (Some(7), None));
    assert!(matches!(
        decline::read_response(&u, &ok(r#"{"data": {"other": false}}"#)),
        Err(Failure::Unreadable(_))
    ));
}

#[test]
fn lists_and_summaries_are_read_leniently() {
    let list = |items: &str| list::read_response(2, &ok(format!(r#"{{"_embedded":{{"items":{items}}}}}"#)));
    let page = list(r#"[{"uid":"a","category":"forms","created_at":"7","incoming_lead_info":[]},{"uid":"b","category":"chats","date_create":8}]"#).unwrap();
    assert_eq!((page.items.len(), page.more), (2, incoming_leads_model::More::Perhaps));
    assert_eq!(list("[]").unwrap().more, incoming_leads_model::More::No);
    for bad in [
        r#"[{"uid":"a","category":"x","created_at":7}]"#,
        r#"[{"category":"sip","created_at":7}]"#,
        r#"[{"uid":"a","category":"sip"}]"#,
    ] {
        assert!(list(bad).is_err(), "{bad}");
    }
    let told = summary::read_response(&ok(r#"{"forms":"3","chats":4,"total":7,"accepted":0}"#)).unwrap();
    assert_eq!((told.categories, told.average_sort_time_secs), ([0, 3, 4, 0], 0));
    assert!(summary::read_response(&ok(r#"{"accepted":0}"#)).is_err());
}
