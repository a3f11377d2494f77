//! The seam of the shared tier: all that the rest of the runtime asks of it.
//!
//! [`SharedApi`] has two implementations: the tier on Redis, and [`NoTier`](super::none::NoTier) for a build without one. The second is
//! compiled always, so neither can drift from the other. Which one a build uses is an alias ([`Tier`](super::Tier)), not a trait object:
//! futures stay where they are awaited, and generic methods encode a value without a copy of its type's functions.

use std::sync::Arc;
use std::time::Duration;

use super::site_encoding::SiteEncoding;
use crate::codec::{Codec, Wire};
use crate::log::{Epoch, Reach, Record};

/// The shared tier of one handle. Nothing here fails towards a caller: a read that cannot be made is a miss.
pub(crate) trait SharedApi: Sized {
    /// The right to load a key, held against all other processes.
    type Lease: LeaseApi;

    /// Text that is the same for all processes that share this tier.
    fn identity(&self) -> String;

    /// The longest time that a read may take.
    fn longest_answer(&self) -> Duration;

    /// The position of a load that begins now, for the value that it will store; `None` before the log was first read.
    fn epoch(&self) -> Option<SharedEpoch>;

    /// Gets an invalidation or a refresh to all processes.
    ///
    /// # Cancel safety
    ///
    /// Dropping it is as if the server had not answered: it counts here, and is announced in the background.
    async fn announce(&self, record: Record) -> Reach;

    /// Invalidates here; others are told in the background.
    fn announce_later(&self, record: Record);

    /// Announces a record that a new value replaces what it concerns. Returns the positions of the new value, if it may be stored: in this
    /// process only, where the others cannot be told.
    async fn put(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<PutEpochs>;

    /// Invalidates here what a new value replaces, and tells others in the background. Returns the local position of the new value, if it
    /// may be stored.
    fn put_locally(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<Epoch>;

    /// The entry of a key, if there is one that may be served. Values that bring scopes of their own along are judged by these too.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn fetch<V>(&self, key: &ValueKey<'_, V>, scopes_of: fn(&V) -> Vec<u64>) -> Option<FetchedEntry<V>>;

    /// The entries of several keys, in their order, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn fetch_many<'a, V: 'a>(
        &self,
        keys: impl Iterator<Item = &'a ValueKey<'a, V>> + Clone,
    ) -> Vec<Option<FetchedEntry<V>>>;

    /// Asks for the right to load a key, for so long. `None` while another process has it, an error where the tier cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// A lease that was granted meanwhile runs out by itself.
    async fn lease<V>(
        self: &Arc<Self>,
        key: &ValueKey<'_, V>,
        lasts: Duration,
    ) -> Result<Option<Self::Lease>, Unavailable>;

    /// Stores an entry in the background, and gives back the lease under which it was loaded.
    fn store<V>(&self, key: &ValueKey<'_, V>, entry: &NewEntry<'_, V>, lease: Option<Self::Lease>);

    /// Stores several entries in the background.
    fn store_many<'a, V: 'a>(&self, entries: impl Iterator<Item = (ValueKey<'a, V>, NewEntry<'a, V>)>);

    /// Removes in the background what is older than a load that began at this position and this time, and has nothing to be stored.
    fn remove<V>(&self, key: &ValueKey<'_, V>, epoch: SharedEpoch, began: u64, lease: Option<Self::Lease>);
}

/// The right to load a key; given back when dropped.
pub(crate) trait LeaseApi {
    /// Renews it in the background while it is held, for no longer than `bound`: a load that never ends holds up nobody for
    /// longer. Where there is no runtime to do so it lasts as long as it was granted for.
    fn renewed(self, lasts: Duration, bound: Duration) -> Self;

    /// Leaves it to run out.
    #[cfg(feature = "http")]
    fn leave(self);
}

/// The shared tier cannot be asked now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unavailable;

/// A position in the shared log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedEpoch {
    pub(crate) incarnation: u64,
    pub(crate) id: u64,
}

/// The positions of a new value whose own record was folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PutEpochs {
    pub(crate) local: Epoch,
    /// `None` where only this process knows of it.
    pub(crate) shared: Option<SharedEpoch>,
}

/// A key in the tier, and how the values of its call site are written there.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a tier reads it"))]
pub(crate) struct ValueKey<'a, V> {
    pub(crate) wire: Wire<V>,
    pub(crate) encoding: &'a SiteEncoding,
    /// The codec that the call site asks for; `None` for the tier's own.
    pub(crate) codec: Option<Codec>,
    pub(crate) key: &'a str,
    pub(crate) scopes: &'a [u64],
}

/// An entry that was read and may be served.
pub(crate) struct FetchedEntry<V> {
    /// `None` if the origin said that there is none.
    pub(crate) value: Option<V>,
    /// The time until which it is fresh, and the duration of its load, in nanoseconds of the clock.
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    /// The time at which its load ended, in nanoseconds of the clock.
    pub(crate) ended: u64,
    /// Its position in the local log.
    pub(crate) epoch: Epoch,
    /// A refresh came after its load began: it is expired, whatever the time.
    pub(crate) is_refreshed: bool,
}

/// An entry to be stored.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a tier reads it"))]
pub(crate) struct NewEntry<'a, V> {
    /// `None` if the origin said that there is none.
    pub(crate) value: Option<&'a V>,
    /// The position at which its load began, and the time, in nanoseconds of the clock.
    pub(crate) epoch: SharedEpoch,
    pub(crate) began: u64,
    pub(crate) expires: u64,
    pub(crate) load_time: u64,
    /// The time for which it may be of use after it is no longer fresh.
    pub(crate) beyond: Duration,
}
