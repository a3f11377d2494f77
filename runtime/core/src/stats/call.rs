//! A call, from its beginning until it is counted.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::Counters;
use super::provenance::{AnswerRecorder, AnswerSource, AnswerTimes, RecordedCall};

/// A call that was not a hit at first. It is counted once, at its end. Dropped without an answer (it ran its body, or its caller went
/// away), it counts as a miss; dropped while it waits for another call's load, as coalesced.
pub(crate) struct CountedCall {
    counters: Arc<Counters>,
    state: AtomicU8,
    /// Set if the answer is recorded.
    recorded: Option<Box<RecordedCall>>,
}

/// The state of a call that was counted, or that is not to be counted.
const COUNTED: u8 = 0;
const LOADS: u8 = 1;
const WAITS: u8 = 2;

/// The end of a call that did not load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answered {
    /// The local tier answered: with a value, an absence or an error.
    Locally,
    /// The local tier answered after the value's ttl.
    Stale,
    /// The shared tier answered.
    Shared,
    /// The load of another call answered.
    Joined,
}

impl CountedCall {
    pub(crate) fn begin(counters: Arc<Counters>) -> Self {
        Self { counters, state: AtomicU8::new(LOADS), recorded: None }
    }

    /// Records the answer of this function, if a recorder is in force.
    pub(crate) fn recorded(mut self, function: &str) -> Self {
        self.recorded = RecordedCall::begin(function);
        self
    }

    /// Counts and records a call of this function that bypasses the cache.
    pub(crate) fn bypass(counters: &Counters, function: &str) {
        counters.bypass();
        if let Some(recorder) = AnswerRecorder::current() {
            recorder.record(function, AnswerSource::Bypass, AnswerTimes::UNSTORED, false);
        }
    }

    /// Returns whether the answer is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// Notes the age of the answer and the time for which it is fresh, if it is recorded.
    pub(crate) fn set_times(&self, times: AnswerTimes) {
        if let Some(recorded) = &self.recorded {
            recorded.set_times(times);
        }
    }

    /// Notes that the load of this call has ended with an answer, if it is recorded.
    pub(crate) fn has_loaded(&self) {
        if let Some(recorded) = &self.recorded {
            recorded.set_loaded();
        }
    }

    /// Excludes this call from the counters, because it is a write or a read by this crate itself.
    pub(crate) fn uncounted(mut self) -> Self {
        self.state = AtomicU8::new(COUNTED);
        self
    }

    /// Sets whether the call waits for another call's load.
    pub(crate) fn waits(&self, waits: bool) {
        if self.state.load(Relaxed) != COUNTED {
            self.state.store(if waits { WAITS } else { LOADS }, Relaxed);
        }
    }

    /// Counts a stale answer of a call that is counted as something else.
    pub(crate) fn gets_stale(&self) {
        if self.state.load(Relaxed) != COUNTED {
            self.counters.stale_served.count();
            self.set_stale();
        }
    }

    /// Counts the call as answered without a load of its own.
    pub(crate) fn answered(&self, how: Answered) {
        if self.state.swap(COUNTED, Relaxed) == COUNTED {
            return;
        }
        match how {
            Answered::Locally => self.counters.hit(),
            Answered::Stale => {
                self.counters.stale_served.count();
                self.counters.hit();
                self.set_stale();
            }
            Answered::Shared => self.counters.shared_hit(1),
            Answered::Joined => self.counters.join(1),
        }
        if let Some(recorded) = &self.recorded {
            recorded.end(match how {
                Answered::Locally | Answered::Stale => AnswerSource::Local,
                Answered::Shared => AnswerSource::Shared,
                Answered::Joined => AnswerSource::Joined,
            });
        }
    }

    fn set_stale(&self) {
        if let Some(recorded) = &self.recorded {
            recorded.set_stale();
        }
    }

    /// Counts the call as a miss, or as coalesced if it waits. A load that it began may go on.
    pub(crate) fn ends(&self) {
        match self.state.swap(COUNTED, Relaxed) {
            LOADS => {
                self.counters.miss(1);
                if let Some(recorded) = &self.recorded {
                    recorded.end_load();
                }
            }
            WAITS => self.counters.join(1),
            _ => {}
        }
    }
}

impl Drop for CountedCall {
    fn drop(&mut self) {
        self.ends();
    }
}

/// The elements of a batch that are not counted yet. Elements that are left at its drop are misses.
#[derive(Default)]
pub(crate) struct Uncounted {
    counters: Option<Arc<Counters>>,
    elements: u64,
    /// True while the elements wait for another batch.
    waits: bool,
}

impl Uncounted {
    /// Adds an element.
    pub(crate) fn push(&mut self, counters: &Arc<Counters>) {
        self.counters.get_or_insert_with(|| counters.clone());
        self.elements += 1;
    }

    /// Sets whether the elements wait for another batch.
    pub(crate) fn waits(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// Counts an element that the local tier had after all.
    pub(crate) fn hit(&mut self) {
        self.elements -= 1;
        if let Some(counters) = &self.counters {
            counters.hit();
        }
    }

    /// Counts all elements that are left as answered by another batch.
    pub(crate) fn joined(&mut self) {
        if let Some(counters) = &self.counters {
            counters.join(take(&mut self.elements));
        }
    }

    /// Counts elements that another batch answered, while others are left.
    pub(crate) fn join(&mut self, elements: u64) {
        self.elements -= elements;
        if let Some(counters) = &self.counters {
            counters.join(elements);
        }
    }

    /// Counts elements that the shared tier answered.
    pub(crate) fn shared(&mut self, elements: u64) {
        self.elements -= elements;
        if let Some(counters) = &self.counters {
            counters.shared_hit(elements);
        }
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        match &self.counters {
            Some(counters) if self.waits => counters.join(self.elements),
            Some(counters) => counters.miss(self.elements),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(end: impl FnOnce(&CountedCall)) -> [u64; 5] {
        let counters = Arc::<Counters>::default();
        let call = CountedCall::begin(counters.clone());
        end(&call);
        drop(call);
        let stats = counters.snapshot();
        assert!(stats.calls() <= 1);
        [stats.hits, stats.stale_served, stats.shared_hits, stats.coalesced, stats.misses]
    }

    #[test]
    fn a_call_is_counted_once_however_it_ends() {
        assert_eq!(counted(|_| {}), [0, 0, 0, 0, 1], "it loaded, or was dropped");
        assert_eq!(counted(|call| call.answered(Answered::Locally)), [1, 0, 0, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Stale)), [1, 1, 0, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Shared)), [0, 0, 1, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Joined)), [0, 0, 0, 1, 0]);
        assert_eq!(counted(|call| call.waits(true)), [0, 0, 0, 1, 0], "it was dropped while it waited");
        let loads_after_all = |call: &CountedCall| {
            call.waits(true);
            call.waits(false);
        };
        assert_eq!(counted(loads_after_all), [0, 0, 0, 0, 1]);
        let twice = |call: &CountedCall| {
            call.answered(Answered::Locally);
            call.waits(true);
            call.answered(Answered::Shared);
        };
        assert_eq!(counted(twice), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn an_uncounted_call_is_not_counted() {
        let counters = Arc::<Counters>::default();
        let call = CountedCall::begin(counters.clone()).uncounted();
        call.waits(true);
        call.answered(Answered::Shared);
        drop(call);
        assert_eq!(counters.snapshot().calls(), 0);
    }

    #[test]
    fn elements_that_were_not_found_are_misses() {
        let counters = Arc::<Counters>::default();
        let mut uncounted = Uncounted::default();
        (0..5).for_each(|_| uncounted.push(&counters));
        uncounted.shared(2);
        assert_eq!(counters.snapshot().calls(), 2);
        drop(uncounted);
        let stats = counters.snapshot();
        assert_eq!((stats.shared_hits, stats.misses), (2, 3));
        drop(Uncounted::default());
        for dropped in [false, true] {
            let mut joining = Uncounted::default();
            (0..3).for_each(|_| joining.push(&counters));
            joining.hit();
            joining.waits(true);
            if !dropped {
                joining.joined();
            }
        }
        let stats = counters.snapshot();
        assert_eq!((stats.hits, stats.coalesced, stats.calls()), (2, 4, 11));
    }
}
