//! A program run to its end, and what it took.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) time: Duration,
    /// The most memory that it had at a time, in kB, as Linux tells it of a process (`VmHWM`). What it took in its last
    /// moments may be missing.
    pub(crate) peak: u64,
}

/// Runs a program, which must succeed.
pub(crate) fn run(command: &mut Command) -> Run {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("the program is there");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let ended = child.try_wait().expect("it is our child");
        if let Some(ended) = ended {
            assert!(ended.success(), "{command:?}: {ended}");
            return Run { time: begun.elapsed(), peak };
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let told = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        peak = peak.max(told.and_then(|number| number.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
}
