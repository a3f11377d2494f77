//! Overrides of the process default, for one future or one closure.

use std::pin::pin;

#[cfg(feature = "http")]
use super::mode::EnteredMode;
use super::mode::{CallMode, in_mode};
use super::{Fastness, plain};
use crate::stats::AnswerRecorder;
use crate::sync::ThreadStack;

thread_local! {
    /// The overrides in force, outermost first.
    static CURRENT: ThreadStack<Fastness> = const { ThreadStack::new() };
}

impl Fastness {
    /// Returns whether a call that names no handle is a plain one here: on the process default, in the normal mode, while nothing is
    /// turned off and the origin of answers is not recorded. A hit asks, so the answer of a process without exceptions is one load.
    #[inline]
    pub(crate) fn is_plain_here() -> bool {
        !plain::has_exceptions() || Self::is_plain_despite_exceptions()
    }

    #[inline(never)]
    fn is_plain_despite_exceptions() -> bool {
        !plain::has_switches()
            && !Self::is_overridden()
            && CallMode::current() == CallMode::Normal
            && !AnswerRecorder::is_in_force()
    }

    /// Returns whether this call is inside of [`with_cache`].
    pub(crate) fn is_overridden() -> bool {
        plain::has_overrides() && !CURRENT.with(ThreadStack::is_empty)
    }

    /// Returns the handle of the innermost [`with_cache`] around this call.
    pub(crate) fn current_override() -> Option<Self> {
        plain::has_overrides().then(|| CURRENT.with(ThreadStack::last)).flatten()
    }
}

/// Runs a future with this handle instead of the process default. It covers the future and everything that it awaits, but not tasks that it
/// spawns. With it, tests run concurrently, each with its own cache.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// async fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build()?;
/// assert_eq!(fastness::with_cache(&fast, answer()).await, 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
///
/// # Cancel safety
///
/// It is as cancel safe as the future itself.
pub async fn with_cache<F: Future>(handle: &Fastness, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let _entered = enter(handle);
        future.as_mut().poll(cx)
    })
    .await
}

/// Wraps a future for a task of its own, so that it runs with the handle and in the mode in force here: overrides do not reach into tasks
/// by themselves.
pub(crate) fn with_current_cache<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let current = Fastness::current_override();
    let on_current = async move {
        match &current {
            Some(handle) => with_cache(handle, future).await,
            None => future.await,
        }
    };
    in_mode(CallMode::current(), on_current)
}

/// The handle and the mode in force at one place, for work that goes on elsewhere.
#[cfg(feature = "http")]
#[derive(Default)]
pub(crate) struct CurrentCache {
    handle: Option<Fastness>,
    mode: CallMode,
}

/// A handle and a mode in force on this thread; its drop restores the former ones.
#[cfg(feature = "http")]
pub(crate) struct EnteredCache {
    _handle: Option<Entered>,
    _mode: EnteredMode,
}

#[cfg(feature = "http")]
impl CurrentCache {
    /// Returns those in force here.
    pub(crate) fn here() -> Self {
        Self { handle: Fastness::current_override(), mode: CallMode::current() }
    }

    /// Brings them into force while the guard lives.
    pub(crate) fn enter(&self) -> EnteredCache {
        EnteredCache { _handle: self.handle.as_ref().and_then(enter), _mode: self.mode.enter() }
    }
}

/// Runs a closure with this handle instead of the process default, as [`with_cache`] runs a future.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build()?;
/// assert_eq!(fastness::with_cache_sync(&fast, answer), 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
pub fn with_cache_sync<T>(handle: &Fastness, run: impl FnOnce() -> T) -> T {
    let _entered = enter(handle);
    run()
}

/// An override on this thread's stack; its drop removes it.
struct Entered;

/// Puts a handle on this thread's stack. The process default is not put on an unused stack, where it would change nothing.
fn enter(handle: &Fastness) -> Option<Entered> {
    if !plain::has_overrides() && handle.is_process_default() {
        return None;
    }
    plain::note_override();
    CURRENT.with(|stack| stack.push(handle.clone()));
    Some(Entered)
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(CURRENT.with(ThreadStack::pop));
    }
}
