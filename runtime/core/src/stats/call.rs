//! One call, from its beginning to where it is counted.

use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::Counters;

/// A call that was no hit at once: counted where it ends, in exactly one way. One that is dropped without a word (it ran its body, or
/// its caller went away) is a miss; while it waits for another call's load, it has joined that.
pub(crate) struct CountedCall {
    counters: Arc<Counters>,
    state: AtomicU8,
}

/// State of what is no call, or was counted.
const NOTHING: u8 = 0;
const LOADS: u8 = 1;
const WAITS: u8 = 2;

/// The end of a call that did not load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answered {
    /// From this process: a value, an absence or an error.
    Here,
    /// From this process, after the value's ttl.
    Stale,
    /// From the shared tier.
    Shared,
    /// Answered with the outcome of another call's load.
    Joined,
}

impl CountedCall {
    pub(crate) fn begin(counters: Arc<Counters>) -> Self {
        Self { counters, state: AtomicU8::new(LOADS) }
    }

    /// What is no call and is not counted: a write, or a question of this crate's own.
    pub(crate) fn uncounted(mut self) -> Self {
        self.state = AtomicU8::new(NOTHING);
        self
    }

    /// It waits for another call's load from now on, or no longer.
    pub(crate) fn waits(&self, waits: bool) {
        if self.state.load(Relaxed) != NOTHING {
            self.state.store(if waits { WAITS } else { LOADS }, Relaxed);
        }
    }

    /// The answer, of which the call counts as something else, is one after the value's ttl.
    pub(crate) fn gets_stale(&self) {
        if self.state.load(Relaxed) != NOTHING {
            self.counters.stale_served.count();
        }
    }

    /// It ends with an answer that it did not load.
    pub(crate) fn answered(&self, how: Answered) {
        if self.state.swap(NOTHING, Relaxed) == NOTHING {
            return;
        }
        match how {
            Answered::Here => self.counters.hit(),
            Answered::Stale => {
                self.counters.stale_served.count();
                self.counters.hit();
            }
            Answered::Shared => self.counters.shared_hit(1),
            Answered::Joined => self.counters.join(1),
        }
    }

    /// Ends it without an answer of another's, though what it began may go on.
    pub(crate) fn ends(&self) {
        match self.state.swap(NOTHING, Relaxed) {
            LOADS => self.counters.miss(1),
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

/// Elements of a batch that are not counted yet: those that are left when it is dropped are misses.
#[derive(Default)]
pub(crate) struct Uncounted {
    counters: Option<Arc<Counters>>,
    elements: u64,
    /// Whether another batch is waited for.
    waits: bool,
}

impl Uncounted {
    /// One more.
    pub(crate) fn push(&mut self, counters: &Arc<Counters>) {
        self.counters.get_or_insert_with(|| counters.clone());
        self.elements += 1;
    }

    /// It waits for another batch from now on, or no longer.
    pub(crate) fn waits(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// This process had one of them after all.
    pub(crate) fn hit(&mut self) {
        self.elements -= 1;
        if let Some(counters) = &self.counters {
            counters.hit();
        }
    }

    /// Another batch answered all that are left.
    pub(crate) fn joined(&mut self) {
        if let Some(counters) = &self.counters {
            counters.join(take(&mut self.elements));
        }
    }

    /// The shared tier answered so many of them.
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
        assert_eq!(counted(|_| {}), [0, 0, 0, 0, 1], "it loaded, or was given up");
        assert_eq!(counted(|call| call.answered(Answered::Here)), [1, 0, 0, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Stale)), [1, 1, 0, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Shared)), [0, 0, 1, 0, 0]);
        assert_eq!(counted(|call| call.answered(Answered::Joined)), [0, 0, 0, 1, 0]);
        assert_eq!(counted(|call| call.waits(true)), [0, 0, 0, 1, 0], "given up while it waited");
        let loads_after_all = |call: &CountedCall| {
            call.waits(true);
            call.waits(false);
        };
        assert_eq!(counted(loads_after_all), [0, 0, 0, 0, 1]);
        let twice = |call: &CountedCall| {
            call.answered(Answered::Here);
            call.waits(true);
            call.answered(Answered::Shared);
        };
        assert_eq!(counted(twice), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_call_is_not_counted() {
        let counters = Arc::<Counters>::default();
        let call = CountedCall::begin(counters.clone()).uncounted();
        call.waits(true);
        call.answered(Answered::Shared);
        drop(call);
        assert_eq!(counters.snapshot().calls(), 0);
    }

    #[test]
    fn elements_are_misses_but_for_those_that_were_found() {
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
