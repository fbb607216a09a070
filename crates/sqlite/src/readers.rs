//! The connections that read, beside the one that writes.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::connection::Access;
use crate::error::Fault;
use crate::place::Place;

/// A bounded number of readers.
#[derive(Debug)]
pub(crate) struct Readers {
    place: Place,
    most: usize,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(place: Place, most: usize) -> Self {
        Self { place, most, idle: Mutex::default(), permits: Arc::new(Semaphore::new(most)) }
    }

    /// Reads on a thread that may wait for the disk. All that one call reads is of one moment.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| Fault::Closed)?;
        let readers = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let answer = readers.read_here(read);
            drop(permit);
            answer
        });
        read.await.unwrap_or_else(|error| Err(Fault::Panicked(error.to_string())))
    }

    /// Reads on this very thread: for a row or two that nearly always lie in memory.
    pub(crate) fn read_here<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.place.open(Access::Read)?,
        };
        let answer = in_transaction(&connection, read);
        let is_sound = !answer.as_ref().is_err_and(Fault::breaks_connection) && connection.is_autocommit();
        let mut idle = self.idle();
        if is_sound && idle.len() < self.most {
            idle.push(connection);
        }
        answer
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of idle connections is whole whatever happened.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads as of one moment.
pub(crate) fn in_transaction<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let answer = read(connection);
    let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    let answer = answer?;
    ended?;
    Ok(answer)
}
