//! Single flight: of all callers of one key in this process, one loads and the others wait for it.
//!
//! May use: `clock`, `key`, `log`, `sync`.
//!
//! There is one for all: cached functions, batches, the HTTP cache and coalescing, whose loads the log may overtake; the claims of
//! idempotent requests and the monitor's probes, whose loads nothing does.
//!
//! [`Flights::join`] makes the first caller the leader, who holds a [`Permit`], and every later one a [`Waiter`]. Each
//! way in which a load can end has a name in [`LoadOutcome`]: it is *shared* (a value, an absence or an error that can be
//! given to all), its error was the leader's *alone*, or it was abandoned (cancelled or panicked) and the waiter now *leads*.
//!
//! Invariants:
//! - a caller joins only a load that is valid for it at that moment, else it starts its own in that one's place;
//! - so it does in place of one that was given up, because its leader was not polled for its patience ([`stall`]): those who waited
//!   join anew, and the leader that is polled again finds that it ends for itself alone;
//! - a permit that is dropped without an outcome hands over to exactly one waiter and the others stay; a waiter that
//!   is gone, or goes before it could take over, is passed over, because the permit travels inside the message;
//! - no body runs under a lock, and of the user's other code only `Clone`, `Eq` and `Drop` of keys; the order is shard,
//!   then waits-for or waiters;
//! - a caller that would wait for itself, directly or through the loads of others, is told so instead ([`waits`]).

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

mod block;
mod stall;
mod waiters;
mod waits;

pub(crate) use stall::PATIENCE;
use waiters::Waiters;
pub(crate) use waits::Inside;
use waits::{FlightId, Waits};

const SHARDS: usize = 16;

/// The end of a load, as told to a waiter.
pub(crate) enum LoadOutcome {
    /// The load ended with something for everyone. Of any type, and so are keys: flights are compiled once, and not for each type of
    /// value.
    Shared(Box<dyn Any + Send>),
    /// The load failed with an error that only its leader can have: load on your own, now, side by side.
    Alone,
    /// The load ran into its timeout, and the waiters' with it.
    TimedOut,
    /// The leader is gone: you load, and the others wait for you.
    Lead(Permit),
}

impl LoadOutcome {
    /// The outcome that all waiters get.
    pub(crate) fn shared<T: Any + Send>(outcome: T) -> Self {
        Self::Shared(Box::new(outcome))
    }
}

/// The part of a caller in a load.
pub(crate) enum Joined {
    /// Load, in place of a load that was given up if the permit says so.
    Lead(Permit),
    /// Wait.
    Wait(Waiter),
    /// Load on its own: it is part of that load already, or of one that waits for it.
    Within,
    /// Nothing: another caller leads, and this one did not want to wait. Holds the leader's note.
    #[cfg_attr(not(feature = "http"), allow(dead_code))]
    Taken(u128),
}

struct Flight {
    /// Where its load began; of one that was handed over, where its predecessor ended. Earlier is safe.
    epoch: AtomicU64,
    /// The time until which its leader has to be polled; see [`stall`].
    alive_until: AtomicU64,
    /// [`Terms::note`] of its first leader.
    note: u128,
    waiters: Mutex<Waiters<LoadOutcome>>,
}

impl Flight {
    fn id(self: &Arc<Self>) -> FlightId {
        Arc::as_ptr(self).addr()
    }

    /// Makes the caller wait, unless it would wait for itself; `None` if the load was given up.
    fn wait(self: &Arc<Self>, clock: &Clock) -> Option<Joined> {
        let Some(waits) = Waits::begin(self.id()) else { return Some(Joined::Within) };
        let (sender, outcome) = oneshot::channel();
        self.push(sender, clock).then(|| Joined::Wait(Waiter { outcome, _waits: waits, _flight: self.clone() }))
    }
}

/// A caller that waits. Resolves to the outcome; fails if the load was given up. Dropping it gives its place up.
pub(crate) struct Waiter {
    outcome: oneshot::Receiver<LoadOutcome>,
    // In this order: the address of the flight is on record until the wait is over.
    _waits: Waits,
    _flight: Arc<Flight>,
}

impl Future for Waiter {
    type Output = Result<LoadOutcome, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome).poll(cx)
    }
}

type Shard = Mutex<HashMap<Hashed<AnyKey>, Arc<Flight>, Prehashed>>;

pub(crate) struct Flights {
    shards: [Shard; SHARDS],
    /// Judges which loads may be joined; `None` where nothing overtakes a load.
    log: Option<Arc<Log>>,
    clock: Clock,
}

/// The terms on which a caller would join a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Whether it would wait; if not, it is told that the flight is taken.
    pub(crate) wait: bool,
    /// If it leads, for how long it may go without being polled, in nanoseconds.
    pub(crate) patience: u64,
    /// If it leads, a number for callers that do not wait.
    pub(crate) note: u128,
}

impl Flights {
    /// Loads that the log may overtake.
    pub(crate) fn new(log: Arc<Log>, clock: Clock) -> Self {
        Self { log: Some(log), ..Self::without_log(clock) }
    }

    /// Loads that nothing overtakes.
    pub(crate) fn without_log(clock: Clock) -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), log: None, clock }
    }

    /// Joins the load of this key, or leads one.
    pub(crate) fn join(self: &Arc<Self>, key: Hashed<AnyKey>, scopes: &[u64], terms: Terms) -> Joined {
        self.join_if(key, &|log, epoch| log.is_current(epoch, scopes), terms)
    }

    /// [`join`](Self::join), where `is_current` judges a load by the epoch at which it began.
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
            if flight.goes_on(self.clock.coarse()) {
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
            // Precise: before the first tick of a process the coarse time may be anything.
            alive_until: AtomicU64::new(self.clock.now().saturating_add(terms.patience)),
            note: terms.note,
            waiters: Mutex::default(),
        });
        shard.insert(key.clone(), flight.clone());
        drop(shard);
        let instead = stalled.inspect(|flight| flight.give_up()).is_some();
        let leading = Leading { flights: self.clone(), key, flight, patience: terms.patience };
        Joined::Lead(Permit { leading: Some(leading), instead })
    }

    /// The epoch of a load that begins now.
    fn position(&self) -> u64 {
        self.log.as_ref().map_or(0, |log| log.position())
    }

    fn shard(&self, key: &Hashed<AnyKey>) -> &Shard {
        &self.shards[(key.hash >> 40) as usize % SHARDS]
    }
}

/// The right to load one key, and the duty to tell the others how it ended.
pub(crate) struct Permit {
    /// None once the duty is done.
    leading: Option<Leading>,
    /// Whether it is in place of a load that was given up.
    instead: bool,
}

struct Leading {
    flights: Arc<Flights>,
    key: Hashed<AnyKey>,
    flight: Arc<Flight>,
    patience: u64,
}

impl Leading {
    /// Removes the flight, if it is still the key's, and its waiters.
    fn close(&self) -> VecDeque<oneshot::Sender<LoadOutcome>> {
        let mut shard = lock(self.flights.shard(&self.key));
        self.take_off(&mut shard);
        self.flight.empty()
    }

    /// The next in line; with none left the flight ends.
    fn heir(&self) -> Option<oneshot::Sender<LoadOutcome>> {
        let mut shard = lock(self.flights.shard(&self.key));
        let heir = self.flight.pop();
        if heir.is_none() {
            self.take_off(&mut shard);
        }
        heir
    }

    fn take_off(&self, shard: &mut HashMap<Hashed<AnyKey>, Arc<Flight>, Prehashed>) {
        if let Some((key, flight)) = shard.remove_entry(&self.key)
            && !Arc::ptr_eq(&flight, &self.flight)
        {
            // It was overtaken, and another is in its place.
            shard.insert(key, flight);
        }
    }
}

/// Ends the load of a caller that leads one.
pub(crate) fn end(permit: Option<Permit>, outcome: impl FnMut() -> LoadOutcome) {
    if let Some(permit) = permit {
        permit.end(outcome);
    }
}

impl Permit {
    /// Ends the load and tells all waiters.
    pub(crate) fn end(self, mut outcome: impl FnMut() -> LoadOutcome) {
        self.close(&mut outcome);
    }

    fn close(mut self, outcome: &mut dyn FnMut() -> LoadOutcome) {
        if let Some(leading) = self.leading.take() {
            let waiting = leading.close();
            // Nobody waits, as a rule.
            if !waiting.is_empty() {
                tell(waiting, outcome);
            }
        }
    }

    /// Tells all waiters, before the load ends: whoever joins meanwhile is told when it does.
    pub(crate) fn tell(&self, mut outcome: impl FnMut() -> LoadOutcome) {
        if let Some(leading) = &self.leading {
            tell(leading.flight.empty(), &mut outcome);
        }
    }

    /// Marks the load's own code, so that a call from inside it is recognised. The load is polled now.
    pub(crate) fn enter(&self) -> Inside {
        self.polled();
        Inside::enter(self.leading.as_ref().map_or(0, |leading| leading.flight.id()))
    }
}

fn tell(waiters: VecDeque<oneshot::Sender<LoadOutcome>>, outcome: &mut dyn FnMut() -> LoadOutcome) {
    for waiter in waiters {
        // A waiter that has gone is told nothing.
        let _ = waiter.send(outcome());
    }
}

impl Drop for Permit {
    /// Hands over: the load was cancelled, or panicked.
    fn drop(&mut self) {
        let mut next = self.leading.take();
        while let Some(leading) = next.take() {
            let Some(heir) = leading.heir() else { return };
            // The heir starts afresh: what was invalidated during the abandoned load does not concern its own.
            leading.flight.epoch.store(leading.flights.position(), Release);
            leading.extend(0);
            let permit = Self { leading: Some(leading), instead: false };
            if let Err(LoadOutcome::Lead(mut permit)) = heir.send(LoadOutcome::Lead(permit)) {
                next = permit.leading.take();
            }
        }
    }
}

pin_project! {
    /// A load under way. Dropping it drops the body first and only then hands over, so two bodies never overlap.
    pub(crate) struct Load<F> {
        // In this order: fields are dropped as they are declared.
        #[pin]
        body: Option<F>,
        permit: Option<Permit>,
    }
}

impl<F> Load<F> {
    pub(crate) fn new(body: F, permit: Option<Permit>) -> Self {
        Self { body: Some(body), permit }
    }

    /// Drops the body, and gives back the permit to end the flight with.
    pub(crate) fn abandon(self: Pin<&mut Self>) -> Option<Permit> {
        let mut load = self.project();
        load.body.set(None);
        load.permit.take()
    }
}

impl<F: Future> Future for Load<F> {
    type Output = (F::Output, Option<Permit>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let load = self.project();
        let Some(body) = load.body.as_pin_mut() else {
            return Poll::Pending;
        };
        let inside = load.permit.as_ref().map(Permit::enter);
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
