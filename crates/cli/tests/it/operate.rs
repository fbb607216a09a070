//! What operators do: accounts set up beside a running server, databases carried over, cut and gone on with.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::program::{Serving, ask_with, finish, finished, program, run};

impl Folder {
    /// Runs a command on a database; what it prints, in words.
    #[track_caller]
    fn done(&self, database: &str, command: &[&str]) -> String {
        let (code, out, told) = run(&[command, &["--database", &self.sqlite(database)]].concat());
        assert_eq!(code, Some(0), "{command:?}: {told}");
        out.trim_end().to_owned()
    }

    #[track_caller]
    fn refused(&self, database: &str, command: &[&str], why: &str) {
        let (code, out, told) = run(&[command, &["--database", &self.sqlite(database)]].concat());
        assert!(matches!(code, Some(1 | 2)), "{command:?}: {out}{told}");
        assert!(told.contains(why), "{told}");
    }
}

fn list(server: &Serving, token: &str) -> u16 {
    server.ask(token, "GET", "/api/v4/leads/unsorted", "").0
}

#[test]
fn an_account_is_set_up_beside_a_running_server() {
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    let account =
        at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    assert_eq!(account, "1");
    let server = Serving::start(&["--database", &folder.sqlite("a.sqlite")]);
    let user =
        at(&["user", "add", "acme", "--name", "Sam", "--email", "sam@example.com", "--rights", "view,add"]);
    let token = at(&["token", "add", "acme", &user, "--name", "website"]);
    let short = at(&["token", "add", &account, "1", "--days", "7"]);
    assert_eq!((list(&server, &token), list(&server, &short)), (204, 204));
    let listed = at(&["token", "list", "acme"]);
    assert!(listed.contains("website") && !listed.contains(&token) && !listed.contains(&short), "{listed}");
    let row = listed.lines().find(|line| line.contains("website")).unwrap();
    at(&["token", "remove", "acme", row.split_whitespace().next().unwrap()]);
    assert_eq!((list(&server, &token), list(&server, &short)), (401, 204), "removed while the server runs");

    let key = at(&["token", "add", "acme", &user, "--api-key"]);
    let v2 = |login: &str| {
        let target = format!("/api/v2/incoming_leads?login={login}&api_key={key}");
        server.ask("", "GET", &target, "").0
    };
    assert_eq!((v2("sam@example.com"), v2("ann@example.com")), (204, 401));
    assert_eq!(list(&server, &key), 401, "a key is no token");
    let form = format!("USER_LOGIN=sam@example.com&USER_HASH={key}");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, head, _) = ask_with(server.addr, "POST", "/private/api/auth.php?type=json", kind, &form);
    assert_eq!(status, 200);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let by_session = || ask_with(server.addr, "GET", "/api/v2/incoming_leads", &cookie, "").0;
    assert_eq!(by_session(), 204);
    let listed = at(&["token", "list", "acme"]);
    let row = listed.lines().find(|line| line.contains("api_key")).unwrap_or_else(|| panic!("{listed}"));
    at(&["token", "remove", "acme", row.split_whitespace().next().unwrap()]);
    assert_eq!((v2("sam@example.com"), by_session()), (401, 401), "neither by the key nor by what it opened");
    let key = at(&["token", "add", "acme", &user, "--api-key"]);
    let v2 = |login: &str| {
        let target = format!("/api/v2/incoming_leads?login={login}&api_key={key}");
        server.ask("", "GET", &target, "").0
    };
    assert_eq!(v2("sam@example.com"), 204);

    at(&["user", "change", "acme", &user, "--deactivate", "--name", "Samuel"]);
    assert_eq!(v2("sam@example.com"), 401);
    let users = at(&["user", "list", "acme"]);
    assert!(users.contains("Samuel") && users.contains("off"), "{users}");
    at(&["account", "change", "acme", "--subdomain", "apex"]);
    assert!(at(&["account", "list"]).contains("apex"));
    folder.refused("a.sqlite", &["user", "list", "acme"], "there is no account acme");
}

#[test]
fn an_integration_is_allowed_and_removed() {
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    let server = Serving::start(&["--database", &folder.sqlite("a.sqlite")]);
    let added =
        at(&["integration", "add", "acme", "--name", "Site", "--redirect-uri", "https://example.com"]);
    let words: Vec<_> = added.split_whitespace().collect();
    let ["client_id", client, "client_secret", secret] = words[..] else { panic!("{added}") };
    assert_eq!((client.len(), client.split('-').count()), (36, 5), "{client}");
    let code = at(&["integration", "code", "acme", client, "1"]);
    let body = json!({
        "client_id": client, "client_secret": secret, "redirect_uri": "https://example.com",
        "grant_type": "authorization_code", "code": code,
    });
    let (status, told) = server.ask("", "POST", "/oauth2/access_token", &body.to_string());
    assert_eq!(status, 200, "{told}");
    let tokens: Value = serde_json::from_str(&told).unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(list(&server, access), 204);
    at(&["integration", "remove", "acme", client]);
    assert_eq!(list(&server, access), 401);
    assert!(!at(&["integration", "list", "acme"]).contains(client));
    folder.refused("a.sqlite", &["integration", "code", "acme", client, "1"], "has no integration");
    // What is left goes over into another database.
    at(&["export", "--to", folder.path("all.jsonl").to_str().unwrap()]);
    folder.done("b.sqlite", &["import", folder.path("all.jsonl").to_str().unwrap()]);
}

/// A database with the demo in it, of which some was sorted.
fn sorted(folder: &Folder) {
    let demo = Serving::start(&["--demo", "--database", &folder.sqlite("a.sqlite")]);
    for _ in 0..3 {
        let uid = demo.waiting("forms");
        assert_eq!(demo.ask("demo", "POST", &format!("/api/v4/leads/unsorted/{uid}/accept"), "").0, 200);
    }
}

fn exported(folder: &Folder, database: &str) -> Vec<String> {
    // Into a file: a pipe holds less.
    let path = folder.path("exported.jsonl");
    folder.done(database, &["export", "--to", path.to_str().unwrap()]);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    // Stores agree in what they hold, not in the order of entities.
    lines.sort_unstable();
    lines
}

#[test]
fn a_database_goes_over_into_another_in_pieces() {
    let folder = Folder::new();
    sorted(&folder);
    let document = folder.path("all.jsonl");
    let document = document.to_str().unwrap();
    folder.done("a.sqlite", &["export", "--to", document]);
    assert!(!Path::new(&format!("{document}.part")).exists());
    folder.done("b.sqlite", &["import", document, "--batch", "7"]);
    assert_eq!(exported(&folder, "b.sqlite"), exported(&folder, "a.sqlite"));
    assert!(!Path::new(&format!("{document}.checkpoint")).exists());
    // Once more is as good as once.
    folder.done("b.sqlite", &["import", document, "--batch", "3"]);
    assert_eq!(exported(&folder, "b.sqlite"), exported(&folder, "a.sqlite"));
    folder.refused("a.sqlite", &["export", "--account", "nobody"], "there is no account nobody");
}

#[test]
fn a_cut_import_goes_on_where_it_stopped() {
    let folder = Folder::new();
    sorted(&folder);
    let (document, checkpoint) = (folder.path("all.jsonl"), folder.path("all.jsonl.checkpoint"));
    let name = document.to_str().unwrap();
    folder.done("a.sqlite", &["export", "--to", name]);
    let whole = std::fs::read(&document).unwrap();
    // A byte in the last third is wrong, so that much is taken over before it is met.
    let mut cut = whole.clone();
    let place = whole[..whole.len() * 2 / 3].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    cut[place] = b'#';
    std::fs::write(&document, &cut).unwrap();
    folder.refused("b.sqlite", &["import", name, "--batch", "5"], "no JSON");
    let kept: Value = serde_json::from_slice(&std::fs::read(&checkpoint).unwrap()).unwrap();
    let offset = kept["offset"].as_u64().unwrap();
    assert!(offset > whole.len() as u64 / 2 && offset <= place as u64, "{kept}");
    // Neither another database nor another document goes on with it, and none is made for it.
    folder.refused("c.sqlite", &["import", name], "checkpoint says; remove it to begin anew");
    assert!(!folder.path("c.sqlite").exists());
    folder.refused("a.sqlite", &["import", name], "of another database; remove it to begin anew");
    std::fs::write(&document, &whole[..whole.len() - 1]).unwrap();
    folder.refused("b.sqlite", &["import", name], "of another document; remove it to begin anew");
    std::fs::write(&document, &whole).unwrap();
    let (code, _, told) = run(&["import", name, "--database", &folder.sqlite("b.sqlite"), "--batch", "5"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("going on at byte {offset}")), "{told}");
    assert!(!checkpoint.exists());
    assert_eq!(exported(&folder, "b.sqlite"), exported(&folder, "a.sqlite"));
}

#[test]
fn a_moved_database_is_gone_on_with_and_a_damaged_checkpoint_is_not() {
    let folder = Folder::new();
    sorted(&folder);
    let (document, checkpoint) = (folder.path("all.jsonl"), folder.path("all.jsonl.checkpoint"));
    let name = document.to_str().unwrap();
    folder.done("a.sqlite", &["export", "--to", name]);
    let whole = std::fs::read(&document).unwrap();
    let mut cut = whole.clone();
    let place = whole.len() - 2;
    cut[place] = b'#';
    std::fs::write(&document, &cut).unwrap();
    folder.refused("b.sqlite", &["import", name, "--batch", "4"], "no JSON");
    std::fs::write(&document, &whole).unwrap();
    std::fs::rename(folder.path("b.sqlite"), folder.path("c.sqlite")).unwrap();
    let kept = std::fs::read(&checkpoint).unwrap();
    std::fs::write(&checkpoint, "").unwrap();
    folder.refused("c.sqlite", &["import", name], "is no checkpoint or a damaged one; name another file");
    std::fs::write(&checkpoint, kept).unwrap();
    let (code, _, told) = run(&["import", name, "--database", &folder.sqlite("c.sqlite")]);
    assert!(code == Some(0) && told.contains("going on at byte"), "{told}");
    assert_eq!(exported(&folder, "c.sqlite"), exported(&folder, "a.sqlite"));
}

#[test]
fn an_export_can_be_read_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    let path = folder.path("all.jsonl");
    at(&["export", "--to", path.to_str().unwrap()]);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_export_takes_its_own_name_alone() {
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    let path = folder.path("all.jsonl");
    let part = folder.path("all.jsonl.part");
    std::fs::write(&part, "somebody's").unwrap();
    let files = || {
        let names = std::fs::read_dir(folder.path("")).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with("a.sqlite"));
        names.sort_unstable();
        names
    };
    let to = path.to_str().unwrap();
    folder.refused("a.sqlite", &["export", "--account", "nobody", "--to", to], "there is no account nobody");
    assert_eq!(files(), ["all.jsonl.part"], "one that failed leaves nothing");
    let nowhere = folder.path("nowhere/all.jsonl");
    let nowhere = nowhere.to_str().unwrap();
    folder.refused(
        "a.sqlite",
        &["export", "--to", nowhere],
        &format!("cannot write {nowhere}: No such file"),
    );
    let export = ["export", "--to", to];
    at_once(&folder.sqlite("a.sqlite"), &[&export[..]; 4]);
    assert_eq!(files(), ["all.jsonl", "all.jsonl.part"]);
    assert_eq!(std::fs::read_to_string(part).unwrap(), "somebody's");
    assert!(std::fs::read_to_string(path).unwrap().contains("Acme"));
}

#[test]
fn an_export_goes_where_a_link_leads() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    std::fs::create_dir(folder.path("kept")).unwrap();
    let (link, target) = (folder.path("link"), folder.path("kept/target"));
    symlink("kept/target", &link).unwrap();
    for before in [None, Some("old")] {
        before.into_iter().for_each(|before| std::fs::write(&target, before).unwrap());
        at(&["export", "--to", link.to_str().unwrap()]);
        assert!(link.is_symlink());
        assert!(std::fs::read_to_string(&target).unwrap().contains("Acme"));
    }
}

#[test]
fn an_export_goes_into_the_pipe_that_is_there() {
    use std::os::unix::fs::FileTypeExt;
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader =
        Command::new("cat").arg(&pipe).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    at(&["export", "--to", pipe.to_str().unwrap()]);
    assert!(finished(reader).1.contains("Acme"));
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
}

#[test]
fn a_piece_that_was_taken_over_without_being_noted_counts_once() {
    let folder = Folder::new();
    sorted(&folder);
    let (document, checkpoint) = (folder.path("all.jsonl"), folder.path("all.jsonl.checkpoint"));
    let name = document.to_str().unwrap();
    folder.done("a.sqlite", &["export", "--to", name]);
    let whole = std::fs::read(&document).unwrap();
    let mut cut = whole.clone();
    let place = whole.len() - 2;
    cut[place] = b'#';
    std::fs::write(&document, &cut).unwrap();
    folder.refused("b.sqlite", &["import", name, "--batch", "4"], "no JSON");
    // As after a crash between the two: the checkpoint is some pieces behind.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&checkpoint).unwrap()).unwrap();
    let middle = whole[..whole.len() / 2].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    kept["offset"] = json!(middle);
    std::fs::write(&checkpoint, kept.to_string()).unwrap();
    std::fs::write(&document, &whole).unwrap();
    folder.done("b.sqlite", &["import", name, "--batch", "4"]);
    assert_eq!(exported(&folder, "b.sqlite"), exported(&folder, "a.sqlite"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = Folder::new();
    let (code, _, told) = run(&["account", "list", "--database", "memory"]);
    assert_eq!(code, Some(2), "{told}");
    folder.refused("none.sqlite", &["account", "list"], "there is no such file");
    folder.refused("none.sqlite", &["migrate"], "there is no such file");
    std::fs::write(folder.path("empty.sqlite"), "").unwrap();
    for command in [&["account", "list"][..], &["export"], &["migrate"], &["user", "list", "1"]] {
        folder.refused("empty.sqlite", command, "has no tables of ours");
    }
    assert_eq!(folder.path("empty.sqlite").metadata().unwrap().len(), 0);
    folder.refused("a.sqlite", &["import", "/nowhere.jsonl"], "cannot read /nowhere.jsonl");
    for (text, why) in [
        (r#"{"account": {}}"#, "object 1, row 1"),
        (r#"{"header": {"version": 2}}"#, "the document is of version 2, which a newer program writes"),
        (
            r#"{"header": {"version": 1}} {"draft": {"account_id": 1, "user_id": 1, "draft": {}}}"#,
            "object 2: a draft is for seeds",
        ),
        (
            r#"{"header": {"version": 1}} {"tag": {"account_id": 1, "row": {"id": 1, "name": "n"}}}"#,
            "object 2: a line is of account 1, of which no line told before",
        ),
    ] {
        let path = folder.path("wrong.jsonl");
        std::fs::write(&path, text).unwrap();
        folder.refused("a.sqlite", &["import", path.to_str().unwrap()], why);
        let _ = std::fs::remove_file(folder.path("wrong.jsonl.checkpoint"));
    }
    let at = |command: &[&str]| folder.done("b.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    let twice =
        &["account", "add", "--subdomain", "acme", "--name", "Other", "--admin-email", "b@example.com"];
    folder.refused("b.sqlite", twice, "is that of account 1");
    folder.refused("b.sqlite", &["token", "add", "acme", "9"], "account 1 has no user 9");
    folder.refused("b.sqlite", &["token", "remove", "acme", "0000"], "has no token 0000");
    folder.refused(
        "b.sqlite",
        &["user", "add", "acme", "--name", "N", "--email", "n@example.com", "--rights", "all"],
        "rights are some of",
    );
    assert!(at(&["migrate"]).contains("is up to date"));
}

#[test]
fn what_is_no_document_makes_no_database() {
    let folder = Folder::new();
    let document = folder.path("all.jsonl");
    let name = document.to_str().unwrap();
    for (text, why) in [
        ("", "a document begins with"),
        (" \n\n", "a document begins with"),
        (r#"{"tag": {"account_id": 1, "row": {"id": 1, "name": "n"}}}"#, "a document begins with"),
        ("\u{feff}{\"header\": {\"version\": 1}}", "begins with a byte order mark"),
        (r#"{"header": {"version": 2, "of": "later"}}"#, "a newer program writes"),
    ] {
        std::fs::write(&document, text).unwrap();
        folder.refused("a.sqlite", &["import", name], why);
        // By way of a pipe, which is read once.
        let mut command = program(&["import", "-", "--database", &folder.sqlite("a.sqlite")]);
        let (code, _, told) = finish(command.stdin(std::fs::File::open(&document).unwrap()));
        assert!(code == Some(1) && told.contains(why), "{told}");
        assert!(!folder.path("a.sqlite").exists(), "{text}");
        assert!(!folder.path("all.jsonl.checkpoint").exists(), "{text}");
    }
}

#[test]
fn a_checkpoint_that_cannot_be_kept_is_told_before_anything_is_taken_over() {
    let folder = Folder::new();
    let document = folder.path("all.jsonl");
    let name = document.to_str().unwrap();
    let text = r#"{"header": {"version": 1}} {"account": {
        "account": {"id": 1, "subdomain": "acme", "name": "Acme", "created_at": 0}}}"#;
    std::fs::write(&document, text).unwrap();
    let nowhere = folder.path("nowhere/checkpoint");
    let import = ["import", name, "--checkpoint", nowhere.to_str().unwrap()];
    folder.refused("a.sqlite", &import, "--checkpoint names another place");
    assert!(!folder.done("a.sqlite", &["account", "list"]).contains("acme"));
    // A mistake must not be told as advice to remove the document.
    let import = ["import", name, "--checkpoint", name];
    folder.refused("a.sqlite", &import, "all.jsonl is no checkpoint or a damaged one; name another file");
    assert_eq!(std::fs::read_to_string(&document).unwrap(), text);
    // What failed before its first piece was in binds nobody to its database.
    let wrong =
        format!(r#"{text} {{"token": {{"account_id": 1, "user_id": 9, "secret": {{"plain": "hush"}}}}}}"#);
    std::fs::write(&document, wrong).unwrap();
    folder.refused(
        "a.sqlite",
        &["import", name],
        "object 3: a token is of user 9, whom account 1 does not have",
    );
    std::fs::write(&document, text).unwrap();
    folder.done("b.sqlite", &["import", name]);
    assert!(!folder.path("all.jsonl.checkpoint").exists());
}

#[test]
fn names_that_nobody_finds_or_reads_are_not_set_up() {
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    at(&["account", "add", "--subdomain", "acme", "--name", "Acme", "--admin-email", "ann@example.com"]);
    at(&["user", "add", "acme", "--name", "Sam", "--email", "sam@example.com"]);
    let held = exported(&folder, "a.sqlite");
    let account = ["account", "add", "--subdomain", "other", "--name", "N", "--admin-email", "b@example.com"];
    let changed = |place: usize, text| {
        let mut command = account;
        command[place] = text;
        command
    };
    let long = "a".repeat(300);
    for text in ["", " ", "a b", "A.B", "-x", "a\nb", "1", &long] {
        // An argument of its own would be an option where it begins with one.
        let subdomain = format!("--subdomain={text}");
        let add = ["account", "add", &subdomain, "--name", "N", "--admin-email", "b@example.com"];
        folder.refused("a.sqlite", &add, "a sub-domain has");
        folder.refused("a.sqlite", &["account", "change", "acme", &subdomain], "a sub-domain has");
    }
    for text in ["", "\u{1b}[31mred", &long] {
        folder.refused("a.sqlite", &changed(5, text), "the name of an account has");
        folder.refused(
            "a.sqlite",
            &["user", "change", "acme", "2", "--name", text],
            "the name of a user has",
        );
    }
    for text in ["", "b", "b@", "a@b@c"] {
        folder.refused("a.sqlite", &changed(7, text), "an e-mail address has");
        let add = ["user", "add", "acme", "--name", "N", "--email", text];
        folder.refused("a.sqlite", &add, "an e-mail address has");
    }
    let taken = ["user", "change", "acme", "2", "--email", "Ann@example.com"];
    folder.refused("a.sqlite", &taken, "the account has a user Ann@example.com already");
    for text in ["", "javascript:alert(1)", "http://example.com"] {
        let add = ["integration", "add", "acme", "--name", "N", "--redirect-uri", text];
        folder.refused("a.sqlite", &add, "a redirect URI is");
    }
    let last = [&account[..], &["--id", "9007199254740991"]].concat();
    folder.refused("a.sqlite", &last, "an id is at most");
    assert_eq!(exported(&folder, "a.sqlite"), held);
    assert_eq!(at(&account), "2");
}

/// A document brings what was there before, whatever it is.
#[test]
fn what_a_document_brought_harms_nobody() {
    let folder = Folder::new();
    let at = |command: &[&str]| folder.done("a.sqlite", command);
    let account = |id: u64, subdomain: &str, name: &str| {
        json!({"account": {"account": {"id": id, "subdomain": subdomain, "name": name, "created_at": 0},
            "users": [{"id": id, "name": "U", "email": "u", "rights": {}}]}})
    };
    let last = 9_007_199_254_740_991;
    let lines = [
        json!({"header": {"version": 1}}),
        account(1, "one", "\u{1b}[31mred"),
        account(5, "1", "N"),
        account(7, "8", "N"),
        account(last, "last", "N"),
    ];
    let document = folder.path("all.jsonl");
    std::fs::write(&document, lines.map(|line| line.to_string()).join("\n")).unwrap();
    at(&["import", document.to_str().unwrap()]);
    let listed = at(&["account", "list"]);
    assert!(listed.contains("[31mred") && !listed.contains('\u{1b}'), "{listed:?}");
    let why = "1 is the id of one account and the sub-domain of account 5";
    folder.refused("a.sqlite", &["token", "add", "1", "1"], why);
    assert!(at(&["user", "list", "8"]).contains("7"));
    at(&["user", "change", "one", "1", "--deactivate"]);
    at(&["account", "change", "5", "--subdomain", "five"]);
    at(&["token", "add", "1", "1"]);
    let next = at(&["account", "add", "--subdomain", "b", "--name", "B", "--admin-email", "b@example.com"]);
    assert_eq!(next, "8");
}

#[test]
fn an_address_of_which_a_password_could_be_shown_is_refused() {
    for (address, why) in [
        ("postgres://u:p@ss/word@127.0.0.1:1/db", "write @ in a password as %40"),
        ("postgresql://u:secr@et@h", "write @ in a password as %40"),
        ("postgres://", "postgres://USER@HOST/DATABASE"),
    ] {
        let (code, out, told) = run(&["account", "list", "--database", address]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{told}");
        assert!(told.contains(why), "{told}");
        assert!(!told.contains("ss/word") && !told.contains("et@h"), "{told}");
    }
}

/// Runs commands on a database at the same time; what each prints.
#[track_caller]
fn at_once(database: &str, commands: &[&[&str]]) -> Vec<String> {
    let begin = |command: &&[&str]| {
        let mut command = program(&[*command, &["--database", database]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = commands.iter().map(begin).collect();
    let end = |(child, command)| {
        let (code, out, told) = finished(child);
        assert_eq!(code, Some(0), "{command:?}: {told}");
        out.trim_end().to_owned()
    };
    children.into_iter().zip(commands).map(end).collect()
}

/// Accounts and users that are added and changed at the same time: nothing of it is lost.
pub(crate) fn provision_at_once(database: &str) {
    let names: Vec<_> = (1..=6).map(|number| format!("acme-{number}")).collect();
    let add =
        |name| ["account", "add", "--subdomain", name, "--name", name, "--admin-email", "a@example.com"];
    let adds: Vec<_> = names.iter().map(|name| add(name)).collect();
    let mut ids = at_once(database, &adds.iter().map(|add| &add[..]).collect::<Vec<_>>());
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
    let (_, listed, _) = run(&["account", "list", "--database", database]);
    assert!(names.iter().all(|name| listed.contains(name)), "{listed}");

    let addresses: Vec<_> = (1..=5).map(|number| format!("user-{number}@example.com")).collect();
    let user =
        at_once(database, &[&["user", "add", "1", "--name", "U", "--email", "u@example.com"]]).remove(0);
    let mut commands = vec![vec!["user", "change", "1", &user, "--deactivate"]];
    for address in &addresses {
        commands.push(vec!["user", "add", "1", "--name", "N", "--email", address]);
    }
    commands.push(vec!["account", "change", "1", "--name", "Another"]);
    let mut ids = at_once(database, &commands.iter().map(|command| &command[..]).collect::<Vec<_>>());
    ids.retain(|id| !id.is_empty());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), addresses.len(), "each has an id of its own: {ids:?}");
    let (_, users, _) = run(&["user", "list", "1", "--database", database]);
    assert!(addresses.iter().all(|address| users.contains(address)), "{users}");
    let row = users.lines().find(|line| line.contains(" u@example.com")).unwrap();
    assert!(row.contains(" off "), "{row}");
    assert!(run(&["account", "list", "--database", database]).1.contains("Another"));
}

#[test]
fn what_is_set_up_at_the_same_time_is_not_lost() {
    let folder = Folder::new();
    provision_at_once(&folder.sqlite("a.sqlite"));
}
