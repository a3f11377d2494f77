//! An answer of the shared tier.

use crate::l1::LoadStart;
use crate::shared::FetchedEntry;

/// An answer of the shared tier that may be served.
pub(crate) struct Fetched<W> {
    /// `None` if the origin said that there is none.
    pub(crate) value: Option<W>,
    /// As old as the question: a load that began after it is newer.
    pub(crate) start: LoadStart,
    /// The duration of its load, in nanoseconds.
    pub(crate) load_time: u64,
    /// A refresh came after its load began: it is expired, whatever the time.
    pub(crate) is_refreshed: bool,
    expires: u64,
    ended: u64,
}

impl<W> Fetched<W> {
    pub(super) fn new(fetched: FetchedEntry<W>, number: u64) -> Self {
        let FetchedEntry { value, expires, load_time, ended, epoch, is_refreshed } = fetched;
        Self { value, start: LoadStart { epoch, number }, load_time, is_refreshed, expires, ended }
    }

    /// The time until which it is fresh. `longest` is that of an answer that was loaded now: whatever a clock says, nothing is fresh for
    /// longer.
    pub(crate) fn expires(&self, longest: u64) -> u64 {
        self.expires.min(longest)
    }

    /// The time at which its load ended, which is not to come.
    pub(crate) fn ended(&self, now: u64) -> u64 {
        self.ended.min(now)
    }
}
