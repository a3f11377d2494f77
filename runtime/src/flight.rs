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
//! - nothing of the user's runs under a lock, and no lock is held across a load; the order is shard, then seats;
//! - a caller inside the body of the very flight that it would wait for is told so instead: it would wait for itself.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::oneshot;

use crate::key::{Hashed, Prehashed};
use crate::log::{Epoch, Log};
use crate::sync::lock;

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
    Wait(oneshot::Receiver<Signal<K, L>>),
    /// Load on its own: it is part of that load already.
    Within,
    /// Nothing: somebody else is loading, and the caller did not want to wait.
    Taken,
}

struct Flight<K: Eq, L> {
    /// Where its load began; of one that was handed over, where its predecessor ended. Earlier is safe.
    epoch: AtomicU64,
    seats: Mutex<VecDeque<oneshot::Sender<Signal<K, L>>>>,
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
            return if is_within(flight) {
                Boarding::Within
            } else if wait {
                let (seat, signal) = oneshot::channel();
                lock(&flight.seats).push_back(seat);
                Boarding::Wait(signal)
            } else {
                Boarding::Taken
            };
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
        if shard.get(&self.key).is_some_and(|own| Arc::ptr_eq(own, &self.flight)) {
            shard.remove(&self.key);
        }
    }
}

impl<K: Eq, L> Permit<K, L> {
    /// Where the load began.
    pub(crate) fn epoch(&self) -> Epoch {
        self.aboard.as_ref().map_or(0, |aboard| aboard.flight.epoch.load(Acquire))
    }

    /// Ends the flight and tells everyone aboard.
    pub(crate) fn land(mut self, mut signal: impl FnMut() -> Signal<K, L>) {
        for seat in self.aboard.take().map(|aboard| aboard.close()).into_iter().flatten() {
            // A waiter that has gone needs no news.
            let _ = seat.send(signal());
        }
    }

    /// Marks the load's own code, so that a call from inside it is recognised.
    pub(crate) fn enter(&self) -> Inside {
        let flight = self.aboard.as_ref().map_or(0, |aboard| address(&aboard.flight));
        INSIDE.with(|inside| inside.borrow_mut().push(flight));
        Inside(())
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

thread_local! {
    /// The flights whose loads are being polled or run by this thread, outermost first.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

fn address<T>(flight: &Arc<T>) -> usize {
    Arc::as_ptr(flight).addr()
}

fn is_within<K: Eq, L>(flight: &Arc<Flight<K, L>>) -> bool {
    INSIDE.with(|inside| inside.borrow().contains(&address(flight)))
}

/// While it lives, this thread runs the load of a flight.
pub(crate) struct Inside(());

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.borrow_mut().pop());
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
