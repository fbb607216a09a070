//! Every JSON example of both v4 documents, as printed there, for the tests of this and of other crates.

/// One example of a v4 document.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Fixture {
    /// The name of its file, as in `kommo/accept.request`.
    pub name: &'static str,
    /// The document it was printed in.
    pub document: Document,
    /// What it is an example of.
    pub operation: Operation,
    /// Sent or answered.
    pub direction: Direction,
    /// The text, as printed.
    pub json: &'static str,
}

/// A vendor's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Document {
    /// The v4 amoCRM document.
    Amocrm,
    /// The v4 Kommo document.
    Kommo,
}

/// The eight operations of v4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `GET /api/v4/leads/unsorted`
    List,
    /// `GET /api/v4/leads/unsorted/{uid}`
    Get,
    /// `POST /api/v4/leads/unsorted/sip`
    AddSip,
    /// `POST /api/v4/leads/unsorted/forms`
    AddForms,
    /// `POST /api/v4/leads/unsorted/{uid}/accept`
    Accept,
    /// `DELETE /api/v4/leads/unsorted/{uid}/decline`
    Decline,
    /// `POST /api/v4/leads/unsorted/{uid}/link`
    Link,
    /// `GET /api/v4/leads/unsorted/summary`
    Summary,
}

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// A client sends it.
    Request,
    /// The server answers it.
    Response,
}

/// All examples, in the order of the documents.
pub const ALL: &[Fixture] = &[
    fixture!(Amocrm "amocrm", List "list", Response "response"),
    fixture!(Amocrm "amocrm", Get "get", Response "response"),
    fixture!(Amocrm "amocrm", AddSip "add_sip", Request "request"),
    fixture!(Amocrm "amocrm", AddSip "add_sip", Response "response"),
    fixture!(Amocrm "amocrm", AddForms "add_forms", Request "request"),
    fixture!(Amocrm "amocrm", AddForms "add_forms", Response "response"),
    fixture!(Amocrm "amocrm", Accept "accept", Request "request"),
    fixture!(Amocrm "amocrm", Accept "accept", Response "response"),
    fixture!(Amocrm "amocrm", Decline "decline", Request "request"),
    fixture!(Amocrm "amocrm", Decline "decline", Response "response"),
    fixture!(Amocrm "amocrm", Link "link", Request "request"),
    fixture!(Amocrm "amocrm", Link "link", Response "response"),
    fixture!(Amocrm "amocrm", Summary "summary", Response "response"),
    fixture!(Kommo "kommo", List "list", Response "response"),
    fixture!(Kommo "kommo", Get "get", Response "response"),
    fixture!(Kommo "kommo", AddSip "add_sip", Request "request"),
    fixture!(Kommo "kommo", AddSip "add_sip", Response "response"),
    fixture!(Kommo "kommo", AddForms "add_forms", Request "request"),
    fixture!(Kommo "kommo", AddForms "add_forms", Response "response"),
    fixture!(Kommo "kommo", Accept "accept", Request "request"),
    fixture!(Kommo "kommo", Accept "accept", Response "response"),
    fixture!(Kommo "kommo", Decline "decline", Request "request"),
    fixture!(Kommo "kommo", Decline "decline", Response "response"),
    fixture!(Kommo "kommo", Link "link", Request "request"),
    fixture!(Kommo "kommo", Link "link", Response "response"),
    fixture!(Kommo "kommo", Summary "summary", Response "response"),
];

/// The example of an operation in a document; none where the document prints none (the requests without a body).
#[must_use]
pub fn find(document: Document, operation: Operation, direction: Direction) -> Option<&'static Fixture> {
    ALL.iter().find(|fixture| {
        fixture.document == document && fixture.operation == operation && fixture.direction == direction
    })
}

macro_rules! fixture {
    ($document:ident $folder:literal, $operation:ident $file:literal, $direction:ident $kind:literal) => {
        Fixture {
            name: concat!($folder, "/", $file, ".", $kind),
            document: Document::$document,
            operation: Operation::$operation,
            direction: Direction::$direction,
            json: include_str!(concat!("../testdata/", $folder, "/", $file, ".", $kind, ".json")),
        }
    };
}
use fixture;
