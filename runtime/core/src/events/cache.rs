//! The events of a cache: its loads, its entries, its puts and its log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bus::EventBus;
use super::filter::{EventForm, Filter, Subscribable};
use super::subscription::Subscription;
use crate::clock::Clock;
use crate::key::{Key, Scope, Scopes, scopes};

/// An event of a cache, from [`Fastness::subscribe`](crate::Fastness::subscribe).
///
/// There is none for a hit, because a hit does nothing but count: [`Fastness::stats`](crate::Fastness::stats) has the counters. `at` is the
/// time since the clock of the cache began, as of its last tick for entries: the ticks are 10 ms apart.
///
/// Events about one key are in the order in which they happened. A load ends before its value is stored, so `Loaded` comes before `Stored`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CacheEvent {
    /// A load has ended, in this process: a function's body, or a handler of HTTP, ran.
    #[non_exhaustive]
    Loaded {
        /// The function; `http` for a response.
        function: Arc<str>,
        /// The key; `None` for a batch, which loads several.
        key: Option<EventKey>,
        /// The number of keys that were loaded: 1, or that of a batch.
        elements: usize,
        /// The way in which it ended.
        ending: LoadEnding,
        /// The duration of the load.
        took: Duration,
        /// The time.
        at: Duration,
    },
    /// A put has replaced the value of its key: by `#[cache_put]`, by a typed handle, or by [`Cache::set`](crate::Cache::set). A put that
    /// another invalidation has overtaken, or whose body failed, stores nothing: there is its invalidation alone.
    #[non_exhaustive]
    Put {
        /// The function; `fastness.cache` for a direct call.
        function: Arc<str>,
        /// The key.
        key: EventKey,
        /// The time.
        at: Duration,
    },
    /// An entry was stored in this process: from a load, from a put, or from the shared tier. If it replaces a living one, no other event
    /// says so.
    #[non_exhaustive]
    Stored {
        /// The entry.
        entry: EventEntry,
        /// The time.
        at: Duration,
    },
    /// A living entry was removed from this process for lack of room.
    #[non_exhaustive]
    Evicted {
        /// The entry.
        entry: EventEntry,
        /// The bound that it was removed for.
        cause: Eviction,
        /// The time.
        at: Duration,
    },
    /// An entry was removed from this process because its lifetime has passed, that of a stale value included, or because it was not read
    /// for its `idle` time. It is told when the entry is removed or replaced, not when it expires: by the sweep, within about a second as a
    /// rule, or by whatever finds it dead before.
    #[non_exhaustive]
    Expired {
        /// The entry.
        entry: EventEntry,
        /// The time of its removal.
        at: Duration,
    },
    /// An entry was removed from this process for another cause.
    #[non_exhaustive]
    Removed {
        /// The entry.
        entry: EventEntry,
        /// The cause.
        cause: Removal,
        /// The time.
        at: Duration,
    },
    /// Scopes were invalidated or refreshed, and count as such in this process from now on. The entries concerned are removed later. A record
    /// of another process may be left out if a later one of the same scopes has come before it.
    #[non_exhaustive]
    Invalidated {
        /// The scopes.
        scopes: EventScopes,
        /// True for a refresh, which only expires entries.
        is_refresh: bool,
        /// The process that did it.
        source: RecordSource,
        /// The time.
        at: Duration,
    },
    /// Everything was invalidated, by [`Fastness::clear`](crate::Fastness::clear).
    #[non_exhaustive]
    Cleared {
        /// The process that did it.
        source: RecordSource,
        /// The time.
        at: Duration,
    },
    /// Entries became invalid because invalidations may have been missed.
    #[non_exhaustive]
    Reset {
        /// The cause.
        cause: ResetCause,
        /// The time.
        at: Duration,
    },
    /// The subscriber was slow and missed this number of events, which were older than the next one.
    #[non_exhaustive]
    Missed {
        /// The number of events.
        events: u64,
    },
}

/// The kind of a [`CacheEvent`], for a [`Filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheEventKind {
    /// [`CacheEvent::Loaded`]
    Loaded,
    /// [`CacheEvent::Put`]
    Put,
    /// [`CacheEvent::Stored`]
    Stored,
    /// [`CacheEvent::Evicted`]
    Evicted,
    /// [`CacheEvent::Expired`]
    Expired,
    /// [`CacheEvent::Removed`]
    Removed,
    /// [`CacheEvent::Invalidated`]
    Invalidated,
    /// [`CacheEvent::Cleared`]
    Cleared,
    /// [`CacheEvent::Reset`]
    Reset,
}

impl Subscribable for CacheEvent {}

impl EventForm for CacheEvent {
    type Kind = CacheEventKind;

    fn number(kind: CacheEventKind) -> u32 {
        kind as u32
    }

    fn missed(events: u64) -> Self {
        Self::Missed { events }
    }

    /// Functions are shown with dots.
    fn wanted_name(name: &str) -> String {
        name.replace("::", ".")
    }

    fn is_named(path: &str, wanted: &str) -> bool {
        path.strip_suffix(wanted).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

/// The end of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadEnding {
    /// Returned a value, which may or may not be stored.
    Value,
    /// Returned an absence.
    Absence,
    /// Returned an error.
    Error,
    /// Exceeded its `load_timeout` and was dropped.
    TimedOut,
    /// Was dropped by its caller, or panicked.
    Abandoned,
}

/// The bound for which an entry was evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Eviction {
    /// The number of entries, of the function or of the whole cache.
    Capacity,
    /// The bytes of entries, of the function or of the whole cache.
    Bytes,
    /// The memory of the process, by a memory guard.
    Memory,
}

/// The cause for which an entry was removed that is neither evicted nor expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// A scope of the entry was invalidated. It was not served since; its memory is given back now.
    Invalidated,
    /// A later load of its key has replaced it by nothing, by an absence, or by an entry of another function of the same key.
    Superseded,
}

/// The process that appended a record to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordSource {
    /// The process of the subscriber.
    ThisProcess,
    /// Another process with the same shared tier; or that of the subscriber, if the record came back from the log only after its call had
    /// given up, as after a reconnection.
    AnotherProcess,
}

/// The cause for which entries became invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetCause {
    /// A log was read that this process did not follow so far: at its start, after a failover, or because the log began a new life.
    /// Everything is invalid.
    NewLog,
    /// The process fell so far behind the log that it starts over at the log's end. Everything is invalid.
    Behind,
    /// A record of the log could not be read. Everything is invalid.
    Unreadable,
    /// The log was out of reach for longer than [`max_stale`](crate::Builder::max_stale). Entries that are older than that are invalid,
    /// from now on until the log is read again.
    Silence,
}

/// An entry, as events name it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventEntry {
    /// The path of the function, as in [`CachedFunction::name`](crate::CachedFunction::name). Of functions that share their entries,
    /// because they have the same key and type, it is the one that was called first.
    pub function: Arc<str>,
    /// The key.
    pub key: EventKey,
    /// True for a cached absence or error.
    pub is_negative: bool,
    /// The bytes that it counts for, as [`Builder::max_bytes`](crate::Builder::max_bytes) says.
    pub bytes: usize,
}

/// A key, whose text is made when it is displayed: an entry knows its arguments, and not their text.
#[derive(Clone)]
pub struct EventKey(KeyForm);

#[derive(Clone)]
enum KeyForm {
    Text(Arc<str>),
    Arguments(Arc<dyn Fn() -> String + Send + Sync>),
}

impl EventKey {
    pub(crate) fn from_text(text: &str) -> Self {
        Self(KeyForm::Text(text.into()))
    }

    /// Makes a key of arguments, which `render` writes as text. That runs code of the user.
    pub(crate) fn from_arguments(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(KeyForm::Arguments(Arc::new(render)))
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            KeyForm::Text(text) => f.pad(text),
            KeyForm::Arguments(render) => f.pad(&render()),
        }
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({self})")
    }
}

/// The scopes of an invalidation or a refresh. The log has their hashes, so their texts are known only where this process has made them.
///
/// ```
/// use fastness::events::{CacheEvent, CacheEventKind, Filter};
/// use fastness::{Key, Scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let fast = fastness::Fastness::builder().build()?;
/// let mut events = fast.subscribe(Filter::kinds([CacheEventKind::Invalidated]));
/// fast.cache().invalidate(Scope::from_static("user:*")).await;
/// let Some(CacheEvent::Invalidated { scopes, .. }) = events.next().await else { panic!("it was invalidated") };
/// assert!(scopes.contains(&Scope::from_static("user:*")) && scopes.concerns(&Key::from_static("user:7")));
/// assert_eq!(scopes.texts(), [Box::from("user:*")]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct EventScopes {
    hashes: Arc<[u64]>,
    texts: Arc<[Box<str>]>,
}

impl EventScopes {
    pub(crate) fn new(hashes: &[u64], texts: &[Box<str>]) -> Self {
        Self { hashes: hashes.into(), texts: texts.into() }
    }

    /// Returns the number of scopes.
    #[allow(clippy::len_without_is_empty)] // A record has a scope.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns whether this very scope is among them.
    pub fn contains(&self, scope: &Scope) -> bool {
        let hash = match scope.pattern() {
            Ok(pattern) => pattern.scope,
            Err(text) => scopes::tag(text),
        };
        self.hashes.contains(&hash)
    }

    /// Returns whether the entries of a key are concerned, by the key or by a prefix of it. Tags are not known by the key.
    pub fn concerns(&self, key: &Key) -> bool {
        Scopes::new(key.as_str(), &[]).hashes().iter().any(|hash| self.hashes.contains(hash))
    }

    /// Returns their texts as far as they are known: `user:7` for a key, `user:*` for a prefix, `#team:7` for a tag. None is known of
    /// another process's record, and not each of one that a transaction made of many. A put names a key of more than 512 bytes as
    /// [`EventEntry::key`] does, by its beginning and a digest.
    pub fn texts(&self) -> &[Box<str>] {
        &self.texts
    }
}

/// The sending end of a cache's events. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct CacheEvents {
    bus: Arc<EventBus<CacheEvent>>,
    clock: Clock,
}

impl CacheEvents {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { bus: Arc::new(EventBus::new()), clock }
    }

    pub(crate) fn subscribe(&self, filter: Filter<CacheEvent>) -> Subscription<CacheEvent> {
        Subscription::to_handle(&self.bus, filter)
    }

    /// Returns whether any subscription wants this kind of event.
    #[inline]
    pub(crate) fn wants(&self, kind: CacheEventKind) -> bool {
        self.bus.wants(kind)
    }

    /// Sends an event of no function.
    #[inline]
    pub(crate) fn send(&self, kind: CacheEventKind, make: impl FnOnce(Duration) -> CacheEvent) {
        self.bus.send(kind, None, || make(self.at()));
    }

    /// Sends an event of a function.
    #[inline]
    pub(crate) fn send_of(&self, function: &str, kind: CacheEventKind, make: impl FnOnce(Duration) -> CacheEvent) {
        self.bus.send(kind, Some(function), || make(self.at()));
    }

    fn at(&self) -> Duration {
        Duration::from_nanos(self.clock.coarse())
    }

    /// Prepares the event of a load that begins now, for one that may end without its caller; `None` if no subscription wants it.
    pub(crate) fn load(
        &self,
        function: &Arc<str>,
        key: impl FnOnce() -> (Option<EventKey>, usize),
    ) -> Option<LoadEvent> {
        self.wants(CacheEventKind::Loaded).then(|| {
            let (key, elements) = key();
            LoadEvent { events: self.clone(), function: function.clone(), key, elements, began: self.clock.now() }
        })
    }
}

/// A load under way, for its event.
#[derive(Debug)]
pub(crate) struct LoadEvent {
    events: CacheEvents,
    function: Arc<str>,
    key: Option<EventKey>,
    elements: usize,
    began: u64,
}

impl LoadEvent {
    /// Sends the event of its end.
    pub(crate) fn end(self, ending: LoadEnding) {
        let Self { events, function, key, elements, began } = self;
        let now = events.clock.now();
        let (took, at) = (Duration::from_nanos(now.saturating_sub(began)), Duration::from_nanos(now));
        let make = |_| CacheEvent::Loaded { function: function.clone(), key, elements, ending, took, at };
        events.send_of(&function, CacheEventKind::Loaded, make);
    }
}
