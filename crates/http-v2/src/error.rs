//! What goes wrong, as an error of the port: every answer a server can give ends here, none is ever taken for a success.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use http::header::LOCATION;
use incoming_leads_model::{Fault, ItemFaults, Refusal, Right, Uid};
use incoming_leads_port::{Error, ErrorKind, Operation, Outcome};
use incoming_leads_transport::{Arrival, Response, SendError, SendErrorKind, retry_after};
use incoming_leads_wire_v2::problem::error_code;
use incoming_leads_wire_v2::{Failure, Problem};

/// Characters of what a server said that an error repeats, at most.
const MAX_SAID: usize = 300;
const BASE_ADDRESS: &str = "is the base address right? It is the account's scheme and host, as in \
                            https://NAME.amocrm.com, and nothing after it";

/// Codes for credentials that are not accepted. Source: the vendor's v2 error page.
const CREDENTIALS: [u32; 7] = [101, 102, 103, 104, error_code::WRONG_CREDENTIALS, 111, 112];
/// The code of an address that the account does not let in. Source: the vendor's v2 error page.
const BLOCKED_ADDRESS: u32 = 113;

/// What was sent, as far as a refusal points into it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent<'a> {
    /// So many items.
    Items(usize),
    /// A command on this uid.
    Command(&'a Uid),
    /// A question.
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
    let unexpected =
        |detail: String| perhaps(Error::new(ErrorKind::Unexpected, operation)).with_detail(detail);
    let error = match read(response) {
        Ok(answer) => return Ok(answer),
        Err(Failure::Problem(problem)) => told(operation, sent, &problem),
        Err(Failure::Unreadable(fault)) => {
            unexpected(format!("the answer cannot be read: {}; {BASE_ADDRESS}", said(&fault.to_string())))
        }
        Err(Failure::Status(status)) if status.is_success() => {
            unexpected(format!("the server answered {} without what was asked for", status.as_u16()))
        }
        Err(_) if status.is_redirection() => redirected(operation, response),
        Err(_) => {
            let detail = format!("the server answered {} without a word that is understood", status.as_u16());
            with_outcome(Error::new(bare_kind(status), operation), status)
                .with_detail(hinted(detail, status, sent))
        }
    };
    Err(after(error, retry_after(response.headers())))
}

/// The server says what is wrong.
fn told(operation: Operation, sent: Sent<'_>, problem: &Problem) -> Error {
    let Problem { status, code, error, .. } = problem;
    let detail = format!("the server answered {} (code {code}): {}", status.as_u16(), said(error));
    let detail = hinted(detail, *status, sent);
    if let Some(refusal) = refusal(operation, sent, problem) {
        return Error::refused(operation, refusal).with_detail(detail);
    }
    let kind = match *code {
        code if CREDENTIALS.contains(&code) => ErrorKind::Unauthorized,
        BLOCKED_ADDRESS => ErrorKind::Blocked,
        error_code::NO_RIGHT => ErrorKind::Forbidden,
        error_code::NOTHING_FOUND => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        // A failure inside of a success.
        500..=599 if status.is_success() => {
            return perhaps(Error::new(ErrorKind::Unavailable, operation)).with_detail(detail);
        }
        _ if status.is_success() => ErrorKind::Invalid,
        _ => bare_kind(*status),
    };
    with_outcome(Error::new(kind, operation), *status).with_detail(detail)
}

/// The model's refusal, where all of it can be rebuilt.
fn refusal(operation: Operation, sent: Sent<'_>, problem: &Problem) -> Option<Refusal> {
    let Problem { status, code, faults, .. } = problem;
    if status.is_server_error() {
        return None;
    }
    match (*code, sent) {
        (error_code::NO_RIGHT, _) => return right(operation).map(Refusal::Forbidden),
        (error_code::NOTHING_FOUND, Sent::Command(uid)) => return Some(Refusal::NotFound(uid.clone())),
        _ if faults.is_empty() => return None,
        _ => {}
    }
    let faults: Vec<(Option<usize>, Fault)> =
        faults.iter().map(|fault| fault.to_model()).collect::<Option<_>>()?;
    match sent {
        Sent::Items(count) if faults.iter().any(|(item, _)| item.is_some()) => {
            let mut items: BTreeMap<usize, Vec<Fault>> = BTreeMap::new();
            for (item, fault) in faults {
                items.entry(item.filter(|index| *index < count)?).or_default().push(fault);
            }
            let items = items.into_iter().map(|(index, faults)| ItemFaults { index, faults });
            Some(Refusal::Items(items.collect()))
        }
        Sent::Items(_) | Sent::Command(_) | Sent::Question => {
            Some(Refusal::Invalid(faults.into_iter().map(|(_, fault)| fault).collect()))
        }
    }
}

/// The right that an operation asks for (R11), which v2 names in words only.
const fn right(operation: Operation) -> Option<Right> {
    match operation {
        Operation::Add => Some(Right::Add),
        Operation::Accept | Operation::Decline => Some(Right::Sort),
        Operation::List | Operation::Summary => Some(Right::View),
        _ => None,
    }
}

/// A redirect is not followed: a key must not leave for another host.
fn redirected(operation: Operation, response: &Response) -> Error {
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
    // Without its query, which may hold secrets.
    let to = said(to.split(['?', '#']).next().unwrap_or_default());
    let detail = format!("the server redirects to {to}, which is not followed; {BASE_ADDRESS}");
    let error = Error::new(ErrorKind::Unexpected, operation).with_detail(detail);
    match response.status() {
        // These ask for the same request elsewhere; the others may be what follows on something done.
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
            error.with_outcome(Outcome::NotApplied)
        }
        _ => perhaps(error),
    }
}

/// The kind of a status.
fn bare_kind(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::URI_TOO_LONG
        | StatusCode::UNPROCESSABLE_ENTITY => ErrorKind::Invalid,
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => ErrorKind::Blocked,
        StatusCode::REQUEST_TIMEOUT => ErrorKind::Timeout,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::NOT_IMPLEMENTED => ErrorKind::Unsupported,
        status if status.is_server_error() => ErrorKind::Unavailable,
        // Also 404: no address of v2 names what may be missing.
        _ => ErrorKind::Unexpected,
    }
}

/// Whoever refuses with 4xx or 501, or says so in a success, has done nothing; after 408 and 5xx nobody knows.
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

fn after(error: Error, retry_after: Option<Duration>) -> Error {
    match retry_after {
        Some(after) => error.with_retry_after(after),
        None => error,
    }
}

/// With what helps whoever reads it.
fn hinted(text: String, status: StatusCode, sent: Sent<'_>) -> String {
    let hint = match status {
        StatusCode::UNAUTHORIZED => "are login and key those of this account?",
        StatusCode::PAYMENT_REQUIRED => "the account's subscription has ended",
        StatusCode::TOO_MANY_REQUESTS => "7 requests a second are allowed, 50 for all of an account",
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::MISDIRECTED_REQUEST => BASE_ADDRESS,
        StatusCode::NOT_FOUND if !matches!(sent, Sent::Command(_)) => BASE_ADDRESS,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::GATEWAY_TIMEOUT if matches!(sent, Sent::Items(2..)) => {
            "send fewer items at once"
        }
        _ => return text,
    };
    format!("{text}; {hint}")
}

/// What a server said, fit to be shown: not too long, and on one line.
fn said(text: &str) -> String {
    let shown: String = text.chars().take(MAX_SAID).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}
