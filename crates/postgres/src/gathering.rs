//! A queue that is taken from in groups, by several workers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// How long a group waits for as much as others work on meanwhile.
const PATIENCE: Duration = Duration::from_millis(5);

/// What waits to be worked on.
pub(crate) struct Gathering<T> {
    waiting: Mutex<mpsc::Receiver<T>>,
    /// What a group weighs that is full.
    full: usize,
    weight: fn(&T) -> usize,
    /// Who is at work, and on how many altogether.
    workers: AtomicUsize,
    worked_on: AtomicUsize,
    done: Notify,
}

/// Somebody is at work until this is dropped.
pub(crate) struct AtWork<'a, T>(&'a Gathering<T>, usize);

impl<T> Drop for AtWork<'_, T> {
    fn drop(&mut self) {
        let Self(gathering, size) = self;
        gathering.worked_on.fetch_sub(*size, Ordering::Relaxed);
        gathering.workers.fetch_sub(1, Ordering::Relaxed);
        gathering.done.notify_one();
    }
}

impl<T> Gathering<T> {
    /// Groups of what comes in here; a group is full once it weighs this much.
    pub(crate) fn new(waiting: mpsc::Receiver<T>, full: usize, weight: fn(&T) -> usize) -> Self {
        let (workers, worked_on) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { waiting: Mutex::new(waiting), full, weight, workers, worked_on, done: Notify::new() }
    }

    /// From now on a group of this size is worked on.
    fn work(&self, size: usize) -> AtWork<'_, T> {
        self.workers.fetch_add(1, Ordering::Relaxed);
        self.worked_on.fetch_add(size, Ordering::Relaxed);
        AtWork(self, size)
    }

    fn begun(&self, group: Vec<T>) -> (Vec<T>, AtWork<'_, T>) {
        let at_work = self.work(group.len());
        (group, at_work)
    }

    /// How many are worth a group of their own: as many as each of the others works on just now, who will take what
    /// waits when they are done. Small groups cost more, and seldom bring anything forward.
    fn worthwhile(&self) -> usize {
        self.worked_on.load(Ordering::Relaxed) / self.workers.load(Ordering::Relaxed).max(1)
    }

    /// The next group, which is worked on from now on; `None` when there will be none. What is left of an earlier one is
    /// a part of it, and is not kept waiting.
    pub(crate) async fn group(&self, left: Vec<T>) -> Option<(Vec<T>, AtWork<'_, T>)> {
        let mut group = left;
        let mut weight: usize = group.iter().map(self.weight).sum();
        let is_new = group.is_empty();
        // Another worker may hold the queue until something comes.
        let mut waiting = match is_new {
            true => self.waiting.lock().await,
            false => match self.waiting.try_lock() {
                Ok(waiting) => waiting,
                Err(_) => return Some(self.begun(group)),
            },
        };
        let mut next = match is_new {
            true => Some(waiting.recv().await?),
            false if weight < self.full => waiting.try_recv().ok(),
            false => None,
        };
        let until = Instant::now() + PATIENCE;
        loop {
            while let Some(one) = next.take() {
                weight += (self.weight)(&one);
                group.push(one);
                if weight < self.full {
                    next = waiting.try_recv().ok();
                }
            }
            if !is_new || weight >= self.full || group.len() >= self.worthwhile() {
                return Some(self.begun(group));
            }
            tokio::select! {
                one = waiting.recv() => match one {
                    Some(one) => next = Some(one),
                    None => return Some(self.begun(group)),
                },
                () = self.done.notified() => next = waiting.try_recv().ok(),
                () = sleep_until(until) => return Some(self.begun(group)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn gathering() -> (mpsc::Sender<usize>, Arc<Gathering<usize>>) {
        let (sender, waiting) = mpsc::channel(100);
        (sender, Arc::new(Gathering::new(waiting, 10, |weight| *weight)))
    }

    async fn send(sender: &mpsc::Sender<usize>, weights: &[usize]) {
        for weight in weights {
            sender.send(*weight).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_taken_at_once_up_to_a_weight() {
        let (sender, gathering) = gathering();
        let begun = Instant::now();
        send(&sender, &[1, 1, 8, 1, 30, 1]).await;
        drop(sender);
        let group = async |left| gathering.group(left).await.map(|(group, _)| group);
        assert_eq!(group(vec![]).await, Some(vec![1, 1, 8]));
        assert_eq!(group(vec![5]).await, Some(vec![5, 1, 30]), "the last one may go beyond");
        assert_eq!(group(vec![10]).await, Some(vec![10]), "what is full takes nothing more");
        assert_eq!(group(vec![]).await, Some(vec![1]));
        assert_eq!(group(vec![]).await, None);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn while_others_work_a_group_waits_for_as_many() {
        let (sender, gathering) = gathering();
        let at_work = gathering.work(3);
        let begun = Instant::now();
        let group = async |left| gathering.group(left).await.map(|(group, _)| group);
        send(&sender, &[1]).await;
        assert_eq!(group(vec![]).await, Some(vec![1]));
        assert_eq!(begun.elapsed(), PATIENCE, "but not for ever");
        send(&sender, &[1, 1, 1]).await;
        assert_eq!(group(vec![]).await, Some(vec![1, 1, 1]));
        assert_eq!(group(vec![1]).await, Some(vec![1]), "what is left waits for nobody");
        assert_eq!(begun.elapsed(), PATIENCE);
        // Nor does it wait once they are done.
        send(&sender, &[1]).await;
        let waiting = tokio::spawn({
            let gathering = gathering.clone();
            async move { gathering.group(vec![]).await.map(|(group, _)| group) }
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!waiting.is_finished());
        drop(at_work);
        assert_eq!(waiting.await.unwrap(), Some(vec![1]));
        assert_eq!(begun.elapsed(), PATIENCE + Duration::from_millis(1));
    }
}
