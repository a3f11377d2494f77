//! Calls that bypass the cache, and calls that load anew: for one future, or for one closure.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::plain;

/// The use that a call makes of the cache. Of two overrides around a call the greater one counts: a value that may be read inside of
/// [`bypass`], such as one that is not committed yet, must not be stored by a [`reload`] further in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CallMode {
    /// The call reads, and stores the value that it loads.
    #[default]
    Normal,
    /// The call reads nothing, and stores the value that it loads: inside of [`reload`].
    Reload,
    /// The call neither reads nor stores: inside of [`bypass`], or while the cache or its function is turned off.
    Bypass,
}

thread_local! {
    static CURRENT: Cell<CallMode> = const { Cell::new(CallMode::Normal) };
}

impl CallMode {
    /// Returns the mode of a call that is made here.
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    pub(super) fn enter(self) -> EnteredMode {
        if self != Self::Normal {
            plain::note_override();
        }
        EnteredMode { former: CURRENT.replace(Self::current().max(self)) }
    }
}

/// A mode in force on this thread; its drop restores the former one.
pub(super) struct EnteredMode {
    former: CallMode,
}

impl Drop for EnteredMode {
    fn drop(&mut self) {
        CURRENT.set(self.former);
    }
}

pin_project! {
    /// Future that is polled in a mode.
    struct InMode<F> {
        mode: CallMode,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for InMode<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.mode.enter();
        this.future.poll(cx)
    }
}

/// Runs a future in a mode.
pub(super) fn in_mode<F: Future>(mode: CallMode, future: F) -> impl Future<Output = F::Output> {
    InMode { mode, future }
}

/// Runs a future whose cached calls bypass the cache: each runs its function, waits for no other call's load, and stores nothing. Policies
/// such as a breaker or a limit still apply, and invalidations still happen.
///
/// That holds for the cached calls of the future and of all that it awaits, those in the bodies of cached functions included, but not for
/// tasks that it spawns. Use it to read what the cache must not keep, such as rows that a transaction has not committed yet. A `get` finds
/// nothing, and a value that is put is not stored, but invalidates its key.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
///
/// static PRICE: AtomicU32 = AtomicU32::new(1);
///
/// #[fastness::cacheable(ttl = 60)]
/// async fn price() -> u32 { PRICE.load(SeqCst) }
///
/// assert_eq!(price().await, 1);
/// PRICE.store(2, SeqCst);
/// assert_eq!(fastness::bypass(price()).await, 2);
/// assert_eq!(price().await, 1, "the entry is as it was");
/// # }
/// ```
///
/// # Cancel safety
///
/// This future is as cancel-safe as `future`.
pub fn bypass<F: Future>(future: F) -> impl Future<Output = F::Output> {
    in_mode(CallMode::Bypass, future)
}

/// Runs a closure whose cached calls bypass the cache: [`bypass`] for code that is not async.
///
/// ```
/// #[fastness::cacheable(ttl = 60)]
/// fn square(n: u64) -> u64 { n * n }
///
/// # let fast = fastness::Fastness::current();
/// assert_eq!(fastness::bypass_sync(|| square(3)), 9);
/// assert_eq!(fast.stats().total.bypassed, 1);
/// ```
pub fn bypass_sync<T>(run: impl FnOnce() -> T) -> T {
    let _entered = CallMode::Bypass.enter();
    run()
}

/// Runs a future whose cached calls load anew: each runs its function although there is a fresh entry, and its value replaces that entry
/// in both tiers.
///
/// Until then other callers get the entry that there is, and they keep it if the load fails: the error goes to this caller alone. The load
/// is judged by the log as any other, so what an invalidation overtakes is not stored. No load is joined that began before the call;
/// concurrent reloads of one key share a load that began after all of them had asked. In Redis the value is replaced for all processes;
/// what another process has in memory stays there for its ttl, unless [`Cache::refresh`](crate::Cache::refresh) expires it.
///
/// That holds for the cached calls of the future and of all that it awaits, those in the bodies of cached functions included, but not for
/// tasks that it spawns. Inside of [`bypass`] it has no effect. A `get`, which runs no function, reads as always.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
///
/// static PRICE: AtomicU32 = AtomicU32::new(1);
///
/// #[fastness::cacheable(ttl = 60)]
/// async fn price() -> u32 { PRICE.load(SeqCst) }
///
/// assert_eq!(price().await, 1);
/// PRICE.store(2, SeqCst);
/// assert_eq!(fastness::reload(price()).await, 2);
/// assert_eq!(price().await, 2, "the entry was replaced");
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping the future drops the load, and the entry stays as it was; if other reloads wait for the load, one of them takes over.
pub fn reload<F: Future>(future: F) -> impl Future<Output = F::Output> {
    in_mode(CallMode::Reload, future)
}

/// Runs a closure whose cached calls load anew: [`reload`] for code that is not async.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
///
/// static RATE: AtomicU32 = AtomicU32::new(1);
///
/// #[fastness::cacheable(ttl = 60)]
/// fn rate() -> u32 { RATE.load(SeqCst) }
///
/// assert_eq!(rate(), 1);
/// RATE.store(2, SeqCst);
/// assert_eq!((fastness::reload_sync(rate), rate()), (2, 2));
/// ```
pub fn reload_sync<T>(run: impl FnOnce() -> T) -> T {
    let _entered = CallMode::Reload.enter();
    run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_override_counts_and_ends_with_its_closure() {
        let modes = || {
            let inner = (bypass_sync(CallMode::current), reload_sync(CallMode::current));
            (CallMode::current(), inner.0, inner.1)
        };
        assert_eq!(modes(), (CallMode::Normal, CallMode::Bypass, CallMode::Reload));
        assert_eq!(reload_sync(modes), (CallMode::Reload, CallMode::Bypass, CallMode::Reload));
        assert_eq!(bypass_sync(modes), (CallMode::Bypass, CallMode::Bypass, CallMode::Bypass));
        let panicked = std::panic::catch_unwind(|| bypass_sync(|| panic!("the body panicked")));
        assert!(panicked.is_err());
        assert_eq!(CallMode::current(), CallMode::Normal);
    }

    #[test]
    fn a_future_is_as_large_as_before_but_for_a_byte() {
        let future = async {
            let bytes = [0_u8; 1_000];
            std::future::ready(()).await;
            bytes.len()
        };
        let size = size_of_val(&future);
        assert!(size_of_val(&bypass(future)) <= size + 8);
    }
}
