//! Addresses.

use http::Method;
use incoming_leads_model::Channel;
use incoming_leads_wire_v2::Origin;
use incoming_leads_wire_v2::route::{Route, find, is_v2};

#[test]
fn addresses_have_an_operation_with_and_without_slashes() {
    for (method, path, route) in [
        (Method::GET, "/api/v2/incoming_leads", Route::List),
        (Method::HEAD, "/api/v2/incoming_leads", Route::List),
        (Method::GET, "/api/v2/incoming_leads/summary", Route::Summary),
        (Method::POST, "/api/v2/incoming_leads/sip", Route::Add(Channel::Sip)),
        (Method::POST, "/api/v2/incoming_leads/form", Route::Add(Channel::Forms)),
        (Method::POST, "/api/v2/incoming_leads/forms", Route::Add(Channel::Forms)),
        (Method::POST, "/api/v2/incoming_leads/accept", Route::Accept),
        (Method::POST, "/api/v2/incoming_leads/decline", Route::Decline),
        (Method::POST, "/private/api/auth.php", Route::SignIn),
    ] {
        for path in [path.to_owned(), format!("{path}/"), path.replace('/', "//")] {
            assert_eq!(find(&method, &path), Ok(route), "{path}");
            assert!(is_v2(&path));
        }
    }
}

#[test]
fn other_addresses_and_methods_have_none() {
    for path in [
        "/",
        "/api/v2",
        "/api/v2/leads",
        "/api/v2/incoming_leads/chat",
        "/api/v2/incoming_leads/sip/x",
        "/api/v4/leads/unsorted",
        "/private/api",
        "/api/v2/incoming_leads/%73ip",
    ] {
        assert_eq!(find(&Method::GET, path).unwrap_err().status.as_u16(), 404, "{path}");
    }
    for (method, path, allow) in [
        (Method::POST, "/api/v2/incoming_leads", "GET, HEAD"),
        (Method::GET, "/api/v2/incoming_leads/sip", "POST"),
        (Method::DELETE, "/api/v2/incoming_leads/decline", "POST"),
        (Method::GET, "/private/api/auth.php", "POST"),
    ] {
        let problem = find(&method, path).unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.allow), (405, Some(allow)), "{path}");
    }
    assert!(is_v2("/api/v2/leads") && !is_v2("/api/v4/leads") && !is_v2("/"));
}

#[test]
fn origins_are_scheme_and_host() {
    for good in ["https://example.amocrm.com", "http://127.0.0.1:8080/", "http://[::1]:80", "HTTP://x"] {
        assert!(Origin::new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "example.com",
        "ftp://x",
        "https://",
        "https://a@b",
        "https://x/y",
        "https://x?y",
        "https://x//",
        "https://x#y",
    ] {
        assert!(Origin::new(bad).is_err(), "{bad}");
    }
}
