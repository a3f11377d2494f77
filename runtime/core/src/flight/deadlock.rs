//! Deadlock detection: the loads that this thread runs, and the waits-for graph of loads.
//!
//! A body that waits for another load delays its own load too. Two loads that need each other would wait for ever, so a caller inside
//! a load asks before it waits, and loads on its own if the wait would close a circle.
//!
//! Invariants:
//! - a check and the record of its wait are one critical section, so the last of several waits that would form a circle sees all
//!   the others;
//! - a wait is recorded until its [`Waits`] is dropped, whether it ended or was cancelled;
//! - a caller outside every load delays no other: it is never recorded and takes no lock.
//!
//! A body is recognised by the thread that polls it. Work that it hands to another task or thread counts as outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::sync::{ThreadStack, lock_std};

/// The address of a flight, which its holder keeps alive while the address is recorded.
pub(super) type FlightId = usize;

/// The flights that each flight's body waits for, once per wait. Never has a circle.
static WAITS: Mutex<BTreeMap<FlightId, Vec<FlightId>>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// The flights whose loads this thread is polling or running, outermost first.
    static INSIDE: ThreadStack<FlightId> = const { ThreadStack::new() };
}

/// Guard of a thread that runs the load of a flight.
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

/// Record of a wait: the flights that the caller is inside of wait for `target` while it lives.
pub(super) struct Waits {
    inside: Vec<FlightId>,
    target: FlightId,
}

impl Waits {
    /// Records that this caller waits for `target`. `None` if it would wait for itself, directly or through others.
    pub(super) fn begin(target: FlightId) -> Option<Self> {
        let inside = INSIDE.with(ThreadStack::all);
        if !inside.is_empty() {
            let mut waits = lock_std(&WAITS);
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
        let mut waits = lock_std(&WAITS);
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

/// Returns whether one of `goals` is `start`, or `start` waits for it, directly or indirectly.
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
