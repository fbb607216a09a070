//! Which server and as whom: the command line, profiles, the environment; and what is told of secrets.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::program::{Serving, finish, finished, program, run};

/// A folder of its own for the profiles of a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profiles-{name}"));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn with_profiles(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env("INCOMING_LEADS_PROFILES", folder.join("profiles.toml"));
    command
}

/// Runs a command with this input.
fn fed(mut command: Command, input: &str) -> (Option<i32>, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    finished(child)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_profile_names_server_and_token() {
    let (demo, folder) = (Serving::start(&["--demo"]), folder("named"));
    let set = with_profiles(&folder, &["profile", "set", "here", "--url", &demo.url()]);
    assert_eq!(fed(set, "demo\n").0, Some(0));
    assert_eq!(mode(&folder.join("profiles.toml")), 0o600);
    let (code, stdout, _) = finish(&mut with_profiles(&folder, &["profile", "list"]));
    assert_eq!((code, stdout.as_str()), (Some(0), &*format!("here             token {}\n", demo.url())));
    let asks = |arguments: &[&str]| finish(&mut with_profiles(&folder, arguments));
    assert_eq!(asks(&["summary", "--profile", "here"]).0, Some(0));
    let mut by_variable = with_profiles(&folder, &["summary"]);
    by_variable.env("INCOMING_LEADS_PROFILE", "here").env("INCOMING_LEADS_URL", "http://127.0.0.1:1");
    assert_eq!(finish(&mut by_variable).0, Some(0), "the profile goes before the environment");
    let (code, _, stderr) = asks(&["summary", "--profile", "there"]);
    assert!(code == Some(2) && stderr.contains("no profile there; it has: here"), "{stderr}");
    assert_eq!(asks(&["summary", "--profile", "here", "--url", &demo.url()]).0, Some(2), "either or");
    assert_eq!(asks(&["profile", "remove", "here"]).0, Some(0));
    assert_eq!(asks(&["profile", "list"]).1, "");
}

#[test]
fn a_profile_file_that_others_can_read_is_refused() {
    let folder = folder("open");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("profiles.toml");
    fs::write(&file, "[here]\nurl = \"http://127.0.0.1:1\"\ntoken = \"a-secret\"\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, _, stderr) = finish(&mut with_profiles(&folder, &["list", "--profile", "here"]));
    assert!(code == Some(1) && stderr.contains("run chmod 600") && !stderr.contains("a-secret"), "{stderr}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    for (text, told) in [
        ("[here]\nurl = \"http://127.0.0.1:1\"\ntokens = \"a-secret\"\n", "line 3"),
        ("[here]\nurl = \"http://127.0.0.1:1\"\ntoken = a-secret\n", "line 3"),
        ("[here]\nurl = \"http://127.0.0.1:1\"\n", "either token or token-file is due"),
        (
            "[here]\nurl = \"http://me:a-secret@127.0.0.1\"\ntoken = \"x\"\n",
            "profile here: url: an origin is",
        ),
        ("[here]\nurl = \"http://127.0.0.1:1\"\ntoken-file = \"t\"\n", "client-id, client-secret and"),
    ] {
        fs::write(&file, text).unwrap();
        let (code, _, stderr) = finish(&mut with_profiles(&folder, &["list", "--profile", "here"]));
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(told) && !stderr.contains("a-secret"), "{told}: {stderr}");
    }
}

#[test]
fn a_secret_on_the_command_line_is_warned_of_and_never_repeated() {
    let demo = Serving::start(&["--demo"]);
    let (code, _, stderr) = run(&["summary", "--url", &demo.url(), "--token", "demo"]);
    assert_eq!(code, Some(0));
    assert!(stderr.contains("warning: ") && stderr.contains("INCOMING_LEADS_TOKEN"), "{stderr}");
    for arguments in [&["list", "--url"][..], &["intake", "chat", "--from", "a", "--text", "b", "--url"]] {
        let mut command = program(&[arguments, &["http://me:a-secret@127.0.0.1:1/"]].concat());
        let (code, _, stderr) = finish(command.env("INCOMING_LEADS_TOKEN", "t"));
        assert!(code == Some(2) && stderr.contains("the address of the server is none"), "{stderr}");
        assert!(!stderr.contains("a-secret"), "{stderr}");
    }
}

#[test]
fn a_sign_in_is_kept_and_renewed() {
    let (server, asked) = granting();
    let folder = folder("oauth");
    let arguments = [
        "profile",
        "sign-in",
        "live",
        "--url",
        &server,
        "--client-id",
        "id",
        "--redirect-uri",
        "https://example.com/",
    ];
    let (code, _, stderr) = fed(with_profiles(&folder, &arguments), "the-secret\nthe-code\n");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(mode(&folder.join("live.token.json")), 0o600);
    // The first token is dead by now, so it is renewed; the second run finds the new one in the file.
    for _ in 0..2 {
        let (code, _, stderr) = finish(&mut with_profiles(&folder, &["list", "--profile", "live"]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
    }
    let asked = asked.lock().unwrap();
    let grants: Vec<_> =
        asked.iter().filter(|request| request.starts_with("POST /oauth2/access_token")).collect();
    assert_eq!(grants.len(), 2, "{asked:?}");
    assert!(grants[0].contains("authorization_code") && grants[0].contains("the-code"), "{grants:?}");
    assert!(
        grants[1].contains("\"refresh_token\":\"once-1\"") && grants[1].contains("the-secret"),
        "{grants:?}"
    );
    drop(asked);
    fs::set_permissions(folder.join("live.token.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, stderr) = finish(&mut with_profiles(&folder, &["list", "--profile", "live"]));
    assert!(code == Some(1) && stderr.contains("others can read"), "{stderr}");
}

/// A server that grants tokens, of which the first is dead at once, and has an empty list for the second.
fn granting() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut granted = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 1 << 16];
            let mut length = 0;
            // A head and, where one is told, a body; both come at once from a loopback or nearly so.
            while !is_whole(&String::from_utf8_lossy(&request[..length])) {
                match stream.read(&mut request[length..]).unwrap() {
                    0 => break,
                    read => length += read,
                }
            }
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let (status, body) = if request.starts_with("POST /oauth2/access_token") {
                granted += 1;
                let body = format!(
                    r#"{{"token_type":"Bearer","expires_in":86400,"access_token":"access-{granted}","refresh_token":"once-{granted}"}}"#
                );
                ("200 OK", body)
            } else if request.contains("Bearer access-2") {
                ("204 No Content", String::new())
            } else {
                ("401 Unauthorized", String::new())
            };
            log.lock().unwrap().push(request);
            let length = body.len();
            let head = "content-type: application/json\r\nconnection: close";
            let _ = write!(stream, "HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    (url, asked)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, _) = run(&["completions", shell]);
        assert!(code == Some(0) && stdout.contains("add-form") && stdout.contains("skip-refused"), "{shell}");
    }
    assert_eq!(run(&["completions", "tcsh"]).0, Some(2));
}
