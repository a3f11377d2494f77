//! The origin of a value that several callers get, by which each of them decides whether to take it.

use crate::log::{Epoch, Log};

/// The load that found a value, and the scopes that were known only at its end.
///
/// The log judges a load when a caller joins it, by the scopes of the key. An invalidation of a tag that the value states cannot be seen
/// then, so each waiter judges by the tags when it gets the value.
#[derive(Clone, Debug)]
pub(crate) struct ValueOrigin {
    epoch: Epoch,
    /// `None` if the tags are not known.
    tags: Option<Vec<u64>>,
    is_fallback: bool,
}

impl ValueOrigin {
    /// The origin of a value that a load found which began at `epoch`.
    pub(crate) fn of_load(epoch: Epoch, tags: Option<Vec<u64>>) -> Self {
        Self { epoch, tags, is_fallback: false }
    }

    /// The origin of an older value that stands in for a failed load.
    pub(crate) fn of_fallback(epoch: Epoch, tags: Option<Vec<u64>>) -> Self {
        Self { epoch, tags, is_fallback: true }
    }

    /// Returns the tags; `None` if they are not known, so that the value is not to be stored.
    pub(crate) fn tags(&self) -> Option<&[u64]> {
        self.tags.as_deref()
    }

    /// Returns whether a waiter that began at `began` may take the value. If not, it looks up and joins again: a load that it joins then
    /// has begun after it, so it takes the value of that one.
    pub(crate) fn may_be_taken(&self, log: &Log, began: Epoch) -> bool {
        match &self.tags {
            // A refresh does not concern a fallback.
            Some(tags) if self.is_fallback => log.valid(self.epoch, tags),
            tags => log.may_share(self.epoch, tags.as_deref(), began),
        }
    }
}
