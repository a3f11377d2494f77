//! The values of one kind in both tiers, and their loads in flight.

use std::sync::Arc;
use std::time::Duration;

use super::{Background, Began, ERROR_THROTTLE, Fetched, SharedKey, shared_key};
use crate::clock::{Clock, nanos};
use crate::codec::{Codec, Wire};
use crate::flight::{Flights, Permit};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::{Hashed, OwnedKey, Scopes};
use crate::l1::{Entry, Found, L1, Lifetime, LoadStart};
use crate::log::Log;
use crate::shape::CacheValue;
use crate::shared::{SharedApi as _, SiteEncoding, Tier, ValueKey};
use crate::stats::Counters;

/// The values of one kind in both tiers, and their loads in flight: of one instantiation of a call site, or the responses of an HTTP cache.
pub(crate) struct Store<K, V> {
    pub(crate) local: Local<K, V>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) background: Background,
    pub(crate) tier: Option<Arc<Tier>>,
    /// How these values are named and encoded in the shared tier.
    encoding: SiteEncoding,
}

/// The values of one kind in this process: all that a hit needs, few pointers away.
pub(crate) struct Local<K, V> {
    pub(crate) values: Arc<L1<K, V>>,
    pub(crate) counters: Arc<Counters>,
}

impl<K, V> Clone for Local<K, V> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), counters: self.counters.clone() }
    }
}

impl<K: OwnedKey, V: CacheValue> Local<K, V> {
    /// Returns the value for these arguments, if it is fresh and valid, and counts the hit.
    // Inlined by force: out of line, the arguments go through memory, which costs a tenth of a hit.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        let value = self.values.hit(args)?;
        self.counters.hit();
        Some(value)
    }
}

impl<K: OwnedKey, V: CacheValue> Store<K, V> {
    /// A store of a handle. `variant` sets its values apart in the shared tier from others of the same key and type.
    pub(crate) fn new(handle: &Fastness, local: Local<K, V>, tier: Option<Arc<Tier>>, variant: u64) -> Self {
        let flights = Arc::new(Flights::new(handle.log().clone(), handle.clock().clone()));
        Self { local, flights, background: Background::default(), tier, encoding: SiteEncoding::new(variant) }
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.local.counters
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.local.values.common().clock
    }

    /// The precise time.
    pub(crate) fn now(&self) -> u64 {
        self.clock().now()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.local.values.common().log
    }

    /// The value of a key in this process, if it is valid, fresh or not.
    pub(crate) fn look(&self, key: &Hashed<K>) -> Option<Found<V>> {
        self.local.values.look(key)
    }

    /// The beginning of a load, which is now. `shared` says whether the shared tier is to be given the value.
    pub(crate) fn begin(&self, shared: bool) -> Began {
        Began::now(&self.local.values, self.tier.as_deref().filter(|_| shared))
    }

    /// Stores a value in this process, unless something invalidated one of its scopes since its load began, or a later load has come to
    /// its end. The scopes are all of the value's, those that are known only after the load among them. False, and counted, if it was
    /// overtaken by an invalidation.
    pub(crate) fn admit(&self, key: &Hashed<K>, scopes: &Scopes, value: V, life: Lifetime, start: LoadStart) -> bool {
        if !self.log().valid(start.epoch, scopes.hashes()) {
            self.counters().overtaken.count();
            return false;
        }
        self.local.values.insert(key.clone(), Entry::new(value, start, life, scopes));
        true
    }

    /// Leaves the origin of a value alone for a while, after it has failed.
    pub(crate) fn leave_origin_alone(&self, key: &Hashed<K>, now: u64) {
        let retry_at = now.saturating_add(nanos(ERROR_THROTTLE));
        self.local.values.mark(key, |entry| entry.leave_origin_alone_until(retry_at));
    }

    /// A key in the shared tier, where there is one and its values can go there. `text` is bounded.
    pub(crate) fn shared_key<'a, W>(
        &'a self,
        wire: Option<Wire<W>>,
        codec: Option<Codec>,
        text: &'a str,
        scopes: &'a [u64],
    ) -> Option<SharedKey<'a, W>> {
        let key = ValueKey { wire: wire?, encoding: &self.encoding, codec, key: text, scopes };
        Some(SharedKey { tier: self.tier.as_ref()?, key })
    }

    /// Asks the shared tier for the value of a key. `scopes_of` are the scopes of a value that are known only by it: it is judged by these
    /// too.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch<W>(&self, key: &SharedKey<'_, W>, scopes_of: fn(&W) -> Vec<u64>) -> Option<Fetched<W>> {
        // As old as the question.
        let number = self.local.values.start().number;
        Some(Fetched::new(key.tier.fetch(&key.key, scopes_of).await?, number))
    }

    /// Asks the shared tier for the values of several keys, in their order, in one round trip.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch_many<W>(
        &self,
        keys: &[SharedKey<'_, W>],
    ) -> impl Iterator<Item = Option<Fetched<W>>> + use<K, V, W> {
        let (number, fetched) = match keys.first() {
            Some(first) => {
                let number = self.local.values.start().number;
                (number, first.tier.fetch_many(keys.iter().map(|key| &key.key)).await)
            }
            None => (0, Vec::new()),
        };
        fetched.into_iter().map(move |fetched| Some(Fetched::new(fetched?, number)))
    }

    /// Gives the shared tier the values of several keys, as [`SharedKey::share`] does, in one round trip.
    pub(crate) fn share_many<'a, W: 'a>(
        &self,
        values: impl Iterator<Item = (SharedKey<'a, W>, Option<&'a W>, Lifetime)>,
        beyond: Duration,
        began: &Began,
    ) {
        let entry = |(key, value, life): (SharedKey<'a, W>, Option<&'a W>, Lifetime)| {
            Some((key.key, shared_key::new_entry(value, (&life, beyond), began)?))
        };
        if let Some(tier) = &self.tier {
            tier.store_many(values.filter_map(entry));
        }
    }

    /// Counts a load in whose place another is made, if this permit is for such a one. True the first time.
    pub(crate) fn count_stalled(&self, permit: &Permit) -> bool {
        permit.is_instead() && self.counters().loads_stalled.count_first()
    }
}
