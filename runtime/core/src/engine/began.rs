//! When and where a load began.

use crate::flight::Permit;
use crate::key::OwnedKey;
use crate::l1::{L1, LoadStart};
use crate::shared::{SharedApi as _, SharedEpoch, Tier};

/// When and where a load began.
#[derive(Clone, Copy)]
pub(crate) struct Began {
    /// In nanoseconds of the clock.
    pub(crate) time: u64,
    pub(crate) start: LoadStart,
    /// The position in the shared log; `None` where the shared tier is not to be given the value.
    pub(crate) shared: Option<SharedEpoch>,
}

impl Began {
    /// The beginning of a load that begins now, of a value for this store and this tier. Its positions are read before the clock, and all
    /// before anything is loaded.
    pub(crate) fn now<K: OwnedKey, V: Clone + 'static>(store: &L1<K, V>, tier: Option<&Tier>) -> Self {
        let (start, shared) = (store.start(), tier.and_then(Tier::epoch));
        Self { time: store.common().clock.now(), start, shared }
    }

    /// Keeps the value out of the shared tier, if the load was given up: another is made in its place, whose value the shared tier gets.
    pub(crate) fn unless_given_up(self, permit: Option<&Permit>) -> Self {
        if permit.is_some_and(Permit::is_given_up) { Self { shared: None, ..self } } else { self }
    }
}
