//! The waiters of one flight.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::clock::Armed;

/// The waiters of a flight, who are told a `T` in the end.
pub(super) struct Waiters<T> {
    pub(super) waiting: VecDeque<oneshot::Sender<T>>,
    /// Set once anybody waits.
    pub(super) alarm: Option<Armed>,
    pub(super) given_up: bool,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), alarm: None, given_up: false }
    }
}
