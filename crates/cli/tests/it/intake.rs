//! `intake chat` and `intake mail` against a running server.

use std::io::Write;
use std::process::Stdio;

use crate::program::{Serving, finish, finished, program};

/// Runs `intake` with the administrator's token.
fn intake(demo: &Serving, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(&["intake"]);
    command.args(arguments).args(["--url", &demo.url()]).env("INCOMING_LEADS_TOKEN", "demo");
    finish(&mut command)
}

/// The uid that a successful `intake` prints.
#[track_caller]
fn uid(demo: &Serving, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = intake(demo, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    stdout.trim_end().to_owned()
}

#[test]
fn a_chat_appears_in_the_list_and_the_same_chat_is_updated() {
    let demo = Serving::start(&["--demo"]);
    let chats = |demo: &Serving| {
        let list =
            demo.get("/api/v4/leads/unsorted?filter[category][]=chats&limit=250&order[created_at]=desc");
        list["_embedded"]["unsorted"].as_array().unwrap().clone()
    };
    let before = chats(&demo).len();
    let first = uid(&demo, &["chat", "--from", "Maya", "--text", "Hello", "--chat-id", "1"]);
    let again = uid(&demo, &["chat", "--from", "Maya", "--text", "Are you there?", "--chat-id", "1"]);
    let other = uid(&demo, &["chat", "--from", "Noor", "--text", "Hello", "--pipeline-id", "2194576"]);
    assert!(first == again && first != other);
    let after = chats(&demo);
    assert_eq!(after.len(), before + 2);
    let chat = after.iter().find(|chat| chat["uid"] == first.as_str()).unwrap();
    assert_eq!(chat["metadata"]["last_message_text"], "Are you there?");
    assert_eq!(chat["metadata"]["client"]["name"], "Maya");
    let other = after.iter().find(|chat| chat["uid"] == other.as_str()).unwrap();
    assert_eq!(other["pipeline_id"], 2_194_576);
}

#[test]
fn the_server_may_be_named_by_the_environment() {
    let demo = Serving::start(&["--demo"]);
    let mut command = program(&["intake", "chat", "--from", "Maya", "--text", "Hello"]);
    command.env("INCOMING_LEADS_URL", demo.url()).env("INCOMING_LEADS_TOKEN", "demo");
    assert_eq!(finish(&mut command).0, Some(0));
}

#[test]
fn a_mail_is_taken_in_once() {
    let demo = Serving::start(&["--demo"]);
    let mail = [
        "mail",
        "--from",
        "Jo Doe <jo@example.com>",
        "--subject",
        "An offer",
        "--text",
        "Please call.",
        "--thread-id",
        "17",
        "--message-id",
        "18",
    ];
    let lead = demo.get(&format!("/api/v4/leads/unsorted/{}", uid(&demo, &mail)));
    assert_eq!(lead["category"], "mail");
    assert_eq!(lead["metadata"]["from"]["email"], "jo@example.com");
    assert_eq!(lead["metadata"]["subject"], "An offer");
    assert_eq!(lead["metadata"]["content_summary"], "Please call.");
    let (code, stdout, stderr) = intake(&demo, &mail);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains("an identical incoming lead waits already"), "{stderr}");
}

#[test]
fn a_whole_item_comes_from_a_file_or_from_standard_input() {
    let demo = Serving::start(&["--demo"]);
    let item =
        r#"{"metadata": {"from": "Lee", "last_message_text": "Hi", "origin": {"chat_id": "x", "ref": "y"}}}"#;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("chat.json");
    std::fs::write(&path, item).unwrap();
    let from_file = uid(&demo, &["chat", "--file", path.to_str().unwrap()]);
    let mut command = program(&["intake", "chat", "--file", "-", "--token", "demo", "--url", &demo.url()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(item.as_bytes()).unwrap();
    let (code, from_input, _) = finished(child);
    assert_eq!((code, from_input.trim_end()), (Some(0), from_file.as_str()));
    assert_eq!(demo.get(&format!("/api/v4/leads/unsorted/{from_file}"))["metadata"]["origin"]["ref"], "y");
    std::fs::write(&path, r#"{"metadata": 5}"#).unwrap();
    let (code, _, stderr) = intake(&demo, &["chat", "--file", path.to_str().unwrap()]);
    assert!(code == Some(3) && stderr.contains("metadata"), "{stderr}");
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is_one() {
    let demo = Serving::start(&["--demo"]);
    let command = || {
        let mut command = program(&["intake", "chat", "--from", "a", "--text", "b", "--url", &demo.url()]);
        command.env("INCOMING_LEADS_TOKEN", "demo").stderr(Stdio::piped());
        command
    };
    let mut child = command().stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(finished(child), (Some(0), String::new(), String::new()));
    if cfg!(target_os = "linux") {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let (code, _, stderr) = finished(command().stdout(full).spawn().unwrap());
        assert!(code == Some(1) && stderr.contains("cannot write to standard output"), "{stderr}");
    }
}

#[test]
fn what_cannot_be_sent_is_told_with_a_way_out() {
    let demo = Serving::start(&["--demo"]);
    let chat = ["intake", "chat", "--from", "a", "--text", "b"];
    let told = |command: &mut std::process::Command| {
        let (code, stdout, stderr) = finish(command);
        assert_eq!(stdout, "");
        (code, stderr)
    };
    let (code, stderr) = told(&mut program(&chat));
    assert!(code == Some(2) && stderr.contains("set INCOMING_LEADS_TOKEN, give --profile or"), "{stderr}");
    let (code, stderr) =
        told(program(&["intake", "chat", "--from", "a"]).env("INCOMING_LEADS_TOKEN", "demo"));
    assert!(code == Some(2) && stderr.contains("--text"), "{stderr}");
    let (code, stderr) = told(program(&chat).args(["--token", "wrong", "--url", &demo.url()]));
    assert!(
        code == Some(3)
            && stderr.contains("is INCOMING_LEADS_TOKEN, or that of the profile, a token of that"),
        "{stderr}"
    );
    assert!(!stderr.contains("wrong"), "{stderr}");
    let (code, stderr) = told(program(&chat).args(["--token", "demo", "--url", "http://127.0.0.1:1"]));
    assert!(
        code == Some(1) && stderr.contains("no answer from http://127.0.0.1:1; is a server running there?"),
        "{stderr}"
    );
}
