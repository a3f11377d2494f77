//! Read, load, store: what happens when the hit path found nothing to serve.
//!
//! May use: `clock`, `engine`, `error`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `site`, `stats`, `sync`.
//!
//! [`Pending`] decides (`decide`) and settles (`finish`), and never runs user code of unknown length; the short drivers
//! (`drive`) only await or block as they are told. So the machinery is compiled once per types of arguments and return,
//! and not once per body.
//!
//! Order of a read: fresh value; cached absence or error; stale value (while one caller refreshes, or while the origin is
//! left alone after an error); flight; shared tier; load. Everything served was judged valid by the log at that moment.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::nanos;
use crate::flight::{LoadOutcome, PATIENCE, Permit, Terms, Waiter};
use crate::handle::Fastness;
use crate::key::args::Args;
use crate::key::template::bounded;
use crate::key::{CallKey, Hashed, Scopes};
use crate::log::Epoch;
use crate::policy::Policy;
use crate::shape::{CacheValue, Ending, Shape};
use crate::shared::Lease;
use crate::site::{Cell, Here, NotedOutdated, SharedOutcome, Site};
use crate::stats::Call;
use crate::sync::{Mutex, watch_thread};

mod decide;
mod drive;
mod finish;
mod shared;

pub use drive::{Loading, end_sync, load, load_spawned, load_task};
pub(crate) use shared::fetch_many;

/// A call that was not a hit: `None` where the attribute's `condition` made it pass by the cache.
pub struct Miss<K: Eq, S: Shape>(Option<Box<Pending<K, S>>>);

/// A call on its way to a value.
pub(crate) struct Pending<K: Eq, S: Shape> {
    pub(crate) cell: Arc<Cell<K, S>>,
    pub(crate) key: Hashed<K>,
    pub(crate) scopes: Scopes,
    pub(crate) policy: Policy<S>,
    /// The key's text, as short as [`bounded`] makes it. Scopes come from the full one.
    pub(crate) text: String,
    /// Older data that the shared tier may hold than what is loaded.
    outdated: NotedOutdated,
    /// The shared tier's expired value, where this process keeps none: it may stand in for a load that fails.
    standby: OnceLock<Standby<S::Item>>,
    /// Counts how the call ends; nothing, where it is none.
    pub(crate) call: Call,
    /// The right to load among all processes (`single_flight = fleet`).
    lease: Mutex<Option<Lease>>,
}

struct Standby<V> {
    value: V,
    expires: u64,
    epoch: Epoch,
}

/// Between the end of a `load_timeout` and the moment when its load is given up as not polled: a load that is polled says itself that it
/// timed out.
const GRACE: Duration = Duration::from_millis(50);

/// How the caller gets its answer.
enum Plan<S: Shape> {
    /// It is here.
    Done(Ending<S>),
    /// Run the body, then [`Pending::finish`].
    Load(Option<Permit>),
    /// The same, though this value may be served meanwhile.
    Refresh(Permit, Old<S::Item>),
}

/// A value that may be served while it is refreshed, and whether it still is fresh.
struct Old<V> {
    value: V,
    fresh: bool,
}

/// What the caller has to do next.
enum Step<S: Shape> {
    Go(Plan<S>),
    /// Wait, then [`Pending::resume`].
    Wait(Waiter),
}

impl<K: Eq, S: Shape> Pending<K, S> {
    /// The same for what is no call: a write, or a question of this crate's own.
    pub(crate) fn uncounted(mut self) -> Self {
        self.call = self.call.uncounted();
        self
    }

    /// The key in all of its forms.
    fn call_key(&self) -> CallKey<'_, K> {
        CallKey { args: &self.key, scopes: &self.scopes, text: &self.text }
    }

    /// The time for which others wait for a load of this call: in this process while it is not polled, in other processes at all.
    fn load_bound(&self) -> Duration {
        self.policy.load_timeout.filter(|_| !self.policy.task).map_or(PATIENCE, |(bound, _)| bound)
    }

    fn terms(&self, wait: bool) -> Terms {
        Terms { wait, patience: nanos(self.load_bound().saturating_add(GRACE)), note: 0 }
    }
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

    /// Counts a call that passes by the cache. Its arguments are not asked for: they only say which types they have.
    pub fn bypass<A, S>(
        &'static self,
        on: Option<&Fastness>,
        _: S,
        here: Here,
        _: impl FnOnce() -> A,
    ) -> Miss<A::Owned, S>
    where
        A: Args,
        S: Shape<Item: CacheValue> + 'static,
    {
        self.cell::<A, S>(on, here).front.counters.bypass();
        Miss(None)
    }

    /// A call that is no hit at once.
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
        cell.notice_fork();
        watch_thread();
        let text = self.meta().template.render(&cell.path, args);
        let scopes = Scopes::of(&text, tags);
        let key = cell.front.store.own(args);
        cell.front.store.extend_grace(nanos(policy.longest_stale()));
        let counters = cell.front.counters.clone();
        Pending {
            cell,
            key,
            scopes,
            policy,
            text: bounded(text),
            outdated: NotedOutdated::default(),
            standby: OnceLock::new(),
            call: Call::begin(counters),
            lease: Mutex::default(),
        }
    }
}

/// The outcome of a load that all its waiters get.
fn shared_outcome<S: Shape<Item: CacheValue> + 'static>(outcome: SharedOutcome<S>) -> LoadOutcome {
    LoadOutcome::shared(outcome)
}

impl<K: Eq, S: Shape> std::fmt::Debug for Miss<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Miss").field("bypass", &self.0.is_none()).finish()
    }
}
