//! Limits at work, and their counts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use super::RateLimitSettings;
use crate::clock::{Clock, nanos};
use crate::resilience::error::{Reason, Rejected};
use crate::resilience::keyed::Keep;
use crate::resilience::outcomes::Outcomes;
use crate::resilience::snapshot::{PolicyKind, PolicySnapshot, Report};

/// One limit, or those of all keys, and how calls ended.
#[derive(Debug)]
pub(super) struct State<L> {
    name: Arc<str>,
    pub(super) limits: L,
    outcomes: Outcomes,
}

const ALLOWED: usize = 0;
const REJECTED: usize = 1;

impl<L> State<L> {
    pub(super) fn new(name: &str, limits: L) -> Self {
        Self { name: name.into(), limits, outcomes: Outcomes::new(&["allowed", "rejected"]) }
    }

    pub(super) fn count(&self, checked: Result<(), Rejected>) -> Result<(), Rejected> {
        self.outcomes.count(if checked.is_ok() { ALLOWED } else { REJECTED });
        checked
    }
}

/// One limit.
#[derive(Debug)]
pub(super) struct Limiter {
    name: Arc<str>,
    time: Time,
    rate: RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>,
    /// When it was last asked, and how long from then all its calls are back, in nanoseconds.
    asked: AtomicU64,
    full_after: u64,
}

/// Our clock, as governor wants it.
#[derive(Clone, Debug)]
struct Time(Clock);

impl GovernorClock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        // What governor adds to it is three centuries at most, and must not overflow.
        Duration::from_nanos(self.0.now().min(u64::MAX / 2))
    }
}

impl Limiter {
    pub(super) fn new(name: Arc<str>, settings: &RateLimitSettings, clock: Clock) -> Self {
        let time = Time(clock);
        let rate = RateLimiter::direct_with_clock(settings.quota(), time.clone());
        let full_after = nanos(settings.one().saturating_mul(settings.burst.get()));
        Self { name, time, rate, asked: AtomicU64::new(0), full_after }
    }

    pub(super) fn check(&self) -> Result<(), Rejected> {
        self.asked.store(self.time.0.coarse(), Relaxed);
        self.rate.check().map_err(|until| {
            let after = until.wait_time_from(self.time.now());
            Rejected::new(&self.name, Reason::Limited, Some(after))
        })
    }
}

impl Keep for Limiter {
    fn is_idle(&self) -> bool {
        self.time.0.now().saturating_sub(self.asked.load(Relaxed)) > self.full_after
    }
}

impl<L: Send + Sync> Report for State<L> {
    fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot::of(PolicyKind::RateLimit, &self.name, &self.outcomes, Vec::new())
    }
}
