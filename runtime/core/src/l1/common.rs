//! The data that many entries have in common: scopes other than the key's own, and the time after expiry for which they are served.
//!
//! Entries that one thread stores one after another share it. An entry whose data is its own has it in a heap block of its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use crate::log::ScopeFilter;

/// Number of places in a thread's table of the latest data, by scope and time.
const RECENT: usize = 8;

thread_local! {
    static LATEST: RefCell<[Option<Arc<EntryCommon>>; RECENT]> = const { RefCell::new([const { None }; RECENT]) };
}

/// The data that an entry may share with others.
#[derive(Debug)]
pub(super) struct EntryCommon {
    /// All scopes except the key's own.
    pub(super) scopes: SmallVec<[u64; 2]>,
    /// The filter of these scopes, if they are many.
    pub(super) filter: Option<ScopeFilter>,
    /// The time after its expiry for which it may be served, in nanoseconds.
    pub(super) grace: u64,
    /// The ends of an entry that no rounded number expresses.
    pub(super) ends: Option<Box<EntryEnds>>,
}

/// The exact times at which an entry expires, and until which the local tier serves it.
#[derive(Debug)]
pub(super) struct EntryEnds {
    pub(super) expires: u64,
    pub(super) local_until: u64,
    /// The time until which a hit may serve it, if it is read often enough.
    pub(super) fresh_until: u64,
    /// The time without a read after which it is no longer served.
    pub(super) idle: u64,
    /// The time at which it is no longer served, unless it is read before: `idle` after the last noted read. `u64::MAX` if it was not stored.
    pub(super) unread_at: crate::sync::atomic::AtomicU64,
}

impl EntryEnds {
    /// Returns the share of the idle time within which reads are not noted.
    fn slack(&self) -> u64 {
        self.idle / 16
    }

    /// Notes that it was stored now.
    pub(super) fn store_at(&self, now: u64) {
        self.unread_at.store(now.saturating_add(self.idle), Relaxed);
    }

    /// Notes a read, unless one was noted just before. Returns whether it may still be served.
    pub(super) fn note_read(&self, now: u64) -> bool {
        let unread_at = self.unread_at.load(Relaxed);
        if now >= unread_at {
            return false;
        }
        if now >= unread_at.saturating_sub(self.idle).saturating_add(self.slack()) {
            self.unread_at.fetch_max(now.saturating_add(self.idle), Relaxed);
        }
        true
    }

    /// Returns the time at which it is no longer served if it is not read before.
    pub(super) fn unread_at(&self) -> u64 {
        self.unread_at.load(Relaxed)
    }

    /// Returns the time until which a hit may serve an entry that was read at `now`, without noting a read again.
    pub(super) fn after_read(&self, now: u64) -> u64 {
        if self.idle == u64::MAX { self.fresh_until } else { self.fresh_until.min(now.saturating_add(self.slack())) }
    }
}

impl EntryCommon {
    /// Returns the data that this thread has just stored, if it is the same, or new data.
    pub(super) fn shared(scopes: &[u64], grace: u64, ends: Option<EntryEnds>) -> Arc<Self> {
        let with_ends = |ends| Arc::new(Self { scopes: scopes.into(), filter: ScopeFilter::new(scopes), grace, ends });
        let new = || with_ends(None);
        if let Some(ends) = ends {
            return with_ends(Some(Box::new(ends)));
        }
        // The remainder fits in a usize.
        #[allow(clippy::cast_possible_truncation)]
        let place = (scopes.first().copied().unwrap_or_default() ^ grace) as usize % RECENT;
        let latest = LATEST.try_with(|latest| {
            let mut latest = latest.try_borrow_mut().ok()?;
            let latest = &mut latest[place];
            match latest {
                Some(latest) if latest.grace == grace && *latest.scopes == *scopes => Some(latest.clone()),
                _ => Some(latest.insert(new()).clone()),
            }
        });
        // A thread that is ending has no table any more.
        latest.ok().flatten().unwrap_or_else(new)
    }
}
