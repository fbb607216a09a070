//! `serve --database`: what is kept, where, and for how many servers.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use incoming_leads_testbed::{Database, database};

use crate::program::{Serving, finish, finished, program, run};

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("database").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// `--database` of a file in this folder.
fn file(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("leads.sqlite").display())
}

#[test]
fn a_demo_in_a_file_is_seeded_once_and_goes_on() {
    let database = file(&folder("demo"));
    let mut first = Serving::start(&["--demo", "--database", &database]);
    assert!(first.invitation().contains("It lasts"));
    let form = first.waiting("forms");
    let (status, body) = first.ask("demo", "POST", &format!("/api/v4/leads/unsorted/{form}/accept"), "{}");
    assert_eq!(status, 200, "{body}");
    let summary = first.get("/api/v4/leads/unsorted/summary");
    drop(first);
    // The first was killed. Another token is printed, so it is one that comes in.
    let mut again = Serving::start(&["--demo", "--token", "other", "--database", &database]);
    assert!(again.invitation().contains("  other "));
    let (status, body) = again.ask("other", "GET", "/api/v4/leads/unsorted/summary", "");
    assert_eq!((status, serde_json::from_str(&body).ok()), (200, Some(summary)));
    assert_eq!(again.ask("demo", "GET", &format!("/api/v4/leads/unsorted/{form}"), "").0, 204);
}

#[test]
fn a_server_without_a_demo_keeps_leads_in_the_users_folder_for_data() {
    let home = folder("home");
    let mut command = program(&["serve", "--listen", "127.0.0.1:0"]);
    command.env_remove("INCOMING_LEADS_DATABASE").env("XDG_DATA_HOME", &home).env("HOME", &home);
    let mut server = Serving::spawn(&mut command);
    let path = server.line().strip_prefix("leads are kept in sqlite:").map(PathBuf::from).unwrap();
    assert!(path.starts_with(&home) && path.is_file(), "{}", path.display());
    assert_eq!(server.ask("demo", "GET", "/api/v4/leads/unsorted", "").0, 401);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "others may read it");
    }
}

#[test]
fn a_second_server_is_refused_until_the_first_is_gone() {
    let database = file(&folder("two"));
    let first = Serving::start(&["--demo", "--database", &database]);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--demo", "--database", &database];
    let (code, stdout, stderr) = run(&arguments);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("another server (process ") && stderr.contains("leads.sqlite"), "{stderr}");
    drop(first);
    drop(Serving::start(&["--demo", "--database", &database]));
}

#[test]
fn a_second_name_of_the_file_is_no_way_round_its_lock() {
    let folder = folder("names");
    let (database, other, copy) = (file(&folder), folder.join("other.sqlite"), folder.join("copy.sqlite"));
    let (copy, by_other) = (copy.to_str().unwrap(), format!("sqlite:{}", other.display()));
    let server = Serving::start(&["--demo", "--database", &database]);
    assert_eq!(run(&["backup", "--database", &database, copy]).0, Some(0));
    fs::hard_link(folder.join("leads.sqlite"), &other).unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["restore", copy], &["account", "list"]] {
        let (code, stdout, stderr) = run(&[command, &["--database", &by_other]].concat());
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{command:?}: {stderr}");
        assert!(stderr.contains("has 2 names (hard links)"), "{command:?}: {stderr}");
    }
    fs::remove_file(other).unwrap();
    server.waiting("forms");
    assert_eq!(run(&["account", "list", "--database", &database]).0, Some(0));
}

#[test]
fn what_is_no_database_of_ours_is_refused_and_left_alone() {
    let folder = folder("foreign");
    let path = folder.join("leads.sqlite");
    fs::write(&path, "these are not leads, and there are a hundred bytes of them ".repeat(3)).unwrap();
    let before = fs::read(&path).unwrap();
    let (code, _, stderr) = finish(&mut program(&["serve", "--database", &file(&folder)]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("leads.sqlite"), "{stderr}");
    assert_eq!(stderr.matches("not a database").count(), 1, "{stderr}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let (code, _, stderr) = run(&["serve", "--database", &format!("sqlite:{}", folder.display())]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is a folder: name a file"), "{stderr}");
}

/// A database that another version of the program has made.
struct Foreign {
    url: String,
    change: Box<dyn Fn(&str)>,
}

impl Foreign {
    fn sqlite(folder: &Path) -> Self {
        let path = folder.join("leads.sqlite");
        let change = move |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        Self { url: file(folder), change: Box::new(change) }
    }

    fn postgres(database: &Database) -> Self {
        let url = database.url();
        let change = move |sql: &str| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) =
                    tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
                let connection = tokio::spawn(connection);
                client.batch_execute(sql).await.unwrap();
                drop(client);
                connection.await.unwrap().unwrap();
            });
        };
        Self { url: database.url(), change: Box::new(change) }
    }

    #[track_caller]
    fn refused(&self, command: &[&str], why: &str) {
        let (code, _, stderr) = run(&[command, &["--database", &self.url]].concat());
        assert_eq!(code, Some(1), "{command:?}: {stderr}");
        assert!(stderr.contains(why), "{command:?}: {stderr}");
    }

    /// An older one is left alone until it is to be migrated, by a command of its own or by the server; a newer one is
    /// left alone always.
    fn is_met(&self, older: &str, newer: &str) {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--demo"];
        let migrating = ["serve", "--listen", "127.0.0.1:0", "--demo", "--migrate"];
        (self.change)(older);
        self.refused(&serve, "migrate it first");
        self.refused(&["account", "list"], "migrate it first");
        let (code, stdout, stderr) = run(&["migrate", "--database", &self.url]);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.contains("is up to date"), "{stdout}");
        drop(Serving::start(&["--database", &self.url]));
        (self.change)(older);
        self.refused(&serve, "migrate it first");
        Serving::start(&["--demo", "--migrate", "--database", &self.url]).waiting("forms");
        // Brought up once, it is like any other.
        Serving::start(&["--demo", "--database", &self.url]).waiting("forms");
        (self.change)(newer);
        for command in [&serve[..], &migrating, &["migrate"], &["account", "list"]] {
            self.refused(command, "a newer program made");
        }
    }
}

/// Until there is a second step, the only older schema is that of before the first: a file of ours without a table.
#[test]
fn an_older_file_is_migrated_when_told_and_a_newer_one_is_left_alone() {
    let folder = folder("versions");
    drop(Serving::start(&["--demo", "--database", &file(&folder)]));
    let tables = "SELECT 'DROP TABLE ' || name || ';' FROM sqlite_schema WHERE type = 'table' AND name <> 'migrations'";
    let raw = rusqlite::Connection::open(folder.join("leads.sqlite")).unwrap();
    let mut older = String::from("DELETE FROM migrations;");
    let mut drops = raw.prepare(tables).unwrap();
    for drop in drops.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        older += &drop.unwrap();
    }
    drop(drops);
    drop(raw);
    Foreign::sqlite(&folder).is_met(&older, "INSERT INTO migrations VALUES (1000, 0)");
}

/// What an older one knows of its version lies behind the place in which tables are made, or the first step would stumble
/// over it.
#[test]
fn an_older_postgres_is_migrated_when_told_and_a_newer_one_is_left_alone() {
    let Some(database) = database() else { return };
    let older = "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS older CASCADE;
        CREATE SCHEMA older; CREATE TABLE older.store (account_id bigint, name text, value text);
        INSERT INTO older.store VALUES (0, 'schema', '0');
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, older', current_database()); END $$";
    let newer = "UPDATE store SET value = '1000' WHERE name = 'schema'";
    Foreign::postgres(&database).is_met(older, newer);
}

#[test]
fn a_backup_is_made_beside_the_server_and_taken_back_without_it() {
    let folder = folder("backup");
    let (database, copy) = (file(&folder), folder.join("copy.sqlite"));
    let copy = copy.to_str().unwrap();
    let server = Serving::start(&["--demo", "--database", &database]);
    let form = server.waiting("forms");
    let (code, stdout, stderr) = run(&["backup", "--database", &database, copy]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("copied ") && stdout.contains(copy), "{stdout}");
    let decline = format!("/api/v4/leads/unsorted/{form}/decline");
    assert_eq!(server.ask("demo", "DELETE", &decline, "{}").0, 200);
    let (code, _, stderr) = run(&["restore", "--database", &database, copy]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("another server"), "{stderr}");
    drop(server);
    let (code, stdout, stderr) = run(&["restore", "--database", &database, copy]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("what was there is "), "{stdout}");
    let server = Serving::start(&["--database", &database]);
    assert_eq!(server.ask("demo", "GET", &format!("/api/v4/leads/unsorted/{form}"), "").0, 200);
    for command in ["backup", "restore"] {
        assert_eq!(run(&[command, "--database", "memory", copy]).0, Some(2));
    }
    assert_eq!(run(&["backup", "--database", "sqlite:no/such.sqlite", "copy"]).0, Some(1));
}

#[test]
fn a_backup_is_not_taken_back_beside_an_import() {
    let folder = folder("importing");
    let (database, copy) = (file(&folder), folder.join("copy.sqlite"));
    let (copy, document) = (copy.to_str().unwrap(), folder.join("all.jsonl"));
    drop(Serving::start(&["--demo", "--database", &database]));
    assert_eq!(run(&["backup", "--database", &database, copy]).0, Some(0));
    let other = format!("sqlite:{}", folder.join("other.sqlite").display());
    assert_eq!(run(&["export", "--database", &database, "--to", document.to_str().unwrap()]).0, Some(0));

    let mut import = program(&["import", "-", "--batch", "1", "--database", &other]);
    import.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut importing = import.spawn().unwrap();
    let mut rest = importing.stdin.take().unwrap();
    rest.write_all(&fs::read(document).unwrap()).unwrap();
    // Some of it is there, and it waits for more.
    let mut listed = (0..100).map(|_| run(&["account", "list", "--database", &other]).1);
    assert!(listed.any(|listed| listed.contains("example")));
    let (code, _, stderr) = run(&["restore", "--database", &other, copy]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("another command has ") && stderr.contains("other.sqlite open"), "{stderr}");
    drop(rest);
    let (code, _, stderr) = finished(importing);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(run(&["restore", "--database", &other, copy]).0, Some(0));
}

#[test]
fn what_was_kept_long_enough_is_forgotten_while_the_server_runs() {
    let database = file(&folder("keep"));
    drop(Serving::start(&["--demo", "--database", &database]));
    let mut command =
        program(&["serve", "--listen", "127.0.0.1:0", "--keep-events", "9", "--keep-settled", "9"]);
    let (server, logs) =
        Serving::with_stderr(command.args(["--database", &database]).env("RUST_LOG", "info"));
    // It has answered, so it has begun.
    server.waiting("forms");
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(server);
    let logs = logs.join().unwrap();
    assert!(logs.contains("is forgotten"), "{logs}");
}

#[test]
fn what_memory_cannot_forget_is_refused_at_the_start() {
    for keep in ["--keep-events", "--keep-settled"] {
        let (code, _, stderr) = run(&["serve", "--listen", "127.0.0.1:0", "--demo", keep, "9"]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("memory keeps all") && stderr.contains("sqlite:PATH"), "{stderr}");
    }
}

#[test]
fn an_older_file_is_copied_before_it_is_brought_up() {
    let folder = folder("older");
    let (database, copy) = (file(&folder), folder.join("copy.sqlite"));
    drop(Serving::start(&["--demo", "--database", &database]));
    let older = |path: &Path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute("UPDATE migrations SET version = 0", []).unwrap();
        connection.query_row("SELECT COUNT(*) FROM items", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    older(&folder.join("leads.sqlite"));
    let (code, _, stderr) = run(&["account", "list", "--database", &database]);
    assert!(code == Some(1) && stderr.contains("migrate it first"), "{stderr}");
    let (code, _, stderr) = run(&["backup", "--database", &database, copy.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(older(&copy), 25);
}
