//! The settings of a call site's function.

use std::sync::Arc;

use super::SiteState;
use super::meta::SiteMeta;
use crate::handle::{FunctionStore, SiteSwitches};
use crate::key::OwnedKey;
use crate::l1::AnyStore;
use crate::policy::Policy;
use crate::shape::{CacheValue, Shape};

/// Makes the stores of a call site obey the settings of its function, those in force and later ones.
pub(super) fn obey(
    meta: &SiteMeta,
    switches: &SiteSwitches,
    values: &Arc<dyn AnyStore>,
    negatives: &Arc<dyn AnyStore>,
) {
    let store = |store: &Arc<dyn AnyStore>, has_values| FunctionStore {
        store: Arc::downgrade(store),
        has_capacity: meta.capacity.is_some(),
        has_values,
    };
    switches.settings().add_stores([store(values, true), store(negatives, false)], meta.settable);
}

impl<K: OwnedKey, S: Shape<Item: CacheValue> + 'static> SiteState<K, S> {
    /// Puts the settings of the function in the place of the options of a call that is not a hit, except for options that its attribute
    /// does not have.
    pub(crate) fn set(&self, policy: &mut Policy<S>) {
        if let Some(settings) = self.switches.settings().policy() {
            policy.set(&settings.only(self.settable));
        }
    }
}
