//! What goes wrong, as an error of the port: every answer a server can give ends here, none is ever taken for a success.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use incoming_leads_model::limits::MAX_BATCH_ITEMS;
use incoming_leads_model::{Fault, ItemFaults, Refusal, Right, Uid};
use incoming_leads_port::{Error, ErrorKind, Operation, Outcome};
use incoming_leads_transport::{Arrival, Response, SendError, SendErrorKind, retry_after};
use incoming_leads_wire_v4::{Failure, ItemErrors, Problem};

/// Characters of what a server said that an error repeats, at most.
const MAX_SAID: usize = 300;
/// Things that were wrong that an error without a refusal names, at most.
const MAX_NAMED: usize = 5;
const BASE_ADDRESS: &str = "is the base address right? It is the account's scheme and host, as in \
                            https://NAME.kommo.com, and nothing after it";

/// What was sent, as far as a refusal points into it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent<'a> {
    /// So many items; each one's place in the batch was its `request_id`.
    Items(usize),
    /// A command on this uid.
    Command(&'a Uid),
    /// A question for one entity by id.
    Entity,
    /// Any other question.
    Question,
}

/// No answer came.
pub(crate) fn not_answered(operation: Operation, error: SendError) -> Error {
    let kind = match error.kind() {
        SendErrorKind::Timeout => ErrorKind::Timeout,
        SendErrorKind::TooLarge => ErrorKind::Unexpected,
        SendErrorKind::Blocked => ErrorKind::Blocked,
        SendErrorKind::Unauthorized => ErrorKind::Unauthorized,
        SendErrorKind::Request => ErrorKind::Invalid,
        // No connection, a broken one, a store that cannot be used, and whatever a transport will know one day.
        _ => ErrorKind::Unavailable,
    };
    let answer = Error::new(kind, operation).with_detail(error.to_string());
    let answer = match error.arrival() {
        Arrival::No => answer.with_outcome(Outcome::NotApplied),
        Arrival::Perhaps => perhaps(answer),
    };
    after(answer, error.retry_after()).with_source(error)
}

/// What the answer says: what `read` makes of it, or why it is none.
pub(crate) fn read<T>(
    operation: Operation,
    sent: Sent<'_>,
    response: &Response,
    read: impl FnOnce(&Response) -> Result<T, Failure>,
) -> Result<T, Error> {
    let status = response.status();
    if !status.is_success() {
        return Err(refused(operation, sent, response));
    }
    let unexpected =
        |detail: String| perhaps(Error::new(ErrorKind::Unexpected, operation)).with_detail(detail);
    // PHP puts its own type also on an answer that has no body.
    if let Some(other) = other_type(response.headers()).filter(|_| !response.body().is_empty()) {
        return Err(unexpected(format!("the answer is {other}, not JSON; {BASE_ADDRESS}")));
    }
    match read(response) {
        Ok(answer) => Ok(answer),
        Err(Failure::Problem(problem)) => Err(problem_of(operation, sent, problem.status, &problem)),
        Err(Failure::Unreadable(fault)) => Err(match Problem::read(status, response.body()) {
            // An error inside of a success.
            Some(problem) if problem.status.is_client_error() || problem.status.is_server_error() => {
                problem_of(operation, sent, problem.status, &problem)
            }
            _ => unexpected(format!("the answer cannot be read: {}", said(&fault.to_string()))),
        }),
        // No content where some is due, and whatever a wire will know one day.
        Err(_) => {
            Err(unexpected(format!("the server answered {} without what was asked for", status.as_u16())))
        }
    }
}

/// A status that is no success.
fn refused(operation: Operation, sent: Sent<'_>, response: &Response) -> Error {
    let status = response.status();
    let error = match Problem::read(status, response.body()) {
        Some(problem) => problem_of(operation, sent, status, &problem),
        None if status.is_redirection() => redirected(operation, response),
        None => {
            let kind = bare_kind(status, response.body().is_empty());
            let what =
                if response.body().is_empty() { "without a word" } else { "without a problem document" };
            let error = Error::new(kind, operation);
            let error = match (kind, sent) {
                (ErrorKind::NotFound, Sent::Command(uid)) => {
                    Error::refused(operation, Refusal::NotFound(uid.clone()))
                }
                (ErrorKind::NotFound, Sent::Items(_) | Sent::Question) => {
                    Error::new(ErrorKind::Unexpected, operation)
                }
                (_, _) => error,
            };
            with_outcome(error, status).with_detail(hinted(
                format!("the server answered {} {what}", status.as_u16()),
                hint(status, false, sent),
            ))
        }
    };
    after(error, retry_after(response.headers()))
}

/// A problem document, with the status that counts.
fn problem_of(operation: Operation, sent: Sent<'_>, status: StatusCode, problem: &Problem) -> Error {
    let detail = hinted(described(status, problem), hint(status, true, sent));
    if let Some(refusal) = refusal(operation, sent, status, problem) {
        return Error::refused(operation, refusal).with_detail(detail);
    }
    let says = |words: &str| problem.detail.to_lowercase().contains(words);
    let kind = match status {
        // Source: wire as observed, of a user who lacks the right to add.
        StatusCode::BAD_REQUEST if says("244") => ErrorKind::Forbidden,
        // Source: wire as observed, of a request without a token.
        StatusCode::FORBIDDEN if says("authorization header") => ErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => ErrorKind::Forbidden,
        StatusCode::NOT_FOUND if !matches!(sent, Sent::Entity) => ErrorKind::Unexpected,
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        status if status.is_success() => ErrorKind::Invalid,
        status => bare_kind(status, false),
    };
    with_outcome(Error::new(kind, operation), status).with_detail(detail)
}

/// The model's refusal, where all of it can be rebuilt.
fn refusal(operation: Operation, sent: Sent<'_>, status: StatusCode, problem: &Problem) -> Option<Refusal> {
    match status {
        StatusCode::FORBIDDEN if !problem.detail.to_lowercase().contains("authorization header") => {
            Some(Refusal::Forbidden(right(operation)?))
        }
        StatusCode::NOT_FOUND => match sent {
            Sent::Command(uid) => Some(Refusal::NotFound(uid.clone())),
            Sent::Items(_) | Sent::Entity | Sent::Question => None,
        },
        status if status.is_server_error() || problem.validation_errors.is_empty() => None,
        _ => match sent {
            Sent::Items(count @ 1..=MAX_BATCH_ITEMS) => of_items(count, &problem.validation_errors),
            Sent::Items(_) | Sent::Command(_) | Sent::Entity | Sent::Question => {
                let faults: Option<Vec<_>> = problem.validation_errors.iter().map(faults_of).collect();
                Some(Refusal::Invalid(faults?.into_iter().flatten().collect()))
            }
        },
    }
}

/// The faults of the items of a batch; none when one of them points to an item that was not sent.
fn of_items(count: usize, groups: &[ItemErrors]) -> Option<Refusal> {
    let mut items: BTreeMap<usize, Vec<Fault>> = BTreeMap::new();
    for group in groups {
        let index = group.request_id.parse().ok().filter(|index| *index < count)?;
        items.entry(index).or_default().extend(faults_of(group)?);
    }
    Some(Refusal::Items(items.into_iter().map(|(index, faults)| ItemFaults { index, faults }).collect()))
}

fn faults_of(group: &ItemErrors) -> Option<Vec<Fault>> {
    group.errors.iter().map(|error| error.to_fault()).collect()
}

/// The right that an operation asks for (R11), which v4 names in words only.
const fn right(operation: Operation) -> Option<Right> {
    match operation {
        Operation::Add => Some(Right::Add),
        Operation::Accept | Operation::Decline => Some(Right::Sort),
        Operation::Link => Some(Right::Administrate),
        Operation::List | Operation::Get | Operation::Summary | Operation::Directory => Some(Right::View),
        _ => None,
    }
}

/// A redirect is not followed: a token must not leave for another host.
fn redirected(operation: Operation, response: &Response) -> Error {
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
    // Without its query, which may hold secrets.
    let to = said(to.split(['?', '#']).next().unwrap_or_default());
    let status = response.status();
    let detail = format!("the server redirects to {to}, which is not followed; {BASE_ADDRESS}");
    let error = Error::new(ErrorKind::Unexpected, operation).with_detail(detail);
    match status {
        // These ask for the same request elsewhere; the others may be what follows on something done.
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
            error.with_outcome(Outcome::NotApplied)
        }
        _ => perhaps(error),
    }
}

/// The kind of a status beside which nothing is told.
fn bare_kind(status: StatusCode, is_empty: bool) -> ErrorKind {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::URI_TOO_LONG
        | StatusCode::UNPROCESSABLE_ENTITY => ErrorKind::Invalid,
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => ErrorKind::Blocked,
        StatusCode::NOT_FOUND if is_empty => ErrorKind::NotFound,
        StatusCode::REQUEST_TIMEOUT => ErrorKind::Timeout,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::NOT_IMPLEMENTED => ErrorKind::Unsupported,
        status if status.is_server_error() => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}

/// Whoever refuses with 4xx or 501 has done nothing; after 408 and 5xx nobody knows.
fn with_outcome(error: Error, status: StatusCode) -> Error {
    let is_refusal = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT;
    if is_refusal || status.is_success() || status == StatusCode::NOT_IMPLEMENTED {
        error.with_outcome(Outcome::NotApplied)
    } else {
        perhaps(error)
    }
}

/// It may have taken effect, if it has any.
fn perhaps(error: Error) -> Error {
    let outcome = if error.operation().writes() { Outcome::Unknown } else { Outcome::NotApplied };
    error.with_outcome(outcome)
}

fn after(error: Error, retry_after: Option<std::time::Duration>) -> Error {
    match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// What helps whoever reads it.
fn hint(status: StatusCode, is_told: bool, sent: Sent<'_>) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some("is the token one of this account, and does it still live?"),
        StatusCode::PAYMENT_REQUIRED => Some("the account's subscription has ended"),
        StatusCode::FORBIDDEN if !is_told => Some(
            "the account or this address is blocked, mostly for too many requests: send nothing for a while",
        ),
        StatusCode::TOO_MANY_REQUESTS => Some("7 requests a second are allowed, 50 for all of an account"),
        StatusCode::NOT_FOUND | StatusCode::MISDIRECTED_REQUEST => match sent {
            Sent::Command(_) if is_told => None,
            Sent::Items(_) | Sent::Command(_) | Sent::Entity | Sent::Question => Some(BASE_ADDRESS),
        },
        StatusCode::METHOD_NOT_ALLOWED => Some(BASE_ADDRESS),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::GATEWAY_TIMEOUT => match sent {
            Sent::Items(2..) => Some("send fewer items at once"),
            Sent::Items(_) | Sent::Command(_) | Sent::Entity | Sent::Question => None,
        },
        StatusCode::URI_TOO_LONG => Some("name fewer at once"),
        _ => None,
    }
}

fn hinted(text: String, hint: Option<&'static str>) -> String {
    match hint {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
}

/// The problem in a sentence.
fn described(status: StatusCode, problem: &Problem) -> String {
    let what = if problem.detail.is_empty() { &*problem.title } else { &problem.detail };
    let mut text = format!("the server answered {}: {}", status.as_u16(), said(what));
    let errors = problem.validation_errors.iter().flat_map(|group| {
        group.errors.iter().map(move |error| (&group.request_id, &error.path, &error.detail))
    });
    for (request_id, path, detail) in errors.take(MAX_NAMED) {
        text.push_str(&format!("; item {}, {}: {}", said(request_id), said(path), said(detail)));
        if path.strip_suffix(".source_name").is_some_and(|outer| !outer.is_empty()) {
            text.push_str("; the body has to be a bare array");
        }
    }
    text
}

/// What a server said, fit to be shown: not too long, and on one line.
fn said(text: &str) -> String {
    let shown: String = text.chars().take(MAX_SAID).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

/// The content type, when there is one and it is not JSON.
fn other_type(headers: &HeaderMap) -> Option<String> {
    let told = headers.get(CONTENT_TYPE)?;
    let told = told.to_str().unwrap_or("something unreadable");
    let essence = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = essence == "application/json" || essence == "text/json" || essence.ends_with("+json");
    (!is_json).then(|| said(&essence))
}
