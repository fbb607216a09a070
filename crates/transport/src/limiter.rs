//! Who may send when: never more than so many requests arrive in any stretch of time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

/// After what time a turn counts as ended whose end was never told: longer than a request may take.
const FORGOTTEN: Duration = Duration::from_secs(30);
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

/// The right to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    place: usize,
    at: Duration,
}

impl Turn {
    /// From when: time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn at(&self) -> Duration {
        self.at
    }
}

/// Hands out turns.
///
/// What counts is when requests *arrive*, and how long they are on their way nobody knows. So a turn counts from its
/// beginning to its end, the answer, and the next one on its place lies a whole stretch behind that: whatever the network
/// does, no more requests than are allowed arrive within any stretch. That costs the time that answers take: with 7 a
/// second and answers after 100 ms, 7 requests in 1.1 s.
#[async_trait]
pub trait Limiter: fmt::Debug + Send + Sync + 'static {
    /// Takes the next turn, which may lie ahead; none when as many requests as are allowed are under way: then ask again
    /// in a moment.
    ///
    /// # Errors
    /// [`LimiterError`] when shared state cannot be used: then nothing may be sent.
    async fn turn(&self, now: Duration) -> Result<Option<Turn>, LimiterError>;

    /// The request of this turn is answered, or nobody waits for its answer any more. A turn of which that is never said
    /// ends half a minute after it began.
    ///
    /// # Errors
    /// [`LimiterError`] when shared state cannot be used.
    async fn ended(&self, turn: Turn, now: Duration) -> Result<(), LimiterError>;

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
    async fn turn(&self, now: Duration) -> Result<Option<Turn>, LimiterError> {
        Ok(self.turns.lock().unwrap_or_else(PoisonError::into_inner).take(self.rule, in_micros(now)))
    }

    async fn ended(&self, turn: Turn, now: Duration) -> Result<(), LimiterError> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).end(turn, now);
        Ok(())
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
    async fn turn(&self, now: Duration) -> Result<Option<Turn>, LimiterError> {
        let rule = self.rule;
        self.locked(move |turns| turns.take(rule, in_micros(now))).await
    }

    async fn ended(&self, turn: Turn, now: Duration) -> Result<(), LimiterError> {
        self.locked(move |turns| turns.end(turn, now)).await
    }

    async fn hold_until(&self, until: Duration) -> Result<(), LimiterError> {
        self.locked(move |turns| turns.hold(until)).await
    }
}

/// As exact as a file keeps it, so that a turn is known again.
fn in_micros(time: Duration) -> Duration {
    Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
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

/// The turns that count, and until when none is handed out. Times since 1970.
#[derive(Debug, Default)]
struct Turns {
    /// One for each request that a rule allows, and as many as were needed.
    places: Vec<Place>,
    held_until: Duration,
}

/// The last request that went out on this place.
#[derive(Debug, Clone, Copy)]
struct Place {
    began: Duration,
    /// None while it is under way.
    ended: Option<Duration>,
}

impl Place {
    /// From when the next request may go out here; none while one is under way.
    fn is_free_from(&self, rule: LimitRule, now: Duration) -> Option<Duration> {
        let forgotten = self.began + FORGOTTEN;
        let ended = self.ended.or((now > forgotten).then_some(forgotten))?;
        Some(ended.max(self.began) + rule.per)
    }
}

impl Turns {
    const fn new() -> Self {
        Self { places: Vec::new(), held_until: Duration::ZERO }
    }

    /// The next turn, on the place that is free first; none when all requests that are allowed are under way.
    fn take(&mut self, rule: LimitRule, now: Duration) -> Option<Turn> {
        // Clocks step back: what lies that far ahead was written at another time, not by a queue.
        let farthest = now + FARTHEST;
        if self.held_until > farthest || self.places.iter().any(|place| place.began > farthest) {
            *self = Turns::new();
        }
        self.places.truncate(rule.requests as usize);
        let free = |(index, place): (usize, &Place)| Some((place.is_free_from(rule, now)?, index));
        let first = self.places.iter().enumerate().filter_map(free).min();
        let (from, place) = match first {
            Some((from, place)) if from <= now => (from, place),
            _ if self.places.len() < rule.requests as usize => (now, self.places.len()),
            first => first?,
        };
        let turn = Turn { place, at: now.max(from).max(self.held_until) };
        let taken = Place { began: turn.at, ended: None };
        match self.places.get_mut(place) {
            Some(place) => *place = taken,
            None => self.places.push(taken),
        }
        Some(turn)
    }

    fn end(&mut self, turn: Turn, now: Duration) {
        // It may have been taken for forgotten, and its place be another one's.
        let own = self.places.get_mut(turn.place).filter(|place| place.began == turn.at);
        if let Some(place) = own {
            place.ended = Some(now);
        }
    }

    fn hold(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    /// Two lines: until when; and the places, each with its beginning and its end (0 while under way), in microseconds.
    /// A file that cannot be read begins anew.
    fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| line.split(' ').filter_map(|number| number.parse().ok()));
        let held_until = lines.next().and_then(|mut line| line.next()).map(Duration::from_micros);
        let numbers: Vec<u64> = lines.next().into_iter().flatten().collect();
        let places = numbers.chunks_exact(2).map(|pair| Place {
            began: Duration::from_micros(pair[0]),
            ended: (pair[1] > 0).then(|| Duration::from_micros(pair[1])),
        });
        Self { places: places.collect(), held_until: held_until.unwrap_or_default() }
    }

    fn write(&self) -> String {
        let mut text = format!("{}\n", self.held_until.as_micros());
        for Place { began, ended } in &self.places {
            text += &format!("{} {} ", began.as_micros(), ended.map_or(0, |ended| ended.as_micros()));
        }
        text + "\n"
    }
}
