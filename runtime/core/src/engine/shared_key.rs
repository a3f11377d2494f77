//! A key in the shared tier.

use std::sync::Arc;
use std::time::Duration;

use super::Began;
use crate::l1::Lifetime;
use crate::shared::{Kept, Lease, Place, Tier, Unavailable};

/// A key in the shared tier, whose values are of type `W` there.
pub(crate) struct SharedKey<'a, W> {
    pub(super) tier: &'a Arc<Tier>,
    pub(super) place: Place<'a, W>,
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
        self.tier.lease(&self.place, lasts).await
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
        if let Some(kept) = kept(value, (life, beyond), began) {
            self.tier.keep(&self.place, &kept, lease);
        }
    }

    /// Removes what is older than a load that has nothing to be stored.
    pub(crate) fn remove(&self, began: &Began, lease: Option<Lease>) {
        if let Some(mark) = began.shared {
            self.tier.remove(&self.place, mark, began.time, lease);
        }
    }
}

/// A value as the shared tier takes it.
pub(super) fn kept<'a, W>(
    value: Option<&'a W>,
    (life, beyond): (&Lifetime, Duration),
    began: &Began,
) -> Option<Kept<'a, W>> {
    let (expires, load_time) = (life.expires, life.load_time);
    Some(Kept { value, mark: began.shared?, began: began.time, expires, load_time, beyond })
}
