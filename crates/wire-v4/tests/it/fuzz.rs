//! Whatever is sent: no panic, and an error is a problem document of the 4xx.

use http::{Method, Request, Response};
use incoming_leads_model::lifecycle::Channel;
use incoming_leads_model::{Category, EntityKind};
use incoming_leads_wire_v4::{
    Problem, accept, account, add, decline, entity, fixtures, get, link, list, query, route, summary,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{json, ok};

fn server_reads(body: &[u8]) {
    let request: Request<Vec<u8>> = json(body);
    let problems = [
        add::read_request(Channel::Sip, &request).err(),
        add::read_request(Channel::Forms, &request).err(),
        add::read_take_in(Category::Chats, &request).err(),
        add::read_take_in(Category::Mail, &request).err(),
        accept::read_request(&request).err(),
        decline::read_request(&request).err(),
        link::read_request(&request).err(),
    ];
    for problem in problems.into_iter().flatten() {
        assert!(problem.status.is_client_error(), "{problem}");
        assert_eq!(Problem::read(problem.status, &problem.to_json()).as_ref(), Some(&problem));
    }
}

fn client_reads(status: u16, body: &[u8]) {
    let response = Response::builder().status(status).body(body.to_vec()).unwrap();
    let _ = list::read_response(&response);
    let _ = get::read_response(&response);
    let _ = add::read_response(1, &response);
    let _ = accept::read_response(&response);
    let _ = link::read_response(&response);
    let _ = summary::read_response(&response);
    let _ = entity::read_lead(&response);
    let _ = entity::read_contacts(&response);
    let _ = account::read_account(&response);
    let _ = account::read_pipelines(&response);
    let _ = account::read_users(&response);
    let _ = account::read_fields(EntityKind::Lead, &response);
}

/// Pieces of JSON and of our keys, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e400",
        "\"",
        "\"x\"",
        "\\ud800",
        "\"uid\":",
        "\"metadata\":",
        "\"_embedded\":",
        "\"leads\":",
        "\"category\":\"sip\"",
        "\"link\":",
        "\"request_id\":",
        " ",
        "\"custom_fields_values\":",
        "\"values\":",
        "\"validation-errors\":",
        "\u{feff}",
        "ы",
    ]);
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// An example of the documents with some bytes replaced.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let fixture = select(fixtures::ALL.to_vec());
    (fixture, vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)).prop_map(|(fixture, changes)| {
        let mut bytes = fixture.json.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

fn query_pieces() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "filter",
        "order",
        "page",
        "limit",
        "[",
        "]",
        "[uid]",
        "[created_at]",
        "[from]",
        "[to]",
        "[category]",
        "[pipeline_id]",
        "[]",
        "[0]",
        "=",
        "&",
        "%",
        "%5B",
        "%5D",
        "%00",
        "%ff",
        "+",
        "sip",
        "asc",
        "1",
        "-1",
        "99",
        ";",
    ]);
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200), status in select(vec![200_u16, 204, 400, 404, 500])) {
        server_reads(&bytes);
        client_reads(status, &bytes);
    }

    #[test]
    fn any_pieces_of_json(text in pieces(), status in select(vec![200_u16, 400])) {
        server_reads(text.as_bytes());
        client_reads(status, text.as_bytes());
    }

    #[test]
    fn damaged_examples(bytes in damaged()) {
        server_reads(&bytes);
        client_reads(200, &bytes);
    }

    #[test]
    fn any_query(text in prop_oneof!["\\PC{0,60}", query_pieces()]) {
        if let Ok(asked) = query::read_list(&text) {
            prop_assert!((1..=250).contains(&asked.page.size()));
            // What was understood is understood again as it is written.
            if let Some(written) = query::write_list(&asked) {
                prop_assert_eq!(query::read_list(&written).unwrap(), asked);
            }
        }
        if let Ok(asked) = query::read_summary(&text)
            && let Some(written) = query::write_summary(&asked)
        {
            prop_assert_eq!(query::read_summary(&written).unwrap(), asked);
        }
        let _ = query::read_page(&text);
    }

    #[test]
    fn any_path(tail in "(/(leads|unsorted|[a-z0-9%]{0,5}|accept|notes|9))*/?", method in select(vec![Method::GET, Method::POST, Method::DELETE])) {
        if let Err(problem) = route::find(&method, &format!("/api/v4{tail}")) {
            prop_assert!(problem.status.is_client_error());
        }
    }
}

#[test]
fn empty_answers() {
    client_reads(200, b"");
    assert!(list::read_response(&ok("")).is_err());
}
