//! The wait for a server whose log is not settled.

use crate::sync::{Mutex, lock};

/// The server that is waited for.
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Option<FirstSight>>);

#[derive(Clone, Copy, Debug)]
struct FirstSight {
    server: u64,
    /// The time of the first sight, in nanoseconds of the clock.
    time: u64,
    /// True if the last attempt to connect reached it.
    is_reached: bool,
}

impl Settling {
    /// Returns whether a server is waited for that was reached when it was last tried.
    pub(super) fn is_waiting(&self) -> bool {
        lock(&self.0).is_some_and(|first| first.is_reached)
    }

    /// No server was reached now. The wait goes on, since the one that is waited for may be back.
    pub(super) fn pause(&self) {
        if let Some(first) = &mut *lock(&self.0) {
            first.is_reached = false;
        }
    }

    /// Returns whether another server than this one is waited for.
    pub(super) fn is_another(&self, server: u64) -> bool {
        lock(&self.0).is_some_and(|first| first.server != server)
    }

    /// Returns when the server was first seen with an unsettled log, and whether that is now. The sight of another server ends the wait.
    pub(super) fn see(&self, server: u64, now: u64) -> (u64, bool) {
        let mut first = lock(&self.0);
        match &mut *first {
            Some(known) if known.server == server => {
                known.is_reached = true;
                (known.time, false)
            }
            _ => {
                *first = Some(FirstSight { server, time: now, is_reached: true });
                (now, true)
            }
        }
    }

    /// Ends the wait, because a server is in use. Returns whether one was waited for.
    pub(super) fn end(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_counts_from_the_first_sight_of_this_server() {
        let settling = Settling::default();
        assert!(!settling.is_waiting());
        assert_eq!(settling.see(1, 100), (100, true));
        settling.pause();
        assert!(!settling.is_waiting() && settling.is_another(2), "it is out of reach");
        assert_eq!(settling.see(1, 200), (100, false));
        assert!(settling.is_waiting());
        assert!(settling.is_another(2) && !settling.is_another(1));
        assert_eq!(settling.see(2, 300), (300, true), "another master ends it");
        assert_eq!(settling.see(1, 400), (400, true), "and so does the return of the first");
        assert!(settling.end() && !settling.is_waiting());
    }
}
