//! The date and time, injected: nothing else in this crate reads a wall clock. (Spans of time come from tokio's clock, which
//! tests can pause.)
//!
//! May use: `domain`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::Moment;

/// Tells the time, as documents hold it.
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
    pub fn now(&self) -> Moment {
        Moment::new((self.0)())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
