//! The list of all policies of this process, for the health page and for metrics.

#[cfg(feature = "settings")]
use std::collections::BTreeSet;
#[cfg(feature = "settings")]
use std::sync::Arc;

use super::base::living;
#[cfg(feature = "settings")]
use super::breaker::declared_names;
use super::breaker::{BREAKERS, Breaker, Calls, KEYED, KeyedBreaker, State, make_declared};
#[cfg(feature = "settings")]
use super::changes::{Giver, PolicyChange, changes};
#[cfg(feature = "settings")]
use super::declared::declared;
use super::kind::PolicyKind;
use super::snapshot::Snapshot;
#[cfg(feature = "settings")]
use crate::sync::watch_thread;

/// Returns snapshots of every policy that was used so far and still exists, and of every breaker that an attribute names, sorted by kind
/// and name. A breaker whose settings are expressions is listed from its first use on, as this evaluates none.
///
/// ```
/// use fastness::resilience::{PolicyKind, snapshots};
/// use fastness::resilience::breaker::Breaker;
///
/// Breaker::named("inventory").call_sync(|| Ok::<_, fastness::resilience::Rejected>(1)).unwrap();
/// let all = snapshots();
/// let inventory = all.iter().find(|policy| &*policy.name == "inventory").unwrap();
/// assert_eq!(inventory.kind, PolicyKind::Breaker);
/// assert_eq!(inventory.outcomes[0], ("success", 1));
/// ```
pub fn snapshots() -> Vec<Snapshot> {
    let mut all: Vec<_> = living().iter().map(|policy| policy.snapshot()).collect();
    make_declared();
    all.extend(BREAKERS.all().iter().map(breaker_snapshot));
    all.extend(KEYED.all().iter().map(|breakers| keyed_snapshot(breakers)));
    all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    all
}

/// Returns the kinds and the names of all policies: of those that were used, and of those that attributes declare.
#[cfg(feature = "settings")]
pub(crate) fn names() -> BTreeSet<(PolicyKind, Arc<str>)> {
    let used = living().into_iter().map(|policy| (policy.id().0, policy.id().1.clone()));
    let breakers = BREAKERS.all().into_iter().map(|breaker| Arc::from(breaker.name()));
    let keyed = KEYED.all().into_iter().map(|breakers| breakers.name().clone());
    let breakers = breakers.chain(keyed).chain(declared_names().map(Arc::from));
    let breakers = breakers.map(|name| (PolicyKind::Breaker, name));
    used.chain(breakers).chain(declared().map(|(kind, name)| (kind, Arc::from(name)))).collect()
}

/// The changes that a handle gives. They end when it is dropped, which no thread may do while it drops its thread-locals.
#[cfg(feature = "settings")]
#[derive(Debug, Default)]
pub(crate) struct GivenChanges(Option<Giver>);

#[cfg(feature = "settings")]
impl GivenChanges {
    /// Puts these changes in the place of those that were given before.
    pub(crate) fn replace(&mut self, given: Vec<PolicyChange>) {
        if given.is_empty() && self.0.is_none() {
            return;
        }
        let mut changes = changes();
        changes.replace(*self.0.get_or_insert_with(Giver::new), given);
        for policy in living() {
            policy.obey(&changes);
        }
        for breaker in BREAKERS.all() {
            breaker.obey(&changes);
        }
        for breakers in KEYED.all() {
            breakers.obey(&changes);
        }
        watch_thread();
    }
}

#[cfg(feature = "settings")]
impl Drop for GivenChanges {
    fn drop(&mut self) {
        self.replace(Vec::new());
    }
}

fn breaker_snapshot(breaker: &Breaker) -> Snapshot {
    let seen = breaker.snapshot();
    Snapshot {
        kind: PolicyKind::Breaker,
        name: seen.name.clone(),
        outcomes: outcomes(seen.calls),
        levels: vec![
            ("window_calls", seen.window_calls),
            ("window_failures", seen.window_failures),
            ("window_slow", seen.window_slow),
        ],
        breakers: vec![seen],
    }
}

/// Returns one snapshot for all breakers per key of a name. Keys come from outside, so they do not become labels of metrics.
fn keyed_snapshot(breakers: &KeyedBreaker) -> Snapshot {
    let all = breakers.all();
    let mut not_closed: Vec<_> = all.iter().map(Breaker::snapshot).collect();
    not_closed.retain(|seen| seen.state != State::Closed);
    Snapshot {
        kind: PolicyKind::Breaker,
        name: breakers.name().clone(),
        outcomes: outcomes(breakers.calls()),
        levels: vec![("keys", all.len() as u64), ("keys_not_closed", not_closed.len() as u64)],
        breakers: not_closed,
    }
}

fn outcomes(calls: Calls) -> Vec<(&'static str, u64)> {
    vec![
        ("success", calls.successes),
        ("failure", calls.failures),
        ("ignored", calls.ignored),
        ("cancelled", calls.cancelled),
        ("rejected", calls.rejected),
    ]
}
