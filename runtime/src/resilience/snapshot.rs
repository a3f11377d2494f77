//! All policies of this process, for the health page and for metrics.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use crate::sync::lock;

use super::breaker::{BREAKERS, BreakerSnapshot, KEYED};

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
    /// More of a breaker.
    pub breaker: Option<BreakerSnapshot>,
}

/// Every policy that was used so far and is still there, by kind and name.
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
    lock(&USED).retain(|policy| {
        let policy = policy.upgrade();
        living.extend(policy.clone());
        policy.is_some()
    });
    let breakers = BREAKERS.all().into_iter();
    let keyed = KEYED.all().into_iter().flat_map(|breakers| breakers.all());
    let mut all: Vec<_> = breakers.chain(keyed).map(|breaker| PolicySnapshot::from(breaker.snapshot())).collect();
    all.extend(living.iter().map(|policy| policy.snapshot()));
    all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    all
}

impl From<BreakerSnapshot> for PolicySnapshot {
    fn from(breaker: BreakerSnapshot) -> Self {
        let calls = breaker.calls;
        Self {
            kind: PolicyKind::Breaker,
            name: breaker.name.clone(),
            outcomes: vec![
                ("success", calls.successes),
                ("failure", calls.failures),
                ("ignored", calls.ignored),
                ("cancelled", calls.cancelled),
                ("rejected", calls.rejected),
            ],
            levels: vec![
                ("window_calls", breaker.window_calls),
                ("window_failures", breaker.window_failures),
                ("window_slow", breaker.window_slow),
            ],
            breaker: Some(breaker),
        }
    }
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
            lock(&USED).push(Arc::downgrade(&listed));
            policy
        })
    }
}
