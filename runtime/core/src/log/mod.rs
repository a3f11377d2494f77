//! The log of invalidations, and the coherence rule by which every entry is judged.
//!
//! > An entry is served only if none of its scopes was invalidated after the entry's load began. It is fresh only if none was
//! > refreshed after that.
//!
//! An invalidation, or a refresh, is a list of scopes appended to one totally ordered log; its position is its *epoch*. Every entry and
//! every in-flight load carries the epoch at which its load began. In one process the log is a counter, and the [`Mirror`] holds the
//! last epoch of each scope. An invalidation never looks up entries: epochs rise, and an entry is judged when it is about to be served.
//!
//! Invariants:
//! - [`Log::judge`] is the only judgement: hits, inserts, joins, stored results, stale-while-revalidate and stale-if-error all use it,
//!   or a part of it, at the moment of serving;
//! - an append raises scopes and notes them first, then raises the heads, sends its event, and publishes the position last;
//! - a reader loads a head *before* it reads the table.
//!
//! May use: `events`, `key`, `sync`.

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::events::{CacheEvent, CacheEventKind, CacheEvents, EventScopes, RecordSource, ResetCause};
use crate::key::scopes::{Breadth, LogPart, ROOTS};
use crate::sync::{Mutex, lock};

mod mirror;
mod recent;
mod record;
#[cfg(feature = "redis")]
mod wire;

pub(crate) use mirror::Mirror;
use recent::RecentRecords;
pub(crate) use recent::{EntryScopes, ScopeFilter};
pub(crate) use record::{Record, expiry_of};

/// Hashes of scopes, in a slice or not.
pub(crate) trait ScopeHashes<'a>: IntoIterator<Item = &'a u64, IntoIter: Clone> {}

impl<'a, S: IntoIterator<Item = &'a u64, IntoIter: Clone>> ScopeHashes<'a> for S {}

/// A position in the log, by which invalidations and loads are ordered.
pub(crate) type Epoch = u64;

/// The log's judgement of an entry or a load, by the epoch at which it began. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judgement {
    /// Overtaken by an invalidation: never served again.
    Invalidated,
    /// Overtaken by a refresh: treated as if its ttl had passed.
    Expired,
    /// Overtaken by no record.
    Current,
}

/// Reach of an invalidation or a refresh when its call returned.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
/// let cache = fastness::Fastness::builder().build()?.cache();
/// // Without a shared tier there is no other process that has to know.
/// assert_eq!(cache.invalidate(fastness::Scope::from_static("user:*")).await, fastness::Reach::Announced);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The record is in the log of all processes. No read that starts later gets an entry that it concerns from the shared tier (after a
    /// refresh: gets it as fresh), in any process, nor, after [`max_stale`](crate::Builder::max_stale) at the latest, from another
    /// process's memory. This holds across failovers, if the former master is gone by the time `Redis::takeover` (15 s) has passed since
    /// its successor was first seen.
    Announced,
    /// The shared tier could not be reached. The record counts in this process, and is announced to the others as soon as possible; until
    /// then they may serve entries that it concerns, up to their ttl.
    LocalOnly,
    /// The record was collected by the [`CacheTransaction`](crate::CacheTransaction) around the call, and counts nowhere yet: it is announced
    /// when that commits.
    Deferred,
}

/// The log of one handle.
pub(crate) struct Log {
    mirror: Mirror,
    /// The smallest epoch of a valid entry, raised by a clear and by [`forget_before`](Self::forget_before).
    floor: AtomicU64,
    /// The position of the last record for each root segment. Stored inline, so that a hit follows no pointer.
    heads: [AtomicU64; ROOTS],
    /// The position of the last record with a tag, which may concern an entry of any root.
    tags: AtomicU64,
    /// The position of the last record of any kind, which may concern an entry of any scopes. Raised with the heads.
    newest: AtomicU64,
    /// The position of the last record, and the epoch of loads that begin.
    position: AtomicU64,
    /// The position of the last refresh of any scope. Most judgements skip refreshes by it.
    refreshed: AtomicU64,
    recent: RecentRecords,
    /// The number of records so far.
    records: AtomicU64,
    /// Held during an append: the mirror allows one writer at a time.
    append: Mutex<()>,
    /// The subscribers to the handle's events; `None` for a log without a handle, as in tests.
    events: Option<CacheEvents>,
}

/// The cause of a record, for its event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RecordCause {
    /// A process has appended it.
    By(RecordSource),
    /// The log was replaced, or cannot be read, so that everything is invalid.
    #[cfg_attr(not(feature = "redis"), allow(dead_code))] // only a shared log is replaced
    Reset(ResetCause),
}

impl RecordCause {
    pub(crate) const THIS_PROCESS: Self = Self::By(RecordSource::ThisProcess);
}

impl Log {
    pub(crate) fn with_mirror_bytes(bytes: usize) -> Self {
        Self {
            mirror: Mirror::with_bytes(bytes),
            floor: AtomicU64::new(0),
            heads: std::array::from_fn(|_| AtomicU64::new(0)),
            tags: AtomicU64::new(0),
            newest: AtomicU64::new(0),
            position: AtomicU64::new(0),
            refreshed: AtomicU64::new(0),
            recent: RecentRecords::new(),
            records: AtomicU64::new(0),
            append: Mutex::new(()),
            events: None,
        }
    }

    /// Sets the subscribers of its events.
    pub(crate) fn with_events(self, events: CacheEvents) -> Self {
        Self { events: Some(events), ..self }
    }

    /// Returns the subscribers to the events of the handle.
    #[inline]
    pub(crate) fn events(&self) -> Option<&CacheEvents> {
        self.events.as_ref()
    }

    /// Returns whether any subscription wants this kind of event.
    pub(crate) fn wants(&self, kind: CacheEventKind) -> bool {
        self.events.as_ref().is_some_and(|events| events.wants(kind))
    }

    /// Returns the epoch of a load that begins now.
    pub(crate) fn position(&self) -> Epoch {
        self.position.load(Acquire)
    }

    /// Judges an entry or a load that began at `epoch` and has these scopes.
    pub(crate) fn judge<'a>(&self, epoch: Epoch, scopes: impl ScopeHashes<'a>) -> Judgement {
        let scopes = scopes.into_iter();
        if !self.valid(epoch, scopes.clone()) {
            Judgement::Invalidated
        } else if epoch < self.refreshed.load(Acquire)
            && scopes.clone().any(|&scope| epoch < self.mirror.last(expiry_of(scope)))
        {
            Judgement::Expired
        } else {
            Judgement::Current
        }
    }

    /// Returns whether none of these scopes was invalidated or refreshed after `epoch`.
    pub(crate) fn is_current(&self, epoch: Epoch, scopes: &[u64]) -> bool {
        self.judge(epoch, scopes) == Judgement::Current
    }

    /// Returns whether none of these scopes was invalidated after `epoch`: the part of the judgement that a refresh does not change.
    pub(crate) fn valid<'a>(&self, epoch: Epoch, scopes: impl ScopeHashes<'a>) -> bool {
        epoch >= self.floor.load(Acquire) && scopes.into_iter().all(|&scope| epoch >= self.mirror.last(scope))
    }

    /// Returns whether no record after `from`, up to `upto`, concerns an entry with these scopes, so that it is judged as it was at `from`.
    /// False if that is not known, or if [`judge`](Self::judge) costs less. `upto` is a head that was loaded before.
    pub(crate) fn spares(&self, from: Epoch, upto: Epoch, scopes: EntryScopes<'_>) -> bool {
        self.recent.spare(from, upto, scopes)
    }

    /// Returns whether a caller that began at `began` may take the value of another caller's load that began at `load`. `tags` are those that
    /// the value states, so only the end of the load tells them; `None` if they are not known.
    pub(crate) fn may_share(&self, load: Epoch, tags: Option<&[u64]>, began: Epoch) -> bool {
        began <= load
            || match tags {
                Some(tags) => tags.is_empty() || self.is_current(load, tags),
                None => self.tags.load(Acquire) <= load,
            }
    }

    /// Returns the same as [`valid`](Self::valid), for sweeps. Judgements by a floor are not counted, because they cost no hit here.
    pub(crate) fn still_valid<'a>(&self, epoch: Epoch, scopes: impl ScopeHashes<'a>) -> bool {
        epoch >= self.floor.load(Acquire) && scopes.into_iter().all(|&scope| epoch >= self.mirror.last_uncounted(scope))
    }

    /// Returns the last position in this part, which may concern an entry of it. An entry that was found valid at this position, or a later
    /// one, still is.
    #[inline]
    pub(crate) fn head(&self, part: LogPart) -> Epoch {
        // One comparison tells a root alone from a broader part.
        match self.heads.get(part.root_alone()) {
            Some(head) => head.load(Acquire),
            None => self.broad_head(part),
        }
    }

    fn broad_head(&self, part: LogPart) -> Epoch {
        match part.breadth() {
            Breadth::Root | Breadth::Tagged => self.heads[part.root()].load(Acquire).max(self.tags.load(Acquire)),
            #[cfg(feature = "http")]
            Breadth::All => self.newest.load(Acquire),
        }
    }

    /// Appends one invalidation or refresh. Once this returns, no read that starts later gets an entry that the record invalidates, or gets
    /// as fresh an entry that it refreshes.
    pub(crate) fn append(&self, record: &Record) -> Epoch {
        self.append_for(record, RecordCause::THIS_PROCESS)
    }

    /// Appends a record as [`append`](Self::append) does, with its cause.
    pub(crate) fn append_for(&self, record: &Record, cause: RecordCause) -> Epoch {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch, cause);
        drop(guard);
        epoch
    }

    /// Appends the invalidation of a key by a new value whose body began at `began`. `None` if another record has invalidated or
    /// refreshed the key since then: the new value may be older than that change.
    pub(crate) fn append_put(&self, record: &Record, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        let guard = lock(&self.append);
        let current = self.is_current(began, scopes);
        let epoch = self.position.load(Acquire) + 1;
        self.fold(record, epoch, RecordCause::THIS_PROCESS);
        drop(guard);
        current.then_some(epoch)
    }

    fn raise_floor(&self, floor: Epoch, epoch: Epoch) {
        self.floor.fetch_max(floor, Release);
        for head in &self.heads {
            head.store(epoch, Release);
        }
        self.newest.store(epoch, Release);
    }

    /// Returns an epoch that splits loads: those that have begun have a smaller one, those that begin later do not.
    #[cfg(feature = "redis")]
    pub(crate) fn new_epoch(&self) -> Epoch {
        let guard = lock(&self.append);
        let epoch = self.position.load(Acquire) + 1;
        self.position.store(epoch, Release);
        drop(guard);
        epoch
    }

    /// Invalidates every entry and load that began before a [new epoch](Self::new_epoch).
    #[cfg(feature = "redis")]
    pub(crate) fn forget_before(&self, epoch: Epoch) {
        let guard = lock(&self.append);
        if epoch > self.floor.load(Acquire) {
            let position = self.position.load(Acquire).max(epoch) + 1;
            self.raise_floor(epoch, position);
            self.position.store(position, Release);
        }
        drop(guard);
    }

    /// Returns the number of invalidations and refreshes so far.
    pub(crate) fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// Returns how often an entry was judged by a floor, because the table had no room for its scope.
    pub(crate) fn floor_verdicts(&self) -> u64 {
        self.mirror.floor_verdicts()
    }

    /// Sends the event of a record.
    fn announce(&self, record: &Record, cause: RecordCause) {
        let Some(events) = &self.events else { return };
        match cause {
            RecordCause::Reset(cause) => {
                events.send(CacheEventKind::Reset, |at| CacheEvent::Reset { cause, at });
            }
            RecordCause::By(_) if record.is_silent() || record.is_empty() => {}
            RecordCause::By(source) if record.is_clear() => {
                events.send(CacheEventKind::Cleared, |at| CacheEvent::Cleared { source, at });
            }
            RecordCause::By(source) => events.send(CacheEventKind::Invalidated, |at| {
                let scopes = EventScopes::new(record.scopes(), record.texts());
                CacheEvent::Invalidated { scopes, is_refresh: record.is_refresh(), source, at }
            }),
        }
    }

    fn fold(&self, record: &Record, epoch: Epoch, cause: RecordCause) {
        self.records.fetch_add(1, Relaxed);
        if record.is_clear() {
            self.raise_floor(epoch, epoch);
        } else {
            self.raise(record, epoch);
        }
        // Its subscribers get no entry that the record concerns, and no load that comes after the record ends before its event.
        self.announce(record, cause);
        self.position.store(epoch, Release);
    }

    fn raise(&self, record: &Record, epoch: Epoch) {
        for key in record.raised() {
            self.mirror.raise(key, epoch);
        }
        self.recent.note(epoch, record.scopes());
        if record.is_refresh() {
            self.refreshed.store(epoch, Release);
        }
        for &root in record.roots() {
            self.heads[root as usize % ROOTS].store(epoch, Release);
        }
        if record.has_tags() {
            self.tags.store(epoch, Release);
        }
        self.newest.store(epoch, Release);
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("position", &self.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
