//! Circuit breakers over simulated callees: the cost of default settings where some of the calls fail, and the time until they notice an
//! outage.
//!
//! Calls come at random (exponential gaps), take no time, and each fails by its own draw, all from one seed and on a manual clock. Ours is
//! the real breaker. `peers` has the default rules of three libraries for other languages, written from their documentation in a few lines
//! each; the libraries themselves do not run here.

mod peers;
mod plot;
mod report;

use std::time::Duration;

use fastness::Clock;
use fastness::resilience::breaker::{self, Breaker, Permit, State, Verdict};

use peers::{FailsafeGo, Polly, Resilience4j};
pub use report::report;

/// Decides which calls are made.
pub trait Rule {
    /// Returns whether a call is made now.
    fn admits(&mut self, now: Duration) -> bool;
    /// Records how a call ended. Returns whether that opened the breaker.
    fn ended(&mut self, now: Duration, failed: bool) -> bool;
    /// Returns whether it makes all calls.
    fn is_closed(&self) -> bool;
}

/// A breaker of ours.
#[derive(Debug)]
pub struct Ours {
    breaker: &'static Breaker,
    clock: Clock,
    now: Duration,
    /// The permit of the call that was admitted last.
    permit: Option<Permit<'static>>,
}

impl Ours {
    /// A breaker with these settings.
    pub fn new(settings: breaker::Settings) -> Self {
        let clock = Clock::manual();
        // Leaks some hundreds in all, so that a permit can be stored beside its breaker.
        let breaker = Box::leak(Box::new(Breaker::new("simulated", settings).with_clock(clock.clone())));
        Self { breaker, clock, now: Duration::ZERO, permit: None }
    }
}

impl Rule for Ours {
    fn admits(&mut self, now: Duration) -> bool {
        self.clock.advance(now.saturating_sub(self.now));
        self.now = now;
        self.permit = self.breaker.try_acquire().ok();
        self.permit.is_some()
    }

    fn ended(&mut self, _: Duration, failed: bool) -> bool {
        let permit = self.permit.take().expect("the call was admitted");
        permit.settle(if failed { Verdict::Failure } else { Verdict::Success });
        failed && self.breaker.state() == State::Open
    }

    fn is_closed(&self) -> bool {
        self.breaker.state() == State::Closed
    }
}

/// Defaults that are compared, by name.
pub const RULES: [&str; 4] = ["fastness", "Resilience4j", "Polly v8", "failsafe-go"];

/// The default rule with this name.
pub fn rule(name: &str) -> Box<dyn Rule> {
    match name {
        "Resilience4j" => Box::new(Resilience4j::default()),
        "Polly v8" => Box::new(Polly::default()),
        "failsafe-go" => Box::new(FailsafeGo::default()),
        _ => Box::new(Ours::new(breaker::Settings::new())),
    }
}

/// Calls at random times.
#[derive(Debug)]
struct Calls {
    random: fastrand::Rng,
    a_second: f64,
    now: Duration,
}

impl Calls {
    fn new(seed: u64, a_second: f64) -> Self {
        // The breaker draws the time for which it stays open from the thread's generator.
        fastrand::seed(seed);
        Self { random: fastrand::Rng::with_seed(seed), a_second, now: Duration::ZERO }
    }

    /// Makes the next call. Returns whether it was admitted, and whether it opened the breaker.
    fn next(&mut self, rule: &mut dyn Rule, failing: f64) -> (bool, bool) {
        self.now += Duration::from_secs_f64(-(1.0 - self.random.f64()).ln() / self.a_second);
        let fails = self.random.f64() < failing;
        let made = rule.admits(self.now);
        (made, made && rule.ended(self.now, fails))
    }
}

/// The effect of a share of failing calls.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    /// The share of calls that were rejected, from 0 to 1.
    pub rejected: f64,
    /// Openings in an hour.
    pub openings: f64,
}

/// Runs for `time` from the start, while this share of the calls fails at random.
pub fn failing(rule: &mut dyn Rule, share: f64, a_second: f64, time: Duration, seed: u64) -> Failing {
    let mut calls = Calls::new(seed, a_second);
    let (mut all, mut rejected, mut openings) = (0.0, 0.0, 0.0);
    while calls.now < time {
        let (made, opened) = calls.next(rule, share);
        all += 1.0;
        rejected += f64::from(u8::from(!made));
        openings += f64::from(u8::from(opened));
    }
    Failing { rejected: rejected / all, openings: openings / time.as_secs_f64() * 3_600.0 }
}

/// The course of one outage. A hundredth of the calls fails before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// Time from the outage's beginning until the breaker opened.
    pub until_open: Duration,
    /// Calls that were made until then.
    pub calls: u32,
    /// Time from the outage's end until the breaker was closed.
    pub until_closed: Duration,
}

/// Runs an outage of half a minute, in which this share of the calls fails, after two healthy minutes. Returns `None` if the breaker did
/// not open.
pub fn outage(rule: &mut dyn Rule, share: f64, a_second: f64, seed: u64) -> Option<Outage> {
    const WELL: f64 = 0.01;
    const LASTS: Duration = Duration::from_secs(30);
    let mut calls = Calls::new(seed, a_second);
    while calls.now < Duration::from_secs(120) || !rule.is_closed() {
        calls.next(rule, WELL);
    }
    let begun = calls.now;
    let (mut made, mut opened) = (0, None);
    while calls.now < begun + LASTS {
        let (is_made, opens) = calls.next(rule, share);
        made += u32::from(is_made && opened.is_none());
        if opens && opened.is_none() {
            opened = Some((calls.now.saturating_sub(begun), made));
        }
    }
    let (until_open, made) = opened?;
    let over = calls.now;
    while !rule.is_closed() {
        calls.next(rule, WELL);
    }
    Some(Outage { until_open, calls: made, until_closed: calls.now.saturating_sub(over) })
}
