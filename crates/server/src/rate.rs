//! How often somebody may ask: so many requests a second of an integration and of an account, then 429, then a block.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::StatusCode;
use incoming_leads_model::AccountId;
use incoming_leads_port::Digest;

/// After how many requests those are forgotten who have not asked for a while.
const TIDY_EVERY: u32 = 1_024;
/// How long a refusal counts towards a block.
const MEMORY: Duration = Duration::from_secs(60);

/// How often somebody may ask, and what happens to whoever asks too often.
///
/// It is for tests of clients, and measured as a bucket: so many at once, refilled evenly. Too often is answered 429, and
/// whoever is refused again and again is blocked with 403, both as pages of HTML without `Retry-After`, as the vendor's
/// service does. Source: limits page of the vendor for 7 a second, its maintainers for 50 and the block; how many refusals
/// lead to a block and how long it lasts is not told, and decided here.
///
/// ```
/// use incoming_leads_server::RateLimit;
///
/// assert_eq!(RateLimit::default().integration_per_second.get(), 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "options that callers write with `..RateLimit::default()`")]
pub struct RateLimit {
    /// Requests a second of one integration; of a token that belongs to none, of the token. Default: 7.
    pub integration_per_second: NonZeroU32,
    /// Requests a second of one account, of all that ask for it together. Default: 50.
    pub account_per_second: NonZeroU32,
    /// So many refusals within a minute block an integration. Default: 30.
    pub refusals_to_block: NonZeroU32,
    /// How long. Default: 60 s.
    pub block_time: Duration,
}

impl Default for RateLimit {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("the defaults are not 0");
        Self {
            integration_per_second: number(7),
            account_per_second: number(50),
            refusals_to_block: number(30),
            block_time: Duration::from_secs(60),
        }
    }
}

type Buckets<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts who asks how often.
#[derive(Debug)]
pub(crate) struct Rates<C: Clock = MonotonicClock> {
    limit: RateLimit,
    clock: C,
    integrations: Buckets<Digest, C>,
    accounts: Buckets<AccountId, C>,
    offenders: Mutex<Offenders<C::Instant>>,
}

#[derive(Debug)]
struct Offenders<I> {
    refused: HashMap<Digest, Offence<I>>,
    asked: u32,
}

#[derive(Debug)]
struct Offence<I> {
    since: I,
    count: u32,
    blocked_at: Option<I>,
}

impl Rates {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self::with_clock(limit, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn with_clock(limit: RateLimit, clock: C) -> Self {
        fn buckets<K: Hash + Eq + Clone, C: Clock + Clone>(most: NonZeroU32, clock: &C) -> Buckets<K, C> {
            RateLimiter::hashmap_with_clock(Quota::per_second(most), clock.clone())
        }
        let integrations = buckets(limit.integration_per_second, &clock);
        let accounts = buckets(limit.account_per_second, &clock);
        let offenders = Mutex::new(Offenders { refused: HashMap::new(), asked: 0 });
        Self { limit, clock, integrations, accounts, offenders }
    }

    /// Whether whoever shows this may ask now; otherwise the status that says why not.
    pub(crate) fn check(&self, who: Digest, account: Option<AccountId>) -> Result<(), StatusCode> {
        let now = self.clock.now();
        let mut offenders = self.offenders.lock().unwrap_or_else(PoisonError::into_inner);
        offenders.asked += 1;
        if offenders.asked >= TIDY_EVERY {
            offenders.asked = 0;
            offenders.refused.retain(|_, offence| offence.counts(now, self.limit.block_time));
            self.integrations.retain_recent();
            self.accounts.retain_recent();
        }
        if offenders.refused.get(&who).is_some_and(|offence| offence.blocks(now, self.limit.block_time)) {
            return Err(StatusCode::FORBIDDEN);
        }
        let may = self.integrations.check_key(&who).is_ok()
            && account.is_none_or(|account| self.accounts.check_key(&account).is_ok());
        if may {
            return Ok(());
        }
        let fresh = || Offence { since: now, count: 0, blocked_at: None };
        let offence = offenders.refused.entry(who).or_insert_with(fresh);
        if !offence.counts(now, self.limit.block_time) || offence.blocked_at.is_some() {
            *offence = fresh();
        }
        offence.count += 1;
        if offence.count >= self.limit.refusals_to_block.get() {
            offence.blocked_at = Some(now);
        }
        Err(StatusCode::TOO_MANY_REQUESTS)
    }

    /// How many are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        let offenders = self.offenders.lock().unwrap_or_else(PoisonError::into_inner);
        self.integrations.len().max(self.accounts.len()).max(offenders.refused.len())
    }
}

impl<I: Reference> Offence<I> {
    fn blocks(&self, now: I, block_time: Duration) -> bool {
        self.blocked_at.is_some_and(|at| now.duration_since(at) < Nanos::from(block_time))
    }

    /// Whether it still counts for anything.
    fn counts(&self, now: I, block_time: Duration) -> bool {
        self.blocks(now, block_time) || now.duration_since(self.since) < Nanos::from(MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    const ONE: Digest = Digest([1; 32]);
    const OTHER: Digest = Digest([2; 32]);
    const LIMITED: Result<(), StatusCode> = Err(StatusCode::TOO_MANY_REQUESTS);
    const BLOCKED: Result<(), StatusCode> = Err(StatusCode::FORBIDDEN);

    fn rates() -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Rates::with_clock(RateLimit::default(), clock.clone()), clock)
    }

    fn account(number: u64) -> Option<AccountId> {
        Some(AccountId::new(number).unwrap())
    }

    #[test]
    fn an_integration_has_seven_a_second_and_gets_them_back() {
        let (rates, clock) = rates();
        for _ in 0..7 {
            assert_eq!(rates.check(ONE, account(1)), Ok(()));
        }
        assert_eq!(rates.check(ONE, account(1)), LIMITED);
        assert_eq!(rates.check(OTHER, account(1)), Ok(()), "another one has its own");
        clock.advance(Duration::from_millis(150));
        assert_eq!(rates.check(ONE, account(1)), Ok(()));
        assert_eq!(rates.check(ONE, account(1)), LIMITED);
        clock.advance(Duration::from_secs(1));
        for _ in 0..7 {
            assert_eq!(rates.check(ONE, account(1)), Ok(()));
        }
    }

    #[test]
    fn all_of_an_account_share_fifty() {
        let (rates, _) = rates();
        let ask = |number: u8, of: u64| rates.check(Digest([number; 32]), account(of));
        for number in 0..50 {
            assert_eq!(ask(number, 1), Ok(()));
        }
        assert_eq!(ask(50, 1), LIMITED);
        assert_eq!(ask(51, 2), Ok(()), "another account has its own");
        assert_eq!(
            rates.check(Digest([52; 32]), None),
            Ok(()),
            "of an account that is not known nobody counts"
        );
    }

    #[test]
    fn whoever_goes_on_is_blocked_for_a_while() {
        let (rates, clock) = rates();
        for _ in 0..7 {
            rates.check(ONE, None).unwrap();
        }
        for _ in 0..30 {
            assert_eq!(rates.check(ONE, None), LIMITED);
        }
        for _ in 0..3 {
            assert_eq!(rates.check(ONE, None), BLOCKED);
            clock.advance(Duration::from_secs(19));
        }
        assert_eq!(rates.check(OTHER, None), Ok(()));
        clock.advance(Duration::from_secs(3));
        assert_eq!(rates.check(ONE, None), Ok(()));
    }

    #[test]
    fn refusals_of_long_ago_count_nothing() {
        let (rates, clock) = rates();
        for _ in 0..4 {
            while rates.check(ONE, None).is_ok() {}
            for _ in 0..20 {
                assert_eq!(rates.check(ONE, None), LIMITED);
            }
            clock.advance(Duration::from_secs(61));
        }
    }

    #[test]
    fn those_who_have_gone_are_forgotten() {
        let (rates, clock) = rates();
        let ask = |number: u32| {
            let mut who = [0; 32];
            who[..4].copy_from_slice(&number.to_le_bytes());
            rates.check(Digest(who), account(u64::from(number) + 1))
        };
        for number in 0..10_000 {
            let _ = ask(number);
            clock.advance(Duration::from_millis(10));
        }
        assert!(rates.remembered() < 3 * TIDY_EVERY as usize, "{}", rates.remembered());
    }
}
