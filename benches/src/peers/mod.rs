//! The same work in every cache: `fn(u64) -> Result<Arc<User>, Missing>`, bounded, with a ttl where the cache has one.
//!
//! Bounds are far above the number of keys, so that nothing is evicted; ttls are far above the run, so that nothing
//! expires. Each peer is set up as its documentation shows, with the fastest of its documented ways for this work.

pub mod attributes;
pub mod caches;
pub mod ours;

use std::time::Duration;

/// Twice the keys there are.
pub const CAPACITY: usize = 200_000;
/// Far beyond the run.
pub const TTL: Duration = Duration::from_hours(1);
