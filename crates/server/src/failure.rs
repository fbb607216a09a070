//! What goes wrong, as an answer: one table from the port's kinds of error to statuses.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;
use incoming_leads_model::Refusal;
use incoming_leads_port::{Error, ErrorKind, Outcome};
use incoming_leads_wire_v2 as wire_v2;
use incoming_leads_wire_v4::Problem;

use crate::routes::Wire;
use crate::shell::Answer;

/// After what time asking again makes sense where nothing else is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An answer that is no success. How it is told is the wire's of the address that was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    told: Box<Told>,
    retry_after: Option<Duration>,
    /// Whether it is told by a page of HTML.
    is_page: bool,
}

/// What is told.
#[derive(Debug)]
enum Told {
    /// A status and a sentence, the same on each wire.
    Plain(StatusCode, Cow<'static, str>),
    /// What the model refused, of a batch whose items have these `request_id`s.
    Refused(Refusal, Vec<String>),
    /// What v4 could not read, in its own words.
    V4(Problem),
    /// What v2 could not read, in its own words.
    V2(wire_v2::Problem),
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: &'static str) -> Self {
        Told::Plain(status, detail.into()).into()
    }

    /// Nobody known asks.
    pub(crate) fn unauthorized(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(crate) fn nothing_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    pub(crate) fn is_unauthorized(&self) -> bool {
        self.told.status() == StatusCode::UNAUTHORIZED
    }

    /// A failure that v4 tells by a [`page`].
    pub(crate) fn page(status: StatusCode) -> Self {
        Self { is_page: true, ..Self::new(status, "too much was asked in too short a time") }
    }

    /// What the port answered to a batch whose items have these `request_id`s.
    pub(crate) fn of_batch(error: &Error, request_ids: &[String]) -> Self {
        let status = status(error.kind(), error.outcome());
        // What a client did, or asked of a port that lacks it, is its own to know; what failed here is not.
        let is_told = status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED;
        if !is_told {
            tracing::error!(error = error as &dyn std::error::Error, "the port failed");
        }
        let general = || detail(error.kind(), error.outcome()).into();
        let told = match (is_told, error.refusal()) {
            (true, Some(refusal)) => Told::Refused(refusal.clone(), request_ids.to_vec()),
            (true, None) => {
                Told::Plain(status, error.detail().map_or_else(general, |detail| detail.to_owned().into()))
            }
            (false, _) => Told::Plain(status, general()),
        };
        Self { retry_after: error.retry_after(), ..told.into() }
    }

    /// The failure as it goes out on this wire.
    pub(crate) fn into_answer(self, wire: &Wire) -> Answer {
        let Self { told, retry_after, is_page } = self;
        let answer = match wire {
            Wire::V4 if is_page => return page(told.status()),
            // A client of the vendor's takes it for a 429 only when it is no JSON.
            Wire::V4 if told.status() == StatusCode::TOO_MANY_REQUESTS => page(told.status()),
            Wire::V4 => told.on_v4().response().map(Into::into),
            Wire::V2(call) => told.on_v2().response(call).map(Into::into),
        };
        with_advice(answer, retry_after)
    }
}

/// The answer with the headers that say how to go on after its status, if it is one of those.
pub(crate) fn with_advice<B>(mut answer: Response<B>, retry_after: Option<Duration>) -> Response<B> {
    let status = answer.status();
    let headers = answer.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            let secs = retry_after.unwrap_or(RETRY_AFTER).as_secs().max(1);
            headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from(secs));
        }
        _ => {}
    }
    answer
}

/// An error of the port on v2, of one uid among several.
pub(crate) fn on_v2(error: &Error) -> wire_v2::Problem {
    Failure::of_batch(error, &[]).told.on_v2()
}

impl Told {
    fn on_v4(self) -> Problem {
        match self {
            Self::Plain(status, detail) => Problem::new(status, detail),
            Self::Refused(refusal, request_ids) => Problem::refusal(&refusal, &request_ids),
            Self::V4(problem) => problem,
            Self::V2(problem) => Problem::new(problem.status, problem.error),
        }
    }

    fn on_v2(self) -> wire_v2::Problem {
        match self {
            Self::Plain(status, detail) => wire_v2::Problem::new(status, detail),
            Self::Refused(refusal, _) => wire_v2::Problem::refusal(&refusal),
            Self::V4(problem) => wire_v2::Problem::new(problem.status, problem.detail),
            Self::V2(problem) => problem,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Plain(status, _) => *status,
            Self::Refused(refusal, _) => Problem::refusal(refusal, &[]).status,
            Self::V4(problem) => problem.status,
            Self::V2(problem) => problem.status,
        }
    }
}

/// A page of HTML that names a status: what the vendor's proxies answer, without asking anybody, to whoever asks too
/// often. Source: the vendor's PHP client knows a 429 only when its body is no JSON.
pub(crate) fn page(status: StatusCode) -> Answer {
    let is_silent = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let title = title.trim_end();
    let html = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    let mut answer = Answer::new(if is_silent { Bytes::new() } else { html.into() }.into());
    *answer.status_mut() = status;
    if !is_silent {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    }
    answer
}

/// Which status tells an error. What may have taken effect is never told as a refusal.
const fn status(kind: ErrorKind, outcome: Outcome) -> StatusCode {
    if matches!(outcome, Outcome::Unknown) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
        // Blocked, unavailable, too late, not understood, and whatever the port will know one day.
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

const fn detail(kind: ErrorKind, outcome: Outcome) -> &'static str {
    if matches!(outcome, Outcome::Unknown) {
        return "nobody can tell whether this took effect; look before asking again";
    }
    match kind {
        ErrorKind::Invalid => "the request is not valid",
        ErrorKind::NotFound => "nothing is there",
        ErrorKind::Forbidden => "a right is missing",
        ErrorKind::Unauthorized => "the credentials are not accepted",
        ErrorKind::RateLimited => "too many requests; ask more slowly",
        ErrorKind::Unsupported => "what is behind this server cannot do that",
        ErrorKind::Damaged => "an unknown error occurred",
        _ => "the store does not answer now; nothing took effect",
    }
}

impl From<Told> for Failure {
    fn from(told: Told) -> Self {
        Self { told: told.into(), retry_after: None, is_page: false }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Told::V4(problem).into()
    }
}

impl From<wire_v2::Problem> for Failure {
    fn from(problem: wire_v2::Problem) -> Self {
        Told::V2(problem).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of_batch(&error, &[])
    }
}

#[cfg(test)]
mod tests {
    use incoming_leads_port::Operation;

    use super::*;

    const KINDS: [ErrorKind; 11] = [
        ErrorKind::Invalid,
        ErrorKind::NotFound,
        ErrorKind::Forbidden,
        ErrorKind::Unauthorized,
        ErrorKind::Unsupported,
        ErrorKind::RateLimited,
        ErrorKind::Blocked,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Unexpected,
        ErrorKind::Damaged,
    ];

    #[test]
    fn each_kind_has_its_status() {
        let statuses = KINDS.map(|kind| status(kind, Outcome::NotApplied).as_u16());
        assert_eq!(statuses, [400, 404, 403, 401, 501, 429, 503, 503, 503, 503, 500]);
    }

    #[test]
    fn what_may_have_taken_effect_is_never_a_refusal() {
        for kind in KINDS {
            assert_eq!(status(kind, Outcome::Unknown), StatusCode::SERVICE_UNAVAILABLE, "{kind:?}");
        }
        let lost = Error::new(ErrorKind::Timeout, Operation::Accept).with_retry_after(Duration::from_secs(7));
        let answer = Failure::from(lost).into_answer(&Wire::V4);
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &HeaderValue::from_static("7"))
        );
    }

    #[test]
    fn what_a_port_lacks_is_told() {
        let error =
            Error::new(ErrorKind::Unsupported, Operation::List).with_detail("name fewer uids at once");
        let problem = Failure::from(error).told.on_v4();
        assert_eq!(problem.status, StatusCode::NOT_IMPLEMENTED);
        assert!(String::from_utf8(problem.to_json()).unwrap().contains("name fewer uids at once"));
    }

    #[test]
    fn what_lies_beneath_is_not_told() {
        let beneath = std::io::Error::other("password=secret");
        let error = Error::new(ErrorKind::Unavailable, Operation::List)
            .with_detail("db at 10.0.0.1")
            .with_source(beneath);
        let text = String::from_utf8(Failure::from(error).told.on_v4().to_json()).unwrap();
        assert!(!text.contains("secret") && !text.contains("10.0.0.1"), "{text}");
    }
}
