//! The blocking wait of a [`Waiter`], for sync callers.

use super::Waiter;
use crate::sync::block_on;

impl Waiter {
    /// Blocks this thread until there is an outcome.
    pub(crate) fn block(self) -> <Self as Future>::Output {
        block_on(self)
    }
}
