//! The interface of the shared tier, for the rest of the crate.
//!
//! [`SharedApi`] has two implementations: the tier on Redis, and [`NoTier`](super::no_tier::NoTier) for builds without one. The latter is
//! compiled in every build, so neither can drift from the other. An alias ([`Tier`](super::Tier)) selects one of them. It is not a trait
//! object, so futures are not boxed, and generic methods encode values of any type.

use std::sync::Arc;
use std::time::Duration;

use super::site_encoding::SiteEncoding;
use crate::codec::{Codec, Wire};
use crate::log::{Epoch, Reach, Record};

/// Returns the scopes that only a value itself knows; `None` if they cannot be found, so that the value is not served.
pub(crate) type ScopesOf<'a, V> = &'a (dyn Fn(&V) -> Option<Vec<u64>> + Sync);

/// The shared tier of one handle. No method fails towards a caller: a read that cannot be made is a miss.
pub(crate) trait SharedApi: Sized {
    /// The lease on a load, which one process has at a time.
    type Lease: LeaseApi;

    /// The context in which a thread may block on futures of the tier.
    type BlockingContext<'a>
    where
        Self: 'a;

    /// Returns text that is the same in all processes that share this tier.
    fn identity(&self) -> String;

    /// Prepares this thread to block on futures of the tier while the answer lives. A caller that stands on the runtime which drives the
    /// tier does not wait for itself. `None` if this thread cannot block on them.
    fn enter(&self) -> Option<Self::BlockingContext<'_>>;

    /// Returns the longest time that a read may take.
    fn longest_answer(&self) -> Duration;

    /// Returns the position of a load that begins now, for the value that it will store. `None` before the log was first read.
    fn epoch(&self) -> Option<SharedEpoch>;

    /// Announces an invalidation or a refresh to all processes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has the effect of a server that does not answer: the record counts in this process, and is announced in the
    /// background.
    async fn announce(&self, record: Record) -> Reach;

    /// Invalidates in this process, and announces the record in the background.
    fn announce_later(&self, record: Record);

    /// Announces the record of a put. Returns the positions of the new value, if it may be stored; without a shared position if the record
    /// could not be announced.
    async fn put(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<PutEpochs>;

    /// Applies the record of a put in this process, and announces it in the background. Returns the local position of the new value, if it
    /// may be stored.
    fn put_locally(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<Epoch>;

    /// Fetches the entry of a key, if there is one that may be served. It is judged by the scopes of the key, by the tags that are stored
    /// beside it, and by those that `scopes_of` returns.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn fetch<V>(&self, key: &ValueKey<'_, V>, scopes_of: ScopesOf<'_, V>) -> Option<FetchedEntry<V>>;

    /// Fetches the entries of several keys, in their order, in one round trip. `scopes_of` is that of [`fetch`](Self::fetch).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    async fn fetch_many<'a, V: 'a>(
        &self,
        keys: impl Iterator<Item = &'a ValueKey<'a, V>> + Clone,
        scopes_of: ScopesOf<'_, V>,
    ) -> Vec<Option<FetchedEntry<V>>>;

    /// Requests the lease on a key's load, for this duration. `None` while another process has it; an error if the tier is unavailable.
    ///
    /// # Cancel safety
    ///
    /// A lease that was granted after the drop expires by itself.
    async fn lease<V>(
        self: &Arc<Self>,
        key: &ValueKey<'_, V>,
        lasts: Duration,
    ) -> Result<Option<Self::Lease>, Unavailable>;

    /// Stores an entry in the background, and then releases the lease under which it was loaded.
    fn store<V>(&self, key: &ValueKey<'_, V>, entry: &NewEntry<'_, V>, lease: Option<Self::Lease>);

    /// Stores several entries in the background.
    fn store_many<'a, V: 'a>(&self, entries: impl Iterator<Item = (ValueKey<'a, V>, NewEntry<'a, V>)>);

    /// Removes in the background an entry that is older than a load whose result is not stored. `epoch` and `began` are the start of that
    /// load.
    fn remove<V>(&self, key: &ValueKey<'_, V>, epoch: SharedEpoch, began: u64, lease: Option<Self::Lease>);
}

/// The lease on a load, released when dropped.
pub(crate) trait LeaseApi {
    /// Renews the lease in the background while it is held, for at most `bound`, so that a load which never ends delays other processes no
    /// longer. Without a runtime it is not renewed.
    fn renewed(self, lasts: Duration, bound: Duration) -> Self;

    /// Drops the lease without releasing it, so that it expires.
    #[cfg(feature = "http")]
    fn let_expire(self);
}

/// Error of a shared tier that cannot be reached now.
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
    /// `None` if only this process knows of the put.
    pub(crate) shared: Option<SharedEpoch>,
}

/// A key in the tier, and the encoding of its call site's values.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a tier reads it"))]
pub(crate) struct ValueKey<'a, V> {
    pub(crate) wire: Wire<V>,
    pub(crate) encoding: &'a SiteEncoding,
    /// The codec of the call site; `None` for the tier's default.
    pub(crate) codec: Option<Codec>,
    pub(crate) key: &'a str,
    /// The hash of the key itself comes first.
    pub(crate) scopes: &'a [u64],
    /// True if an invalidation of the key removes its values' bytes.
    pub(crate) erase: bool,
}

/// An entry that was fetched and may be served. Times are in nanoseconds of the clock.
pub(crate) struct FetchedEntry<V> {
    /// `None` for a cached absence.
    pub(crate) value: Option<V>,
    /// The time until which it is fresh.
    pub(crate) expires: u64,
    /// The duration of its load.
    pub(crate) load_time: u64,
    /// The time at which its load ended, below zero if that was before the clock's start.
    pub(crate) ended: i64,
    /// The position in the local log.
    pub(crate) epoch: Epoch,
    /// True if a refresh record came after its load began, so that it is expired whatever its ttl.
    pub(crate) is_refreshed: bool,
    /// The scopes that only the value knows: those that are stored beside it, and those that its reader found in it.
    pub(crate) tags: Vec<u64>,
}

/// An entry to be stored. Times are in nanoseconds of the clock.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a tier reads it"))]
pub(crate) struct NewEntry<'a, V> {
    /// `None` for an absence.
    pub(crate) value: Option<&'a V>,
    /// The tags that the value states.
    pub(crate) tags: &'a [u64],
    /// The position at which its load began.
    pub(crate) epoch: SharedEpoch,
    /// The time at which its load began.
    pub(crate) began: u64,
    /// The time until which it is fresh.
    pub(crate) expires: u64,
    /// The duration of its load.
    pub(crate) load_time: u64,
    /// The time for which it may be used after it is no longer fresh.
    pub(crate) beyond: Duration,
}
