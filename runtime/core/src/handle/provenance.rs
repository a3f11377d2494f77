//! The origin of the answers that a future gets from the cache.

use std::pin::pin;
use std::sync::Arc;

use super::plain;
use crate::stats::{AnswerRecorder, Provenance};

/// Runs a future, and returns where the answers of its cached calls came from, how old they are and how long they are fresh: of all that
/// it awaits, calls in the bodies of cached functions included, but not of tasks that it spawns.
///
/// Hits inside take the way of a miss to the entry, which costs them about a microsecond; [`observe`](crate::observe) counts without that.
/// An inner `provenance` has its answers for itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use fastness::stats::{AnswerSource, provenance};
///
/// #[fastness::cacheable(ttl = 60)]
/// async fn double(n: u64) -> u64 { n * 2 }
///
/// double(21).await;
/// let (value, provenance) = provenance(double(21)).await;
/// assert_eq!((value, provenance.answers()[0].source), (42, AnswerSource::Local));
/// assert!(provenance.is_hit() && !provenance.is_stale());
/// assert!(provenance.ttl_left().unwrap().as_secs() >= 53); // a tenth of the 60 s may be jitter
/// # }
/// ```
///
/// # Cancel safety
///
/// This future is as cancel-safe as `future`.
pub async fn provenance<F: Future>(future: F) -> (F::Output, Provenance) {
    plain::note_override();
    let recorder = Arc::<AnswerRecorder>::default();
    let mut future = pin!(future);
    let output = std::future::poll_fn(|cx| {
        let _entered = recorder.enter();
        future.as_mut().poll(cx)
    })
    .await;
    (output, recorder.take())
}

/// Runs a closure, and returns where the answers of its cached calls came from: [`provenance`] for code that is not async.
///
/// ```
/// #[fastness::cacheable(ttl = 60)]
/// fn square(n: u64) -> u64 { n * n }
///
/// let (_, first) = fastness::stats::provenance_sync(|| square(3));
/// let (_, second) = fastness::stats::provenance_sync(|| square(3));
/// assert!(!first.is_hit() && second.is_hit());
/// ```
pub fn provenance_sync<T>(run: impl FnOnce() -> T) -> (T, Provenance) {
    plain::note_override();
    let recorder = Arc::<AnswerRecorder>::default();
    let entered = recorder.enter();
    let output = run();
    drop(entered);
    (output, recorder.take())
}
