//! The merged runs of a function with `merge`: the elements that concurrent calls lack, for one run of the body.
//!
//! A run is open while its first call waits for others, then its elements are under way, and then it has ended. The table finds it by the
//! arguments that its calls have in common while it is open, and by each of its elements until it ends. Its in-flight load has a number of
//! its own as its key, so that it hands over, stalls and shows circles as every other load does.
//!
//! Invariants: an element is in the table once; a run is in the table while it has members and has not ended. The lock of the table is taken
//! before that of a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::key::{AnyKey, Hashed, OwnedKey, Prehashed, Scopes};
use crate::log::{Epoch, Log};
use crate::sync::{Mutex, lock};

/// The terms on which calls merge.
#[derive(Clone)]
pub(super) struct MergeTerms {
    /// The arguments that all elements of a call have in common.
    pub(super) group: Hashed<AnyKey>,
    /// The time for which the first call waits for others.
    pub(super) wait: Duration,
    /// The number of elements that ends the wait.
    pub(super) max: usize,
}

/// The part of a batch that merges with others.
pub(super) struct Merging<K: OwnedKey, I> {
    pub(super) terms: MergeTerms,
    /// The run that this batch has joined.
    pub(super) member: Option<MergeMember<K, I>>,
    /// True once the run that it joined has panicked.
    pub(super) is_alone: bool,
}

/// Notes a panic of the body, while calls wait for it.
pub(super) struct PanicNote<K: OwnedKey, I>(pub(super) Option<Arc<MergedRun<K, I>>>);

impl<K: OwnedKey, I> Drop for PanicNote<K, I> {
    fn drop(&mut self) {
        if let Some(run) = self.0.as_ref().filter(|_| std::thread::panicking()) {
            run.panics();
        }
    }
}

/// An element that a call lacks.
#[derive(Clone)]
pub(super) struct Lacked<K, Id> {
    pub(super) id: Id,
    pub(super) key: Hashed<K>,
    pub(super) scopes: Scopes,
    pub(super) text: String,
}

/// The key of the in-flight load of a merged run.
#[derive(Clone, PartialEq, Eq)]
struct RunNumber(u64);

/// The elements for one run of the body.
pub(super) struct MergedRun<K: Eq, Id> {
    number: u64,
    is_full: Notify,
    state: Mutex<MergeState<K, Id>>,
}

struct MergeState<K: Eq, Id> {
    elements: HashMap<Hashed<K>, Lacked<K, Id>, Prehashed>,
    /// The keys in the order in which they came.
    order: Vec<Hashed<K>>,
    phase: MergePhase,
    /// The calls that lead or wait.
    members: usize,
    /// True once a call has led, and waited for others.
    is_led: bool,
    has_panicked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MergePhase {
    Open,
    /// The body runs, since this position of the log.
    UnderWay(Epoch),
    Ended,
}

impl<K: OwnedKey, Id> MergedRun<K, Id> {
    fn new(number: u64) -> Self {
        let (elements, order) = (HashMap::default(), Vec::new());
        let state =
            MergeState { elements, order, phase: MergePhase::Open, members: 0, is_led: false, has_panicked: false };
        Self { number, is_full: Notify::new(), state: Mutex::new(state) }
    }

    /// Returns the key of its in-flight load.
    pub(super) fn flight(&self) -> Hashed<AnyKey> {
        // Spread over the shards of in-flight loads.
        Hashed { hash: self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15), args: RunNumber(self.number) }.erased()
    }

    /// Returns whether it has all of these elements.
    pub(super) fn has_all<'a>(&self, mut keys: impl Iterator<Item = &'a Hashed<K>>) -> bool {
        let state = lock(&self.state);
        keys.all(|key| state.elements.contains_key(key))
    }

    /// Returns whether it has this element.
    pub(super) fn has(&self, key: &Hashed<K>) -> bool {
        lock(&self.state).elements.contains_key(key)
    }

    pub(super) fn has_ended(&self) -> bool {
        lock(&self.state).phase == MergePhase::Ended
    }

    /// Notes that the body has panicked.
    pub(super) fn panics(&self) {
        lock(&self.state).has_panicked = true;
    }

    pub(super) fn has_panicked(&self) -> bool {
        lock(&self.state).has_panicked
    }

    /// Waits for more elements, unless a call has done so before.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn wait_for_more(&self, wait: Duration) {
        let is_led = {
            let mut state = lock(&self.state);
            std::mem::replace(&mut state.is_led, true) || state.phase != MergePhase::Open
        };
        if is_led {
            return;
        }
        // Without a runtime there is no timer.
        if wait.is_zero() || Handle::try_current().is_err() {
            tokio::task::yield_now().await;
        } else {
            let _ = tokio::time::timeout(wait, self.is_full.notified()).await;
        }
    }

    fn may_be_joined(&self, log: &Log, scopes: &Scopes) -> bool {
        match lock(&self.state).phase {
            MergePhase::Open => true,
            MergePhase::UnderWay(began) => log.is_current(began, scopes.hashes()),
            MergePhase::Ended => false,
        }
    }

    /// Returns the number of elements that it would have with these; `None` if it is no longer open.
    fn len_with(&self, lacked: &[Lacked<K, Id>]) -> Option<usize> {
        let state = lock(&self.state);
        let new = lacked.iter().filter(|lacked| !state.elements.contains_key(&lacked.key)).count();
        (state.phase == MergePhase::Open).then(|| state.order.len() + new)
    }
}

/// The merged runs of one function that have not ended.
pub(super) struct MergedRuns<K: Eq, Id>(Mutex<MergeTable<K, Id>>);

struct MergeTable<K: Eq, Id> {
    open: HashMap<Hashed<AnyKey>, Arc<MergedRun<K, Id>>, Prehashed>,
    elements: HashMap<Hashed<K>, Arc<MergedRun<K, Id>>, Prehashed>,
    last: u64,
}

impl<K: Eq, Id> Default for MergedRuns<K, Id> {
    fn default() -> Self {
        Self(Mutex::new(MergeTable { open: HashMap::default(), elements: HashMap::default(), last: 0 }))
    }
}

/// The part of a call in a merged run. The last member that goes removes the run.
pub(super) struct MergeMember<K: OwnedKey, Id> {
    table: Arc<MergedRuns<K, Id>>,
    pub(super) run: Arc<MergedRun<K, Id>>,
}

impl<K: OwnedKey, Id: Clone> MergedRuns<K, Id> {
    /// Joins the run that has one of these elements already, or else an open one with room for them, or a new one. The call is to
    /// wait for the first before it loads the others.
    pub(super) fn join(
        self: &Arc<Self>,
        lacked: &[Lacked<K, Id>],
        terms: &MergeTerms,
        log: &Log,
    ) -> MergeMember<K, Id> {
        let mut guard = lock(&self.0);
        let table = &mut *guard;
        let under_way = lacked.iter().find_map(|lacked| {
            let run = table.elements.get(&lacked.key)?;
            run.may_be_joined(log, &lacked.scopes).then(|| run.clone())
        });
        let open = || table.open.get(&terms.group).cloned();
        let room = |run: &Arc<MergedRun<K, Id>>| run.len_with(lacked).is_some_and(|len| len <= terms.max);
        let run = match under_way {
            // It is not always one of this group's open ones; then its elements alone are waited for.
            Some(run) => run,
            None => open().filter(room).unwrap_or_else(|| {
                table.last += 1;
                let run = Arc::new(MergedRun::new(table.last));
                // A run that has no room for this call begins now.
                if let Some(former) = table.open.insert(terms.group.clone(), run.clone()) {
                    former.is_full.notify_one();
                }
                run
            }),
        };
        let takes = table.open.get(&terms.group).is_some_and(|open| Arc::ptr_eq(open, &run));
        if takes && (room(&run) || lock(&run.state).order.is_empty()) {
            let len = table.add(&run, lacked);
            if len >= terms.max {
                table.open.remove(&terms.group);
                run.is_full.notify_one();
            }
        }
        lock(&run.state).members += 1;
        drop(guard);
        MergeMember { table: self.clone(), run }
    }
}

impl<K: OwnedKey, Id: Clone> MergeTable<K, Id> {
    /// Adds elements to an open run, and returns the number of its elements.
    fn add(&mut self, run: &Arc<MergedRun<K, Id>>, lacked: &[Lacked<K, Id>]) -> usize {
        let mut state = lock(&run.state);
        for lacked in lacked {
            self.elements.insert(lacked.key.clone(), run.clone());
            if let Entry::Vacant(vacant) = state.elements.entry(lacked.key.clone()) {
                vacant.insert(lacked.clone());
                state.order.push(lacked.key.clone());
            }
        }
        state.order.len()
    }
}

impl<K: OwnedKey, Id> MergeTable<K, Id> {
    fn remove(&mut self, run: &Arc<MergedRun<K, Id>>) {
        self.open.retain(|_, open| !Arc::ptr_eq(open, run));
        let keys = take(&mut lock(&run.state).order);
        for key in keys {
            if let Entry::Occupied(found) = self.elements.entry(key)
                && Arc::ptr_eq(found.get(), run)
            {
                found.remove();
            }
        }
    }
}

impl<K: OwnedKey, Id: Clone> MergeMember<K, Id> {
    /// Takes no more elements, because the body begins, and returns all of them in the order in which they came.
    pub(super) fn close(&self, began: Epoch) -> Vec<Lacked<K, Id>> {
        let mut table = lock(&self.table.0);
        table.open.retain(|_, open| !Arc::ptr_eq(open, &self.run));
        let mut state = lock(&self.run.state);
        if state.phase != MergePhase::Ended {
            state.phase = MergePhase::UnderWay(began);
        }
        state.order.iter().filter_map(|key| state.elements.get(key).cloned()).collect()
    }
}

impl<K: OwnedKey, Id> MergeMember<K, Id> {
    /// Ends the run: its elements are loaded, or no call loads them for all others.
    pub(super) fn end(&self) {
        let mut table = lock(&self.table.0);
        lock(&self.run.state).phase = MergePhase::Ended;
        table.remove(&self.run);
    }
}

impl<K: OwnedKey, Id> Drop for MergeMember<K, Id> {
    fn drop(&mut self) {
        let mut table = lock(&self.table.0);
        let is_last = {
            let mut state = lock(&self.run.state);
            state.members -= 1;
            state.members == 0
        };
        if is_last {
            table.remove(&self.run);
        }
    }
}
