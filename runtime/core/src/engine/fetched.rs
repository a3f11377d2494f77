//! An entry that was fetched from the shared tier.

use super::FetchStart;
use crate::l1::LoadStart;
use crate::shared::FetchedEntry;

/// A fetched entry that may be served, with its position in this process.
pub(crate) struct Fetched<W> {
    /// `None` for a cached absence.
    pub(crate) value: Option<W>,
    /// The start of the fetch, which counts as a load: a load that began later is newer.
    pub(crate) start: LoadStart,
    /// The duration of its load, in nanoseconds.
    pub(crate) load_time: u64,
    /// True if a refresh record came after its load began, so that it is expired whatever its ttl.
    pub(crate) is_refreshed: bool,
    /// True if a reload was under way at the start of the fetch: the value is not stored locally, because that of the reload is newer.
    pub(crate) meets_reload: bool,
    /// The scopes that only the value knows: the tags that its writer and its reader found in it.
    pub(crate) tags: Vec<u64>,
    expires: u64,
    /// The time at which its load ended, below zero if that was before the clock's start.
    ended: i64,
}

impl<W> Fetched<W> {
    pub(super) fn new(fetched: FetchedEntry<W>, FetchStart { number, meets_reload }: FetchStart) -> Self {
        let FetchedEntry { value, expires, load_time, ended, epoch, is_refreshed, tags } = fetched;
        Self { value, start: LoadStart { epoch, number }, load_time, is_refreshed, meets_reload, tags, expires, ended }
    }

    /// Returns the time until which it is fresh, at most `longest`, the limit of a value that was loaded now. The bound holds if the
    /// clocks of two machines differ.
    pub(crate) fn expires(&self, longest: u64) -> u64 {
        self.expires.min(longest)
    }

    /// Returns the time at which its load ended, at most `now`.
    pub(crate) fn ended(&self, now: u64) -> u64 {
        self.ended.max(0).cast_unsigned().min(now)
    }

    /// Returns the time since its load ended, in nanoseconds.
    pub(crate) fn age(&self, now: u64) -> u64 {
        now.cast_signed().saturating_sub(self.ended).max(0).cast_unsigned()
    }
}
