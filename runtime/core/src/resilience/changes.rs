//! Settings of policies that a configuration gives at run time, by kind and name.
//!
//! A change is a function from the settings that the code gives to those in force, so that it holds for settings that each call evaluates,
//! and ends without a trace. The table has those of all handles; a policy that is made later asks it.

use std::any::Any;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::kind::PolicyKind;
use crate::sync::lock_std;

/// A function from settings to those in force.
pub(crate) type SettingsChange<S> = Arc<dyn Fn(S) -> S + Send + Sync>;

/// The change of all policies of one kind and name.
pub(crate) struct PolicyChange {
    pub(crate) kind: PolicyKind,
    pub(crate) name: String,
    /// A [`SettingsChange`] of the settings of that kind.
    change: Box<dyn Any + Send + Sync>,
}

impl PolicyChange {
    pub(crate) fn new<S: 'static>(kind: PolicyKind, name: &str, change: SettingsChange<S>) -> Self {
        Self { kind, name: name.to_owned(), change: Box::new(change) }
    }
}

/// The number of a giver of changes, such as a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Giver(u64);

impl Giver {
    /// Returns a number that no other giver has.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

/// The changes in force, each with its giver.
pub(super) struct Changes(Vec<(Giver, PolicyChange)>);

static CHANGES: Mutex<Changes> = Mutex::new(Changes(Vec::new()));

/// Returns the changes in force, locked: a policy that gets its change meanwhile gets no older one afterwards.
pub(super) fn changes() -> MutexGuard<'static, Changes> {
    lock_std(&CHANGES)
}

impl Changes {
    /// Puts these changes in the place of those that the giver gave before.
    pub(super) fn replace(&mut self, giver: Giver, changes: Vec<PolicyChange>) {
        self.0.retain(|(known, _)| *known != giver);
        self.0.extend(changes.into_iter().map(|change| (giver, change)));
    }

    /// Returns the change of a policy, the one that was given last.
    pub(super) fn find<S: 'static>(&self, kind: PolicyKind, name: &str) -> Option<SettingsChange<S>> {
        let mut named = self.0.iter().rev().filter(|(_, change)| change.kind == kind && change.name == name);
        named.find_map(|(_, change)| change.change.downcast_ref::<SettingsChange<S>>()).cloned()
    }
}

/// The change of one policy.
pub(super) struct Changed<S> {
    /// True while there is one.
    is_set: AtomicBool,
    change: RwLock<Option<SettingsChange<S>>>,
}

impl<S> Default for Changed<S> {
    fn default() -> Self {
        Self { is_set: AtomicBool::new(false), change: RwLock::new(None) }
    }
}

impl<S> std::fmt::Debug for Changed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Changed").field(&self.is_set).finish()
    }
}

impl<S> Changed<S> {
    pub(super) fn set(&self, change: Option<SettingsChange<S>>) {
        let mut place = self.change.write().unwrap_or_else(PoisonError::into_inner);
        self.is_set.store(change.is_some(), Release);
        *place = change;
    }

    /// Returns the change, if there is one. Costs one load while there is none.
    pub(super) fn get(&self) -> Option<SettingsChange<S>> {
        if !self.is_set.load(Acquire) {
            return None;
        }
        self.change.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
