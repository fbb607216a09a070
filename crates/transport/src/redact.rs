//! What people may see of a request: all but its secrets.

use std::fmt::Write as _;

use http::header::{AUTHORIZATION, COOKIE};

use crate::transport::Request;

/// Keys whose values are secrets, in queries, forms and JSON; in lower case, though they may be written in any.
const SECRET_KEYS: [&str; 10] = [
    "api_key",
    "login",
    "password",
    "user_login",
    "user_hash",
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
        let is_secret = name == AUTHORIZATION || name == COOKIE || name.as_str().contains("token");
        let shown = if is_secret || value.is_sensitive() { BLANK } else { value.to_str().unwrap_or(BLANK) };
        // Writing to a String cannot fail.
        let _ = write!(command, " -H {}", quoted(&format!("{name}: {shown}")));
    }
    let body = String::from_utf8_lossy(request.body());
    if holds_secret(&body) {
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
        if is_secret(key) {
            let _ = write!(shown, "{key}={BLANK}");
        } else {
            shown.push_str(pair);
        }
    }
    shown
}

/// Whether the name of a parameter is that of a secret. One with an escape in it may hide what it is called, but for the
/// brackets, which many clients escape.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace("%5b", "[").replace("%5d", "]");
    name.contains('%') || SECRET_KEYS.contains(&name.as_str())
}

/// Whether a form or JSON has the key of a secret.
fn holds_secret(body: &str) -> bool {
    let is_of_form = body.split('&').any(|pair| pair.split_once('=').is_some_and(|(key, _)| is_secret(key)));
    let body = body.to_ascii_lowercase();
    is_of_form || SECRET_KEYS.iter().any(|key| body.contains(&format!("\"{key}\"")))
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
