//! The values of one call site or HTTP cache in both tiers.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::{Background, ERROR_THROTTLE, FetchStart, Fetched, LoadedEntry, Reload, SharedForm, SharedKey, TieredStart};
use crate::clock::{Clock, nanos};
use crate::flight::{Flights, LoadPermit};
use crate::handle::{Destination, Fastness};
use crate::key::args::Args;
use crate::key::{Hashed, OwnedKey, Scopes};
use crate::l1::{Entry, FoundEntry, L1, Lifetime, LoadStart};
use crate::log::Log;
use crate::shape::CacheValue;
use crate::shared::{ScopesOf, SharedApi as _, SiteEncoding, Tier, ValueKey};
use crate::stats::Counters;

/// The values of one call site, or the responses of one HTTP cache, in both tiers, and their in-flight loads.
pub(crate) struct TieredStore<K, V: 'static> {
    pub(crate) local: LocalStore<K, V>,
    pub(crate) flights: Arc<Flights>,
    /// The in-flight loads of reloads, which join no other load. Made by the first.
    reloads: OnceLock<Arc<Flights>>,
    pub(crate) background: Background,
    /// The state that calls of one kind share beside in-flight loads. Made by the first.
    extension: OnceLock<Arc<dyn Any + Send + Sync>>,
    pub(crate) tier: Option<Arc<Tier>>,
    /// The names and the encoding of these values in the shared tier.
    encoding: SiteEncoding,
}

/// The values of one call site in the local tier: everything that a hit reads, few pointers away.
pub(crate) struct LocalStore<K, V: 'static> {
    pub(crate) values: Arc<L1<K, V>>,
    pub(crate) counters: Arc<Counters>,
}

impl<K, V: 'static> Clone for LocalStore<K, V> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), counters: self.counters.clone() }
    }
}

impl<K: OwnedKey, V: CacheValue> LocalStore<K, V> {
    /// Returns the value for these arguments, if it is fresh and valid, and counts the hit.
    // Inlined always: out of line, the arguments go through memory, which costs a tenth of a hit.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn hit<A: Args<Owned = K>>(&self, args: &A) -> Option<V> {
        let value = self.values.hit(args)?;
        self.counters.hit();
        Some(value)
    }
}

impl<K: OwnedKey, V: CacheValue> TieredStore<K, V> {
    /// Creates a store of a handle. `variant` keeps its values in the shared tier apart from others of the same key and type.
    pub(crate) fn new(handle: &Fastness, local: LocalStore<K, V>, tier: Option<Arc<Tier>>, variant: u64) -> Self {
        let flights = Arc::new(Flights::new(handle.log().clone(), handle.clock().clone()));
        let (reloads, background, encoding) = (OnceLock::new(), Background::default(), SiteEncoding::new(variant));
        Self { local, flights, reloads, background, extension: OnceLock::new(), tier, encoding }
    }

    /// Returns the in-flight loads that a call may join: those of other reloads for one, those of all other calls for the rest.
    pub(crate) fn joinable(&self, reload: bool) -> &Arc<Flights> {
        if !reload {
            return &self.flights;
        }
        let context = self.local.values.context();
        self.reloads.get_or_init(|| Arc::new(Flights::new(context.log.clone(), context.clock.clone())))
    }

    /// Returns the state of this type that the calls of one kind share, made by the first. A store has one such type.
    pub(crate) fn extension<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let make = || -> Arc<dyn Any + Send + Sync> { Arc::<T>::default() };
        self.extension.get_or_init(make).clone().downcast().unwrap_or_default()
    }

    /// The place to which invalidations of these values go.
    pub(crate) fn destination(&self) -> Destination<'_> {
        Destination { context: self.local.values.context(), tier: self.tier.as_ref() }
    }

    /// Begins a reload, before its load begins.
    pub(crate) fn begin_reload(&self) -> Reload {
        Reload::new(self.local.values.begin_reload())
    }

    /// Begins a fetch from the shared tier, before the local tier is searched a last time. It counts as a load that begins now.
    pub(crate) fn begin_fetch(&self) -> FetchStart {
        // In this order; see `FetchStart`.
        let number = self.local.values.start().number;
        FetchStart { number, meets_reload: self.is_reloading() }
    }

    /// Returns whether a reload is under way, which may have begun before the last load that was numbered.
    pub(crate) fn is_reloading(&self) -> bool {
        self.local.values.is_reloading()
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.local.counters
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.local.values.context().clock
    }

    /// Returns the precise time, in nanoseconds.
    pub(crate) fn now(&self) -> u64 {
        self.clock().now()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.local.values.context().log
    }

    /// Returns the local entry of a key if it is valid, fresh or not.
    pub(crate) fn get(&self, key: &Hashed<K>) -> Option<FoundEntry<V>> {
        self.local.values.get(key)
    }

    /// Returns the start of a load that begins now. `shared` is true if its value is to be stored in the shared tier.
    pub(crate) fn begin(&self, shared: bool) -> TieredStart {
        TieredStart::now(&self.local.values, self.tier.as_deref().filter(|_| shared))
    }

    /// Stores a value in the local tier, unless one of its scopes was invalidated after its load began, or a later load has stored a value.
    /// `scopes` has all scopes of the value, including those known only after the load. If an invalidation overtook the value, it is
    /// counted and the method returns false.
    pub(crate) fn admit(&self, key: &Hashed<K>, scopes: &Scopes, value: V, life: Lifetime, start: LoadStart) -> bool {
        if !self.log().valid(start.epoch, scopes.hashes()) {
            self.counters().overtaken.count();
            return false;
        }
        self.local.values.insert(key.clone(), Entry::new(value, start, life, scopes));
        true
    }

    /// Delays the next load of a key, because its origin has failed.
    pub(crate) fn delay_next_load(&self, key: &Hashed<K>, now: u64) {
        let retry_at = now.saturating_add(nanos(ERROR_THROTTLE));
        self.local.values.delay_next_load(key, now, retry_at);
    }

    /// Returns a key in the shared tier, if there is one and it can hold values of this type. `text` is bounded in length.
    pub(crate) fn shared_key<'a, W>(
        &'a self,
        form: &SharedForm<W>,
        text: &'a str,
        scopes: &'a [u64],
    ) -> Option<SharedKey<'a, W>> {
        let SharedForm { wire, codec, erase } = *form;
        let key = ValueKey { wire: wire?, encoding: &self.encoding, codec, key: text, scopes, erase };
        Some(SharedKey { tier: self.tier.as_ref()?, key })
    }

    /// Fetches the entry of a key from the shared tier. It is judged by the tags that are stored beside it and by those that `scopes_of`
    /// returns, too.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch<W>(
        &self,
        key: &SharedKey<'_, W>,
        start: FetchStart,
        scopes_of: ScopesOf<'_, W>,
    ) -> Option<Fetched<W>> {
        Some(Fetched::new(key.tier.fetch(&key.key, scopes_of).await?, start))
    }

    /// Fetches the entries of several keys from the shared tier, in their order, in one round trip. Where there is no key, there is no
    /// entry.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn fetch_many<W>(
        &self,
        keys: &[Option<SharedKey<'_, W>>],
        start: FetchStart,
        scopes_of: ScopesOf<'_, W>,
    ) -> Vec<Option<Fetched<W>>> {
        let present = keys.iter().filter_map(Option::as_ref);
        let fetched = match present.clone().next() {
            Some(first) => first.tier.fetch_many(present.map(|key| &key.key), scopes_of).await,
            None => Vec::new(),
        };
        let mut fetched = fetched.into_iter();
        let entry = |key: &Option<_>| Some(Fetched::new(key.as_ref().and_then(|_| fetched.next())??, start));
        keys.iter().map(entry).collect()
    }

    /// Stores the values of several keys in the shared tier, as [`SharedKey::share`] does, in one round trip.
    pub(crate) fn share_many<'a, W: 'a>(
        &self,
        values: impl Iterator<Item = (SharedKey<'a, W>, LoadedEntry<'a, W>)>,
        began: &TieredStart,
    ) {
        let entry = |(key, loaded): (SharedKey<'a, W>, LoadedEntry<'a, W>)| Some((key.key, loaded.into_entry(began)?));
        if let Some(tier) = &self.tier {
            tier.store_many(values.filter_map(entry));
        }
    }

    /// Counts a stalled load if this permit replaces one. Returns true the first time.
    pub(crate) fn count_stalled(&self, permit: &LoadPermit) -> bool {
        permit.is_replacement() && self.counters().loads_stalled.count_first()
    }
}
