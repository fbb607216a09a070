//! Problem documents: what a refusal of the model becomes, and what is read back.

use http::{Response, StatusCode};
use incoming_leads_model::{Fault, FaultCode, ItemFaults, Path, Refusal, Right, Uid};
use incoming_leads_wire_v4::{Failure, ItemErrors, Problem, ValidationError, accept, add, unknown_uid};
use serde_json::{Value, json};

use crate::ok;

fn written(problem: &Problem) -> Value {
    serde_json::from_slice(&problem.to_json()).unwrap()
}

fn fault(path: Path) -> Fault {
    Fault::new(FaultCode::NotSupportedChoice, path, "no")
}

fn wire_path(path: Path) -> String {
    ValidationError::from(&fault(path)).path
}

#[test]
fn a_problem_has_the_shape_that_was_observed() {
    let mut duplicate = Fault::new(FaultCode::Duplicate, Path::root(), "it waits already");
    duplicate.existing = Some(Uid::new("5af9").unwrap());
    let items = vec![
        ItemFaults { index: 1, faults: vec![fault(Path::of("pipeline_id")), duplicate] },
        ItemFaults { index: 9, faults: vec![fault(Path::of("metadata").key("called_at"))] },
    ];
    let problem = Problem::refusal(&Refusal::Items(items), &["a".to_owned(), "b".to_owned()]);
    assert_eq!(
        written(&problem),
        json!({
            "validation-errors": [
                {"request_id": "b", "errors": [
                    {"code": "NotSupportedChoice", "path": "pipeline_id", "detail": "no"},
                    {"code": "Duplicate", "path": "", "detail": "it waits already", "uid": "5af9"},
                ]},
                {"request_id": "9", "errors": [{"code": "NotSupportedChoice", "path": "metadata.called_at", "detail": "no"}]},
            ],
            "title": "Bad Request", "type": "https://httpstatus.es/400", "status": 400,
            "detail": "Request validation failed",
        })
    );
    let response = problem.response();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(Problem::read(StatusCode::BAD_REQUEST, response.body()), Some(problem));
}

#[test]
fn refusals_have_their_status() {
    let uid = Uid::new("5af9").unwrap();
    let cases = [
        (Problem::refusal(&Refusal::Forbidden(Right::Sort), &[]), 403, "Forbidden"),
        (Problem::refusal(&Refusal::NotFound(uid.clone()), &[]), 404, "Not Found"),
        (unknown_uid(&uid), 404, "Not Found"),
        (Problem::unauthorized("who are you"), 401, "Unauthorized"),
        (Problem::unsupported_media_type(), 415, "Unsupported Media Type"),
        (Problem::refusal(&Refusal::Invalid(vec![fault(Path::of("user_id"))]), &[]), 400, "Bad Request"),
    ];
    for (problem, status, title) in cases {
        let document = written(&problem);
        assert_eq!((document["status"].as_u64(), document["title"].as_str()), (Some(status), Some(title)));
        assert_eq!(document["type"], format!("https://httpstatus.es/{status}"));
        assert!(!document["detail"].as_str().unwrap().is_empty());
        assert_eq!(Problem::read(problem.status, &problem.to_json()).as_ref(), Some(&problem));
    }
    let problem = Problem::method_not_allowed("GET, HEAD");
    assert_eq!(problem.response().headers()["allow"], "GET, HEAD");
    assert_eq!(
        Problem::refusal(&Refusal::Invalid(vec![fault(Path::root())]), &[]).validation_errors[0].request_id,
        "0"
    );
}

#[test]
fn paths_are_told_in_the_keys_of_the_wire() {
    let lead = Path::of("leads").index(0);
    let field = lead.key("custom_fields").index(2);
    let cases = [
        (Path::root(), ""),
        (Path::of("source_name"), "source_name"),
        (lead.clone(), "_embedded.leads.0"),
        (lead.key("name"), "_embedded.leads.0.name"),
        (field.key("field"), "_embedded.leads.0.custom_fields_values.2.field_id"),
        (
            field.key("values").index(1).key("value"),
            "_embedded.leads.0.custom_fields_values.2.values.1.value",
        ),
        (
            field.key("values").index(1).key("choice"),
            "_embedded.leads.0.custom_fields_values.2.values.1.enum_id",
        ),
        (
            Path::of("contacts").index(0).key("tags").index(3).key("id"),
            "_embedded.contacts.0._embedded.tags.3.id",
        ),
        (Path::of("companies"), "_embedded.companies"),
        (Path::of("metadata").key("call_event"), "metadata.is_call_event_needed"),
        (Path::of("metadata").key("from").key("email"), "metadata.from.email"),
        (Path::of("metadata").key("origin").key("reference"), "metadata.origin.ref"),
        (Path::of("target"), "link.entity_id"),
        (Path::of("contact_id"), "link.metadata.contact_id"),
        (Path::of("user_id"), "user_id"),
        (Path::of("status_id"), "status_id"),
    ];
    for (path, expected) in cases {
        assert_eq!(wire_path(path), expected);
    }
}

#[test]
fn foreign_problems_are_read_in_every_shape() {
    let group = json!({"request_id": 0, "errors": [{"code": "FieldMissing", "path": "data.source_name", "detail": "This field is missing."}]});
    let list =
        json!({"validation-errors": [group], "title": "Bad Request", "status": 400, "detail": "failed"});
    let object = json!({"validation-errors": group, "title": "Bad Request", "status": "400", "detail": "failed", "x": 1});
    for body in [list, object] {
        let problem = Problem::read(StatusCode::BAD_REQUEST, body.to_string().as_bytes()).unwrap();
        let error = &problem.validation_errors[0].errors[0];
        assert_eq!((error.code.as_ref(), error.path.as_str()), ("FieldMissing", "data.source_name"));
        assert_eq!(problem.validation_errors[0].request_id, "0");
        assert_eq!((problem.status.as_u16(), problem.detail.as_str()), (400, "failed"));
    }
    let oauth = json!({"hint": "Token has been revoked", "title": "x", "type": "y", "status": 401});
    let problem = Problem::read(StatusCode::BAD_REQUEST, oauth.to_string().as_bytes()).unwrap();
    assert_eq!(
        (problem.status.as_u16(), problem.detail.as_str(), &*problem.kind),
        (401, "Token has been revoked", "y")
    );
    for nothing in ["", "<html>", "[]", "{}", "null", "\"x\"", r#"{"status":400}"#] {
        assert_eq!(Problem::read(StatusCode::BAD_REQUEST, nothing.as_bytes()), None, "{nothing}");
    }
}

#[test]
fn a_refusal_in_a_200_is_a_refusal() {
    let body = json!({"validation-errors": [{"request_id": "0", "errors": []}], "title": "t", "status": 400, "detail": "d"});
    let Err(Failure::Problem(problem)) = add::read_response(1, &ok(body.to_string())) else { panic!() };
    assert_eq!(problem.detail, "d");
    assert!(matches!(accept::read_response(&ok(body.to_string())), Err(Failure::Problem(_))));
    let refused =
        Response::builder().status(404).body(unknown_uid(&Uid::new("a").unwrap()).to_json()).unwrap();
    let Err(Failure::Problem(problem)) = accept::read_response(&refused) else { panic!() };
    assert_eq!(problem.status, StatusCode::NOT_FOUND);
}

#[test]
fn problems_are_told_in_one_line() {
    let problem =
        Problem::validation(vec![ItemErrors::new("7", vec![ValidationError::new("X", "a.b", "wrong")])]);
    assert_eq!(problem.to_string(), "400 Request validation failed; item 7: a.b: wrong");
    assert_eq!(Failure::Status(StatusCode::BAD_GATEWAY).to_string(), "the server answered 502");
}

#[test]
fn a_fault_comes_back_with_its_path_in_the_words_of_the_model() {
    let lead = || Path::of("leads").index(0);
    let field = || lead().key("custom_fields").index(2);
    let paths = [
        Path::root(),
        Path::of("source_name"),
        Path::of("metadata").key("called_at"),
        Path::of("metadata").key("call_event"),
        Path::of("metadata").key("origin").key("reference"),
        Path::of("metadata").key("origin").key("chat_id"),
        Path::of("leads"),
        lead().key("id"),
        field().key("field"),
        field().key("values").index(0).key("value"),
        field().key("values").index(1).key("choice"),
        Path::of("contacts").index(0).key("tags").index(3).key("id"),
        Path::of("companies").index(0).key("x_further"),
        Path::of("target"),
        Path::of("contact_id"),
        Path::of("user_id"),
        Path::of("status_id"),
    ];
    for path in paths {
        for code in FaultCode::ALL {
            let existing = (code == FaultCode::Duplicate).then(|| Uid::new("5af9").unwrap());
            let fault = Fault { existing, ..Fault::new(code, path.clone(), "no") };
            assert_eq!(ValidationError::from(&fault).to_fault(), Some(fault));
        }
    }
    let of_another = ValidationError::new("InvalidJson", "", "no");
    assert_eq!(of_another.to_fault(), None);
}
