//! A key in the shared tier.

use std::sync::Arc;
use std::time::Duration;

use super::TieredStart;
use crate::codec::{Codec, Wire};
use crate::l1::Lifetime;
use crate::shared::{LoadLease, NewEntry, SharedApi as _, Tier, Unavailable, ValueKey};

/// A key in the shared tier, with values of type `W`.
pub(crate) struct SharedKey<'a, W> {
    pub(super) tier: &'a Arc<Tier>,
    pub(super) key: ValueKey<'a, W>,
}

/// The way in which values of type `W` lie in the shared tier.
pub(crate) struct SharedForm<W> {
    /// The conversion of values; `None` if they stay in this process.
    pub(crate) wire: Option<Wire<W>>,
    /// The codec; `None` for the tier's default.
    pub(crate) codec: Option<Codec>,
    /// True if an invalidation of a key removes the bytes of its values.
    pub(crate) erase: bool,
}

impl<W> SharedKey<'_, W> {
    /// Returns the longest time that a command may take.
    pub(crate) fn longest_answer(&self) -> Duration {
        self.tier.longest_answer()
    }

    /// Requests the lease on this key's load, which one process has at a time, for at most `lasts`. `None` while another process has it.
    ///
    /// # Cancel safety
    ///
    /// A lease that was granted after the drop expires by itself.
    pub(crate) async fn lease(&self, lasts: Duration) -> Result<Option<LoadLease>, Unavailable> {
        self.tier.lease(&self.key, lasts).await
    }

    /// Stores the result of a load in the shared tier. Has no effect if the load has no position in the shared log.
    pub(crate) fn share(&self, loaded: LoadedEntry<'_, W>, began: &TieredStart, lease: Option<LoadLease>) {
        if let Some(entry) = loaded.into_entry(began) {
            self.tier.store(&self.key, &entry, lease);
        }
    }

    /// Removes an entry that is older than a load whose result is not stored.
    pub(crate) fn remove(&self, began: &TieredStart, lease: Option<LoadLease>) {
        if let Some(epoch) = began.shared {
            self.tier.remove(&self.key, epoch, began.time, lease);
        }
    }
}

/// The result of a load, to be stored in the shared tier.
pub(crate) struct LoadedEntry<'a, W> {
    /// `None` for an absence.
    pub(crate) value: Option<&'a W>,
    /// The tags that the value states.
    pub(crate) tags: &'a [u64],
    pub(crate) life: Lifetime,
    /// The time for which it may be used after it is no longer fresh.
    pub(crate) beyond: Duration,
}

impl<'a, W> LoadedEntry<'a, W> {
    /// Makes an entry of the shared tier; `None` if its load has no position in the shared log.
    pub(super) fn into_entry(self, began: &TieredStart) -> Option<NewEntry<'a, W>> {
        let Self { value, tags, life: Lifetime { expires, load_time, .. }, beyond } = self;
        Some(NewEntry { value, tags, epoch: began.shared?, began: began.time, expires, load_time, beyond })
    }
}
