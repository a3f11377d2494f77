//! The state of the wait for a server whose log is not settled.

use crate::sync::{Mutex, lock};

/// The wait for a server, if there is one.
#[derive(Debug, Default)]
pub(super) struct SettleWait(Mutex<Option<FirstSight>>);

#[derive(Clone, Copy, Debug)]
struct FirstSight {
    server: u64,
    /// The time at which the server was first seen, in nanoseconds of the clock.
    time: u64,
    /// True if the last attempt to connect reached the server.
    is_reached: bool,
}

impl SettleWait {
    /// Returns whether this process waits for a server that the last attempt reached.
    pub(super) fn is_waiting(&self) -> bool {
        lock(&self.0).is_some_and(|first| first.is_reached)
    }

    /// Notes that no server was reached. The wait goes on, because the server may come back.
    pub(super) fn pause(&self) {
        if let Some(first) = &mut *lock(&self.0) {
            first.is_reached = false;
        }
    }

    /// Returns whether this process waits for another server than this one.
    pub(super) fn is_another(&self, server: u64) -> bool {
        lock(&self.0).is_some_and(|first| first.server != server)
    }

    /// Notes a server with an unsettled log. Returns the time at which it was first seen, and whether that is now. Another server than
    /// before starts a new wait.
    pub(super) fn note(&self, server: u64, now: u64) -> (u64, bool) {
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

    /// Ends the wait, because a server is in use. Returns whether there was a wait.
    pub(super) fn end(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_begins_when_this_server_is_first_seen() {
        let settling = SettleWait::default();
        assert!(!settling.is_waiting());
        assert_eq!(settling.note(1, 100), (100, true));
        settling.pause();
        assert!(!settling.is_waiting() && settling.is_another(2), "it is out of reach");
        assert_eq!(settling.note(1, 200), (100, false));
        assert!(settling.is_waiting());
        assert!(settling.is_another(2) && !settling.is_another(1));
        assert_eq!(settling.note(2, 300), (300, true), "another master ends it");
        assert_eq!(settling.note(1, 400), (400, true), "and so does the return of the first");
        assert!(settling.end() && !settling.is_waiting());
    }
}
