//! Carrying a database from SQLite to PostgreSQL and back by `export` and `import`: leads a second and the most memory of
//! each program, and that nothing is lost or counted otherwise on the way.
#![expect(clippy::print_stdout, reason = "what a benchmark prints is its result")]

mod document;
mod peak;

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use incoming_leads_testbed::{Error, HOW_TO_INSTALL, Postgres, Settings};
use peak::Run;
use serde_json::Value;

/// The seed of the demo, whose account the leads are of.
const SEED: &str = include_str!("../../demo/example.seed");
const SUMMARY: &str = "/api/v4/leads/unsorted/summary";

fn main() {
    let leads = std::env::var("INCOMING_LEADS_BENCH_LEADS").map_or(1_000_000, |text| {
        text.parse().unwrap_or_else(|_| panic!("INCOMING_LEADS_BENCH_LEADS is a whole number, not {text:?}"))
    });
    let postgres = match Postgres::start(&Settings::default()) {
        Ok(postgres) => postgres,
        Err(Error::Absent) => {
            return println!("skipped: there is no PostgreSQL on this machine; {HOW_TO_INSTALL}");
        }
        Err(error) => panic!("{error}"),
    };
    let folder = std::env::temp_dir().join(format!("incoming-leads-carry-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a folder for temporary files");
    let file = |name: &str| folder.join(name);
    let sqlite = |name: &str| format!("sqlite:{}", file(name).display());
    let (first, there, back) = (sqlite("first.sqlite"), postgres.url("postgres"), sqlite("back.sqlite"));

    let made = file("made.jsonl");
    document::write(&made, document::account(SEED), leads, "").expect("there is room for the document");
    let bench = Bench { leads };
    bench.import("SQLite", &made, &first);
    std::fs::remove_file(made).expect("the file is ours");
    let (from_first, from_there, from_back) = (file("1.jsonl"), file("2.jsonl"), file("3.jsonl"));
    bench.export("SQLite", &first, &from_first);
    bench.import("PostgreSQL", &from_first, &there);
    bench.export("PostgreSQL", &there, &from_there);
    bench.import("SQLite, back", &from_there, &back);
    bench.export("SQLite, back", &back, &from_back);

    let held = [&from_first, &from_there, &from_back].map(|path| Held::by(path));
    assert!(held.iter().all(|other| *other == held[0]), "the exports differ: {held:?}");
    let told = [&first, &there, &back].map(|database| summaries(database));
    assert!(told.iter().all(|other| *other == told[0]), "the summaries differ: {told:?}");
    assert_eq!(told[0][0]["total"].as_u64(), Some(leads), "{}", told[0][0]);
    println!("{} lines are the same in all three, and so are {} summaries", held[0].lines, told[0].len());
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

struct Bench {
    leads: u64,
}

impl Bench {
    fn import(&self, name: &str, document: &Path, database: &str) {
        self.tell(
            "import",
            name,
            peak::run(program().arg("import").arg(document).args(["--database", database])),
        );
    }

    fn export(&self, name: &str, database: &str, document: &Path) {
        let mut export = program();
        export.args(["export", "--database", database, "--to"]).arg(document);
        self.tell("export", name, peak::run(&mut export));
    }

    fn tell(&self, what: &str, name: &str, Run { time, peak }: Run) {
        let Self { leads } = self;
        println!(
            "figure: {what}, {name}, {leads} leads = {:.0} leads per s",
            *leads as f64 / time.as_secs_f64()
        );
        println!("figure: {what}, {name}, {leads} leads, peak memory = {} MB", peak / 1024);
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_incoming-leads"));
    command.env("RUST_LOG", "warn").env_remove("INCOMING_LEADS_TOKEN").stderr(Stdio::inherit());
    command
}

/// What an export holds, whatever its order.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    lines: u64,
    /// The sum of all lines' hashes.
    sum: u64,
}

impl Held {
    fn by(path: &Path) -> Self {
        let mut held = Self { lines: 0, sum: 0 };
        for line in BufReader::new(File::open(path).expect("it was written")).lines() {
            let mut hasher = DefaultHasher::new();
            line.expect("it is text").hash(&mut hasher);
            held.lines += 1;
            held.sum = held.sum.wrapping_add(hasher.finish());
        }
        held
    }
}

/// What a server on the database says of all, of windows and of a pipeline.
fn summaries(database: &str) -> Vec<Value> {
    let mut server = program();
    server.args(["serve", "--listen", "127.0.0.1:0", "--database", database]).stdout(Stdio::piped());
    let mut server = Server(server.spawn().expect("the program is there"));
    let mut line = String::new();
    let stdout = server.0.stdout.take().expect("it was asked for");
    BufReader::new(stdout).read_line(&mut line).expect("it tells its address");
    let host = line.trim_end().strip_prefix("listening on http://").expect("it listens").to_owned();
    let windows = [
        String::new(),
        "?filter[created_at][from]=1700001234&filter[created_at][to]=1700123456".to_owned(),
        "?filter[created_at][from]=1700500000".to_owned(),
        "?filter[pipeline_id][]=2194576".to_owned(),
    ];
    windows.map(|query| ask(&host, &format!("{SUMMARY}{query}"))).into()
}

/// A server that ends with its questions.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(host: &str, target: &str) -> Value {
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer demo\r\nconnection: close\r\n\r\n"
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{target}: {answer}");
    let mut told: Value = serde_json::from_str(body).expect("it is JSON");
    // Where it was asked is no part of it.
    told.as_object_mut().map(|told| told.remove("_links"));
    told
}
