//! The start of a load: its time, and its positions in both logs.

use crate::flight::LoadPermit;
use crate::key::OwnedKey;
use crate::l1::{L1, LoadStart};
use crate::shared::{SharedApi as _, SharedEpoch, Tier};

/// The start of a load in both tiers.
#[derive(Clone, Copy)]
pub(crate) struct TieredStart {
    /// The time, in nanoseconds of the clock.
    pub(crate) time: u64,
    pub(crate) start: LoadStart,
    /// The position in the shared log; `None` if the value is not to be stored in the shared tier.
    pub(crate) shared: Option<SharedEpoch>,
}

impl TieredStart {
    /// Returns the start of a load that begins now, of a value for this store and this tier. It reads the positions before the clock, and
    /// must be called before the load reads anything.
    pub(crate) fn now<K: OwnedKey, V: Clone + 'static>(store: &L1<K, V>, tier: Option<&Tier>) -> Self {
        let (start, shared) = (store.start(), tier.and_then(Tier::epoch));
        Self { time: store.context().clock.now(), start, shared }
    }

    /// Keeps the value out of the shared tier if the load was given up: the load that replaced it stores its own value there.
    pub(crate) fn unless_given_up(self, permit: Option<&LoadPermit>) -> Self {
        if permit.is_some_and(LoadPermit::is_given_up) { Self { shared: None, ..self } } else { self }
    }
}
