//! Calls that were not hits: lookup, load and store.
//!
//! May use: `clock`, `engine`, `error`, `events`, `flight`, `handle`, `key`, `l1`, `log`, `policy`, `shape`, `shared`, `site`, `stats`, `sync`, `trace`.
//!
//! [`Pending`] decides (`decide`) and settles (`finish`), and never runs a body; the short drivers (`drive`) only await or block. So the
//! machinery is compiled once for each pair of argument and return types, and not once per body.
//!
//! A read tries, in this order: a fresh value, a cached absence or error, a stale value (while one caller refreshes it, or while the next
//! load is delayed after an error), an in-flight load, the shared tier, a load. The log judges every entry at the moment at which it is
//! served.

use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::nanos;
use crate::engine::{self, CountIfAbandoned, NotedFetchStart, Reload, ValueOrigin};
use crate::events::EventKey;
use crate::flight::{GRACE, LoadOutcome, PATIENCE, Terms};
use crate::handle::CallMode;
use crate::key::args::Args;
use crate::key::template::bounded;
use crate::key::{CallKey, Hashed, Key, OwnedKey, Scopes};
use crate::l1::Lifetime;
use crate::log::Epoch;
use crate::policy::{LoadTimes, Policy, SiteFigures, stated_tags};
use crate::shape::{CacheValue, Outcome, OutcomeOf, Shape};
use crate::shared::LoadLease;
use crate::site::{NotedOutdated, SiteState};
use crate::stats::CountedCall;
use crate::sync::Mutex;

mod decide;
mod drive;
mod finish;
mod many;
mod previous;
mod shared;

pub use drive::{Loading, end_sync, load, load_spawned, load_task};
pub(crate) use many::ManyReads;
pub use previous::Previous;

/// A call that was not a hit; `None` if it bypasses the cache.
pub struct Miss<K: Eq, S: Shape<Item: 'static>>(Option<Box<Pending<K, S>>>);

/// A call on its way to a value.
pub(crate) struct Pending<K: Eq, S: Shape<Item: 'static>> {
    pub(crate) state: Arc<SiteState<K, S>>,
    pub(crate) key: Hashed<K>,
    pub(crate) scopes: Scopes,
    pub(crate) policy: Policy<S>,
    /// The position of the log at which the call began.
    began_at: Epoch,
    /// The tags that the value states, if this is a direct call that asks for them.
    keys_of: Option<KeysOf<S>>,
    /// The key's text, shortened by [`bounded`]. Scopes come from the full text.
    pub(crate) text: String,
    /// The kind of answer that the shared tier had before this load.
    outdated: NotedOutdated,
    /// The shared tier's expired value, if this process stores none: the stale fallback of a load that fails, and the value that the load
    /// replaces.
    standby: OnceLock<Standby>,
    /// The value that the load replaces, for a body that asks for it.
    previous: Previous,
    /// The counter of the call's answer; it counts nothing for a read or write that is not a call.
    pub(crate) call: CountedCall,
    /// The right to load among all processes (`single_flight = fleet`).
    lease: Mutex<Option<LoadLease>>,
    /// The part of the call that is a reload, if it is one.
    reload: Option<Reload>,
    fetch_start: NotedFetchStart,
}

struct Standby {
    /// Type-erased, so that the lock around it is compiled once.
    value: Box<dyn Any + Send + Sync>,
    expires: u64,
    /// The age of the value when it was fetched, and the time of that.
    age: u64,
    fetched: u64,
    epoch: Epoch,
    /// The scopes that only the value knows.
    tags: Vec<u64>,
}

/// The function of a direct call that returns the tags of a value.
type KeysOf<S> = fn(&<S as Shape>::Item) -> Vec<Key>;

type CallPlan<S> = engine::RequestPlan<OutcomeOf<S>, Old<<S as Shape>::Item>>;
type CallLookup<S> = engine::Lookup<OutcomeOf<S>, Old<<S as Shape>::Item>>;

/// A value that may be served while it is refreshed, whether it still is fresh, and whether it comes from the shared tier.
pub(crate) struct Old<V> {
    value: V,
    fresh: bool,
    shared: bool,
}

impl<K, S> Miss<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// A call on its way to a value; `None` for one that bypasses the cache.
    pub(crate) fn new(pending: Option<Pending<K, S>>) -> Self {
        Self(pending.map(Box::new))
    }

    /// Takes the tags of the value from this function.
    pub(crate) fn with_tags(mut self, keys_of: Option<KeysOf<S>>) -> Self {
        if let Some(pending) = &mut self.0 {
            pending.keys_of = keys_of;
        }
        self
    }

    /// Opens the place from which the body takes the value that its load replaces.
    #[must_use]
    pub fn with_previous(mut self) -> (Self, Previous) {
        let previous = self.0.as_mut().map_or_else(Previous::default, |pending| {
            pending.previous = Previous::open();
            pending.previous.clone()
        });
        (self, previous)
    }

    /// A call that bypasses the cache.
    pub(crate) fn bypass() -> Self {
        Self(None)
    }
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// A call at this site, with the full text of its key.
    pub(crate) fn new<A>(
        state: Arc<SiteState<K, S>>,
        text: String,
        args: &A,
        tags: &[String],
        mut policy: Policy<S>,
    ) -> Self
    where
        A: Args<Owned = K>,
    {
        let scopes = Scopes::new(&text, tags);
        state.set(&mut policy);
        let key = state.store.local.values.owned_key(args);
        state.store.local.values.extend_grace(nanos(policy.store_grace()));
        state.store.local.values.set_weigher(policy.weigh);
        let counters = state.store.counters().clone();
        let began_at = state.log().position();
        let reload = (CallMode::current() == CallMode::Reload).then(|| state.store.begin_reload());
        let call = CountedCall::begin(counters).recorded(&state.path);
        Self {
            state,
            key,
            scopes,
            policy,
            began_at,
            keys_of: None,
            text: bounded(text),
            outdated: NotedOutdated::default(),
            standby: OnceLock::new(),
            previous: Previous::default(),
            call,
            lease: Mutex::default(),
            reload,
            fetch_start: NotedFetchStart::default(),
        }
    }

    /// The guard of a load of this call that begins now.
    fn load_guard(&self) -> CountIfAbandoned {
        let event = self.state.load_event(|| (Some(EventKey::from_text(&self.text)), 1));
        CountIfAbandoned::new(self.state.store.counters(), event)
    }

    /// Begins the fetch from the shared tier. Called before the lookup in the local tier that the fetch follows.
    pub(crate) fn begin_fetch(&self) {
        if self.state.store.tier.is_some() {
            self.fetch_start.set(self.state.store.begin_fetch());
        }
    }
}

impl<K, S> Pending<K, S>
where
    K: OwnedKey,
    S: Shape<Item: CacheValue> + 'static,
{
    /// Returns the lifetime of a value that was loaded, or of an absence for `None`; `None` if it is not to be stored.
    pub(crate) fn life_for(&self, value: Option<&S::Item>, times: LoadTimes) -> Option<Lifetime> {
        self.policy.life_for(value, times, self.figures())
    }

    /// Returns the hashes of the tags that a value states; `None` if its function fails, so that the value is not to be stored.
    pub(crate) fn tags_of(&self, value: &S::Item) -> Option<Vec<u64>> {
        match self.keys_of {
            Some(keys_of) => stated_tags(value, self.figures(), keys_of),
            None => self.policy.tags_of(value, self.figures()),
        }
    }

    /// The call site, for a panic of a function that asks values.
    fn figures(&self) -> SiteFigures<'_> {
        SiteFigures { counters: self.state.store.counters(), function: &self.state.path }
    }
}

impl<K: Eq, S: Shape<Item: 'static>> Pending<K, S> {
    /// Excludes this call from the counters, because it is a write or an internal read.
    pub(crate) fn uncounted(mut self) -> Self {
        self.call = self.call.uncounted();
        self
    }

    /// The key in all of its forms.
    fn call_key(&self) -> CallKey<'_, K> {
        CallKey { args: &self.key, scopes: &self.scopes, text: &self.text }
    }

    /// The longest time for which others wait for a load of this call: in this process between two polls of it, in other processes in
    /// total.
    fn load_bound(&self) -> Duration {
        self.policy.load_timeout.filter(|_| !self.policy.task).map_or(PATIENCE, |(bound, _)| bound)
    }

    fn terms(&self, wait: bool) -> Terms {
        Terms { wait, patience: nanos(self.load_bound().saturating_add(GRACE)), note: 0 }
    }
}

/// The outcome of a load that all its waiters get.
struct SharedOutcome<S: Shape> {
    outcome: Outcome<S::Item, S::Absent, S::SharedError>,
    /// `None` for an absence or an error, which have the scopes of the call alone.
    origin: Option<ValueOrigin>,
}

/// A value, for a waiter.
fn shared_value<S: Shape<Item: CacheValue> + 'static>(value: &S::Item, origin: ValueOrigin) -> LoadOutcome {
    LoadOutcome::shared(SharedOutcome::<S> { outcome: Outcome::Present(value.clone()), origin: Some(origin) })
}

/// An absence or an error, for a waiter.
fn shared_negative<S: Shape<Item: CacheValue> + 'static>(
    outcome: Outcome<S::Item, S::Absent, S::SharedError>,
) -> LoadOutcome {
    LoadOutcome::shared(SharedOutcome::<S> { outcome, origin: None })
}

impl<K: Eq, S: Shape<Item: 'static>> std::fmt::Debug for Miss<K, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Miss").field("bypass", &self.0.is_none()).finish()
    }
}
