//! How long a service may take to come back, and how that is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// How long a service may take to come back when the cause of its trouble is gone.
pub(crate) const BACK: Duration = Duration::from_secs(5);

/// What the watch counts.
const STEP: Duration = Duration::from_millis(10);

/// A watch that stands still while the machine does: it counts how often a thread that only sleeps for a moment is woken.
/// What a machine with too much to do, or one that is itself held, takes away from this thread it takes away from the
/// servers too, and that is no time in which they could have come back. On a machine with room it is a clock that is
/// late by a hundredth.
#[derive(Debug)]
pub(crate) struct Watch {
    steps: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let (steps, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let watch = Self { steps: Arc::clone(&steps), stop: Arc::clone(&stop) };
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(STEP);
                steps.fetch_add(1, Ordering::Relaxed);
            }
        });
        watch
    }

    pub(crate) fn elapsed(&self) -> Duration {
        STEP * self.steps.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
