//! The lifetime of what is stored: the same for all, or stated by each value or error itself.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::times::LoadTimes;
use crate::stats::Counters;

/// The ttl of values or errors of type `T`.
pub struct Ttl<T> {
    /// The longest ttl: without end where each states its own and no setting bounds it.
    pub(crate) longest: Duration,
    stated: Option<Stated<T>>,
}

/// A function of the user's that returns a lifetime, and the function that calls it. The second is compiled only where an option states
/// lifetimes, so all other call sites have no code for it.
struct Stated<T> {
    of: fn(&T) -> Duration,
    ask: Ask<T>,
}

type Ask<T> = fn(fn(&T) -> Duration, &T, SiteFigures<'_>) -> Duration;

/// The call site whose function may panic, as it is counted and logged.
#[derive(Clone, Copy, Debug)]
pub struct SiteFigures<'a> {
    pub(crate) counters: &'a Counters,
    /// The function's path.
    pub(crate) function: &'a str,
}

impl<T> fmt::Debug for Ttl<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ttl").field("longest", &self.longest).field("stated", &self.is_stated()).finish()
    }
}

impl<T> Ttl<T> {
    /// The same ttl for all, from the end of the load.
    pub(crate) fn fixed(ttl: Duration) -> Self {
        Self { longest: ttl, stated: None }
    }

    /// The ttl that `of` returns of each, from the beginning of the load.
    pub(crate) fn stated(of: fn(&T) -> Duration) -> Self {
        Self { longest: Duration::MAX, stated: Some(Stated { of, ask }) }
    }

    /// Puts another ttl in the place of this one. Where each states its own, it bounds them.
    #[cfg(feature = "settings")]
    pub(super) fn set(&mut self, ttl: Duration) {
        self.longest = ttl;
    }

    /// Returns whether nothing is stored, whatever it is.
    pub(crate) fn is_never(&self) -> bool {
        self.longest.is_zero()
    }

    /// Returns whether each states its own ttl, so that the beginning of its load counts.
    pub(crate) fn is_stated(&self) -> bool {
        self.stated.is_some()
    }

    /// Returns the ttl, and the time from which it counts. A value's own lifetime began at some moment of its load, so only the beginning of
    /// the load is sure not to prolong it.
    pub(crate) fn ttl_for(&self, stored: &T, load: LoadTimes, site: SiteFigures<'_>) -> (u64, Duration) {
        match &self.stated {
            Some(Stated { of, ask }) => (load.began, ask(*of, stored, site).min(self.longest)),
            None => (load.ended, self.longest),
        }
    }
}

/// Calls the user's function. The answer of the caller is there already, so a panic must not take it away: the lifetime is zero then.
fn ask<T>(of: fn(&T) -> Duration, stored: &T, site: SiteFigures<'_>) -> Duration {
    guarded(&|| of(stored), site)
}

fn guarded(of: &dyn Fn() -> Duration, site: SiteFigures<'_>) -> Duration {
    catch_unwind(AssertUnwindSafe(of)).unwrap_or_else(|_| {
        if site.counters.ttl_panics.count_first() {
            tracing::warn!(
                function = site.function,
                "the function of `ttl` or `err_ttl` panicked, so nothing is stored: return a `Duration` for every value"
            );
        }
        Duration::ZERO
    })
}

/// A path that an attribute takes for a ttl: a `Duration`, or a function from what is stored to a `Duration`. `Kind` tells the two apart,
/// and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no lifetime",
    label = "must be a `Duration`, or a function from `&{T}` to a `Duration`",
    note = "write a `Duration`, as `ttl = MINUTE`, a closure, as `ttl = |value| value.lifetime()`, or the path of a function that takes a `&{T}`"
)]
pub trait TtlSource<T, Kind> {
    /// The ttl. `of` calls [`ttl_of`] on the same path: a pointer to a function is kept, and a path of unknown type cannot become one.
    fn ttl(&self, of: fn(&T) -> Duration) -> Ttl<T>;
    /// The lifetime of what is stored.
    fn lifetime(&self, stored: &T) -> Duration;
}

/// The kind of a `Duration`.
#[derive(Clone, Copy, Debug)]
pub struct Fixed;

/// The kind of a function.
#[derive(Clone, Copy, Debug)]
pub struct OfStored;

impl<T> TtlSource<T, Fixed> for Duration {
    fn ttl(&self, _: fn(&T) -> Duration) -> Ttl<T> {
        Ttl::fixed(*self)
    }
    fn lifetime(&self, _: &T) -> Duration {
        *self
    }
}

impl<T, F: Fn(&T) -> Duration> TtlSource<T, OfStored> for F {
    fn ttl(&self, of: fn(&T) -> Duration) -> Ttl<T> {
        Ttl::stated(of)
    }
    fn lifetime(&self, stored: &T) -> Duration {
        self(stored)
    }
}

/// The lifetime that a path gives to what is stored.
pub fn ttl_of<T, Kind, P: TtlSource<T, Kind>>(path: &P, stored: &T) -> Duration {
    path.lifetime(stored)
}
