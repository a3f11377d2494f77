//! Read, load, store: what happens when the hit path found nothing to serve.
//!
//! May use: `clock`, `error`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `site`, `sync`.
//!
//! [`Pending`] decides, and never runs user code of unknown length; the short drivers at the end only await or block as
//! they are told. So the machinery is compiled once per types of arguments and return, and not once per body.
//!
//! Order of a read: fresh value; cached absence or error; stale value (while one caller refreshes, or while the origin is
//! left alone after an error); flight; shared tier; load. Everything served was judged valid by the log at that moment.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot::error::RecvError;

use crate::clock::nanos;
use crate::error::LoadTimeout;
use crate::flight::{Boarding, Permit, Seat, Signal};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::template::bounded;
use crate::key::{Hashed, Scopes};
use crate::l1::Found;
use crate::log::Epoch;
use crate::policy::{Policy, refresh_early};
use crate::shape::{CacheValue, Ending, Outcome, Shape};
use crate::shared::{Lease, Mark};
use crate::site::{Cell, Here, Landing, Negative, Site};
use crate::sync::Mutex;

mod drive;
mod finish;
mod shared;

pub use drive::{load, load_spawned, load_sync};
pub(crate) use shared::fetch_many;

/// Refreshes of one call site that may run in the background at a time; beyond it stale values are served unrefreshed.
const MAX_BACKGROUND: usize = 64;

/// A call that was not a hit: `None` where the attribute's `condition` bypassed the cache.
pub struct Miss<K: Eq, S: Shape>(Option<Box<Pending<K, S>>>);

/// A call that bypasses the cache.
pub fn bypass<K: Eq, S: Shape>(_: S) -> Miss<K, S> {
    Miss(None)
}

/// A call on its way to a value.
pub(crate) struct Pending<K: Eq, S: Shape> {
    pub(crate) cell: Arc<Cell<K, S>>,
    pub(crate) key: Hashed<K>,
    pub(crate) scopes: Scopes,
    pub(crate) policy: Policy<S>,
    /// The key's text.
    pub(crate) text: String,
    /// Whether a refresh was asked for, which the shared tier's value does not answer.
    origin_only: AtomicBool,
    /// The shared tier's expired value, where this process keeps none: it may stand in for a load that fails.
    standby: OnceLock<Standby<S::Item>>,
    /// The right to load among all processes (`single_flight = fleet`).
    lease: Mutex<Option<Lease>>,
}

struct Standby<V> {
    value: V,
    expires: u64,
    epoch: Epoch,
}

type Leave<K, S> = Option<Permit<K, Landing<S>>>;

/// How the caller gets its answer.
enum Plan<K: Eq, S: Shape> {
    /// It is here.
    Done(Ending<S>),
    /// Run the body, then [`Pending::finish`].
    Load(Leave<K, S>),
    /// The same, though this value may be served meanwhile.
    Refresh(Permit<K, Landing<S>>, S::Item),
}

/// What the caller has to do next.
enum Step<K: Eq, S: Shape> {
    Go(Plan<K, S>),
    /// Wait, then [`Pending::resume`].
    Wait(Seat<K, Landing<S>>),
}

/// When and where a load began.
#[derive(Clone, Copy)]
struct Began {
    time: u64,
    epoch: Epoch,
    /// Where in the shared log.
    shared: Option<Mark>,
}

impl Site {
    /// Prepares a call that was not a hit.
    #[cold]
    pub fn miss<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        Miss(Some(Box::new(self.pending(on, here, args, tags, policy))))
    }

    pub(crate) fn pending<A, S>(
        &'static self,
        on: Option<&Fastness>,
        here: Here,
        args: &A,
        tags: &[String],
        policy: Policy<S>,
    ) -> Pending<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        let cell = self.cell::<A, S>(on, here);
        let text = self.meta().template.render(&cell.path, args);
        let scopes = Scopes::of(&text, tags);
        let key = cell.front.store.own(args);
        Pending {
            cell,
            key,
            scopes,
            policy,
            text: bounded(text),
            origin_only: AtomicBool::new(false),
            standby: OnceLock::new(),
            lease: Mutex::default(),
        }
    }
}

impl<K, S> Pending<K, S>
where
    K: Clone + Eq + 'static,
    S: Shape<Item: CacheValue> + 'static,
{
    /// What there is to serve without a load of this caller's own, or who has to load.
    fn begin(&self) -> Step<K, S> {
        let found = self.cell.front.store.look(&self.key);
        if found.is_none() && !self.cell.has_negatives() {
            return self.miss();
        }
        let now = self.cell.now();
        if found.as_ref().is_some_and(|found| found.fresh_until == 0) {
            self.origin_only.store(true, Relaxed);
        }
        match found {
            Some(found) if found.is_fresh(now) => self.fresh(now, found),
            found => match (self.cached_negative(now), found) {
                (Some(negative), _) => self.served(negative),
                (None, Some(found)) => self.expired(now, found),
                (None, None) => self.miss(),
            },
        }
    }

    fn fresh(&self, now: u64, found: Found<S::Item>) -> Step<K, S> {
        let due = now >= found.fresh_until.max(found.retry_at);
        if due && refresh_early(now, &found.life) {
            self.refresh(found, true)
        } else {
            self.served(Outcome::Present(found.value))
        }
    }

    fn expired(&self, now: u64, found: Found<S::Item>) -> Step<K, S> {
        if now < found.life.expires && found.fresh_until > 0 {
            // Only this process has to ask again.
            return self.miss();
        }
        let within = |bound: Duration| !bound.is_zero() && now < found.life.expires.saturating_add(nanos(bound));
        if now < found.retry_at && within(self.policy.longest_stale()) {
            self.served_stale(found.value)
        } else if within(self.policy.stale) {
            self.refresh(found, false)
        } else {
            self.miss()
        }
    }

    fn miss(&self) -> Step<K, S> {
        self.cell.front.counters.miss();
        self.board()
    }

    fn board(&self) -> Step<K, S> {
        if !self.policy.single_flight {
            return Step::Go(Plan::Load(None));
        }
        match self.cell.flights.board(&self.key, self.scopes.hashes(), true) {
            Boarding::Lead(permit) => Step::Go(self.lead(permit)),
            Boarding::Wait(seat) => Step::Wait(seat),
            Boarding::Within | Boarding::Taken => Step::Go(Plan::Load(None)),
        }
    }

    /// Leads, unless a load that has just landed made it needless.
    fn lead(&self, permit: Permit<K, Landing<S>>) -> Plan<K, S> {
        match self.cell.front.store.look(&self.key) {
            Some(found) if found.is_fresh(self.cell.now()) => {
                permit.land(|| Signal::Landed(Outcome::Present(found.value.clone())));
                Plan::Done(Outcome::Present(found.value))
            }
            _ => Plan::Load(Some(permit)),
        }
    }

    /// One caller refreshes; whoever finds that somebody does so already is served at once.
    fn refresh(&self, found: Found<S::Item>, fresh: bool) -> Step<K, S> {
        match self.cell.flights.board(&self.key, self.scopes.hashes(), false) {
            Boarding::Lead(permit) => {
                if fresh {
                    self.cell.front.counters.early_refreshes.count();
                }
                Step::Go(Plan::Refresh(permit, found.value))
            }
            _ if fresh => self.served(Outcome::Present(found.value)),
            _ => self.served_stale(found.value),
        }
    }

    /// What a waiter does with the news.
    fn resume(&self, signal: Result<Signal<K, Landing<S>>, RecvError>) -> Step<K, S> {
        Step::Go(match signal {
            Ok(Signal::Landed(landing)) => {
                self.cell.front.counters.coalesced.count();
                Plan::Done(self.ending(landing))
            }
            Ok(Signal::Alone) => Plan::Load(None),
            Ok(Signal::TimedOut) => match self.policy.load_timeout {
                Some((bound, error)) => Plan::Done(Outcome::Failed(error(LoadTimeout::new(bound)))),
                None => Plan::Load(None),
            },
            Ok(Signal::Lead(permit)) => self.lead(permit),
            Err(_) => return self.board(),
        })
    }

    fn ending(&self, landing: Landing<S>) -> Ending<S> {
        match landing {
            Outcome::Present(value) => Outcome::Present(value),
            Outcome::Absent(absent) => Outcome::Absent(absent),
            Outcome::Failed(kept) => Outcome::Failed(S::give(&kept, self.policy.copy_error)),
        }
    }

    fn cached_negative(&self, now: u64) -> Option<Ending<S>> {
        Some(match self.cell.negative(&self.key, now)? {
            Negative::Absent(absent) => Outcome::Absent(absent),
            Negative::Failed(kept) => Outcome::Failed(S::give(&kept, self.policy.copy_error)),
        })
    }

    fn served(&self, ending: Ending<S>) -> Step<K, S> {
        self.cell.front.counters.hit();
        Step::Go(Plan::Done(ending))
    }

    fn served_stale(&self, value: S::Item) -> Step<K, S> {
        self.cell.front.counters.stale_served.count();
        self.served(Outcome::Present(value))
    }

    /// A load begins now: later than its flight, which may have asked the shared tier first.
    fn began(&self) -> Began {
        let epoch = self.cell.log().position();
        let shared = self.cell.tier.as_ref().filter(|_| self.policy.wire.is_some()).and_then(|tier| tier.mark());
        Began { time: self.cell.now(), epoch, shared }
    }

    /// A place among the background refreshes, if there is one.
    fn background(&self) -> Option<Background> {
        let running = self.cell.refreshing.clone();
        let entered = running.fetch_update(Relaxed, Relaxed, |n| (n < MAX_BACKGROUND).then_some(n + 1)).is_ok();
        entered.then(|| Background(running))
    }
}

fn land<K: Eq, L>(permit: Option<Permit<K, L>>, signal: impl FnMut() -> Signal<K, L>) {
    if let Some(permit) = permit {
        permit.land(signal);
    }
}

struct Background(Arc<AtomicUsize>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl<K: Eq, S: Shape> std::fmt::Debug for Miss<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Miss").field("bypass", &self.0.is_none()).finish()
    }
}
