//! The requests that both v4 documents print, pasted against the demo as they stand there.

use incoming_leads_wire_v4::fixtures::{Direction, Document, Operation, find};
use serde_json::Value;

use crate::program::Serving;

#[test]
fn the_requests_of_the_kommo_document_succeed() {
    let list =
        "/api/v4/leads/unsorted?filter[uid]=5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
    let get = "/api/v4/leads/unsorted/5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
    let summary = "/api/v4/leads/unsorted/summary?filter[pipeline_id]=6950551";
    check(Document::Kommo, &[list, get, summary]);
}

#[test]
fn the_requests_of_the_amocrm_document_succeed() {
    let list = "/api/v4/leads/unsorted?filter[uid]=98fb033cefde74f5de1a5d3980a2a2d108037";
    let summary = "/api/v4/leads/unsorted/summary?filter[created_at][from]=1589176500&filter[created_at][to]=1589176560&filter[pipeline_id]=2194576";
    check(Document::Amocrm, &[list, summary]);
}

/// Sends all of a document's requests to one demo. Where the document leaves the uid open, the lead is one that the
/// document's own add has made; a chat comes from the demo.
#[track_caller]
fn check(document: Document, questions: &[&str]) {
    let demo = Serving::start(&["--demo"]);
    let post = |method, path: &str, operation| {
        let example = find(document, operation, Direction::Request).unwrap();
        let (status, body) =
            demo.ask("demo", method, &format!("/api/v4/leads/unsorted/{path}"), example.json);
        assert_eq!(status, 200, "{}: {body}", example.name);
        serde_json::from_str::<Value>(&body).unwrap()
    };
    for question in questions {
        demo.get(question);
    }
    let uid = |answer: Value| answer["_embedded"]["unsorted"][0]["uid"].as_str().unwrap().to_owned();
    let call = uid(post("POST", "sip", Operation::AddSip));
    let form = uid(post("POST", "forms", Operation::AddForms));
    post("POST", &format!("{form}/accept"), Operation::Accept);
    post("DELETE", &format!("{call}/decline"), Operation::Decline);
    post("POST", &format!("{}/link", demo.waiting("chats")), Operation::Link);
}
