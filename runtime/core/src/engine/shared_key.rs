//! A key in the shared tier.

use std::sync::Arc;
use std::time::Duration;

use super::Began;
use crate::l1::Lifetime;
use crate::shared::{Lease, NewEntry, SharedApi as _, Tier, Unavailable, ValueKey};

/// A key in the shared tier, whose values are of type `W` there.
pub(crate) struct SharedKey<'a, W> {
    pub(super) tier: &'a Arc<Tier>,
    pub(super) key: ValueKey<'a, W>,
}

impl<W> SharedKey<'_, W> {
    /// The longest time that an answer may take.
    pub(crate) fn longest_answer(&self) -> Duration {
        self.tier.longest_answer()
    }

    /// Asks for the right to load, which one process has at a time, and at most for so long. `None` while another has it.
    ///
    /// # Cancel safety
    ///
    /// A lease of which nobody hears runs out.
    pub(crate) async fn lease(&self, lasts: Duration) -> Result<Option<Lease>, Unavailable> {
        self.tier.lease(&self.key, lasts).await
    }

    /// Gives the shared tier what a load has found: a value, or with `None` that there is none. `beyond` is for how much longer than it is
    /// fresh it may be of use. Does nothing where the load did not note where it began in the shared log.
    pub(crate) fn share(
        &self,
        value: Option<&W>,
        (life, beyond): (&Lifetime, Duration),
        began: &Began,
        lease: Option<Lease>,
    ) {
        if let Some(entry) = new_entry(value, (life, beyond), began) {
            self.tier.store(&self.key, &entry, lease);
        }
    }

    /// Removes what is older than a load that has nothing to be stored.
    pub(crate) fn remove(&self, began: &Began, lease: Option<Lease>) {
        if let Some(epoch) = began.shared {
            self.tier.remove(&self.key, epoch, began.time, lease);
        }
    }
}

/// A value as the shared tier takes it.
pub(super) fn new_entry<'a, W>(
    value: Option<&'a W>,
    (life, beyond): (&Lifetime, Duration),
    began: &Began,
) -> Option<NewEntry<'a, W>> {
    let (expires, load_time) = (life.expires, life.load_time);
    Some(NewEntry { value, epoch: began.shared?, began: began.time, expires, load_time, beyond })
}
