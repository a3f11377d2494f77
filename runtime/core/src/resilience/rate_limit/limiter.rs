//! The state of rate limits, and their counters.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use super::settings::Settings;
use crate::clock::{Clock, nanos};
use crate::resilience::base::{PolicyState, SharedPolicy};
use crate::resilience::error::{Reason, Rejected};
use crate::resilience::keyed::{Evictable, Keyed, stored_name};
use crate::resilience::snapshot::PolicyKind;

const ALLOWED: usize = 0;
const REJECTED: usize = 1;
const OUTCOMES: &[&str] = &["allowed", "rejected"];

/// Counts the result of a check.
pub(super) fn count<L>(shared: &SharedPolicy<L>, checked: Result<(), Rejected>) -> Result<(), Rejected> {
    shared.outcomes.count(if checked.is_ok() { ALLOWED } else { REJECTED });
    checked
}

impl PolicyState for Limiter {
    type Settings = Settings;

    const KIND: PolicyKind = PolicyKind::RateLimit;
    const OUTCOMES: &'static [&'static str] = OUTCOMES;

    fn new(name: &Arc<str>, settings: &Settings, clock: &Clock) -> Self {
        Self::named(name.clone(), settings, clock.clone())
    }
}

/// The limits of all keys.
#[derive(Debug)]
pub(in crate::resilience) struct Limiters {
    keyed: Keyed<Limiter>,
    clock: Clock,
}

impl PolicyState for Limiters {
    /// The settings, and the maximum number of keys.
    type Settings = (Settings, usize);

    const KIND: PolicyKind = PolicyKind::RateLimit;
    const OUTCOMES: &'static [&'static str] = OUTCOMES;

    fn new(_: &Arc<str>, (_, keys): &(Settings, usize), clock: &Clock) -> Self {
        Self { keyed: Keyed::new(*keys, clock.clone()), clock: clock.clone() }
    }
}

impl Limiters {
    pub(super) fn check(&self, key: &str, name: &str, settings: &Settings) -> Result<(), Rejected> {
        let key = &*stored_name(key);
        let make = || Limiter::named(format!("{name}[{key}]").into(), settings, self.clock.clone());
        self.keyed.get(key, make, |_| ()).check()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.keyed.all().len()
    }
}

/// The state of one limit.
#[derive(Debug)]
pub(in crate::resilience) struct Limiter {
    name: Arc<str>,
    time: Time,
    rate: RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>,
    /// The last check by the coarse time, and the time from then until all calls are available again; both in nanoseconds.
    checked: AtomicU64,
    full_after: u64,
}

/// The clock, as governor needs it.
#[derive(Clone, Debug)]
struct Time(Clock);

impl GovernorClock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        // Governor adds up to three centuries to it, which must not overflow.
        Duration::from_nanos(self.0.now().min(u64::MAX / 2))
    }
}

impl Limiter {
    fn named(name: Arc<str>, settings: &Settings, clock: Clock) -> Self {
        let time = Time(clock);
        let rate = RateLimiter::direct_with_clock(settings.quota(), time.clone());
        let full_after = nanos(settings.one().saturating_mul(settings.burst.get()));
        Self { name, time, rate, checked: AtomicU64::new(0), full_after }
    }

    pub(super) fn check(&self) -> Result<(), Rejected> {
        self.checked.store(self.time.0.coarse(), Relaxed);
        self.rate.check().map_err(|until| {
            let after = until.wait_time_from(self.time.now());
            Rejected::new(&self.name, Reason::Limited, Some(after))
        })
    }
}

impl Evictable for Limiter {
    fn is_idle(&self) -> bool {
        self.time.0.now().saturating_sub(self.checked.load(Relaxed)) > self.full_after
    }
}
