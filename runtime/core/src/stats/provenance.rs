//! The origin of answers: which tier gave them, how old they are, and how long they are fresh.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::sync::{Mutex, ThreadStack, lock};

/// Maximum number of answers that are described one by one.
const DESCRIBED: usize = 100;

thread_local! {
    /// The recorders in force, outermost first.
    static CURRENT: ThreadStack<Arc<AnswerRecorder>> = const { ThreadStack::new() };
}

/// The source of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerSource {
    /// The entries in the memory of this process.
    Local,
    /// Redis.
    Shared,
    /// A load by this call.
    Load,
    /// A load by another call, for which this one waited.
    Joined,
    /// The function itself: the call bypassed the cache.
    Bypass,
}

impl AnswerSource {
    /// Returns whether the answer was in the cache, in either tier.
    pub fn is_hit(self) -> bool {
        matches!(self, Self::Local | Self::Shared)
    }
}

/// An answer of the cache: of a call, or of one element of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedAnswer {
    /// The path of the function: `shop.users.get_user`.
    pub function: String,
    /// The source.
    pub source: AnswerSource,
    /// The time since the load of the value ended, in whichever process; zero for a load. Of an entry in this process in whole seconds.
    pub age: Duration,
    /// The time for which the answer is fresh. Zero for a stale answer, and for one that is not stored; `None` if it has no expiry.
    pub ttl_left: Option<Duration>,
    /// True if the value's ttl had passed, or a refresh had expired it.
    pub is_stale: bool,
}

/// The origin of the answers that a future got from the cache, from `stats::provenance`.
///
/// The answers of all calls are in the figures; the first 100 are described one by one. An answer that was made of several is as old as
/// the oldest of them and fresh for as long as the first to expire, so these two are what a response has to say in `Age` and
/// `Cache-Control`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    answers: Vec<CachedAnswer>,
    left_out: u64,
    hits: u64,
    age: Option<Duration>,
    /// The least time that is left, if any answer has an expiry.
    ttl_left: Option<Duration>,
    stale: u64,
}

impl Provenance {
    /// Returns the answers in the order in which they came: a call inside of a load comes before that load. At most 100.
    pub fn answers(&self) -> &[CachedAnswer] {
        &self.answers
    }

    /// Returns the number of answers that are not described.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Returns the number of all answers.
    pub fn len(&self) -> u64 {
        self.answers.len() as u64 + self.left_out
    }

    /// Returns whether no answer came from the cache or a load of it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether there was an answer and the cache had all of them, in either tier.
    pub fn is_hit(&self) -> bool {
        !self.is_empty() && self.hits == self.len()
    }

    /// Returns the age of the oldest answer; `None` without one.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns the time until the first answer is no longer fresh; `None` if there is no answer, or none has an expiry.
    pub fn ttl_left(&self) -> Option<Duration> {
        self.ttl_left
    }

    /// Returns whether any answer was stale.
    pub fn is_stale(&self) -> bool {
        self.stale > 0
    }

    fn push(&mut self, answer: CachedAnswer) {
        self.hits += u64::from(answer.source.is_hit());
        self.stale += u64::from(answer.is_stale);
        self.age = self.age.max(Some(answer.age));
        self.ttl_left = match (self.ttl_left, answer.ttl_left) {
            (Some(least), Some(left)) => Some(least.min(left)),
            (least, left) => least.or(left),
        };
        if self.answers.len() < DESCRIBED { self.answers.push(answer) } else { self.left_out += 1 }
    }
}

/// The answers of one future so far.
#[derive(Debug, Default)]
pub(crate) struct AnswerRecorder(Mutex<Provenance>);

impl AnswerRecorder {
    /// Returns the innermost recorder around this call.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with(ThreadStack::last)
    }

    /// Returns whether the answers of this call are recorded.
    pub(crate) fn is_in_force() -> bool {
        !CURRENT.with(ThreadStack::is_empty)
    }

    /// Puts the recorder in force on this thread, until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> EnteredRecorder {
        CURRENT.with(|stack| stack.push(self.clone()));
        EnteredRecorder
    }

    /// Returns the answers so far, and forgets them.
    pub(crate) fn take(&self) -> Provenance {
        std::mem::take(&mut *lock(&self.0))
    }

    /// Records an answer of a function.
    pub(crate) fn record(&self, function: &str, source: AnswerSource, times: AnswerTimes, is_stale: bool) {
        let AnswerTimes { age, ttl_left } = times;
        let ttl_left = if is_stale { Some(Duration::ZERO) } else { ttl_left };
        lock(&self.0).push(CachedAnswer { function: function.to_owned(), source, age, ttl_left, is_stale });
    }
}

/// A recorder on this thread's stack; its drop removes it.
pub(crate) struct EnteredRecorder;

impl Drop for EnteredRecorder {
    fn drop(&mut self) {
        drop(CURRENT.with(ThreadStack::pop));
    }
}

/// The figures of an answer, before it is known which tier gives it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnswerTimes {
    pub(crate) age: Duration,
    pub(crate) ttl_left: Option<Duration>,
}

impl AnswerTimes {
    /// The figures of an answer that is not stored.
    pub(crate) const UNSTORED: Self = Self { age: Duration::ZERO, ttl_left: Some(Duration::ZERO) };

    /// The figures of a value that was loaded at `ended` and is fresh until `expires`, in nanoseconds of the clock.
    pub(crate) fn new(now: u64, ended: u64, expires: u64) -> Self {
        Self::aged(now, now.saturating_sub(ended), expires)
    }

    /// The figures of a value of this age, in nanoseconds, that is fresh until `expires`.
    pub(crate) fn aged(now: u64, age: u64, expires: u64) -> Self {
        let left = Duration::from_nanos(expires.saturating_sub(now));
        Self { age: Duration::from_nanos(age), ttl_left: (expires < u64::MAX).then_some(left) }
    }
}

/// The recorded part of one call.
#[derive(Debug)]
pub(super) struct RecordedCall {
    recorder: Arc<AnswerRecorder>,
    function: String,
    /// `None` until there is an answer.
    times: Mutex<Option<AnswerTimes>>,
    is_stale: AtomicBool,
    /// True once a load of this call has ended with an answer.
    has_loaded: AtomicBool,
}

impl RecordedCall {
    /// Begins the record of a call, if its answers are recorded.
    pub(super) fn begin(function: &str) -> Option<Box<Self>> {
        let recorder = AnswerRecorder::is_in_force().then(AnswerRecorder::current).flatten()?;
        let (times, is_stale, has_loaded) = (Mutex::new(None), AtomicBool::new(false), AtomicBool::new(false));
        Some(Box::new(Self { recorder, function: function.to_owned(), times, is_stale, has_loaded }))
    }

    pub(super) fn set_times(&self, times: AnswerTimes) {
        *lock(&self.times) = Some(times);
    }

    pub(super) fn set_loaded(&self) {
        self.has_loaded.store(true, Relaxed);
    }

    pub(super) fn set_stale(&self) {
        self.is_stale.store(true, Relaxed);
    }

    /// Records an answer.
    pub(super) fn end(&self, source: AnswerSource) {
        let times = lock(&self.times).unwrap_or(AnswerTimes::UNSTORED);
        self.recorder.record(&self.function, source, times, self.is_stale.load(Relaxed));
    }

    /// Records the answer of a load, unless the call was dropped before it had one: the times may be those of an entry that it found.
    pub(super) fn end_load(&self) {
        if self.has_loaded.load(Relaxed) {
            self.end(AnswerSource::Load);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(source: AnswerSource, age: u32, ttl_left: Option<u32>) -> CachedAnswer {
        let (age, ttl_left) = (SECOND * age, ttl_left.map(|left| SECOND * left));
        CachedAnswer { function: "f".to_owned(), source, age, ttl_left, is_stale: ttl_left == Some(Duration::ZERO) }
    }

    #[test]
    fn the_oldest_and_the_first_to_expire_count() {
        let mut all = Provenance::default();
        assert!(all.is_empty() && !all.is_hit() && all.age().is_none() && all.ttl_left().is_none());
        all.push(answer(AnswerSource::Local, 5, None));
        assert_eq!((all.is_hit(), all.age(), all.ttl_left()), (true, Some(SECOND * 5), None));
        all.push(answer(AnswerSource::Shared, 1, Some(9)));
        all.push(answer(AnswerSource::Local, 2, Some(3)));
        assert_eq!((all.is_hit(), all.age(), all.ttl_left()), (true, Some(SECOND * 5), Some(SECOND * 3)));
        all.push(answer(AnswerSource::Load, 0, Some(0)));
        assert_eq!((all.is_hit(), all.is_stale(), all.ttl_left()), (false, true, Some(Duration::ZERO)));
    }

    #[test]
    fn answers_beyond_the_bound_are_counted() {
        let mut all = Provenance::default();
        (0..1_000).for_each(|age| all.push(answer(AnswerSource::Local, age, None)));
        assert_eq!((all.answers().len(), all.left_out(), all.len()), (DESCRIBED, 900, 1_000));
        assert_eq!(all.age(), Some(SECOND * 999));
    }
}
