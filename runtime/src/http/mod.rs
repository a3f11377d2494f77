//! Tower layers for HTTP servers, each usable alone.
//!
//! May use: `monitor`.

mod body;
#[cfg(feature = "monitor")]
mod memory;
mod problem;

pub use body::Body;
#[cfg(feature = "monitor")]
pub use memory::{MayCache, MemoryGuardFuture, MemoryGuardLayer, MemoryGuarded};
pub use problem::Problem;
