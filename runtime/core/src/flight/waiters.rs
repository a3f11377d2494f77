//! The waiters of one in-flight load.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::clock::Armed;

/// The waiters of an in-flight load, which receive a `T` as the outcome.
pub(super) struct Waiters<T> {
    pub(super) waiting: VecDeque<oneshot::Sender<T>>,
    /// The alarm at the time of the leader's next poll, set by the first waiter.
    pub(super) alarm: Option<Armed>,
    pub(super) given_up: bool,
}

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), alarm: None, given_up: false }
    }
}
