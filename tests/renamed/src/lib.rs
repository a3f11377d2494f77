//! A crate that knows `fastness` only under the name `renamed`: an expansion that names any other crate fails to compile here.

use std::collections::HashMap;

/// A cached function.
#[renamed::cacheable(crate = renamed, ttl = 60, key = "n:{n}", handle = numbers_entry)]
pub async fn number(n: u64) -> u64 {
    n
}

/// A cached function for many.
#[renamed::cacheable(crate = ::renamed, ttl = 60, key = "n:{ids}", batch(ids))]
pub async fn numbers(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

/// A function that stores.
#[renamed::cache_put(crate = renamed, key = "n:{n}", ttl = 60)]
pub async fn store(n: u64, value: u64) -> u64 {
    value
}

/// A function that invalidates.
#[renamed::cache_invalidate("n:*", numbers_entry(n), crate = renamed)]
pub fn forget(n: u64) {}

/// A label.
#[derive(Debug, renamed::timing::Label)]
#[label(crate = renamed)]
pub enum Size {
    /// One.
    Small,
}

/// A function that is timed, hits included.
#[renamed::timed(crate = renamed, name = "renamed.size", labels(size = size))]
#[renamed::cacheable(crate = renamed, ttl = 60, skip(size))]
pub fn timed_number(size: Size, n: u64) -> u64 {
    n + size as u64
}
