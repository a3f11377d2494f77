//! All policies of this process, for the health page and for metrics.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::breaker::{BREAKERS, Breaker, BreakerCalls, BreakerSnapshot, KEYED, KeyedBreaker, State, make_declared};
use super::outcomes::Outcomes;
use crate::sync::lock_static;

/// Which kind of policy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PolicyKind {
    /// [`Breaker`](super::Breaker)
    Breaker,
    /// [`Retry`](super::Retry)
    Retry,
    /// [`Timeout`](super::Timeout)
    Timeout,
    /// [`Bulkhead`](super::Bulkhead)
    Bulkhead,
    /// `RateLimit`
    RateLimit,
    /// [`Hedge`](super::Hedge)
    Hedge,
    /// [`Fallback`](super::Fallback)
    Fallback,
}

impl PolicyKind {
    /// Its name in metrics, such as `"breaker"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Bulkhead => "bulkhead",
            Self::RateLimit => "rate_limit",
            Self::Hedge => "hedge",
            Self::Fallback => "fallback",
        }
    }
}

/// One policy at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicySnapshot {
    /// Which kind it is.
    pub kind: PolicyKind,
    /// Its name.
    pub name: Arc<str>,
    /// How calls ended since the start, by name. These only grow.
    pub outcomes: Vec<(&'static str, u64)>,
    /// What is the case at this moment, by name.
    pub levels: Vec<(&'static str, u64)>,
    /// More of a breaker. Where there is one per key, those that are not closed.
    pub breakers: Vec<BreakerSnapshot>,
}

impl PolicySnapshot {
    /// Of a policy that is no breaker.
    pub(super) fn of(kind: PolicyKind, name: &Arc<str>, outcomes: &Outcomes, levels: Vec<(&'static str, u64)>) -> Self {
        Self { kind, name: name.clone(), outcomes: outcomes.all(), levels, breakers: Vec::new() }
    }
}

/// Every policy that was used so far and is still there, and every breaker that an attribute names, by kind and name.
///
/// ```
/// use fastness::resilience::{PolicyKind, breaker, snapshots};
///
/// breaker("inventory").call_sync(|| Ok::<_, fastness::resilience::Rejected>(1)).unwrap();
/// let all = snapshots();
/// let inventory = all.iter().find(|policy| &*policy.name == "inventory").unwrap();
/// assert_eq!(inventory.kind, PolicyKind::Breaker);
/// assert_eq!(inventory.outcomes[0], ("success", 1));
/// ```
pub fn snapshots() -> Vec<PolicySnapshot> {
    let mut living = Vec::new();
    lock_static(&USED).retain(|policy| {
        let policy = policy.upgrade();
        living.extend(policy.clone());
        policy.is_some()
    });
    make_declared();
    let mut all: Vec<_> = BREAKERS.all().iter().map(of_breaker).collect();
    all.extend(KEYED.all().iter().map(|breakers| of_breakers(breakers)));
    all.extend(living.iter().map(|policy| policy.snapshot()));
    all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    all
}

fn of_breaker(breaker: &Breaker) -> PolicySnapshot {
    let seen = breaker.snapshot();
    PolicySnapshot {
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

/// Their keys come from outside, so they are no part of what metrics make labels of.
fn of_breakers(breakers: &KeyedBreaker) -> PolicySnapshot {
    let all = breakers.all();
    let mut not_closed: Vec<_> = all.iter().map(Breaker::snapshot).collect();
    not_closed.retain(|seen| seen.state != State::Closed);
    PolicySnapshot {
        kind: PolicyKind::Breaker,
        name: breakers.name().clone(),
        outcomes: outcomes(breakers.calls()),
        levels: vec![("keys", all.len() as u64), ("keys_not_closed", not_closed.len() as u64)],
        breakers: not_closed,
    }
}

fn outcomes(calls: BreakerCalls) -> Vec<(&'static str, u64)> {
    vec![
        ("success", calls.successes),
        ("failure", calls.failures),
        ("ignored", calls.ignored),
        ("cancelled", calls.cancelled),
        ("rejected", calls.rejected),
    ]
}

/// What can be listed.
pub(super) trait Report: Send + Sync {
    fn snapshot(&self) -> PolicySnapshot;
}

/// All that were used, in the order of their first use.
static USED: Mutex<Vec<Weak<dyn Report>>> = Mutex::new(Vec::new());

/// The part of a policy that is made on its first use, and listed from then on. So a policy can be a static.
#[derive(Debug)]
pub(super) struct Lazy<T>(OnceLock<Arc<T>>);

impl<T: Report + 'static> Lazy<T> {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    #[inline]
    pub(super) fn get(&self, make: impl FnOnce() -> T) -> &Arc<T> {
        self.0.get_or_init(|| {
            let policy = Arc::new(make());
            let listed: Arc<dyn Report> = policy.clone();
            let mut used = lock_static(&USED);
            // So that policies which come and go do not pile up where nobody asks.
            used.retain(|policy| policy.strong_count() > 0);
            used.push(Arc::downgrade(&listed));
            drop(used);
            policy
        })
    }
}
