//! The gateway: v2 in front of a server that is asked over v4.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::program::{PATIENCE, Serving, ask_with, finish, program};

const LEADS: &str = "/api/v2/incoming_leads";
/// A login of the gateway for each of these tokens of the demo.
const TOKENS: [&str; 2] = ["demo", "demo-viewer"];

/// A folder of a test's own; it goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("incoming-leads-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The table of logins: `TOKEN@example.com`, whose key is `key`, is upstream whoever has that token.
    fn logins(&self, mode: u32) -> PathBuf {
        let row = |token: &str| {
            json!({
                "login": format!("{token}@example.com"), "api_key": {"plain": "key"},
                "token": {"plain": format!("gate-{token}")}, "upstream": {"token": token},
            })
        };
        let path = self.file("logins.json");
        fs::write(&path, TOKENS.map(|token| row(token).to_string()).join("\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gateway(upstream: SocketAddr, logins: &Path, further: &[&str]) -> Command {
    let upstream = format!("http://{upstream}");
    let mut command = program(&["gateway", "--listen", "127.0.0.1:0", "--upstream", &upstream]);
    command.args(["--upstream-rate", "0"]).arg("--logins").arg(logins).args(further);
    // What is tried here is full of errors.
    command.env("RUST_LOG", "off");
    command
}

fn demo(listen: &str) -> Serving {
    Serving::spawn(&mut program(&["serve", "--demo", "--listen", listen]))
}

/// An address where nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Status, head and body of the answer to a request of v2, as whoever has this token upstream.
fn v2(addr: SocketAddr, token: &str, target: &str, form: &str) -> (u16, String, Value) {
    let method = if form.is_empty() { "GET" } else { "POST" };
    let target = format!("{LEADS}{target}?login={token}@example.com&api_key=key");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, head, body) = ask_with(addr, method, &target, kind, form);
    (status, head, serde_json::from_str(&body).unwrap_or_default())
}

/// Without what is another over v4: fields and choices have ids there instead of codes, and empty names are none.
fn as_v4_tells(item: &mut Value) {
    for contact in item["incoming_entities"]["contacts"].as_array_mut().unwrap() {
        let contact = contact.as_object_mut().unwrap();
        contact.retain(|key, value| key != "last_name" || value != "");
        for field in contact.get_mut("custom_fields").and_then(Value::as_array_mut).into_iter().flatten() {
            let field = field.as_object_mut().unwrap();
            field.retain(|key, _| key == "values");
            for value in field["values"].as_array_mut().unwrap() {
                value.as_object_mut().unwrap().remove("enum");
            }
        }
    }
}

const CALL: &str = "add[0][source_name]=s&add[0][source_uid]=u&add[0][incoming_lead_info][to]=41565\
    &add[0][incoming_lead_info][from]=19456153101&add[0][incoming_lead_info][date_call]=1700000000\
    &add[0][incoming_lead_info][duration]=54&add[0][incoming_lead_info][service_code]=c\
    &add[0][incoming_lead_info][uniq]=q&add[0][incoming_entities][leads][0][name]=Chain+saws";

#[test]
fn v2_clients_work_against_a_server_that_is_asked_over_v4() {
    let folder = Folder::new("gateway");
    let upstream = demo("127.0.0.1:0");
    let gateway = Serving::spawn(&mut gateway(upstream.addr, &folder.logins(0o600), &[]));
    let (status, _, told) = v2(gateway.addr, "demo", "/sip", CALL);
    assert_eq!(status, 200, "{told}");
    let uid = told["data"][0].as_str().unwrap().to_owned();
    let (status, _, page) = v2(gateway.addr, "demo", "/", "");
    let items = page["_embedded"]["items"].as_array().unwrap().clone();
    assert_eq!(status, 200);
    let item = items.iter().find(|item| item["uid"] == uid.as_str()).unwrap();
    assert_eq!(item["incoming_entities"]["leads"][0]["name"], "Chain saws");
    assert!(items.iter().all(|item| item["incoming_entities"]["leads"][0]["name"].is_string()), "{page}");
    // What the server itself tells over v2 is the same, but for what v4 tells otherwise.
    let bearer = "Authorization: Bearer demo\r\n";
    let (_, _, direct) = ask_with(upstream.addr, "GET", LEADS, bearer, "");
    let mut direct: Value = serde_json::from_str(&direct).unwrap();
    let mut page = page;
    for told in [&mut direct, &mut page] {
        told["_embedded"]["items"].as_array_mut().unwrap().iter_mut().for_each(as_v4_tells);
    }
    assert_eq!(direct["_embedded"], page["_embedded"]);

    let (status, _, told) = v2(gateway.addr, "demo", "/accept/", &format!("accept[]={uid}&accept[]=nobody"));
    assert_eq!((status, &told["status"]), (200, &"success".into()), "{told}");
    assert!(told["data"][&uid]["leads"][0].is_u64() && told["errors"]["nobody"]["error_code"] == 2002);
    let (status, _, summary) = v2(gateway.addr, "demo", "/summary", "");
    assert_eq!((status, &summary["accepted"]), (200, &1.into()));
    // Who asks is upstream whoever has the token beside the login.
    let (status, _, told) = v2(gateway.addr, "demo-viewer", "/sip", CALL);
    assert_eq!((status, &told["error_code"]), (403, &244.into()), "{told}");
    let (status, _, _) = v2(gateway.addr, "nobody", "", "");
    assert_eq!(status, 401);
    // Tools that speak v4 come in by a token of the gateway's own.
    for (token, expected) in [("gate-demo", 200), ("demo", 401)] {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let (status, ..) = ask_with(gateway.addr, "GET", "/api/v4/leads/unsorted", &bearer, "");
        assert_eq!(status, expected, "{token}");
    }
}

#[test]
fn a_session_opened_at_the_gateway_is_good_there() {
    let folder = Folder::new("gateway-session");
    let upstream = demo("127.0.0.1:0");
    let gateway = Serving::spawn(&mut gateway(upstream.addr, &folder.logins(0o600), &[]));
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let form = "USER_LOGIN=demo@example.com&USER_HASH=key";
    let (status, head, body) = ask_with(gateway.addr, "POST", "/private/api/auth.php?type=json", kind, form);
    assert_eq!(status, 200, "{body}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(ask_with(gateway.addr, "GET", LEADS, &cookie, "").0, 200);
}

#[test]
fn while_the_account_is_away_everything_is_503_and_says_when_to_ask_again() {
    let folder = Folder::new("gateway-away");
    let gateway = Serving::spawn(&mut gateway(nowhere(), &folder.logins(0o600), &[]));
    for (target, form) in [("", ""), ("/summary", ""), ("/sip", CALL), ("/accept", "accept[]=a&accept[]=b")] {
        let (status, head, told) = v2(gateway.addr, "demo", target, form);
        assert_eq!((status, &told["status"]), (503, &"fail".into()), "{target}: {told}");
        assert!(head.contains("retry-after: "), "{target}: {head}");
    }
}

#[test]
fn with_an_outbox_adds_are_taken_in_and_delivered_when_the_account_is_back() {
    let folder = Folder::new("gateway-outbox");
    let (logins, outbox) = (folder.logins(0o600), folder.file("outbox"));
    let away = nowhere();
    let outbox = ["--outbox", outbox.to_str().unwrap()];
    let mut first = Serving::spawn(&mut gateway(away, &logins, &outbox));
    let (status, _, told) = v2(first.addr, "demo", "/sip", CALL);
    assert_eq!(status, 200, "{told}");
    let uid = told["data"][0].as_str().unwrap().to_owned();
    assert!(uid.starts_with("outbox-"), "{uid}");
    let accept = format!("accept[]={uid}");
    assert_eq!(v2(first.addr, "demo", "/accept", &accept).0, 503, "it is not delivered yet");
    first.signal("TERM");
    assert!(first.end().success());

    // Another process, and the account is back where it was.
    let second = Serving::spawn(&mut gateway(away, &logins, &outbox));
    let upstream = demo(&away.to_string());
    let begun = Instant::now();
    let told = loop {
        let (status, _, told) = v2(second.addr, "demo", "/accept", &accept);
        if status == 200 {
            break told;
        }
        assert!(status == 503 && begun.elapsed() < PATIENCE, "{told}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    let lead = told["data"][&uid]["leads"][0].as_u64().unwrap();
    assert_eq!(upstream.get(&format!("/api/v4/leads/{lead}"))["name"], "Chain saws");
    assert_eq!(v2(second.addr, "demo", "/accept", &accept).0, 404, "once");
    // What the account refuses is refused while it is there to be asked.
    let (status, _, told) = v2(second.addr, "demo", "/sip", &CALL.replace("=u&", "=&"));
    assert_eq!(status, 400, "{told}");
}

#[test]
fn a_table_that_others_may_read_is_refused() {
    let folder = Folder::new("gateway-mode");
    let (code, _, stderr) = finish(&mut gateway(nowhere(), &folder.logins(0o644), &[]));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("may be read by others (mode 644): chmod 600 it"), "{stderr}");
    assert!(!stderr.contains("demo"), "{stderr}");
}
