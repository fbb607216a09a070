//! `conformance` against servers that decide as we do, and against one that does not.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::program::{Serving, finish, program};

/// Runs the survey with the demo's or the seed's administrator: exit code, lines, standard error.
fn survey(serving: &Serving, token: &str, arguments: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let mut command = program(&["conformance", "--json", "--rate", "1000", "--url", &serving.url()]);
    let (code, stdout, stderr) = finish(command.args(arguments).env("INCOMING_LEADS_TOKEN", token));
    let lines = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (code, lines, stderr)
}

fn of_verdict<'a>(lines: &'a [Value], verdict: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["verdict"] == verdict).collect()
}

/// A server over the seed of the demo with another policy.
fn with_policies(policies: &str) -> Serving {
    let seed = r#"{"header": {"version": 1}}
        {"account": {"account": {"id": 1, "subdomain": "a", "name": "A", "created_at": 0},
            "pipelines": [{"id": 10, "name": "Sales", "is_main": true, "statuses": [
                {"id": 11, "name": "Incoming", "sort": 10, "kind": "unsorted"},
                {"id": 12, "name": "First", "sort": 20}]}],
            "users": [{"id": 2, "name": "Ann", "email": "a@example.com", "rights": {"administrate": true}}],
            "policies": POLICIES}}
        {"token": {"account_id": 1, "user_id": 2, "secret": {"plain": "t"}}}"#;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drift.seed");
    fs::write(&path, seed.replace("POLICIES", policies)).unwrap();
    Serving::start(&["--seed", path.to_str().unwrap()])
}

#[test]
fn our_own_server_shares_every_decision() {
    let demo = Serving::start(&["--demo"]);
    let waiting = demo.get("/api/v4/leads/unsorted?limit=250")["_embedded"]["unsorted"].clone();
    let (code, lines, stderr) = survey(&demo, "demo", &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(of_verdict(&lines, "shared").len(), 13);
    assert_eq!(lines.last().unwrap()["added"], 0);
    let (code, lines, stderr) = survey(&demo, "demo", &["--depth", "accept"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let sum = lines.last().unwrap();
    assert_eq!((&sum["drift"], &sum["not_asked"]), (&0.into(), &0.into()), "{lines:?}");
    assert!(sum["added"].as_u64().unwrap() > 30 && sum["left"] == Value::Array(vec![]));
    assert_eq!(demo.get("/api/v4/leads/unsorted?limit=250")["_embedded"]["unsorted"], waiting, "as before");
}

#[test]
fn a_server_of_another_policy_is_told_the_rule_that_it_does_not_share() {
    let other = with_policies(r#"{"duplicates": "tag"}"#);
    let (code, lines, stderr) = survey(&other, "t", &["--depth", "bin"]);
    assert_eq!(code, Some(5), "{stderr}");
    let drift = of_verdict(&lines, "drifts");
    assert_eq!(drift.len(), 3, "{drift:?}");
    assert!(
        drift.iter().all(|line| line["rule"] == "R6" && line["probe"].as_str().unwrap().starts_with("dup"))
    );
    assert_eq!(
        (&drift[0]["expected"], &drift[0]["sources"][0]),
        (&"Invalid".into(), &"both v4 documents".into())
    );
    assert_eq!(lines.last().unwrap()["drift"], 3);
    // The same for people.
    let mut command = program(&["conformance", "--depth", "bin", "--rate", "1000", "--url", &other.url()]);
    let (code, stdout, stderr) = finish(command.env("INCOMING_LEADS_TOKEN", "t"));
    assert!(code == Some(5) && stderr.contains("3 decisions are not shared"), "{stderr}");
    for part in
        ["R6  duplicates::identical_call_is_refused", "DRIFT", "R6: No two identical pending leads", "source"]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
}

#[test]
fn what_cannot_be_asked_is_no_conformance() {
    let demo = Serving::start(&["--demo"]);
    let (code, lines, stderr) = survey(&demo, "wrong", &[]);
    assert_eq!((code, of_verdict(&lines, "shared").len()), (Some(1), 1), "nobody is let in, that is all");
    assert!(stderr.contains("nothing could be asked"), "{stderr}");
    let (code, lines, _) = survey(&demo, "demo", &["--calls", "5"]);
    assert_eq!((code, &lines.last().unwrap()["calls"]), (Some(0), &5.into()));
    let mut nowhere = program(&["conformance", "--url", "http://127.0.0.1:1", "--calls", "2"]);
    let (code, _, stderr) = finish(nowhere.env("INCOMING_LEADS_TOKEN", "t"));
    assert!(code == Some(1) && stderr.contains("nothing could be asked"), "{stderr}");
}

#[test]
fn the_older_wire_shares_what_can_be_asked_on_it() {
    let demo = Serving::start(&["--demo"]);
    let (code, lines, stderr) = survey(&demo, "demo", &["--depth", "bin", "--wire", "v2"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{lines:?}");
    assert!(of_verdict(&lines, "shared").len() > 15, "{lines:?}");
}
