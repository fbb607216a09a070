//! `list`, `get`, `add-call`, `add-form`, `accept`, `decline`, `link`, `summary` against a running server.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Serving, finish, finished, program};

/// Runs the program as this user of the demo.
fn as_user(token: &str, demo: &Serving, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(arguments);
    command.args(["--url", &demo.url()]).env("INCOMING_LEADS_TOKEN", token);
    finish(&mut command)
}

/// What the program prints for the administrator, who is refused nothing.
#[track_caller]
fn ok(demo: &Serving, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = as_user("demo", demo, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
    stdout
}

/// The same in JSON, line by line.
#[track_caller]
fn json(demo: &Serving, arguments: &[&str]) -> Vec<Value> {
    let text = ok(demo, &[arguments, &["--json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs `add-form --from -` with this input.
fn add_forms(demo: &Serving, options: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = program(&["add-form", "--from", "-", "--url", &demo.url()]);
    command
        .args(options)
        .env("INCOMING_LEADS_TOKEN", "demo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have ended before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    finished(child)
}

/// A line that adds a form.
fn form(number: usize) -> String {
    format!(
        r#"{{"source_name":"Site","source_uid":"u","metadata":{{"form_id":"f-{number}","form_page":"p","form_sent_at":1700000000}}}}"#
    ) + "\n"
}

#[test]
fn a_list_is_for_people_or_for_programs() {
    let demo = Serving::start(&["--demo"]);
    let all = json(&demo, &["list", "--all", "--limit", "7"]);
    assert_eq!(all.len(), 25);
    let text = ok(&demo, &["list"]);
    let uids: Vec<_> = all.iter().map(|lead| lead["uid"].as_str().unwrap()).collect();
    let shown: Vec<_> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(shown, uids);
    let mails = json(&demo, &["list", "--category", "mail,chats", "--ascending", "--limit", "500"]);
    assert_eq!(mails.len(), 13);
    let moments: Vec<_> = mails.iter().map(|lead| lead["created_at"].as_i64().unwrap()).collect();
    assert!(moments.is_sorted());
    assert_eq!(json(&demo, &["list", "--uid", uids[3]])[0]["uid"], uids[3]);
    assert_eq!(json(&demo, &["list", "--page", "9"]), [] as [Value; 0]);
}

#[test]
fn sorting_answers_what_happened_and_the_summary_counts_it() {
    let demo = Serving::start(&["--demo"]);
    let (form, call, chat) = (demo.waiting("forms"), demo.waiting("sip"), demo.waiting("chats"));
    let before = &json(&demo, &["summary"])[0];
    assert!(ok(&demo, &["get", &form]).starts_with(&form));
    assert!(
        ok(&demo, &["accept", &form, "--status-id", "142"]).starts_with(&format!("{form} accepted, lead "))
    );
    assert!(ok(&demo, &["decline", &call]).starts_with(&format!("{call} declined, lead ")));
    assert_eq!(ok(&demo, &["link", &chat, "--lead", "152464"]), format!("{chat} linked, lead 152464\n"));
    let after = &json(&demo, &["summary"])[0];
    assert_eq!(
        (&after["total"], &after["accepted"], &after["declined"]),
        (&before["total"], &1.into(), &1.into())
    );
    assert!(ok(&demo, &["summary", "--from", "0"]).contains("accepted           1\n"));
    let (code, _, stderr) = as_user("demo", &demo, &["get", &form]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains(&form), "{stderr}");
}

#[test]
fn several_are_all_tried_and_the_failure_is_told() {
    let demo = Serving::start(&["--demo"]);
    let (form, mail) = (demo.waiting("forms"), demo.waiting("mail"));
    let (code, stdout, stderr) = as_user("demo", &demo, &["accept", &form, "nobody", &mail]);
    assert_eq!((code, stdout.lines().count()), (Some(3), 2));
    assert!(stderr.contains("nobody"), "{stderr}");
}

#[test]
fn what_is_refused_has_an_exit_code_of_its_own() {
    let demo = Serving::start(&["--demo"]);
    let chat = demo.waiting("chats");
    let link = ["link", &chat, "--lead", "152464"];
    assert_eq!(as_user("demo-sorter", &demo, &link).0, Some(3), "a sorter may not link");
    assert_eq!(as_user("wrong", &demo, &["list"]).0, Some(3));
    assert_eq!(as_user("demo", &demo, &["list", "--limit", "501"]).0, Some(2));
    assert_eq!(as_user("demo", &demo, &["link", &chat]).0, Some(2), "no target");
    let mut without = program(&["list", "--url", &demo.url()]);
    let (code, _, stderr) = finish(&mut without);
    assert!(code == Some(2) && stderr.contains("INCOMING_LEADS_TOKEN"), "{stderr}");
    let mut nowhere = program(&["list", "--url", "http://127.0.0.1:1"]);
    assert_eq!(finish(nowhere.env("INCOMING_LEADS_TOKEN", "demo")).0, Some(1));
}

#[test]
fn a_file_of_forms_is_added_in_batches() {
    let demo = Serving::start(&["--demo"]);
    let good: String = (0..7).map(form).collect();
    let (code, stdout, stderr) = add_forms(&demo, &["--batch", "3"], &good);
    assert_eq!((code, stderr.as_str(), stdout.lines().count()), (Some(0), "", 7));
    let lines: Vec<_> = stdout.lines().map(|line| line.split_once(" line ").unwrap()).collect();
    assert_eq!(lines[6].1, "7");
    let uids: Vec<_> = lines.iter().map(|(uid, _)| *uid).collect();
    assert_eq!(json(&demo, &["list", "--uid", &uids.join(",")]).len(), 7);

    let (code, stdout, stderr) = add_forms(&demo, &["--batch", "2"], &(form(8) + "\n" + &form(0)));
    assert_eq!((code, stdout.lines().count()), (Some(3), 1), "one is there already, so neither is taken");
    assert!(stdout.starts_with("refused line 3: ") && stdout.contains(uids[0]), "{stdout}");
    assert!(stderr.contains("lines 1 to 3 were not added") && stderr.contains("--first-line 1"), "{stderr}");
    assert_eq!(add_forms(&demo, &[], "\n").0, Some(2), "an empty file");
    assert_eq!(add_forms(&demo, &["--batch", "251"], &form(10)).0, Some(2));
}

#[test]
fn what_is_refused_may_be_left_out_and_each_line_is_answered() {
    let demo = Serving::start(&["--demo"]);
    add_forms(&demo, &[], &form(1));
    let input: String = [0, 1, 2, 2, 3].map(form).concat();
    let (code, stdout, stderr) = add_forms(&demo, &["--skip-refused", "--batch", "4", "--json"], &input);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("2 lines were refused"), "{stderr}");
    let answers: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines = |what: &str| -> Vec<u64> {
        answers
            .iter()
            .filter(|line| line[what].is_object())
            .map(|line| line["line"].as_u64().unwrap())
            .collect()
    };
    assert_eq!((lines("added"), lines("refused")), (vec![1, 3, 5], vec![2, 4]));
    assert_eq!(answers[0]["refused"]["faults"][0]["code"], "Duplicate");
    // Where an earlier run ended.
    let (code, stdout, _) = add_forms(&demo, &["--first-line", "2"], &(form(0) + &form(9)));
    assert!(code == Some(0) && stdout.ends_with("line 2\n"), "{stdout}");
}

#[test]
fn a_typing_error_in_a_file_adds_nothing_and_in_a_pipe_nothing_after_it() {
    let demo = Serving::start(&["--demo"]);
    let input = form(1) + "{\"source_name\":[]}\n" + &form(2);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("forms.jsonl");
    std::fs::write(&path, &input).unwrap();
    let (code, stdout, stderr) =
        as_user("demo", &demo, &["add-form", "--from", path.to_str().unwrap(), "--batch", "1"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("line 2") && stderr.contains("source_name"), "{stderr}");
    let (code, stdout, stderr) = add_forms(&demo, &["--batch", "1"], &input);
    assert_eq!((code, stdout.lines().count()), (Some(2), 1));
    assert!(stderr.contains("line 2"), "{stderr}");
    let (code, _, stderr) = add_forms(&demo, &[], &("{".to_owned() + &" ".repeat(2 << 20)));
    assert!(code == Some(2) && stderr.contains("line 1 is longer than"), "{stderr}");
}

#[test]
fn the_older_wire_answers_what_it_can_and_says_what_it_cannot() {
    let demo = Serving::start(&["--demo"]);
    let form = demo.waiting("forms");
    let v2 = |arguments: &[&str]| as_user("demo", &demo, &[arguments, &["--wire", "v2"]].concat());
    let (code, stdout, stderr) = v2(&["list", "--all", "--limit", "7"]);
    assert_eq!((code, stderr.as_str(), stdout.lines().count()), (Some(0), "", 25));
    assert_eq!(v2(&["accept", &form]).0, Some(0));
    assert!(v2(&["summary"]).1.contains("accepted           1\n"));
    let (code, _, stderr) = v2(&["get", &form]);
    assert!(code == Some(1) && stderr.contains("get an incoming lead"), "{stderr}");
    let (code, _, stderr) = as_user("demo", &demo, &["list", "--login", "ann@example.com"]);
    assert!(code == Some(2) && stderr.contains("--wire v2"), "{stderr}");
}
