//! The date and time, injected: nothing else in this crate reads a wall clock. (Spans of time come from tokio's clock, which
//! tests can pause.)
//!
//! May use: nothing of this crate.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time, in whole milliseconds: what a document can hold in every store, and what JSON shows.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that stands still.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(move || at))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
