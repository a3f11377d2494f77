//! Single flight: of all callers of one cold key in this process, one loads and the others wait for it.
//!
//! May use: `key`, `log`, `sync`.
//!
//! [`Flights::board`] makes the first caller the leader, who holds a [`Permit`], and gives every later one a seat. Each
//! way in which a load can end has a name in [`Signal`]: it *landed* (with a value, an absence or an error that can be
//! shared), its error was the leader's *alone*, or it was abandoned (cancelled or panicked) and the waiter now *leads*.
//!
//! Invariants:
//! - a caller boards only a flight that is valid for it at that moment, else it starts its own in that one's place;
//! - a permit that is dropped without landing hands over to exactly one waiter and the others stay aboard; a waiter that
//!   is gone, or goes before it could take over, is passed over, because the permit travels inside the message;
//! - nothing of the user's runs under a lock, and no lock is held across a load; the order is shard, then waits or seats;
//! - a caller that would wait for itself, directly or through the loads of others, is told so instead ([`waits`]).

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Release};
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

use crate::key::{Hashed, Prehashed};
use crate::log::Log;
use crate::sync::{Mutex, lock};

mod waits;

pub(crate) use waits::Inside;
use waits::{FlightId, Waits};

const SHARDS: usize = 16;

/// What a waiter is told.
pub(crate) enum Signal<K: Eq, L> {
    /// The load ended with something for everyone.
    Landed(L),
    /// The load failed with an error that only its leader can have: load on your own, now, side by side.
    Alone,
    /// The load ran into its timeout, and the waiters' with it.
    TimedOut,
    /// The leader is gone: you load, and the others wait for you.
    Lead(Permit<K, L>),
}

/// What a caller of a cold key has to do.
pub(crate) enum Boarding<K: Eq, L> {
    /// Load.
    Lead(Permit<K, L>),
    /// Wait.
    Wait(Seat<K, L>),
    /// Load on its own: it is part of that load already, or of one that waits for it.
    Within,
    /// Nothing: somebody else is loading, and the caller did not want to wait.
    Taken,
}

struct Flight<K: Eq, L> {
    /// Where its load began; of one that was handed over, where its predecessor ended. Earlier is safe.
    epoch: AtomicU64,
    seats: Mutex<VecDeque<oneshot::Sender<Signal<K, L>>>>,
}

impl<K: Eq, L> Flight<K, L> {
    fn id(self: &Arc<Self>) -> FlightId {
        Arc::as_ptr(self).addr()
    }

    /// A seat, unless the caller would wait for itself.
    fn seat(self: &Arc<Self>) -> Boarding<K, L> {
        let Some(waits) = Waits::begin(self.id()) else { return Boarding::Within };
        let (sender, signal) = oneshot::channel();
        lock(&self.seats).push_back(sender);
        Boarding::Wait(Seat { signal, _waits: waits, _flight: self.clone() })
    }
}

/// A waiter's place. Resolves to the news; dropping it gives the place up.
pub(crate) struct Seat<K: Eq, L> {
    signal: oneshot::Receiver<Signal<K, L>>,
    // In this order: the address of the flight is on record until the wait is over.
    _waits: Waits,
    _flight: Arc<Flight<K, L>>,
}

impl<K: Eq, L> Future for Seat<K, L> {
    type Output = Result<Signal<K, L>, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.signal).poll(cx)
    }
}

type Shard<K, L> = Mutex<HashMap<Hashed<K>, Arc<Flight<K, L>>, Prehashed>>;

pub(crate) struct Flights<K: Eq, L> {
    shards: [Shard<K, L>; SHARDS],
    log: Arc<Log>,
}

impl<K: Eq + Clone, L> Flights<K, L> {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), log }
    }

    /// Joins the flight of this key, or starts one. A caller who will not `wait` is told if it is taken.
    pub(crate) fn board(self: &Arc<Self>, key: &Hashed<K>, scopes: &[u64], wait: bool) -> Boarding<K, L> {
        let mut shard = lock(self.shard(key));
        if let Some(flight) = shard.get(key).filter(|flight| self.log.valid(flight.epoch.load(Acquire), scopes)) {
            return if wait { flight.seat() } else { Boarding::Taken };
        }
        let flight = Arc::new(Flight { epoch: AtomicU64::new(self.log.position()), seats: Mutex::default() });
        shard.insert(key.clone(), flight.clone());
        drop(shard);
        Boarding::Lead(Permit { aboard: Some(Aboard { flights: self.clone(), key: key.clone(), flight }) })
    }
}

impl<K: Eq, L> Flights<K, L> {
    fn shard(&self, key: &Hashed<K>) -> &Shard<K, L> {
        &self.shards[(key.hash >> 40) as usize % SHARDS]
    }
}

/// The right to load one key, and the duty to tell the others how it ended.
pub(crate) struct Permit<K: Eq, L> {
    /// None once the duty is done.
    aboard: Option<Aboard<K, L>>,
}

struct Aboard<K: Eq, L> {
    flights: Arc<Flights<K, L>>,
    key: Hashed<K>,
    flight: Arc<Flight<K, L>>,
}

impl<K: Eq, L> Aboard<K, L> {
    /// Takes the flight off the board, if it is still the key's, and everyone off the flight.
    fn close(&self) -> VecDeque<oneshot::Sender<Signal<K, L>>> {
        let mut shard = lock(self.flights.shard(&self.key));
        self.take_off(&mut shard);
        std::mem::take(&mut *lock(&self.flight.seats))
    }

    /// The next in line; with none left the flight ends.
    fn heir(&self) -> Option<oneshot::Sender<Signal<K, L>>> {
        let mut shard = lock(self.flights.shard(&self.key));
        let heir = lock(&self.flight.seats).pop_front();
        if heir.is_none() {
            self.take_off(&mut shard);
        }
        heir
    }

    fn take_off(&self, shard: &mut HashMap<Hashed<K>, Arc<Flight<K, L>>, Prehashed>) {
        if let Some((key, flight)) = shard.remove_entry(&self.key)
            && !Arc::ptr_eq(&flight, &self.flight)
        {
            // It was overtaken, and another is on the board in its place.
            shard.insert(key, flight);
        }
    }
}

impl<K: Eq, L> Permit<K, L> {
    /// Ends the flight and tells everyone aboard.
    pub(crate) fn land(mut self, mut signal: impl FnMut() -> Signal<K, L>) {
        let Some(aboard) = self.aboard.take() else { return };
        for seat in aboard.close() {
            // A waiter that has gone needs no news.
            let _ = seat.send(signal());
        }
    }

    /// Marks the load's own code, so that a call from inside it is recognised.
    pub(crate) fn enter(&self) -> Inside {
        Inside::enter(self.aboard.as_ref().map_or(0, |aboard| aboard.flight.id()))
    }
}

impl<K: Eq, L> Drop for Permit<K, L> {
    /// Hands over: the load was cancelled, or panicked.
    fn drop(&mut self) {
        let mut next = self.aboard.take();
        while let Some(aboard) = next.take() {
            let Some(heir) = aboard.heir() else { return };
            // The heir starts afresh: what was invalidated during the abandoned load does not concern its own.
            aboard.flight.epoch.store(aboard.flights.log.position(), Release);
            if let Err(Signal::Lead(mut permit)) = heir.send(Signal::Lead(Self { aboard: Some(aboard) })) {
                next = permit.aboard.take();
            }
        }
    }
}

pin_project! {
    /// A load under way. Dropping it drops the body first and only then hands over, so two bodies never overlap.
    pub(crate) struct Load<F, K: Eq, L> {
        // In this order: fields are dropped as they are declared.
        #[pin]
        body: Option<F>,
        permit: Option<Permit<K, L>>,
    }
}

impl<F, K: Eq, L> Load<F, K, L> {
    pub(crate) fn new(body: F, permit: Option<Permit<K, L>>) -> Self {
        Self { body: Some(body), permit }
    }

    /// Drops the body, and gives back the permit to end the flight with.
    pub(crate) fn abandon(self: Pin<&mut Self>) -> Option<Permit<K, L>> {
        let mut load = self.project();
        load.body.set(None);
        load.permit.take()
    }
}

impl<F: Future, K: Eq, L> Future for Load<F, K, L> {
    type Output = (F::Output, Option<Permit<K, L>>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let load = self.project();
        let Some(body) = load.body.as_pin_mut() else {
            return Poll::Pending;
        };
        let inside = load.permit.as_ref().map(Permit::enter);
        let poll = body.poll(cx);
        drop(inside);
        poll.map(|output| (output, load.permit.take()))
    }
}

#[cfg(test)]
mod tests;
