//! Starts the program, talks to its server, ends it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program with these arguments and an environment without our variables.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
    command.args(arguments).env_remove("INCOMING_LEADS_TOKEN").env_remove("INCOMING_LEADS_LOG_FORMAT");
    command.env_remove("INCOMING_LEADS_URL").env_remove("INCOMING_LEADS_CONTROL_TOKEN");
    command.env_remove("INCOMING_LEADS_PROFILE").env("INCOMING_LEADS_PROFILES", "/nowhere/profiles.toml");
    // Nothing of a test may land in the folders of whoever runs it.
    command.env("INCOMING_LEADS_DATABASE", "memory");
    command.env("RUST_LOG", "warn").env("NO_PROXY", "*").stdin(Stdio::null());
    command
}

/// Runs the program to its end: exit code, standard output, standard error.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(&mut program(arguments))
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> (Option<i32>, String, String) {
    finished(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// Waits for a process, and ends it where it does not end itself.
pub(crate) fn finished(mut child: Child) -> (Option<i32>, String, String) {
    // Both are read while it runs: a pipe holds less than some print.
    let (stdout, stderr) = (drained(child.stdout.take()), drained(child.stderr.take()));
    let ended = end(&mut child);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    assert!(ended.is_some(), "it does not end: {stdout}{stderr}");
    (status.code(), stdout, stderr)
}

/// A thread that reads to the end.
fn drained(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.map(|mut from| from.read_to_string(&mut text).unwrap());
        text
    })
}

/// How a process ended; none where it still runs after a long time.
fn end(child: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match child.try_wait().unwrap() {
            Some(status) => return Some(status),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// A running `incoming-leads serve`; it is killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) addr: SocketAddr,
}

impl Serving {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(program(&["serve", "--listen", "127.0.0.1:0"]).args(arguments))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").and_then(|rest| rest.strip_suffix('\n'));
        let address =
            url.and_then(|url| url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")));
        let Some(addr) = address.and_then(|address| address.parse().ok()) else {
            panic!("the first line is {line:?}")
        };
        Self { child, stdout, addr }
    }

    /// A server, and a thread that reads what it logs until its end.
    pub(crate) fn with_stderr(command: &mut Command) -> (Self, JoinHandle<String>) {
        let mut serving = Self::spawn(command.stderr(Stdio::piped()));
        let mut stderr = serving.child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        (serving, reader)
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What the demo prints after the first line.
    pub(crate) fn invitation(&mut self) -> String {
        let mut text = String::new();
        while !text.contains("\nINCOMING_LEADS_TOKEN=") {
            assert_ne!(self.stdout.read_line(&mut text).unwrap(), 0, "it ends early: {text}");
        }
        text
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn ask(&self, token: &str, method: &str, target: &str, body: &str) -> (u16, String) {
        ask(self.addr, token, method, target, body)
    }

    /// What the administrator of the demo gets, which must be 200.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Value {
        let (status, body) = self.ask("demo", "GET", target, "");
        assert_eq!(status, 200, "{target}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The uid of a lead of this category that waits.
    pub(crate) fn waiting(&self, category: &str) -> String {
        let list = self.get(&format!("/api/v4/leads/unsorted?filter[category][]={category}"));
        list["_embedded"]["unsorted"][0]["uid"].as_str().unwrap().to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        end(&mut self.child).expect("it ends")
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own: status and body.
pub(crate) fn ask(addr: SocketAddr, token: &str, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (length, kind) =
        (body.len(), if body.is_empty() { "" } else { "content-type: application/json\r\n" });
    let sign_in = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: {addr}\r\n{sign_in}{kind}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    answer(stream)
}

/// The same without a token, with what curl says of a body of which it is told nothing.
pub(crate) fn ask_without_token(addr: SocketAddr, method: &str, target: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    answer(stream)
}

/// Status, head and body of the answer to a request with these lines in its head.
pub(crate) fn ask_with(
    addr: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

/// Reads an answer to the end of its connection.
pub(crate) fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
