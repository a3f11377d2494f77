//! The state of rate limits, and their counters.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::settings::Settings;
use crate::clock::Clock;
use crate::resilience::base::{PolicyState, SharedPolicy};
use crate::resilience::error::Rejected;
use crate::resilience::keyed::{Evictable, Keyed, stored_name};
use crate::resilience::kind::PolicyKind;
use crate::resilience::reason::Reason;

const ALLOWED: usize = 0;
const REJECTED: usize = 1;
const OUTCOMES: &[&str] = &["allowed", "rejected"];

/// Counts the result of a check.
pub(super) fn count<L: PolicyState>(shared: &SharedPolicy<L>, checked: Result<(), Rejected>) -> Result<(), Rejected> {
    shared.outcomes.count(if checked.is_ok() { ALLOWED } else { REJECTED });
    checked
}

impl PolicyState for Limiter {
    type Settings = Settings;

    const KIND: PolicyKind = PolicyKind::RateLimit;
    const OUTCOMES: &'static [&'static str] = OUTCOMES;

    fn new(name: &Arc<str>, _: &Settings, clock: &Clock) -> Self {
        Self::named(name.clone(), clock.clone())
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
        let make = || Limiter::named(format!("{name}[{key}]").into(), self.clock.clone());
        self.keyed.get(key, make, |_| ()).check(settings)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.keyed.all().len()
    }
}

/// The state of one limit, by the generic cell rate algorithm: the time at which all calls are available again.
///
/// Each call moves it by the time in which one call becomes available, from now at the earliest. A call is allowed while it is ahead of now
/// by less than a whole burst, so the rate may differ from call to call.
#[derive(Debug)]
pub(in crate::resilience) struct Limiter {
    name: Arc<str>,
    clock: Clock,
    /// The time, in nanoseconds of the clock.
    full_at: AtomicU64,
}

impl Limiter {
    fn named(name: Arc<str>, clock: Clock) -> Self {
        Self { name, clock, full_at: AtomicU64::new(0) }
    }

    pub(super) fn check(&self, settings: &Settings) -> Result<(), Rejected> {
        let (one, burst) = (settings.one(), settings.burst_time());
        if one == 0 {
            return Ok(());
        }
        let mut wait = 0;
        let _ = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            // Read after `full_at`, which is then ahead of it by more than a burst only if another rate was in force.
            let now = self.clock.now();
            // Calls at another rate count as no more than a whole burst.
            let from = full_at.clamp(now, now.saturating_add(burst));
            let until = from.saturating_add(one);
            wait = until.saturating_sub(burst).saturating_sub(now);
            // A rejection stores that bound as well: otherwise each check would wait for the same excess.
            let next = if wait == 0 { until } else { from };
            (next != full_at).then_some(next)
        });
        if wait == 0 {
            return Ok(());
        }
        Err(Rejected::new(&self.name, Reason::Limited, Some(Duration::from_nanos(wait))))
    }
}

impl Evictable for Limiter {
    fn is_idle(&self) -> bool {
        self.clock.now() >= self.full_at.load(Relaxed)
    }
}
