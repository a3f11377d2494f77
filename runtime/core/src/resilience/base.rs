//! The base of all policies but breakers: a name, settings, a clock and, from the first use on, the state and counters that its calls
//! share.
//!
//! A policy can be a static: it is made by a `const fn`, and allocates on its first use. It can be cloned as well, and clones are the
//! same policy: cloning counts as a use.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, Weak};

#[cfg(feature = "settings")]
use super::changes::{Changed, Changes, changes};
use super::in_force::InForce;
use super::kind::PolicyKind;
use super::outcomes::Outcomes;
use super::snapshot::Snapshot;
use crate::clock::Clock;
use crate::sync::lock_std;

/// A kind of policy: its settings, its shared state, and the names of its outcomes.
pub(super) trait PolicyState: fmt::Debug + Send + Sync + Sized + 'static {
    /// The settings that users give.
    type Settings: Clone + fmt::Debug + Send + Sync + 'static;

    /// The kind in snapshots.
    const KIND: PolicyKind;
    /// The names of the outcomes of a call.
    const OUTCOMES: &'static [&'static str];

    /// Makes the state that all calls share.
    fn new(name: &Arc<str>, settings: &Self::Settings, clock: &Clock) -> Self;

    /// Takes these settings in place of those that it was made with.
    #[cfg(feature = "settings")]
    fn set(&self, _: &Self::Settings) {}

    /// Returns gauges, by name.
    fn levels(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// A policy of some kind.
#[derive(Debug)]
pub(super) struct Base<K: PolicyState> {
    name: &'static str,
    pub(super) settings: K::Settings,
    /// The clock of the policy; `None` for the system's.
    clock: Option<Clock>,
    shared: OnceLock<Arc<SharedPolicy<K>>>,
}

/// The part that all clones of a policy share.
#[derive(Debug)]
pub(super) struct SharedPolicy<K: PolicyState> {
    pub(super) name: Arc<str>,
    pub(super) clock: Clock,
    pub(super) outcomes: Outcomes,
    pub(super) state: K,
    /// The settings that it was made with, and their change by a configuration.
    #[cfg(feature = "settings")]
    given: K::Settings,
    #[cfg(feature = "settings")]
    changed: Changed<K::Settings>,
}

impl<K: PolicyState> Base<K> {
    pub(super) const fn new(name: &'static str, settings: K::Settings) -> Self {
        Self { name, settings, clock: None, shared: OnceLock::new() }
    }

    /// Makes another policy of the same name and settings, on this clock.
    pub(super) fn with_clock(self, clock: Clock) -> Self {
        Self { clock: Some(clock), shared: OnceLock::new(), ..self }
    }

    /// Returns the same policy with other settings.
    pub(super) fn with_settings(&self, settings: K::Settings) -> Self {
        let shared = OnceLock::from(self.shared().clone());
        Self { name: self.name, settings, clock: self.clock.clone(), shared }
    }

    /// Returns the settings in force.
    #[inline]
    pub(super) fn settings(&self) -> InForce<'_, K::Settings> {
        self.in_force(&self.settings)
    }

    /// Returns the settings in force of a call that has these.
    #[inline]
    #[cfg_attr(not(feature = "settings"), allow(clippy::unused_self))]
    pub(super) fn in_force<'a>(&self, settings: &'a K::Settings) -> InForce<'a, K::Settings> {
        #[cfg(feature = "settings")]
        if let Some(change) = self.shared().changed.get() {
            return InForce::Changed(Box::new(change(settings.clone())));
        }
        InForce::Given(settings)
    }

    /// Returns the shared part, which is made on the first use and listed from then on.
    #[inline]
    pub(super) fn shared(&self) -> &Arc<SharedPolicy<K>> {
        self.shared.get_or_init(|| self.make())
    }

    #[cold]
    fn make(&self) -> Arc<SharedPolicy<K>> {
        let name = Arc::from(self.name);
        let clock = self.clock.clone().unwrap_or_else(Clock::system);
        let state = K::new(&name, &self.settings, &clock);
        let made = Arc::new(SharedPolicy {
            name,
            clock,
            outcomes: Outcomes::new(K::OUTCOMES),
            state,
            #[cfg(feature = "settings")]
            given: self.settings.clone(),
            #[cfg(feature = "settings")]
            changed: Changed::default(),
        });
        let listed: Arc<dyn Listed> = made.clone();
        list(&listed);
        #[cfg(feature = "settings")]
        listed.obey(&changes());
        made
    }
}

impl<K: PolicyState> Clone for Base<K> {
    fn clone(&self) -> Self {
        self.with_settings(self.settings.clone())
    }
}

/// A policy that can be listed, and whose settings can change.
pub(super) trait Listed: Send + Sync {
    fn snapshot(&self) -> Snapshot;
    /// Returns the kind and the name.
    #[cfg(feature = "settings")]
    fn id(&self) -> (PolicyKind, &Arc<str>);
    /// Takes the change of its settings from those in force.
    #[cfg(feature = "settings")]
    fn obey(&self, changes: &Changes);
}

impl<K: PolicyState> Listed for SharedPolicy<K> {
    fn snapshot(&self) -> Snapshot {
        let Self { name, outcomes, state, .. } = self;
        let (outcomes, levels) = (outcomes.all(), state.levels());
        Snapshot { kind: K::KIND, name: name.clone(), outcomes, levels, breakers: Vec::new() }
    }

    #[cfg(feature = "settings")]
    fn id(&self) -> (PolicyKind, &Arc<str>) {
        (K::KIND, &self.name)
    }

    #[cfg(feature = "settings")]
    fn obey(&self, changes: &Changes) {
        let change = changes.find::<K::Settings>(K::KIND, &self.name);
        let given = self.given.clone();
        self.state.set(&change.as_ref().map_or(given.clone(), |change| change(given)));
        self.changed.set(change);
    }
}

#[cfg(test)]
impl<K: PolicyState> Base<K> {
    pub(super) fn snapshot(&self) -> Snapshot {
        self.shared().snapshot()
    }

    /// Returns the numbers of calls, in the order of [`PolicyState::OUTCOMES`].
    pub(super) fn outcomes(&self) -> Vec<u64> {
        self.snapshot().outcomes.into_iter().map(|(_, count)| count).collect()
    }
}

/// The policies that were used, in the order of their first use.
static USED: Mutex<Vec<Weak<dyn Listed>>> = Mutex::new(Vec::new());

fn list(policy: &Arc<dyn Listed>) {
    let mut used = lock_std(&USED);
    // Policies that come and go would pile up if no snapshot is ever taken.
    used.retain(|policy| policy.strong_count() > 0);
    used.push(Arc::downgrade(policy));
}

/// Returns the policies that were used so far and still exist.
pub(super) fn living() -> Vec<Arc<dyn Listed>> {
    let mut living = Vec::new();
    lock_std(&USED).retain(|policy| {
        let policy = policy.upgrade();
        living.extend(policy.clone());
        policy.is_some()
    });
    living
}
