//! Storage of responses: both tiers of one handle, and single flight.

use std::any::TypeId;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use http::HeaderMap;

use super::cookies::IgnoredCookies;
use super::fills::{Fill, Fills};
use super::stored::{ResponseEntry, Stored, StoredResponse};
use super::target::{StoredKey, Target, text_of};
use super::unshared::UnsharedKeys;
use super::vary;
use crate::clock::nanos;
use crate::codec::Wire;
use crate::engine::{self, LoadedEntry, LocalStore, SharedForm, TieredStart};
use crate::events::{EventKey, LoadEvent};
use crate::handle::{CallMode, Fastness, SiteSwitches};
use crate::key::template::bounded;
use crate::key::{Hashed, Scopes};
use crate::l1::{EntryRank, FoundEntry, KeyList, L1, Lifetime, ListedEntry, LoadStart};
use crate::log::Epoch;
use crate::sync::lock;
use crate::timed::LogThrottle;

/// Responses of one handle, for the HTTP layers.
pub(super) struct ResponseStore {
    engine: engine::TieredStore<StoredKey, Arc<ResponseEntry>>,
    switches: SiteSwitches,
    /// The name in events.
    name: Arc<str>,
    /// Responses whose bodies are still coming.
    pub(super) fills: Arc<Fills>,
    /// Keys whose responses cannot be shared.
    pub(super) unshared: UnsharedKeys,
    /// Limits log lines about responses that broke off to one per second.
    pub(super) broken: LogThrottle,
    /// Hashes of keys whose next load is to be in full, whatever conditions its client has; zero for none. A collision costs one load.
    wanted_in_full: [AtomicU64; 64],
}

impl Deref for ResponseStore {
    type Target = engine::TieredStore<StoredKey, Arc<ResponseEntry>>;

    fn deref(&self) -> &Self::Target {
        &self.engine
    }
}

/// Keys of the stored responses, for an inspector.
struct ResponseKeys(Arc<L1<StoredKey, Arc<ResponseEntry>>>);

impl KeyList for ResponseKeys {
    fn rank(&self, visit: &mut dyn FnMut(EntryRank, usize)) {
        self.0.rank(visit);
    }

    fn describe(&self, hash: u64) -> Option<ListedEntry> {
        let (key, figures) = self.0.describe(hash)?;
        Some(ListedEntry { text: text_of(&key), figures, is_negative: false })
    }
}

/// Outcome of a load that all its waiters get.
#[derive(Clone)]
pub(super) enum ResponseOutcome {
    /// A response, and the epoch at which its load began.
    Response(Arc<ResponseEntry>, Epoch),
    /// A response whose body is still coming.
    Fill(Arc<Fill>),
    /// No response: look it up again.
    Again,
}

/// Key of an entry, in all its forms.
pub(super) struct EntryKey {
    pub(super) key: Hashed<StoredKey>,
    /// Text of the key.
    text: String,
    /// Scopes of the key, and of the tags that follow from the request.
    pub(super) scopes: Scopes,
}

impl ResponseStore {
    /// Returns the store of a handle, for a cache (`stores`) or for coalescing only. The first call for a handle decides on the capacity.
    pub(super) fn from_handle(
        handle: &Fastness,
        stores: bool,
        (capacity, max_bytes): (usize, Option<usize>),
    ) -> Arc<Self> {
        let store =
            handle.site_state((usize::from(stores), TypeId::of::<Self>()), || Self::new(handle, stores, capacity));
        store.local.values.bound_bytes(max_bytes);
        store
    }

    fn new(handle: &Fastness, stores: bool, capacity: usize) -> Self {
        let name = if stores { "http" } else { "http coalescing" };
        let capacity = if stores { capacity } else { 0 };
        let switches = handle.switches(name, name);
        let counters = handle.counters(name, "http:*", &switches);
        let local = LocalStore { values: handle.store(name, None, Some(capacity)), counters };
        local.values.set_weigher(Some(|entry: &Arc<ResponseEntry>| entry.bytes()));
        let (address, keys) = (Arc::as_ptr(&local.values).addr(), ResponseKeys(local.values.clone()));
        handle.add_keys(name, address, Arc::new(keys));
        let tier = if stores { handle.tier_of(true, name) } else { None };
        let name = Arc::from(name);
        local.values.set_name(&name, false, |key| bounded(text_of(key)));
        let engine = engine::TieredStore::new(handle, local, tier, 0);
        let (fills, unshared) = (Arc::default(), UnsharedKeys::default());
        let wanted_in_full = std::array::from_fn(|_| AtomicU64::new(0));
        Self { engine, switches, name, fills, unshared, broken: LogThrottle::new(), wanted_in_full }
    }

    /// Prepares the event of a load that begins now, if a subscription wants it.
    pub(super) fn load_event(&self, key: &EntryKey) -> Option<LoadEvent> {
        self.log().events()?.load(&self.name, || (Some(EventKey::from_text(&bounded(key.text.clone()))), 1))
    }

    /// Notes that the next request of a key is to load its response in full, so that it can be stored.
    pub(super) fn want_in_full(&self, key: &EntryKey) {
        self.wanted_slot(key).store(key.key.hash, Relaxed);
    }

    /// Returns whether a request is to load its response in full, and forgets it.
    pub(super) fn wants_in_full(&self, key: &EntryKey) -> bool {
        self.wanted_slot(key).compare_exchange(key.key.hash, 0, Relaxed, Relaxed).is_ok()
    }

    fn wanted_slot(&self, key: &EntryKey) -> &AtomicU64 {
        let index = usize::try_from(key.key.hash % 64).unwrap_or_default();
        &self.wanted_in_full[index]
    }

    /// Returns whether a request that is served here and now bypasses the cache: it is turned off, or its task is inside of `bypass` or of a
    /// transaction.
    pub(super) fn is_bypassed(&self) -> bool {
        self.switches.is_off() || CallMode::current() == CallMode::Bypass
    }

    pub(super) fn has_tier(&self) -> bool {
        self.tier.is_some()
    }

    /// Finds a valid and fresh response for a request and passes it to `answer` with the time. Takes no lock and renders no key text.
    pub(super) fn hit(
        &self,
        target: &Target<'_>,
        (headers, ignored): (&HeaderMap, &IgnoredCookies),
        mut answer: impl FnMut(&ResponseEntry, &StoredResponse, u64),
    ) {
        // The answer is large, so it is not returned from closure to closure.
        self.local.values.hit_with(&target.args(""), |entry, now| match &entry.stored {
            Stored::Response(recorded) => answer(entry, recorded, now),
            Stored::Varies(names) => {
                let variant = vary::variant(names, headers, ignored);
                self.local.values.hit_with(&target.args(&variant), |entry, now| {
                    if let Stored::Response(recorded) = &entry.stored {
                        answer(entry, recorded, now);
                    }
                });
            }
        });
    }

    pub(super) fn entry_key(&self, target: &Target<'_>, variant: &str, tags: &[String]) -> EntryKey {
        let text = target.text(variant);
        EntryKey {
            key: self.local.values.owned_key(&target.args(variant)),
            scopes: Scopes::with_sources(&text, tags),
            text,
        }
    }

    /// Returns the entry of a key in the local tier if it is valid, fresh or stale.
    pub(super) fn get(&self, key: &EntryKey) -> Option<FoundEntry<Arc<ResponseEntry>>> {
        self.engine.get(&key.key)
    }

    /// Copies the entry of a key from the shared tier into the local tier. Returns false if the shared tier has none that may be served.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn fetch(&self, key: &EntryKey) -> bool {
        let address = bounded(key.text.clone());
        let Some(shared) = self.shared_key(&form(), &address, key.scopes.hashes()) else { return false };
        let scopes_of = |stored: &Stored| Some(stored.scopes());
        let Some(fetched) = self.engine.fetch(&shared, self.engine.begin_fetch(), &scopes_of).await else {
            return false;
        };
        let Some(longest) = fetched.value.as_ref().map(|stored| stored.latest_expiry(self.now())) else { return false };
        let (expires, start, age) = (fetched.expires(longest), fetched.start, fetched.age(self.now()));
        let (load_time, is_refreshed) = (fetched.load_time, fetched.is_refreshed);
        let Some(stored) = fetched.value else { return false };
        let early_from = if is_refreshed { 0 } else { expires };
        let life = Lifetime { early_from, age, ..lifetime(&stored, expires, load_time) };
        self.admit(key, Arc::new(ResponseEntry::new(stored, expires)), life, start)
    }

    /// Inserts an entry into the local tier, unless it was invalidated meanwhile. Returns whether it was inserted: then it should be
    /// [shared](Self::share) too.
    pub(super) fn insert(&self, key: &EntryKey, entry: &Arc<ResponseEntry>, began: &TieredStart) -> bool {
        self.admit(key, entry.clone(), self.lifetime(entry, began), began.start)
    }

    /// Stores an entry of the local tier in the shared tier.
    pub(super) fn share(&self, key: &EntryKey, entry: &ResponseEntry, began: &TieredStart) {
        let address = bounded(key.text.clone());
        if let Some(shared) = self.shared_key(&form(), &address, key.scopes.hashes()) {
            let (life, beyond) = (self.lifetime(entry, began), entry.stored.grace().longest());
            shared.share(LoadedEntry { value: Some(&entry.stored), tags: &[], life, beyond }, began, None);
        }
    }

    /// Returns the lifetime of an entry whose load ends now.
    fn lifetime(&self, entry: &ResponseEntry, began: &TieredStart) -> Lifetime {
        lifetime(&entry.stored, entry.expires, self.now().saturating_sub(began.time))
    }

    /// Inserts an entry into the local tier under all its scopes, those of its tags included.
    fn admit(&self, key: &EntryKey, entry: Arc<ResponseEntry>, life: Lifetime, start: LoadStart) -> bool {
        let scopes = Scopes::with_sources(&key.text, entry.stored.tags());
        self.engine.admit(&key.key, &scopes, entry, life, start)
    }

    /// Returns whether a response whose load began at `epoch` may be served to a request that waited for it.
    pub(super) fn is_current(&self, key: &EntryKey, entry: &ResponseEntry, epoch: Epoch) -> bool {
        let scopes = Scopes::with_sources(&key.text, entry.stored.tags());
        self.log().is_current(epoch, scopes.hashes())
    }

    /// Returns whether a request with this key may join a fill.
    pub(super) fn may_join(&self, fill: &Fill, key: &EntryKey) -> bool {
        fill.body.is_joinable()
            && self.now() < fill.joinable_until
            && self.is_current(key, &fill.head, fill.epoch)
            && self.log().is_current(fill.epoch, key.scopes.hashes())
    }

    /// Counts a variant that is about to be stored, as the newest. Returns those that are to be removed for it: if there would be more
    /// than `max`, all that are stored no longer, or else the oldest ones.
    pub(super) fn count_variant(
        &self,
        base: &EntryKey,
        names: &[String],
        (variant, max): (&str, usize),
        is_stored: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let Some(found) = self.get(base) else { return Vec::new() };
        if !matches!(&found.value.stored, Stored::Varies(known) if known == names) {
            return Vec::new();
        }
        let mut variants = lock(&found.value.variants);
        variants.retain(|known| known != variant);
        if variants.len() >= max {
            variants.retain(|known| is_stored(known));
        }
        let too_many = (variants.len() + 1).saturating_sub(max);
        let removed = variants.drain(..too_many).collect();
        variants.push(variant.to_owned());
        removed
    }

    /// Removes an entry from both tiers, unless its load began later.
    pub(super) fn remove(&self, key: &EntryKey, began: &TieredStart) {
        self.local.values.remove(&key.key, began.start.number);
        let address = bounded(key.text.clone());
        if let Some(shared) = self.shared_key(&form(), &address, key.scopes.hashes()) {
            shared.remove(began, None);
        }
    }
}

/// Returns the form of responses in the shared tier.
fn form() -> SharedForm<Stored> {
    SharedForm { wire: Wire::new(), codec: None, erase: false }
}

/// Returns the lifetime of an entry that expires at `expires`.
fn lifetime(stored: &Stored, expires: u64, load_time: u64) -> Lifetime {
    let served_until = expires.saturating_add(nanos(stored.usable_after_expiry()));
    Lifetime { load_time, expires, early_from: expires, local_until: u64::MAX, served_until, age: 0, idle: u64::MAX }
}
