//! `serve --seed`: a file of one's own, and what is said of a wrong one.

use std::fs;
use std::path::PathBuf;

use crate::program::{Serving, run};

const ACCOUNT: &str = r#"{"header": {"version": 1}}
{"account": {
  "account": {"id": 7, "subdomain": "acme", "name": "Acme", "created_at": 0},
  "pipelines": [{"id": 2, "name": "Sales", "is_main": true, "statuses": [
    {"id": 3, "name": "Incoming", "sort": 1, "kind": "unsorted"}, {"id": 4, "name": "First", "sort": 2}]}],
  "users": [{"id": 5, "name": "U", "email": "u@example.com", "rights": {"view": true, "add": true}}]}}
"#;

const TOKEN: &str = r#"{"token": {"account_id": 7, "user_id": 5, "secret": {"plain": "open-sesame"}}}
"#;

fn seed(name: &str, parts: &[&str]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, parts.concat()).unwrap();
    path
}

#[track_caller]
fn check_refused(name: &str, parts: &[&str], expected: &str) {
    let path = seed(name, parts);
    let path = path.to_str().unwrap();
    let (code, stdout, stderr) = run(&["serve", "--listen", "127.0.0.1:0", "--seed", path]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert_eq!(stderr, format!("incoming-leads: {path}:{expected}\n"));
}

#[test]
fn a_seed_is_served() {
    // The SHA-256 of "hashed".
    let hashed = r#"{"token": {"account_id": 7, "user_id": 5, "secret": {"sha256": "HEX"}}}
"#;
    let hex = incoming_leads_server::digest("hashed").to_hex();
    let draft = r#"{"draft": {"account_id": 7, "user_id": 5, "draft": {"metadata": {"mail": {"subject": "Hello"}}}}}"#;
    let path = seed("served.jsonl", &[ACCOUNT, TOKEN, &hashed.replace("HEX", &hex), draft]);
    let server = Serving::start(&["--seed", path.to_str().unwrap()]);
    for token in ["open-sesame", "hashed"] {
        let (status, body) = server.ask(token, "GET", "/api/v4/leads/unsorted", "");
        assert!(status == 200 && body.contains(r#""subject":"Hello""#), "{status} {body}");
    }
    assert_eq!(server.ask("demo", "GET", "/api/v4/leads/unsorted", "").0, 401);
}

#[test]
fn the_seed_of_the_readme_is_served() {
    let readme = include_str!("../../../../README.md");
    let (_, rest) = readme.split_once("```json\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let server = Serving::start(&["--seed", seed("readme.jsonl", &[text]).to_str().unwrap()]);
    let (status, body) = server.ask("a-token-of-yours", "GET", "/api/v4/leads/unsorted", "");
    assert!(status == 200 && body.contains("An offer, please"), "{status} {body}");
}

#[test]
fn the_intake_is_closed_unless_it_is_asked_for() {
    let path = seed("intake.jsonl", &[ACCOUNT, TOKEN]);
    let chat = r#"{"metadata": {"origin": {"chat_id": "c"}}}"#;
    for (more, status) in [(None, 404), (Some("--intake"), 200)] {
        let arguments: Vec<_> = ["--seed", path.to_str().unwrap()].into_iter().chain(more).collect();
        let server = Serving::start(&arguments);
        let answer = server.ask("open-sesame", "POST", "/api/v4/leads/unsorted/chats", chat);
        assert_eq!(answer.0, status, "{}", answer.1);
    }
}

#[test]
fn strict_holds_for_all_accounts_of_a_seed() {
    let draft = r#"{"draft": {"account_id": 7, "user_id": 5, "draft": {"source_name": "s", "source_uid": "u", "metadata": {"forms": {}}, "leads": [{}], "contacts": [{}]}}}"#;
    let path = seed("strict.jsonl", &[ACCOUNT, draft]);
    let (code, _, stderr) =
        run(&["serve", "--listen", "127.0.0.1:0", "--strict", "--seed", path.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("strict.jsonl:7: draft.draft.companies: this field is missing"), "{stderr}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (code, stdout, stderr) = run(&["serve", "--seed", "no/such.jsonl"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("incoming-leads: cannot read the seed no/such.jsonl: "), "{stderr}");
}

#[test]
fn a_wrong_value_is_named_with_row_column_and_path() {
    let wrong = ACCOUNT.replace(r#""view": true"#, r#""view": "yes""#);
    let sentence = r#"account.users[0].rights.view: invalid type: string "yes", expected a boolean"#;
    check_refused("wrong_value.jsonl", &[&wrong], &format!("6:85: {sentence}"));
}

#[test]
fn a_key_that_is_missing_is_named() {
    let wrong = ACCOUNT.replace(r#""subdomain": "acme", "#, "");
    check_refused("missing.jsonl", &[&wrong], "3:55: account.account: missing field `subdomain`");
}

#[test]
fn a_line_that_the_store_refuses_is_named_by_its_row() {
    let draft = r#"{"draft": {"account_id": 7, "user_id": 5, "draft": {"metadata": {"chats": {}}, "pipeline_id": 9}}}"#;
    let sentence = "draft.draft.pipeline_id: the account has no pipeline 9";
    check_refused("draft.jsonl", &[ACCOUNT, TOKEN, draft], &format!("8: {sentence}"));
    let twice = r#"{"draft": {"account_id": 7, "user_id": 5, "draft": {"metadata": {"mail": {"thread_id": "1", "message_id": "2"}}}}}
"#;
    let path = seed("twice.jsonl", &[ACCOUNT, twice, twice]);
    let (code, _, stderr) = run(&["serve", "--seed", path.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("twice.jsonl:8: draft.draft.metadata: an identical incoming lead waits already"),
        "{stderr}"
    );
    let foreign = r#"{"tag": {"account_id": 8, "row": {"id": 1, "name": "n"}}}"#;
    check_refused(
        "foreign.jsonl",
        &[ACCOUNT, foreign],
        "7: a line is of account 8, of which no line told before",
    );
}

#[test]
fn of_two_wrong_lines_the_first_is_told() {
    let draft = r#"{"draft": {"account_id": 7, "user_id": 5, "draft": {"metadata": {"chats": {}}, "pipeline_id": 9}}}
"#;
    let foreign = r#"{"tag": {"account_id": 8, "row": {"id": 1, "name": "n"}}}"#;
    let sentence = "draft.draft.pipeline_id: the account has no pipeline 9";
    check_refused("two.jsonl", &[ACCOUNT, draft, foreign], &format!("7: {sentence}"));
}

#[test]
fn a_secret_is_never_repeated() {
    let path =
        seed("secret.jsonl", &[ACCOUNT, r#"{"token": {"account_id": 7, "user_id": 5, "secret": "hush"}}"#]);
    let (code, stdout, stderr) = run(&["serve", "--seed", path.to_str().unwrap()]);
    assert!(code == Some(1) && stdout.is_empty() && !stderr.contains("hush"), "{stderr}");
    assert!(stderr.contains(":7:58: token.secret: a token is {"), "{stderr}");
}
