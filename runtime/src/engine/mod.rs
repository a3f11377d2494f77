//! The parts of a load that are the same whatever is loaded: functions, batches and responses to HTTP requests.
//!
//! May use: `flight`, `key`, `l1`, `shared`, `stats`.
//!
//! | part | what it is |
//! |---|---|
//! | `began` | when and where a load began |
//! | `background` | loads that run in tasks of their own, and their number |
//! | `counted` | counters of loads, those that are dropped among them |

use std::time::Duration;

mod background;
mod began;
mod counted;

pub(crate) use background::Background;
pub(crate) use began::Began;
pub(crate) use counted::{CountIfAbandoned, count_load, count_stalled};

/// The time for which an origin is left alone after it failed while a stale value could be served.
pub(crate) const ERROR_THROTTLE: Duration = Duration::from_secs(5);
