//! The options of one call site, and the arithmetic of lifetimes.
//!
//! May use: `clock`, `codec`, `error`, `l1`, `shape`.

use std::time::Duration;

use crate::clock::nanos;
use crate::codec::{Codec, SharedValue, Wire};
use crate::error::LoadTimeout;
use crate::l1::{FoundEntry, Lifetime};
use crate::shape::{Copier, KeepsErrors, MayBeAbsent, Shape};

/// The default jitter: the largest share that is taken off a ttl.
const JITTER: f64 = 0.1;

/// The divisor of the ttl that bounds how early a refresh may be: a tenth. Without the bound, a busy value with slow loads would be
/// refreshed again and again, three times as often for a load of a third of the ttl. With it, the origin is called at most 1.11 times as
/// often.
const EARLY_SHARE: u64 = 10;

type ErrorFilter<E> = fn(&E) -> bool;
type MakeError<E> = fn(LoadTimeout) -> E;

/// The time limit of a load, and the constructor of its error.
pub(crate) type LoadBound<S> = Option<(Duration, MakeError<<S as Shape>::Error>)>;

/// An error that can say that a load took too long, as `load_timeout` needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a load took too long",
    label = "`load_timeout` makes this error from a `LoadTimeout`",
    note = "write `impl From<fastness::LoadTimeout> for {Self}`, or, with `thiserror`, a variant \
            `#[error(transparent)] LoadTimeout(#[from] fastness::LoadTimeout)`",
    note = "of a type from another crate, make a variant of an error type of your own"
)]
pub trait SaysLoadTimeout: From<LoadTimeout> {}
impl<E: From<LoadTimeout>> SaysLoadTimeout for E {}

/// The options by which a call site loads and stores. Built on a miss only.
///
/// An option is a field with its default in `new`, and a method that expansions call. The method has the bounds that the option
/// asks of the user's types, so that the compiler blames the option's value.
#[allow(clippy::struct_excessive_bools)] // each is an option of the attribute
pub struct Policy<S: Shape> {
    pub(crate) ttl: Duration,
    pub(crate) jitter: f64,
    pub(crate) negative_ttl: Option<Duration>,
    pub(crate) unless: Option<fn(&S::Item) -> bool>,
    pub(crate) cache_err: Option<(ErrorFilter<S::Error>, Duration)>,
    pub(crate) copy_error: Copier<S::Error>,
    pub(crate) stale: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) early: bool,
    pub(crate) single_flight: bool,
    pub(crate) load_timeout: LoadBound<S>,
    /// True if a load goes on when its caller no longer waits for it.
    pub(crate) task: bool,
    /// True if a refresh that no caller waits for does so.
    pub(crate) background: bool,
    /// The conversion of values for the shared tier; `None` if they stay in this process.
    pub(crate) wire: Option<Wire<S::Item>>,
    pub(crate) codec: Option<Codec>,
    /// True if values are stored in the local tier beside a shared one.
    pub(crate) in_process: bool,
    pub(crate) local_ttl: Option<Duration>,
    /// True if one process at a time loads a key.
    pub(crate) fleet: bool,
}

impl<S: Shape> Policy<S> {
    pub(crate) fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            jitter: JITTER,
            negative_ttl: None,
            unless: None,
            cache_err: None,
            copy_error: None,
            stale: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            early: true,
            single_flight: true,
            load_timeout: None,
            task: false,
            background: false,
            wire: None,
            codec: None,
            in_process: true,
            local_ttl: None,
            fleet: false,
        }
    }

    /// Sets the conversion of values for the shared tier, if their type has one.
    #[must_use]
    pub fn wire(mut self, wire: Option<Wire<S::Item>>) -> Self {
        self.wire = wire;
        self
    }

    /// `tier = shared`.
    #[must_use]
    pub fn only_shared(mut self) -> Self
    where
        S::Item: SharedValue,
    {
        self.in_process = false;
        self
    }

    /// `tier = both`, written explicitly: the type of the values must have a form for the shared tier.
    #[must_use]
    pub fn both_tiers(self) -> Self
    where
        S::Item: SharedValue,
    {
        self
    }

    /// `codec = json`.
    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self
    where
        S::Item: SharedValue,
    {
        self.codec = Some(codec);
        self
    }

    /// `local_ttl = 5`.
    #[must_use]
    pub fn local_ttl(mut self, ttl: Duration) -> Self {
        self.local_ttl = Some(ttl);
        self
    }

    /// `single_flight = fleet`.
    #[must_use]
    pub fn fleet(mut self) -> Self
    where
        S::Item: SharedValue,
    {
        self.fleet = true;
        self
    }

    /// `jitter = 0.05`.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// `negative_ttl = 10`.
    #[must_use]
    pub fn negative_ttl(mut self, ttl: Duration) -> Self
    where
        S::Absent: MayBeAbsent,
    {
        self.negative_ttl = Some(ttl);
        self
    }

    /// `unless = |value| ..`.
    #[must_use]
    pub fn unless(mut self, skip: fn(&S::Item) -> bool) -> Self {
        self.unless = Some(skip);
        self
    }

    /// `cache_err = |error| ..` with `err_ttl = 5`.
    #[must_use]
    pub fn cache_err(mut self, which: fn(&S::Error) -> bool, ttl: Duration) -> Self
    where
        S: KeepsErrors,
    {
        self.cache_err = Some((which, ttl));
        self
    }

    /// `share_error = |error| ..`.
    #[must_use]
    pub fn share_error(mut self, copy: fn(&S::Error) -> S::Error) -> Self {
        self.copy_error = Some(copy);
        self
    }

    /// `stale = "1m"`.
    #[must_use]
    pub fn stale(mut self, after: Duration) -> Self {
        self.stale = after;
        self
    }

    /// `stale_if_error = "1h"`.
    #[must_use]
    pub fn stale_if_error(mut self, after: Duration) -> Self {
        self.stale_if_error = after;
        self
    }

    /// `early = off`.
    #[must_use]
    pub fn no_early(mut self) -> Self {
        self.early = false;
        self
    }

    /// `single_flight = off`.
    #[must_use]
    pub fn no_single_flight(mut self) -> Self {
        self.single_flight = false;
        self
    }

    /// `load_timeout = "2s"`.
    #[must_use]
    pub fn load_timeout(mut self, bound: Duration) -> Self
    where
        S::Error: SaysLoadTimeout,
    {
        self.load_timeout = Some((bound, S::Error::from));
        self
    }

    /// `load = task`.
    #[must_use]
    pub fn as_task(mut self) -> Self {
        self.task = true;
        self
    }

    /// `refresh = background`, beside `load = task`.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Returns the ttl of this value, or of an absence for `None`; `None` if it is not to be stored.
    pub(crate) fn ttl_for(&self, value: Option<&S::Item>) -> Option<Duration> {
        let ttl = match value {
            Some(value) => (!self.unless.is_some_and(|unless| unless(value))).then_some(self.ttl),
            None => self.negative_ttl,
        };
        // An entry that expires as it is stored would only take room.
        ttl.filter(|ttl| !ttl.is_zero())
    }

    /// Returns the time until which this call site serves an absence that was found at `ended`, in nanoseconds.
    pub(crate) fn absent_until(&self, ended: u64) -> u64 {
        self.negative_ttl.map_or(0, |ttl| ended.saturating_add(nanos(ttl)))
    }

    /// Returns the longest time after its expiry for which a value may be served.
    pub(crate) fn longest_stale(&self) -> Duration {
        self.stale.max(self.stale_if_error)
    }

    /// Returns the lifetime of a value whose load ran from `began` to `ended`, in nanoseconds.
    pub(crate) fn lifetime(&self, ttl: Duration, began: u64, ended: u64) -> Lifetime {
        let load_time = ended.saturating_sub(began);
        let expires = ended.saturating_add(jittered(nanos(ttl), self.jitter));
        self.lifetime_until(expires, load_time, ended)
    }

    /// Returns the lifetime of a value that expires at `expires`.
    pub(crate) fn lifetime_until(&self, expires: u64, load_time: u64, now: u64) -> Lifetime {
        let span = early_span(load_time).min(nanos(self.ttl) / EARLY_SHARE);
        let early_from = if self.early { expires.saturating_sub(span).max(now.saturating_add(1)) } else { expires };
        let local_until = self.local_ttl.map_or(u64::MAX, |ttl| now.saturating_add(nanos(ttl)));
        let served_until = expires.saturating_add(nanos(self.longest_stale()));
        Lifetime { load_time, expires, early_from, local_until, served_until }
    }

    /// Returns the lifetime here of an entry that another call site stored with its own expiry; `None` if this call site has no use
    /// for it.
    pub(crate) fn lifetime_of<V>(&self, found: &FoundEntry<V>, now: u64) -> Option<Lifetime> {
        let Lifetime { expires, load_time, local_until, .. } = found.life;
        let is_useful = !found.is_refreshed() || !self.longest_stale().is_zero();
        if self.ttl.is_zero() || !is_useful || now >= expires.min(local_until) {
            return None;
        }
        let life = self.lifetime_until(expires, load_time, now);
        let early_from = if found.is_refreshed() { 0 } else { life.early_from };
        Some(Lifetime { early_from, local_until: life.local_until.min(local_until), ..life })
    }
}

impl<S: Shape> std::fmt::Debug for Policy<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// Returns the ttl less a random share of it, so that entries that were loaded together do not expire together. Zero only for a ttl of
/// zero: an entry that expires as it is stored is never a hit.
fn jittered(ttl: u64, share: f64) -> u64 {
    // Nanoseconds lose precision beyond 104 days, by less than a microsecond.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let off = (ttl as f64 * share * fastrand::f64()) as u64;
    ttl.saturating_sub(off).max(ttl.min(1))
}

/// Returns the time before the expiry from which a hit may request a refresh: `-ln(rand)` exceeds 20 once in 500 million draws.
fn early_span(load_time: u64) -> u64 {
    load_time.saturating_mul(20)
}

/// Decides on an early refresh, by `XFetch` (Vattani, Chierichetti and Lowenstein, VLDB 2015) with beta = 1: refresh iff
/// `now - load_time * ln(rand) >= expires`. The longer the load and the nearer the expiry, the likelier.
pub(crate) fn refresh_early(now: u64, life: &Lifetime) -> bool {
    // 1 - [0, 1) is never zero, so the logarithm is finite.
    let draw = -(1.0 - fastrand::f64()).ln();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let ahead = (life.load_time as f64 * draw) as u64;
    now.saturating_add(ahead) >= life.expires
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Plain;

    #[test]
    fn jitter_only_shortens_and_never_to_nothing_by_itself() {
        for _ in 0..1_000 {
            let ttl = jittered(1_000_000, 0.1);
            assert!((900_000..=1_000_000).contains(&ttl));
        }
        assert_eq!(jittered(1, 0.5), 1);
        assert_eq!(jittered(77, 0.0), 77);
        assert_eq!(jittered(0, 0.5), 0);
    }

    #[test]
    fn ttl_runs_from_the_end_of_the_load() {
        let policy = Policy::<Plain<u8>>::new(Duration::from_secs(1)).jitter(0.0).no_early();
        let life = policy.lifetime(policy.ttl, 100, 500);
        assert_eq!((life.load_time, life.expires, life.early_from), (400, 1_000_000_500, 1_000_000_500));
    }

    #[test]
    fn no_refresh_is_early_by_more_than_a_tenth_of_the_ttl() {
        const SECOND: u64 = 1_000_000_000;
        let policy = Policy::<Plain<u8>>::new(Duration::from_secs(10)).jitter(0.0);
        let early_by = |load_time| {
            let life = policy.lifetime(policy.ttl, 0, load_time);
            life.expires - life.early_from
        };
        assert_eq!(early_by(SECOND / 1_000), SECOND / 50, "twenty load times");
        assert_eq!(early_by(SECOND / 10), SECOND);
        assert_eq!(early_by(100 * SECOND), SECOND);
        assert_eq!(early_by(u64::MAX / 2), SECOND);
    }

    #[test]
    fn durations_without_bound_saturate() {
        let policy = Policy::<Plain<u8>>::new(Duration::MAX).jitter(0.0).stale(Duration::MAX).local_ttl(Duration::MAX);
        for ended in [1, u64::MAX - 1, u64::MAX] {
            let life = policy.lifetime(Duration::MAX, 0, ended);
            assert_eq!((life.expires, life.local_until), (u64::MAX, u64::MAX));
            assert!(life.early_from <= life.expires);
        }
    }

    #[test]
    fn early_refreshes_come_near_the_expiry_and_in_the_expected_number() {
        let life = Lifetime {
            load_time: 1_000,
            expires: 1_000_000,
            early_from: 0,
            local_until: u64::MAX,
            served_until: 1_000_000,
        };
        let drawn = |now| (0..10_000).filter(|_| refresh_early(now, &life)).count();
        assert_eq!(drawn(1_000_000), 10_000, "at the expiry always");
        assert_eq!(drawn(1_000_000 - 60_000), 0, "60 load times before it never");
        // One load time before the expiry the chance is exp(-1) = 36.8 %.
        assert!((3_300..4_100).contains(&drawn(1_000_000 - 1_000)));
    }
}
