//! Which operation a method and a path mean.
//!
//! Empty segments are skipped, because the v2 document prints addresses with and without a slash at their end. The
//! blanks in its `POST / api / v2 / …` are typography.

use http::Method;
use incoming_leads_model::Channel;

use crate::problem::Problem;
use http::StatusCode;

/// The folder of the six operations.
pub(crate) const FOLDER: &str = "/api/v2/incoming_leads";
/// Where one signs in for a session. Source: the vendor's v2 page on authorization.
pub(crate) const SIGN_IN: &str = "/private/api/auth.php";

/// An operation of v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Route {
    /// `GET /api/v2/incoming_leads`
    List,
    /// `GET /api/v2/incoming_leads/summary`
    Summary,
    /// `POST /api/v2/incoming_leads/sip` and `…/form`
    Add(Channel),
    /// `POST /api/v2/incoming_leads/accept`
    Accept,
    /// `POST /api/v2/incoming_leads/decline`
    Decline,
    /// `POST /private/api/auth.php`
    SignIn,
}

/// Whether an address belongs to v2, so that also an error is told in its shape.
#[must_use]
pub fn is_v2(path: &str) -> bool {
    matches!(segments(path).as_slice(), ["api", "v2", ..] | ["private", "api", ..])
}

/// Finds the operation. `/form` and `/forms` are the same.
///
/// # Errors
/// 404 when there is none at this path, 405 when it has another method.
pub fn find(method: &Method, path: &str) -> Result<Route, Problem> {
    let route = match segments(path).as_slice() {
        ["api", "v2", "incoming_leads"] => Route::List,
        ["api", "v2", "incoming_leads", "summary"] => Route::Summary,
        ["api", "v2", "incoming_leads", "sip"] => Route::Add(Channel::Sip),
        ["api", "v2", "incoming_leads", "form" | "forms"] => Route::Add(Channel::Forms),
        ["api", "v2", "incoming_leads", "accept"] => Route::Accept,
        ["api", "v2", "incoming_leads", "decline"] => Route::Decline,
        ["private", "api", "auth.php"] => Route::SignIn,
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this address")),
    };
    let (is_allowed, allow) = match route {
        Route::List | Route::Summary => ([Method::GET, Method::HEAD].contains(method), "GET, HEAD"),
        Route::Add(_) | Route::Accept | Route::Decline | Route::SignIn => (method == Method::POST, "POST"),
    };
    if is_allowed { Ok(route) } else { Err(Problem::method_not_allowed(allow)) }
}

/// No address of v2 has more than four; the path itself is bounded by its server.
fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).take(5).collect()
}
