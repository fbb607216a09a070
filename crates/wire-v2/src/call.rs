//! What an answer repeats of the call that it answers: its address in `_links.self`, and `Runtime-Timestamp`.

use std::fmt::Write as _;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use incoming_leads_model::Moment;

use crate::form;
use crate::write::Fields;

/// The content type of answers. Source: v2 document, "Response Headers".
pub const HAL_JSON: HeaderValue = HeaderValue::from_static("application/hal+json");
/// The header with the moment of the answer in Unix seconds, UTC. Source: v2 document, "Response Headers".
pub const RUNTIME_TIMESTAMP: HeaderName = HeaderName::from_static("runtime-timestamp");

/// Parameters that a link repeats as they came.
const SHOWN: &[&str] =
    &["page", "page_size", "categories", "order_by", "pipeline_id", "uid", "data", "filter"];
/// Parameters of which a link shows that they were there.
const BLANKED: &[&str] = &["login", "api_key", "USER_LOGIN", "USER_HASH"];

/// A call, as far as its answer repeats it: path and query for `_links.self`, without credentials, and the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    href: String,
    method: String,
    now: Moment,
}

impl Call {
    /// The call by this method at this address, answered at this moment.
    ///
    /// The link is relative. Login and key are blanked; a parameter that no operation has is left out, because nobody
    /// knows what it holds. So is what stands behind a `&` in the path: a client is known that forgets the question mark.
    #[must_use]
    pub fn new(method: &Method, uri: &Uri, now: Moment) -> Self {
        let path = uri.path();
        let mut href = path.split(['&', '=']).next().unwrap_or(path).to_owned();
        let mut mark = '?';
        for pair in uri.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = form::decode(name.as_bytes()).unwrap_or_default();
            let base = decoded.split('[').next().unwrap_or_default();
            let value = match base {
                base if SHOWN.contains(&base) => value,
                base if BLANKED.contains(&base) => "***",
                _ => continue,
            };
            let _ = write!(href, "{mark}{name}={value}");
            mark = '&';
        }
        Self { href, method: method.as_str().to_ascii_lowercase(), now }
    }

    /// 200 with these fields and the link.
    pub(crate) fn answer(&self, mut fields: Fields) -> Response<Vec<u8>> {
        let mut link = Fields::new();
        link.put("href", self.href.as_str());
        link.put("method", self.method.as_str());
        let mut links = Fields::new();
        links.put("self", link);
        fields.put("_links", links);
        answer(fields, self.now)
    }

    /// 204: nothing is there.
    pub(crate) fn no_content(&self) -> Response<Vec<u8>> {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        stamp(&mut response, self.now);
        response
    }
}

/// 200 with these fields.
pub(crate) fn answer(fields: Fields, now: Moment) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(&fields.into_map()).expect("a tree of texts and numbers is JSON");
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HAL_JSON);
    stamp(&mut response, now);
    response
}

fn stamp(response: &mut Response<Vec<u8>>, now: Moment) {
    response.headers_mut().insert(RUNTIME_TIMESTAMP, HeaderValue::from(now.secs()));
}
