//! Whatever is sent: no panic, and an error is one of the 4xx in v2's shape.

use http::{Method, Request, Response};
use incoming_leads_model::{Channel, Uid};
use incoming_leads_wire_v2::{Problem, accept, add, decline, fixtures, list, route, sign_in, summary};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{call, form, json};

fn server_reads(request: &Request<Vec<u8>>) {
    let problems = [
        add::read_request(Channel::Sip, request).err(),
        add::read_request(Channel::Forms, request).err(),
        accept::read_request(request).err(),
        decline::read_request(request).err(),
        sign_in::read_request(request).err(),
        sign_in::credentials(request).err(),
    ];
    for problem in problems.into_iter().flatten() {
        assert!(problem.status.is_client_error(), "{problem}");
        let answer = problem.response(&call("POST", "/api/v2/incoming_leads/sip"));
        assert_eq!(Problem::read(answer.status(), answer.body()).as_ref(), Some(&problem));
    }
}

fn client_reads(status: u16, body: &[u8]) {
    let response = Response::builder().status(status).body(body.to_vec()).unwrap();
    let uid = Uid::new("u1").unwrap();
    let _ = list::read_response(50, &response);
    let _ = add::read_response(1, &response);
    let _ = accept::read_response(&uid, &response);
    let _ = decline::read_response(&uid, &response);
    let _ = summary::read_response(&response);
    let _ = sign_in::read_response(&response);
}

/// Pieces of JSON, of forms and of our keys, in any order.
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
        "=",
        "&",
        "%",
        "%5B",
        "%5D",
        "%00",
        "%ff",
        "+",
        "add",
        "[0]",
        "[]",
        "[9999999999]",
        "[incoming_entities]",
        "[leads]",
        "[tags]",
        "accept",
        "decline",
        "user_id",
        "login",
        "api_key",
        "\"add\":",
        "\"accept\":",
        "\"incoming_lead_info\":",
        "\"leads\":",
        "\"custom_fields\":",
        "\"values\":",
        "\"status\":\"fail\"",
        "\"error\":",
        "\"data\":",
        "\"u1\":",
        "\"response\":",
        "\"_embedded\":",
        "\"items\":",
        "\"category\":\"sip\"",
        "\u{feff}",
        "ы",
    ]);
    vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// An example of the document with some bytes replaced.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let fixture = select(fixtures::ALL.to_vec());
    (fixture, vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)).prop_map(|(fixture, changes)| {
        let mut bytes = fixture.body.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200), status in select(vec![200_u16, 201, 204, 400, 404, 500])) {
        server_reads(&json(&bytes));
        server_reads(&form(&bytes));
        client_reads(status, &bytes);
    }

    #[test]
    fn any_pieces(text in pieces(), status in select(vec![200_u16, 400])) {
        server_reads(&json(&text));
        server_reads(&form(&text));
        client_reads(status, text.as_bytes());
    }

    #[test]
    fn damaged_examples(bytes in damaged()) {
        server_reads(&json(&bytes));
        server_reads(&form(&bytes));
        client_reads(200, &bytes);
    }

    #[test]
    fn any_query(text in "([a-z_]{1,6}|page|page_size|categories|order_by|pipeline_id|data|filter|date|from|to|\\[|\\]|=|&|%5B|%5D|%f|[0-9]{1,3}){0,12}") {
        let request = Request::get(format!("/?{text}")).body(()).unwrap();
        if let Ok(asked) = list::read_request(&request) {
            prop_assert!((1..=500).contains(&asked.page.size()));
        }
        let _ = summary::read_request(&request);
        let _ = call("GET", &format!("/?{text}"));
    }

    #[test]
    fn any_path(tail in "(/(incoming_leads|sip|form|[a-z0-9%]{0,5}|accept|summary))*/?", method in select(vec![Method::GET, Method::POST, Method::DELETE])) {
        if let Err(problem) = route::find(&method, &format!("/api/v2{tail}")) {
            prop_assert!(problem.status.is_client_error());
        }
    }
}
