//! Copies of the whole file, and taking one back.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::TryStreamExt;
use incoming_leads_port::{ErrorKind, Provision, Registry};
use incoming_leads_sqlite::{Migrate, Options, restore};

use crate::world::{START, World, call, principal};

#[tokio::test]
async fn a_backup_beside_who_writes_is_taken_back() {
    let world = World::new().await;
    world.add(call(1, START, 10)).await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    assert_eq!(
        world.sqlite.backup(&copy).await.unwrap_err().kind(),
        ErrorKind::Invalid,
        "nothing is overwritten"
    );
    let kept = world.export().await;
    world.add(call(2, START, 10)).await;
    let cursor = world.ports.history.as_ref().unwrap().events(None, 10).await.unwrap().next;

    // It is a store by itself, and stays one when it was taken back.
    let opened = Options::default().open(&copy).unwrap();
    drop(opened);
    let (path, clock, folder) = (world.path(), world.clock.clone(), world.folder);
    drop((world.sqlite, world.ports));
    let aside = restore(&copy, &path).unwrap().unwrap();
    let sqlite = Options::default().with_clock(clock.clone()).as_server().open(&path).unwrap();
    let ports = sqlite.open(principal()).await.unwrap();
    let world = World { sqlite, ports, clock, folder };
    assert_eq!(world.export().await, kept);
    // What came after the backup did not happen: whoever has read of it must begin anew.
    let refused = world.ports.history.as_ref().unwrap().events(Some(&cursor), 10).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let before = Options::default().open(aside).unwrap().open(principal()).await.unwrap();
    assert_eq!(crate::world::waiting(&before).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_copied_as_of_the_beginning_while_somebody_goes_on_writing() {
    let world = World::new().await;
    let large = "INSERT INTO store (name, value) VALUES ('large', zeroblob(64 << 20)), ('count', 0)";
    world.raw().execute(large, []).unwrap();
    let (other, count) = (world.raw(), Arc::new(AtomicI64::new(0)));
    let ends = Arc::clone(&count);
    let writing = std::thread::spawn(move || {
        // Until nobody waits for it any longer; bounded, for a copy that ends only then.
        for number in 1..300_000 {
            other.execute("UPDATE store SET value = ?1 WHERE name = 'count'", [number]).unwrap();
            if ends.swap(number, Ordering::Relaxed) < 0 {
                break;
            }
        }
    });
    while count.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    let copy = world.folder.path().join("copy.sqlite");
    let begun = count.load(Ordering::Relaxed);
    world.sqlite.backup(&copy).await.unwrap();
    let ended = count.swap(-1, Ordering::Relaxed);
    writing.join().unwrap();
    let copy = rusqlite::Connection::open(copy).unwrap();
    let copied = "SELECT value FROM store WHERE name = 'count'";
    let copied: i64 = copy.query_row(copied, [], |row| row.get(0)).unwrap();
    assert!(begun <= copied && copied < begun.midpoint(ended), "{copied} of {begun} to {ended}");
}

#[tokio::test]
async fn a_database_that_is_served_is_not_replaced() {
    let world = World::new().await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    let server = Options::default().as_server().open(world.path()).unwrap();
    let link = world.folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(world.path(), &link).unwrap();
    for name in [world.path(), link.clone()] {
        let refused = restore(&copy, &name).unwrap_err();
        assert!(refused.to_string().contains("another server"), "{refused}");
    }
    // Nothing is left of the attempts.
    let restored = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("restored");
    let left = fs::read_dir(world.folder.path()).unwrap().filter(|entry| entry.as_ref().is_ok_and(restored));
    assert_eq!(left.count(), 0);
    drop(server);
    let folder = world.folder;
    drop((world.sqlite, world.ports));
    restore(&copy, &link).unwrap().unwrap();
    assert!(link.is_symlink(), "what the name stands for is replaced, not the name");
    drop(folder);
}

#[tokio::test]
async fn what_is_set_aside_is_whole_in_one_file() {
    let world = World::new().await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    world.add(call(1, START, 10)).await;
    // As a server leaves it that was killed: the last of it lies in the log alone.
    let killed = world.folder.path().join("killed.sqlite");
    fs::copy(world.path(), &killed).unwrap();
    fs::copy(world.path().with_extension("sqlite-wal"), killed.with_extension("sqlite-wal")).unwrap();
    let aside = restore(&copy, &killed).unwrap().unwrap();
    let alone = world.folder.path().join("alone.sqlite");
    fs::copy(aside, &alone).unwrap();
    let ports = Options::default().open(alone).unwrap().open(principal()).await.unwrap();
    assert_eq!(crate::world::waiting(&ports).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_backup_is_not_taken() {
    let world = World::new().await;
    world.add(call(1, START, 10)).await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    let target = world.folder.path().join("target.sqlite");
    let refused = |what: &str| {
        let error = restore(&copy, &target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
        assert!(error.to_string().contains(copy.to_str().unwrap()), "{what}: {error}");
        assert!(!target.exists(), "{what}");
    };
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    refused("half of it");
    let mut torn = whole.clone();
    // The head of a page in the middle: what a page says, without its head, is not checked by anybody.
    torn[10 * 4096..10 * 4096 + 512].fill(0x5a);
    fs::write(&copy, torn).unwrap();
    refused("a torn page");
    fs::write(&copy, "leads").unwrap();
    refused("a text");
    fs::remove_file(&copy).unwrap();
    refused("nothing");
}

#[tokio::test]
async fn a_log_that_another_database_left_is_no_part_of_a_copy() {
    let world = World::new().await;
    let (copy, target) = (world.folder.path().join("copy.sqlite"), world.folder.path().join("target.sqlite"));
    world.sqlite.backup(&copy).await.unwrap();
    let kept = world.export().await;
    world.add(call(1, START, 10)).await;
    let log = world.path().with_extension("sqlite-wal");
    for end in ["-wal", "-shm", "-journal"] {
        let left = world.folder.path().join(format!("other.sqlite{end}"));
        fs::write(&left, "left").unwrap();
        let refused = world.sqlite.backup(world.folder.path().join("other.sqlite")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains(left.to_str().unwrap()), "{refused}");
        fs::remove_file(left).unwrap();
    }
    // A log of the very database that was copied: it would be taken for what came after the copy.
    fs::copy(log, target.with_extension("sqlite-wal")).unwrap();
    let aside = restore(&copy, &target).unwrap();
    let restored = Options::default().open(&target).unwrap();
    let lines: Vec<_> = restored.export(None).try_collect().await.unwrap();
    assert_eq!(lines, kept);
    let aside = aside.unwrap();
    assert!(aside.to_str().unwrap().ends_with("-wal") && aside.exists(), "{}", aside.display());
}

#[tokio::test]
async fn what_was_set_aside_once_is_not_overwritten() {
    let world = World::new().await;
    let (copy, target) = (world.folder.path().join("copy.sqlite"), world.folder.path().join("target.sqlite"));
    world.sqlite.backup(&copy).await.unwrap();
    fs::copy(&copy, &target).unwrap();
    let mut aside = Vec::new();
    for number in 0..4 {
        let raw = rusqlite::Connection::open(&target).unwrap();
        raw.execute("INSERT INTO store (name, value) VALUES ('number', ?1)", [number]).unwrap();
        drop(raw);
        aside.push(restore(&copy, &target).unwrap().unwrap());
    }
    for (name, number) in aside.into_iter().zip(0..) {
        let kept = rusqlite::Connection::open(name).unwrap();
        let kept = kept.query_row("SELECT value FROM store WHERE name = 'number'", [], |row| row.get(0));
        assert_eq!(kept, Ok(number));
    }
}

#[tokio::test]
async fn a_database_is_not_put_in_its_own_place() {
    let world = World::new().await;
    let (path, folder) = (world.path(), world.folder);
    drop((world.sqlite, world.ports));
    let link = folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for (copy, database) in [(&path, &path), (&link, &path), (&path, &link)] {
        let refused = restore(copy, database).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(refused.to_string().contains("is the database itself"), "{refused}");
    }
}

#[tokio::test]
async fn a_database_that_somebody_has_open_is_not_replaced() {
    let world = World::new().await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    let refused = restore(&copy, &world.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("another command has "), "{refused}");
    // A program that knows nothing of our locks.
    let raw = world.raw();
    raw.query_row("SELECT COUNT(*) FROM items", [], |row| row.get::<_, u32>(0)).unwrap();
    let (path, folder) = (world.path(), world.folder);
    drop((world.sqlite, world.ports));
    let refused = restore(&copy, &path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.to_string().contains("another process uses "), "{refused}");
    drop(raw);
    restore(&copy, &path).unwrap();
    drop(folder);
}

#[tokio::test]
async fn a_database_of_two_names_is_refused_by_either() {
    let world = World::new().await;
    let copy = world.folder.path().join("copy.sqlite");
    world.sqlite.backup(&copy).await.unwrap();
    let (path, folder) = (world.path(), world.folder);
    drop((world.sqlite, world.ports));
    let other = folder.path().join("other.sqlite");
    fs::hard_link(&path, &other).unwrap();
    for name in [&path, &other] {
        for options in [Options::default(), Options::default().as_server()] {
            let refused = options.open(name).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid);
            assert!(refused.to_string().contains("has 2 names"), "{refused}");
        }
        let refused = restore(&copy, name).unwrap_err();
        assert!(refused.to_string().contains("has 2 names"), "{refused}");
    }
    fs::remove_file(other).unwrap();
    Options::default().as_server().open(path).unwrap();
}

#[tokio::test]
async fn what_is_no_file_is_neither_read_nor_replaced() {
    let world = World::new().await;
    let at = |name: &str| world.folder.path().join(name);
    let (copy, within, pipe) = (at("copy.sqlite"), at("folder/within"), at("pipe"));
    world.sqlite.backup(&copy).await.unwrap();
    fs::create_dir(at("folder")).unwrap();
    fs::write(&within, "kept").unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (name, what) in [(at("folder"), "a folder"), (pipe, "no regular file")] {
        for refused in [
            restore(&copy, &name).unwrap_err(),
            restore(&name, &at("other.sqlite")).unwrap_err(),
            Options::default().open(&name).unwrap_err(),
            Options::default().with_migrate(Migrate::Never).open(&name).unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::Invalid);
            let told = format!("{} is {what}", name.display());
            assert!(refused.to_string().contains(&told), "{refused}");
        }
    }
    assert_eq!(fs::read_to_string(within).unwrap(), "kept");
}

#[tokio::test]
async fn what_root_restores_belongs_to_the_owner_of_what_it_replaces_or_of_the_folder() {
    use std::os::unix::fs::{MetadataExt, chown};
    let world = World::new().await;
    let (copy, folder) = (world.folder.path().join("copy.sqlite"), world.folder.path().join("folder"));
    world.sqlite.backup(&copy).await.unwrap();
    fs::create_dir(&folder).unwrap();
    // Nobody but root gives files away.
    if chown(&folder, Some(4321), Some(4322)).is_err() {
        return;
    }
    let owners = |ends: &[&str]| {
        let owner = |end: &&str| {
            let found = fs::metadata(folder.join(format!("leads.sqlite{end}"))).unwrap();
            (found.uid(), found.gid())
        };
        ends.iter().map(owner).collect::<Vec<_>>()
    };
    let database = folder.join("leads.sqlite");
    restore(&copy, &database).unwrap();
    assert_eq!(owners(&["", ".lock", ".open"]), [(4321, 4322); 3]);
    chown(&database, Some(1234), Some(1235)).unwrap();
    restore(&copy, &database).unwrap();
    assert_eq!(owners(&[""]), [(1234, 1235)]);
    for lock in [".lock", ".open"] {
        fs::remove_file(folder.join(format!("leads.sqlite{lock}"))).unwrap();
    }
    let _server = Options::default().as_server().open(&database).unwrap();
    assert_eq!(owners(&["", ".lock", ".open", "-wal"]), [(1234, 1235); 4]);
}
