//! Profiles as they are written, and what they strike.

use http::StatusCode;

use super::*;

const PATH: &str = "/api/v4/leads/unsorted/sip";

fn profile(text: &str) -> FaultProfile {
    text.parse().unwrap()
}

/// The names of what strikes so many requests, one after the other.
fn struck(profile: &FaultProfile, requests: u64) -> Vec<Option<&'static str>> {
    let faults = Faults::new(Some(profile.clone()));
    let strike = |_| faults.strike(&Method::POST, PATH, None).map(|struck| struck.fault.name());
    (0..requests).map(strike).collect()
}

#[track_caller]
fn wrong(text: &str, expected: &str) {
    let told = text.parse::<FaultProfile>().unwrap_err().to_string();
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_is_wrong_is_told_with_its_path_and_what_would_be_right() {
    wrong(
        r#"{"rules": [{"do": "explode"}]}"#,
        "rules[0].do: unknown variant `explode`, expected one of `answer`",
    );
    wrong(r#"{"rules": [{}]}"#, "rules[0]: missing field `do`");
    wrong(r#"{"rules": [{"do": "cut", "share": 2}]}"#, "rules[0].share: a share is a number from 0 to 1");
    wrong(
        r#"{"rules": [{"do": {"answer": {"status": 600}}}]}"#,
        "rules[0].do.answer.status: a status of 200 to 599",
    );
    wrong(
        r#"{"rules": [{"do": {"redirect": {"to": "/", "status": 200}}}]}"#,
        "rules[0].do.redirect.status: a status of 300",
    );
    wrong(
        r#"{"rules": [{"do": {"delay": {"millis": 900000}}}]}"#,
        "rules[0].do.delay.millis: a delay is 0 to 600000",
    );
    wrong(
        r#"{"rules": [{"do": "cut", "methods": ["get"]}]}"#,
        "rules[0].methods[0]: a method is due, in capital letters",
    );
    wrong(
        "{\"rules\": [{\"do\": {\"retype\": {\"content_type\": \"a\\nb\"}}}]}",
        "rules[0].do.retype.content_type: this goes into a header",
    );
    wrong(
        r#"{"rules": [{"do": "cut", "share": 0.1, "first": 2}]}"#,
        "rules[0]: only one of share, first and every",
    );
    wrong(r#"{"rules": [{"do": "cut", "every": 0}]}"#, "rules[0].every: invalid value");
    wrong(r#"{"speed": 7}"#, "speed: unknown field `speed`, expected one of `seed`");
    wrong("[]", "an object is due, not a list");
    wrong(r#"{"rules": [["cut"]]}"#, "rules[0]: an object is due, not a list");
    wrong(r#"{"rules": [{"do": {"huge": [5]}}]}"#, "rules[0].do: an object is due, not a list");
    wrong("{} {}", "trailing characters");
    wrong(
        &format!(r#"{{"rules": [{}]}}"#, vec![r#"{"do":"cut"}"#; 101].join(",")),
        "rules: at most 100 rules",
    );
}

#[test]
fn a_profile_is_written_as_it_is_read() {
    let text = r#"{"seed":7,"token_dies_after":3,"rules":[{"do":{"answer":{"status":429}},"methods":["GET"],"share":0.5,"carry_out":false},{"do":"reset","every":2,"carry_out":true}]}"#;
    assert_eq!(serde_json::to_string(&profile(text)).unwrap(), text);
}

#[test]
fn the_same_seed_makes_the_same_faults_in_their_shares() {
    let text = |seed: u64| {
        format!(
            r#"{{"seed": {seed}, "rules": [{{"do": "cut", "share": 0.05}}, {{"do": "reset", "share": 0.02}},
            {{"do": "drop", "share": 0.01}}]}}"#
        )
    };
    let first = struck(&profile(&text(1)), 10_000);
    assert_eq!(first, struck(&profile(&text(1)), 10_000));
    assert_ne!(first, struck(&profile(&text(2)), 10_000));
    for (name, share) in [("cut", 500), ("reset", 200), ("drop", 100)] {
        let count = first.iter().filter(|struck| **struck == Some(name)).count();
        assert!(count.abs_diff(share) < share / 4, "{name}: {count}");
    }
    // The draw is the same on every machine: whoever writes down a seed can come back to it.
    assert!((draw(7, 0) - 0.517_807_988).abs() < 1e-6, "{}", draw(7, 0));
}

#[test]
fn the_first_and_each_so_manieth_are_struck() {
    let some = profile(r#"{"rules": [{"do": "cut", "first": 2}, {"do": "reset", "every": 3}]}"#);
    let (cut, reset) = (Some("cut"), Some("reset"));
    assert_eq!(struck(&some, 6), [cut, cut, reset, None, None, reset]);
    let all = profile(r#"{"rules": [{"do": "drop"}]}"#);
    assert_eq!(struck(&all, 2), [Some("drop"); 2]);
}

#[test]
fn a_rule_is_about_its_methods_and_paths() {
    let text =
        r#"{"rules": [{"do": "cut", "methods": ["GET", "DELETE"], "paths": ["/a", "/api/*/unsorted/*"]}]}"#;
    let faults = Faults::new(Some(profile(text)));
    for (method, path, expected) in [
        (Method::GET, "/a", true),
        (Method::GET, "/ab", false),
        (Method::DELETE, "/api/v4/leads/unsorted/5af9/decline", true),
        (Method::DELETE, "/api/v4/leads/unsorted", false),
        (Method::POST, "/a", false),
    ] {
        assert_eq!(faults.strike(&method, path, None).is_some(), expected, "{method} {path}");
    }
    assert!(
        matches("*", "/x") && matches("/a*b*c", "/a1b2c") && !matches("/a*b*c", "/a1c") && !matches("", "/")
    );
}

#[test]
fn a_token_dies_after_its_calls_and_another_lives() {
    let faults = Faults::new(Some(profile(r#"{"token_dies_after": 2}"#)));
    let call = |token: u8| faults.strike(&Method::GET, PATH, Some(Digest([token; 32])));
    assert_eq!([call(1), call(1), call(2)], [None, None, None]);
    let struck = call(1).unwrap();
    let Fault::Answer { status, .. } = struck.fault else { panic!("{struck:?}") };
    assert_eq!((status, struck.carry_out), (StatusCode::UNAUTHORIZED, false));
    assert_eq!(faults.strike(&Method::GET, PATH, None), None);
    assert_eq!(call(2), None);
}

#[test]
fn a_profile_that_is_set_anew_begins_anew_and_none_ends_it() {
    let once = profile(r#"{"rules": [{"do": "cut", "first": 1}]}"#);
    let faults = Faults::new(Some(once.clone()));
    let strikes = || faults.strike(&Method::GET, PATH, None).is_some();
    assert!(strikes() && !strikes());
    faults.set(Some(once));
    assert!(strikes());
    assert_eq!(faults.running().unwrap().counts(), (1, vec![1]));
    faults.set(None);
    assert!(!strikes() && faults.are_none());
}

#[test]
fn what_is_done_to_the_answer_has_the_request_carried_out() {
    let all = profile(
        r#"{"rules": [{"do": "cut", "first": 1}, {"do": "reset", "first": 2}, {"do": "drop", "carry_out": true}]}"#,
    );
    let faults = Faults::new(Some(all));
    let carried = |_| faults.strike(&Method::GET, PATH, None).unwrap().carry_out;
    assert_eq!([(); 3].map(carried), [true, false, true]);
}
