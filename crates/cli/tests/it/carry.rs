//! A database carried from store to store by `export` and `import`: SQLite, PostgreSQL, SQLite, memory. Whoever asks a
//! server on it is told the same each time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use incoming_leads_testbed::database;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::program::{PATIENCE, Serving, program};

#[path = "../../benches/carry/document.rs"]
mod document;
#[path = "../../benches/carry/peak.rs"]
mod peak;

/// The demo's seed, of whose account all leads are.
const SEED: &str = include_str!("../../demo/example.seed");
const UNSORTED: &str = "/api/v4/leads/unsorted";

impl Folder {
    /// What the database holds, in the order in which it tells it.
    fn export(&self, database: &str) -> Vec<String> {
        let path = self.path("exported.jsonl");
        done(&["export", "--database", database, "--to", path.to_str().unwrap()]);
        fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
    }

    /// What the database holds, as a document.
    fn document(&self, name: &str, database: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, self.export(database).join("\n")).unwrap();
        path
    }
}

#[track_caller]
fn done(command: &[&str]) -> String {
    // However long it takes: there is much to carry.
    let output = program(command).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    told
}

/// A request that must succeed.
#[track_caller]
fn must(server: &Serving, method: &str, target: &str, body: &Value) -> Value {
    let (status, told) = server.ask("demo", method, target, &body.to_string());
    assert_eq!(status, 200, "{method} {target}: {told}");
    serde_json::from_str(&told).unwrap()
}

/// The uids of those that an add has made.
fn made(told: &Value) -> Vec<String> {
    let made = told["_embedded"]["unsorted"].as_array().unwrap();
    made.iter().map(|item| item["uid"].as_str().unwrap().to_owned()).collect()
}

/// Lets calls and forms come in over some months, in batches, and chats and mails one by one; then sorts a part of them.
fn fill(server: &Serving) {
    const BATCHES: u64 = 5;
    let entities = |name: String, number: u64| {
        json!({
            "leads": [{"name": name, "price": number, "_embedded": {"tags": [{"name": format!("tag {}", number % 7)}]}}],
            "contacts": [{"name": format!("Tenant {number}")}], "companies": [{"name": format!("House {}", number % 9)}],
        })
    };
    let (mut calls, mut forms) = (Vec::new(), Vec::new());
    for batch in 0..BATCHES {
        let draft = |at: u64, category: &str| {
            let number = batch * 250 + at;
            let created_at = 1_700_000_000 + number * 7_919;
            let metadata = if category == "sip" {
                json!({"from": "14155550141", "phone": format!("+1415{number:07}"), "called_at": created_at,
                    "duration": number % 600, "link": "https://pbx.example.com/1", "service_code": "pbx"})
            } else {
                json!({"form_id": number.to_string(), "form_name": "Offer – Angebot", "form_page": "https://example.com",
                    "form_sent_at": created_at, "ip": "203.0.113.7"})
            };
            json!({"source_name": "S", "source_uid": "s", "created_at": created_at, "metadata": metadata,
                "pipeline_id": if number.is_multiple_of(5) { 2_194_576 } else { 6_950_551 },
                "_embedded": entities(format!("{category} {number}"), number)})
        };
        for (category, uids) in [("sip", &mut calls), ("forms", &mut forms)] {
            let batch: Vec<_> = (0..250).map(|at| draft(at, category)).collect();
            uids.extend(made(&must(server, "POST", &format!("{UNSORTED}/{category}"), &json!(batch))));
        }
    }
    let mut chats = Vec::new();
    for number in 0..60 {
        let text = |text: &str| {
            json!({"metadata": {"from": "Ann", "client": {"name": "Ann"}, "origin": {"chat_id": format!("c{number}")},
                "last_message_text": text}, "_embedded": entities(format!("chat {number}"), number)})
        };
        chats.extend(made(&must(server, "POST", &format!("{UNSORTED}/chats"), &text("Hello?"))));
        if number % 3 == 0 {
            must(server, "POST", &format!("{UNSORTED}/chats"), &text("Are you there?"));
        }
        let mail = json!({"metadata": {"from": {"name": "Jo", "email": "jo@example.com"}, "subject": "An offer",
            "thread_id": number, "message_id": number}, "_embedded": entities(format!("mail {number}"), number)});
        must(server, "POST", &format!("{UNSORTED}/mail"), &mail);
    }
    for (number, uid) in calls.iter().chain(&forms).enumerate() {
        match number % 17 {
            0 => must(server, "POST", &format!("{UNSORTED}/{uid}/accept"), &json!({"user_id": 8_375_361})),
            1 => must(server, "DELETE", &format!("{UNSORTED}/{uid}/decline"), &json!({})),
            _ => continue,
        };
    }
    for uid in chats.iter().step_by(4) {
        let link = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}});
        must(server, "POST", &format!("{UNSORTED}/{uid}/link"), &link);
    }
}

/// What is told of the database: summaries of several windows, all lists in their orders, entities. By target.
fn told(server: &Serving) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut ask = |target: String| {
        let (status, body) = server.ask("demo", "GET", &target, "");
        assert!(matches!(status, 200 | 204), "{target}: {status} {body}");
        told.insert(target, format!("{status} {}", body.replace(&server.url(), "")));
        status == 200
    };
    for window in [
        "",
        "?filter[created_at][from]=1702000000&filter[created_at][to]=1706543210",
        "?filter[created_at][from]=1700007919&filter[created_at][to]=1700007919",
        "?filter[created_at][from]=1709000000",
        "?filter[pipeline_id][]=2194576",
    ] {
        assert!(ask(format!("{UNSORTED}/summary{window}")));
    }
    for filter in [
        "order[created_at]=asc",
        "order[updated_at]=desc",
        "filter[category][]=chats",
        "filter[category][]=mail",
        "filter[pipeline_id][]=2194576",
    ] {
        for page in 1.. {
            if !ask(format!("{UNSORTED}?limit=250&page={page}&{filter}")) {
                assert!(page > 1, "{filter} shows nothing");
                break;
            }
        }
    }
    for kind in ["leads", "contacts", "companies", "customers"] {
        for page in 1.. {
            if !ask(format!("/api/v4/{kind}?limit=250&page={page}")) {
                break;
            }
        }
    }
    told
}

/// What a server on this database tells.
fn told_of(database: &str) -> BTreeMap<String, String> {
    told(&Serving::start(&["--database", database]))
}

/// The two must not only hold but also tell the same; the difference alone is shown.
#[track_caller]
fn check_same(what: &str, of: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    assert!(of.keys().eq(other.keys()), "{what}: other pages are there");
    for (target, told) in of {
        assert_eq!(told, &other[target], "{what}: {target}");
    }
}

/// The same lines, and events in the same order.
#[track_caller]
fn check_exports(what: &str, of: &[String], other: &[String]) {
    let events = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| line.starts_with("{\"event\"")).cloned().collect()
    };
    let sorted = |lines: &[String]| {
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        lines
    };
    for (part, of, other) in [("history", events(of), events(other)), ("lines", sorted(of), sorted(other))] {
        let first = of.iter().zip(&other).find(|(of, other)| of != other);
        assert!(
            of.len() == other.len() && first.is_none(),
            "{what}, {part}: {} {} {first:?}",
            of.len(),
            other.len()
        );
    }
}

/// Imports a document, is killed in the middle of it, and goes on.
fn import_cut(document: &Path, database: &str) {
    let name = document.to_str().unwrap();
    let arguments = ["import", name, "--database", database];
    let (length, checkpoint) = (fs::metadata(document).unwrap().len(), format!("{name}.checkpoint"));
    let offset = || {
        let kept: Value = serde_json::from_slice(&fs::read(&checkpoint).ok()?).ok()?;
        kept["offset"].as_u64()
    };
    let mut child = program(&arguments);
    // In small pieces, so that there is a middle.
    let mut child =
        child.args(["--batch", "100"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while offset().is_none_or(|offset| offset < length / 5) {
        assert!(begun.elapsed() < PATIENCE, "it does not come far");
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9), "it was done before it was killed");
    let offset = offset().unwrap();
    assert!(offset < length, "nothing is left to do");
    let told = done(&arguments);
    assert!(told.contains(&format!("going on at byte {offset}")), "{told}");
}

#[test]
fn what_a_store_holds_is_the_same_in_every_other() {
    let Some(postgres) = database() else { return };
    let folder = Folder::new();
    let (first, there, back) = (folder.sqlite("first.sqlite"), postgres.url(), folder.sqlite("back.sqlite"));
    let server = Serving::start(&["--demo", "--database", &first]);
    fill(&server);
    let as_it_was = told(&server);
    drop(server);
    let summary = as_it_was[&format!("{UNSORTED}/summary")].trim_start_matches("200 ");
    let summary: Value = serde_json::from_str(summary).unwrap();
    for (category, count) in [("sip", 1_250), ("forms", 1_250), ("chats", 60), ("mail", 60)] {
        let total = summary["categories"][category]["total"].as_u64();
        assert!(total.is_some_and(|total| total > count), "{summary}");
    }
    let exported = folder.export(&first);
    for kind in ["account", "token", "tag", "customer", "lead", "contact", "company", "note", "item", "event"]
    {
        assert!(
            exported.iter().any(|line| line.starts_with(&format!("{{\"{kind}\""))),
            "no {kind} is exported"
        );
    }

    import_cut(&folder.document("first.jsonl", &first), &there);
    check_exports("PostgreSQL", &exported, &folder.export(&there));
    check_same("PostgreSQL", &as_it_was, &told_of(&there));

    import_cut(&folder.document("there.jsonl", &there), &back);
    check_exports("SQLite again", &exported, &folder.export(&back));
    check_same("SQLite again", &as_it_was, &told_of(&back));

    let seed = folder.document("back.jsonl", &back);
    let memory = Serving::start(&["--seed", seed.to_str().unwrap(), "--database", "memory"]);
    check_same("memory", &as_it_was, &told(&memory));
}

/// Four times the document may take at most half as much more memory as the document is longer.
#[test]
fn a_longer_document_takes_no_more_memory() {
    let Some(postgres) = database() else { return };
    let folder = Folder::new();
    // The shorter one is already longer than what SQLite keeps of a file for a reader.
    let text = "And another thing. ".repeat(400);
    let runs = [1_500, 6_000].map(|leads| {
        let (made, sqlite) = (folder.path("made.jsonl"), folder.sqlite(&format!("{leads}.sqlite")));
        document::write(&made, document::account(SEED), leads, &text).unwrap();
        let name = made.to_str().unwrap();
        let export =
            |database: &str| peak::run(&mut program(&["export", "--database", database, "--to", name]));
        let import = |database: &str| peak::run(&mut program(&["import", "--database", database, name]));
        // SQLite keeps much of a file for its writer, so what that takes says nothing here.
        import(&sqlite);
        let of_sqlite = export(&sqlite);
        let into_postgres = import(&postgres.url());
        let of_postgres = export(&postgres.url());
        let kilobytes = fs::metadata(&made).unwrap().len() / 1024;
        (kilobytes, [of_sqlite, into_postgres, of_postgres])
    });
    let [(short, few), (long, many)] = runs;
    for (what, (few, many)) in
        ["export, SQLite", "import, PostgreSQL", "export, PostgreSQL"].iter().zip(few.iter().zip(&many))
    {
        eprintln!(
            "{what}: {} kB for {short}, {} kB for {long}; {:?}, {:?}",
            few.peak, many.peak, few.time, many.time
        );
        assert!(few.peak > 1_000, "{what}: nothing was measured");
        assert!(
            many.peak < few.peak + (long - short) / 2,
            "{what}: {} kB for a document of {short} kB, {} kB for one of {long} kB",
            few.peak,
            many.peak
        );
    }
}
