//! Methods and paths.

use http::Method;
use incoming_leads_model::{Category, EntityKind, EntityRef, LeadId, NoteId, PipelineId, Uid, UserId};
use incoming_leads_wire_v4::route::{Route, find};

fn route(method: &str, path: &str) -> Result<Route, (u16, Option<&'static str>)> {
    find(&method.parse::<Method>().unwrap(), path).map_err(|problem| (problem.status.as_u16(), problem.allow))
}

fn uid(text: &str) -> Option<Uid> {
    Some(Uid::new(text).unwrap())
}

#[test]
fn operations_are_found() {
    let lead = LeadId::new(7).unwrap();
    let cases = [
        ("GET", "/api/v4/leads/unsorted", Route::List),
        ("HEAD", "/api/v4/leads/unsorted", Route::List),
        ("GET", "/api/v4/leads/unsorted/", Route::List),
        ("GET", "//api/v4//leads/unsorted", Route::List),
        ("GET", "/api/v4/leads/unsorted/summary", Route::Summary),
        ("GET", "/api/v4/leads/unsorted/abc", Route::Get(uid("abc"))),
        ("GET", "/api/v4/leads/unsorted/ABC/", Route::Get(uid("ABC"))),
        ("POST", "/api/v4/leads/unsorted/sip", Route::AddSip),
        ("POST", "/api/v4/leads/unsorted/forms/", Route::AddForms),
        ("POST", "/api/v4/leads/unsorted/chats", Route::TakeIn(Category::Chats)),
        ("POST", "/api/v4/leads/unsorted/mail", Route::TakeIn(Category::Mail)),
        ("POST", "/api/v4/leads/unsorted/abc/accept", Route::Accept(uid("abc"))),
        ("DELETE", "/api/v4/leads/unsorted/abc/decline", Route::Decline(uid("abc"))),
        ("POST", "/api/v4/leads/unsorted/abc/link", Route::Link(uid("abc"))),
        ("GET", "/api/v4/leads/7", Route::Entity(EntityRef::Lead(lead))),
        ("GET", "/api/v4/leads/7/notes", Route::Notes(EntityRef::Lead(lead))),
        ("GET", "/api/v4/leads/7/notes/8", Route::Note(EntityRef::Lead(lead), NoteId::new(8).unwrap())),
        ("GET", "/api/v4/contacts", Route::Entities(EntityKind::Contact)),
        ("GET", "/api/v4/companies/custom_fields", Route::Fields(EntityKind::Company)),
        ("GET", "/api/v4/leads/pipelines", Route::Pipelines),
        ("GET", "/api/v4/leads/pipelines/9", Route::Pipeline(PipelineId::new(9).unwrap())),
        ("GET", "/api/v4/leads/pipelines/9/statuses", Route::Statuses(PipelineId::new(9).unwrap())),
        ("GET", "/api/v4/users", Route::Users),
        ("GET", "/api/v4/users/5", Route::User(UserId::new(5).unwrap())),
        ("GET", "/api/v4/account", Route::Account),
    ];
    for (method, path, expected) in cases {
        assert_eq!(route(method, path), Ok(expected), "{method} {path}");
    }
}

#[test]
fn what_cannot_be_a_uid_is_the_uid_of_nothing() {
    let path = |uid: &str| format!("/api/v4/leads/unsorted/{uid}");
    assert_eq!(route("GET", &path("%00")), Ok(Route::Get(None)));
    assert_eq!(route("GET", &path(&"x".repeat(10_000))), Ok(Route::Get(None)));
    assert_eq!(route("POST", &path("a%0Ab/accept")), Ok(Route::Accept(None)));
    assert_eq!(route("GET", &path("..%2f..")), Ok(Route::Get(uid("../.."))));
    assert_eq!(route("GET", &path("%2e%2e")), Ok(Route::Get(uid(".."))));
}

#[test]
fn malformed_escapes_are_refused() {
    for text in ["%zz", "%", "%f", "%ff", "%c0%af"] {
        let path = format!("/api/v4/leads/unsorted/{text}");
        assert_eq!(route("GET", &path), Err((400, None)), "{path}");
    }
}

#[test]
fn other_methods_are_answered_with_those_that_are_served() {
    let cases = [
        ("POST", "/api/v4/leads/unsorted", "GET, HEAD"),
        ("DELETE", "/api/v4/leads/unsorted/abc", "GET, HEAD"),
        ("GET", "/api/v4/leads/unsorted/sip", "POST"),
        ("PUT", "/api/v4/leads/unsorted/forms", "POST"),
        ("POST", "/api/v4/leads/unsorted/summary", "GET, HEAD"),
        ("POST", "/api/v4/leads/unsorted/abc/decline", "DELETE"),
        ("GET", "/api/v4/leads/unsorted/abc/accept", "POST"),
        ("POST", "/api/v4/leads/unsorted//accept", "GET, HEAD"),
        ("PATCH", "/api/v4/leads/7", "GET, HEAD"),
        ("get", "/api/v4/leads/7", "GET, HEAD"),
        ("TRACE", "/api/v4/account", "GET, HEAD"),
    ];
    for (method, path, allow) in cases {
        assert_eq!(route(method, path), Err((405, Some(allow))), "{method} {path}");
    }
}

#[test]
fn everything_else_is_not_there() {
    let cases = [
        "/",
        "/api/v4",
        "/api/v4/unsorted",
        "/api/v4/leads/unsorted/abc/reject",
        "/api/v4/leads/unsorted/abc/accept/more",
        "/api/v4/leads/0",
        "/api/v4/leads/abc",
        "/api/v4/leads/9007199254740992",
        "/api/v4/tasks",
        "/api/v2/incoming_leads",
        "/API/v4/leads",
    ];
    for path in cases {
        assert_eq!(route("GET", path), Err((404, None)), "{path}");
    }
}
