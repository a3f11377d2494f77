//! Direct calls that block the thread, for code without `async`.
//!
//! They may be made within a runtime, which does not run its other tasks on this thread meanwhile. The shared tier is asked over connections
//! that another thread drives, so a call never waits for the runtime that it stands on. Where no such thread can be started, and in a process
//! forked from one with a shared tier, calls use this process only.

use std::collections::HashMap;
use std::time::Duration;

use super::{Cache, OwnedArgs, SITE, StoredIn, call};
use crate::handle::CallMode;
use crate::key::args::Verbatim;
use crate::key::namespace::NoNamespace;
use crate::key::{Key, Scope};
use crate::load::{Loading, end_sync};
use crate::log::Reach;
use crate::policy::Policy;
use crate::put::store_sync;
use crate::shape::{Fallible, Maybe, Private};

/// The answer of a call, or the load that it has to end.
type AnswerOrLoad<V, E> = Result<Result<V, E>, Loading<OwnedArgs, Fallible<V, E, Private>>>;

impl<Tiers> Cache<Tiers> {
    /// Returns the value of a key as [`get`](Self::get) does, and blocks the thread while it asks the shared tier.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// # fn main() -> Result<(), fastness::Error> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let key = Key::from_static("greeting");
    /// cache.set_sync(&key, "hello".to_owned(), Duration::from_secs(60));
    /// assert_eq!(cache.get_sync::<String>(&key).as_deref(), Some("hello"));
    /// cache.invalidate_sync(&key);
    /// assert!(!cache.contains::<String>(&key));
    /// # Ok(()) }
    /// ```
    pub fn get_sync<V: StoredIn<Tiers>>(&self, key: &Key) -> Option<V> {
        match self.near(key) {
            Ok(value) => Some(value),
            Err(pending) => pending?.fetch_blocking().flatten(),
        }
    }

    /// Returns the value of a key that this process has stored, if it may be served and is of this type. The shared tier is not asked, and
    /// no counter counts it.
    pub fn peek<V: StoredIn<Tiers>>(&self, key: &Key) -> Option<V> {
        let args = (NoNamespace, Verbatim(key.as_str()));
        let pending =
            SITE.pending(Some(&self.handle), call(Maybe::<V>::NEW, &args), &[], Policy::new(Duration::MAX).no_early());
        if pending.state.mode() == CallMode::Bypass { None } else { pending.uncounted().local_answer().flatten() }
    }

    /// Returns whether this process has a value of this type under a key, as [`peek`](Self::peek) finds it.
    pub fn contains<V: StoredIn<Tiers>>(&self, key: &Key) -> bool {
        self.peek::<V>(key).is_some()
    }

    /// Stores a value as [`set`](Self::set) does, and blocks the thread until the other processes are told.
    pub fn set_sync<V: StoredIn<Tiers>>(&self, key: &Key, value: V, ttl: Duration) {
        store_sync(self.put(key, ttl), || value);
    }

    /// Stores several values, each as [`set_sync`](Self::set_sync) does, one after another. Of a key that is given twice the last value is
    /// stored.
    pub fn mset_sync<V: StoredIn<Tiers>>(&self, entries: impl IntoIterator<Item = (Key, V)>, ttl: Duration) {
        let entries: HashMap<_, _> = entries.into_iter().collect();
        for (key, value) in entries {
            self.set_sync(&key, value, ttl);
        }
    }

    /// Returns the value of a key, or calls `load_value` on this thread. Of concurrent callers one loads, and the others block until it
    /// has ended. Otherwise it does what [`get_or_load`](Self::get_or_load) does.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fastness::Key;
    ///
    /// const ANSWER: Key = Key::from_static("answer");
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = fastness::Fastness::builder().build()?.cache();
    /// let load = || "42".parse::<u32>();
    /// assert_eq!(cache.get_or_load_sync(&ANSWER, Duration::from_secs(60), load)?, 42);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the load.
    pub fn get_or_load_sync<V, E>(
        &self,
        key: &Key,
        ttl: Duration,
        load_value: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
    {
        match self.begin_load::<V, E>(key, Policy::new(ttl)) {
            Ok(found) => found,
            Err(load) => end_sync(load, load_value()),
        }
    }

    /// Does what [`get_or_load_sync`](Self::get_or_load_sync) does, and gives `load_value` the value that it replaces, as
    /// [`get_or_reload`](Self::get_or_reload) does.
    ///
    /// # Errors
    ///
    /// The error of the load.
    pub fn get_or_reload_sync<V, E>(
        &self,
        key: &Key,
        ttl: Duration,
        grace: Duration,
        load_value: impl FnOnce(Option<V>) -> Result<V, E>,
    ) -> Result<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
    {
        match self.begin_load::<V, E>(key, Policy::new(ttl).grace_in_shared_store(grace).with_previous()) {
            Ok(found) => found,
            Err(load) => {
                let (load, previous) = load.with_previous();
                end_sync(load, load_value(previous.take(Fallible::<V, E, Private>::NEW)))
            }
        }
    }

    fn begin_load<V, E>(&self, key: &Key, policy: Policy<Fallible<V, E, Private>>) -> AnswerOrLoad<V, E>
    where
        V: StoredIn<Tiers>,
        E: 'static,
    {
        let args = (NoNamespace, Verbatim(key.as_str()));
        let (on, call) = (Some(&self.handle), call(Fallible::<V, E, Private>::NEW, &args));
        match SITE.hit(on, call) {
            Some(hit) => Ok(hit),
            None => SITE.begin_sync(on, call, &[], policy.wire(V::__wire())),
        }
    }

    /// Invalidates as [`invalidate`](Self::invalidate) does, and blocks the thread until the other processes are told.
    pub fn invalidate_sync(&self, scope: impl Into<Scope>) -> Reach {
        self.handle.announce_sync(self.handle.record([scope.into()]))
    }

    /// Invalidates several scopes at once, in one message to other processes, as [`invalidate_sync`](Self::invalidate_sync) does.
    pub fn invalidate_many_sync(&self, scopes: impl IntoIterator<Item = Scope>) -> Reach {
        self.handle.announce_sync(self.handle.record(scopes))
    }

    /// Expires as [`refresh`](Self::refresh) does, and blocks the thread until the other processes are told.
    pub fn refresh_sync(&self, scope: impl Into<Scope>) -> Reach {
        self.handle.announce_sync(self.handle.record([scope.into()]).into_refresh())
    }
}
