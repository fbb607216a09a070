//! The control route: sets, reads and clears the fault profile, and reads the journal, while the server runs.

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;
use incoming_leads_port::Digest;
use incoming_leads_wire_v4::Problem;
use serde::Serialize;

use super::{Edge, FaultProfile, JournalEntry};
use crate::Limits;
use crate::app::bearer;
use crate::body::Incoming;
use crate::failure::Failure;
use crate::gate::digest;
use crate::shell::Answer;

/// What all its addresses begin with.
pub(super) const PREFIX: &str = "/control/";

/// Entries of the journal in one answer, at most.
const MAX_ENTRIES: usize = 1_000;

#[derive(Serialize)]
struct FaultsTold<'a> {
    /// The profile that holds; none where nothing goes wrong.
    profile: Option<&'a FaultProfile>,
    /// Requests that came since it holds.
    requests: u64,
    /// How many of them each rule struck.
    struck: Vec<u64>,
}

#[derive(Serialize)]
struct JournalTold {
    entries: Vec<JournalEntry>,
    /// What `after` is to be for those that follow.
    next: u64,
}

impl Edge {
    /// The answer to whoever has the key.
    pub(super) async fn control(
        &self,
        request: Request<Incoming>,
        key: &Digest,
        limits: &Limits,
    ) -> Result<Answer, Failure> {
        if bearer(request.headers()).map(digest).as_ref() != Some(key) {
            return Err(Failure::new(StatusCode::UNAUTHORIZED, "the token of the control route is due"));
        }
        let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
        match (path, request.method()) {
            ("faults", &Method::GET) => Ok(self.told()),
            ("faults", &Method::PUT) => {
                let body = request.into_body().read(limits).await?;
                let text = std::str::from_utf8(&body).map_err(|_| invalid("the body is not UTF-8"))?;
                let profile = text.parse::<FaultProfile>().map_err(|error| invalid(&error.to_string()))?;
                self.faults.set(Some(profile));
                Ok(self.told())
            }
            ("faults", &Method::DELETE) => {
                self.faults.set(None);
                Ok(nothing())
            }
            ("journal", &Method::GET) => {
                let after = after(request.uri().query().unwrap_or_default())?;
                let entries = self.journal.after(after, MAX_ENTRIES);
                let next = entries.last().map_or(after, |entry| entry.number);
                Ok(json(&JournalTold { entries, next }))
            }
            ("journal", &Method::DELETE) => {
                self.journal.clear();
                Ok(nothing())
            }
            ("faults", _) => Err(Problem::method_not_allowed("GET, PUT, DELETE").into()),
            ("journal", _) => Err(Problem::method_not_allowed("GET, DELETE").into()),
            _ => Err(Failure::new(StatusCode::NOT_FOUND, "there is nothing at this address")),
        }
    }

    fn told(&self) -> Answer {
        let running = self.faults.running();
        let (requests, struck) = running.as_ref().map_or_else(Default::default, |running| running.counts());
        json(&FaultsTold { profile: running.as_ref().map(|running| &running.profile), requests, struck })
    }
}

/// `after=NUMBER`, which may be missing.
fn after(query: &str) -> Result<u64, Failure> {
    match query.strip_prefix("after=") {
        None if query.is_empty() => Ok(0),
        given => given
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| invalid("the query is after=NUMBER, or nothing")),
    }
}

fn invalid(detail: &str) -> Failure {
    Problem::new(StatusCode::BAD_REQUEST, detail).into()
}

fn json(told: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(told).expect("strings and numbers are JSON");
    let mut answer = Answer::new(body.into());
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

fn nothing() -> Answer {
    let mut answer = Answer::new(Bytes::new().into());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}
