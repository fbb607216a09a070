//! `watch` against a running server, one that goes away, and one that refuses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::program::{PATIENCE, Serving, finish, finished, program, signal};

/// A running `watch`, and its lines: of standard output, and of standard error.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

impl Watching {
    fn start(demo: &Serving, arguments: &[&str]) -> Self {
        let mut command = program(&["watch", "--interval", "1", "--url", &demo.url()]);
        command.args(arguments).env("INCOMING_LEADS_TOKEN", "demo");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }
}

fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn intake(demo: &Serving, text: &str) -> String {
    let mut command: Command = program(&[
        "intake",
        "chat",
        "--from",
        "Maya",
        "--chat-id",
        "1",
        "--text",
        text,
        "--url",
        &demo.url(),
    ]);
    let (code, stdout, stderr) = finish(command.env("INCOMING_LEADS_TOKEN", "demo"));
    assert_eq!(code, Some(0), "{stderr}");
    stdout.trim_end().to_owned()
}

#[test]
fn what_comes_changes_and_goes_is_told_until_ctrl_c() {
    let demo = Serving::start(&["--demo"]);
    let watching = Watching::start(&demo, &["--existing", "--json", "--category", "chats"]);
    let line = || -> Value { serde_json::from_str(&watching.line()).unwrap() };
    assert_eq!(line()["change"], "new");
    let uid = intake(&demo, "Hello");
    // Those that waited before come first.
    let mut change = line();
    while change["lead"]["uid"] != uid.as_str() {
        change = line();
    }
    assert_eq!(change["change"], "new");
    intake(&demo, "Hello?");
    let change = line();
    assert_eq!((&change["change"], &change["lead"]["uid"]), (&"updated".into(), &uid.as_str().into()));
    assert_eq!(demo.ask("demo", "DELETE", &format!("/api/v4/leads/unsorted/{uid}/decline"), "").0, 200);
    let change = line();
    assert_eq!((&change["change"], &change["uid"]), (&"gone".into(), &uid.as_str().into()));
    signal(&watching.child, "INT");
    assert_eq!(finished(watching.child).0, Some(0));
}

#[test]
fn a_server_that_comes_back_is_watched_on() {
    let demo = Serving::start(&["--demo"]);
    let address = demo.addr.to_string();
    let watching = Watching::start(&demo, &["--existing"]);
    assert!(watching.line().starts_with("+ "));
    drop(demo);
    let told = watching.errors.recv_timeout(PATIENCE).unwrap();
    assert!(told.contains("trying again in"), "{told}");
    let demo = Serving::spawn(&mut program(&["serve", "--demo", "--listen", &address]));
    let uid = intake(&demo, "Hello");
    while !watching.line().starts_with(&format!("+ {uid}")) {}
    signal(&watching.child, "TERM");
    assert_eq!(finished(watching.child).0, Some(0));
}

#[test]
fn what_will_not_get_better_ends_it() {
    let demo = Serving::start(&["--demo"]);
    let mut command = program(&["watch", "--url", &demo.url()]);
    let (code, stdout, stderr) = finish(command.env("INCOMING_LEADS_TOKEN", "wrong"));
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains("a token of that server?"), "{stderr}");
}
