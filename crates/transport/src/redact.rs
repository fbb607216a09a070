//! What people may see of a request: all but its secrets.

use std::fmt::Write as _;

use http::header::{AUTHORIZATION, COOKIE};

use crate::transport::Request;

/// Query and form keys whose values are secrets.
const SECRET_KEYS: [&str; 9] = [
    "api_key",
    "login",
    "USER_LOGIN",
    "USER_HASH",
    "access_token",
    "refresh_token",
    "client_secret",
    "code",
    "token",
];
const BLANK: &str = "***";

/// The `curl` command that sends this request again, with secrets blanked, for people to paste and complete.
///
/// A body that holds a secret (of a sign-in) is left out altogether.
#[must_use]
pub fn curl(request: &Request) -> String {
    let mut command = format!("curl -X {} {}", request.method(), quoted(&address(request.uri())));
    for (name, value) in request.headers() {
        let shown = if name == AUTHORIZATION || name == COOKIE || name.as_str().contains("token") {
            BLANK
        } else {
            value.to_str().unwrap_or(BLANK)
        };
        // Writing to a String cannot fail.
        let _ = write!(command, " -H {}", quoted(&format!("{name}: {shown}")));
    }
    let body = String::from_utf8_lossy(request.body());
    if SECRET_KEYS.iter().any(|key| body.contains(key)) {
        command.push_str(" --data '*** (holds secrets)'");
    } else if !body.is_empty() {
        let _ = write!(command, " --data {}", quoted(&body));
    }
    command
}

/// An address with the secrets of its query and user part blanked.
pub(crate) fn address(uri: &http::Uri) -> String {
    let mut shown = String::new();
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        let _ = write!(shown, "{scheme}://{host}");
    }
    shown.push_str(uri.path());
    for (place, pair) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if place == 0 { '?' } else { '&' });
        let key = pair.split('=').next().unwrap_or_default();
        if SECRET_KEYS.contains(&key) {
            let _ = write!(shown, "{key}={BLANK}");
        } else {
            shown.push_str(pair);
        }
    }
    shown
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
