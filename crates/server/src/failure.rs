//! What goes wrong, as an answer: one table from the port's kinds of error to statuses.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use hyper::body::Bytes;
use incoming_leads_port::{Error, ErrorKind, Outcome};
use incoming_leads_wire_v4::Problem;

use crate::shell::Answer;

/// After what time asking again makes sense where nothing else is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An answer that is no success.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Box<Problem>,
    retry_after: Option<Duration>,
    /// Whether it is told by a page of HTML.
    is_page: bool,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: &'static str) -> Self {
        Problem::new(status, detail).into()
    }

    /// A failure that is told by a [`page`].
    pub(crate) fn page(status: StatusCode) -> Self {
        Self { is_page: true, ..Self::new(status, "") }
    }

    /// What the port answered to a batch whose items have these `request_id`s.
    pub(crate) fn of_batch(error: &Error, request_ids: &[String]) -> Self {
        let status = status(error.kind(), error.outcome());
        // What a client did, or asked of a port that lacks it, is its own to know; what failed here is not.
        let is_told = status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED;
        if !is_told {
            tracing::error!(error = error as &dyn std::error::Error, "the port failed");
        }
        let problem = match (is_told, error.refusal()) {
            (true, Some(refusal)) => Problem::refusal(refusal, request_ids),
            (true, None) => {
                Problem::new(status, error.detail().unwrap_or(detail(error.kind(), error.outcome())))
            }
            (false, _) => Problem::new(status, detail(error.kind(), error.outcome())),
        };
        Self { problem: problem.into(), retry_after: error.retry_after(), is_page: false }
    }

    /// The failure as it goes out.
    pub(crate) fn into_answer(self) -> Answer {
        let Self { problem, retry_after, is_page } = self;
        if is_page {
            return page(problem.status);
        }
        let mut answer: Answer = match problem.status {
            // A client of the vendor's takes it for a 429 only when it is no JSON.
            StatusCode::TOO_MANY_REQUESTS => page(problem.status),
            _ => problem.response().map(Into::into),
        };
        let headers = answer.headers_mut();
        match problem.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let secs = retry_after.unwrap_or(RETRY_AFTER).as_secs().max(1);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
            }
            _ => {}
        }
        answer
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

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: problem.into(), retry_after: None, is_page: false }
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
        let answer = Failure::from(lost).into_answer();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &HeaderValue::from_static("7"))
        );
    }

    #[test]
    fn what_a_port_lacks_is_told() {
        let error =
            Error::new(ErrorKind::Unsupported, Operation::List).with_detail("name fewer uids at once");
        let failure = Failure::from(error);
        assert_eq!(failure.problem.status, StatusCode::NOT_IMPLEMENTED);
        assert!(String::from_utf8(failure.problem.to_json()).unwrap().contains("name fewer uids at once"));
    }

    #[test]
    fn what_lies_beneath_is_not_told() {
        let beneath = std::io::Error::other("password=secret");
        let error = Error::new(ErrorKind::Unavailable, Operation::List)
            .with_detail("db at 10.0.0.1")
            .with_source(beneath);
        let text = String::from_utf8(Failure::from(error).problem.to_json()).unwrap();
        assert!(!text.contains("secret") && !text.contains("10.0.0.1"), "{text}");
    }
}
