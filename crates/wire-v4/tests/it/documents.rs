//! Every example of both documents passes through the client's and the server's code.

use incoming_leads_model::lifecycle::Channel;
use incoming_leads_model::{ListQuery, Uid};
use incoming_leads_wire_v4::fixtures::{self, Direction, Fixture, Operation};
use incoming_leads_wire_v4::{accept, add, decline, get, link, list, summary};
use serde_json::Value;

use crate::compare::has_all_of;
use crate::{json, ok, origin};

fn of(operation: Operation, direction: Direction) -> impl Iterator<Item = &'static Fixture> {
    fixtures::ALL
        .iter()
        .filter(move |fixture| fixture.operation == operation && fixture.direction == direction)
}

fn value(json: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(json.as_ref()).unwrap()
}

fn uid() -> Uid {
    Uid::new("98fb033cefde74f5de1a5d3980a2a2d108037").unwrap()
}

/// The amoCRM document prints the number that was called as a number, the Kommo document and both tables as a text;
/// the Kommo document prints a chat's text as a number where both tables have a text.
const LIST_TYPES: &[&str] =
    &["_embedded.unsorted[].metadata.phone", "_embedded.unsorted[].metadata.last_message_text"];

#[test]
fn there_are_thirteen_of_each_document() {
    assert_eq!(fixtures::ALL.len(), 26);
    let names: std::collections::BTreeSet<_> = fixtures::ALL.iter().map(|fixture| fixture.name).collect();
    assert_eq!(names.len(), 26);
}

#[test]
fn lists_pass_through_both_sides() {
    for fixture in of(Operation::List, Direction::Response) {
        let read = list::read_response(&ok(fixture.json)).unwrap();
        let written = list::response(&read, &ListQuery::default(), &origin());
        has_all_of(fixture.name, &value(fixture.json), &value(written.body()), LIST_TYPES);
        assert_eq!(list::read_response(&written).unwrap(), read, "{}", fixture.name);
    }
}

#[test]
fn details_pass_through_both_sides() {
    for fixture in of(Operation::Get, Direction::Response) {
        let read = get::read_response(&ok(fixture.json)).unwrap();
        let written = get::response(read.as_ref(), &origin());
        has_all_of(
            fixture.name,
            &value(fixture.json),
            &value(written.body()),
            &["metadata.last_message_text"],
        );
        assert_eq!(get::read_response(&written).unwrap(), read, "{}", fixture.name);
    }
}

#[test]
fn adds_pass_through_both_sides() {
    // Both documents send the phone as a number where their tables have a text; one sends names as numbers.
    let other_type =
        &["[].metadata.phone", "[]._embedded.contacts[].name", "[]._embedded.contacts[].last_name"];
    for (operation, channel) in [(Operation::AddSip, Channel::Sip), (Operation::AddForms, Channel::Forms)] {
        for fixture in of(operation, Direction::Request) {
            let read = add::read_request(channel, &json(fixture.json)).unwrap();
            let built = add::request(&read.add, &origin());
            has_all_of(fixture.name, &value(fixture.json), &value(built.body()), other_type);
            assert_eq!(add::read_request(channel, &built).unwrap().add, read.add, "{}", fixture.name);
        }
        for fixture in of(operation, Direction::Response) {
            let read = add::read_response(1, &ok(fixture.json)).unwrap();
            let written = add::response(&read, &["123".to_owned()], &origin());
            has_all_of(fixture.name, &value(fixture.json), &value(written.body()), &[]);
            assert_eq!(add::read_response(1, &written).unwrap(), read, "{}", fixture.name);
        }
    }
}

#[test]
fn accepts_pass_through_both_sides() {
    for fixture in of(Operation::Accept, Direction::Request) {
        let read = accept::read_request(&json(fixture.json)).unwrap();
        let built = accept::request(&uid(), read, &origin());
        assert_eq!(value(built.body()), value(fixture.json), "{}", fixture.name);
        assert_eq!((built.method().as_str(), built.uri().path()), ("POST", path("accept").as_str()));
    }
    for fixture in of(Operation::Accept, Direction::Response) {
        let read = accept::read_response(&ok(fixture.json)).unwrap();
        let written = accept::response(&read, &origin());
        has_all_of(fixture.name, &value(fixture.json), &value(written.body()), &[]);
        assert_eq!(accept::read_response(&written).unwrap(), read, "{}", fixture.name);
    }
}

#[test]
fn declines_pass_through_both_sides() {
    for fixture in of(Operation::Decline, Direction::Request) {
        let read = decline::read_request(&json(fixture.json)).unwrap();
        let built = decline::request(&uid(), read, &origin());
        assert_eq!(value(built.body()), value(fixture.json), "{}", fixture.name);
        assert_eq!((built.method().as_str(), built.uri().path()), ("DELETE", path("decline").as_str()));
    }
    for fixture in of(Operation::Decline, Direction::Response) {
        let mut read = decline::read_response(&ok(fixture.json)).unwrap();
        let written = decline::response(&read, &origin());
        has_all_of(fixture.name, &value(fixture.json), &value(written.body()), &[]);
        // The examples do not tell the company; we tell that there is none.
        assert_eq!(read.companies, None);
        read.companies = Some(Vec::new());
        assert_eq!(decline::read_response(&written).unwrap(), read, "{}", fixture.name);
    }
}

#[test]
fn links_pass_through_both_sides() {
    for fixture in of(Operation::Link, Direction::Request) {
        let read = link::read_request(&json(fixture.json)).unwrap();
        let built = link::request(&uid(), read, &origin());
        assert_eq!(value(built.body()), value(fixture.json), "{}", fixture.name);
        assert_eq!((built.method().as_str(), built.uri().path()), ("POST", path("link").as_str()));
    }
    for fixture in of(Operation::Link, Direction::Response) {
        let read = link::read_response(&ok(fixture.json)).unwrap();
        let written = link::response(&read, &origin());
        has_all_of(fixture.name, &value(fixture.json), &value(written.body()), &[]);
        assert_eq!(link::read_response(&written).unwrap().leads, read.leads, "{}", fixture.name);
    }
}

#[test]
fn summaries_pass_through_both_sides() {
    for fixture in of(Operation::Summary, Direction::Response) {
        let read = summary::read_response(&ok(fixture.json)).unwrap();
        assert_eq!(read.total, read.categories.iter().sum::<u64>(), "{}", fixture.name);
        let written = summary::response(&read, &origin());
        has_all_of(fixture.name, &value(fixture.json), &value(written.body()), &[]);
        assert_eq!(summary::read_response(&written).unwrap(), read, "{}", fixture.name);
    }
}

fn path(verb: &str) -> String {
    format!("/api/v4/leads/unsorted/{}/{verb}", uid())
}
