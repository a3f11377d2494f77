//! Timing without the attribute.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::meta::TimedMeta;
use super::outcome::CallOutcome;
use super::site::TimedSite;
use super::stats::Snapshot;
use super::timer::Timer;
use crate::clock::nanos;
use crate::sync::lock_static;

static NAMED: Mutex<BTreeMap<&'static str, &'static TimedSite>> = Mutex::new(BTreeMap::new());

/// What `#[timed]` records, for code that is no function of its own.
///
/// All timings of one name are one. Finding it by its name takes a lock: on a hot path, make it once and keep it.
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
    /// The timing of this name. It is kept for ever, so names are few and known.
    pub fn new(name: &'static str) -> Self {
        let make = || {
            let meta = TimedMeta { name, function: "", module: "", file: "", line: 0, labels: &[] };
            // Never freed, as the static of an annotated function is not.
            &*Box::leak(Box::new(TimedSite::new(meta)))
        };
        Self(lock_static(&NAMED).entry(name).or_insert_with(make))
    }

    /// Starts to time; the timer counts as `Ok` when it is dropped, unless it is told otherwise.
    pub fn start(self) -> Timer {
        Timer::new(self.0, self.0.plain(), CallOutcome::Ok)
    }

    /// Records a time that was taken elsewhere.
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

    /// Times a future that cannot fail, from when it is first polled until it is done.
    ///
    /// # Cancel safety
    ///
    /// As safe as the future; a drop is recorded as `Cancelled`.
    pub async fn time_async<F: Future>(self, future: F) -> F::Output {
        let timer = self.0.start();
        let value = future.await;
        timer.finish(CallOutcome::Ok);
        value
    }

    /// Times a future that can fail, from when it is first polled until it is done.
    ///
    /// # Cancel safety
    ///
    /// As safe as the future; a drop is recorded as `Cancelled`.
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
    lock_static(&NAMED).values().copied().collect()
}
