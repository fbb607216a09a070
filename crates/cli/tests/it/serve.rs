//! `serve` as an operator meets it: how it starts, how it ends, what it says when it cannot.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Instant;

use crate::program::{PATIENCE, Serving, answer, ask, finish, program, run};

#[test]
fn wrong_arguments_are_exit_code_2() {
    for arguments in [
        &["serve", "--demo", "--seed", "x"][..],
        &["serve", "--seed", "x", "--token", "t"],
        &["serve", "--demo", "--listen", "here"],
        &["serve", "--demo", "--public-url", "leads.example.com"],
        &["serve", "--demo", "--token", "a secret"],
        &["serve", "--strict"],
        &["serve", "--database", "mysql://me:a secret@host/leads"],
        &["server"],
        &[],
    ] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!stderr.is_empty() && !stderr.contains("a secret"), "{stderr}");
    }
}

#[test]
fn wrong_variables_are_exit_code_2() {
    for (name, value) in [
        ("INCOMING_LEADS_TOKEN", ""),
        ("INCOMING_LEADS_TOKEN", "a secret"),
        ("INCOMING_LEADS_LOG_FORMAT", "yaml"),
        ("RUST_LOG", "=,="),
    ] {
        let (code, _, stderr) =
            finish(program(&["serve", "--demo", "--listen", "127.0.0.1:0"]).env(name, value));
        assert_eq!(code, Some(2), "{name}={value}");
        assert!(stderr.contains(name) && !stderr.contains("a secret"), "{stderr}");
    }
}

#[test]
fn help_tells_options_environment_and_exit_codes() {
    for (arguments, told) in [
        (&["--help"][..], &["serve", "intake", "Exit codes: 0 done, 1 failed, 2 called wrongly"][..]),
        (
            &["serve", "--help"],
            &["--demo", "--seed <FILE>", "--database <URL>", "RUST_LOG", "better set INCOMING_LEADS_TOKEN"],
        ),
        (&["intake", "chat", "--help"], &["--chat-id", "--file", "better set INCOMING_LEADS_TOKEN"]),
        (&["intake", "mail", "--help"], &["--subject", "--thread-id", "--message-id"]),
    ] {
        let (code, stdout, _) = run(arguments);
        let text = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, Some(0));
        for part in told {
            assert!(text.contains(part), "{arguments:?} does not tell {part}: {stdout}");
        }
    }
}

#[test]
fn a_taken_port_is_exit_code_1_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stdout, stderr) = run(&["serve", "--demo", "--listen", &address]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("cannot listen on {address}; choose another")), "{stderr}");
}

#[test]
fn a_signal_lets_the_request_under_way_finish() {
    for signal in ["TERM", "INT"] {
        let mut demo = Serving::start(&["--demo"]);
        let accept = format!("/api/v4/leads/unsorted/{}/accept", demo.waiting("forms"));
        let mut stream = TcpStream::connect(demo.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST {accept} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer demo\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The server asks for the body, so the request is under way.
        let mut asked = [0; 25];
        std::io::Read::read_exact(&mut stream, &mut asked).unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        demo.signal(signal);
        let begun = Instant::now();
        while TcpStream::connect(demo.addr).is_ok() {
            assert!(begun.elapsed() < PATIENCE, "it still accepts connections");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        stream.write_all(b"{}").unwrap();
        assert_eq!(answer(stream).0, 200);
        assert_eq!(demo.end().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut demo = Serving::start(&["--demo", "--drain-time", "3600", "--request-time", "3600"]);
    let mut stream = TcpStream::connect(demo.addr).unwrap();
    stream.write_all(b"POST /api/v4/leads/unsorted/sip HTTP/1.1\r\nhost: x\r\nauthorization: Bearer demo\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n").unwrap();
    std::io::Read::read_exact(&mut stream, &mut [0; 25]).unwrap();
    demo.signal("TERM");
    let begun = Instant::now();
    while TcpStream::connect(demo.addr).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it still accepts connections");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    demo.signal("TERM");
    assert_eq!(demo.end().code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_server() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = program(&["serve", "--demo", "--listen", &address.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(begun.elapsed() < PATIENCE, "it does not listen");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let lives = ask(address, "demo", "GET", "/healthz", "").0 == 200
        && ask(address, "demo", "GET", "/api/v4/leads/unsorted", "").0 == 200;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lives);
}

#[test]
fn links_begin_with_the_public_url() {
    let demo = Serving::start(&["--demo", "--public-url", "https://leads.example.com/"]);
    let list = demo.get("/api/v4/leads/unsorted?limit=1");
    let own = list["_links"]["self"]["href"].as_str().unwrap();
    assert!(own.starts_with("https://leads.example.com/api/v4/leads/unsorted"), "{own}");
}

#[test]
fn limits_are_taken_from_the_command_line() {
    let demo = Serving::start(&["--demo", "--body-bytes", "10"]);
    let (status, _) = demo.ask("demo", "POST", "/api/v4/leads/unsorted/sip", "[1,2,3,4,5,6]");
    assert_eq!(status, 413);
}

#[test]
fn logs_are_json_where_that_is_asked_for_and_hold_no_token() {
    let mut command = program(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace").env("INCOMING_LEADS_LOG_FORMAT", "json");
    command.env("INCOMING_LEADS_TOKEN", "hush-hush");
    let (mut demo, stderr) = Serving::with_stderr(&mut command);
    assert_eq!(demo.ask("hush-hush", "GET", "/api/v4/leads/unsorted", "").0, 200);
    demo.signal("TERM");
    assert_eq!(demo.end().code(), Some(0));
    let logs = stderr.join().unwrap();
    assert!(!logs.contains("hush-hush"));
    let lines: Vec<serde_json::Value> =
        logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["fields"]["status"] == 200), "{logs}");
}
