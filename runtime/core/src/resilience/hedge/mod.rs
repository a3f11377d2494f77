//! A second try beside a first one that takes long, so that a slow server, or a lost packet, is waited for by nobody.
//!
//! It is for calls that may be made twice. Only what is slower than most is tried again, and never more than a share of the
//! calls: when everything is slow, a second try would only add to it. There is none for functions that block, because
//! nothing could stop the one that lost.

mod latency;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use latency::Latencies;

use super::base::{Base, Kind, Shared};
use super::budget::Budget;
use super::noted;
use super::outcomes::Begun;
use super::percent::Percent;
use super::snapshot::PolicyKind;
use super::within::within;
use crate::clock::Clock;
use crate::sync::{Mutex, lock};

/// The settings of a hedge: when a second try begins. Every method is `const`.
///
/// ```
/// use std::time::Duration;
/// use fastness::resilience::Percent;
/// use fastness::resilience::hedge::Settings;
///
/// const QUICK: Settings = Settings::p95(Duration::from_millis(50)).budget(Percent::new(5));
/// # let _ = QUICK;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    after: Duration,
    live: bool,
    budget: Percent,
}

impl Settings {
    /// A second try when the first one has taken so long.
    pub const fn after(delay: Duration) -> Self {
        Self { after: delay, live: false, budget: Percent::new(10) }
    }

    /// A second try when the first one has taken longer than 95 of the last 100 calls did; `at_first` as long as fewer than 32 are known.
    pub const fn p95(at_first: Duration) -> Self {
        Self { after: at_first, live: true, budget: Percent::new(10) }
    }

    /// Sets how many second tries there are at most, of 100 calls (10). Ten more are there at first, and one a second comes when
    /// there are fewer than ten.
    #[must_use]
    pub const fn budget(mut self, share: Percent) -> Self {
        self.budget = share;
        self
    }
}

/// Makes calls twice that take long, and takes the first good answer. Cheap to clone; clones are the same policy.
///
/// ```
/// use std::cell::Cell;
/// use std::time::Duration;
/// use fastness::resilience::hedge::{Hedge, Settings};
///
/// static REPLICA: Hedge = Hedge::new("replica", Settings::after(Duration::from_millis(5)));
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let tries = Cell::new(0);
/// let read = || {
///     tries.set(tries.get() + 1);
///     let hangs = tries.get() == 1;
///     async move {
///         if hangs { std::future::pending().await }
///         Ok::<_, std::io::Error>("row")
///     }
/// };
/// assert_eq!(REPLICA.call(read).await.unwrap(), "row");
/// assert_eq!(tries.get(), 2);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Hedge(Base<Tries>);

/// What the calls of a hedge share. Only arithmetic is under these locks.
#[derive(Debug)]
struct Tries {
    latencies: Mutex<Latencies>,
    budget: Mutex<Budget>,
}

const CALLS: usize = 0;
const FIRST: usize = 1;
const SECOND: usize = 2;
const FAILED: usize = 3;
const CANCELLED: usize = 4;
const PANICKED: usize = 5;
const HEDGES: usize = 6;

impl Kind for Tries {
    type Settings = Settings;

    const KIND: PolicyKind = PolicyKind::Hedge;
    const OUTCOMES: &'static [&'static str] =
        &["calls", "first", "second", "failed", "cancelled", "panicked", "hedges"];

    fn new(_: &Arc<str>, _: &Settings, clock: &Clock) -> Self {
        Self { budget: Mutex::new(Budget::new(clock.now())), latencies: Mutex::default() }
    }

    fn levels(&self) -> Vec<(&'static str, u64)> {
        let p95 = lock(&self.latencies).p95().map(|nanos| ("p95_micros", nanos / 1_000));
        p95.into_iter().collect()
    }
}

impl Hedge {
    /// A policy of its own.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// A policy of its own with another clock for the budget and the percentile: for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Makes the call, and makes it a second time beside the first if that takes long. The first `Ok` is the answer, and
    /// the other try is dropped.
    ///
    /// # Errors
    ///
    /// That of the first try if it fails before there is a second, or if the second fails too.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled, unless the call is done at once.
    ///
    /// # Cancel safety
    ///
    /// As safe as the call.
    pub fn call<T, E, F>(&self, call: impl FnMut() -> F) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_judged(call, Result::is_err)
    }

    /// [`call`](Self::call), for an output of any type: one of which `failed` says so is no good answer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::resilience::hedge::{Hedge, Settings};
    ///
    /// static PAGE: Hedge = Hedge::new("page", Settings::after(Duration::from_millis(5)));
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// assert_eq!(PAGE.call_judged(|| async { 200 }, |status| *status >= 500).await, 200);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// As for [`call`](Self::call).
    pub async fn call_judged<R, F: Future<Output = R>>(
        &self,
        mut call: impl FnMut() -> F,
        failed: impl Fn(&R) -> bool,
    ) -> R {
        let (shared, settings) = (self.0.shared(), &self.0.settings);
        let mut run = shared.begin();
        let mut first = pin!(run.make(&mut call));
        let early = run.begun.watch(within(&shared.name, shared.own.delay(settings), first.as_mut())).await;
        if let Ok(ended) = early {
            return run.end(ended, FIRST, &failed);
        }
        if !shared.may_hedge(settings) {
            let ended = run.begun.watch(first).await;
            return run.end(ended, FIRST, &failed);
        }
        let second = pin!(run.make(&mut call));
        let (ended, by) = run.begun.watch(first_good(first, second, &failed)).await;
        run.end(ended, by, &failed)
    }
}

/// The first good output of two, or that of `first` once both have failed; and which one it is from.
async fn first_good<R, F: Future<Output = R>>(
    mut first: Pin<&mut F>,
    mut second: Pin<&mut F>,
    is_failed: impl Fn(&R) -> bool,
) -> (R, usize) {
    let mut failed = None;
    let mut second_failed = false;
    poll_fn(|cx| {
        if failed.is_none() {
            let mark = noted::mark();
            match first.as_mut().poll(cx) {
                Poll::Ready(ended) if is_failed(&ended) => failed = Some((ended, mark.rejection::<R>())),
                Poll::Ready(ended) => return Poll::Ready((ended, FIRST)),
                Poll::Pending => {}
            }
        }
        if !second_failed {
            match second.as_mut().poll(cx) {
                Poll::Ready(ended) if is_failed(&ended) => second_failed = true,
                Poll::Ready(ended) => return Poll::Ready((ended, SECOND)),
                Poll::Pending => {}
            }
        }
        match failed.take_if(|_| second_failed) {
            Some((ended, rejection)) => {
                // Not what the second failed with.
                noted::note_again(rejection);
                Poll::Ready((ended, FIRST))
            }
            None => Poll::Pending,
        }
    })
    .await
}

/// One call under way.
struct Run<'a> {
    shared: &'a Shared<Tries>,
    begun: Begun<'a>,
    started: u64,
}

impl Run<'_> {
    /// Makes a try.
    fn make<F>(&mut self, make: impl FnMut() -> F) -> F {
        self.begun.run(make)
    }

    fn end<R>(mut self, ended: R, by: usize, failed: impl Fn(&R) -> bool) -> R {
        let is_good = self.begun.run(|| !failed(&ended));
        if is_good {
            // Of a first try that lost, at least: it would have taken longer still.
            let nanos = self.shared.clock.now().saturating_sub(self.started);
            lock(&self.shared.own.latencies).add(nanos);
        }
        self.begun.end(if is_good { by } else { FAILED });
        ended
    }
}

impl Tries {
    fn delay(&self, settings: &Settings) -> Duration {
        let live = settings.live.then(|| lock(&self.latencies).p95()).flatten();
        live.map_or(settings.after, Duration::from_nanos)
    }
}

impl Shared<Tries> {
    fn begin(&self) -> Run<'_> {
        self.outcomes.count(CALLS);
        Run { shared: self, begun: Begun::new(&self.outcomes, CANCELLED, PANICKED), started: self.clock.now() }
    }

    fn may_hedge(&self, settings: &Settings) -> bool {
        let may = lock(&self.own.budget).take(settings.budget, self.outcomes.get(CALLS), self.clock.now());
        if may {
            self.outcomes.count(HEDGES);
        }
        may
    }
}
