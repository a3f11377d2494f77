//! Timings without the attribute.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::meta::TimedMeta;
use super::outcome::CallOutcome;
use super::site::TimedSite;
use super::stats::Snapshot;
use super::timer::Timer;
use crate::clock::nanos;
use crate::sync::lock_std;

static NAMED: Mutex<BTreeMap<&'static str, &'static TimedSite>> = Mutex::new(BTreeMap::new());

/// The recorder behind `#[timed]`, for code that is not a function of its own.
///
/// All timings of one name are the same. The lookup by name takes a lock: on a hot path, create the timing once and store it.
///
/// ```
/// use std::sync::LazyLock;
/// use fastness::timing::Timing;
///
/// static PARSE: LazyLock<Timing> = LazyLock::new(|| Timing::new("doc.parse"));
///
/// let number = PARSE.try_time(|| "42".parse::<u8>());
/// assert_eq!(number, Ok(42));
/// assert!(PARSE.try_time(|| "many".parse::<u8>()).is_err());
/// assert_eq!((PARSE.snapshot().ok.count(), PARSE.snapshot().error.count()), (1, 1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timing(&'static TimedSite);

impl Timing {
    /// Returns the timing of this name. A new one stays for ever, so use few and fixed names.
    pub fn new(name: &'static str) -> Self {
        let make = || {
            let meta = TimedMeta { name, function: "", module: "", file: "", line: 0, labels: &[] };
            // Never freed, like the static of an annotated function.
            &*Box::leak(Box::new(TimedSite::new(meta)))
        };
        Self(lock_std(&NAMED).entry(name).or_insert_with(make))
    }

    /// Starts a timer, whose drop counts as `Ok` unless it was finished with another outcome.
    pub fn start(self) -> Timer {
        Timer::new(self.0, self.0.plain(), CallOutcome::Ok)
    }

    /// Records a duration that was measured elsewhere.
    pub fn record(self, took: Duration, outcome: CallOutcome) {
        self.0.plain().record(nanos(took), outcome);
    }

    /// Times a call that cannot fail.
    pub fn time<R>(self, call: impl FnOnce() -> R) -> R {
        let timer = self.0.start();
        let value = call();
        timer.finish(CallOutcome::Ok);
        value
    }

    /// Times a call that can fail.
    pub fn try_time<T, E>(self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let timer = self.0.start();
        let result = call();
        timer.finish(CallOutcome::ok_if(result.is_ok()));
        result
    }

    /// Times a future that cannot fail, from its first poll until it is ready.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as `future`; its drop is recorded as `Cancelled`.
    pub async fn time_async<F: Future>(self, future: F) -> F::Output {
        let timer = self.0.start();
        let value = future.await;
        timer.finish(CallOutcome::Ok);
        value
    }

    /// Times a future that can fail, from its first poll until it is ready.
    ///
    /// # Cancel safety
    ///
    /// This future is as cancel-safe as `future`; its drop is recorded as `Cancelled`.
    pub async fn try_time_async<T, E>(self, future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let timer = self.0.start();
        let result = future.await;
        timer.finish(CallOutcome::ok_if(result.is_ok()));
        result
    }

    /// Returns the figures recorded so far.
    pub fn snapshot(self) -> Snapshot {
        Snapshot::new(self.0.meta(), self.0.plain())
    }
}

/// Times the rest of the block under this name: `let _timer = fastness::timing::time("parse");`.
///
/// ```
/// {
///     let _timer = fastness::timing::time("doc.block");
///     // ..
/// }
/// assert_eq!(fastness::timing::Timing::new("doc.block").snapshot().ok.count(), 1);
/// ```
pub fn time(name: &'static str) -> Timer {
    Timing::new(name).start()
}

pub(crate) fn sites() -> Vec<&'static TimedSite> {
    lock_std(&NAMED).values().copied().collect()
}
