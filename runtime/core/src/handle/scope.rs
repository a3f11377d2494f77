//! One handle in place of another, for one future or one call.

use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::Fastness;
use crate::sync::ThreadStack;

/// Whether [`scope`] was ever used: until then no call looks for one.
static SCOPED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Those in force, outermost first.
    static CURRENT: ThreadStack<Fastness> = const { ThreadStack::new() };
}

impl Fastness {
    /// Whether any call may be inside a scope.
    #[inline]
    pub(crate) fn may_be_scoped() -> bool {
        SCOPED.load(Relaxed)
    }

    pub(crate) fn scoped() -> Option<Self> {
        Self::may_be_scoped().then(|| CURRENT.with(ThreadStack::last)).flatten()
    }
}

/// Runs a future with this handle in place of the process default, for it and what it awaits; not for tasks that it
/// spawns. So tests can run side by side, each with a cache of its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// async fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build()?;
/// assert_eq!(fastness::scope(&fast, answer()).await, 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
///
/// # Cancel safety
///
/// As safe as the future itself.
pub async fn scope<F: Future>(handle: &Fastness, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let _entered = enter(handle);
        future.as_mut().poll(cx)
    })
    .await
}

/// A future for a task of its own, which runs with the handle that is in force here: a scope does not reach into tasks by itself.
pub(crate) fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let around = Fastness::scoped();
    async move {
        match &around {
            Some(handle) => scope(handle, future).await,
            None => future.await,
        }
    }
}

/// [`scope`] for code that is not async.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// #[fastness::cacheable(ttl = 60)]
/// fn answer() -> u32 { 42 }
///
/// let fast = fastness::Fastness::builder().build()?;
/// assert_eq!(fastness::scope_sync(&fast, answer), 42);
/// assert_eq!(fast.stats().entries, 1);
/// # Ok(()) }
/// ```
pub fn scope_sync<T>(handle: &Fastness, run: impl FnOnce() -> T) -> T {
    let _entered = enter(handle);
    run()
}

struct Entered;

/// While no scope was ever entered, that of the process default would change nothing, and is not entered either.
fn enter(handle: &Fastness) -> Option<Entered> {
    if !Fastness::may_be_scoped() && handle.is_process_default() {
        return None;
    }
    SCOPED.store(true, Relaxed);
    CURRENT.with(|stack| stack.push(handle.clone()));
    Some(Entered)
}

impl Drop for Entered {
    fn drop(&mut self) {
        drop(CURRENT.with(ThreadStack::pop));
    }
}
