//! Every example of the v2 document, for the tests of this and of other crates.
//!
//! JSON examples are printed with bare keys, one with an address without quotes, one with an object that is none
//! (`{ "561a…" }`): they are written here as what they mean. PHP examples are the bodies that real PHP 8.2 made of them
//! with `http_build_query`; one is printed with a quote too many.

/// One example of the v2 document.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Fixture {
    /// The name of its file, as in `json/accept.request`.
    pub name: &'static str,
    /// What it is an example of.
    pub operation: Operation,
    /// Sent or answered, and how.
    pub kind: Kind,
    /// The body.
    pub body: &'static str,
}

/// The operations of v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `POST /api/v2/incoming_leads/sip`
    AddSip,
    /// `POST /api/v2/incoming_leads/form`
    AddForm,
    /// `POST /api/v2/incoming_leads/accept`
    Accept,
    /// `POST /api/v2/incoming_leads/decline`
    Decline,
    /// `GET /api/v2/incoming_leads`
    List,
    /// `GET /api/v2/incoming_leads/summary`
    Summary,
}

/// Who sends it, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A client sends it as JSON.
    Request,
    /// A client sends it as a form, from PHP.
    Form,
    /// The server answers it.
    Response,
}

/// All examples, in the order of the document.
pub const ALL: &[Fixture] = &[
    fixture!(AddSip Request "json/add_sip.request" ".json"),
    fixture!(AddForm Request "json/add_form.request" ".json"),
    fixture!(AddForm Response "json/add.response" ".json"),
    fixture!(AddSip Form "php/add_sip" ".form"),
    fixture!(Accept Request "json/accept.request" ".json"),
    fixture!(Accept Response "json/accept.response" ".json"),
    fixture!(Accept Form "php/accept" ".form"),
    fixture!(Decline Request "json/decline.request" ".json"),
    fixture!(Decline Response "json/decline.response" ".json"),
    fixture!(Decline Form "php/decline" ".form"),
    fixture!(List Response "json/list.response" ".json"),
    fixture!(Summary Response "json/summary.response" ".json"),
];

/// The example of an operation; none where the document prints none.
#[must_use]
pub fn find(operation: Operation, kind: Kind) -> Option<&'static Fixture> {
    ALL.iter().find(|fixture| fixture.operation == operation && fixture.kind == kind)
}

macro_rules! fixture {
    ($operation:ident $kind:ident $name:literal $ending:literal) => {
        Fixture {
            name: $name,
            operation: Operation::$operation,
            kind: Kind::$kind,
            body: include_str!(concat!("../testdata/", $name, $ending)),
        }
    };
}
use fixture;
