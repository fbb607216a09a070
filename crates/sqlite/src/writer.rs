//! The one thread that writes. It commits together what has queued up, and answers nobody before the commit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use crate::connection::Access;
use crate::error::Fault;
use crate::lock::ServerLock;
use crate::log::Log;
use crate::place::Place;
use crate::writing::{Recorded, Surroundings, Together, Writing};

/// Jobs of one commit, at most.
const GROUP: usize = 256;
/// How long a job waits for room in the queue.
const ROOM: Duration = Duration::from_secs(5);

/// Where jobs are handed in.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It ends when the writer is dropped, after all that is in the queue.
    pub(crate) fn start(
        place: Place,
        queue: usize,
        surroundings: Surroundings,
        lock: Option<ServerLock>,
    ) -> Result<Self, Fault> {
        let mut worker = Worker::new(place, surroundings)?;
        // What a server before left in the log may not have reached the disk, and what this one writes stands behind it.
        if lock.is_some()
            && let Err(fault) = worker.copy_log()
            && fault.code() == Some(ErrorCode::SystemIoFailure)
        {
            return Err(fault);
        }
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            worker.work(receiver);
            // After the connection, so that the next server finds a file that nobody holds.
            drop(lock);
        });
        let thread = thread.map_err(|error| Fault::Invalid(format!("cannot start a thread: {error}")))?;
        Ok(Self { queue: Some(sender), thread: Some(thread) })
    }

    /// Has a job done and waits until what it did is on the disk. Whoever stops waiting does not stop the job.
    ///
    /// The job may be done more than once, but all that it did before is undone then.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Writing<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { work, done: None, reply });
        let queue = self.queue.as_ref().ok_or(Fault::Closed)?;
        match queue.try_reserve() {
            Ok(place) => place.send(job),
            Err(mpsc::error::TrySendError::Closed(())) => return Err(Fault::Closed),
            Err(mpsc::error::TrySendError::Full(())) => {
                let place = tokio::time::timeout(ROOM, queue.reserve()).await.map_err(|_| Fault::Crowded)?;
                place.map_err(|_| Fault::Closed)?.send(job);
            }
        }
        let (answer, others) = answer.await.map_err(|_| Fault::Unanswered)?;
        drop(others);
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It has caught its panics; what is left to know is that the file is closed.
            let _ = thread.join();
        }
    }
}

/// Something to be done inside of a transaction.
trait Job: Send {
    /// Does it; what it did is undone if it fails or if the transaction does.
    fn attempt(&mut self, writing: &mut Writing<'_>) -> Result<(), Fault>;

    /// Answers whoever waits for it. Who is told of others tells them.
    fn conclude(self: Box<Self>, ending: Result<(), Fault>, others: Others);
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

struct Task<T, F> {
    work: F,
    done: Option<T>,
    reply: oneshot::Sender<(Result<T, Fault>, Others)>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnMut(&mut Writing<'_>) -> Result<T, Fault> + Send,
{
    fn attempt(&mut self, writing: &mut Writing<'_>) -> Result<(), Fault> {
        self.done = Some((self.work)(writing)?);
        Ok(())
    }

    fn conclude(self: Box<Self>, ending: Result<(), Fault>, others: Others) {
        let Self { work: _, done, reply } = *self;
        let answer = ending.and_then(|()| done.ok_or(Fault::Closed));
        // Whoever does not wait any longer need not be told; its others are, as the answer is dropped.
        let _ = reply.send((answer, others));
    }
}

/// Jobs of a group that are to be answered: to wake everybody is work that whoever is woken first can do, while the
/// writer goes on. A clone is on its way with the first one's answer, another stays with the writer, for nobody's answer
/// may depend on what somebody else does. They are answered when the first of the clones is dropped.
#[derive(Clone, Default)]
struct Others(Arc<Mutex<Vec<Answer>>>);

/// A job, and how it ended.
type Answer = (Box<dyn Job>, Result<(), Fault>);

impl Drop for Others {
    fn drop(&mut self) {
        let untold = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (job, ending) in untold {
            job.conclude(ending, Self::default());
        }
    }
}

/// What became of one job of a group that was committed, and what it recorded.
struct Ending {
    result: Result<(), Fault>,
    trace: Trace,
}

/// What a job left in the transaction.
enum Trace {
    /// Nothing: it failed.
    Nothing,
    /// These events.
    Events(Vec<Recorded>),
    /// Something that has no events.
    Other,
}

/// Why a group was not committed.
enum Broken {
    /// The transaction did not even begin; it would not for one of the jobs alone either.
    NotBegun(Fault),
    /// Nothing of it holds.
    Undone(Fault),
    /// The commit itself failed: what each job left is to be looked up.
    Unclear(Fault, Vec<Ending>),
}

struct Worker {
    place: Place,
    /// Before the connection, which copies the log when it is the last to be closed.
    log: Log,
    /// None after an error that makes it doubtful; it is opened again with the next group.
    connection: Option<Connection>,
    surroundings: Surroundings,
    /// Those of the last group whom the first of it may not have told yet.
    others: Others,
}

impl Worker {
    fn new(place: Place, surroundings: Surroundings) -> Result<Self, Fault> {
        let connection = place.open(Access::Write)?;
        let log = Log::open(&place)?;
        Ok(Self { place, log, connection: Some(connection), surroundings, others: Others::default() })
    }

    fn work(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        loop {
            let waiting = queue.try_recv().ok().or_else(|| {
                // Who has nothing else to do leaves nobody waiting.
                self.others = Others::default();
                queue.blocking_recv()
            });
            let Some(first) = waiting else { return };
            let mut jobs = vec![first];
            while jobs.len() < GROUP {
                match queue.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            // Nothing in here is known to break off outside of a job. Should it, whoever waits is told that nobody knows,
            // and the next group finds a connection of its own.
            if catch_unwind(AssertUnwindSafe(|| self.group(jobs))).is_err() {
                tracing::error!("the writer broke off and goes on");
                self.connection = None;
            }
        }
    }

    /// Does jobs in one transaction; where it is lost each again, alone, once.
    fn group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.together(&mut jobs) {
            Ok(endings) => self.others = conclude(jobs, endings),
            Err(Broken::NotBegun(fault)) => refuse(jobs, &fault),
            Err(Broken::Undone(fault)) if jobs.len() == 1 => refuse(jobs, &fault),
            Err(Broken::Undone(fault)) => {
                tracing::warn!(
                    "{} changes were undone together and are tried alone: {}",
                    jobs.len(),
                    told(&fault)
                );
                jobs.into_iter().for_each(|job| self.alone(job));
            }
            Err(Broken::Unclear(fault, endings)) => {
                tracing::error!(
                    "a commit failed, its {} changes are looked up: {}",
                    jobs.len(),
                    told(&fault)
                );
                self.settle(jobs, endings, &fault);
            }
        }
        if self.connection.as_ref().is_some_and(|connection| self.log.is_due(connection)) {
            // Nobody waits for it.
            self.others = Others::default();
            if let Err(fault) = self.copy_log() {
                tracing::warn!("the log is not copied into the database: {}", told(&fault));
            }
        }
    }

    fn copy_log(&mut self) -> Result<(), Fault> {
        self.connection.as_mut().map_or(Ok(()), |connection| self.log.copy(connection))
    }

    fn alone(&mut self, job: Box<dyn Job>) {
        let mut jobs = vec![job];
        match self.together(&mut jobs) {
            Ok(endings) => drop(conclude(jobs, endings)),
            Err(Broken::NotBegun(fault) | Broken::Undone(fault)) => refuse(jobs, &fault),
            Err(Broken::Unclear(fault, endings)) => {
                let settled = self.look_up(&endings);
                for (job, found) in jobs.into_iter().zip(settled) {
                    let ending = match found {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(fault.clone()),
                        Err(()) => Err(unknown(&fault)),
                    };
                    job.conclude(ending, Others::default());
                }
            }
        }
    }

    /// After a commit that failed: who finds what they did stored is answered so, the others are done again, alone.
    fn settle(&mut self, jobs: Vec<Box<dyn Job>>, endings: Vec<Ending>, fault: &Fault) {
        let settled = self.look_up(&endings);
        for (job, found) in jobs.into_iter().zip(settled) {
            match found {
                Ok(true) => job.conclude(Ok(()), Others::default()),
                Ok(false) => self.alone(job),
                Err(()) => job.conclude(Err(unknown(fault)), Others::default()),
            }
        }
    }

    /// Whether what each job left is stored; an error where it cannot be told.
    ///
    /// A commit whose sync failed may lie in the log, behind all that holds. Nobody reads it there as long as the file is
    /// open, and something else that is committed takes its place. After that what is seen is what is.
    fn look_up(&mut self, endings: &[Ending]) -> Vec<Result<bool, ()>> {
        self.connection = None;
        let told = self.connection().and_then(|connection| {
            connection.execute_batch(
                "BEGIN IMMEDIATE;
                 INSERT INTO store (name, value) VALUES ('settled', 1)
                 ON CONFLICT (name) DO UPDATE SET value = value + 1;
                 COMMIT",
            )?;
            let stored = endings.iter().map(|ending| match &ending.trace {
                Trace::Nothing => Ok(Ok(false)),
                Trace::Other => Ok(Err(())),
                Trace::Events(events) => {
                    let stored = events.iter().map(|event| event.is_stored(connection));
                    Ok(Ok(stored.collect::<Result<Vec<bool>, Fault>>()?.into_iter().all(|is| is)))
                }
            });
            stored.collect::<Result<Vec<_>, Fault>>()
        });
        told.unwrap_or_else(|fault| {
            tracing::error!("what a failed commit left cannot be looked up: {}", self::told(&fault));
            self.connection = None;
            endings.iter().map(|_| Err(())).collect()
        })
    }

    fn connection(&mut self) -> Result<&Connection, Fault> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => Ok(empty.insert(self.place.open(Access::Write)?)),
        }
    }

    /// One transaction for all jobs, one commit.
    fn together(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Vec<Ending>, Broken> {
        self.place.check().and_then(|()| self.connection().map(drop)).map_err(Broken::NotBegun)?;
        let Some(connection) = self.connection.take() else { return Err(Broken::NotBegun(Fault::Closed)) };
        let done = transact(&connection, &self.surroundings, jobs).and_then(|endings| {
            // Taken away before the commit or after it: who can tell.
            match self.place.check() {
                Ok(()) => Ok(endings),
                Err(fault) => Err(Broken::Unclear(fault, endings)),
            }
        });
        let is_sound = match &done {
            Ok(_) => true,
            Err(Broken::NotBegun(fault) | Broken::Undone(fault) | Broken::Unclear(fault, _)) => {
                !fault.breaks_connection()
            }
        };
        if is_sound && connection.is_autocommit() {
            self.connection = Some(connection);
        }
        done
    }
}

fn transact(
    connection: &Connection,
    surroundings: &Surroundings,
    jobs: &mut [Box<dyn Job>],
) -> Result<Vec<Ending>, Broken> {
    let run = |sql| -> Result<(), Fault> {
        connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    };
    let roll_back = || {
        if !connection.is_autocommit() {
            let _ = run("ROLLBACK");
        }
    };
    let undone = |fault| {
        roll_back();
        Broken::Undone(fault)
    };
    run("BEGIN IMMEDIATE").map_err(Broken::NotBegun)?;
    let mut together = Together::default();
    let mut endings = Vec::with_capacity(jobs.len());
    for job in jobs.iter_mut() {
        let before = connection.total_changes();
        let mut writing = Writing::new(connection, surroundings, &mut together);
        let result = attempt(&mut **job, &mut writing);
        // Some errors take the transaction along.
        if connection.is_autocommit() {
            return Err(Broken::Undone(result.err().unwrap_or(Fault::Closed)));
        }
        let trace = match &result {
            Ok(()) => {
                let events = writing.done();
                if events.is_empty() { Trace::Other } else { Trace::Events(events) }
            }
            Err(fault) if fault.code().is_some_and(is_of_the_disk) => return Err(undone(fault.clone())),
            // Refusals come before anything is changed. A savepoint for what comes later would make each page of each job be
            // copied: rather all of the group is undone then, and each of it done alone.
            Err(fault) if !writing.undo() || connection.total_changes() != before => {
                return Err(undone(fault.clone()));
            }
            Err(_) => Trace::Nothing,
        };
        endings.push(Ending { result, trace });
    }
    together.write(connection).map_err(undone)?;
    match run("COMMIT") {
        Ok(()) => Ok(endings),
        // Of these two SQLite says for certain that nothing was stored.
        Err(fault) if matches!(fault.code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy)) => {
            Err(undone(fault))
        }
        Err(fault) => {
            roll_back();
            Err(Broken::Unclear(fault, endings))
        }
    }
}

/// Whether all jobs of the group would meet it.
const fn is_of_the_disk(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
    )
}

/// Does a job and survives it.
fn attempt(job: &mut dyn Job, writing: &mut Writing<'_>) -> Result<(), Fault> {
    let done = catch_unwind(AssertUnwindSafe(|| job.attempt(writing)));
    done.unwrap_or_else(|panic| Err(Fault::Panicked(words(&*panic))))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}

/// Answers the first; the others, who are answered when this is dropped or sooner.
fn conclude(jobs: Vec<Box<dyn Job>>, endings: Vec<Ending>) -> Others {
    let mut answers = jobs.into_iter().zip(endings.into_iter().map(|ending| ending.result));
    let first = answers.next();
    let others = Others(Arc::new(Mutex::new(answers.collect())));
    if let Some((job, ending)) = first {
        job.conclude(ending, others.clone());
    }
    others
}

fn refuse(jobs: Vec<Box<dyn Job>>, fault: &Fault) {
    jobs.into_iter().for_each(|job| job.conclude(Err(fault.clone()), Others::default()));
}

fn unknown(fault: &Fault) -> Fault {
    match fault {
        Fault::Database(error) => Fault::Unknown(Arc::clone(error)),
        _ => Fault::Unanswered,
    }
}

fn told(fault: &Fault) -> String {
    match fault {
        Fault::Database(error) | Fault::Unknown(error) => format!("{fault}: {error}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt as _;
    use incoming_leads_port::{ErrorKind, Operation, Outcome};

    use super::*;
    use crate::convert::execute;
    use crate::options::Options;
    use crate::store::Sqlite;

    const ADD: &str = "INSERT INTO store VALUES (?1, ?2)";
    const FORGET: &str = "DELETE FROM store WHERE name LIKE 'row %'";

    fn store(folder: &tempfile::TempDir) -> Sqlite {
        Options::default().open(folder.path().join("leads.sqlite")).unwrap()
    }

    fn count(store: &Sqlite) -> u32 {
        let sql = "SELECT COUNT(*) FROM store WHERE name LIKE 'row %'";
        store
            .shared
            .readers
            .read_here(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?))
            .unwrap()
    }

    fn row(
        store: &Sqlite,
        number: u32,
        bytes: usize,
    ) -> impl Future<Output = Result<(), Fault>> + Send + use<> {
        let shared = store.shared.clone();
        async move {
            let value = vec![7_u8; bytes];
            let insert = move |writing: &mut Writing<'_>| {
                execute(writing.connection, ADD, (format!("row {number}"), &value)).map(drop)
            };
            shared.writer.write(insert).await
        }
    }

    /// What the file may grow to is all the room that the disk has.
    async fn limit(store: &Sqlite, pages: u32) {
        let limit = move |writing: &mut Writing<'_>| {
            Ok(writing.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        store.shared.writer.write(limit).await.unwrap();
    }

    #[tokio::test]
    async fn a_job_that_breaks_off_is_undone_and_the_next_are_done() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let broken = store.shared.write(Operation::Provision, |writing| -> Result<(), Fault> {
            execute(writing.connection, ADD, ("row 0", 1))?;
            panic!("on purpose");
        });
        let (broken, next) = tokio::join!(broken, row(&store, 1, 1));
        let error = broken.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Damaged, Outcome::NotApplied));
        assert!(error.to_string().contains("on purpose"), "{error}");
        next.unwrap();
        assert_eq!(count(&store), 1);
    }

    #[tokio::test]
    async fn a_job_that_fails_after_it_has_written_takes_no_other_along() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        // Held up, so that they are one group.
        let hold = store.shared.writer.write(|_| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(())
        });
        let late = store.shared.writer.write(|writing| -> Result<(), Fault> {
            execute(writing.connection, ADD, ("row 0", 1))?;
            Err(Fault::Invalid("on purpose".to_owned()))
        });
        let (_, one, late, other) = tokio::join!(hold, row(&store, 1, 1), late, row(&store, 2, 1));
        one.unwrap();
        other.unwrap();
        assert_eq!(late.unwrap_err().told(Operation::Provision).outcome(), Outcome::NotApplied);
        assert_eq!(count(&store), 2);
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Goes {
        BeforeTheAnswer,
        AfterTheAnswer,
        Never,
    }

    #[tokio::test]
    async fn who_stops_waiting_keeps_no_answer_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        for goes in [Goes::BeforeTheAnswer, Goes::AfterTheAnswer, Goes::Never] {
            let hold = store.shared.writer.write(|_| {
                std::thread::sleep(Duration::from_millis(100));
                Ok(())
            });
            // The first of a group is answered with the answers of the others.
            let (mut hold, mut first) = (Box::pin(hold), Box::pin(row(&store, 2, 1)));
            let mut other = Box::pin(row(&store, 3, 1));
            assert!((&mut hold).now_or_never().is_none());
            assert!((&mut first).now_or_never().is_none() && (&mut other).now_or_never().is_none());
            let mut first = Some(first);
            if goes == Goes::BeforeTheAnswer {
                first = None;
            }
            std::thread::sleep(Duration::from_millis(300));
            if goes == Goes::AfterTheAnswer {
                first = None;
            }
            hold.await.unwrap();
            tokio::time::timeout(Duration::from_secs(5), other).await.expect("others are answered").unwrap();
            drop(first);
            assert_eq!(count(&store), 2);
            store.shared.writer.write(|writing| execute(writing.connection, FORGET, [])).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_a_failed_job_counted_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let account = 1_u64.try_into().unwrap();
        let hold = store.shared.writer.write(|_| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(())
        });
        let touch = |fails: bool| {
            let touch = move |writing: &mut Writing<'_>| {
                writing.next_sequence(account)?;
                if fails { Err(Fault::Invalid("on purpose".to_owned())) } else { Ok(()) }
            };
            store.shared.writer.write(touch)
        };
        let (_, one, fails, other) = tokio::join!(hold, touch(false), touch(true), touch(false));
        assert!(one.is_ok() && fails.is_err() && other.is_ok());
        let marks =
            store.shared.readers.read_here(|connection| crate::writing::marks(connection, account)).unwrap();
        assert_eq!(marks, (2, 2), "revision and sequence of what was done, and of nothing else");
    }

    #[tokio::test]
    async fn when_the_disk_is_full_each_job_is_done_that_has_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        limit(&store, 80).await;
        // Held up, so that they are one group.
        let hold = store.shared.writer.write(|_| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(())
        });
        let small = |number| row(&store, number, 10);
        let (_, one, large, other) = tokio::join!(hold, small(1), row(&store, 2, 1 << 20), small(3));
        one.unwrap();
        other.unwrap();
        let error = large.unwrap_err().told(Operation::Add);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::NotApplied));
        assert!(error.to_string().contains("the disk is full") && error.retry_after().is_some(), "{error}");
        assert_eq!(count(&store), 2);
        // It comes back by itself.
        limit(&store, 10_000).await;
        row(&store, 4, 1 << 20).await.unwrap();
        assert_eq!(count(&store), 3);
    }

    #[tokio::test]
    async fn what_a_failed_commit_left_is_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let surroundings = Surroundings {
            ids: Arc::new(incoming_leads_port::Ids::random()),
            layouts: store.shared.layouts.clone(),
        };
        let place = Place::of(store.shared.path.clone()).unwrap();
        execute(
            &place.open(Access::Write).unwrap(),
            "INSERT INTO events VALUES (1, 1, 'u', 0, 'as it was')",
            [],
        )
        .unwrap();
        let mut worker = Worker::new(place, surroundings).unwrap();
        let ending = |trace| Ending { result: Ok(()), trace };
        let recorded = |sequence, body: &str| {
            Trace::Events(vec![Recorded::new(1_u64.try_into().unwrap(), sequence, body.to_owned())])
        };
        let endings = [
            ending(recorded(1, "as it was")),
            ending(recorded(1, "another")),
            ending(recorded(2, "as it was")),
            ending(Trace::Other),
            ending(Trace::Nothing),
        ];
        let found = worker.look_up(&endings);
        assert_eq!(found, [Ok(true), Ok(false), Ok(false), Err(()), Ok(false)]);
    }

    #[tokio::test]
    async fn a_failed_commit_of_what_has_no_events_is_unknown_whatever_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let surroundings = Surroundings {
            ids: Arc::new(incoming_leads_port::Ids::random()),
            layouts: store.shared.layouts.clone(),
        };
        let mut worker = Worker::new(Place::of(store.shared.path.clone()).unwrap(), surroundings).unwrap();
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        let fault = Fault::from(rusqlite::Error::SqliteFailure(error, None));
        for operation in [Operation::Registry, Operation::Provision] {
            let (reply, answer) = oneshot::channel();
            let job = Box::new(Task { work: |_: &mut Writing<'_>| Ok(()), done: Some(()), reply });
            let ending = Ending { result: Ok(()), trace: Trace::Other };
            worker.settle(vec![job], vec![ending], &fault);
            let told = answer.await.unwrap().0.unwrap_err().told(operation);
            assert_eq!((told.kind(), told.outcome()), (ErrorKind::Unavailable, Outcome::Unknown), "{told}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_committed_to_a_file_that_is_gone_by_then_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let (path, aside) = (store.shared.path.clone(), folder.path().join("aside"));
        let take_away = {
            let aside = aside.clone();
            store.shared.writer.write(move |writing| {
                std::fs::rename(&path, &aside).unwrap();
                execute(writing.connection, ADD, ("row 1", 1)).map(drop)
            })
        };
        let error = take_away.await.unwrap_err().told(Operation::Add);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Unavailable, Outcome::Unknown), "{error}");
        std::fs::rename(&aside, &store.shared.path).unwrap();
        row(&store, 2, 1).await.unwrap();
        assert_eq!(count(&store), 2);
    }

    #[tokio::test]
    async fn what_has_queued_up_is_committed_together() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let transactions = |store: &Sqlite| {
            let log = store.shared.path.with_extension("sqlite-wal");
            std::fs::metadata(log).map_or(0, |log| log.len())
        };
        let begun = Instant::now();
        let hold = store.shared.writer.write(|_| {
            std::thread::sleep(Duration::from_millis(300));
            Ok(())
        });
        let before = transactions(&store);
        let rows = (0..100).map(|number| row(&store, number, 1)).collect::<Vec<_>>();
        let (_, rows) = tokio::join!(hold, futures_util::future::join_all(rows));
        assert!(rows.into_iter().all(|row| row.is_ok()), "after {:?}", begun.elapsed());
        // A hundred small rows in a few pages: each page once for all of them, not once for each.
        let grown = transactions(&store) - before;
        assert!(grown < 40 * 4096, "the log grew by {grown} bytes");
    }
}
