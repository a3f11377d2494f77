//! The internal items that `fastness-mongo`, a crate of the same version, uses beside the public API.
//!
//! The comment above each item names its reason. No other item of this crate may be public for the sake of another crate.
//!
//! May use: `clock`, `codec`, `handle`, `key`, `log`, `sync`, `timed`.

// The derive reads a field's value and writes it as a key has it, by the same traits as arguments of cached functions.
pub use crate::key::arg::{Arg, DisplayArg, Unfit};
pub use crate::key::args::{digest, lower};
pub use crate::key::text::{by_debug, by_display};

// A change of a document becomes the patterns of an invalidation; a fleet is named by a hash that is the same in every build.
pub use crate::key::Pattern;
pub use crate::key::scopes::hash;

// All waits use the injected timer, and no other code reads the time of day.
pub use crate::clock::{nanos, pause, time_of_day};

// Mutexes are loom's in loom tests, and poison is ignored everywhere.
pub use crate::sync::{Mutex, lock};

// Slow queries are logged as slow functions are: one line a second for each shape.
pub use crate::timed::LogThrottle;

// Documents have a stored form of their own, because serde does not return them unchanged.
#[cfg(feature = "redis")]
pub use crate::codec::documents::{RawBytes, RawForms};
#[cfg(feature = "redis")]
pub use inventory;

use crate::clock::Clock;
use crate::handle::Fastness;
use crate::key::KeyWriter;
use crate::log::{Reach, Record};
use crate::timed::buckets;

/// Returns the precise time of a clock in nanoseconds, by which operations are timed.
pub fn now(clock: &Clock) -> u64 {
    clock.now()
}

/// Appends text to a key unescaped, colons included: a scope has literal parts between its values.
pub fn write_text(out: &mut KeyWriter, text: &str) {
    out.raw(text);
}

/// Returns the histogram bucket of a duration in nanoseconds. Slow queries use the histograms of `#[timed]`.
pub fn bucket_of(nanos: u64) -> usize {
    buckets::index(nanos)
}

/// Returns the duration in nanoseconds that stands for a bucket.
pub fn bucket_middle(bucket: usize) -> u64 {
    buckets::middle(bucket)
}

/// Returns the identity of the shared tier, the same in all processes that share it: one of them follows the change streams for all.
pub fn fleet(handle: &Fastness) -> Option<String> {
    handle.fleet()
}

/// Invalidates all of these patterns in one record.
pub async fn announce(handle: &Fastness, patterns: Vec<Pattern>) -> Reach {
    let mut record = Record::default();
    for pattern in patterns {
        record.push(pattern.scope, pattern.root);
    }
    handle.announce(record).await
}
