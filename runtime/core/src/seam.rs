//! The seam: what `fastness-mongo`, a crate of the same version, uses of this one beside its public API.
//!
//! May use: `clock`, `codec`, `handle`, `key`, `log`, `sync`, `timed`.
//!
//! Each item has its reason beside it. Nothing else of this crate may be public for the sake of another.

// The derive reads a field's value and writes it as a key has it, by the same traits as arguments of cached functions.
pub use crate::key::arg::{Arg, DisplayArg, Unfit};
pub use crate::key::args::{digest, lower};

// A change of a document becomes the patterns of an invalidation; a fleet is named by a hash that is the same in every build.
pub use crate::key::Pattern;
pub use crate::key::scopes::hash;

// Whatever waits does so on the injected timer, and nothing else reads the time of the day.
pub use crate::clock::{nanos, pause, time_of_day};

// Locks are loom's in its tests, and poison is ignored everywhere.
pub use crate::sync::{Mutex, lock};

// Slow queries are logged as slow functions are: one line a second for each shape.
pub use crate::timed::Gate;

// Documents have a stored form of their own, since serde does not give them back.
#[cfg(feature = "redis")]
pub use crate::codec::documents::{OwnBytes, OwnForms};
#[cfg(feature = "redis")]
pub use inventory;

use crate::clock::Clock;
use crate::handle::Fastness;
use crate::key::KeyWriter;
use crate::log::{Reach, Record};
use crate::timed::buckets;

/// The precise time of a clock in nanoseconds: operations are timed by it.
pub fn now(clock: &Clock) -> u64 {
    clock.now()
}

/// Appends text to a key as it is, colons included: a scope has literal parts between its values.
pub fn write_text(out: &mut KeyWriter, text: &str) {
    out.raw(text);
}

/// The bucket of a time in nanoseconds: histograms of slow queries are those of `#[timed]`.
pub fn bucket_of(nanos: u64) -> usize {
    buckets::index(nanos)
}

/// The time in nanoseconds that a bucket is read as.
pub fn bucket_middle(bucket: usize) -> u64 {
    buckets::middle(bucket)
}

/// The identity of the shared tier, which is the same for all processes that share it: one of them follows the changes for all.
pub fn fleet(handle: &Fastness) -> Option<String> {
    handle.fleet()
}

/// Invalidates all of these at once.
pub async fn announce(handle: &Fastness, patterns: Vec<Pattern>) -> Reach {
    let mut record = Record::default();
    for pattern in patterns {
        record.push(pattern.scope, pattern.root);
    }
    handle.announce(record).await
}
