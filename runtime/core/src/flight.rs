//! Single flight: one caller of a key loads its value, and all other callers in this process wait for that load.
//!
//! [`Flights::join`] makes the first caller of a key the leader, who holds a [`LoadPermit`], and every later one a [`Waiter`]. The load
//! ends with a [`LoadOutcome`]: a value, an absence or an error for everyone; an error that only the leader can have; a timeout; or
//! the permit itself, where the leader was cancelled or panicked and a waiter takes over.
//!
//! All single flights of the crate are instances of it. Cached functions, batches, the HTTP cache and coalescing have a log, which
//! may overtake their loads; the claims of idempotent requests and the monitor's probes have none.
//!
//! Invariants:
//! - a caller joins a load only if the load is valid for it at that moment; otherwise it starts its own in the other's place;
//! - a load whose leader was not polled for its patience is given up ([`stall`]): its waiters join again, and the leader, once it
//!   is polled again, ends its load for itself alone;
//! - a permit that is dropped without an outcome goes to exactly one waiter, and the others keep waiting. The permit travels inside
//!   the message, so a waiter that is gone, or goes before it takes over, passes it on;
//! - no body runs under a lock, and no other user code but `Clone`, `Eq` and `Drop` of keys. Lock order: shard first, then the
//!   waits-for graph or a load's waiters;
//! - a caller that would wait for itself, directly or through other loads, loads on its own instead ([`deadlock`]).
//!
//! Work of a load that goes on after its end, such as the body of a response, has a reference to it (`beyond`).
//!
//! May use: `clock`, `key`, `log`, `sync`.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;

use crate::clock::Clock;
use crate::key::{AnyKey, Hashed, Prehashed};
use crate::log::{Epoch, Log};
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::{Mutex, lock};

#[cfg(feature = "http")]
mod beyond;
mod block;
mod deadlock;
mod stall;
mod waiters;

#[cfg(feature = "http")]
pub(crate) use beyond::{FlightRef, FlightWait};
pub(crate) use deadlock::Inside;
use deadlock::{FlightId, Waits};
pub(crate) use stall::{GRACE, PATIENCE};
use waiters::Waiters;

const SHARDS: usize = 16;

/// The outcome of a load, as a waiter receives it.
pub(crate) enum LoadOutcome {
    /// A result for every caller. Values and keys are type-erased, so that this module is compiled once and not once per type.
    Shared(Box<dyn Any + Send>),
    /// An error that only the leader can have: each waiter loads on its own, at once.
    Alone,
    /// The load ran into its timeout, which ends the wait of all waiters too.
    TimedOut,
    /// The leader is gone: this waiter leads now, and the others wait for it.
    Lead(LoadPermit),
}

impl LoadOutcome {
    /// Makes the outcome that all waiters get.
    pub(crate) fn shared<T: Any + Send>(outcome: T) -> Self {
        Self::Shared(Box::new(outcome))
    }
}

/// The part that a caller takes in a load.
pub(crate) enum Joined {
    /// Leader: the caller loads. [`LoadPermit::is_replacement`] tells whether it replaces a load that was given up.
    Lead(LoadPermit),
    /// Waiter: the caller waits for the leader.
    Wait(Waiter),
    /// Neither: waiting would close a circle, because the caller runs inside this load or inside one that waits for it. The caller
    /// loads on its own.
    Within,
    /// Neither: another caller leads, and this one did not want to wait. Holds the leader's note.
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    Taken(u128),
}

/// An in-flight load.
struct Flight {
    /// The epoch at which the load began, or at which it was handed over. An earlier one is always safe.
    epoch: AtomicU64,
    /// The time by which the leader has to be polled again, in nanoseconds; see [`stall`].
    alive_until: AtomicU64,
    /// [`Terms::note`] of its first leader.
    note: u128,
    waiters: Mutex<Waiters<LoadOutcome>>,
}

impl Flight {
    fn id(self: &Arc<Self>) -> FlightId {
        Arc::as_ptr(self).addr()
    }

    /// Makes the caller a waiter, unless it would wait for itself. `None` if the load was given up.
    fn wait(self: &Arc<Self>, clock: &Clock) -> Option<Joined> {
        let Some(waits) = Waits::begin(self.id()) else { return Some(Joined::Within) };
        let (sender, outcome) = oneshot::channel();
        self.push(sender, clock).then(|| Joined::Wait(Waiter { outcome, _waits: waits, _flight: self.clone() }))
    }
}

/// A caller that waits for a load. Resolves to the outcome, or to an error if the load was given up. Dropping it stops waiting.
pub(crate) struct Waiter {
    outcome: oneshot::Receiver<LoadOutcome>,
    // Dropped in this order: the wait is recorded by the flight's address, which must stay valid until the record is gone.
    _waits: Waits,
    _flight: Arc<Flight>,
}

impl Future for Waiter {
    type Output = Result<LoadOutcome, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome).poll(cx)
    }
}

type FlightShard = Mutex<HashMap<Hashed<AnyKey>, Arc<Flight>, Prehashed>>;

/// All in-flight loads of one store, by key.
pub(crate) struct Flights {
    shards: [FlightShard; SHARDS],
    /// Judges whether a load may still be joined. `None` where nothing overtakes a load.
    log: Option<Arc<Log>>,
    clock: Clock,
}

/// The terms on which a caller joins a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// True to wait for a leader; false to get [`Joined::Taken`] instead.
    pub(crate) wait: bool,
    /// The longest time between two polls if the caller leads, in nanoseconds.
    pub(crate) patience: u64,
    /// The number that callers get instead of waiting, if this caller leads.
    pub(crate) note: u128,
}

impl Flights {
    /// Creates a table of loads that the log may overtake.
    pub(crate) fn new(log: Arc<Log>, clock: Clock) -> Self {
        Self { log: Some(log), ..Self::without_log(clock) }
    }

    /// Creates a table of loads that nothing overtakes.
    pub(crate) fn without_log(clock: Clock) -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), log: None, clock }
    }

    /// Joins the in-flight load of a key, or leads a new one.
    pub(crate) fn join(self: &Arc<Self>, key: Hashed<AnyKey>, scopes: &[u64], terms: Terms) -> Joined {
        self.join_if(key, &|log, epoch| log.is_current(epoch, scopes), terms)
    }

    /// Does what [`join`](Self::join) does, with `is_current` to judge a load by the epoch at which it began.
    pub(crate) fn join_if(
        self: &Arc<Self>,
        key: Hashed<AnyKey>,
        is_current: &dyn Fn(&Log, Epoch) -> bool,
        terms: Terms,
    ) -> Joined {
        let mut shard = lock(self.shard(&key));
        let mut stalled = None;
        let joinable =
            |flight: &Arc<Flight>| self.log.as_ref().is_none_or(|log| is_current(log, flight.epoch.load(Acquire)));
        if let Some(flight) = shard.get(&key).filter(|flight| joinable(flight)) {
            if flight.is_polled(self.clock.coarse()) {
                if !terms.wait {
                    return Joined::Taken(flight.note);
                }
                if let Some(joined) = flight.wait(&self.clock) {
                    return joined;
                }
            }
            stalled = Some(flight.clone());
        }
        let flight = Arc::new(Flight {
            epoch: AtomicU64::new(self.position()),
            // The precise time: before the clock's first tick the coarse one is not set yet.
            alive_until: AtomicU64::new(self.clock.now().saturating_add(terms.patience)),
            note: terms.note,
            waiters: Mutex::default(),
        });
        shard.insert(key.clone(), flight.clone());
        drop(shard);
        let is_replacement = stalled.inspect(|flight| flight.give_up()).is_some();
        let leading = Leading { flights: self.clone(), key, flight, patience: terms.patience };
        Joined::Lead(LoadPermit { leading: Some(leading), is_replacement })
    }

    /// The epoch of a load that begins now.
    fn position(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.position())
    }

    fn shard(&self, key: &Hashed<AnyKey>) -> &FlightShard {
        &self.shards[(key.hash >> 40) as usize % SHARDS]
    }
}

/// The right to load one key, and the duty to give the waiters the outcome. Dropping it without an outcome hands it to a waiter.
pub(crate) struct LoadPermit {
    /// `None` once the waiters have the outcome.
    leading: Option<Leading>,
    /// True if the load replaces one that was given up.
    is_replacement: bool,
}

struct Leading {
    flights: Arc<Flights>,
    key: Hashed<AnyKey>,
    flight: Arc<Flight>,
    patience: u64,
}

impl Leading {
    /// Removes the flight, if the key still has it, and returns its waiters.
    fn close(&self) -> VecDeque<oneshot::Sender<LoadOutcome>> {
        let mut shard = lock(self.flights.shard(&self.key));
        self.detach(&mut shard);
        self.flight.empty()
    }

    /// Returns the waiter that has waited longest. Without waiters the flight ends.
    fn heir(&self) -> Option<oneshot::Sender<LoadOutcome>> {
        let mut shard = lock(self.flights.shard(&self.key));
        let heir = self.flight.pop();
        if heir.is_none() {
            self.detach(&mut shard);
        }
        heir
    }

    fn detach(&self, shard: &mut HashMap<Hashed<AnyKey>, Arc<Flight>, Prehashed>) {
        if let Some((key, flight)) = shard.remove_entry(&self.key)
            && !Arc::ptr_eq(&flight, &self.flight)
        {
            // This load was overtaken, and another one has its place.
            shard.insert(key, flight);
        }
    }
}

/// Ends a load with an outcome, if the caller has a permit.
pub(crate) fn end(permit: Option<LoadPermit>, outcome: impl FnMut() -> LoadOutcome) {
    if let Some(permit) = permit {
        permit.end(outcome);
    }
}

impl LoadPermit {
    /// Ends the load and gives all waiters the outcome.
    pub(crate) fn end(self, mut outcome: impl FnMut() -> LoadOutcome) {
        self.close(&mut outcome);
    }

    fn close(mut self, outcome: &mut dyn FnMut() -> LoadOutcome) {
        if let Some(leading) = self.leading.take() {
            let waiting = leading.close();
            // Most loads have no waiters.
            if !waiting.is_empty() {
                notify_all(waiting, outcome);
            }
        }
    }

    /// Gives all waiters the outcome before the load ends. Callers that join afterwards get it from [`end`](Self::end).
    pub(crate) fn notify(&self, mut outcome: impl FnMut() -> LoadOutcome) {
        if let Some(leading) = &self.leading {
            notify_all(leading.flight.empty(), &mut outcome);
        }
    }

    /// Marks this thread as running the load while the guard lives, so that calls from inside the load are recognised. It counts as a poll.
    pub(crate) fn enter(&self) -> Inside {
        self.polled();
        Inside::enter(self.leading.as_ref().map_or(0, |leading| leading.flight.id()))
    }
}

fn notify_all(waiters: VecDeque<oneshot::Sender<LoadOutcome>>, outcome: &mut dyn FnMut() -> LoadOutcome) {
    for waiter in waiters {
        // Fails only if the waiter is gone.
        let _ = waiter.send(outcome());
    }
}

impl Drop for LoadPermit {
    /// Hands the load over to a waiter, because it was cancelled or panicked.
    fn drop(&mut self) {
        let mut next = self.leading.take();
        while let Some(leading) = next.take() {
            let Some(heir) = leading.heir() else { return };
            // The heir begins a new load, so invalidations during the abandoned load do not concern it.
            leading.flight.epoch.store(leading.flights.position(), Release);
            leading.extend(0);
            let permit = Self { leading: Some(leading), is_replacement: false };
            if let Err(LoadOutcome::Lead(mut permit)) = heir.send(LoadOutcome::Lead(permit)) {
                next = permit.leading.take();
            }
        }
    }
}

pin_project! {
    /// The future of an in-flight load. Dropping it drops the body first and hands the load over only then, so that two bodies never
    /// overlap.
    pub(crate) struct Load<F> {
        // Fields are dropped in the order of their declaration.
        #[pin]
        body: Option<F>,
        permit: Option<LoadPermit>,
    }
}

impl<F> Load<F> {
    pub(crate) fn new(body: F, permit: Option<LoadPermit>) -> Self {
        Self { body: Some(body), permit }
    }

    /// Drops the body and returns the permit, with which the caller ends the load.
    pub(crate) fn abandon(self: Pin<&mut Self>) -> Option<LoadPermit> {
        let mut load = self.project();
        load.body.set(None);
        load.permit.take()
    }
}

impl<F: Future> Future for Load<F> {
    type Output = (F::Output, Option<LoadPermit>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let load = self.project();
        let Some(body) = load.body.as_pin_mut() else {
            return Poll::Pending;
        };
        let inside = load.permit.as_ref().map(LoadPermit::enter);
        let poll = body.poll(cx);
        drop(inside);
        if let Some(permit) = load.permit.as_ref() {
            permit.polled();
        }
        poll.map(|output| (output, load.permit.take()))
    }
}

#[cfg(test)]
mod tests;
