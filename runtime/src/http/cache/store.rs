//! Where responses are: both tiers of one handle, and the flights of what is on its way.

use std::any::TypeId;
use std::sync::Arc;

use http::HeaderMap;

use super::stored::{Held, Recorded, Stored};
use super::target::{Key, Target};
use super::vary;
use crate::clock::{Clock, nanos};
use crate::codec::Wire;
use crate::engine::{Background, Began};
use crate::flight::Flights;
use crate::handle::Fastness;
use crate::key::template::bounded;
use crate::key::{Hashed, Scopes};
use crate::l1::{Entry, Found, L1, Lifetime, LoadStart};
use crate::log::{Epoch, Log};
use crate::shared::{Kept, Seat, Tier};
use crate::stats::Counters;
use crate::sync::lock;
use crate::timed::Gate;

/// What a handle keeps for the HTTP layers.
pub(super) struct Store {
    near: Arc<L1<Key, Arc<Held>>>,
    pub(super) counters: Arc<Counters>,
    pub(super) flights: Arc<Flights>,
    tier: Option<Arc<Tier>>,
    seat: Seat,
    /// Revalidations in tasks of their own.
    pub(super) background: Background,
    /// Lets through one line a second about responses that broke off.
    pub(super) broken: Gate,
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
    pub(super) fn of(handle: &Fastness, keeps: bool, capacity: usize) -> Arc<Self> {
        handle.cell(usize::from(keeps), TypeId::of::<Self>(), || Self::new(handle, keeps, capacity))
    }

    fn new(handle: &Fastness, keeps: bool, capacity: usize) -> Self {
        let name = if keeps { "http" } else { "http coalescing" };
        let capacity = if keeps { capacity } else { 0 };
        Self {
            near: handle.store(name, None, Some(capacity)),
            counters: handle.counters(name, "http:*"),
            flights: Arc::new(Flights::new(handle.log().clone(), handle.clock().clone())),
            tier: if keeps { handle.tier_of(true, name) } else { None },
            seat: Seat::new(0),
            background: Background::default(),
            broken: Gate::new(),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.near.common().clock
    }

    pub(super) fn log(&self) -> &Log {
        &self.near.common().log
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
        let found = self.near.hit_with(&target.args(""), |held, now| match &held.stored {
            Stored::Response(recorded) => answer(held, recorded, now),
            Stored::Varies(names) => {
                let variant = vary::variant(names, headers);
                let found = self.near.hit_with(&target.args(&variant), |held, now| match &held.stored {
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
        Place { key: self.near.own(&target.args(variant)), scopes: Scopes::made_of(&text, tags), text }
    }

    /// What is under a key in this process and valid, fresh or not.
    pub(super) fn look(&self, place: &Place) -> Option<Found<Arc<Held>>> {
        self.near.look(&place.key)
    }

    /// Leaves the handler alone for a while.
    pub(super) fn leave_alone(&self, place: &Place, until: u64) {
        self.near.mark(&place.key, |entry| entry.leave_origin_alone_until(until));
    }

    /// Brings what the shared tier has under a key to this process. False if it has nothing that may be served.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn fetch(&self, place: &Place) -> bool {
        let (Some(tier), Some(wire)) = (&self.tier, Wire::of()) else { return false };
        let address = bounded(place.text.clone());
        let of =
            crate::shared::Place { wire, seat: &self.seat, codec: None, key: &address, scopes: place.scopes.hashes() };
        let number = self.near.start().number;
        let Some(fetched) = tier.fetch_scoped(&of, Stored::scopes).await else { return false };
        let Some(stored) = fetched.value else { return false };
        // Whatever a clock says, nothing is fresh for longer than if it was made now.
        let expires = fetched.expires.min(stored.expires_by(self.clock().now()));
        let early_from = if fetched.is_refreshed { 0 } else { expires };
        let life = Lifetime { early_from, ..lifetime(&stored, expires, fetched.load_time) };
        let start = LoadStart { epoch: fetched.epoch, number };
        self.keep_near(place, Arc::new(Held::new(stored, expires)), life, start)
    }

    /// The making of a response begins now.
    pub(super) fn began(&self) -> Began {
        Began::now(&self.near, self.tier.as_deref())
    }

    /// Stores in this process, unless something invalidated it meanwhile. True if it was stored: then it is to be
    /// [shared](Self::share) too.
    pub(super) fn keep(&self, place: &Place, held: &Arc<Held>, began: Began) -> bool {
        let life = lifetime(&held.stored, held.expires, self.load_time(began));
        let kept = self.keep_near(place, held.clone(), life, began.start);
        if !kept {
            self.counters.overtaken.count();
        }
        kept
    }

    /// Gives the shared tier what this process stored.
    pub(super) fn share(&self, place: &Place, held: &Held, began: Began) {
        if let (Some(tier), Some(wire), Some(mark)) = (&self.tier, Wire::of(), began.shared) {
            let address = bounded(place.text.clone());
            let scopes = place.scopes.hashes();
            let of = crate::shared::Place { wire, seat: &self.seat, codec: None, key: &address, scopes };
            let beyond = held.stored.grace().longest();
            let load_time = self.load_time(began);
            let (value, expires) = (Some(&held.stored), held.expires);
            let kept = Kept { value, mark, began: began.time, expires, load_time, beyond };
            tier.keep(&of, &kept, None);
        }
    }

    fn load_time(&self, began: Began) -> u64 {
        self.clock().now().saturating_sub(began.time)
    }

    fn keep_near(&self, place: &Place, held: Arc<Held>, life: Lifetime, start: LoadStart) -> bool {
        let scopes = Scopes::made_of(&place.text, held.stored.tags());
        let valid = self.log().valid(start.epoch, scopes.hashes());
        if valid {
            self.near.insert(place.key.clone(), Entry::new(held, start, life, &scopes));
        }
        valid
    }

    /// Whether a response that was on its way for another may be given to a request that waited.
    pub(super) fn is_current(&self, place: &Place, held: &Held, epoch: Epoch) -> bool {
        let scopes = Scopes::made_of(&place.text, held.stored.tags());
        self.log().is_current(epoch, scopes.hashes())
    }

    /// Whether one more variant may be stored beside those that this process has stored.
    pub(super) fn admits_variant(&self, of: &Place, names: &[String], variant: &str, most: usize) -> bool {
        let Some(found) = self.look(of) else { return true };
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
