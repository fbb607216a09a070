//! Trouble on purpose, as whoever tests a client switches it on.

use crate::program::{Serving, finish, program, run};

const UNSORTED: &str = "/api/v4/leads/unsorted";

fn file(name: &str, text: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_profile_holds_from_the_beginning_and_over_the_control_route() {
    let profile = file("faults.json", r#"{"rules": [{"do": {"answer": {"status": 418}}}]}"#);
    let mut command =
        program(&["serve", "--listen", "127.0.0.1:0", "--demo", "--faults", &profile, "--control"]);
    let serving = Serving::spawn(command.env("INCOMING_LEADS_CONTROL_TOKEN", "key"));
    assert_eq!(serving.ask("demo", "GET", UNSORTED, "").0, 418);
    assert_eq!(serving.ask("demo", "DELETE", "/control/faults", "").0, 401);
    assert_eq!(serving.ask("key", "DELETE", "/control/faults", "").0, 204);
    assert_eq!(serving.ask("demo", "GET", UNSORTED, "").0, 200);
    let (status, journal) = serving.ask("key", "GET", "/control/journal", "");
    assert!(status == 200 && journal.contains(r#""status":418"#) && !journal.contains("demo"), "{journal}");
}

#[test]
fn what_is_wrong_in_a_profile_is_told_with_its_path() {
    let wrong = file("wrong-faults.json", r#"{"rules": [{"do": "explode"}]}"#);
    let (code, _, stderr) = run(&["serve", "--demo", "--faults", &wrong]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("wrong-faults.json: rules[0].do: unknown variant `explode`"), "{stderr}");
    let (code, _, stderr) = run(&["serve", "--demo", "--faults", "there-is-no-such-file"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("cannot read there-is-no-such-file"), "{stderr}");
}

#[test]
fn the_control_route_needs_a_token() {
    for token in [None, Some(""), Some("a secret")] {
        let mut command = program(&["serve", "--demo", "--control"]);
        token.map(|token| command.env("INCOMING_LEADS_CONTROL_TOKEN", token));
        let (code, _, stderr) = finish(&mut command);
        assert_eq!(code, Some(2));
        assert!(stderr.contains("INCOMING_LEADS_CONTROL_TOKEN") && !stderr.contains("a secret"), "{stderr}");
    }
}

#[test]
fn the_rate_is_limited_when_asked_for() {
    let serving = Serving::start(&["--demo", "--rate-limit", "--rate-integration", "1"]);
    let (status, page) = (0..20)
        .map(|_| serving.ask("demo", "GET", UNSORTED, ""))
        .find(|(status, _)| *status != 200)
        .expect("nobody can ask twenty times a second");
    assert!(status == 429 && page.contains("<h1>429 Too Many Requests</h1>"), "{status} {page}");
}
