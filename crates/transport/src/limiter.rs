//! Who may send when: never more than so many requests in any stretch of time.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

/// How far ahead a turn can lie: longer than any pause that is asked for.
const FARTHEST: Duration = Duration::from_secs(2 * 3600);

/// At most so many requests in any stretch so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitRule {
    /// How many.
    pub requests: u32,
    /// In any stretch of this length.
    pub per: Duration,
}

impl LimitRule {
    /// 7 requests a second: what one integration may do. Source: limits page of the vendor.
    pub const INTEGRATION: LimitRule = LimitRule::per_second(7);
    /// 50 requests a second: what all integrations of an account may do together. Source: the vendor's maintainers.
    pub const ACCOUNT: LimitRule = LimitRule::per_second(50);

    /// So many a second; at least 1.
    #[must_use]
    pub const fn per_second(requests: u32) -> Self {
        Self { requests: if requests == 0 { 1 } else { requests }, per: Duration::from_secs(1) }
    }
}

/// A limiter that could not be used.
#[derive(Debug, Error)]
#[error("the shared limiter could not be used")]
#[non_exhaustive]
pub struct LimiterError(#[source] pub std::io::Error);

/// Hands out turns.
#[async_trait]
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Takes the next turn and answers how long to wait for it, from `now`.
    ///
    /// # Errors
    /// [`LimiterError`] when shared state cannot be used: then nothing may be sent.
    async fn turn(&self, now: Duration) -> Result<Duration, LimiterError>;

    /// No turn before this time: the other side asked to wait, or blocks.
    ///
    /// # Errors
    /// [`LimiterError`] when shared state cannot be used.
    async fn hold_until(&self, until: Duration) -> Result<(), LimiterError>;
}

/// A limiter of one process.
#[derive(Debug)]
pub struct MemoryLimiter {
    rule: LimitRule,
    turns: Mutex<Turns>,
}

impl MemoryLimiter {
    /// A limiter that keeps to this rule.
    #[must_use]
    pub const fn new(rule: LimitRule) -> Self {
        Self { rule, turns: Mutex::new(Turns::new()) }
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn turn(&self, now: Duration) -> Result<Duration, LimiterError> {
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).take(self.rule, now);
        Ok(turn.saturating_sub(now))
    }

    async fn hold_until(&self, until: Duration) -> Result<(), LimiterError> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).hold(until);
        Ok(())
    }
}

/// A limiter that processes on one machine share through a locked file.
#[derive(Debug)]
pub struct FileLimiter {
    rule: LimitRule,
    path: PathBuf,
}

impl FileLimiter {
    /// A limiter that keeps to this rule together with all others on the same file. The file is made when needed.
    #[must_use]
    pub fn new(rule: LimitRule, path: impl AsRef<Path>) -> Self {
        Self { rule, path: path.as_ref().to_owned() }
    }

    async fn locked<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Turns) -> R + Send + 'static,
    ) -> Result<R, LimiterError> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || with_file(&path, change)).await;
        done.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(LimiterError)
    }
}

#[async_trait]
impl Limiter for FileLimiter {
    async fn turn(&self, now: Duration) -> Result<Duration, LimiterError> {
        let rule = self.rule;
        let turn = self.locked(move |turns| turns.take(rule, now)).await?;
        Ok(turn.saturating_sub(now))
    }

    async fn hold_until(&self, until: Duration) -> Result<(), LimiterError> {
        self.locked(move |turns| turns.hold(until)).await
    }
}

fn with_file<R>(path: &Path, change: impl FnOnce(&mut Turns) -> R) -> std::io::Result<R> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut turns = Turns::read(&text);
    let answer = change(&mut turns);
    write_whole(&mut file, &turns.write())?;
    Ok(answer)
}

fn write_whole(file: &mut File, text: &str) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// The last turns, oldest first, and until when none is handed out. Times since 1970.
#[derive(Debug, Default)]
struct Turns {
    last: VecDeque<Duration>,
    held_until: Duration,
}

impl Turns {
    const fn new() -> Self {
        Self { last: VecDeque::new(), held_until: Duration::ZERO }
    }

    /// The next turn: not before the one before it, and so long after the one `requests` places before it.
    fn take(&mut self, rule: LimitRule, now: Duration) -> Duration {
        // Clocks step back: what lies that far ahead was written at another time, not by a queue.
        let farthest = now + FARTHEST;
        if self.held_until > farthest || self.last.back().is_some_and(|turn| *turn > farthest) {
            *self = Turns::new();
        }
        while self.last.len() > rule.requests as usize {
            self.last.pop_front();
        }
        let before = self.last.back().copied().unwrap_or_default();
        let mut turn = now.max(before).max(self.held_until);
        if self.last.len() == rule.requests as usize {
            let window_end = self.last.pop_front().unwrap_or_default() + rule.per;
            turn = turn.max(window_end);
        }
        self.last.push_back(turn);
        turn
    }

    fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Two lines: until when, and the turns, in microseconds. A file that cannot be read begins anew.
    fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.split(' ').filter_map(|number| number.parse().ok()));
        let micros = |line: Option<u64>| line.map(Duration::from_micros);
        let held_until = lines.next().and_then(|mut line| micros(line.next())).unwrap_or_default();
        let last = lines.next().into_iter().flatten().map(Duration::from_micros).collect();
        Self { last, held_until }
    }

    fn write(&self) -> String {
        let turns: Vec<_> = self.last.iter().map(|turn| turn.as_micros().to_string()).collect();
        format!("{}\n{}\n", self.held_until.as_micros(), turns.join(" "))
    }
}
