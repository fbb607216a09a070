//! Questions that come with every request: those of all who ask at the same time are sent as one.
//!
//! A question is sent after whoever asks it came, so nobody is answered from before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::connection::Lease;
use crate::error::{Fault, Result};
use crate::gathering::Gathering;
use crate::store::Core;

/// Keys of one question, at most.
const MOST: usize = 256;
/// Questions of one kind under way at the same time: the second one is for when the first gets no answer.
const LANES: usize = 2;
/// Callers that wait to be asked for, at most; further ones wait for a place.
const QUEUE: usize = 1024;

/// A key, and who waits for what is found under it.
type Asked<K, A> = (K, oneshot::Sender<Result<Option<A>>>);

/// Looks keys up, those of many callers together.
pub(crate) struct Gathered<K, A> {
    asked: mpsc::Sender<Asked<K, A>>,
    wait: Duration,
}

impl<K, A> Gathered<K, A>
where
    K: Ord + Copy + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// Starts to answer by this question. What does so ends when the last handle is gone.
    pub(crate) fn start<Q>(core: &Arc<Core>, question: Q) -> Self
    where
        Q: for<'a> Fn(&'a Core, &'a Lease, &'a [K]) -> BoxFuture<'a, Result<BTreeMap<K, A>>>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        let (asked, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Gathering::new(waiting, MOST, |_| 1));
        for _ in 0..LANES {
            tokio::spawn(lane(core.clone(), waiting.clone(), question.clone()));
        }
        Self { asked, wait: core.wait }
    }

    /// What is found under this key.
    pub(crate) async fn find(&self, key: K) -> Result<Option<A>> {
        let (reply, found) = oneshot::channel();
        match timeout(self.wait, self.asked.send((key, reply))).await {
            Ok(Ok(())) => found.await.unwrap_or(Err(Fault::Closed)),
            Ok(Err(_)) => Err(Fault::Closed),
            Err(_) => Err(Fault::Crowded),
        }
    }
}

async fn lane<K, A, Q>(core: Arc<Core>, waiting: Arc<Gathering<Asked<K, A>>>, question: Q)
where
    K: Ord + Copy + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
    Q: for<'a> Fn(&'a Core, &'a Lease, &'a [K]) -> BoxFuture<'a, Result<BTreeMap<K, A>>> + Send + Sync,
{
    while let Some((group, at_work)) = waiting.group(Vec::new()).await {
        let keys: BTreeSet<K> = group.iter().map(|(key, _)| *key).collect();
        let keys: Vec<K> = keys.into_iter().collect();
        // Everybody waits for these few rows: who answers nothing here is not waited for as long as elsewhere.
        let asking = core.ask(|lease| {
            let (core, question, keys, lease) = (&core, &question, &keys, lease.within(core.wait));
            async move { question(core, &lease, keys).await }
        });
        // The lane goes on whatever happens on it.
        let found = AssertUnwindSafe(asking).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("the work on questions broke off");
            Err(Fault::Broken)
        });
        for (key, reply) in group {
            let answer = match &found {
                Ok(found) => Ok(found.get(&key).cloned()),
                Err(fault) => Err(fault.again()),
            };
            // Whoever asked may have gone.
            drop(reply.send(answer));
        }
        drop(at_work);
    }
}

impl<K, A> Clone for Gathered<K, A> {
    fn clone(&self) -> Self {
        Self { asked: self.asked.clone(), wait: self.wait }
    }
}

impl<K, A> fmt::Debug for Gathered<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathered").finish_non_exhaustive()
    }
}
