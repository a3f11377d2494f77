//! Where responses are: both tiers of one handle, and the flights of what is on its way.

use std::any::TypeId;
use std::ops::Deref;
use std::sync::Arc;

use http::HeaderMap;

use super::stored::{Held, Recorded, Stored};
use super::target::{Key, Target};
use super::vary;
use crate::clock::nanos;
use crate::codec::Wire;
use crate::engine::{self, LocalStore, TieredStart};
use crate::handle::Fastness;
use crate::key::template::bounded;
use crate::key::{Hashed, Scopes};
use crate::l1::{FoundEntry, Lifetime, LoadStart};
use crate::log::Epoch;
use crate::sync::lock;
use crate::timed::Gate;

/// The responses of a handle, for the HTTP layers.
pub(super) struct Store {
    engine: engine::TieredStore<Key, Arc<Held>>,
    /// Lets through one line a second about responses that broke off.
    pub(super) broken: Gate,
}

impl Deref for Store {
    type Target = engine::TieredStore<Key, Arc<Held>>;

    fn deref(&self) -> &Self::Target {
        &self.engine
    }
}

/// The outcome of a request that all who wait for it get.
#[derive(Clone)]
pub(super) enum SharedOutcome {
    /// A response, and where its making began.
    Response(Arc<Held>, Epoch),
    /// Nothing: look again.
    Again,
}

/// A key, in all the forms that it takes.
pub(super) struct Place {
    pub(super) key: Hashed<Key>,
    /// In full.
    text: String,
    /// Of the key itself, and of what is known beforehand of its response.
    pub(super) scopes: Scopes,
}

impl Store {
    /// Of this handle: for a cache, or for coalescing alone. The capacity is that which is asked for first.
    pub(super) fn from_handle(handle: &Fastness, keeps: bool, capacity: usize) -> Arc<Self> {
        handle.site_state(usize::from(keeps), TypeId::of::<Self>(), || Self::new(handle, keeps, capacity))
    }

    fn new(handle: &Fastness, keeps: bool, capacity: usize) -> Self {
        let name = if keeps { "http" } else { "http coalescing" };
        let capacity = if keeps { capacity } else { 0 };
        let local =
            LocalStore { values: handle.store(name, None, Some(capacity)), counters: handle.counters(name, "http:*") };
        let tier = if keeps { handle.tier_of(true, name) } else { None };
        Self { engine: engine::TieredStore::new(handle, local, tier, 0), broken: Gate::new() }
    }

    pub(super) fn has_tier(&self) -> bool {
        self.tier.is_some()
    }

    /// What `answer` makes of the response for this request, and of the time, if there is one that is fresh and valid: no lock, no
    /// key text.
    pub(super) fn hit<R>(
        &self,
        target: &Target<'_>,
        headers: &HeaderMap,
        answer: impl Fn(&Held, &Recorded, u64) -> Option<R>,
    ) -> Option<R> {
        let found = self.local.values.hit_with(&target.args(""), |held, now| match &held.stored {
            Stored::Response(recorded) => answer(held, recorded, now),
            Stored::Varies(names) => {
                let variant = vary::variant(names, headers);
                let found = self.local.values.hit_with(&target.args(&variant), |held, now| match &held.stored {
                    Stored::Response(recorded) => answer(held, recorded, now),
                    Stored::Varies(_) => None,
                });
                found.flatten()
            }
        });
        found.flatten()
    }

    pub(super) fn place(&self, target: &Target<'_>, variant: &str, tags: &[String]) -> Place {
        let text = target.text(variant);
        Place {
            key: self.local.values.owned_key(&target.args(variant)),
            scopes: Scopes::with_sources(&text, tags),
            text,
        }
    }

    /// The response of a key in this process, if it is valid, fresh or not.
    pub(super) fn get(&self, place: &Place) -> Option<FoundEntry<Arc<Held>>> {
        self.engine.get(&place.key)
    }

    /// Stores in this process what the shared tier has under a key. False if it has nothing that may be served.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn fetch(&self, place: &Place) -> bool {
        let address = bounded(place.text.clone());
        let Some(key) = self.shared_key(Wire::new(), None, &address, place.scopes.hashes()) else { return false };
        let Some(fetched) = self.engine.fetch(&key, Stored::scopes).await else { return false };
        let Some(longest) = fetched.value.as_ref().map(|stored| stored.expires_by(self.now())) else { return false };
        let (expires, start) = (fetched.expires(longest), fetched.start);
        let (load_time, is_refreshed) = (fetched.load_time, fetched.is_refreshed);
        let Some(stored) = fetched.value else { return false };
        let early_from = if is_refreshed { 0 } else { expires };
        let life = Lifetime { early_from, ..lifetime(&stored, expires, load_time) };
        self.admit(place, Arc::new(Held::new(stored, expires)), life, start)
    }

    /// Stores in this process, unless something invalidated it meanwhile. True if it was stored: then it is to be
    /// [shared](Self::share) too.
    pub(super) fn keep(&self, place: &Place, held: &Arc<Held>, began: &TieredStart) -> bool {
        self.admit(place, held.clone(), self.lifetime(held, began), began.start)
    }

    /// Gives the shared tier what this process stored.
    pub(super) fn share(&self, place: &Place, held: &Held, began: &TieredStart) {
        let address = bounded(place.text.clone());
        if let Some(key) = self.shared_key(Wire::new(), None, &address, place.scopes.hashes()) {
            let beyond = held.stored.grace().longest();
            key.share(Some(&held.stored), (&self.lifetime(held, began), beyond), began, None);
        }
    }

    /// The lifetime of a response whose making ends now.
    fn lifetime(&self, held: &Held, began: &TieredStart) -> Lifetime {
        lifetime(&held.stored, held.expires, self.now().saturating_sub(began.time))
    }

    /// Stores in this process under all scopes of the response, those of what it was made of among them.
    fn admit(&self, place: &Place, held: Arc<Held>, life: Lifetime, start: LoadStart) -> bool {
        let scopes = Scopes::with_sources(&place.text, held.stored.tags());
        self.engine.admit(&place.key, &scopes, held, life, start)
    }

    /// Whether a response that was on its way for another may be given to a request that waited.
    pub(super) fn is_current(&self, place: &Place, held: &Held, epoch: Epoch) -> bool {
        let scopes = Scopes::with_sources(&place.text, held.stored.tags());
        self.log().is_current(epoch, scopes.hashes())
    }

    /// Whether one more variant may be stored beside those that this process has stored.
    pub(super) fn admits_variant(&self, of: &Place, names: &[String], variant: &str, most: usize) -> bool {
        let Some(found) = self.get(of) else { return true };
        match &found.value.stored {
            Stored::Varies(known) if known == names => {
                let mut variants = lock(&found.value.variants);
                if variants.iter().any(|known| known == variant) {
                    return true;
                }
                let room = variants.len() < most;
                if room {
                    variants.push(variant.to_owned());
                }
                room
            }
            _ => true,
        }
    }
}

/// The lifetime of a response that expires then.
fn lifetime(stored: &Stored, expires: u64, load_time: u64) -> Lifetime {
    let served_until = expires.saturating_add(nanos(stored.of_use_for()));
    Lifetime { load_time, expires, early_from: expires, local_until: u64::MAX, served_until }
}
