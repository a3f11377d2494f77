//! The list of all policies of this process, for the health page and for metrics.

use super::base::policy_snapshots;
use super::breaker::{BREAKERS, Breaker, Calls, KEYED, KeyedBreaker, State, make_declared};
use super::snapshot::{PolicyKind, Snapshot};

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
    let mut all = policy_snapshots();
    make_declared();
    all.extend(BREAKERS.all().iter().map(breaker_snapshot));
    all.extend(KEYED.all().iter().map(|breakers| keyed_snapshot(breakers)));
    all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    all
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
