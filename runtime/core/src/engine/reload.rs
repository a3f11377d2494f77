//! Reloads that join each other, and their order among values that are fetched from the shared tier meanwhile.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::l1::ReloadUnderWay;

/// A reload, from its call until its value is stored.
///
/// The first in-flight load that it finds began before it asked, so it waits for the end of that load, without its outcome. Every load that
/// it finds afterwards began after that end, and it takes its outcome. So of any number of concurrent reloads of a key, no more than two run
/// one after the other.
#[derive(Debug)]
pub(crate) struct Reload {
    has_waited: AtomicBool,
    _under_way: ReloadUnderWay,
}

impl Reload {
    pub(super) fn new(under_way: ReloadUnderWay) -> Self {
        Self { has_waited: AtomicBool::new(false), _under_way: under_way }
    }

    /// Returns whether the load that was waited for is the first, so that nothing of it may be taken; notes that one was waited for.
    pub(crate) fn is_first(&self) -> bool {
        !self.has_waited.swap(true, Relaxed)
    }
}

/// The start of a fetch from the shared tier, before the lookup in the local tier that it follows.
///
/// A fetched value is older than the value of a reload that ran at the same time, whichever began first. A reload that begins later has a
/// larger number, so its value replaces the fetched one. One that is under way at the start forbids to store the fetched value locally. One
/// that ended before is found by the lookup.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchStart {
    pub(crate) number: u64,
    pub(crate) meets_reload: bool,
}

/// The start of the fetch of one call, which each last lookup in the local tier renews.
#[derive(Debug, Default)]
pub(crate) struct NotedFetchStart(AtomicU64);

impl NotedFetchStart {
    pub(crate) fn set(&self, FetchStart { number, meets_reload }: FetchStart) {
        self.0.store(((number + 1) << 1) | u64::from(meets_reload), Relaxed);
    }

    /// Returns the start; `None` if there was no such lookup.
    pub(crate) fn get(&self) -> Option<FetchStart> {
        let noted = self.0.load(Relaxed);
        (noted != 0).then(|| FetchStart { number: (noted >> 1) - 1, meets_reload: noted & 1 == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_start_is_read_as_it_was() {
        let noted = NotedFetchStart::default();
        assert!(noted.get().is_none());
        for (number, meets_reload) in [(0, false), (0, true), (7, true), (8, false)] {
            noted.set(FetchStart { number, meets_reload });
            let start = noted.get().unwrap();
            assert_eq!((start.number, start.meets_reload), (number, meets_reload));
        }
    }
}
