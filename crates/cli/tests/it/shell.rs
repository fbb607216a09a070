//! Pastes the printed calls: into a shell where there is curl, and always into a small reader of our own.

use std::process::Command;

use crate::program::{ask, ask_without_token};

/// Who carries a printed call out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paster {
    /// `sh` and `curl`.
    Shell,
    /// This file.
    Own,
}

impl Paster {
    /// Those that this machine has.
    pub(crate) fn all() -> Vec<Self> {
        let curl = Command::new("curl").arg("--version").output();
        let has_curl = curl.is_ok_and(|output| output.status.success());
        [has_curl.then_some(Self::Shell), Some(Self::Own)].into_iter().flatten().collect()
    }

    /// Status and body of the answer.
    pub(crate) fn paste(self, call: &str) -> (u16, String) {
        match self {
            Self::Shell => in_shell(call),
            Self::Own => {
                let Call { method, address, target, token, body, is_form } = Call::read(call);
                let address = address.parse().unwrap();
                match is_form {
                    false => ask(address, &token, &method, &target, &body),
                    true => ask_without_token(address, &method, &target, &body),
                }
            }
        }
    }
}

/// What a shell prints for a command, which must succeed.
#[track_caller]
pub(crate) fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).env("NO_PROXY", "*").output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn in_shell(call: &str) -> (u16, String) {
    // The last of two wins.
    let printed = sh(&format!("{call} -w ' %{{http_code}}'"));
    let (body, status) = printed.rsplit_once(' ').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// The parts of a call of curl.
#[derive(Debug, Default, PartialEq, Eq)]
struct Call {
    method: String,
    address: String,
    target: String,
    token: String,
    body: String,
    /// Whether nothing is said of its type and its token.
    is_form: bool,
}

impl Call {
    fn read(call: &str) -> Self {
        let mut words = words(call).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"));
        let mut read = Self { method: "GET".to_owned(), is_form: true, ..Self::default() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "-sSg" => {}
                "-w" => drop(words.next().unwrap()),
                "-X" => read.method = words.next().unwrap(),
                "-d" => read.body = words.next().unwrap(),
                "-H" => {
                    let header = words.next().unwrap();
                    read.is_form = false;
                    match header.strip_prefix("Authorization: Bearer ") {
                        Some(token) => read.token = token.to_owned(),
                        None => assert_eq!(header, "Content-Type: application/json"),
                    }
                }
                url => {
                    let rest = url.strip_prefix("http://").expect("a url");
                    let (address, target) = rest.split_once('/').unwrap();
                    (read.address, read.target) = (address.to_owned(), format!("/{target}"));
                }
            }
        }
        read
    }
}

/// The words of a command without anything but spaces and single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (place, part) in command.split('\'').enumerate() {
        if place % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        for (gap, piece) in part.split(' ').enumerate() {
            if gap > 0 {
                words.push(String::new());
            }
            words.last_mut().unwrap().push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn a_printed_call_is_read_as_a_shell_reads_it() {
    let call = r#"curl -sSg -w '\n' -H 'Authorization: Bearer t' -X POST 'http://127.0.0.1:1/a?b[c]=d' -d '{"e": "f g"}'"#;
    let expected = Call {
        method: "POST".to_owned(),
        address: "127.0.0.1:1".to_owned(),
        target: "/a?b[c]=d".to_owned(),
        token: "t".to_owned(),
        body: r#"{"e": "f g"}"#.to_owned(),
        is_form: false,
    };
    assert_eq!(Call::read(call), expected);
}
