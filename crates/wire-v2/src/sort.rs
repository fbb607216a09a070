//! What accept and decline have in common: many uids in one call, and an outcome for each.
//!
//! One table says what becomes of a uid:
//!
//! | outcome of a uid | in `data` | in `errors` |
//! |---|---|---|
//! | accepted | `{companies: […], leads: […], contacts: […]}` | |
//! | declined | `false`, as the document prints it | |
//! | repeated in one call | as the first time: it is carried out once | |
//! | unknown, of another account, decided already, no uid at all | | 2002 |
//! | forbidden | | 244 |
//! | a user or status that cannot be chosen | | 400, with `faults` |
//! | what is behind cannot do it, does not answer, or nobody knows what it did | | 501, 503 |
//!
//! And [`overall`] says what becomes of the call: where at least one uid was sorted and the others were refused, `status`
//! is `success` with 200, because something took effect and must not be sent again; where none was, it is `fail`. Where
//! of one uid nobody knows what became of it, it is `fail` with 503, also beside `data` of those that were sorted: to
//! ask again is safe, since those are then unknown.

use std::collections::HashSet;

use http::{Response, StatusCode};
use incoming_leads_model::limits::MAX_NAMED_UIDS;
use incoming_leads_model::{Receipt, Uid};
use serde_json::Value;

use crate::call::Call;
use crate::message::{Failure, answered};
use crate::problem::{Fault, Problem, code};
use crate::read::{Object, list, text};
use crate::write::Fields;

/// One command on many uids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sort<C> {
    /// The command.
    pub command: C,
    /// The different uids, in the order in which they were named first; 1 to 250.
    pub uids: Vec<Named>,
}

/// A text that stands for a uid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// The text, as it was sent: the key of its outcome.
    pub text: String,
    /// The uid; none when the text cannot be one, so that nothing waits under it.
    pub uid: Option<Uid>,
}

/// The outcome of one uid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sorted {
    /// The uid as it was named.
    pub name: String,
    /// What was done, or why nothing was.
    pub outcome: Result<Receipt, Problem>,
}

impl Sorted {
    /// This outcome of the uid that was named so.
    #[must_use]
    pub fn new(name: impl Into<String>, outcome: Result<Receipt, Problem>) -> Self {
        Self { name: name.into(), outcome }
    }
}

/// Reads the uids under this key: a list, or a single one.
pub(crate) fn read_uids(body: &mut Object, key: &str) -> Result<Vec<Named>, Fault> {
    let (path, value) = body.take(&[key]).ok_or_else(|| Fault::missing(key))?;
    let texts = match value {
        only @ Value::String(_) => vec![(path, only)],
        many => list(&path, many)?,
    };
    let (mut seen, mut uids) = (HashSet::new(), Vec::new());
    for (path, value) in texts {
        let text = text(path, value)?;
        if seen.insert(text.clone()) {
            if uids.len() == MAX_NAMED_UIDS {
                let detail = format!("at most {MAX_NAMED_UIDS} different uids are taken at once");
                return Err(Fault::new(code::TOO_MANY, key, detail));
            }
            uids.push(Named { uid: Uid::new(&text).ok(), text });
        }
    }
    if uids.is_empty() {
        return Err(Fault::new(code::TOO_FEW, key, "at least one uid is due"));
    }
    Ok(uids)
}

/// The uids under this key, as a client sends them.
pub(crate) fn write_uid(fields: &mut Fields, key: &str, uid: &Uid) {
    fields.put(key, vec![uid.as_str()]);
}

/// What a call gets as a whole: 503 where one uid met no refusal but a failure, so that nothing is taken for refused of
/// which nobody knows; else 200 where one was sorted; else the status that all refusals share, or 400.
#[must_use]
pub fn overall(outcomes: &[Sorted]) -> StatusCode {
    let mut problems = outcomes.iter().filter_map(|sorted| sorted.outcome.as_ref().err());
    let is_failure =
        |problem: &Problem| problem.status.is_server_error() && problem.status != StatusCode::NOT_IMPLEMENTED;
    match problems.clone().next() {
        Some(first) if problems.clone().all(|problem| problem.status == first.status) => {
            if is_failure(first) || outcomes.iter().all(|sorted| sorted.outcome.is_err()) {
                first.status
            } else {
                StatusCode::OK
            }
        }
        Some(_) if problems.any(is_failure) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) if outcomes.iter().all(|sorted| sorted.outcome.is_err()) => StatusCode::BAD_REQUEST,
        Some(_) | None => StatusCode::OK,
    }
}

/// Answers with the outcome of each uid; `done` writes the one that succeeded.
pub(crate) fn response(
    outcomes: &[Sorted],
    call: &Call,
    done: impl Fn(&Receipt) -> Value,
) -> Response<Vec<u8>> {
    let status = overall(outcomes);
    let mut fields = Fields::new();
    let (mut data, mut errors) = (Fields::new(), Fields::new());
    for Sorted { name, outcome } in outcomes {
        match outcome {
            Ok(receipt) => data.put(name, done(receipt)),
            Err(problem) => {
                let mut error = Fields::new();
                problem.put(&mut error);
                errors.put(name, error);
            }
        }
    }
    let of_all = outcomes.iter().filter_map(|sorted| sorted.outcome.as_ref().err());
    match of_all.into_iter().find(|problem| problem.status == status) {
        _ if status == StatusCode::OK => fields.put("status", "success"),
        Some(first) => {
            fields.put("status", "fail");
            first.put(&mut fields);
        }
        None => {
            fields.put("status", "fail");
            let error = "not all incoming leads were sorted; errors says why, one by one";
            Problem::new(status, error).put(&mut fields);
        }
    }
    if status == StatusCode::OK || !data.is_empty() {
        fields.put("data", data);
    }
    if !errors.is_empty() {
        fields.put("errors", errors);
    }
    let mut response = call.answer(fields);
    *response.status_mut() = status;
    response
}

/// What the answer says of this uid.
pub(crate) fn read_response<B: AsRef<[u8]>>(
    uid: &Uid,
    response: &Response<B>,
) -> Result<(String, Value), Failure> {
    let mut answer = answered(response)?;
    let mut data = answer.object(&["data"])?.ok_or_else(|| Fault::missing("data"))?;
    Ok(data.take(&[uid.as_str()]).ok_or_else(|| Fault::missing("data.UID"))?)
}
