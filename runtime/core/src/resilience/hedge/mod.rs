//! Hedges: a second try beside a slow first one, so that no caller waits for a slow server or a lost packet.
//!
//! A hedge is for calls that may be made twice. Only calls that are slower than most are tried again, and never more than a share of
//! the calls: when all calls are slow, second tries would only add load. There is none for blocking functions, because
//! the try that lost could not be stopped.

mod latency;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use latency::Latencies;

use super::base::{Base, PolicyState, SharedPolicy};
use super::budget::Budget;
use super::events;
use super::kind::PolicyKind;
use super::noted;
use super::outcomes::Begun;
use super::percent::Percent;
use super::within::within;
use crate::clock::Clock;
use crate::sync::{Mutex, lock};
use crate::trace::hedged;

/// The settings of a hedge: the time after which a second try begins. Every method is `const`.
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
    /// Creates settings with a fixed time: the second try begins when the first has taken this long.
    pub const fn after(delay: Duration) -> Self {
        Self { after: delay, live: false, budget: Percent::new(10) }
    }

    /// Creates settings by percentile: the second try begins when the first has taken longer than 95 % of the last 128 good calls, or
    /// `at_first` while fewer than 32 are known.
    pub const fn p95(at_first: Duration) -> Self {
        Self { after: at_first, live: true, budget: Percent::new(10) }
    }

    /// Sets the maximum share of calls with a second try (10 %). Ten more are allowed at first, and one a second is added
    /// while fewer than ten are left.
    #[must_use]
    pub const fn budget(mut self, share: Percent) -> Self {
        self.budget = share;
        self
    }

    /// Sets the delay, and whether it holds only until there is a percentile.
    #[cfg(feature = "settings")]
    pub(crate) fn with_delay(self, after: Duration, live: bool) -> Self {
        Self { after, live, ..self }
    }
}

/// A hedge: makes a slow call a second time, and returns the first good answer. Cheap to clone; clones are the same policy.
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

/// The state that the calls of a hedge share. Only arithmetic runs under these locks.
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

impl PolicyState for Tries {
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
    /// Creates a policy that shares no state with others.
    pub const fn new(name: &'static str, settings: Settings) -> Self {
        Self(Base::new(name, settings))
    }

    /// Sets the clock of the budget and the percentile, for tests. The result is another policy of the same name and settings.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self(self.0.with_clock(clock))
    }

    /// Returns the same policy with other settings: one budget, one percentile, and counts together.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self(self.0.with_settings(settings))
    }

    /// Makes the call, and makes it a second time beside the first if that is slow. Returns the first `Ok`, and drops the other
    /// try.
    ///
    /// # Errors
    ///
    /// The error of the first try, if it fails before there is a second or if the second fails too.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with its timer enabled, unless the call is ready at once.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as that of the call.
    pub fn call<T, E, F>(&self, call: impl FnMut() -> F) -> impl Future<Output = Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_judged(call, Result::is_err)
    }

    /// [`call`](Self::call) for an output of any type: `failed` decides which outputs are failures.
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
    /// The same holds as for [`call`](Self::call).
    pub async fn call_judged<R, F: Future<Output = R>>(
        &self,
        mut call: impl FnMut() -> F,
        failed: impl Fn(&R) -> bool,
    ) -> R {
        let (shared, settings) = (self.0.shared(), self.0.settings());
        let mut run = shared.begin();
        let mut first = pin!(run.make(&mut call));
        let early = run.begun.watch(within(&shared.name, shared.state.delay(&settings), first.as_mut())).await;
        if let Ok(ended) = early {
            return run.end(ended, FIRST, &failed);
        }
        if !shared.may_hedge(&settings) {
            let ended = run.begun.watch(first).await;
            return run.end(ended, FIRST, &failed);
        }
        hedged(&shared.name);
        events::hedged(&shared.name);
        let second = pin!(run.make(&mut call));
        let (ended, by) = run.begun.watch(first_good(first, second, &failed)).await;
        run.end(ended, by, &failed)
    }
}

/// Returns the first good output of two tries, or that of `first` once both have failed; and the try that it is from.
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
                // The noted rejection is that of the first try, whose output is returned.
                noted::note_again(rejection);
                Poll::Ready((ended, FIRST))
            }
            None => Poll::Pending,
        }
    })
    .await
}

/// A call in flight.
struct Run<'a> {
    shared: &'a SharedPolicy<Tries>,
    begun: Begun<'a>,
    started: u64,
}

impl Run<'_> {
    /// Begins a try.
    fn make<F>(&mut self, make: impl FnMut() -> F) -> F {
        self.begun.run(make)
    }

    fn end<R>(mut self, ended: R, by: usize, failed: impl Fn(&R) -> bool) -> R {
        let is_good = self.begun.run(|| !failed(&ended));
        if is_good {
            // The time of a first try that lost is a lower bound: it would have taken longer.
            let nanos = self.shared.clock.now().saturating_sub(self.started);
            lock(&self.shared.state.latencies).add(nanos);
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

impl SharedPolicy<Tries> {
    fn begin(&self) -> Run<'_> {
        self.outcomes.count(CALLS);
        Run { shared: self, begun: Begun::new(&self.outcomes, CANCELLED, PANICKED), started: self.clock.now() }
    }

    fn may_hedge(&self, settings: &Settings) -> bool {
        let may = lock(&self.state.budget).take(settings.budget, self.outcomes.get(CALLS), self.clock.now());
        if may {
            self.outcomes.count(HEDGES);
        }
        may
    }
}
