//! Which loads this thread is inside of, and which loads wait for which others.
//!
//! A body that waits for another load keeps its own load waiting too. If two loads need each other, each would wait for
//! ever; so a caller that is inside a load asks first, and is told not to wait if that would close a circle.
//!
//! Invariants:
//! - the question and the record of its answer are one critical section, so of the waits that would form a circle the
//!   last one to begin sees all the others;
//! - a wait is on record until its [`Waits`] is dropped, whether it ended or was cancelled;
//! - a caller outside every load keeps nobody waiting: it is never recorded and takes no lock.
//!
//! A body is known by the thread that polls it. What it hands to another task or thread counts as outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::sync::{ThreadStack, lock_static};

/// A flight, by its address; whoever records one keeps it alive meanwhile.
pub(super) type FlightId = usize;

/// For each flight, the flights that its body waits for, once per wait. Never has a circle.
static WAITS: Mutex<BTreeMap<FlightId, Vec<FlightId>>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// The flights whose loads are being polled or run by this thread, outermost first.
    static INSIDE: ThreadStack<FlightId> = const { ThreadStack::new() };
}

/// While it lives, this thread runs the load of a flight.
pub(crate) struct Inside(());

impl Inside {
    pub(super) fn enter(flight: FlightId) -> Self {
        INSIDE.with(|inside| inside.push(flight));
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(ThreadStack::pop);
    }
}

/// While it lives, the flights that the caller is inside of wait for another one.
pub(super) struct Waits {
    inside: Vec<FlightId>,
    target: FlightId,
}

impl Waits {
    /// Records that this caller waits for `target`; `None` if it would wait for itself, through whomever.
    pub(super) fn begin(target: FlightId) -> Option<Self> {
        let inside = INSIDE.with(ThreadStack::all);
        if !inside.is_empty() {
            let mut waits = lock_static(&WAITS);
            if reaches(&waits, target, &inside) {
                return None;
            }
            for flight in &inside {
                waits.entry(*flight).or_default().push(target);
            }
        }
        Some(Self { inside, target })
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        if self.inside.is_empty() {
            return;
        }
        let mut waits = lock_static(&WAITS);
        for flight in &self.inside {
            let Some(targets) = waits.get_mut(flight) else { continue };
            if let Some(index) = targets.iter().position(|target| *target == self.target) {
                targets.swap_remove(index);
            }
            if targets.is_empty() {
                waits.remove(flight);
            }
        }
    }
}

/// Whether one of `goals` is `start`, or is waited for by it, however indirectly.
fn reaches(waits: &BTreeMap<FlightId, Vec<FlightId>>, start: FlightId, goals: &[FlightId]) -> bool {
    let (mut open, mut seen) = (vec![start], BTreeSet::new());
    while let Some(flight) = open.pop() {
        if goals.contains(&flight) {
            return true;
        }
        if seen.insert(flight) {
            open.extend(waits.get(&flight).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests;
