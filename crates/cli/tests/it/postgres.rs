//! The program on a PostgreSQL database, beside others that have the same.

use std::fs;
use std::path::PathBuf;

use incoming_leads_testbed::database;
use serde_json::Value;

use crate::operate::provision_at_once;
use crate::program::{Serving, run};

#[test]
fn what_is_set_up_at_the_same_time_is_not_lost() {
    let Some(database) = database() else { return };
    provision_at_once(&database.url());
}

#[test]
fn a_database_without_tables_of_ours_is_refused_and_left_as_it_is() {
    let Some(database) = database() else { return };
    let url = database.url();
    // Had one of them made the tables, the next one would do.
    for command in [&["account", "list"][..], &["export"], &["migrate"], &["user", "list", "1"], &["migrate"]]
    {
        let (code, _, stderr) = run(&[command, &["--database", &url]].concat());
        assert!(code == Some(1) && stderr.contains("no tables of ours"), "{command:?}: {stderr}");
        assert!(stderr.contains(url.rsplit('/').next().unwrap().split('?').next().unwrap()), "{stderr}");
    }
    let add = ["account", "add", "--subdomain", "a", "--name", "A", "--admin-email", "a@example.com"];
    assert_eq!(run(&[&add[..], &["--database", &url]].concat()).0, Some(0));
    assert_eq!(run(&["migrate", "--database", &url]).0, Some(0));
}

#[test]
fn why_there_is_no_connection_is_told_once() {
    let (code, _, stderr) = run(&["account", "list", "--database", "postgres://u@127.0.0.1:1/db"]);
    let refused = "incoming-leads: cannot use the database postgres://127.0.0.1:1/db: open the store: \
        there is no connection to the database: error connecting to server: Connection refused (os error 111)\n";
    assert_eq!((code, stderr.as_str()), (Some(1), refused));
    let Some(database) = database() else { return };
    let url = database.url();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let (code, _, stderr) =
        run(&["account", "list", "--database", &url.replace(&format!("/{name}"), "/nowhere")]);
    let told = "there is no connection to the database: database \"nowhere\" does not exist (3D000)\n";
    assert!(code == Some(1) && stderr.ends_with(told), "{stderr}");
}

#[test]
fn a_cut_import_goes_on_in_its_own_database_alone() {
    let (Some(first), Some(second)) = (database(), database()) else { return };
    let folder = folder("cut");
    let document = folder.join("all.jsonl");
    let name = document.to_str().unwrap();
    drop(Serving::start(&["--demo", "--database", &second.url()]));
    assert_eq!(run(&["export", "--to", name, "--database", &second.url()]).0, Some(0));
    let whole = fs::read(&document).unwrap();
    let mut cut = whole.clone();
    let place = whole.len() - 2;
    cut[place] = b'#';
    fs::write(&document, &cut).unwrap();
    assert_eq!(run(&["import", name, "--batch", "2", "--database", &first.url()]).0, Some(1));
    fs::write(&document, &whole).unwrap();
    let (code, _, stderr) = run(&["import", name, "--database", &second.url()]);
    assert!(code == Some(1) && stderr.contains("is of another database"), "{stderr}");
    let (code, _, stderr) = run(&["import", name, "--database", &first.url()]);
    assert!(code == Some(0) && stderr.contains("going on at byte"), "{stderr}");
}

#[test]
fn of_servers_that_plant_the_same_at_the_same_time_one_does() {
    let (Some(of_seed), Some(of_demo)) = (database(), database()) else { return };
    let seed = seed(&folder("plant"));
    let (of_seed, of_demo) = (of_seed.url(), of_demo.url());
    for (arguments, token, count) in [
        (["--seed", &seed, "--database", &of_seed].to_vec(), "hush", 3),
        (["--demo", "--database", &of_demo].to_vec(), "demo", 25),
    ] {
        let servers: Vec<_> = std::thread::scope(|scope| {
            let start = |_| scope.spawn(|| Serving::start(&arguments));
            let starting: Vec<_> = (0..4).map(start).collect();
            starting.into_iter().map(|starting| starting.join().unwrap()).collect()
        });
        for server in servers {
            let (status, body) = server.ask(token, "GET", "/api/v4/leads/unsorted?limit=250", "");
            assert_eq!(status, 200, "{body}");
            let list: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(list["_embedded"]["unsorted"].as_array().unwrap().len(), count);
        }
    }
}

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("postgres").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A seed in this folder: an account where three calls wait that have no identity.
fn seed(folder: &std::path::Path) -> String {
    let account = r#"{"header": {"version": 1}} {"account": {
        "account": {"id": 1, "subdomain": "acme", "name": "Acme", "created_at": 0},
        "pipelines": [{"id": 2, "name": "P", "is_main": true, "statuses": [
            {"id": 3, "name": "Incoming", "sort": 1, "kind": "unsorted"}, {"id": 5, "name": "First", "sort": 2}]}],
        "users": [{"id": 4, "name": "U", "email": "u@example.com", "rights": {"administrate": true}}]}}
        {"token": {"account_id": 1, "user_id": 4, "secret": {"plain": "hush"}}}"#;
    let call = r#"{"draft": {"account_id": 1, "user_id": 4, "draft": {
        "source_name": "s", "source_uid": "u", "metadata": {"sip": {}}}}}"#;
    let path = folder.join("seed.json");
    fs::write(&path, [account, call, call, call].join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}
