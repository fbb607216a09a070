//! What goes wrong with the database: what is told, what is true, and that the store comes back by itself.

use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use incoming_leads_conformance::fixture;
use incoming_leads_model::document::{Secret, Token};
use incoming_leads_model::{Accept, Add, ListQuery, Uid};
use incoming_leads_port::{Digest, Error, ErrorKind, IncomingLeads, Operation, Outcome, Ports, Registry};
use incoming_leads_postgres::Options;
use incoming_leads_testbed::{Error as Absent, Postgres as Server, Settings, Stop, database_of, in_ci};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::world::{World, add, administrator, connect, form, furnish};

/// How long the store may take once the cause has gone.
const BACK: Duration = Duration::from_secs(5);

/// A server of its own, unless the machine has none.
pub(crate) fn server() -> Option<Server> {
    match Server::start(&Settings::default().with_fsync(false)) {
        Err(Absent::Absent) if !in_ci() => None,
        started => Some(started.unwrap()),
    }
}

/// Tries until it works.
async fn comes_back<T, F: Future<Output = Result<T, Error>>>(attempt: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(start.elapsed() < BACK, "it did not come back: {error:?}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Lets commits wait for the standbys of these names.
async fn set_standbys(server: &Server, names: &str) {
    server.sql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'")).unwrap();
    server.sql("SELECT pg_reload_conf()").unwrap();
    while server.sql("SHOW synchronous_standby_names").unwrap() != names {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn try_to_add(ports: &Ports) -> Result<Uid, Error> {
    Ok(ports.incoming.add(&Add::forms(vec![form()])).await?.remove(0).uid)
}

#[track_caller]
fn assert_not_applied(error: &Error, kind: ErrorKind) {
    assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotApplied), "{error:?}");
    assert!(error.retry_after().is_some(), "{error:?}");
}

#[track_caller]
fn assert_unknown(error: &Error) {
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Unknown), "{error:?}");
    assert!(error.retry_after().is_some(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_comes_back_after_every_kind_of_stop_and_has_lost_nothing() {
    let Some(mut server) = server() else { return };
    let database = database_of(&server.url("postgres")).unwrap();
    let store = Options::default().open(&database.url()).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let mut acknowledged = Vec::new();
    for stop in [Stop::Fast, Stop::Immediate, Stop::Kill] {
        acknowledged.push(add(&*ports.incoming).await.uid);
        server.stop(stop).unwrap();
        assert_not_applied(&try_to_add(&ports).await.unwrap_err(), ErrorKind::Unavailable);
        let listed = ports.incoming.list(&ListQuery::default()).await;
        assert_not_applied(&listed.unwrap_err(), ErrorKind::Unavailable);
        server.resume().unwrap();
        acknowledged.push(comes_back(|| try_to_add(&ports)).await);
    }
    for uid in acknowledged {
        assert!(ports.incoming.get(&uid).await.unwrap().is_some(), "{uid}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_connections_that_were_ended_while_they_were_idle() {
    let Some(world) = World::new() else { return };
    let store = world.store().await;
    furnish(&store).await;
    let ports = administrator(&store).await;
    let client = world.client().await;
    for _ in 0..5 {
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.execute(ended, &[]).await.unwrap();
        let uid = try_to_add(&ports).await.unwrap();
        client.execute(ended, &[]).await.unwrap();
        assert!(ports.incoming.get(&uid).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_for_others_no_longer_than_was_said() {
    let Some(world) = World::new() else { return };
    furnish(&world.store().await).await;
    let short = Duration::from_millis(150);
    for (options, kind) in [
        (Options::default().with_lock_time(short), ErrorKind::Unavailable),
        (Options::default().with_statement_time(short), ErrorKind::Timeout),
    ] {
        let store = options.open(&world.database.url()).await.unwrap();
        let ports = administrator(&store).await;
        let holder = world.client().await;
        holder.batch_execute("BEGIN; SELECT FROM marks FOR UPDATE").await.unwrap();
        assert_not_applied(&try_to_add(&ports).await.unwrap_err(), kind);
        assert!(ports.incoming.list(&ListQuery::default()).await.is_ok(), "readers do not wait");
        holder.batch_execute("ROLLBACK").await.unwrap();
        comes_back(|| try_to_add(&ports)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_whole_group_waits_for_is_not_waited_for_one_by_one() {
    let Some(world) = World::new() else { return };
    furnish(&world.store().await).await;
    let short = Duration::from_millis(400);
    let options = Options::default().with_lock_time(short).with_writers(1);
    let store = options.open(&world.database.url()).await.unwrap();
    let ports = administrator(&store).await;
    let holder = world.client().await;
    holder.batch_execute("BEGIN; SELECT FROM marks FOR UPDATE").await.unwrap();
    let start = Instant::now();
    let adds = (0..40).map(|_| {
        let ports = ports.clone();
        tokio::spawn(async move { try_to_add(&ports).await })
    });
    for add in adds.collect::<Vec<_>>() {
        assert_not_applied(&add.await.unwrap().unwrap_err(), ErrorKind::Unavailable);
    }
    // A few of those that came first may be groups of their own.
    assert!(start.elapsed() < short * 20, "it took {:?}", start.elapsed());
    holder.batch_execute("ROLLBACK").await.unwrap();
    comes_back(|| try_to_add(&ports)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_nobodys_way_is_not_told_of_somebody_elses_lock() {
    let Some(world) = World::new() else { return };
    furnish(&world.store().await).await;
    let options = Options::default().with_lock_time(Duration::from_millis(300)).with_writers(1);
    let store = options.open(&world.database.url()).await.unwrap();
    let ports = administrator(&store).await;
    let held = add(&*ports.incoming).await.uid;
    let holder = world.client().await;
    holder.batch_execute("BEGIN").await.unwrap();
    let asked = "SELECT FROM items WHERE uid = $1 FOR UPDATE";
    holder.query(asked, &[&held.as_str()]).await.unwrap();
    let adds = (0..20).map(|number| {
        let (ports, held) = (ports.clone(), held.clone());
        tokio::spawn(async move {
            if number == 10 {
                assert!(ports.incoming.accept(&held, &Accept::default()).await.is_err());
            } else {
                try_to_add(&ports).await.unwrap();
            }
        })
    });
    for add in adds.collect::<Vec<_>>() {
        add.await.unwrap();
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    ports.incoming.accept(&held, &Accept::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_which_the_servers_disk_fails_is_unknown() {
    let Some(world) = World::new() else { return };
    let store = world.store().await;
    furnish(&store).await;
    let client = world.client().await;
    let digest = Digest([7; 32]);
    let secret = Secret::Sha256(digest.to_hex());
    let token = Token::bearer(fixture::ACCOUNT, fixture::ADMINISTRATOR, secret);
    // Raised by the commit itself, as a panic of the server would be: whether it holds nobody can tell from the code.
    for (code, outcome) in
        [("58030", Outcome::Unknown), ("53100", Outcome::Unknown), ("40001", Outcome::NotApplied)]
    {
        let fails = format!(
            "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$; \
             DROP TRIGGER IF EXISTS late ON tokens; \
             CREATE CONSTRAINT TRIGGER late AFTER INSERT ON tokens DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION fail()"
        );
        client.batch_execute(&fails).await.unwrap();
        let error = store.enrol(&token).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{code}: {error:?}");
    }
    client.batch_execute("DROP TRIGGER late ON tokens").await.unwrap();
    store.enrol(&token).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_nobodys_business() {
    let Some(world) = World::new() else { return };
    let store = world.store().await;
    furnish(&store).await;
    let ports = administrator(&store).await;
    let uid = add(&*ports.incoming).await.uid;
    let other = world.client().await;
    // It keeps the row that an accept takes last, and then asks for the one that it takes first.
    other.batch_execute("SET deadlock_timeout = '10s'; BEGIN; SELECT FROM marks FOR UPDATE").await.unwrap();
    let accepting = {
        let (leads, uid) = (ports.incoming.clone(), uid.clone());
        tokio::spawn(async move { leads.accept(&uid, &Accept::default()).await })
    };
    let account = i64::try_from(fixture::ACCOUNT.get()).unwrap();
    loop {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                     AND datname = current_database()";
        if world.client().await.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let asked = "SELECT FROM items WHERE account_id = $1 AND uid = $2 FOR UPDATE";
    other.query(asked, &[&account, &uid.as_str()]).await.unwrap();
    other.batch_execute("ROLLBACK").await.unwrap();
    accepting.await.unwrap().unwrap();
    assert!(ports.incoming.get(&uid).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_left_is_told_and_passes() {
    let Some(server) = server() else { return };
    server.sql("CREATE ROLE few LOGIN CONNECTION LIMIT 2").unwrap();
    server.sql("CREATE DATABASE few OWNER few").unwrap();
    let url = server.url("few").replace("leads@", "few@");
    let store = Options::default().with_connections(2).open(&url).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    server.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'few'").unwrap();
    let taken = [connect(&url).await, connect(&url).await];
    assert_not_applied(&try_to_add(&ports).await.unwrap_err(), ErrorKind::Unavailable);
    drop(taken);
    comes_back(|| try_to_add(&ports)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_the_server_that_can_be_written_to() {
    let Some(mut primary) = server() else { return };
    let standby = primary.standby().unwrap();
    set_standbys(&primary, "*").await;
    let hosts = [primary.url("postgres"), standby.url("postgres")]
        .map(|url| url["postgresql://leads@".len()..].replace("/postgres", ""));
    let address = format!("postgresql://leads@{}/postgres", hosts.join(","));
    let store = Options::default().open(&address).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let before = add(&*ports.incoming).await.uid;
    primary.stop(Stop::Immediate).unwrap();
    let refused = try_to_add(&ports).await.unwrap_err();
    assert_not_applied(&refused, ErrorKind::Unavailable);
    standby.promote().unwrap();
    comes_back(|| try_to_add(&ports)).await;
    assert!(ports.incoming.get(&before).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_became_read_only_is_told_and_passes() {
    let Some(server) = server() else { return };
    let store = Options::default().open(&server.url("postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let switch = |to: &str| {
        server.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {to}")).unwrap();
        server.sql("SELECT pg_reload_conf()").unwrap();
    };
    switch("on");
    let start = Instant::now();
    let refused = loop {
        // The server tells its sessions when it comes to it.
        if let Err(error) = try_to_add(&ports).await {
            break error;
        }
        assert!(start.elapsed() < BACK);
    };
    assert_not_applied(&refused, ErrorKind::Unavailable);
    let reset = "ALTER SYSTEM RESET default_transaction_read_only";
    server.sql(reset).unwrap();
    server.sql("SELECT pg_reload_conf()").unwrap();
    comes_back(|| try_to_add(&ports)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_no_standby_has_is_no_success() {
    let Some(server) = server() else { return };
    let options = Options::default().with_statement_time(Duration::from_millis(500));
    let store = options.open(&server.url("postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    set_standbys(&server, "nobody").await;
    // The first ones may come before the server has told everybody.
    let start = Instant::now();
    let unknown = loop {
        if let Err(error) = try_to_add(&ports).await {
            break error;
        }
        assert!(start.elapsed() < BACK);
    };
    assert_unknown(&unknown);
    set_standbys(&server, "").await;
    comes_back(|| try_to_add(&ports)).await;
}

/// More than a store with these options may take to answer, whatever does not.
const SILENCE: Duration = Duration::from_secs(12);

/// Short bounds, for what lasts as long as they are.
fn impatient() -> Options {
    let second = Duration::from_secs(1);
    Options::default().with_statement_time(second).with_connect_time(second).with_wait(second * 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stands_still_keeps_nobody_waiting() {
    let Some(server) = server() else { return };
    let store = impatient().open(&server.url("postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let adds = || {
        let add = |_| {
            let ports = ports.clone();
            tokio::spawn(async move {
                let draft = form();
                (draft.clone(), ports.incoming.add(&Add::forms(vec![draft])).await)
            })
        };
        (0..30).map(add).collect::<Vec<_>>()
    };
    let mut before = adds();
    sleep(Duration::from_millis(20)).await;
    let frozen = server.freeze().unwrap();
    let start = Instant::now();
    before.extend(adds());
    let lists = (0..30).map(|_| {
        let (store, ports) = (store.clone(), ports.clone());
        tokio::spawn(async move {
            let listed = ports.incoming.list(&ListQuery::default()).await;
            (listed, store.token(&Digest([7; 32])).await)
        })
    });
    for list in lists.collect::<Vec<_>>() {
        let (listed, token) = timeout(SILENCE, list).await.expect("it is answered").unwrap();
        assert_not_applied(&listed.unwrap_err(), ErrorKind::Unavailable);
        assert_not_applied(&token.unwrap_err(), ErrorKind::Unavailable);
    }
    let mut told = Vec::new();
    for add in before {
        told.push(timeout(SILENCE, add).await.expect("it is answered").unwrap());
    }
    assert!(start.elapsed() < SILENCE, "it took {:?}", start.elapsed());
    drop(frozen);
    comes_back(|| try_to_add(&ports)).await;
    // What was not applied may be tried again; what was, is there, and its like is not taken.
    for (draft, told) in told {
        let again = ports.incoming.add(&Add::forms(vec![draft])).await;
        match told {
            Ok(_) => assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid),
            Err(error) if error.outcome() == Outcome::NotApplied => drop(again.unwrap()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_leaves_a_server_that_stands_still_for_one_that_took_over() {
    let Some(primary) = server() else { return };
    let standby = primary.standby().unwrap();
    let hosts = [&primary, &standby].map(|server| server.url("postgres"));
    let [first, second] =
        hosts.each_ref().map(|url| &url["postgresql://leads@".len()..url.len() - "/postgres".len()]);
    let store = impatient().open(&format!("postgresql://leads@{first},{second}/postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let uid = add(&*ports.incoming).await.uid;
    let has_come = format!("SELECT count(*) FROM items WHERE uid = '{uid}'");
    while !standby.sql(&has_come).is_ok_and(|count| count == "1") {
        sleep(Duration::from_millis(20)).await;
    }
    let _frozen = primary.freeze().unwrap();
    standby.promote().unwrap();
    comes_back(|| try_to_add(&ports)).await;
    assert!(ports.incoming.get(&uid).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_what_somebody_did_not_wait_for() {
    let Some(world) = World::new() else { return };
    let options = Options::default().with_connections(2);
    let store = options.open(&world.database.url()).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    let uid = add(&*ports.incoming).await.uid;
    let holder = world.client().await;
    holder.batch_execute("BEGIN; LOCK items").await.unwrap();
    let both = join_all((0..2).map(|_| ports.incoming.get(&uid)));
    assert!(timeout(Duration::from_millis(500), both).await.is_err(), "they wait");
    let start = Instant::now();
    assert_eq!(store.grant("nobody's").await.unwrap(), None);
    assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_takes_a_connection_and_says_nothing_does_not_hide_the_others() {
    let Some(server) = server() else { return };
    let mute = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = mute.local_addr().unwrap().port();
    let url = server.tcp_url("postgres");
    let address = url.replace("@127.0.0.1:", &format!("@127.0.0.1:{port},127.0.0.1:"));
    let time = Duration::from_millis(800);
    let start = Instant::now();
    let store = Options::default().with_connect_time(time).open(&address).await.unwrap();
    assert!((time..time * 3).contains(&start.elapsed()), "it took {:?}", start.elapsed());
    furnish(&store).await;
    let ports = administrator(&store).await;
    add(&*ports.incoming).await;
    // Which of them answers is remembered.
    assert!(start.elapsed() < time * 4, "it took {:?}", start.elapsed());
}

/// An add whose commit waits for a standby.
async fn waits_for_a_standby(server: &Server, ports: &Ports) -> JoinHandle<Result<Uid, Error>> {
    let leads = ports.clone();
    let adding = tokio::spawn(async move { try_to_add(&leads).await });
    let start = Instant::now();
    while server.sql(WAITING).unwrap().is_empty() {
        assert!(start.elapsed() < BACK, "it does not wait");
        sleep(Duration::from_millis(20)).await;
    }
    adding
}

const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_is_not_asked_for_long_what_became_of_a_commit() {
    let Some(server) = server() else { return };
    let (second, short) = (Duration::from_secs(1), Duration::from_millis(500));
    let options = Options::default().with_statement_time(second * 3).with_lock_time(short);
    let options = options.with_connect_time(second).with_wait(second);
    let store = options.open(&server.url("postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    // Some connections are idle.
    let query = ListQuery::default();
    join_all((0..8).map(|_| ports.incoming.list(&query))).await;
    set_standbys(&server, "nobody").await;
    let start = Instant::now();
    let adding = waits_for_a_standby(&server, &ports).await;
    let frozen = server.freeze().unwrap();
    assert_unknown(&adding.await.unwrap().unwrap_err());
    // The commit has 3.5 s, the questions have one.
    assert!(start.elapsed() < second * 6, "it took {:?}", start.elapsed());
    drop(frozen);
    set_standbys(&server, "").await;
    comes_back(|| try_to_add(&ports)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_found_later_is_no_success_before_a_standby_has_it() {
    let Some(mut primary) = server() else { return };
    let standby = primary.standby().unwrap();
    let wait = Duration::from_secs(2);
    let store = Options::default().with_wait(wait).open(&primary.url("postgres")).await.unwrap();
    furnish(&store).await;
    let ports = administrator(&store).await;
    set_standbys(&primary, "*").await;
    let ended = format!("SELECT pg_terminate_backend(pid) FROM ({WAITING}) AS waiting");

    let frozen = standby.freeze().unwrap();
    let adding = waits_for_a_standby(&primary, &ports).await;
    primary.sql(&ended).unwrap();
    assert_unknown(&adding.await.unwrap().unwrap_err());
    let start = Instant::now();
    while !primary.sql(WAITING).unwrap().is_empty() {
        assert!(start.elapsed() < BACK, "something of ours waits on");
        sleep(Duration::from_millis(20)).await;
    }
    drop(frozen);
    comes_back(|| try_to_add(&ports)).await;

    let frozen = standby.freeze().unwrap();
    let adding = waits_for_a_standby(&primary, &ports).await;
    primary.sql(&ended).unwrap();
    sleep(wait / 4).await;
    drop(frozen);
    let uid = adding.await.unwrap().unwrap();
    primary.stop(Stop::Kill).unwrap();
    standby.promote().unwrap();
    let found = standby.sql(&format!("SELECT count(*) FROM items WHERE uid = '{uid}'")).unwrap();
    assert_eq!(found, "1");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_available() {
    let refused = Options::default().open("postgresql://nobody@127.0.0.1:1/nothing").await.unwrap_err();
    assert_eq!((refused.kind(), refused.operation()), (ErrorKind::Unavailable, Operation::Open));
}
